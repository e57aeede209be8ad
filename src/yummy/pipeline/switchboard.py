"""The switchboard: which connection speaks for which session, and how a message gets there.

Frames are encoded once for each format, however many hear them.
"""

from typing import Any, Protocol

import attrs

from yummy.pipeline.failures import Failures
from yummy.pipeline.unit import Delivery
from yummy.protocol.codec import Encoding, encode
from yummy.protocol.messages import event_document
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
    """All connections that are past the upgrade, by number, and those that speak for a session, by its id."""

    _lines: dict[int, Line] = attrs.field(factory=dict)
    _speakers: dict[str, Line] = attrs.field(factory=dict)

    def connect(self, connection: int, line: Line) -> None:
        """A connection has come."""
        self._lines[connection] = line

    def disconnect(self, connection: int) -> None:
        """A connection has gone."""
        line = self._lines.pop(connection, None)
        if line is not None:
            self._silence(line)

    def line(self, connection: int | None) -> Line | None:
        """A connection's line, while it is there."""
        return None if connection is None else self._lines.get(connection)

    def bind(self, connection: int, session_id: str | None) -> None:
        """Have a connection, if it is still there, speak for a session from now on, or for none."""
        line = self._lines.get(connection)
        if line is not None:
            self._silence(line)
            line.bind(session_id)
            if session_id is not None:
                self._speakers[session_id] = line

    def hang_up(self, connection: int, code: int, reason: str) -> None:
        """Close a connection, if it is still there; it speaks for nobody any more."""
        line = self._lines.get(connection)
        if line is not None:
            self._silence(line)
            line.hang_up(code, reason)

    def deliver(self, delivery: Delivery) -> None:
        """Put an event into the outbox of every connection that speaks for a session of it, but for the one spared."""
        event, but = delivery.event, delivery.but
        spared = None if but is None else self._speakers.get(but)
        frames: dict[Encoding, bytes] = {}
        for line in map(self._speakers.get, delivery.sessions):
            if line is None or line is spared:
                continue
            encoding = line.encoding
            frame = frames.get(encoding)
            if frame is None:
                frame = frames[encoding] = encode_frame(event_document(event), encoding)
            line.send(frame)

    def _silence(self, line: Line) -> None:
        # Another connection may have taken its session over.
        if line.session_id is not None and self._speakers.get(line.session_id) is line:
            del self._speakers[line.session_id]
