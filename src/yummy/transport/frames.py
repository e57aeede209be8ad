"""Frames (RFC 6455, section 5.2): those that the server sends, ready for an outbox. Pure; knows no connection.

A server's frames are not masked, so a frame that many shall hear is built once for all of them.
"""

import struct
from collections.abc import Callable
from importlib import import_module

_BINARY = 0x82
_TEXT = 0x81
_CLOSE = 0x88
_PING = 0x89

_SHORT = 126
"""Bytes of payload from which on the length takes two more bytes; and what stands in its place then."""

_LONG = 1 << 16
"""Bytes of payload from which on the length takes eight more bytes."""

MAX_REASON_BYTES = 123
"""Bytes that the reason of a close frame may have: 125 of a control frame, less two for the code."""


_medium_header = struct.Struct(">BBH").pack

_SHORT_BINARY = [bytes((_BINARY, size)) for size in range(_SHORT)]
"""The header of each short binary message: nearly all that a server says."""

_number = int.from_bytes


def _frame(opcode: int, payload: bytes) -> bytes:
    size = len(payload)
    if size < _SHORT:
        return bytes((opcode, size)) + payload
    if size < _LONG:
        return _medium_header(opcode, _SHORT, size) + payload
    return bytes((opcode, 127)) + size.to_bytes(8, "big") + payload


def frame_binary(payload: bytes) -> bytes:
    """One binary message.

    Args:
        payload: The message.
    """
    size = len(payload)
    if size < _SHORT:
        return _SHORT_BINARY[size] + payload
    if size < _LONG:
        return _medium_header(_BINARY, _SHORT, size) + payload
    return _frame(_BINARY, payload)


def frame_text(payload: bytes) -> bytes:
    """One text message.

    Args:
        payload: The message in UTF-8.
    """
    return _frame(_TEXT, payload)


def _unmask(payload: bytes, key: bytes) -> bytes:
    size = len(payload)
    # As two large numbers: one step for all bytes.
    return (_number(payload, "little") ^ _number((key * (size // 4 + 1))[:size], "little")).to_bytes(size, "little")


def find_unmask() -> Callable[[bytes, bytes], bytes]:
    """How to unmask: in C, where ``yummy[speedups]`` is installed."""
    try:
        in_c: Callable[[bytes, bytes], bytes] = import_module("websockets.speedups").apply_mask
    except (ImportError, AttributeError):
        return _unmask
    return in_c


unmask = find_unmask()
"""What a client has masked (RFC 6455, section 5.3), from a payload as it came and a key of four bytes."""


def frame_ping() -> bytes:
    """A ping without payload."""
    return _frame(_PING, b"")


def frame_close(code: int, reason: str = "") -> bytes:
    """The last frame of a connection.

    Args:
        code: Why, as a number (RFC 6455, section 7.4; 4000 and up are Yummy's own).
        reason: Why, for people; cut to `MAX_REASON_BYTES` bytes.
    """
    text = reason.encode("utf-8", "replace")[:MAX_REASON_BYTES].decode("utf-8", "ignore")
    return _frame(_CLOSE, code.to_bytes(2, "big") + text.encode())
