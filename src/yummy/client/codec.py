"""Messages to WebSocket frames and back: msgpack in binary frames, JSON in text frames."""

import json
from collections.abc import Mapping
from enum import StrEnum
from typing import Any

import msgpack

type Frame = bytes | str


class Format(StrEnum):
    """How requests are written; what comes is told apart by its kind of frame."""

    MSGPACK = "msgpack"
    JSON = "json"


class UndecodableError(Exception):
    """A frame that holds no message."""


def encode(message: Mapping[str, Any], form: Format) -> Frame:
    """Write a message.

    Args:
        message: Plain data: None, bool, int, float, str, bytes (msgpack only), list and dict with text keys.
        form: The format to write.

    Returns:
        The content of a binary or text frame.

    Raises:
        TypeError: If something in the message is no plain data.
        ValueError: If a number or text cannot be written, or the data are nested too deep.
    """
    try:
        if form is Format.JSON:
            written = json.dumps(message, allow_nan=False, ensure_ascii=False, separators=(",", ":"))
            # Half of a surrogate pair is a text for Python and none for a text frame, and would only be found there.
            written.encode()
            return written
        packed: bytes = msgpack.packb(message)
    except (OverflowError, RecursionError) as error:
        raise ValueError(f"the message cannot be written: {error}") from error
    return packed


def decode(frame: Frame) -> dict[str, Any]:
    """Read a message.

    Args:
        frame: The content of a binary or text frame.

    Raises:
        UndecodableError: If it is not exactly one map.
    """
    try:
        message = json.loads(frame) if isinstance(frame, str) else msgpack.unpackb(frame)
    except (ValueError, RecursionError) as error:
        raise UndecodableError(str(error)) from error
    if not isinstance(message, dict):
        raise UndecodableError(f"a {type(message).__name__} instead of a map")
    return message
