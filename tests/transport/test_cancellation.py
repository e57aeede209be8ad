"""The whole server is cancelled, at every moment of a connection's life."""

import os

import pytest
import trio
from tests.transport.conftest import BINARY, CLOSE, TEXT, Echo, head, masked
from trio.testing import wait_all_tasks_blocked

from yummy.transport import frame_binary


@pytest.mark.parametrize(
    "said",
    [
        b"",
        b"GET ",
        head("/nowhere"),
        head(),
        head() + masked(BINARY, b"x")[:3],
        head() + masked(0x02, b"x"),
        head() + masked(BINARY, b"x") * 100,
        head() + masked(CLOSE),
    ],
)
async def test_nothing_is_left_whatever_was_said(house, said):
    client = await house.connect()
    await client.send(said)
    await wait_all_tasks_blocked()
    house.scope.cancel()
    await house.ended.wait()
    await client.end()
    assert all(1 == len(peer.finished) for peer in house.peers)


@pytest.mark.parametrize("batches", range(12))
async def test_nothing_is_left_whenever_it_happens(house, batches):
    """After so many batches of the scheduler since the first byte."""
    client = await house.connect()
    await client.send(head() + masked(BINARY, b"x") + masked(CLOSE))
    for _ in range(batches):
        await trio.lowlevel.checkpoint()
    house.scope.cancel()
    await house.ended.wait()
    await client.end()
    assert all(1 == len(peer.finished) for peer in house.peers)


async def test_clients_hear_that_the_server_stops(house):
    clients = [await house.upgraded() for _ in range(3)]
    for client in clients:
        await client.echo()
    house.scope.cancel()
    for client in clients:
        assert (CLOSE, b"\x03\xe9the server stops") == await client.frame()
        assert b"" == await client.end()
        assert not client.was_reset


async def test_what_was_queued_is_still_sent(house):
    client = await house.upgraded()
    await client.echo()
    (connection,) = house.running.connections
    connection.send(frame_binary(b"last words"))
    house.scope.cancel()
    assert (BINARY, b"last words") == await client.frame()
    assert 1001 == await client.close_code()


async def test_a_client_that_does_not_read_delays_nothing(open_house):
    house = await open_house(outbox_bytes=0)
    client = await house.connect(receive_buffer=4096)
    await client.upgrade()
    await client.echo()
    (connection,) = house.running.connections
    connection.send(frame_binary(bytes(20_000_000)))
    await wait_all_tasks_blocked()
    house.scope.cancel()
    await house.ended.wait()
    assert ["drain"] == house.peers[0].finished


async def test_a_reader_that_waits_for_room(house):
    client = await house.upgraded()
    await client.echo()
    (peer,) = house.peers
    peer.full = True
    await client.send(masked(BINARY, b"x"))
    await wait_all_tasks_blocked()
    house.scope.cancel()
    await house.ended.wait()
    assert ["drain"] == peer.finished


async def test_what_the_application_has_begun_is_ended_first(open_house):
    class Thorough(Echo):
        async def finish(self, reason):
            await self.wait_room()
            await super().finish(reason)

    house = await open_house(Thorough)
    client = await house.upgraded()
    await client.echo()
    (peer,) = house.peers
    peer.full = True
    house.scope.cancel()
    await wait_all_tasks_blocked()
    assert not house.ended.is_set()
    assert 1001 == await client.close_code()
    peer.make_room()
    await house.ended.wait()
    assert ["drain"] == peer.finished


async def test_a_cancelled_drain_still_ends_with_the_server(house, mock_clock):
    client = await house.upgraded()
    await client.echo()
    with trio.CancelScope() as scope:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(house.running.drain, 10)
            await wait_all_tasks_blocked()
            scope.cancel()
    assert 1001 == await client.close_code()
    house.scope.cancel()
    await house.ended.wait()


async def test_readers_that_hear_of_it_after_the_poller_has_ended(open_house):
    """Half a text makes a reader go back to the poller at once, without looking whether it is cancelled."""

    class Stopper(Echo):
        def receive(self, payload):
            super().receive(payload)
            if payload == b"stop":
                house.scope.cancel()

    house = await open_house(Stopper)
    clients = [await house.upgraded() for _ in range(10)]
    for client in clients:
        await client.echo()
    for client in clients[:-1]:
        os.write(client.stream.socket.fileno(), masked(TEXT, b"half of it")[:10])
    os.write(clients[-1].stream.socket.fileno(), masked(BINARY, b"stop"))
    await house.ended.wait()
    for client in clients:
        await client.end()
