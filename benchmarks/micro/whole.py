"""A whole message, from the bytes of its frame to the frames for those who hear it: all but sockets and event loop."""

import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path

import attrs
import msgpack

from benchmarks.micro.pieces import Piece, computing
from yummy.parts import Parts, open_parts
from yummy.pipeline.intake import Intake
from yummy.settings import Settings

#: Members of the rooms, the sender among them.
_SIZES = (1, 4)


@attrs.define(eq=False)
class _Connection:
    """The transport's half of a connection, which drops what it is to send."""

    id: int
    address: str = "127.0.0.1"
    subprotocol: str | None = None
    authenticated: bool = False
    working: bool = False

    def send(self, frame: bytes) -> None:
        """Drop it."""

    def close(self, code: int, reason: str = "") -> None:
        """Nothing that is said here is a reason to."""
        raise RuntimeError(f"closed with {code}: {reason}")


@asynccontextmanager
async def whole() -> AsyncIterator[list[Piece]]:
    """Messages in rooms of several sizes, without hooks."""
    with tempfile.TemporaryDirectory(prefix="yummy-benchmark-") as home:
        settings = Settings(
            database_path=Path(":memory:"),
            default_python_files_path=Path(home),
            salt_key="only-for-benchmarks-" * 4,
            max_messages_per_second=0,
        )
        async with open_parts(settings) as parts:
            yield [await _piece(parts, size) for size in _SIZES]


async def _piece(parts: Parts, size: int) -> Piece:
    sender, *others = [await _log_in(parts, f"member {number} of {size}") for number in range(size)]
    known = set(parts.chain.world.rooms)
    sender.receive(msgpack.packb({"type": "CreateRoom"}))
    (room_id,) = parts.chain.world.rooms.keys() - known
    for other in others:
        other.receive(msgpack.packb({"type": "JoinToRoom", "room_id": room_id}))
    request = {"type": "MessageToRoom", "request_id": 1 << 16, "room_id": room_id, "message": {"ts": bytes(8)}}
    return computing(f"all of a MessageToRoom, in a room of {size}", partial(sender.receive, msgpack.packb(request)))


async def _log_in(parts: Parts, device_id: str) -> Intake:
    intake = parts.make_peer(_Connection(len(parts.chain.world.sessions)))
    intake.receive(msgpack.packb({"type": "AuthDeviceId", "id": device_id}))
    await parts.driver.wait_idle()
    return intake
