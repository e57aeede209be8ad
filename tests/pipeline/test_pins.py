"""A message holds on to one revision of the scripts from its pre to its post, and lets go of it however it ends."""

import pytest
import structlog
import trio
from trio.testing import wait_all_tasks_blocked

from yummy.hooks.calls import Crashed, Failed, HooksBusy, Passed
from yummy.pipeline.driver import Driver


def busy(_call):
    raise HooksBusy


def fault(_call):
    raise RuntimeError("a fault")


@pytest.fixture
async def room(game):
    """Ada and Bob in a room."""
    return await game.players("ada", "bob")


@pytest.fixture
def seen(game):
    """How often the revision was held while each hook ran; asserts that it no longer is in the end."""
    seen = []
    yield seen
    assert 0 == game.hooks.pinned


def watched(game, seen, outcome=None):
    """A hook that looks whether its revision is held."""

    def hook(call):
        seen.append(game.hooks.pinned)
        return outcome(call) if callable(outcome) else outcome

    return hook


@pytest.mark.parametrize("half", ["pre", "post"])
@pytest.mark.parametrize(
    "outcome",
    [None, Failed("no", "mine"), Crashed("hook_error", ""), Crashed("hook_timeout", ""), busy, fault],
    ids=["passes", "fails", "crashes", "is late", "finds no place", "is our fault"],
)
async def test_it_is_held_once_and_let_go_of_when_a_hook(game, room, seen, half, outcome):
    ada, _, room_id = room
    game.hooks[f"{half}_play"] = watched(game, seen, outcome)
    with structlog.testing.capture_logs():
        answer = await ada.ask("Play", room_id=room_id, message=1)
    assert (outcome is None) == answer["status"]
    assert [1] == seen


async def test_it_is_let_go_of_when_core_refuses(game, room, seen):
    ada, _, room_id = room
    game.hooks["pre_join_to_room"] = game.hooks["post_join_to_room"] = watched(game, seen)
    assert "already_in_room" == await ada.refused("JoinToRoom", room_id=room_id)
    assert [1, 1] == seen


async def test_it_is_let_go_of_when_a_script_set_what_it_must_not(game, room, seen):
    ada, _, room_id = room
    game.hooks["pre_play"] = watched(game, seen, Passed({"room_id": "other"}, ()))
    assert "hook_error" == await ada.refused("Play", room_id=room_id, message=1)


async def test_it_is_let_go_of_when_the_store_fails(game, seen):
    game.hooks["pre_deviceid_auth"] = game.hooks["post_deviceid_auth"] = watched(game, seen)
    game.store.broken = True
    assert "storage_failed" == await game.connect().refused("AuthDeviceId", id="device-of-ada")
    assert [1, 1] == seen


async def test_a_login_holds_it_for_the_session_that_begins_within_it_too(game, seen):
    for name in ("deviceid_auth", "user_connected"):
        game.hooks[f"pre_{name}"] = game.hooks[f"post_{name}"] = watched(game, seen)
    await game.player("ada")
    assert [1, 1, 1, 1] == seen


@pytest.mark.parametrize("outcome", [None, Failed("no", "mine"), fault], ids=["passes", "fails", "is our fault"])
@pytest.mark.parametrize("half", ["pre", "post"])
async def test_a_farewell_holds_its_own_and_lets_go_of_it_when_a_hook(game, room, seen, half, outcome):
    _, bob, _ = room
    game.hooks[f"{half}_user_disconnected"] = watched(game, seen, outcome)
    with structlog.testing.capture_logs():
        await bob.ok("Logout")
        await wait_all_tasks_blocked()
    assert [1] == seen


async def test_messages_that_wait_for_their_turn_hold_none(game, room, seen):
    ada, bob, room_id = room
    go = trio.Event()

    async def wait(call):
        await go.wait()

    game.hooks["pre_play"] = watched(game, seen, wait)
    first = ada.tell("Play", room_id=room_id, message=1)
    second = bob.tell("Play", room_id=room_id, message=2)
    await wait_all_tasks_blocked()
    # An edit meanwhile is for the second one, which has not begun.
    assert 1 == game.hooks.pinned
    go.set()
    await ada.quiet()
    await bob.quiet()
    assert ada.answer(first)["status"]
    assert bob.answer(second)["status"]
    assert [1, 1] == seen


async def test_it_is_let_go_of_when_the_server_ends_in_the_midst(game, room, seen):
    ada, _, room_id = room

    async def for_ever(call):
        await trio.sleep_forever()

    game.hooks["pre_play"] = watched(game, seen, for_ever)
    async with trio.open_nursery() as server:
        ada.intake.driver = Driver(server)
        server.start_soon(ada.intake.driver.run)
        ada.tell("Play", room_id=room_id, message=1)
        await wait_all_tasks_blocked()
        assert 1 == game.hooks.pinned
        server.cancel_scope.cancel()
