"""Messages that get in each other's way, made to do so: nothing that was acknowledged is lost."""

import pytest
import trio
import trio.testing

from yummy.hooks.calls import Failed, KickFromRoom, Passed, RemoveRoomMetas, SetRoomMeta, SetUserMeta


async def rooms_of_two(game):
    """Ada in a room of her own, Bob in his."""
    ada, bob = await game.player("ada"), await game.player("bob")
    here = (await ada.ok("CreateRoom"))["room_id"]
    there = (await bob.ok("CreateRoom"))["room_id"]
    return ada, bob, here, there


@pytest.mark.parametrize(
    ("write", "expected"),
    [
        (lambda room: SetRoomMeta(room, "k", "script", 0), {"k": "client"}),
        (RemoveRoomMetas, {"k": "client"}),
    ],
)
async def test_who_has_a_turn_but_has_not_read_yet_overwrites_what_a_script_wrote_meanwhile(game, write, expected):
    ada, bob, here, there = await rooms_of_two(game)
    begun, go_on = trio.Event(), trio.Event()

    async def wait(_call):
        begun.set()
        await go_on.wait()

    game.hooks["pre_update_room"] = wait
    game.hooks["post_play"] = lambda call: Passed({}, (write(there),))
    request = bob.tell("UpdateRoom", room_id=there, metas={"k": "client"})
    await begun.wait()
    await ada.ok("Play", room_id=here, message=1)
    go_on.set()
    await bob.quiet()

    assert bob.answer(request)["status"] is True
    assert expected == (await bob.ok("GetRoom", room_id=there, members=[7]))["metas"]


async def test_who_was_kicked_by_a_script_of_another_room_and_joins_again_is_in(game):
    ada, _, here, there = await rooms_of_two(game)
    cy = await game.player("cy")
    await cy.ok("JoinToRoom", room_id=there)
    begun, go_on = trio.Event(), trio.Event()

    async def wait(_call):
        begun.set()
        await go_on.wait()

    game.hooks["pre_join_to_room"] = wait
    game.hooks["post_play"] = lambda call: Passed({}, (KickFromRoom(there, cy.user_id),))
    request = cy.tell("JoinToRoom", room_id=there)
    await begun.wait()
    await ada.ok("Play", room_id=here, message=1)
    go_on.set()
    await cy.quiet()

    assert "Joined" == cy.answer(request)["result"]
    await cy.ok("MessageToRoom", room_id=there, message=1)


async def test_what_a_script_writes_to_a_user_who_goes_offline_meanwhile_is_kept(game):
    ada, bob, here, _ = await rooms_of_two(game)
    begun, go_on = trio.Event(), trio.Event()

    async def write(call):
        await call.fetch("user", bob.user_id)
        begun.set()
        await go_on.wait()
        return Passed({}, (SetUserMeta(bob.user_id, "coins", 7, 0),))

    game.hooks["post_play"] = write
    request = ada.tell("Play", room_id=here, message=1)
    await begun.wait()
    await bob.ok("Logout")
    go_on.set()
    await ada.quiet()

    assert ada.answer(request)["status"] is True
    await bob.log_in("bob")
    assert {"coins": 7} == (await bob.ok("Me"))["metas"]


async def test_a_session_is_taken_over_only_if_the_restoring_succeeds(game):
    ada = await game.player("ada")
    other = game.connect()
    game.hooks["post_restore_token"] = lambda call: Failed("no", "no")

    assert "no" == await other.refused("RestoreToken", token=ada.token)
    assert ada.connection.closed is None
    await ada.ok("Me")

    del game.hooks.functions["post_restore_token"]
    await other.ok("RestoreToken", token=ada.token)
    assert 4003 == ada.connection.closed[0]


async def test_what_a_connection_had_not_begun_goes_on_if_its_rival_gives_up(game):
    ada = await game.player("ada")
    other = game.connect()
    begun, go_on = trio.Event(), trio.Event()

    async def refuse(_call):
        begun.set()
        await go_on.wait()
        return Failed("no", "no")

    game.hooks["post_restore_token"] = refuse
    other.tell("RestoreToken", token=ada.token)
    await begun.wait()
    request = ada.tell("Me")
    await trio.testing.wait_all_tasks_blocked()
    assert ada.answer(request) is None
    go_on.set()
    await other.quiet()
    await ada.quiet()

    assert ada.answer(request)["status"] is True


async def test_members_hear_that_a_user_has_gone_before_that_user_comes_back(game):
    ada, bob, _, there = await rooms_of_two(game)
    phone, desk = await game.player("cy"), await game.player("cy")
    await phone.ok("JoinToRoom", room_id=there)
    begun, go_on = trio.Event(), trio.Event()

    async def wait(_call):
        begun.set()
        await go_on.wait()

    game.hooks["pre_logout"] = wait
    phone.tell("Logout")
    await begun.wait()
    desk.tell("JoinToRoom", room_id=there)
    await trio.testing.wait_all_tasks_blocked()
    go_on.set()
    await desk.quiet()

    assert ["JoinToRoom", "UserDisconnectedFromRoom", "JoinToRoom"] == [event["type"] for event in bob.events]
    assert ada.connection.closed is None


async def test_when_a_hook_of_disconnecting_cannot_be_stored_the_rooms_are_told_all_the_same(game):
    ada, bob, here, _ = await rooms_of_two(game)
    await bob.ok("JoinToRoom", room_id=here)

    def write(call):
        game.store.broken = True
        return Passed({}, (SetUserMeta(call.model.user_id, "k", 1, 0),))

    game.hooks["post_user_disconnected"] = write
    await bob.ok("Logout")
    await trio.testing.wait_all_tasks_blocked()

    assert "UserDisconnectedFromRoom" == ada.events[-1]["type"]


async def test_an_answer_that_cannot_be_written_is_answered_as_a_fault_and_the_next_message_runs(game):
    ada = await game.player("ada")
    game.hooks["pre_play"] = lambda call: Failed("bad \ud800 text", "no")

    assert "internal" == await ada.refused("Play", room_id="r", message=1)
    await ada.ok("Me")
