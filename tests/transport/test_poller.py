"""The poller, over pairs of sockets: with the kernel's way of waiting for many, and without."""

import errno
import gc
import socket
from collections.abc import Callable
from functools import partial

import pytest
import trio
from attrs import define, field
from trio.testing import wait_all_tasks_blocked

from yummy.transport.hub import Hub
from yummy.transport.poller import AT_A_TIME, TURN, Poller


@define(eq=False)
class Reader:
    """One end of a pair of sockets, and what was read of it."""

    ours: socket.socket
    theirs: socket.socket
    enough: bytes = b"enough"
    taken: list[bytes] = field(factory=list)
    heard: list[bytes] = field(factory=list)
    ended: str = ""
    also: Callable[[], object] = int

    def take(self, _now):
        self.taken.append(self.ours.recv(100))
        if self.taken[-1] == b"broken":
            raise ValueError("broken")

    def deal(self):
        self.heard.append(self.taken[-1])
        self.also()
        if self.heard[-1] == b"bad":
            raise ValueError("bad")
        return self.heard[-1] == self.enough

    async def run(self, poller):
        try:
            await poller.watch(self.ours, self.take, self.deal)
            self.ended = "enough"
        except (ValueError, trio.ClosedResourceError, trio.Cancelled) as error:
            self.ended = type(error).__name__
            if isinstance(error, trio.Cancelled):
                raise


@pytest.fixture
def make_reader():
    made = []

    def make():
        ours, theirs = socket.socketpair()
        ours.settimeout(0)
        made.append(Reader(ours, theirs))
        return made[-1]

    yield make
    for one in made:
        one.ours.close()
        one.theirs.close()


@pytest.fixture(params=["together", "alone"])
async def poller(request, nursery):
    poller = Poller() if request.param == "together" else Poller(None)
    await nursery.start(poller.run)
    return poller


async def test_a_socket_is_read_whenever_something_has_come_until_it_is_enough(poller, make_reader, nursery):
    reader = make_reader()
    nursery.start_soon(reader.run, poller)
    for said in (b"one", b"two"):
        await wait_all_tasks_blocked()
        reader.theirs.send(said)
        while reader.heard[-1:] != [said]:
            await trio.lowlevel.checkpoint()
    assert not reader.ended
    reader.theirs.send(b"enough")
    while not reader.ended:
        await trio.lowlevel.checkpoint()

    reader.theirs.send(b"unread")
    await wait_all_tasks_blocked()
    assert ([b"one", b"two", b"enough"], "enough") == (reader.heard, reader.ended)


async def test_many_are_read_side_by_side_however_many_they_are(poller, make_reader, nursery):
    readers = [make_reader() for _ in range(AT_A_TIME + 20)]
    for reader in readers:
        nursery.start_soon(reader.run, poller)
        reader.theirs.send(b"enough")
    while not all(reader.ended for reader in readers):
        await trio.lowlevel.checkpoint()

    assert [[b"enough"]] * len(readers) == [reader.heard for reader in readers]


@pytest.mark.parametrize("wrong", [b"bad", b"broken"])
async def test_what_reading_raises_is_for_who_waits_and_for_nobody_else(poller, make_reader, nursery, wrong):
    bad, good = make_reader(), make_reader()
    for reader, said in ((bad, wrong), (good, b"enough")):
        nursery.start_soon(reader.run, poller)
        reader.theirs.send(said)
    while not (bad.ended and good.ended):
        await trio.lowlevel.checkpoint()

    assert ("ValueError", "enough") == (bad.ended, good.ended)


async def test_who_waits_for_a_socket_that_is_to_be_closed_is_told(poller, make_reader, nursery):
    reader = make_reader()
    poller.release(reader.ours)
    nursery.start_soon(reader.run, poller)
    await wait_all_tasks_blocked()
    poller.release(reader.ours)
    while not reader.ended:
        await trio.lowlevel.checkpoint()

    assert "ClosedResourceError" == reader.ended


async def test_a_cancelled_wait_leaves_nothing_behind(poller, make_reader):
    reader = make_reader()
    for _ in range(2):
        async with trio.open_nursery() as waiting:
            waiting.start_soon(reader.run, poller)
            await wait_all_tasks_blocked()
            waiting.cancel_scope.cancel()
        assert "Cancelled" == reader.ended
    reader.theirs.send(b"unread")
    await wait_all_tasks_blocked()

    assert ([], {}) == (reader.heard, poller._watches)


async def test_a_reading_that_ends_another_ones_wait(poller, make_reader, nursery):
    """Both have something to read in one round; the first one that is read releases the other."""
    first, second = make_reader(), make_reader()
    for reader, other in ((first, second), (second, first)):
        reader.also = partial(poller.release, other.ours)
        nursery.start_soon(reader.run, poller)
    await wait_all_tasks_blocked()
    for reader in (first, second):
        reader.theirs.send(b"x")
    while not (first.ended or second.ended):
        await trio.lowlevel.checkpoint()

    assert {"", "ClosedResourceError"} == {first.ended, second.ended}
    nursery.cancel_scope.cancel()


async def test_all_are_read_before_what_they_said_is_dealt_with(make_reader, nursery):
    """But for what was said by somebody whose waiting has ended meanwhile."""
    poller, order = Poller(), []
    readers = [make_reader() for _ in range(4)]
    for reader in readers:
        reader.taken, reader.heard = Noted(order, "take"), Noted(order, "deal")
        reader.theirs.send(b"x")
        nursery.start_soon(reader.run, poller)
        await wait_all_tasks_blocked()  # so that they are read in this order
    for reader in readers[:3]:
        reader.also = partial(poller.release, readers[3].ours)
    await wait_all_tasks_blocked()
    await nursery.start(poller.run)
    while len(order) < 7:
        await trio.lowlevel.checkpoint()
    await wait_all_tasks_blocked()

    assert ["take"] * 4 + ["deal"] * 3 == order
    assert "ClosedResourceError" == readers[3].ended
    nursery.cancel_scope.cancel()


class Noted(list):
    """A list that notes in another one when something is put into it."""

    def __init__(self, order, what):
        super().__init__()
        self.order, self.what = order, what

    def append(self, item):
        self.order.append(self.what)
        super().append(item)


async def test_a_poller_that_has_ended_is_no_burden_for_those_that_still_wait(make_reader):
    poller, reader = Poller(), make_reader()
    async with trio.open_nursery() as waiting:
        async with trio.open_nursery() as services:
            await services.start(poller.run)
            waiting.start_soon(reader.run, poller)
            await wait_all_tasks_blocked()
            services.cancel_scope.cancel()
        waiting.cancel_scope.cancel()
    gc.collect()

    assert ("Cancelled", {}) == (reader.ended, poller._watches)


async def test_who_waits_for_a_poller_that_has_ended_is_cancelled_all_the_same(make_reader):
    poller, reader = Poller(), make_reader()
    async with trio.open_nursery() as nursery:
        await nursery.start(poller.run)
        nursery.cancel_scope.cancel()
    with trio.move_on_after(0):
        await reader.run(poller)
    poller.release(reader.ours)

    assert ("Cancelled", {}) == (reader.ended, poller._watches)


class FullKernel:
    """An `epoll` that waits for no more sockets."""

    closed = False

    def register(self, _number, _events):
        raise OSError(errno.ENOSPC, "no space")


async def test_a_socket_that_the_kernel_does_not_wait_for_can_be_released(make_reader):
    poller, reader = Poller(FullKernel()), make_reader()
    with pytest.raises(OSError, match="no space"):
        await reader.run(poller)
    poller.release(reader.ours)

    assert {} == poller._watches


async def test_others_run_between_readings_that_take_long(make_reader, nursery, mock_clock):
    poller = Poller()
    readers = [make_reader() for _ in range(40)]
    turns, seen = 0, []

    async def others():
        nonlocal turns
        while True:
            turns += 1
            await trio.lowlevel.checkpoint()

    for reader in readers:
        reader.theirs.send(b"enough")
        nursery.start_soon(reader.run, poller)
        reader.also = lambda: (mock_clock.jump(TURN * 2), seen.append(turns))
    await wait_all_tasks_blocked()
    nursery.start_soon(others)
    nursery.start_soon(poller.run)
    while len(seen) < len(readers):
        await trio.lowlevel.checkpoint()
    nursery.cancel_scope.cancel()

    # Of two tasks that are ready, either may be the first.
    assert seen[0] < seen[-1]


@define(eq=False)
class Written:
    """An outbox that notes how much had been read by the time it was written."""

    readers: list[Reader]
    seen: list[int] = field(factory=list)

    def flush(self):
        self.seen.append(sum(len(reader.heard) for reader in self.readers))
        return True


async def test_what_is_said_to_what_was_read_is_written_once_all_are_read(make_reader, nursery):
    hub = Hub()
    poller = Poller(hub=hub)
    readers = [make_reader() for _ in range(20)]
    written = Written(readers)
    readers[0].also = partial(hub.mark, written)
    await nursery.start(hub.run)
    for reader in readers:
        nursery.start_soon(reader.run, poller)
        reader.theirs.send(b"x")
    await wait_all_tasks_blocked()
    await nursery.start(poller.run)
    while not written.seen:
        await trio.lowlevel.checkpoint()

    assert ([20], 1) == (written.seen, hub.rounds)
    nursery.cancel_scope.cancel()


async def test_what_is_said_is_written_at_the_end_of_each_turn(make_reader, nursery, mock_clock):
    hub = Hub()
    poller = Poller(hub=hub)
    readers = [make_reader() for _ in range(40)]
    written = Written(readers)
    await nursery.start(hub.run)
    for reader in readers:
        nursery.start_soon(reader.run, poller)
        reader.theirs.send(b"x")
        reader.also = lambda: (mock_clock.jump(TURN * 2), hub.mark(written))
    await wait_all_tasks_blocked()
    await nursery.start(poller.run)
    while not written.seen:
        await trio.lowlevel.checkpoint()

    assert written.seen[0] < len(readers)
    nursery.cancel_scope.cancel()
