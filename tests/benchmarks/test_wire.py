"""Connections to real servers, plain and over TLS, and what it says of those that cannot be."""

import socket
from functools import partial

import pytest
import trio
import trustme
from benchmarks import wire
from benchmarks.frames import Kind
from benchmarks.wire import ConnectionLost, Where, Wire
from harness import KEY, running

from yummy.client.address import parse_address


def where(server, key=KEY):
    address = parse_address(server.url, key)
    return Where(address.host, address.port, address.secure, address.resource)


async def connect(place):
    return await trio.to_thread.run_sync(Wire.connect, place)


async def refused(place):
    with pytest.raises(ConnectionLost) as lost:
        await connect(place)
    return lost.value


async def test_a_player_asks_and_is_answered():
    async with running() as server:
        one = await connect(where(server))
        answer = await trio.to_thread.run_sync(lambda: one.ask("AuthDeviceId", id="a-device-of-mine"))
        assert answer["status"] is True
        with pytest.raises(ConnectionLost, match=r"JoinToRoom failed: .* \(room_not_found\)") as lost:
            await trio.to_thread.run_sync(lambda: one.ask("JoinToRoom", room_id="018f2f6e-0000-7000-8000-000000000000"))
        assert lost.value.code == "room_not_found"
        one.close()


async def test_tls_is_spoken_with_who_can_be_trusted(tmp_path, monkeypatch):
    authority = trustme.CA()
    issued = authority.issue_cert("127.0.0.1")
    cert, key = tmp_path / "cert.pem", tmp_path / "key.pem"
    cert.write_bytes(b"".join(blob.bytes() for blob in issued.cert_chain_pems))
    key.write_bytes(issued.private_key_pem.bytes())
    async with running(tls_cert_path=cert, tls_key_path=key) as server:
        wire._tls.cache_clear()
        assert "certificate verify failed" in str(await refused(where(server)))
        authority.cert_pem.write_to_path(tmp_path / "authority.pem")
        monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "authority.pem"))
        wire._tls.cache_clear()
        one = await connect(where(server))
        assert (await trio.to_thread.run_sync(lambda: one.ask("AuthDeviceId", id="a-device-of-mine")))["token"]
        one.close()
        wire._tls.cache_clear()


async def test_a_refused_handshake_is_told_by_its_status():
    async with running(max_connections=1) as server:
        assert (await refused(where(server, "wrong"))).code == "http 401"
        assert (
            await refused(Where("127.0.0.1", where(server).port, secure=False, resource="/other"))
        ).code == "http 404"
        one = await connect(where(server))
        assert (await refused(where(server))).code == "http 503"
        one.close()


async def test_a_close_frame_is_told_by_its_code():
    async with running(auth_timeout=0.01) as server:
        one = await connect(where(server))
        with pytest.raises(ConnectionLost, match="with code 4001") as lost:
            await trio.to_thread.run_sync(one.receive)
        assert lost.value.code == "closed 4001"
        one.close()


async def test_what_comes_along_with_the_answer_to_the_handshake_is_not_lost():
    hello = bytes((Kind.BINARY, 5)) + b"hello"

    async def greeting(stream):
        async with stream:
            await stream.receive_some()
            await stream.send_all(b"HTTP/1.1 101 Switching Protocols\r\n\r\n" + hello + hello[:3])
            await stream.send_all(hello[3:])

    async with trio.open_nursery() as nursery:
        listeners = await nursery.start(partial(trio.serve_tcp, greeting, 0, host="127.0.0.1"))
        one = await connect(Where.local(listeners[0].socket.getsockname()[1], KEY))
        heard = []
        while len(heard) < 2:
            heard += await trio.to_thread.run_sync(one.receive)
        assert heard == [b"hello", b"hello"]
        one.close()
        nursery.cancel_scope.cancel()


def test_nobody_there_and_no_such_host_are_said():
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    with pytest.raises(ConnectionLost, match=f"no connection to 127.0.0.1:{port}: Connection refused"):
        Wire.connect(Where.local(port, KEY))
    with pytest.raises(ConnectionLost, match=r"host\.invalid could not be found"):
        Wire.connect(Where("host.invalid", 1, secure=False, resource="/"))


def test_who_does_not_answer_is_not_waited_for_for_ever():
    with (
        socket.create_server(("127.0.0.1", 0)) as silent,
        pytest.raises(ConnectionLost, match=r"did not answer within 0\.01 s"),
    ):
        Wire.connect(Where.local(silent.getsockname()[1], KEY), patience=0.01)


@pytest.mark.parametrize("answer", [b"hello\r\n\r\n", b"x" * 100_000, b""])
async def test_another_server_is_none_of_ours(answer):
    async def other(stream):
        async with stream:
            await stream.receive_some()
            await stream.send_all(answer)

    async with trio.open_nursery() as nursery:
        listeners = await nursery.start(partial(trio.serve_tcp, other, 0, host="127.0.0.1"))
        lost = await refused(Where.local(listeners[0].socket.getsockname()[1], KEY))
        assert lost.code == "lost"
        nursery.cancel_scope.cancel()


def test_an_address_of_version_6_is_written_in_brackets():
    assert str(Where("::1", 9090, secure=False, resource="/")) == "[::1]:9090"
