"""Turns: one holder at a time, first come, first served."""

import pytest
import trio
from trio.testing import wait_all_tasks_blocked

from yummy.pipeline import turns as module
from yummy.pipeline.turns import Turns, TurnStatistics, Withdrawn
from yummy.pipeline.unit import UnitOfWork
from yummy.store.world import World

KEY = ("room", "r")


@pytest.fixture
def turns():
    """No turn is held."""
    return Turns()


def unit():
    return UnitOfWork(World())


async def test_a_free_turn_is_taken_without_waiting(turns):
    mine = unit()
    assert turns.free([KEY])

    with trio.CancelScope() as scope:
        scope.cancel()
        await turns.take(KEY, mine)  # no checkpoint: the cancellation finds nothing to interrupt

    assert (mine, False, True) == (turns.holder(KEY), turns.free([KEY]), turns.free([("room", "other")]))
    turns.release(KEY)
    assert (None, 0) == (turns.holder(KEY), turns.statistics().held)


async def test_turns_come_in_the_order_of_asking(turns, nursery):
    order = []

    async def ask(name):
        await turns.take(KEY, unit())
        order.append(name)
        await trio.lowlevel.checkpoint()
        turns.release(KEY)

    await turns.take(KEY, unit())
    for name in "abc":
        nursery.start_soon(ask, name)
        await wait_all_tasks_blocked()
    assert ([], 3) == (order, turns.statistics().waiting)

    turns.release(KEY)
    await wait_all_tasks_blocked()

    assert (["a", "b", "c"], 0) == (order, turns.statistics().held)


async def test_who_is_cancelled_while_waiting_does_not_hold_it(turns, nursery):
    scope, reached = trio.CancelScope(), []

    async def give_up():
        with scope:
            await turns.take(KEY, unit())
            reached.append("given up")

    async def wait():
        await turns.take(KEY, unit())
        reached.append("waited")
        turns.release(KEY)

    await turns.take(KEY, unit())
    nursery.start_soon(give_up)
    await wait_all_tasks_blocked()
    nursery.start_soon(wait)
    await wait_all_tasks_blocked()
    scope.cancel()
    await wait_all_tasks_blocked()
    turns.release(KEY)
    await wait_all_tasks_blocked()

    assert (["waited"], 0) == (reached, turns.statistics().held)


async def test_who_is_cancelled_after_the_turn_was_given_still_has_it(turns, nursery):
    scope, mine = trio.CancelScope(), unit()

    async def take():
        with scope:
            await turns.take(KEY, mine)

    await turns.take(KEY, unit())
    nursery.start_soon(take)
    await wait_all_tasks_blocked()
    turns.release(KEY)
    scope.cancel()
    await wait_all_tasks_blocked()

    assert turns.holder(KEY) is mine


class Waiter:
    """Notes what it is told."""

    def __init__(self):
        self.told = []

    def resume(self, _value=None):
        self.told.append("go on")

    def throw(self, error):
        self.told.append(type(error))


async def test_who_is_withdrawn_waits_no_longer_and_the_next_one_gets_the_turn(turns):
    first, second = unit(), unit()
    waiters = Waiter(), Waiter()
    turns.take_free(KEY, unit())
    for uow, waiter in zip((first, second), waiters, strict=True):
        turns.queue(KEY, uow, waiter)

    turns.withdraw(first)
    turns.release(KEY)

    assert ([[Withdrawn], ["go on"]], second) == ([waiter.told for waiter in waiters], turns.holder(KEY))
    with pytest.raises(Withdrawn):
        turns.queue(KEY, first, waiters[0])
    turns.release(KEY)
    assert TurnStatistics(held=0, waiting=0) == turns.statistics()


async def test_who_is_withdrawn_while_it_waits_for_nothing_keeps_what_it_holds(turns):
    mine, waiter = unit(), Waiter()
    turns.queue(KEY, mine, waiter)

    turns.withdraw(mine)

    assert (["go on"], mine, True) == (waiter.told, turns.holder(KEY), mine.withdrawn)


async def test_who_watches_is_told_of_turns_that_were_given_back_since(turns):
    await turns.take(KEY, unit())
    moment = turns.watch()
    assert turns.unused_since(moment, [KEY])

    turns.release(KEY)
    later = turns.watch()

    assert (False, True) == (turns.unused_since(moment, [("room", "other"), KEY]), turns.unused_since(later, [KEY]))
    assert turns.unused_since(moment, [("room", "other")])


async def test_what_is_remembered_for_who_watches_is_bounded_and_in_doubt_it_was_used(turns, monkeypatch):
    monkeypatch.setattr(module, "RELEASES_MAX", 3)
    moment = turns.watch()
    for number in range(4):
        await turns.take(("room", number), unit())
        turns.release(("room", number))

    assert not turns.unused_since(moment, [KEY])
    assert turns.unused_since(turns.watch(), [("room", 0), KEY])
    assert len(turns._released) <= 3


async def test_nothing_is_remembered_once_nobody_watches(turns):
    turns.watch()
    turns.watch()
    turns.unwatch()
    await turns.take(KEY, unit())
    turns.release(KEY)
    assert turns._released

    turns.unwatch()
    await turns.take(KEY, unit())
    turns.release(KEY)

    assert not turns._released
