import attrs
import pytest
import trio
from trio.testing import wait_all_tasks_blocked

from yummy.transport.hub import Hub


@attrs.define(eq=False)
class Recorder:
    """An outbox that says what the hub does with it."""

    name: str
    log: list[str]
    full: bool = False
    fails: str = ""
    room: trio.Event = attrs.field(factory=trio.Event)

    def flush(self) -> bool:
        self.log.append(f"flush {self.name}")
        if self.fails == "flush":
            raise ValueError("bug")
        return not self.full

    async def drain(self) -> None:
        if self.fails == "drain":
            raise ValueError("bug")
        await self.room.wait()
        self.log.append(f"drained {self.name}")

    def fail(self) -> None:
        self.log.append(f"failed {self.name}")


async def test_what_one_batch_marks_is_written_in_one_round(nursery):
    hub, log = Hub(), []
    await nursery.start(hub.run)
    for name in "abc":
        hub.mark(Recorder(name, log))
    await wait_all_tasks_blocked()
    assert ["flush a", "flush b", "flush c"] == log
    assert (1, 3) == (hub.rounds, hub.flushes)
    hub.mark(Recorder("d", log))
    await wait_all_tasks_blocked()
    assert (2, 4) == (hub.rounds, hub.flushes)


async def test_what_was_marked_before_the_hub_runs_is_written(nursery):
    hub, log = Hub(), []
    hub.mark(Recorder("a", log))
    await nursery.start(hub.run)
    await wait_all_tasks_blocked()
    assert ["flush a"] == log


async def test_nobody_waits_for_a_full_one(nursery):
    hub, log = Hub(), []
    await nursery.start(hub.run)
    full = Recorder("full", log, full=True)
    hub.mark(full)
    hub.mark(Recorder("other", log))
    await wait_all_tasks_blocked()
    assert ["flush full", "flush other"] == log
    full.room.set()
    await wait_all_tasks_blocked()
    assert "drained full" == log[-1]


async def test_others_get_their_turn_between_many_flushes(nursery):
    hub, log = Hub(), []
    await nursery.start(hub.run)

    async def other():
        for _ in range(5):
            await trio.lowlevel.checkpoint()
            log.append("other")

    for _ in range(1000):
        hub.mark(Recorder("x", log))
    nursery.start_soon(other)
    await wait_all_tasks_blocked()
    assert 1000 == log.count("flush x")
    assert log.index("other") < len(log) - 6


async def test_one_that_fails_costs_nobody_else(nursery):
    hub, log = Hub(), []
    await nursery.start(hub.run)
    hub.mark(Recorder("a", log, fails="flush"))
    hub.mark(Recorder("b", log, full=True, fails="drain"))
    hub.mark(Recorder("c", log))
    await wait_all_tasks_blocked()
    assert {"failed a", "failed b", "flush c"} <= set(log)
    hub.mark(Recorder("d", log))
    await wait_all_tasks_blocked()
    assert "flush d" == log[-1]


async def test_what_is_marked_while_somebody_gathers_is_written_by_them(nursery):
    hub, log = Hub(), []
    await nursery.start(hub.run)
    await wait_all_tasks_blocked()
    hub.gather()
    hub.mark(Recorder("a", log))
    hub.mark(Recorder("b", log))
    assert [] == log
    hub.write()
    assert (["flush a", "flush b"], 1, 2) == (log, hub.rounds, hub.flushes)
    await wait_all_tasks_blocked()
    hub.mark(Recorder("c", log))
    await wait_all_tasks_blocked()
    assert ["flush a", "flush b", "flush c"] == log


async def test_who_gathers_nothing_writes_nothing(nursery):
    hub = Hub()
    await nursery.start(hub.run)
    await wait_all_tasks_blocked()
    hub.gather()
    hub.write()
    assert (0, 0) == (hub.rounds, hub.flushes)


async def test_one_that_is_full_or_fails_while_somebody_gathers_costs_nobody_else(nursery):
    hub, log = Hub(), []
    await nursery.start(hub.run)
    await wait_all_tasks_blocked()
    full = Recorder("full", log, full=True)
    hub.gather()
    for one in (full, Recorder("bad", log, fails="flush"), Recorder("other", log)):
        hub.mark(one)
    hub.write()
    assert ["flush full", "flush bad", "failed bad", "flush other"] == log
    full.room.set()
    await wait_all_tasks_blocked()
    assert "drained full" == log[-1]


async def test_what_was_marked_before_is_written_with_what_is_gathered_and_in_order(nursery):
    """Who has to write it already is not to be overtaken."""
    hub, log = Hub(), []
    await nursery.start(hub.run)
    await wait_all_tasks_blocked()
    hub.mark(Recorder("a", log))
    hub.gather()
    hub.mark(Recorder("b", log))
    hub.write()
    assert [] == log
    await wait_all_tasks_blocked()
    assert (["flush a", "flush b"], 1) == (log, hub.rounds)


async def test_much_that_is_gathered_is_written_in_turns(nursery):
    hub, log = Hub(), []
    await nursery.start(hub.run)
    await wait_all_tasks_blocked()
    hub.gather()
    for _ in range(1000):
        hub.mark(Recorder("x", log))
    hub.write()
    assert [] == log
    await wait_all_tasks_blocked()
    assert 1000 == len(log)


@pytest.mark.parametrize("begins", [False, True])
async def test_what_is_gathered_when_nobody_writes_stays_marked(begins):
    """Before the hub begins, and after its end."""
    hub, log = Hub(), []
    async with trio.open_nursery() as nursery:
        if begins:
            await nursery.start(hub.run)
            await wait_all_tasks_blocked()
        nursery.cancel_scope.cancel()
    hub.gather()
    hub.mark(Recorder("a", log))
    hub.write()
    assert [] == log
    async with trio.open_nursery() as nursery:
        await nursery.start(hub.run)
        await wait_all_tasks_blocked()
        nursery.cancel_scope.cancel()
    assert ["flush a"] == log
