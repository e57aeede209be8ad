"""The tap: takes whole messages out at the front of a client's bytes, past the decoder. Pure; knows no socket.

Nearly all that game clients send is one masked frame for each message, binary or text, and that is all it knows.
Fragments, control frames, large frames and text that are cut, and whatever breaks the protocol are the decoder's.
"""

from collections.abc import Callable

import attrs

from yummy.transport.frames import unmask

_TEXT = 0x81
_BINARY = 0x82
#: How a frame begins that is a whole message: FIN, no extension, opcode 1 or 2 (RFC 6455, section 5.2).
WHOLE = frozenset({_TEXT, _BINARY})
AT_ONCE_MAX = 32
"""Messages that are taken without letting other connections run."""
HELD_BYTES = 16 * 1024
"""Bytes of a frame of which a part is awaited here; a larger one that is cut goes to the decoder."""

_MASKED = 0x80
_TWO_BYTES_MORE = 126
_SHORT_HEADER = 6
"""Bytes before the payload, if that is a short one: one of kind, one of length, four of mask."""


@attrs.define(eq=False)
class Tap:
    """Takes messages, of so many bytes at the most.

    Attributes:
        on_message: Gets each message; returns whether another one may follow at once.
        stopped: Whether it stopped before its time: what is left may begin with another message.
        taken: Messages that were taken.
    """

    on_message: Callable[[bytes | str], bool]
    _max_message_bytes: int
    stopped: bool = False
    taken: int = 0
    _longest_short: int = attrs.field(init=False)  # bytes of the largest message that is taken without a closer look

    def __attrs_post_init__(self) -> None:
        self._longest_short = min(self._max_message_bytes, _TWO_BYTES_MORE - 1)

    def take(self, data: bytes) -> int:
        """Take the messages that data begins with.

        Returns:
            Bytes that were used up.
        """
        position, size, longest, on_message = 0, len(data), self._longest_short, self.on_message
        self.stopped = False
        first = self.taken + 1
        for number in range(first, first + AT_ONCE_MAX):
            start = position + _SHORT_HEADER
            if start > size:
                break
            kind, length = data[position], data[position + 1] - _MASKED
            end = start + length
            if not 0 <= length <= longest or end > size:
                # Not as nearly all are.
                frame = self.measure(data, position)
                if frame is None or frame[1] > size:
                    break
                start, end = frame
            message: bytes | str
            message = payload = unmask(data[start:end], data[start - 4 : start])
            if kind != _BINARY:
                if kind != _TEXT:
                    break
                try:
                    message = payload.decode()
                except UnicodeDecodeError:  # the decoder knows what to say to that
                    break
            self.taken, position = number, end
            if not on_message(message):
                self.stopped = True
                break
        else:
            self.stopped = True
        return position

    def awaits_rest(self, data: bytes) -> bool:
        """Whether a message that has not come to its end is to be kept here until it has.

        Of text the decoder gets what there is, since it can tell at once that it is none.
        """
        frame = self.measure(data, 0) if data[0] == _BINARY else None
        return frame is not None and len(data) < frame[1] <= HELD_BYTES

    def measure(self, data: bytes, position: int) -> tuple[int, int] | None:
        """Where the payload of a message begins and where it ends, which may be behind what is there.

        Returns:
            None if what stands there is not for this tap, or too little to tell.
        """
        start = position + 6  # a byte of length, four of mask
        if len(data) < start or data[position] not in WHOLE:
            return None
        length = data[position + 1] - _MASKED
        if length == _TWO_BYTES_MORE and len(data) >= start + 2:
            length = data[position + 2] << 8 | data[position + 3]
            start += 2
            if length < _TWO_BYTES_MORE:
                return None  # longer than need be, which is against the protocol
        elif not 0 <= length < _TWO_BYTES_MORE:
            return None
        return None if length > self._max_message_bytes else (start, start + length)
