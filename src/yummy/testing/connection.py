"""A connection without a socket: what a transport is to the pipeline, and a client to the test.

Frames go through it as the bytes that they are on a wire, and are read by the client's codec. What only a transport
does (limits of bytes, heartbeats, closing who does not log in) is not there.
"""

from collections.abc import Callable
from itertools import count
from typing import Any

from attrs import define, field, frozen

from yummy.client.codec import decode

_numbers = count(1)
_TEXT = 0x81
#: Where the payload of a server's frame begins, by its first length (RFC 6455, section 5.2).
_STARTS = {126: 4, 127: 10}


@frozen
class Closed:
    """How the server has closed a connection.

    Attributes:
        code: The WebSocket close code.
        reason: Why, for people.
    """

    code: int
    reason: str


@define(eq=False)
class MemoryConnection:
    """The transport's half of one connection; see `yummy.pipeline.intake.Connection`.

    Attributes:
        heard: Takes each message of the server.
        ended: Called when the server closes the connection.
        closed: How it did; None while it has not.
        lost: Whether the client is gone: what is sent now reaches nobody.
    """

    heard: Callable[[dict[str, Any]], None]
    ended: Callable[[], None]
    id: int = field(factory=lambda: next(_numbers))
    address: str = "127.0.0.1"
    subprotocol: str | None = None
    authenticated: bool = False
    working: bool = False
    closed: Closed | None = None
    lost: bool = False

    def send(self, frame: bytes) -> None:
        """Let the client hear a frame."""
        if not self.lost and self.closed is None:
            payload = frame[_STARTS.get(frame[1], 2) :]
            self.heard(decode(payload.decode() if frame[0] == _TEXT else payload))

    def close(self, code: int, reason: str = "") -> None:
        """End the connection behind what was sent."""
        if self.closed is None:
            self.closed = Closed(code, reason)
            self.ended()
