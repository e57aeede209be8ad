"""What comes in, followed from border to border: the request's head, then frame after frame. Pure; knows no socket.

It only reads the lengths, so that a message that is too big, or cut into too many pieces, is refused before its bytes
are kept, whatever the decoder behind it counts. Whole messages it lets a tap take out, past the decoder, as long as
that changes nothing in the order: none while a message that the decoder got has not been delivered.
"""

import attrs

from yummy.transport.limits import bound
from yummy.transport.tap import WHOLE, Tap

CLOSE_POLICY = 1008
CLOSE_TOO_BIG = 1009

_HEAD_END = b"\r\n\r\n"
_FIN = 0x80  # the bit that the last frame of a message has
_CONTROL = 0x8  # the bit that these opcodes have, and the first of them
_CLOSE = 0x8
_TEXT_OR_BINARY = (0x1, 0x2)
_WINDOW = 1.0
"""Seconds in which control frames are counted."""


@attrs.frozen
class Violation:
    """Why the client may send no more: a close code, and a sentence for people."""

    code: int
    reason: str


@attrs.define(eq=False)
class Inbound:
    """The borders in one client's bytes.

    Attributes:
        max_message_bytes: Bytes of one message; 0: any.
        max_fragments: Frames of one message; 0: any.
        max_control_frames: Control frames within a second; 0: any.
        upgraded: Whether frames come now, instead of a request's head.
        head_complete: Whether the request's head has come to its end; what follows it is held until the upgrade.
        violation: What the client did wrong; nothing passes any more.
        closed: Whether a close frame has come.
        tap: Takes whole messages; None leaves all to the decoder.
        paused: Whether the tap has stopped before its time: when there is room again, feed nothing, before anything
            else that comes.
        straight: Whether the tap took all that came last, so that nothing is held, paused or left to the decoder.
    """

    max_message_bytes: int = 0
    max_fragments: int = 0
    max_control_frames: int = 0
    upgraded: bool = False
    head_complete: bool = False
    violation: Violation | None = None
    closed: bool = False
    tap: Tap | None = None
    paused: bool = False
    straight: bool = False
    _followed: int = 0  # frames that have begun, but for those that the tap took
    _held: bytes = b""  # the start of a header, or what came too early
    _tail: bytes = b""  # the last three bytes of the head so far
    _left: int = 0  # bytes of the current frame that are still to come
    _open: bool = False  # between the first fragment of a message and its last
    _undelivered: int = 0  # messages that the decoder got
    _message_bytes: int = 0
    _fragments: int = 0
    _window_begin: float = 0.0
    _control_frames: int = 0

    def feed(self, data: bytes, now: float) -> bytes:
        """Follow some bytes.

        Args:
            data: As received; nothing to go on after a pause.
            now: Seconds of a steady clock.

        Returns:
            What the decoder shall see of it: at the most everything, possibly nothing.
        """
        tap = self.tap
        if tap is None or not self.straight:
            if self.violation is not None:
                return b""
            if not self.upgraded:
                return self._feed_head(data)
            if self._held:
                data, self._held = self._held + data, b""
            self.paused = False
            if tap is None or self._left or not self._may_tap:
                return self._follow(data, now)
            self.straight = True
        position = tap.take(data)
        if position == len(data) and not tap.stopped:
            return b""
        self.straight = False
        return self._leave(tap, data[position:], now)

    def upgrade(self) -> bytes:
        """Expect frames from now on.

        Returns:
            What came too early, right behind the head; to be fed again.
        """
        self.upgraded = True
        early, self._held = self._held, b""
        return early

    def untap(self) -> None:
        """Leave everything to the decoder from now on."""
        self._followed, self.tap, self.straight = self.frames, None, False

    @property
    def frames(self) -> int:
        """Frames that have begun."""
        return self._followed + (0 if self.tap is None else self.tap.taken)

    def delivered(self) -> None:
        """A message that the decoder got has reached who it is for."""
        self._undelivered -= 1

    def _feed_head(self, data: bytes) -> bytes:
        if self.head_complete:
            self._held += data
            return b""
        seen = self._tail + data
        end = seen.find(_HEAD_END)
        if end < 0:
            self._tail = seen[-3:]
            return data
        self.head_complete = True
        cut = end + len(_HEAD_END) - len(self._tail)
        self._held = data[cut:]
        return data[:cut]

    @property
    def _may_tap(self) -> bool:
        """Whether a message at this place may be taken past the decoder."""
        return self.tap is not None and not (self._undelivered or self._open or self.closed)

    def _leave(self, tap: Tap, rest: bytes, now: float) -> bytes:
        """Keep what the tap has left until it goes on, or else leave it to the decoder."""
        if tap.stopped:
            self._held, self.paused = rest, True
            return b""
        if tap.awaits_rest(rest):
            self._held = rest
            return b""
        return self._follow(rest, now)

    def _follow(self, data: bytes, now: float) -> bytes:
        """Follow the decoder's frames, up to where the tap may go on."""
        position = min(self._left, len(data))
        self._left -= position
        while position < len(data):
            if position and self._may_tap and data[position] in WHOLE:
                self._held, self.paused = data[position:], True
                break
            header = _header(data, position)
            if header is None:
                self._held = data[position:]
                break
            self._begin_frame(data[position], header[1], now)
            if self.violation is not None:
                break
            end = position + header[0] + header[1]
            self._left = max(0, end - len(data))
            position = min(end, len(data))
        return data[:position]

    def _begin_frame(self, first_byte: int, size: int, now: float) -> None:
        self._followed += 1
        opcode = first_byte & 0x0F
        if opcode & _CONTROL:
            self.closed = self.closed or opcode == _CLOSE
            self._count_control_frame(now)
            return
        if opcode in _TEXT_OR_BINARY:
            self._message_bytes = self._fragments = 0
        self._open = not first_byte & _FIN
        self._undelivered += not self._open
        self._message_bytes += size
        self._fragments += 1
        if self._message_bytes > bound(self.max_message_bytes):
            self.violation = Violation(CLOSE_TOO_BIG, f"a message may have {bound(self.max_message_bytes)} bytes")
        elif self._fragments > bound(self.max_fragments):
            self.violation = Violation(CLOSE_POLICY, f"a message may have {self.max_fragments} fragments")

    def _count_control_frame(self, now: float) -> None:
        if now - self._window_begin >= _WINDOW:
            self._window_begin = now
            self._control_frames = 0
        self._control_frames += 1
        if self._control_frames > bound(self.max_control_frames):
            self.violation = Violation(CLOSE_POLICY, "too many control frames")


def _header(data: bytes, at: int) -> tuple[int, int] | None:
    """Bytes of the frame's header, and of its payload; None when the header is not complete yet."""
    if len(data) - at < 2:
        return None
    second = data[at + 1]
    mask = 4 if second & 0x80 else 0
    size = second & 0x7F
    extra = {126: 2, 127: 8}.get(size, 0)
    if len(data) - at < 2 + extra + mask:
        return None
    if extra:
        size = int.from_bytes(data[at + 2 : at + 2 + extra], "big")
    return 2 + extra + mask, size
