"""What a client can do to harm others. Each test ends with another client being served, and nobody left."""

import contextlib

import pytest
import trio
from tests.transport.conftest import BINARY, CLOSE, CONTINUATION, PING, PONG, TEXT, Echo, head, masked
from trio.testing import wait_all_tasks_blocked

FRAGMENT_OF_BINARY, FRAGMENT = 0x02, 0x00


@pytest.fixture
async def house(open_house):
    """Somebody else is connected all the time."""
    house = await open_house()
    bystander = await house.upgraded()
    await bystander.echo()
    yield house
    await bystander.echo()
    await house.assert_serves()
    await bystander.send(masked(CLOSE))
    assert CLOSE == (await bystander.frame())[0]
    await house.wait_alone()


@pytest.mark.parametrize(
    "garbage",
    [
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\xa5" * 200,
        b"\0" * 100 + b"\r\n\r\n",
        b"hello\r\n\r\n",
        b"GET / HTTP/1.1\r\n\r\n",
        b"GET /v1/socket HTTP/1.1\r\nHost: x\r\n\r\n",
        b"POST /v1/socket HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc",
        head().replace(b"Version: 13", b"Version: 8"),
        head().replace(b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n", b""),
        head(extra=b"X: " + b"y" * 100_000 + b"\r\n"),
        head("/" + "a" * 100_000),
    ],
)
async def test_garbage_instead_of_a_request(house, garbage):
    client = await house.connect()
    with contextlib.suppress(trio.BrokenResourceError):
        await client.send(garbage)
    await client.end()
    if not client.was_reset:
        assert client.buffer.startswith((b"HTTP/1.1 400 ", b"HTTP/1.1 426 ")), client.buffer
    await client.leave()


@pytest.mark.parametrize(
    "request_",
    [
        head(host=b"\xff\xfe.example"),
        head(host="spiel\u00fc.example".encode()),
        head(host=b"a" * 70 + b"." + b"b" * 300),
        head(extra=b"Sec-WebSocket-Protocol: yummy.\xffjson\r\n"),
        head(extra=b"Sec-WebSocket-Extensions: \xc3\xa4\r\n"),
        head(extra=b"Connection: \xc3\xa4\r\n"),
    ],
)
async def test_headers_that_are_not_ascii(house, request_):
    client = await house.connect()
    await client.send(request_)
    assert await client.status() in (101, 400)
    await client.leave()


async def test_half_a_request_and_then_nothing(house):
    client = await house.connect()
    await client.send(head()[:50])
    await wait_all_tasks_blocked()
    assert 1 == house.running.statistics().handshakes
    await client.stream.send_eof()
    assert b"" == await client.end()
    await wait_all_tasks_blocked()
    assert 0 == house.running.statistics().handshakes


async def test_coming_and_leaving_without_a_word(house):
    for _ in range(20):
        client = await house.connect()
        await client.leave()
    while house.running.statistics().accepted < 21:
        await wait_all_tasks_blocked()
    await wait_all_tasks_blocked()
    assert 0 == house.running.statistics().handshakes


@pytest.mark.parametrize(
    "said",
    [
        b"",
        b"GET ",
        head(),
        head() + masked(BINARY, b"x"),
        head() + masked(BINARY, b"x")[:5],
        head() + masked(BINARY, b"x") * 1000 + masked(CLOSE),
        head("/nowhere"),
    ],
)
async def test_a_reset_at_any_time(house, said):
    client = await house.connect()
    await client.send(said)
    client.reset()
    other = await house.connect()
    await other.send(said)
    await wait_all_tasks_blocked()
    other.reset()


@pytest.mark.parametrize(
    ("frames", "code"),
    [
        (b"\x82\x01x", 1002),  # not masked
        (masked(0x83, b"x"), 1002),  # an opcode that does not exist
        (masked(0x8B, b"x"), 1002),
        (masked(0xC2, b"x"), 1002),  # an extension that was not agreed upon
        (masked(CONTINUATION, b"x"), 1002),  # of nothing
        (masked(FRAGMENT_OF_BINARY, b"x") + masked(BINARY, b"x"), 1002),
        (masked(0x09, b"x"), 1002),  # half a ping
        (masked(PING, b"x" * 126), 1002),
        (masked(CLOSE, b"\x03"), 1002),  # half a code
        (masked(CLOSE, b"\x03\xed"), 1002),  # 1005 is not for sending
        (masked(TEXT, b"\xff\xfe"), 1007),
        (masked(CLOSE, b"\x03\xe8\xff\xfe"), 1007),
        (b"\x82\xff\xff\xff\xff\xff\xff\xff\xff\xff" + bytes(4), 1009),
        (masked(BINARY, bytes(65537)), 1009),
        (masked(TEXT, "ü".encode() * 32769), 1009),  # few enough characters, too many bytes
        (masked(FRAGMENT_OF_BINARY, bytes(40_000)) + masked(CONTINUATION, bytes(40_000)), 1009),
    ],
)
async def test_frames_that_break_the_protocol(house, frames, code):
    client = await house.upgraded()
    await client.send(frames)
    assert code == await client.close_code()
    await client.send(masked(CLOSE, code.to_bytes(2, "big")))
    await client.end()
    assert not client.was_reset
    await client.leave()
    await wait_all_tasks_blocked()
    assert {"violation": 1} == house.running.statistics().endings


async def test_empty_fragments_without_end(house):
    client = await house.upgraded()
    with contextlib.suppress(trio.BrokenResourceError):
        await client.send(masked(FRAGMENT_OF_BINARY) + masked(FRAGMENT) * 100_000)
    await client.end()
    if not client.was_reset:
        assert b"\x88" == client.buffer[:1]
        assert 1008 == int.from_bytes(client.buffer[2:4], "big")
    await client.leave()


async def test_a_flood_of_pings(house):
    client = await house.upgraded()
    with contextlib.suppress(trio.BrokenResourceError):
        await client.send(masked(PING, b"!") * 50_000)
    await client.end()
    await client.leave()
    await wait_all_tasks_blocked()
    assert {"violation": 1} == house.running.statistics().endings


async def test_honest_pings_are_answered(house):
    client = await house.upgraded()
    await client.send(masked(PING, b"are you there?") + masked(PONG, b"unasked") + masked(PING, b""))
    assert (PONG, b"are you there?") == await client.frame()
    assert (PONG, b"") == await client.frame()
    await client.leave()


async def test_a_ping_after_the_server_has_closed(house):
    client = await house.upgraded()
    await client.echo()
    connection = max(house.running.connections, key=lambda one: one.id)
    connection.close(1000)
    assert 1000 == await client.close_code()
    await client.send(masked(PING, b"still there?") + masked(BINARY, b"hello?"))
    await client.send(masked(CLOSE, b"\x03\xe8"))
    assert b"" == await client.end()
    await connection.wait_closed()


async def test_pings_and_a_close_in_one_write(house):
    """trio-websocket's reader still has pings to answer when the connection closes."""

    class Closing(Echo):
        def receive(self, payload):
            self.connection.close(4005)

    house.application = Closing
    client = await house.upgraded()
    while len(house.peers) < 2:
        await wait_all_tasks_blocked()
    house.application = Echo
    await client.send(masked(BINARY, b"x") + masked(PING, b"1") * 50)
    while (frame := await client.frame())[0] == PONG:
        pass
    assert (CLOSE, b"\x0f\xa5") == frame
    await client.leave()


async def test_a_silent_client_after_a_message_too_big(house, mock_clock):
    """It neither answers the close frame nor leaves, nor does it take a connection's place for long."""
    client = await house.upgraded()
    await client.send(masked(BINARY, bytes(70_000)))
    assert 1009 == await client.close_code()
    assert b"" == await client.end()
    connection = max(house.running.connections, key=lambda one: one.id)
    await wait_all_tasks_blocked()
    mock_clock.jump(2)
    await connection.wait_closed()
    await client.leave()


async def test_more_and_more_after_a_message_too_big(house):
    client = await house.upgraded()
    with contextlib.suppress(trio.BrokenResourceError):
        await client.send(masked(BINARY, bytes(3_000_000)))
        await client.send(masked(BINARY, bytes(3_000_000)))
    await client.end()
    assert 1009 == int.from_bytes(client.buffer[2:4], "big")
    await client.leave()


async def test_a_client_that_sends_and_never_reads(house):
    client = await house.connect(receive_buffer=4096)
    await client.upgrade()
    with trio.CancelScope() as sending:
        async with trio.open_nursery() as nursery:

            async def flood():
                with contextlib.suppress(trio.BrokenResourceError):
                    while True:
                        await client.send(masked(BINARY, bytes(60_000)))

            nursery.start_soon(flood)
            while house.running.statistics().endings.get("slow", 0) == 0:
                await house.assert_serves()
            sending.cancel()
    await client.leave()
