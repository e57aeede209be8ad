import socket

import pytest
import trio
import trio.testing

from yummy.hooks.frames import FrameBuffer
from yummy.hooks.link import Link


@pytest.fixture
def ends():
    near, far = socket.socketpair()
    near.settimeout(0)
    far.settimeout(0)
    near.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
    yield Link(near), far
    near.close()
    far.close()


async def receive(far, count):
    buffer, got = FrameBuffer(), []
    while len(got) < count:
        await trio.lowlevel.wait_readable(far)
        got += buffer.feed(far.recv(1000))
    return got


@pytest.mark.parametrize("soon", [True, False], ids=["soon", "now"])
async def test_frames_arrive_whole_and_in_order_though_the_socket_is_full(soon, ends):
    link, far = ends
    sent = [(number, bytes(number * 97 % 5000)) for number in range(200)]
    async with trio.open_nursery() as nursery:
        nursery.start_soon(link.write)
        for frame in sent[:100]:
            link.send(frame, soon=soon)
        await trio.testing.wait_all_tasks_blocked()
        for frame in sent[100:]:
            link.send(frame)
        assert await receive(far, 200) == sent
        nursery.cancel_scope.cancel()


async def test_what_cannot_be_sent_leaves_nothing_behind(ends):
    link, far = ends
    with pytest.raises(ValueError, match="unmarshallable"):
        link.send((object(),))
    link.send((1,))
    assert await receive(far, 1) == [(1,)]


async def test_reading_ends_when_the_other_end_is_closed(ends):
    link, far = ends
    got = []
    far.send(b"\x02\x00\x00\x00)\x00")
    far.send(b"\x02\x00\x00")
    far.close()
    await link.read(got.append)
    assert got == [()]
    link.send((1,))
    link.finish()


async def test_closing_ends_reader_and_writer(ends):
    link, _ = ends
    async with trio.open_nursery() as nursery:
        nursery.start_soon(link.read, print)
        nursery.start_soon(link.write)
        link.send((b"x" * 100_000,))
        await trio.testing.wait_all_tasks_blocked()
        link.close()


async def test_closing_ends_a_writer_that_has_nothing_to_do(ends):
    link, _ = ends
    with trio.fail_after(10):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(link.write)
            await trio.testing.wait_all_tasks_blocked()
            link.close()
    link.send((1,))
    assert 0 == len(link._outgoing)


async def test_closing_it_before_reader_and_writer_begin_and_again_ends_them_quietly(ends):
    link, _ = ends
    with trio.fail_after(10):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(link.read, print)
            nursery.start_soon(link.write)
            link.send((b"x" * 100_000,))
            link.close()
    link.close()
    await trio.lowlevel.checkpoint()
