"""The switchboard: which connection speaks for which session, and how a message gets there.

Frames are encoded once for each format, however many hear them.
"""

from typing import Any, Protocol

import attrs

from yummy.pipeline.failures import Failures
from yummy.pipeline.unit import Delivery
from yummy.protocol.codec import Encoding, encode
from yummy.protocol.messages import event_document
from yummy.store.world import World
from yummy.transport.frames import frame_binary, frame_text


class Line(Protocol):
    """What the switchboard knows of a connection's end of the pipeline."""

    number: int
    address: str | None
    session_id: str | None
    encoding: Encoding

    @property
    def failures(self) -> Failures:
        """Counts what the client is answered with."""

    def send(self, frame: bytes) -> None:
        """Queue a ready frame."""

    def bind(self, session_id: str | None) -> None:
        """Speak for this session from now on, or for none."""

    def hang_up(self, code: int, reason: str) -> None:
        """Close the connection; what it has not begun is dropped."""

    @property
    def gives_way(self) -> bool:
        """Whether it was told to begin nothing more."""

    async def give_way(self) -> None:
        """Begin nothing more, and wait for what has begun."""

    def go_on(self) -> None:
        """Who asked to give way has gone: begin again."""


def encode_frame(document: dict[str, Any], encoding: Encoding) -> bytes:
    """A whole WebSocket frame of a message, ready for any connection of that format."""
    payload = encode(document, encoding)
    return frame_binary(payload) if encoding is Encoding.MSGPACK else frame_text(payload)


@attrs.define(eq=False)
class Switchboard:
    """All connections that are past the upgrade, by number."""

    world: World
    _lines: dict[int, Line] = attrs.field(factory=dict)

    def connect(self, connection: int, line: Line) -> None:
        """A connection has come."""
        self._lines[connection] = line

    def disconnect(self, connection: int) -> None:
        """A connection has gone."""
        self._lines.pop(connection, None)

    def line(self, connection: int | None) -> Line | None:
        """A connection's line, while it is there."""
        return None if connection is None else self._lines.get(connection)

    def deliver(self, delivery: Delivery) -> None:
        """Put an event into the outbox of every connection that speaks for one of its sessions."""
        sessions, lines = self.world.sessions, self._lines
        document: dict[str, Any] | None = None
        frames: dict[Encoding, bytes] = {}
        for session_id in delivery.sessions:
            session = sessions.get(session_id)
            if session is None or session.connection is None:
                continue
            line = lines.get(session.connection)
            if line is None or line.session_id != session_id:
                continue
            encoding = line.encoding
            frame = frames.get(encoding)
            if frame is None:
                if document is None:
                    document = event_document(delivery.event)
                frame = frames[encoding] = encode_frame(document, encoding)
            line.send(frame)
