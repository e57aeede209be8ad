"""Yummy's transport alone: an echo server without sessions, rooms, rules or commits.

Runs as a program, with the argument ``checked`` one that reads and checks requests, and answers that they are done, as
Yummy does. What is between it and the whole server is the pipeline's and the core's. Prints its port.
"""

import logging
import sys
from collections.abc import Iterable

import structlog
import trio
from attrs import define

from yummy.pipeline.switchboard import encode_frame
from yummy.protocol.messages import Done, answer_document
from yummy.protocol.requests import parse
from yummy.settings import Settings
from yummy.transport import Connection, Gate, TransportLimits, frame_binary, open_listeners, serve

_MAX_DEPTH = Settings().max_depth
_NEVER = 0.0


@define(eq=False)
class Echo:
    """Sends each message back."""

    connection: Connection
    full: bool = False

    def receive(self, payload: bytes | str) -> None:
        """Send it back."""
        self.connection.send(frame_binary(payload if isinstance(payload, bytes) else payload.encode()))

    async def wait_room(self) -> None:
        """There always is."""

    async def finish(self, reason: str) -> None:
        """There is nothing to end."""


@define(eq=False)
class Checked(Echo):
    """Answers each request that is one."""

    def receive(self, payload: bytes | str) -> None:
        """Say that it is done."""
        request = parse(payload, max_depth=_MAX_DEPTH)
        answer = answer_document(request.type, request.request_id, Done())
        self.connection.send(encode_frame(answer, request.encoding))


class _Open(Gate):
    """Whoever comes may connect, by whatever path."""

    def refuse(self, target: str, headers: Iterable[tuple[bytes, bytes]], crowd: object) -> None:
        """Nobody."""


async def main() -> None:
    """Serve until the end; nobody is pinged, and nobody has to log in."""
    listeners = await open_listeners("127.0.0.1", 0)
    print(listeners[0].address[1], flush=True)  # noqa: T201  # who has started it waits for that
    await serve(
        listeners=listeners,
        limits=TransportLimits(auth_timeout=_NEVER, heartbeat_interval=_NEVER, heartbeat_timeout=_NEVER),
        gate=_Open(key=""),
        make_peer=Checked if "checked" in sys.argv else Echo,
    )


if __name__ == "__main__":
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    trio.run(main)
