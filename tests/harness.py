"""What tests over real sockets share: a server for the length of a block, and players that speak raw frames.

The players use trio-websocket's client and the encodings directly, not `yummy.client`, so that the server is tested
by something that it does not share code with.
"""

import itertools
import json
import ssl
import textwrap
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import attrs
import msgpack
import pytest
import trio
from trio_websocket import ConnectionClosed, WebSocketConnection, wrap_client_stream
from wsproto.utilities import LocalProtocolError

from yummy.server import Server, open_server
from yummy.settings import Settings

PATIENCE = 10.0
"""Seconds that a test waits for something that must come."""

SALT = "only-for-tests-" * 4
KEY = "YummyYummy"
NO_SCRIPTS = Path("there-is-no-such-folder")


def write_scripts(folder: Path, **scripts: str) -> Path:
    """Write scripts into a folder: ``game="..."`` becomes ``game.py``."""
    folder.mkdir(exist_ok=True)
    for name, text in scripts.items():
        (folder / f"{name}.py").write_text(textwrap.dedent(text), encoding="utf-8")
    return folder


@asynccontextmanager
async def running(hooks: Path | None = None, **overrides: Any) -> AsyncIterator[Server]:
    """A whole server on a free port of loopback, with its database in memory."""
    chosen: dict[str, Any] = {
        "bind_port": 0,
        "database_path": Path(":memory:"),
        "salt_key": SALT,
        "default_python_files_path": hooks or NO_SCRIPTS,
        "max_messages_per_second": 0,
        **overrides,
    }
    async with open_server(Settings(**chosen)) as server:
        yield server


@attrs.define(eq=False)
class Player:
    """One client: asks, and collects the events that come in between."""

    socket: WebSocketConnection
    encoding: str = "msgpack"
    events: list[dict[str, Any]] = attrs.field(factory=list)
    closed: Any = None
    user_id: str = ""
    session_id: str = ""
    token: str = ""
    _ids: Any = attrs.field(factory=lambda: itertools.count(1))

    async def send(self, **fields: Any) -> None:
        """Send one message."""
        if self.encoding == "json":
            await self.socket.send_message(json.dumps(fields))
        else:
            await self.socket.send_message(msgpack.packb(fields))

    async def receive(self) -> dict[str, Any]:
        """The next message, whatever it is."""
        with trio.fail_after(PATIENCE):
            payload = await self.socket.get_message()
        message = json.loads(payload) if isinstance(payload, str) else msgpack.unpackb(payload)
        assert isinstance(payload, str) == (self.encoding == "json")
        assert isinstance(message, dict)
        return message

    async def call(self, type_: str, **fields: Any) -> dict[str, Any]:
        """Ask and wait for the answer, which must echo type and id."""
        request_id = next(self._ids)
        await self.send(type=type_, request_id=request_id, **fields)
        while True:
            message = await self.receive()
            if "status" in message:
                assert message.pop("request_id") == request_id
                assert message.pop("type") == type_
                return message
            self.events.append(message)

    async def ok(self, type_: str, **fields: Any) -> dict[str, Any]:
        """Ask for something that must succeed; gives what the answer adds."""
        answer = await self.call(type_, **fields)
        assert answer.pop("status") is True, answer
        return answer

    async def refused(self, type_: str, **fields: Any) -> str:
        """Ask for something that must fail; gives the code."""
        answer = await self.call(type_, **fields)
        assert answer["status"] is False, answer
        assert answer["error"]
        code = answer["code"]
        assert isinstance(code, str)
        return code

    async def event(self, type_: str) -> dict[str, Any]:
        """The next event, which must be of this type; gives its other fields."""
        message = self.events.pop(0) if self.events else await self.receive()
        assert message.pop("type") == type_, message
        return message

    async def silent(self) -> None:
        """Nothing has come unasked: the answer to a harmless request is the next thing to come."""
        await self.call("RoomList", limit=1)
        assert self.events == []

    async def close_code(self) -> int:
        """The code that the server closes with, skipping what comes before."""
        with trio.fail_after(PATIENCE), pytest.raises(ConnectionClosed) as closed:
            await self._read_on()
        reason = closed.value.reason
        assert reason is not None
        return int(reason.code)

    async def _read_on(self) -> None:
        while True:
            await self.socket.get_message()


@asynccontextmanager
async def dialled(
    url: str,
    encoding: str = "msgpack",
    *,
    key: str = KEY,
    subprotocols: Sequence[str] = (),
    ssl_context: ssl.SSLContext | None = None,
    server_name: str = "",
) -> AsyncIterator[Player]:
    """A player that is connected to an address but has not logged in."""
    host, port = url.rpartition("/")[2].rsplit(":", 1)
    stream: trio.abc.Stream = await trio.open_tcp_stream(host, int(port))
    if ssl_context is not None:
        stream = trio.SSLStream(stream, ssl_context, server_hostname=server_name, https_compatible=True)
    left = False
    try:
        # The stream is ours to close: trio-websocket leaves that of a connection open which the server has closed.
        async with stream, trio.open_nursery() as nursery:
            with trio.fail_after(PATIENCE):
                socket = await wrap_client_stream(
                    nursery, stream, f"{host}:{port}", f"/v1/socket?x-yummy-api={key}", subprotocols=subprotocols
                )
            try:
                yield Player(socket, encoding)
                left = True
            finally:
                with trio.move_on_after(PATIENCE, shield=True):
                    await socket.aclose()
                nursery.cancel_scope.cancel()
    except* LocalProtocolError:
        # A ping that comes when trio-websocket has said goodbye: it answers all the same, and fails.
        if not left:
            raise


@asynccontextmanager
async def connected(server: Server, encoding: str = "msgpack", **options: Any) -> AsyncIterator[Player]:
    """A player that is connected to a server but has not logged in."""
    async with dialled(server.url, encoding, **options) as player:
        yield player


async def log_in(player: Player, name: str) -> Player:
    """Log a player in by a device id made of a name."""
    answer = await player.ok("AuthDeviceId", id=f"device-of-{name}")
    player.user_id, player.session_id, player.token = answer["user_id"], answer["session_id"], answer["token"]
    return player


@asynccontextmanager
async def logged_in(server: Server, name: str, encoding: str = "msgpack") -> AsyncIterator[Player]:
    """A player that has logged in by a device id made of a name."""
    async with connected(server, encoding) as player:
        yield await log_in(player, name)


async def promote(server: Server, player: Player, user_type: int) -> None:
    """Make a player a moderator (2) or admin (3) of the server, as an operator would, and log in again."""
    server.database.set_user_type(player.user_id, user_type)
    await player.ok("Logout")
    await log_in(player, (await _device_of(server, player)).removeprefix("device-of-"))


async def _device_of(server: Server, player: Player) -> str:
    account = server.database.load_accounts([player.user_id])[0]
    assert account.device_id is not None
    return account.device_id
