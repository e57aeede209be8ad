"""The game as its players see it: tests of the script beside it, written with Yummy's test kit.

Run them with `pytest examples/tic_tac_toe`. The server does not take files named `test_...` for scripts.
"""

import pytest

from yummy.constants import RoomInfoType

# The fixture `yummy_game` is a game with the scripts of this folder.
pytestmark = pytest.mark.yummy(hooks=".")

TAG = "tic-tac-toe"


async def sit_down(ann, bob):
    """Let two players begin a game that the first one opens; return the room's id."""
    room_id = (await ann.push("CreateRoom", tags=[TAG])).room_id
    await bob.push("JoinToRoom", room_id=room_id)
    # What they hear of that is another test's business.
    await ann.events()
    await bob.events()
    return room_id


async def play(room_id, players, cells):
    """Play cells in turns; return what everybody is told last."""
    told = None
    for number, cell in enumerate(cells):
        mover, other = players[number % 2], players[(number + 1) % 2]
        await mover.push("Play", room_id=room_id, message={"cell": cell})
        told = await mover.expect_event("MessageFromRoom", message={"event": "move", "cell": cell})
        await other.expect_event("Play", user_id=mover.user_id, message={"cell": cell})
        await other.expect_event("MessageFromRoom", message=told.message)
    return told.message


async def refused(player, room_id, message, code):
    player.push("Play", room_id=room_id, message=message)
    await player.expect_failure(code)


async def test_who_opens_a_table_waits_and_who_joins_it_begins_the_game(yummy_game):
    ann, bob = await yummy_game.player("ann"), await yummy_game.player("bob")
    await ann.push("CreateRoom", tags=[TAG])
    opened = await ann.expect_event("MessageFromRoom", message={"event": "open", "status": "waiting", "turn": None})
    await bob.push("JoinToRoom", room_id=opened.room_id)
    await ann.expect_event("JoinToRoom", user_id=bob.user_id)
    start = {"event": "start", "status": "playing", "players": [ann.user_id, bob.user_id], "turn": ann.user_id}
    for player in (ann, bob):
        await player.expect_event("MessageFromRoom", message=start)
        await player.expect_no_event()


@pytest.mark.parametrize("encoding", ["msgpack", "json"])
async def test_a_table_is_for_two_whatever_its_owner_asked_for(yummy_game, encoding):
    ann, eve = await yummy_game.player("ann", encoding=encoding), await yummy_game.player("eve", encoding=encoding)
    asked = {"tags": [TAG, "other"], "max_user": 9, "join_request": True, "metas": {"board": "mine"}}
    room_id = (await ann.push("CreateRoom", **asked)).room_id
    room = await yummy_game.room(room_id)
    assert (room.tags, room.max_user, room.join_request, room.metas["board"]) == ((TAG,), 2, False, [""] * 9)
    listed = (await eve.push("RoomList", tag=TAG)).rooms
    assert [room_id] == [table["id"] for table in listed]
    assert TAG not in listed[0]["metas"], "the mark is for scripts only"


async def test_three_in_a_row_win_and_end_the_game(yummy_game):
    ann, bob = await yummy_game.player("ann"), await yummy_game.player("bob")
    room_id = await sit_down(ann, bob)
    end = await play(room_id, (ann, bob), [0, 3, 1, 4, 2])
    assert (end["status"], end["winner"], end["line"], end["turn"]) == ("won", ann.user_id, [0, 1, 2], None)
    await refused(bob, room_id, {"cell": 8}, "game_over")


async def test_a_full_board_is_a_draw(yummy_game):
    ann, bob = await yummy_game.player("ann"), await yummy_game.player("bob")
    end = await play(await sit_down(ann, bob), (ann, bob), [0, 1, 2, 4, 3, 5, 7, 6, 8])
    assert (end["status"], end["winner"], end["turn"]) == ("draw", None, None)


async def test_a_rematch_needs_both_and_the_other_one_begins(yummy_game):
    ann, bob = await yummy_game.player("ann"), await yummy_game.player("bob")
    room_id = await sit_down(ann, bob)
    await refused(ann, room_id, {"rematch": True}, "no_rematch")
    await play(room_id, (ann, bob), [0, 3, 1, 4, 2])
    await bob.push("Play", room_id=room_id, message={"rematch": True})
    await bob.expect_event("MessageFromRoom", message={"event": "rematch", "rematch": [bob.user_id], "status": "won"})
    await ann.push("Play", room_id=room_id, message={"rematch": True})
    again = {"event": "start", "players": [bob.user_id, ann.user_id], "turn": bob.user_id, "board": [""] * 9}
    await bob.expect_event("Play", message={"rematch": True})
    await bob.expect_event("MessageFromRoom", message=again)


async def test_a_move_that_breaks_the_rules_is_refused_and_nobody_hears_of_it(yummy_game):
    ann, bob, eve = [await yummy_game.player(name) for name in ("ann", "bob", "eve")]
    room_id = (await ann.push("CreateRoom", tags=[TAG])).room_id
    await refused(ann, room_id, {"cell": 0}, "waiting")
    await bob.push("JoinToRoom", room_id=room_id)
    eve.push("JoinToRoom", room_id=room_id)
    await eve.expect_failure("room_full")
    await ann.events()
    await bob.events()

    await refused(bob, room_id, {"cell": 0}, "not_your_turn")
    await refused(eve, room_id, {"cell": 0}, "not_a_player")
    await refused(ann, room_id, {"cell": 9}, "no_such_cell")
    await refused(ann, room_id, {"cell": "0"}, "no_such_cell")
    for nonsense in (None, 4, "4", [4], {}, {"rematch": 1}):
        await refused(ann, room_id, nonsense, "no_move")
    for player in (ann, bob, eve):
        await player.expect_no_event()

    await play(room_id, (ann, bob), [4])
    await refused(bob, room_id, {"cell": 4}, "cell_taken")
    assert (await yummy_game.room(room_id)).metas["board"] == ["", "", "", "", "X", "", "", "", ""]


async def test_who_leaves_gives_the_game_away_and_the_next_one_can_join(yummy_game):
    ann, bob, cem = [await yummy_game.player(name) for name in ("ann", "bob", "cem")]
    room_id = await sit_down(ann, bob)
    await play(room_id, (ann, bob), [4])
    await ann.push("RoomDisconnect", room_id=room_id)
    await bob.expect_event("UserDisconnectedFromRoom", user_id=ann.user_id)
    left = {"event": "left", "user_id": ann.user_id, "awarded_to": bob.user_id, "status": "waiting"}
    await bob.expect_event("MessageFromRoom", message={**left, "players": [bob.user_id], "board": [""] * 9})
    await cem.push("JoinToRoom", room_id=room_id)
    start = {"event": "start", "players": [bob.user_id, cem.user_id], "turn": bob.user_id}
    await cem.expect_event("MessageFromRoom", message=start)


async def test_who_comes_back_in_time_finds_the_game(yummy_game):
    ann, bob = await yummy_game.player("ann"), await yummy_game.player("bob")
    room_id = await sit_down(ann, bob)
    await play(room_id, (ann, bob), [4])
    await bob.drop()
    await yummy_game.advance(9)
    restored = await bob.restore()
    assert (restored.restored, restored.rooms) == (True, [room_id])
    metas = (await bob.push("GetRoom", room_id=room_id, members=[RoomInfoType.METAS])).metas
    assert (metas["turn"], metas["board"][4]) == (bob.user_id, "X")
    await play(room_id, (bob, ann), [0])


async def test_who_is_gone_for_too_long_gives_the_game_away(yummy_game):
    ann, bob = await yummy_game.player("ann"), await yummy_game.player("bob")
    room_id = await sit_down(ann, bob)
    await bob.drop()
    await yummy_game.advance(9.9)
    await ann.expect_no_event()
    await yummy_game.advance(0.1)
    await ann.expect_event("UserDisconnectedFromRoom", user_id=bob.user_id)
    await ann.expect_event("MessageFromRoom", message={"event": "left", "awarded_to": ann.user_id})
    assert (await yummy_game.room(room_id)).metas["status"] == "waiting"


async def test_logging_out_is_leaving(yummy_game):
    ann, bob = await yummy_game.player("ann"), await yummy_game.player("bob")
    await sit_down(ann, bob)
    await bob.push("Logout")
    await ann.expect_event("UserDisconnectedFromRoom")
    await ann.expect_event("MessageFromRoom", message={"event": "left", "awarded_to": ann.user_id})


async def test_leaving_with_one_of_two_devices_is_not_leaving(yummy_game):
    ann, phone, desk = [await yummy_game.player(name) for name in ("ann", "bob", "bob")]
    room_id = await sit_down(ann, phone)
    assert (await desk.push("JoinToRoom", room_id=room_id)).metas["status"] == "playing"
    await phone.push("RoomDisconnect", room_id=room_id)
    assert (await play(room_id, (ann, desk), [4, 0]))["status"] == "playing"


@pytest.mark.parametrize(
    "change",
    [{"metas": {"turn": "mine"}}, {"meta_action": 2}, {"tags": []}, {"max_user": 3}, {"join_request": True}],
    ids=str,
)
async def test_the_owner_can_change_the_name_but_not_the_game(yummy_game, change):
    ann, bob = await yummy_game.player("ann"), await yummy_game.player("bob")
    room_id = await sit_down(ann, bob)
    await ann.push("UpdateRoom", room_id=room_id, name="Final")
    ann.push("UpdateRoom", room_id=room_id, **change)
    await ann.expect_failure("game_room")
    assert (await yummy_game.room(room_id)).name == "Final"


async def test_nobody_is_put_out_of_a_game_that_is_going_on(yummy_game):
    ann, bob = await yummy_game.player("ann"), await yummy_game.player("bob")
    room_id = await sit_down(ann, bob)
    ann.push("KickUserFromRoom", room_id=room_id, user_id=bob.user_id)
    await ann.expect_failure("game_on")
    await play(room_id, (ann, bob), [0, 3, 1, 4, 2])
    await ann.push("KickUserFromRoom", room_id=room_id, user_id=bob.user_id)
    assert (await ann.events())[-1].message["awarded_to"] is None


async def test_other_rooms_are_left_alone(yummy_game):
    ann, bob = await yummy_game.player("ann"), await yummy_game.player("bob")
    room_id = (await ann.push("CreateRoom", tags=["chess"], max_user=3, metas={"board": [1]})).room_id
    await bob.push("JoinToRoom", room_id=room_id)
    await ann.expect_event("JoinToRoom")
    await bob.push("Play", room_id=room_id, message={"cell": 0})
    await ann.expect_event("Play", message={"cell": 0})
    await ann.push("UpdateRoom", room_id=room_id, metas={"board": [2]}, tags=["chess", "blitz"])
    room = await yummy_game.room(room_id)
    assert (room.metas, room.max_user, room.tags) == ({"board": [2]}, 3, ("chess", "blitz"))
    await bob.push("RoomDisconnect", room_id=room_id)
    await bob.expect_no_event()


async def test_no_room_can_pretend_to_be_a_table(yummy_game):
    ann = await yummy_game.player("ann")
    ann.push("CreateRoom", metas={TAG: True})
    await ann.expect_failure("reserved")
    room_id = (await ann.push("CreateRoom")).room_id
    for change in ({"metas": {TAG: True}}, {"tags": [TAG]}):
        ann.push("UpdateRoom", room_id=room_id, **change)
        await ann.expect_failure("reserved")
