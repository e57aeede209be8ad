"""One connection: how it opens, how it does not, how it ends."""

import ssl
from functools import partial

import msgpack
import pytest
import trio
import trustme
from trio_websocket import WebSocketRequest, serve_websocket

from yummy.client import ConnectFailed, ConnectionLost, Refused, RequestFailed, connect
from yummy.client.link import LinkOptions


@pytest.mark.parametrize("status", [401, 404, 503])
async def test_a_refusal_before_the_upgrade_has_its_status(server, status):
    server.statuses.append(status)
    with pytest.raises(Refused, match=f"HTTP {status}: not now") as caught:
        async with connect(server.url):
            pytest.fail("nobody is let in")
    assert caught.value.status == status


async def test_nobody_there(server):
    listeners = await trio.open_tcp_listeners(0, host="127.0.0.1")
    port = listeners[0].socket.getsockname()[1]
    await listeners[0].aclose()
    with pytest.raises(ConnectFailed, match="nobody answers"):
        async with connect(f"ws://127.0.0.1:{port}"):
            pytest.fail("nobody is there")


@pytest.mark.parametrize(
    ("says", "text"), [(b"", "hung up"), (b"220 mail.example.org ESMTP\r\n\r\n", "does not speak WebSocket")]
)
async def test_something_else_listens_there(says, text):
    async def speak(stream):
        if says:
            await stream.send_all(says)
            await stream.receive_some()
        await stream.aclose()

    async with trio.open_nursery() as nursery:
        listeners = await nursery.start(partial(trio.serve_tcp, speak, 0, host="127.0.0.1"))
        port = listeners[0].socket.getsockname()[1]
        with pytest.raises(ConnectFailed, match=text):
            async with connect(f"ws://127.0.0.1:{port}"):
                pytest.fail("that is no Yummy server")
        nursery.cancel_scope.cancel()


async def test_a_server_that_never_answers_the_handshake_times_out():
    async def keep_silent(_stream):
        await trio.sleep_forever()

    async with trio.open_nursery() as nursery:
        listeners = await nursery.start(partial(trio.serve_tcp, keep_silent, 0, host="127.0.0.1"))
        port = listeners[0].socket.getsockname()[1]
        with pytest.raises(ConnectFailed, match=r"did not answer within 0\.05 seconds"):
            async with connect(f"ws://127.0.0.1:{port}", options=LinkOptions(connect_timeout=0.05)):
                pytest.fail("the handshake never ends")
        nursery.cancel_scope.cancel()


async def test_tls_with_a_certificate_of_ones_own():
    authority = trustme.CA()
    server_context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("127.0.0.1").configure_cert(server_context)
    client_context = ssl.create_default_context()
    authority.configure_trust(client_context)

    async def answer_once(request: WebSocketRequest):
        socket = await request.accept()
        asked = msgpack.unpackb(await socket.get_message())
        await socket.send_message(msgpack.packb({**asked, "status": True}))

    async with trio.open_nursery() as nursery:
        started = await nursery.start(serve_websocket, answer_once, "127.0.0.1", 0, server_context)
        url = f"wss://127.0.0.1:{started.port}"
        async with connect(url, ssl_context=client_context) as client:
            assert (await client.call("Say"))["status"]
        with pytest.raises(ConnectFailed, match="no TLS with"):
            async with connect(url):
                pytest.fail("this certificate is nobody's")
        nursery.cancel_scope.cancel()


async def test_errors_of_the_block_leave_it_as_they_came(server):
    with pytest.raises(KeyError, match="mine"):
        async with connect(server.url):
            raise KeyError("mine")
    server.answer = lambda peer, request: peer.refuse(request, "x", "y")
    with pytest.raises(RequestFailed):
        async with connect(server.url) as client:
            await client.me()


async def test_a_cancelled_block_closes_the_connection(server):
    with trio.move_on_after(5) as scope:
        async with connect(server.url) as client:
            await client.call("Say")
            scope.cancel()
            await trio.sleep_forever()
    assert scope.cancelled_caught
    await server.until(lambda: server.peers[0].socket.closed is not None)


async def test_a_closed_client_says_so(server):
    async with connect(server.url) as client:
        pass
    with pytest.raises(ConnectionLost, match="the client is closed"):
        await client.me()
    with pytest.raises(ConnectionLost, match="the client is closed"):
        await client.next_event()


async def test_a_frame_that_cannot_be_written_loses_the_connection_and_no_more(server):
    async with connect(server.url, reconnect=None) as client:
        await client.call("Say")
        await client._line._link.send("\ud800")
        with pytest.raises(ConnectionLost, match=r"could not be written: .*surrogates"):
            await client.next_event()
