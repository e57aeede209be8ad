"""The stream over a pair of sockets, without a server around it."""

import socket

import pytest
import trio
from attrs import define
from tests.transport.conftest import BINARY, CLOSE, masked
from trio.testing import wait_all_tasks_blocked

from yummy.transport import TransportLimits, frame_binary
from yummy.transport.hub import Hub
from yummy.transport.outbox import Outbox
from yummy.transport.poller import Poller
from yummy.transport.stream import Stream


@define
class Ends:
    stream: Stream
    client: trio.SocketStream

    async def client_receives(self, size: int) -> bytes:
        received = b""
        while len(received) < size:
            received += await self.client.receive_some()
        return received


@pytest.fixture
async def open_ends(nursery):
    hub = Hub()
    await nursery.start(hub.run)
    poller = Poller()
    await nursery.start(poller.run)
    ends: list[Ends] = []

    def open_(**limits) -> Ends:
        ours, theirs = socket.socketpair()
        ours.settimeout(0)
        for one in (ours, theirs):
            one.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
        stream = Stream(ours, hub, poller, TransportLimits(**limits))
        ends.append(Ends(stream, trio.SocketStream(_ip(theirs))))
        return ends[-1]

    yield open_
    for one in ends:
        one.stream.reset()
        await trio.aclose_forcefully(one.client)


def _ip(sock: socket.socket) -> trio.socket.SocketType:
    return trio.socket.from_stdlib_socket(sock)


@pytest.fixture
def ends(open_ends):
    ends = open_ends()
    ends.stream.upgrade()
    return ends


async def test_frames_arrive_in_the_order_of_their_pushing(ends):
    frames = [frame_binary(b"%d" % number * number) for number in range(200)]
    for frame in frames:
        ends.stream.outbox.push(frame)
    assert b"".join(frames) == await ends.client_receives(sum(map(len, frames)))


async def test_a_cancelled_send_all_leaves_no_half_frame(ends):
    """Big frames, cut by a full kernel buffer, and small ones between them."""
    big = frame_binary(b"B" * 500_000)
    with trio.CancelScope() as scope:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(ends.stream.send_all, big)
            await wait_all_tasks_blocked()
            scope.cancel()
    assert scope.cancelled_caught
    assert ends.stream.statistics().bytes_queued > 0
    small = frame_binary(b"small")
    ends.stream.outbox.push(small)
    assert big + small == await ends.client_receives(len(big) + len(small))
    assert 0 == ends.stream.statistics().bytes_queued


async def test_send_all_waits_only_while_much_is_queued(ends):
    await ends.stream.send_all(frame_binary(b"x" * 60_000))
    with trio.CancelScope() as scope:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(ends.stream.send_all, frame_binary(b"x" * 60_000))
            nursery.start_soon(ends.stream.wait_send_all_might_not_block)
            await wait_all_tasks_blocked()
            assert 2 == len(nursery.child_tasks)
            await ends.client_receives(80_000)
            await wait_all_tasks_blocked()
            assert 0 == len(nursery.child_tasks)
            scope.cancel()


@pytest.mark.parametrize("by", ["trio-websocket", "application"])
async def test_nothing_follows_a_close_frame(ends, by):
    if by == "trio-websocket":
        await ends.stream.send_all(b"\x88\x02\x03\xe8")
    else:
        ends.stream.seal(1000)
    ends.stream.outbox.push(frame_binary(b"too late"))
    with pytest.raises(trio.BrokenResourceError):
        await ends.stream.send_all(b"\x8a\0")
    await ends.stream.finish(0.01)
    assert b"\x88\x02\x03\xe8" == await ends.client_receives(4)
    assert b"" == await ends.client.receive_some()


async def test_an_http_response_is_no_close_frame(open_ends):
    ends = open_ends()
    await ends.stream.send_all(b"HTTP/1.1 101 Switching Protocols\r\n\r\n")
    assert not ends.stream.outbox.sealed


async def test_finish_delivers_what_is_queued(ends, nursery):
    for _ in range(10):
        ends.stream.outbox.push(frame_binary(b"x" * 50_000))
    ends.stream.seal(1001)
    nursery.start_soon(ends.stream.finish, 10)
    received = await ends.client_receives(10 * 50_004 + 4)
    assert b"\x88\x02\x03\xe9" == received[-4:]
    assert b"" == await ends.client.receive_some()


async def test_finish_has_its_time(ends, mock_clock):
    ends.stream.outbox.push(frame_binary(b"x" * 5_000_000))
    async with trio.open_nursery() as nursery:
        nursery.start_soon(ends.stream.finish, 2)
        await wait_all_tasks_blocked()
        mock_clock.jump(1)
        await wait_all_tasks_blocked()
        assert 1 == len(nursery.child_tasks)
        mock_clock.jump(1)
    assert 0 == ends.stream.outbox.queued


async def test_a_close_frame_that_was_read_and_not_looked_at_is_one_all_the_same(ends, mock_clock):
    """The client has closed, and waits for the server's end; what another client has said ended this connection."""
    ends.stream.tap(lambda _: True, trio.lowlevel.checkpoint)
    await ends.client.send_all(masked(BINARY, b"unheard") + masked(CLOSE, b"\x03\xe8"))
    ends.stream._take(trio.current_time())
    await ends.stream.aclose()
    ends.stream.seal(4003)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(ends.stream.finish, 5)
        await wait_all_tasks_blocked()
        assert 0 == len(nursery.child_tasks)


async def test_a_finish_that_is_cancelled_closes(ends):
    with trio.CancelScope() as scope:
        scope.cancel()
        ends.stream.seal(1001)
        await ends.stream.finish(10)
    assert b"\x88\x02\x03\xe9" == await ends.client_receives(4)
    assert b"" == await ends.client.receive_some()


async def test_a_reset_wakes_everybody(ends):
    ends.stream.outbox.push(frame_binary(b"x" * 500_000))
    async with trio.open_nursery() as nursery:

        async def receive():
            with pytest.raises(trio.ClosedResourceError):
                await ends.stream.receive_some()

        nursery.start_soon(receive)
        nursery.start_soon(ends.stream.wait_send_all_might_not_block)
        await wait_all_tasks_blocked()
        ends.stream.reset()
        ends.stream.reset()
    with pytest.raises(trio.ClosedResourceError):
        await ends.stream.receive_some()
    await ends.stream.aclose()


async def test_aclose_ends_the_reading_alone(ends):
    async with trio.open_nursery() as nursery:

        async def receive():
            with pytest.raises(trio.ClosedResourceError):
                await ends.stream.receive_some()

        nursery.start_soon(receive)
        await wait_all_tasks_blocked()
        await ends.stream.aclose()
    ends.stream.outbox.push(frame_binary(b"still"))
    assert frame_binary(b"still") == await ends.client_receives(7)


async def test_writing_to_who_is_gone_ends_nothing_but_the_writing(ends):
    await ends.client.send_all(masked(BINARY, b"last words"))
    await ends.client.aclose()
    ends.stream.outbox.push(frame_binary(b"hello?"))
    await wait_all_tasks_blocked()
    assert ends.stream.outbox.sealed
    assert masked(BINARY, b"last words") == await ends.stream.receive_some()
    assert b"" == await ends.stream.receive_some()


async def test_statistics(ends):
    await ends.client.send_all(masked(BINARY, b"12345") * 3)
    await ends.stream.receive_some()
    ends.stream.outbox.push(frame_binary(b"123"))
    statistics = ends.stream.statistics()
    assert (33, 0, 5, 3) == (
        statistics.bytes_received,
        statistics.bytes_sent,
        statistics.bytes_queued,
        statistics.frames_received,
    )
    await wait_all_tasks_blocked()
    assert (5, 0) == (ends.stream.statistics().bytes_sent, ends.stream.statistics().bytes_queued)


async def test_the_crowd_is_noted_and_forgotten(open_ends):
    ends = open_ends(outbox_bytes=100_000, outbox_burst=100)
    for _ in range(5):
        ends.stream.outbox.push(frame_binary(b"x" * 50_000))
    assert ends.stream.outbox.crowded_since is not None
    await ends.client_receives(5 * 50_004)
    await wait_all_tasks_blocked()
    assert ends.stream.outbox.crowded_since is None


async def test_who_writes_before_the_hub_does_not_have_it_come_twice():
    """A second mark could end in two tasks that wait for the same socket."""
    hub = Hub()
    ours, theirs = socket.socketpair()
    with ours, theirs:
        ours.settimeout(0)
        outbox = Outbox(ours, hub, TransportLimits(outbox_bytes=10, outbox_burst=1))
        outbox.push(b"more than a burst")
        assert (b"more than a burst", 0) == (theirs.recv(100), outbox.queued)
        outbox.push(b"more")
        assert [outbox] == hub._marked
        assert outbox.write()
        outbox.push(b"and more")
        assert [outbox] == hub._marked
        assert outbox.flush()
        outbox.push(b"again")
        assert [outbox, outbox] == hub._marked
        assert b"moreand more" == theirs.recv(100)
