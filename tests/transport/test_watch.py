"""Time-outs, with a clock that is moved by hand."""

import os

import pytest
import trio
from tests.transport.conftest import BINARY, CLOSE, PING, PONG, Echo, masked
from trio.testing import wait_all_tasks_blocked

from yummy.transport import frame_binary


async def pass_time(clock, seconds: float) -> None:
    """Let seconds pass, a quarter of one at a time, so that everything that is due happens in its order."""
    for _ in range(round(seconds * 4)):
        clock.jump(0.25)
        await wait_all_tasks_blocked()


async def test_pings_come_at_their_interval(open_house, mock_clock):
    house = await open_house(heartbeat_interval=10)
    client = await house.upgraded()
    await client.echo()
    await pass_time(mock_clock, 9)
    assert 0 == house.running.statistics().bytes_queued
    await pass_time(mock_clock, 2)
    assert (PING, b"") == await client.frame()
    await pass_time(mock_clock, 10)
    assert (PING, b"") == await client.frame()
    assert b"" == client.buffer


async def test_a_silent_client_is_closed(open_house, mock_clock):
    house = await open_house(heartbeat_interval=10, heartbeat_timeout=20)
    client = await house.upgraded()
    await pass_time(mock_clock, 19)
    assert 1 == house.running.statistics().connections
    await pass_time(mock_clock, 2)
    assert 4002 == await client.close_code()
    await pass_time(mock_clock, 2)
    await house.wait_alone()
    assert ["heartbeat"] == house.peers[0].finished


@pytest.mark.parametrize("word", [masked(PONG), masked(BINARY, b"x"), b"\x82"])
async def test_any_byte_is_a_sign_of_life(open_house, mock_clock, word):
    house = await open_house(heartbeat_timeout=20)
    client = await house.upgraded()
    await pass_time(mock_clock, 15)
    await client.send(word)
    await pass_time(mock_clock, 15)
    assert 1 == house.running.statistics().connections
    await pass_time(mock_clock, 6)
    assert {"heartbeat": 1} == house.running.statistics().endings or 1 == house.running.statistics().connections
    assert "heartbeat" == house.running._registry.conversations[1].ending
    await client.leave()


async def test_the_heartbeat_stands_still_while_the_server_does_not_read(open_house, mock_clock):
    house = await open_house(heartbeat_interval=10, heartbeat_timeout=20)
    client = await house.upgraded()
    await client.echo()
    (peer,) = house.peers
    await pass_time(mock_clock, 15)
    peer.full = True
    await client.send(masked(BINARY, b"fills it"))
    await wait_all_tasks_blocked()
    await pass_time(mock_clock, 60)
    assert 1 == house.running.statistics().connections
    peer.make_room()
    await wait_all_tasks_blocked()
    await pass_time(mock_clock, 19)
    assert not peer.connection.closing
    await pass_time(mock_clock, 2)
    assert peer.connection.closing


async def test_who_does_not_authenticate_is_closed(open_house, mock_clock):
    house = await open_house(auth_timeout=30)
    anonymous, known = await house.upgraded(), await house.upgraded()
    for client in (anonymous, known):
        await client.echo()
    house.peers[1].connection.authenticated = True
    await pass_time(mock_clock, 31)
    assert (CLOSE, b"\x0f\xa1not authenticated in time") == await anonymous.frame()
    await known.echo()
    await anonymous.leave()
    await wait_all_tasks_blocked()
    assert {"unauthenticated": 1} == house.running.statistics().endings


async def test_the_time_to_authenticate_stands_still_while_the_application_works(open_house, mock_clock):
    house = await open_house(auth_timeout=30)
    client = await house.upgraded()
    await client.echo()
    (connection,) = house.running.connections
    await pass_time(mock_clock, 20)
    connection.working = True
    await pass_time(mock_clock, 100)
    connection.working = False
    await pass_time(mock_clock, 8)
    await client.echo()
    await pass_time(mock_clock, 4)
    assert 4001 == await client.close_code()


async def test_the_time_to_authenticate_begins_again_after_a_logout(open_house, mock_clock):
    house = await open_house(auth_timeout=30)
    client = await house.upgraded()
    await client.echo()
    (connection,) = house.running.connections
    connection.authenticated = True
    await pass_time(mock_clock, 100)
    connection.authenticated = False
    await pass_time(mock_clock, 29)
    await client.echo()
    await pass_time(mock_clock, 3)
    assert 4001 == await client.close_code()


async def test_time_outs_of_zero_are_off(open_house, mock_clock):
    house = await open_house(heartbeat_interval=0, heartbeat_timeout=0, auth_timeout=0)
    client = await house.upgraded()
    mock_clock.jump(1_000_000)
    await wait_all_tasks_blocked()
    await client.echo()


async def test_a_slow_reader_has_a_grace(open_house, mock_clock):
    house = await open_house(outbox_bytes=100_000, outbox_burst=1000)
    client = await house.connect(receive_buffer=4096)
    await client.upgrade()
    await client.echo()
    (connection,) = house.running.connections
    for _ in range(100):
        connection.send(frame_binary(bytes(100_000)))
    await wait_all_tasks_blocked()
    await pass_time(mock_clock, 1.5)
    assert not connection.closing
    await pass_time(mock_clock, 1.5)
    assert connection.closing
    await pass_time(mock_clock, 3)
    await connection.wait_closed()
    assert ["slow"] == house.peers[0].finished
    await client.end()
    assert client.was_reset


async def test_a_slow_reader_that_reads_on_hears_why_it_was_closed(open_house, mock_clock):
    house = await open_house(outbox_bytes=100_000, outbox_burst=1000)
    client = await house.connect(receive_buffer=4096)
    await client.upgrade()
    await client.echo()
    (connection,) = house.running.connections
    for _ in range(200):
        connection.send(frame_binary(bytes(50_000)))
        await wait_all_tasks_blocked()
    await pass_time(mock_clock, 3)
    assert connection.closing
    whole = 0
    while (frame := await client.frame())[0] == BINARY:
        assert bytes(50_000) == frame[1]
        whole += 1
    assert whole < 200  # what had not begun to leave was dropped
    assert (CLOSE, b"\x0f\xa0too slow a reader") == frame
    assert b"" == await client.end()
    assert not client.was_reset
    assert {4000: 1} == house.running.statistics().closings


async def test_a_slow_reader_that_catches_up_stays(open_house, mock_clock):
    house = await open_house(outbox_bytes=100_000, outbox_burst=1000)
    client = await house.connect(receive_buffer=4096)
    await client.upgrade()
    await client.echo()
    (connection,) = house.running.connections
    for _ in range(100):
        connection.send(frame_binary(bytes(100_000)))
    await pass_time(mock_clock, 1)
    for _ in range(100):
        assert (BINARY, bytes(100_000)) == await client.frame()
    await pass_time(mock_clock, 10)
    await client.echo()


async def test_a_slow_reader_is_told_of_in_the_log_once(open_house, mock_clock, capsys):
    house = await open_house(outbox_bytes=10_000)
    slow = await house.connect(receive_buffer=4096)
    await slow.upgrade()
    await slow.echo()
    (connection,) = house.running.connections
    for _ in range(1000):
        connection.send(frame_binary(bytes(100_000)))
    await pass_time(mock_clock, 3)
    await connection.wait_closed()
    said = capsys.readouterr()
    assert 1 == (said.out + said.err).count("slow_reader_dropped")


async def test_so_much_at_once_that_no_grace_applies(open_house, mock_clock):
    house = await open_house(outbox_bytes=100_000)
    client = await house.connect(receive_buffer=4096)
    await client.upgrade()
    await client.echo()
    (connection,) = house.running.connections
    while not connection.closing:
        connection.send(frame_binary(bytes(50_000)))
    await pass_time(mock_clock, 3)
    await connection.wait_closed()
    assert ["slow"] == house.peers[0].finished


async def test_a_burst_that_the_kernel_takes_is_no_crowd(open_house):
    """Much is queued within one batch, before the hub comes round."""
    house = await open_house(outbox_bytes=10_000)
    client = await house.upgraded()
    await client.echo()
    (connection,) = house.running.connections
    for _ in range(20):
        connection.send(frame_binary(bytes(5_000)))
    for _ in range(20):
        assert (BINARY, bytes(5_000)) == await client.frame()
    await client.echo()


@pytest.mark.parametrize("said", [b"", b"GET /v1/socket HTT"])
async def test_a_handshake_has_its_time(open_house, mock_clock, said):
    house = await open_house(handshake_timeout=5)
    client = await house.connect()
    await client.send(said)
    await pass_time(mock_clock, 4.5)
    assert 1 == house.running.statistics().handshakes
    await pass_time(mock_clock, 1)
    assert 0 == house.running.statistics().handshakes
    assert b"" == await client.end()


async def test_a_tls_handshake_has_its_time(open_tls_house, mock_clock):
    house = await open_tls_house(handshake_timeout=5)
    client = await trio.open_tcp_stream("127.0.0.1", house.port)
    await client.send_all(b"\x16\x03\x01")
    await pass_time(mock_clock, 6)
    assert 0 == house.running.statistics().handshakes
    await client.aclose()


async def test_nobody_is_closed_for_what_the_server_slept_through(open_house, mock_clock):
    """A word that came while everything stood still is heard before anybody is judged."""
    house = await open_house(Echo, heartbeat_timeout=20)
    client = await house.upgraded()
    await client.echo()
    os.write(client.stream.socket.fileno(), masked(BINARY, b"in time"))
    mock_clock.jump(25)
    assert (BINARY, b"in time") == await client.frame()
    await wait_all_tasks_blocked()
    await client.echo()


async def test_nobody_is_closed_for_what_the_server_slept_through_however_many_there_are(
    open_house, mock_clock, monkeypatch
):
    """Not even those who are read last."""
    monkeypatch.setattr("yummy.transport.poller.AT_A_TIME", 2)
    house = await open_house(Echo, heartbeat_timeout=20, auth_timeout=20)
    clients = [await house.upgraded() for _ in range(12)]
    for client in clients:
        await client.echo()
    for client in reversed(clients):
        os.write(client.stream.socket.fileno(), masked(BINARY, b"in time"))
    mock_clock.jump(25)
    for client in clients:
        assert (BINARY, b"in time") == await client.data_frame()
