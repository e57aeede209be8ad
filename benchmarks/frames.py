"""The frames that the benchmarks' players build and read.

Requests are built and masked once and sent again and again. Of what comes back only the frames' headers are read, of an
answer whether it is a success, and of a stamped message its time. Knows nothing of sockets.
"""

import os
import struct
from enum import IntEnum
from typing import Any, Self

import msgpack
from attrs import frozen

_MASKED = 0x80

#: How an answer begins, after the byte of its map: requests carry no ``request_id``, so ``status`` comes first.
_STATUS = b"\xa6status"
_TRUE = 0xC3

#: What comes before the time in such a message: its key, and the mark of a float.
STAMP = b"\xa2at\xcb"
_FLOAT, _INTEGER = struct.Struct(">d"), struct.Struct(">Q")


class Kind(IntEnum):
    """The first byte of a frame that is whole, by what it carries."""

    TEXT = 0x81
    BINARY = 0x82
    CLOSE = 0x88
    PING = 0x89
    PONG = 0x8A


def frame(head: int, payload: bytes, mask: bytes) -> bytes:
    """A masked frame.

    Args:
        head: Its first byte.
        payload: What it carries.
        mask: Four bytes.
    """
    size = len(payload)
    if size < 126:
        begin = bytes((head, _MASKED | size))
    elif size < 1 << 16:
        begin = bytes((head, _MASKED | 126)) + size.to_bytes(2, "big")
    else:
        begin = bytes((head, _MASKED | 127)) + size.to_bytes(8, "big")
    # As one number, which is many times quicker than byte by byte.
    keys = (mask * (size // 4 + 1))[:size]
    masked = (int.from_bytes(payload) ^ int.from_bytes(keys)).to_bytes(size)
    return begin + mask + masked


def request_frame(type_: str, **fields: Any) -> bytes:
    """The frame of a request, masked and ready to be sent as often as one likes."""
    return frame(Kind.BINARY, msgpack.packb({"type": type_, **fields}), os.urandom(4))


def split_frames(data: bytes) -> tuple[list[bytes], list[tuple[int, bytes]], bytes]:
    """Split what was received: payloads of whole binary frames, other frames (first byte, payload), and the rest."""
    payloads: list[bytes] = []
    others: list[tuple[int, bytes]] = []
    start, end = 0, len(data)
    while end - start >= 2:
        head, size = start + 2, data[start + 1]
        if size >= 126:
            width = 2 if size == 126 else 8
            head += width
            # Beyond the end it is too small, but then so is what there is.
            size = int.from_bytes(data[start + 2 : head], "big")
        stop = head + size
        if stop > end:
            break
        if data[start] == Kind.BINARY:
            payloads.append(data[head:stop])
        else:
            others.append((data[start], data[head:stop]))
        start = stop
    return payloads, others, data[start:]


def is_answer(payload: bytes) -> bool:
    """Whether a message answers a request; else it is an event."""
    return payload[1:8] == _STATUS


def is_success(payload: bytes) -> bool:
    """Whether an answer is a success."""
    return payload[8] == _TRUE


@frozen
class Stamped:
    """A request whose message carries the time at which it was due, so that who hears it can tell how long that took.

    The frame is masked once; each sending replaces the eight bytes of the time, masked as their place wants it.
    """

    _before: bytes
    _after: bytes
    _mask: int

    @classmethod
    def of(cls, type_: str, fill: str, **fields: Any) -> Self:
        """A request with such a message.

        Args:
            type_: The request's type.
            fill: What else the message carries, to make it longer.
            fields: The request's other fields.
        """
        payload = msgpack.packb({"type": type_, **fields, "message": {"at": 0.0, "fill": fill}})
        mask = os.urandom(4)
        place = payload.index(STAMP) + len(STAMP)
        data = frame(Kind.BINARY, payload, mask)
        start = len(data) - len(payload) + place
        turned = mask[place % 4 :] + mask[: place % 4]
        return cls(data[:start], data[start + 8 :], int.from_bytes(turned * 2, "big"))

    def __call__(self, due: float) -> bytes:
        """The frame, with this time in it."""
        (time_,) = _INTEGER.unpack(_FLOAT.pack(due))
        return self._before + _INTEGER.pack(time_ ^ self._mask) + self._after


def stamp_of(payload: bytes) -> float | None:
    """The time in a message that was `Stamped`; None if it has none."""
    place = payload.find(STAMP)
    if place < 0:
        return None
    time_: float = _FLOAT.unpack_from(payload, place + len(STAMP))[0]
    return time_
