"""Many connections: limits, statistics, drain."""

import pytest
import trio
from tests.transport.conftest import BINARY, CLOSE, Echo, head, masked
from trio.testing import wait_all_tasks_blocked


async def refused(house) -> int:
    client = await house.connect()
    await client.send(head())
    status = await client.status()
    await client.leave()
    return status


async def test_a_client_of_trio_websocket_is_served(house):
    async with house.websocket() as websocket:
        await websocket.send_message(b"\x81\xa1a\x01")
        assert b"\x81\xa1a\x01" == await websocket.get_message()
        await websocket.send_message('{"a": 1}')
        assert '{"a": 1}' == await websocket.get_message()
    await house.wait_alone()
    assert ["closed"] == house.peers[0].finished


async def test_one_more_connection_than_allowed_is_refused(open_house):
    house = await open_house(max_connections=2)
    first, _ = await house.upgraded(), await house.upgraded()
    assert 503 == await refused(house)
    await first.send(masked(CLOSE))
    await first.end()
    await wait_all_tasks_blocked()
    await house.assert_serves()
    assert {503: 1} == house.running.statistics().refused


async def test_loopback_is_exempt_from_the_limit_of_an_address(open_house):
    house = await open_house(max_connections_per_ip=1)
    for _ in range(3):
        await (await house.upgraded()).echo()


async def test_one_more_connection_of_an_address_than_allowed_is_refused(open_house, monkeypatch):
    monkeypatch.setattr("yummy.transport.listener.plain_address", lambda _: "192.0.2.7")
    house = await open_house(max_connections_per_ip=2)
    first, _ = await house.upgraded(), await house.upgraded()
    assert 429 == await refused(house)
    await first.send(masked(CLOSE))
    await first.end()
    await wait_all_tasks_blocked()
    await house.assert_serves()
    assert {429: 1} == house.running.statistics().refused


async def test_who_does_not_end_its_handshake_keeps_nobody_out(open_house, mock_clock):
    house = await open_house(max_handshakes=3)
    for _ in range(3):
        await (await house.connect()).send(b"GET ")
    await wait_all_tasks_blocked()
    waiting = await house.connect()
    await waiting.send(head())
    await wait_all_tasks_blocked()
    assert (3, 0) == (house.running.statistics().handshakes, house.running.statistics().connections)
    mock_clock.jump(1)
    await waiting.response()
    await waiting.echo()
    assert b"" == await house.clients[0].end()
    assert 2 == house.running.statistics().handshakes


async def test_honest_clients_that_come_at_once_are_all_served(open_house):
    house = await open_house(max_handshakes=3)
    async with trio.open_nursery() as nursery:
        for _ in range(50):
            nursery.start_soon(house.assert_serves)
    assert 50 == house.running.statistics().accepted


async def test_statistics(house):
    clients = [await house.upgraded() for _ in range(3)]
    await house.connect()
    for client in clients:
        await client.echo()
    await wait_all_tasks_blocked()
    statistics = house.running.statistics()
    assert (3, 1, 4, 0) == (
        statistics.connections,
        statistics.handshakes,
        statistics.accepted,
        statistics.bytes_queued,
    )
    assert statistics.flushes >= statistics.rounds > 0
    await clients[0].send(masked(CLOSE))
    await clients[0].end()
    await wait_all_tasks_blocked()
    assert {"closed": 1} == house.running.statistics().endings


async def test_an_answer_to_everybody_takes_one_round(open_house):
    """What one message makes the server say to many is written by one task, in one go."""

    class Broadcast(Echo):
        def receive(self, payload):
            for connection in house.running.connections:
                connection.send(b"\x82\x02hi")

    house = await open_house(Broadcast)
    clients = [await house.upgraded() for _ in range(10)]
    before = house.running.statistics()
    await clients[0].send(masked(BINARY, b"x"))
    for client in clients:
        assert (BINARY, b"hi") == await client.frame()
    after = house.running.statistics()
    assert (1, 10) == (after.rounds - before.rounds, after.flushes - before.flushes)


async def test_drain_closes_everybody_and_ends_serving(house):
    clients = [await house.upgraded() for _ in range(3)]
    for client in clients:
        await client.echo()
    half = await house.connect()
    await half.send(b"GET ")
    await wait_all_tasks_blocked()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(house.running.drain, 10)
        for client in clients:
            assert (CLOSE, b"\x03\xe9the server stops") == await client.frame()
            await client.send(masked(CLOSE, b"\x03\xe9"))
            assert b"" == await client.end()
        assert b"" == await half.end()
    await house.ended.wait()
    assert [["drain"]] * 3 == [peer.finished for peer in house.peers]
    with pytest.raises(OSError, match=str(house.port)):
        await trio.open_tcp_stream("127.0.0.1", house.port)


async def test_drain_of_nobody(house):
    await house.running.drain(10)
    await house.ended.wait()


async def test_drain_delivers_the_answers_to_what_was_received(open_house):
    class Worker(Echo):
        """Answers later, and ends what it has begun."""

        def receive(self, payload):
            self.received.append(payload)
            self.tell()

        async def finish(self, reason):
            await self.wait_room()
            for payload in self.received:
                self.connection.send(b"\x82" + bytes((len(payload),)) + payload)
            await super().finish(reason)

    house = await open_house(Worker)
    client = await house.upgraded()
    await client.send(masked(BINARY, b"question"))
    while not house.peers:
        await wait_all_tasks_blocked()
    (peer,) = house.peers
    await peer.wait_received(1)
    peer.full = True
    async with trio.open_nursery() as nursery:
        nursery.start_soon(house.running.drain, 10)
        await wait_all_tasks_blocked()
        await client.send(masked(BINARY, b"too late"))
        await wait_all_tasks_blocked()
        peer.make_room()
        assert (BINARY, b"question") == await client.frame()
        assert 1001 == await client.close_code()
        await client.leave()
    assert [b"question"] == peer.received


async def test_drain_has_its_time(open_house, mock_clock):
    """Who does not end in time is cancelled; only what the application itself has begun is awaited."""
    house = await open_house(close_timeout=1000)
    client = await house.upgraded()
    await client.echo()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(house.running.drain, 10)
        await wait_all_tasks_blocked()
        mock_clock.jump(9)
        await wait_all_tasks_blocked()
        assert not house.ended.is_set()
        mock_clock.jump(1)
    await house.ended.wait()
    assert 1001 == await client.close_code()


async def test_who_never_logged_out_of_one_connection_may_have_many(open_house):
    seen = []

    def remember(connection):
        seen.append(connection)
        return Echo(connection)

    house = await open_house(remember)
    for _ in range(5):
        await house.assert_serves()
    assert 5 == len({connection.id for connection in seen})
    for connection in seen:
        await connection.wait_closed()
        connection.send(b"\x82\0")
        connection.close(1000)
