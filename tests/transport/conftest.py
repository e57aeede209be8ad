"""A transport on real loopback sockets, applications for it, and clients that send whatever bytes they like."""

import socket
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import partial
from http import HTTPStatus
from typing import Any

import pytest
import trio
import trustme
from attrs import define, evolve, field
from trio_websocket import WebSocketConnection, wrap_client_stream

from yummy.transport import (
    Connection,
    Gate,
    Transport,
    TransportLimits,
    frame_binary,
    frame_text,
    load_certificate,
    open_listeners,
    serve,
)

KEY = "the key"
PATH = "/v1/socket?x-yummy-api=the%20key"

BINARY, TEXT, CONTINUATION, CLOSE, PING, PONG = 0x82, 0x81, 0x80, 0x88, 0x89, 0x8A
FIN = 0x80


@define(eq=False)
class Echo:
    """An application that says what it hears, and remembers."""

    connection: Connection
    received: list[bytes | str] = field(factory=list)
    finished: list[str] = field(factory=list)
    full: bool = False
    _changed: trio.Event = field(factory=trio.Event)

    def receive(self, payload: bytes | str) -> None:
        self.received.append(payload)
        if isinstance(payload, str):
            self.connection.send(frame_text(payload.encode()))
        else:
            self.connection.send(frame_binary(payload))
        self.tell()

    async def wait_room(self) -> None:
        while self.full:
            await self._changed.wait()

    def make_room(self) -> None:
        self.full = False
        self.tell()

    async def finish(self, reason: str) -> None:
        self.finished.append(reason)
        self.tell()

    def tell(self) -> None:
        self._changed.set()
        self._changed = trio.Event()

    async def wait_received(self, count: int) -> None:
        while len(self.received) < count:
            await self._changed.wait()


def masked(first_byte: int, payload: bytes = b"", mask: bytes = b"\x05\x00\xff\x42") -> bytes:
    """One frame as a client sends it."""
    size = len(payload)
    if size < 126:
        length = bytes((0x80 | size,))
    elif size < 1 << 16:
        length = bytes((0xFE,)) + size.to_bytes(2, "big")
    else:
        length = bytes((0xFF,)) + size.to_bytes(8, "big")
    key = (mask * (size // 4 + 1))[:size]
    body = (int.from_bytes(payload, "big") ^ int.from_bytes(key, "big")).to_bytes(size, "big")
    return bytes((first_byte,)) + length + mask + body


def head(path: str = PATH, *, extra: bytes = b"", host: bytes = b"game.example") -> bytes:
    """A request to upgrade."""
    return (
        b"GET " + path.encode() + b" HTTP/1.1\r\nHost: " + host + b"\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n" + extra + b"\r\n"
    )


class Gone(Exception):  # noqa: N818  # it is an end, not an error
    """The server closed its side (or reset the connection)."""


@define(eq=False)
class RawClient:
    """A client that keeps to no protocol."""

    stream: trio.abc.Stream
    buffer: bytes = b""
    was_reset: bool = False

    async def send(self, data: bytes) -> None:
        await self.stream.send_all(data)

    async def more(self) -> None:
        try:
            data = await self.stream.receive_some(65536)
        except trio.BrokenResourceError:
            self.was_reset = True
            raise Gone from None
        if not data:
            raise Gone
        self.buffer += data

    async def take(self, size: int) -> bytes:
        while len(self.buffer) < size:
            await self.more()
        taken, self.buffer = self.buffer[:size], self.buffer[size:]
        return taken

    async def response(self) -> bytes:
        """The head of an HTTP response."""
        while b"\r\n\r\n" not in self.buffer:
            await self.more()
        taken, _, self.buffer = self.buffer.partition(b"\r\n\r\n")
        return taken

    async def status(self) -> int:
        return int((await self.response()).split()[1])

    async def upgrade(self, **request: Any) -> bytes:
        await self.send(head(**request))
        response = await self.response()
        assert response.startswith(b"HTTP/1.1 101 "), response
        return response

    async def frame(self) -> tuple[int, bytes]:
        """First byte and payload of the next frame."""
        first_byte, size = await self.take(2)
        if size == 126:
            size = int.from_bytes(await self.take(2), "big")
        elif size == 127:
            size = int.from_bytes(await self.take(8), "big")
        return first_byte, await self.take(size)

    async def data_frame(self) -> tuple[int, bytes]:
        """The next frame that is no ping."""
        while (frame := await self.frame())[0] == PING:
            pass
        return frame

    async def close_code(self) -> int:
        """The code of the close frame, which must be the next but pings."""
        first_byte, payload = await self.data_frame()
        assert first_byte == CLOSE, (first_byte, payload[:50])
        return int.from_bytes(payload[:2], "big")

    async def end(self) -> bytes:
        """What else the server sends until it closes or resets."""
        try:
            while True:
                await self.more()
        except Gone:
            return self.buffer

    async def echo(self, payload: bytes = b"are you there?") -> None:
        await self.send(masked(BINARY, payload))
        assert (BINARY, payload) == await self.data_frame()

    async def leave(self) -> None:
        """Close the connection, without a close frame."""
        await self.stream.aclose()

    def reset(self) -> None:
        """End without a word, and let the server's side fail."""
        stream = self.stream
        assert isinstance(stream, trio.SocketStream)
        stream.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        stream.socket.close()


@define(eq=False)
class House:
    """A transport that runs, and who is connected to it."""

    nursery: trio.Nursery
    transport: Transport | None = None
    peers: list[Any] = field(factory=list)
    application: Callable[[Connection], Any] = Echo
    scope: trio.CancelScope = field(factory=trio.CancelScope)
    ended: trio.Event = field(factory=trio.Event)
    client_tls: ssl.SSLContext | None = None
    clients: list[RawClient] = field(factory=list)

    @property
    def running(self) -> Transport:
        assert self.transport is not None
        return self.transport

    @property
    def port(self) -> int:
        return self.running.addresses[0][1]

    def make_peer(self, connection: Connection) -> Any:
        peer = self.application(connection)
        self.peers.append(peer)
        return peer

    async def run(self, options: dict[str, Any], task_status: trio.TaskStatus[Transport]) -> None:
        try:
            with self.scope:
                await serve(**options, make_peer=self.make_peer, task_status=task_status)
        finally:
            self.ended.set()

    async def connect(self, *, receive_buffer: int | None = None) -> RawClient:
        """A connection over TCP, or over TLS, without a word of HTTP."""
        sock = trio.socket.socket()
        if receive_buffer is not None:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        await sock.connect(("127.0.0.1", self.port))
        stream: trio.abc.Stream = trio.SocketStream(sock)
        if self.client_tls is not None:
            stream = trio.SSLStream(stream, self.client_tls, server_hostname="localhost", https_compatible=True)
        client = RawClient(stream)
        self.clients.append(client)
        return client

    async def upgraded(self, **request: Any) -> RawClient:
        """A connection after the upgrade."""
        client = await self.connect()
        await client.upgrade(**request)
        return client

    @asynccontextmanager
    async def websocket(self, **options: Any) -> AsyncIterator[WebSocketConnection]:
        """A connection by somebody else's client."""
        client = await self.connect()
        async with trio.open_nursery() as nursery:
            websocket = await wrap_client_stream(nursery, client.stream, "localhost", PATH, **options)
            yield websocket
            await websocket.aclose()
            await client.leave()

    async def wait_alone(self) -> None:
        """Until nobody is connected, as far as the server knows."""
        await self.running._registry.wait_empty()

    async def assert_serves(self) -> None:
        """Another client is served."""
        client = await self.upgraded()
        await client.echo()
        await client.leave()


type Open = Callable[..., Any]


@pytest.fixture
def limits():
    """Nothing is on a clock but what a test asks for."""
    return TransportLimits(heartbeat_interval=0, heartbeat_timeout=0, auth_timeout=0)


@pytest.fixture
async def open_house(nursery, limits):
    """Start transports; at the end nothing of them is left."""
    houses: list[House] = []

    async def start(
        application: Callable[[Connection], Any] = Echo,
        *,
        tls: ssl.SSLContext | None = None,
        client_tls: ssl.SSLContext | None = None,
        gate: Gate | None = None,
        **changed: Any,
    ) -> House:
        house = House(nursery, application=application, client_tls=client_tls)
        options = {
            "listeners": await open_listeners("127.0.0.1", 0),
            "limits": evolve(limits, **changed),
            "gate": gate or Gate(key=KEY),
            "tls": tls,
        }
        house.transport = await nursery.start(lambda task_status: house.run(options, task_status))
        houses.append(house)
        return house

    yield start
    for house in houses:
        house.scope.cancel()
        await house.ended.wait()
        statistics = house.running.statistics()
        assert (0, 0) == (statistics.connections, statistics.handshakes)
        for client in house.clients:
            await trio.aclose_forcefully(client.stream)


@pytest.fixture
async def house(open_house):
    return await open_house()


@pytest.fixture(scope="session")
def certificates(tmp_path_factory):
    """A server's TLS and a client's that trusts it."""
    folder = tmp_path_factory.mktemp("certificates")
    authority = trustme.CA()
    issued = authority.issue_cert("localhost", "127.0.0.1")
    issued.cert_chain_pems[0].write_to_path(folder / "certificate.pem")
    issued.private_key_pem.write_to_path(folder / "key.pem")
    client = ssl.create_default_context()
    authority.configure_trust(client)
    return load_certificate(folder / "certificate.pem", folder / "key.pem"), client


@pytest.fixture
def open_tls_house(open_house, certificates):
    server, client = certificates
    return partial(open_house, tls=server, client_tls=client)


def status_counts(house: House) -> dict[HTTPStatus, int]:
    return dict(house.running.statistics().refused)
