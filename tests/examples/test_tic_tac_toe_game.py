"""Whole games over the real server."""

import subprocess
import sys
from contextlib import asynccontextmanager
from pathlib import Path
from uuid import uuid4

import pytest
import trio

from yummy.client import Reconnect, RequestFailed, Restored, connect
from yummy.constants import RoomInfoType

EXAMPLE = Path(__file__).parents[2] / "examples" / "tic_tac_toe"
TAG = "tic-tac-toe"


@asynccontextmanager
async def player(server, name, form="msgpack"):
    async with connect(server.url, format=form, reconnect=Reconnect(first=0.0)) as client:
        await client.authenticate_device(f"{name}-{uuid4()}")
        await client.update_user(name=name)
        yield client


async def told(client):
    """What the script says next."""
    return (await client.next_event("MessageFromRoom"))["message"]


async def sit_down(ann, bob):
    """Let two players begin a game that Ann opens."""
    room_id = (await ann.create_room(tags=[TAG]))["room_id"]
    assert (await told(ann))["status"] == "waiting"
    await bob.join(room_id)
    for client in (ann, bob):
        start = await told(client)
        assert (start["event"], start["status"], start["turn"]) == ("start", "playing", ann.user_id)
    return room_id


async def play(room_id, players, cells):
    """Play cells in turns; return what both are told last."""
    message = None
    for number, cell in enumerate(cells):
        mover, other = players[number % 2], players[(number + 1) % 2]
        await mover.play(room_id, {"cell": cell})
        message = await told(mover)
        assert message == await told(other)
        assert message["board"][cell] == "XO"[number % 2]
    return message


@pytest.mark.parametrize("form", ["msgpack", "json"])
async def test_a_game_from_the_lobby_to_the_rematch(server, form):
    async with player(server, "Ann", form) as ann, player(server, "Bob", form) as bob:
        room_id = (await ann.create_room(name="Ann's", tags=[TAG, "x"], max_user=9, metas={"board": "mine"}))["room_id"]
        listed = (await bob.rooms(tag=TAG))["rooms"]
        table = next(room for room in listed if room["id"] == room_id)
        assert (table["max-user"], table["tags"], table["metas"]["status"]) == (2, [TAG], "waiting")
        assert TAG not in table["metas"]
        await told(ann)
        await bob.join(room_id)
        assert (await told(ann)) == (await told(bob))

        end = await play(room_id, (ann, bob), [0, 3, 1, 4, 2])
        assert (end["status"], end["winner"], end["line"], end["turn"]) == ("won", ann.user_id, [0, 1, 2], None)
        moves = [(await bob.next_event("Play"))["message"] for _ in range(3)]
        assert moves == [{"cell": 0}, {"cell": 1}, {"cell": 2}]
        with pytest.raises(RequestFailed) as caught:
            await bob.play(room_id, {"cell": 8})
        assert caught.value.code == "game_over"

        await bob.play(room_id, {"rematch": True})
        asked = await told(ann)
        assert (asked["event"], asked["rematch"], asked["status"]) == ("rematch", [bob.user_id], "won")
        assert await told(bob) == asked
        await ann.play(room_id, {"rematch": True})
        again = await told(bob)
        assert (again["event"], again["turn"], again["players"]) == ("start", bob.user_id, [bob.user_id, ann.user_id])
        assert await told(ann) == again

        end = await play(room_id, (bob, ann), [0, 1, 2, 4, 3, 5, 7, 6, 8])
        assert (end["status"], end["winner"], end["turn"]) == ("draw", None, None)


async def test_illegal_moves_are_refused_and_the_other_player_hears_nothing(server):
    async with player(server, "Ann") as ann, player(server, "Bob") as bob, player(server, "Eve") as eve:
        room_id = (await ann.create_room(tags=[TAG]))["room_id"]
        await told(ann)

        async def refused(client, message):
            with pytest.raises(RequestFailed) as caught:
                await client.play(room_id, message)
            return caught.value.code

        assert await refused(ann, {"cell": 0}) == "waiting"
        await bob.join(room_id)
        await told(ann), await told(bob)
        assert await refused(bob, {"cell": 0}) == "not_your_turn"
        assert await refused(eve, {"cell": 0}) == "not_a_player"
        assert await refused(ann, {"cell": 9}) == "no_such_cell"
        assert await refused(ann, {"cell": "0"}) == "no_such_cell"
        assert await refused(ann, {"rematch": True}) == "no_rematch"
        for nonsense in (None, 4, "4", [4], {}, {"rematch": 1}):
            assert await refused(ann, nonsense) == "no_move"
        message = await play(room_id, (ann, bob), [4])
        assert await refused(bob, {"cell": 4}) == "cell_taken"
        assert message["board"] == ["", "", "", "", "X", "", "", "", ""]
        assert (await bob.next_event("Play"))["message"] == {"cell": 4}
        assert len(ann._line.events) == 1, "only Bob's arrival is left"
        with pytest.raises(RequestFailed) as caught:
            await eve.join(room_id)
        assert caught.value.code == "room_full"


async def test_who_leaves_gives_the_game_away_and_the_next_one_can_join(server):
    async with player(server, "Ann") as ann, player(server, "Bob") as bob, player(server, "Cem") as cem:
        room_id = await sit_down(ann, bob)
        await play(room_id, (ann, bob), [4])
        await ann.leave(room_id)
        left = await told(bob)
        assert (left["event"], left["user_id"], left["awarded_to"]) == ("left", ann.user_id, bob.user_id)
        assert (left["status"], left["players"], left["board"]) == ("waiting", [bob.user_id], [""] * 9)
        await cem.join(room_id)
        start = await told(cem)
        assert (start["event"], start["players"], start["turn"]) == ("start", [bob.user_id, cem.user_id], bob.user_id)


async def test_who_is_gone_for_too_long_gives_the_game_away_too(server):
    async with player(server, "Ann") as ann:
        async with player(server, "Bob") as bob:
            room_id = await sit_down(ann, bob)
            gone = bob.user_id
        left = await told(ann)
        assert (left["event"], left["user_id"], left["awarded_to"]) == ("left", gone, ann.user_id)
        room = await ann.get_room(room_id, [RoomInfoType.METAS])
        assert room["metas"]["status"] == "waiting"


async def test_logging_out_is_leaving(server):
    async with player(server, "Ann") as ann, player(server, "Bob") as bob:
        await sit_down(ann, bob)
        await bob.logout()
        assert (await told(ann))["event"] == "left"


async def test_leaving_with_one_of_two_devices_is_not_leaving(server):
    async with player(server, "Ann") as ann, connect(server.url) as phone, connect(server.url) as desk:
        device = f"bob-{uuid4()}"
        await phone.authenticate_device(device)
        await desk.authenticate_device(device)
        room_id = await sit_down(ann, phone)
        assert (await desk.join(room_id))["metas"]["status"] == "playing"
        await phone.leave(room_id)
        message = await play(room_id, (ann, desk), [4, 0])
        assert message["status"] == "playing"


async def test_a_restored_connection_finds_the_game_in_the_room(server):
    async with player(server, "Ann") as ann, player(server, "Bob") as bob:
        room_id = await sit_down(ann, bob)
        await play(room_id, (ann, bob), [4])
        await trio.aclose_forcefully(bob._line._link._socket._stream)
        restored = await bob.next_event(Restored)
        assert (restored.restored, restored.rooms) == (True, (room_id,))
        room = await bob.get_room(room_id, [RoomInfoType.METAS])
        assert (room["metas"]["turn"], room["metas"]["board"][4]) == (bob.user_id, "X")
        await play(room_id, (bob, ann), [])
        await bob.play(room_id, {"cell": 0})
        assert (await told(ann))["board"][0] == "O"


async def test_the_owner_can_change_the_name_but_not_the_game(server):
    async with player(server, "Ann") as ann, player(server, "Bob") as bob:
        room_id = await sit_down(ann, bob)
        await ann.update_room(room_id, name="Final")
        for change in (
            {"metas": {"turn": ann.user_id}},
            {"meta_action": 2},
            {"tags": []},
            {"max_user": 3},
            {"join_request": True},
        ):
            with pytest.raises(RequestFailed) as caught:
                await ann.update_room(room_id, **change)
            assert caught.value.code == "game_room"
        with pytest.raises(RequestFailed) as caught:
            await ann.kick(room_id, bob.user_id)
        assert caught.value.code == "game_on"
        await play(room_id, (ann, bob), [0, 3, 1, 4, 2])
        await ann.kick(room_id, bob.user_id)
        left = await told(ann)
        assert (left["event"], left["awarded_to"]) == ("left", None)


async def test_other_rooms_are_left_alone(server):
    async with player(server, "Ann") as ann, player(server, "Bob") as bob:
        room_id = (await ann.create_room(tags=["chess"], max_user=3, metas={"board": [1]}))["room_id"]
        await bob.join(room_id)
        await bob.play(room_id, {"cell": 0})
        assert (await ann.next_event("Play"))["message"] == {"cell": 0}
        await ann.update_room(room_id, metas={"board": [2]}, tags=["chess", "blitz"])
        await bob.play(room_id, "anything")
        room = await bob.get_room(room_id)
        assert (room["metas"], room["max-user"]) == ({"board": [2]}, 3)
        await bob.leave(room_id)
        assert len(bob._line.events) == 0


async def test_no_room_can_pretend_to_be_a_table(server):
    async with player(server, "Ann") as ann:
        with pytest.raises(RequestFailed) as caught:
            await ann.create_room(metas={TAG: True})
        assert caught.value.code == "reserved"
        room_id = (await ann.create_room())["room_id"]
        for change in ({"metas": {TAG: True}}, {"tags": [TAG]}):
            with pytest.raises(RequestFailed) as caught:
                await ann.update_room(room_id, **change)
            assert caught.value.code == "reserved"


async def run_program(name, *arguments, typed=""):
    return await trio.run_process(
        [sys.executable, EXAMPLE / name, *arguments],
        stdin=typed.encode(),
        capture_stdout=True,
        stderr=subprocess.STDOUT,
        check=False,
    )


async def test_two_perfect_bots_draw(server):
    outputs = []

    async def run(name):
        done = await run_program("bot.py", "--server", server.url, "--name", name, "--games", "2", "--pause", "0")
        outputs.append((done.returncode, done.stdout.decode()))

    with trio.fail_after(60):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(run, "Robin")
            nursery.start_soon(run, "Rob")
    for code, output in outputs:
        assert (code, output.count(": draw")) == (0, 2), output


async def test_the_terminal_player_says_what_happens(server):
    with trio.fail_after(60):
        done = await run_program("play.py", "--server", server.url, "--name", "Tess", typed="n\n1\nx\nq\nq\n")
    output = done.stdout.decode()
    assert done.returncode == 0, output
    assert "Waiting for another player" in output
    assert "Nobody to play against yet" in output
    assert "I know 1 to 9" in output


async def test_programs_say_when_there_is_no_server():
    for program in ("bot.py", "play.py"):
        done = await run_program(program, "--server", "ws://127.0.0.1:1", "--name", "Ann")
        assert (done.returncode, "nobody answers at ws://127.0.0.1:1" in done.stdout.decode()) == (1, True)


@pytest.mark.parametrize("begins", [True, False])
def test_a_perfect_bot_never_loses(bot, begins):
    lost = []

    def explore(board, mark, bots_turn):
        if any(board[a] and board[a] == board[b] == board[c] for a, b, c in bot.LINES):
            if not bots_turn:
                return
            lost.append(board)
            return
        free = bot.free_cells(board)
        for cell in [bot.perfect(board, mark)] if bots_turn and free else free:
            explore(bot.put(board, cell, mark), bot.other(mark), not bots_turn)

    explore(("",) * 9, "X", begins)
    assert lost == []
