"""A server that says what a test tells it to, over real sockets."""

import json
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import msgpack
import pytest
import trio
from attrs import define, field
from trio_websocket import ConnectionClosed, WebSocketConnection, WebSocketRequest, WebSocketServer, serve_websocket


@define
class Peer:
    """One connection, seen from the server."""

    socket: WebSocketConnection
    server: "FakeServer"

    async def say(self, message: dict[str, Any], *, as_json: bool = False) -> None:
        await self.socket.send_message(json.dumps(message) if as_json else msgpack.packb(message))

    async def answer(self, request: dict[str, Any], **fields: Any) -> None:
        await self.say({"request_id": request["request_id"], "status": True, "type": request["type"], **fields})

    async def refuse(self, request: dict[str, Any], code: str, error: str) -> None:
        await self.answer(request, status=False, code=code, error=error)

    async def cut(self) -> None:
        """End the connection without a word, as a broken network does."""
        await trio.aclose_forcefully(self.socket._stream)


async def echo(peer: Peer, request: dict[str, Any]) -> None:
    """Answer anything with what was sent, and log anybody in."""
    if request["type"].startswith("Auth"):
        await peer.answer(request, token="token-1", user_id="user-1", session_id="session-1")
    elif request["type"] == "RestoreToken":
        await peer.answer(
            request, token="token-2", user_id="user-1", session_id="session-1", restored=True, rooms=["room-1"]
        )
    else:
        await peer.answer(
            request, **{key: value for key, value in request.items() if key not in ("type", "request_id")}
        )


type Answer = Callable[[Peer, dict[str, Any]], Awaitable[None]]


@define
class FakeServer:
    answer: Answer = echo
    port: int = 0
    statuses: list[int] = field(factory=list)  # HTTP refusals for the next connections
    paths: list[str] = field(factory=list)
    requests: list[dict[str, Any]] = field(factory=list)
    frames: list[bytes | str] = field(factory=list)
    peers: list[Peer] = field(factory=list)
    hang_up: list[bool] = field(factory=list)  # whether to break the next connections right after the handshake
    _changed: trio.Event = field(factory=trio.Event)

    @property
    def url(self) -> str:
        return f"ws://127.0.0.1:{self.port}"

    async def until(self, condition: Callable[[], bool]) -> None:
        """Wait for something to be seen by the server."""
        with trio.fail_after(5):
            while not condition():
                await self._changed.wait()

    def _notice(self) -> None:
        self._changed.set()
        self._changed = trio.Event()

    async def handle(self, request: WebSocketRequest) -> None:
        self.paths.append(request.path)
        if self.statuses:
            await request.reject(self.statuses.pop(0), body=b"not now")
            self._notice()
            return
        socket = await request.accept()
        peer = Peer(socket, self)
        self.peers.append(peer)
        self._notice()
        if self.hang_up and self.hang_up.pop(0):
            await peer.cut()
            return
        try:
            while True:
                frame = await socket.get_message()
                message = json.loads(frame) if isinstance(frame, str) else msgpack.unpackb(frame)
                self.frames.append(frame)
                self.requests.append(message)
                self._notice()
                await self.answer(peer, message)
        except ConnectionClosed:
            self._notice()


@asynccontextmanager
async def running(server: FakeServer) -> AsyncGenerator[FakeServer]:
    async with trio.open_nursery() as nursery:
        started: WebSocketServer = await nursery.start(serve_websocket, server.handle, "127.0.0.1", 0, None)
        server.port = started.port
        yield server
        nursery.cancel_scope.cancel()


@pytest.fixture
async def server():
    async with running(FakeServer()) as fake:
        yield fake
