import ssl

import pytest
import trio
import trustme
from tests.transport.conftest import BINARY, CLOSE, Echo, masked
from trio.testing import wait_all_tasks_blocked

from yummy.transport import frame_binary, load_certificate


async def test_a_client_of_trio_websocket_is_served(open_tls_house):
    house = await open_tls_house()
    async with house.websocket() as websocket:
        for size in (0, 1, 125, 126, 16_384, 65_535):
            await websocket.send_message(b"x" * size)
            assert b"x" * size == await websocket.get_message()
    await house.wait_alone()
    assert ["closed"] == house.peers[0].finished


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
async def test_both_versions_of_tls(open_tls_house, version, certificates):
    _, trusting = certificates
    client_tls = ssl.create_default_context()
    client_tls.load_verify_locations(cadata="".join(map(ssl.DER_cert_to_PEM_cert, trusting.get_ca_certs(True))))  # noqa: FBT003  # positional only
    client_tls.minimum_version = client_tls.maximum_version = version
    house = await open_tls_house(client_tls=client_tls)
    client = await house.upgraded()
    await client.echo(b"x" * 60_000)
    assert version.name == client.stream.version().replace(".", "_")


async def test_a_lot_is_delivered_in_order(open_tls_house):
    house = await open_tls_house(outbox_bytes=0)
    client = await house.upgraded()
    await client.echo()
    (connection,) = house.running.connections
    for number in range(200):
        connection.send(frame_binary(b"%d" % number * 10_000))
    for number in range(200):
        assert (BINARY, b"%d" % number * 10_000) == await client.frame()


async def test_the_end_is_said_in_tls_too(open_tls_house):
    house = await open_tls_house()
    client = await house.upgraded()
    await client.echo()
    (connection,) = house.running.connections
    connection.close(4003)
    assert 4003 == await client.close_code()
    await client.send(masked(CLOSE, b"\x0f\xa3"))
    assert b"" == await client.end()
    assert not client.was_reset
    await connection.wait_closed()


async def test_a_client_that_says_goodbye_in_tls_alone(open_tls_house):
    house = await open_tls_house()
    client = await house.upgraded()
    await client.echo()
    await client.leave()
    await house.wait_alone()
    assert ["lost"] == house.peers[0].finished


@pytest.mark.parametrize(
    "said", [b"GET / HTTP/1.1\r\n\r\n", b"\x16\x03\x01\x00\x05hello", b"\0" * 1000, b"\x15\x03\x03\0\x02\x02\x28"]
)
async def test_who_speaks_no_tls(open_tls_house, said):
    house = await open_tls_house()
    client = await trio.open_tcp_stream("127.0.0.1", house.port)
    await client.send_all(said)
    try:
        while await client.receive_some():
            pass
    except trio.BrokenResourceError:
        pass
    await client.aclose()
    await house.wait_alone()
    await house.assert_serves()


async def test_who_does_not_trust_the_certificate(open_tls_house):
    house = await open_tls_house(client_tls=ssl.create_default_context())
    client = await house.connect()
    with pytest.raises(trio.BrokenResourceError):
        await client.send(b"x")
    await trio.aclose_forcefully(client.stream)
    await house.wait_alone()


@pytest.mark.parametrize("cut", [3, 100])
async def test_bytes_that_are_no_tls_in_the_middle(open_tls_house, cut):
    house = await open_tls_house()
    client = await house.upgraded()
    await client.echo()
    await client.stream.transport_stream.send_all(b"\x17\x03\x03\x00\x64" + b"\xa5" * cut)
    if cut == 3:
        await client.stream.transport_stream.send_eof()
    await wait_all_tasks_blocked()
    await trio.aclose_forcefully(client.stream)
    await house.wait_alone()
    assert ["lost"] == house.peers[0].finished
    await house.assert_serves()


async def test_a_message_too_big(open_tls_house):
    house = await open_tls_house()
    client = await house.upgraded()
    await client.send(masked(BINARY, bytes(70_000)))
    assert 1009 == await client.close_code()
    await client.leave()
    await house.wait_alone()


async def test_a_slow_reader(open_tls_house, mock_clock):
    house = await open_tls_house(Echo, outbox_bytes=100_000)
    client = await house.connect(receive_buffer=4096)
    await client.upgrade()
    await client.echo()
    (connection,) = house.running.connections
    while not connection.closing:
        connection.send(frame_binary(bytes(50_000)))
    await wait_all_tasks_blocked()
    mock_clock.jump(2)
    await connection.wait_closed()
    assert ["slow"] == house.peers[0].finished


async def test_cancelled_clients_hear_the_end(open_tls_house):
    house = await open_tls_house()
    client = await house.upgraded()
    await client.echo()
    house.scope.cancel()
    assert 1001 == await client.close_code()


def test_a_certificate_that_cannot_be_used_is_an_error(tmp_path):
    ours, other = (trustme.CA().issue_cert("localhost") for _ in range(2))
    ours.cert_chain_pems[0].write_to_path(tmp_path / "certificate.pem")
    other.private_key_pem.write_to_path(tmp_path / "key.pem")
    with pytest.raises(ssl.SSLError):
        load_certificate(tmp_path / "certificate.pem", tmp_path / "key.pem")
    with pytest.raises(FileNotFoundError):
        load_certificate(tmp_path / "certificate.pem", tmp_path / "nowhere.pem")
