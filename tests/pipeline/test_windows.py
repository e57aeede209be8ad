"""Restore windows, on a clock that jumps: nothing here runs in threads."""

import attrs
import pytest
import trio
from trio.testing import wait_all_tasks_blocked

from yummy.core.values import Session
from yummy.pipeline.windows import Windows
from yummy.store.world import World

LOST = Session("s", "u", None)


@pytest.fixture
def ended():
    """The sessions that were ended, and when."""
    return []


@pytest.fixture
async def windows(autojump_clock, nursery, ended):
    """Windows of ten seconds over a world with one lost session."""
    world = World()
    world.put_session("s", LOST)
    windows = Windows(world, 10, lambda session_id: ended.append((session_id, trio.current_time())))
    nursery.start_soon(windows.run)
    return windows


async def test_a_session_that_nobody_comes_back_for_ends(autojump_clock, windows, ended):
    start = trio.current_time()
    windows.open(LOST)

    await trio.sleep_until(start + 9.9)
    assert [] == ended
    await trio.sleep_until(start + 10.1)

    assert [("s", start + 10)] == ended


async def test_a_session_that_came_back_stays(autojump_clock, windows, ended):
    windows.open(LOST)
    windows.world.put_session("s", attrs.evolve(LOST, connection=7))

    await trio.sleep_until(trio.current_time() + 20)

    assert [] == ended


async def test_a_session_that_is_lost_again_has_a_whole_window(autojump_clock, windows, ended):
    start = trio.current_time()
    windows.open(LOST)
    await trio.sleep_until(start + 5)
    again = Session("s", "u", None)
    windows.world.put_session("s", again)
    windows.open(again)

    await trio.sleep_until(start + 20)

    assert [("s", start + 15)] == ended


async def test_a_window_of_no_length_ends_at_once(autojump_clock, windows, ended):
    windows.length = 0
    windows.open(LOST)
    await wait_all_tasks_blocked()

    assert ["s"] == [session_id for session_id, _ in ended]


async def test_a_session_in_the_game_ends_with_its_window(autojump_clock, game):
    game.nursery.start_soon(game.windows.run)
    ada, bob, room_id = await game.players("ada", "bob")
    await ada.intake.finish("closed")
    await trio.sleep_until(trio.current_time() + 9)
    assert [] == bob.events

    await trio.sleep_until(trio.current_time() + 2)

    assert [{"type": "UserDisconnectedFromRoom", "user_id": ada.user_id, "room_id": room_id}] == bob.events
    assert [bob.session_id] == list(game.world.sessions)
