"""One connection, from its first byte to its last."""

import pytest
import trio
from tests.transport.conftest import BINARY, CLOSE, PING, PONG, TEXT, Echo, head, masked
from trio.testing import wait_all_tasks_blocked
from trio_websocket import ConnectionClosed

from yummy.transport import Gate, frame_binary


async def test_the_server_sends_nothing_until_asked(house):
    client = await house.upgraded()
    await wait_all_tasks_blocked()
    assert 0 == house.running.statistics().bytes_queued
    await client.echo(b"")
    assert b"" == client.buffer


async def test_messages_of_all_sizes_come_whole_and_go_whole(house):
    client = await house.upgraded()
    for size in (0, 1, 125, 126, 127, 16384, 65535, 65536):
        await client.echo(b"\xa5" * size)
    assert [0, 1, 125, 126, 127, 16384, 65535, 65536] == [len(one) for one in house.peers[0].received]


async def test_text_and_bytes_are_told_apart(house):
    client = await house.upgraded()
    await client.send(masked(TEXT, "grün".encode()) + masked(BINARY, b"\xff"))
    assert (TEXT, "grün".encode()) == await client.frame()
    assert (BINARY, b"\xff") == await client.frame()
    assert ["grün", b"\xff"] == house.peers[0].received


async def test_a_message_comes_together_from_fragments_and_single_bytes(house):
    client = await house.upgraded()
    for byte in masked(0x02, b"one ") + masked(PING, b"?") + masked(0x00, b"two ") + masked(0x80, b"three"):
        await client.send(bytes((byte,)))
    assert (PONG, b"?") == await client.frame()
    assert (BINARY, b"one two three") == await client.frame()


async def test_frames_that_come_together_with_the_request_are_not_lost(house):
    client = await house.connect()
    await client.send(head() + masked(BINARY, b"eager"))
    await client.response()
    assert (BINARY, b"eager") == await client.frame()


async def test_many_messages_in_one_write_are_answered_in_order(house):
    client = await house.upgraded()
    await client.send(b"".join(masked(BINARY, b"%d" % number) for number in range(500)))
    assert [(BINARY, b"%d" % number) for number in range(500)] == [await client.frame() for _ in range(500)]


async def test_what_the_application_sees_of_a_connection(house):
    await (await house.upgraded(extra=b"Sec-WebSocket-Protocol: chat, yummy.json\r\n")).echo()
    await (await house.upgraded()).echo()
    first, second = house.running.connections
    assert ("127.0.0.1", "yummy.json", False, False) == (
        first.address,
        first.subprotocol,
        first.authenticated,
        first.closing,
    )
    assert second.subprotocol is None
    assert first.id < second.id


async def test_the_subprotocol_is_told_and_no_extension_is(house):
    client = await house.connect()
    response = await client.upgrade(
        extra=b"Sec-WebSocket-Protocol: yummy.json, yummy.msgpack\r\n"
        b"Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n"
    )
    assert b"sec-websocket-protocol: yummy.msgpack" in response.lower()
    assert b"extensions" not in response.lower()


@pytest.mark.parametrize(
    ("path", "status"),
    [("/v1/other?x-yummy-api=the%20key", 404), ("/v1/socket?x-yummy-api=guess", 401), ("/v1/socket", 401)],
)
async def test_who_is_refused_hears_why(house, path, status):
    client = await house.connect()
    await client.send(head(path))
    assert status == await client.status()
    assert (await client.end()).endswith(b".\n")
    await client.leave()
    await house.wait_alone()
    assert [] == house.peers
    assert {status: 1} == house.running.statistics().refused


async def test_a_page_of_another_origin_is_refused(open_house):
    house = await open_house(gate=Gate(key="the key", allowed_origins=("https://game.example",)))
    client = await house.connect()
    await client.send(head(extra=b"Origin: https://evil.example\r\n"))
    assert 403 == await client.status()
    await house.upgraded(extra=b"Origin: https://game.example\r\n")


async def test_a_client_that_closes_has_its_messages_handled_first(open_house):
    class Slow(Echo):
        def receive(self, payload):
            super().receive(payload)
            self.full = True

    house = await open_house(Slow)
    client = await house.upgraded()
    await client.send(b"".join(masked(BINARY, b"%d" % number) for number in range(10)))
    await client.send(masked(CLOSE, b"\x03\xe8bye"))
    await trio.testing.wait_all_tasks_blocked()
    (peer,) = house.peers
    while not peer.finished:
        assert [b"%d" % number for number in range(len(peer.received))] == peer.received
        peer.make_room()
        await wait_all_tasks_blocked()
    assert 10 == len(peer.received)
    assert ["closed"] == peer.finished


async def test_the_close_handshake_of_a_client_is_answered(house):
    client = await house.upgraded()
    await client.send(masked(CLOSE, b"\x0f\xa1my reason"))
    assert (CLOSE, b"\x0f\xa1my reason") == await client.frame()
    assert b"" == await client.end()
    assert not client.was_reset
    await house.wait_alone()
    assert ["closed"] == house.peers[0].finished
    assert {"closed": 1} == house.running.statistics().endings


@pytest.mark.parametrize("code", [1000, 1001, 1008, 1011, 4001, 4003, 4004, 4005])
async def test_the_application_closes_behind_what_is_queued(house, code):
    client = await house.upgraded()
    await client.echo()
    (connection,) = house.running.connections
    connection.send(frame_binary(b"last"))
    connection.close(code, "über")
    assert connection.closing
    connection.send(frame_binary(b"too late"))
    connection.close(1011, "again")
    assert (BINARY, b"last") == await client.frame()
    assert (CLOSE, code.to_bytes(2, "big") + "über".encode()) == await client.frame()
    await client.send(masked(CLOSE, code.to_bytes(2, "big")))
    assert b"" == await client.end()
    await connection.wait_closed()
    assert 1 == len(house.peers[0].finished)


async def test_a_client_library_hears_the_code(house):
    async with house.websocket() as websocket:
        await websocket.send_message(b"x")
        await websocket.get_message()
        (connection,) = house.running.connections
        connection.close(4003, "taken over")
        with pytest.raises(ConnectionClosed) as caught:
            await websocket.get_message()
        assert (4003, "taken over") == (caught.value.reason.code, caught.value.reason.reason)
    await connection.wait_closed()
    assert ["server"] == house.peers[0].finished


async def test_closing_while_receiving_handles_nothing_more(open_house):
    class Once(Echo):
        def receive(self, payload):
            super().receive(payload)
            self.connection.close(4005, "enough")

    house = await open_house(Once)
    client = await house.upgraded()
    await client.send(masked(BINARY, b"1") + masked(BINARY, b"2"))
    assert (BINARY, b"1") == await client.frame()
    assert 4005 == await client.close_code()
    await client.leave()
    await house.wait_alone()
    assert [b"1"] == house.peers[0].received


async def test_closing_before_the_first_message(open_house):
    def shy(connection):
        connection.close(4005, "not today")
        return Echo(connection)

    house = await open_house(shy)
    client = await house.upgraded()
    assert 4005 == await client.close_code()
    await client.leave()
    await house.wait_alone()
    assert ["server"] == house.peers[0].finished


async def test_the_reader_waits_for_room(open_house):
    house = await open_house()
    client = await house.upgraded()
    await client.echo()
    (peer,) = house.peers
    peer.full = True
    await client.send(masked(BINARY, b"fills it"))
    assert (BINARY, b"fills it") == await client.frame()
    await client.send(masked(BINARY, b"waits"))
    await wait_all_tasks_blocked()
    assert 2 == len(peer.received)
    peer.make_room()
    assert (BINARY, b"waits") == await client.frame()


async def test_text_binary_and_fragments_keep_their_order_whichever_way_each_goes(house):
    client = await house.upgraded()
    said = [b"1", "2", b"3", b"4", b"5", "6", b"7"]
    wire = [masked(TEXT, one.encode()) if isinstance(one, str) else masked(BINARY, one) for one in said]
    wire[3] = masked(0x02, b"") + masked(PING) + masked(0x80, b"4")
    await client.send(b"".join(wire))
    (peer,) = house.peers
    await peer.wait_received(len(said))
    assert said == peer.received


async def test_a_close_frame_behind_messages_that_nobody_wants_any_more_is_seen(open_house, mock_clock):
    class Closes(Echo):
        def receive(self, payload):
            super().receive(payload)
            self.connection.close(4005, "enough")

    house = await open_house(Closes)
    client = await house.upgraded()
    await client.send(masked(BINARY, b"more") * 5 + masked(CLOSE, b"\x03\xe8"))
    # Time stands still: nobody gives up waiting for that frame.
    await house.wait_alone()


async def test_others_are_served_between_many_messages_of_one(open_house):
    """All that one client sends at once is not handled at once."""
    order = []

    class Noted(Echo):
        def receive(self, payload):
            super().receive(payload)
            order.append(payload)

    house = await open_house(Noted)
    many, one = await house.upgraded(), await house.upgraded()
    await many.send(masked(BINARY, b"many") * 1000)
    await one.send(masked(BINARY, b"one"))
    assert (BINARY, b"one") == await one.data_frame()
    assert order.index(b"one") < 999


async def test_what_a_client_may_send_ahead_is_bounded(open_house):
    """A full inbox makes the client itself wait, in the end."""
    house = await open_house()
    client = await house.upgraded()
    await client.echo()
    (peer,) = house.peers
    peer.full = True
    with trio.CancelScope() as sending:
        async with trio.open_nursery() as nursery:

            async def send_without_end():
                while True:
                    await client.send(masked(BINARY, bytes(60_000)) * 10)

            nursery.start_soon(send_without_end)
            await wait_all_tasks_blocked(0.05)
            sending.cancel()
    assert 2 == len(peer.received)
    (conversation,) = house.running._registry.conversations.values()
    assert conversation.stream.statistics().bytes_received < 20 * 60_000
    client.reset()


async def test_a_vanished_client_ends_its_connection(house):
    client = await house.upgraded()
    await client.echo()
    client.reset()
    await house.wait_alone()
    assert ["lost"] == house.peers[0].finished


async def test_a_client_that_ends_without_a_close_frame(house):
    client = await house.upgraded()
    await client.echo()
    await client.stream.send_eof()
    assert b"" == await client.end()
    await house.wait_alone()
    assert ["lost"] == house.peers[0].finished


async def test_messages_are_heard_even_of_who_has_left(house):
    client = await house.upgraded()
    await client.echo()
    (peer,) = house.peers
    await client.send(b"".join(masked(BINARY, b"%d" % number) for number in range(5)))
    await client.leave()
    await house.wait_alone()
    assert 6 == len(peer.received)
    assert 1 == len(peer.finished)


async def test_finish_may_take_longer_than_the_socket(open_house):
    class Thorough(Echo):
        async def finish(self, reason):
            await self.wait_room()
            await super().finish(reason)

    house = await open_house(Thorough)
    client = await house.upgraded()
    await client.echo()
    (peer,) = house.peers
    (connection,) = house.running.connections
    peer.full = True
    await client.send(masked(CLOSE))
    assert CLOSE == (await client.frame())[0]
    assert b"" == await client.end()
    await wait_all_tasks_blocked()
    assert [connection] == list(house.running.connections)
    peer.make_room()
    await connection.wait_closed()
    assert [] == list(house.running.connections)


class FailsToReceive(Echo):
    def receive(self, payload):
        raise ValueError("bug")


class FailsToSayWhetherItIsFull(Echo):
    @property
    def full(self):
        raise ValueError("bug")

    @full.setter
    def full(self, value):
        pass


class FailsToMakeRoom(Echo):
    def receive(self, payload):
        super().receive(payload)
        self.full = True

    async def wait_room(self):
        raise ValueError("bug")


@pytest.mark.parametrize("application", [FailsToReceive, FailsToSayWhetherItIsFull, FailsToMakeRoom])
async def test_an_application_that_fails_costs_one_connection(open_house, application):
    house = await open_house(application)
    client = await house.upgraded()
    await client.send(masked(BINARY, b"crash") * 3)
    while (frame := await client.frame())[0] == BINARY:
        pass
    assert (CLOSE, b"\x03\xf3internal error") == frame
    await client.leave()
    await house.wait_alone()
    assert ["error"] == house.peers[0].finished
    house.application = Echo
    await house.assert_serves()


async def test_an_application_that_cannot_even_begin(open_house):
    def fail(connection):
        raise ValueError("bug")

    house = await open_house(fail)
    client = await house.upgraded()
    assert 1011 == await client.close_code()
    await client.leave()
    await house.wait_alone()
    house.application = Echo
    await house.assert_serves()


async def test_an_application_that_cannot_end(open_house):
    class FailsToFinish(Echo):
        async def finish(self, reason):
            await super().finish(reason)
            raise ValueError("bug")

    house = await open_house(FailsToFinish)
    client = await house.upgraded()
    await client.echo()
    await client.send(masked(CLOSE))
    assert CLOSE == (await client.frame())[0]
    await house.wait_alone()
    assert ["closed"] == house.peers[0].finished
    await house.assert_serves()


async def test_a_client_that_does_not_answer_a_close_is_left_after_a_while(open_house, mock_clock):
    house = await open_house()
    client = await house.upgraded()
    await client.echo()
    (connection,) = house.running.connections
    connection.close(4003)
    assert 4003 == await client.close_code()
    await wait_all_tasks_blocked()
    assert [connection] == list(house.running.connections)
    mock_clock.jump(2)
    await connection.wait_closed()
