"""Plain data: what messages and metadata may hold.

Null, booleans, integers from -2^63 to 2^64-1, finite floats, valid Unicode text, lists, maps with text keys, and
(in messages only) bytes. That is what both encodings can carry, so whatever passes here can always be encoded
again. The hook interpreter imports this module too; it knows nothing of the server.
"""

import json
from enum import Enum
from math import isfinite
from typing import Any

INT_MIN = -(2**63)
INT_MAX = 2**64 - 1
#: Deeper than this neither encoder goes; ``MAX_DEPTH`` is the bound that an operator chooses below it.
DEPTH_MAX = 256

type Plain = bool | int | float | str | bytes | list[Plain] | dict[str, Plain] | None
type MetaValue = bool | int | float | str | list[MetaValue] | None


class PlainDataError(ValueError):
    """A value that is no plain data; the text says which part and why."""


def is_unicode(text: str) -> bool:
    """Whether a text can be encoded: it holds no lone surrogates."""
    if text.isascii():
        return True
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def check_plain(value: object, *, max_depth: int = DEPTH_MAX, allow_bytes: bool = True) -> None:
    """Refuse a value that is no plain data.

    Args:
        value: What came from a client or from a script.
        max_depth: How many lists and maps may stand inside one another; 0 means `DEPTH_MAX`.
        allow_bytes: Whether bytes are welcome (in messages) or not (in metadata).

    Raises:
        PlainDataError: Naming the offending part.
    """
    if not 0 < max_depth < DEPTH_MAX:
        max_depth = DEPTH_MAX
    if type(value) is dict:
        # Most messages are a map; it needs no walk of its own to be found.
        _check_inside(value, max_depth - 1, allow_bytes)
    else:
        _check_inside((value,), max_depth, allow_bytes)


def _check_inside(whole: Any, depth: int, allow_bytes: bool) -> None:  # noqa: C901, PLR0912  # one branch for each type
    """Check what stands in one list or map, and a map's keys.

    A message can be little else than tens of thousands of nulls, or of empty maps: a value that holds no others costs
    no call.
    """
    values = whole
    if type(whole) is dict:
        for key in whole:
            if type(key) is not str:
                raise PlainDataError(f"map key {_shown(key)} is not text")
            if not (key.isascii() or is_unicode(key)):
                raise PlainDataError("text with a lone surrogate is not valid Unicode")
        values = whole.values()
    for value in values:
        kind = type(value)
        if kind is str:
            if not (value.isascii() or is_unicode(value)):
                raise PlainDataError("text with a lone surrogate is not valid Unicode")
        elif kind is int:
            if not INT_MIN <= value <= INT_MAX:
                # Not shown: Python itself refuses to write out an integer of thousands of digits.
                raise PlainDataError("an integer is out of range (-2^63 to 2^64-1)")
        elif kind is bool or value is None:
            pass
        elif kind is bytes:
            if not allow_bytes:
                raise PlainDataError("bytes are not allowed here")
        elif kind is float:
            if not isfinite(value):
                raise PlainDataError(f"{value} is not a finite number")
        elif kind is dict or kind is list:
            if depth == 0:
                raise PlainDataError("nested too deeply")
            if value:
                _check_inside(value, depth - 1, allow_bytes)
        else:
            raise PlainDataError(f"{kind.__name__} is not plain data")


def _shown(key: object) -> str:
    """A key that is no text, for an error: only what is surely short and known to be printable is printed."""
    if type(key) is bool or key is None or (type(key) is int and INT_MIN <= key <= INT_MAX):
        return repr(key)
    return f"of type {type(key).__name__}"


def to_plain(value: object, *, allow_bytes: bool = True) -> Any:
    """Copy what a script gave into plain data: a tuple becomes a list, an enumeration member its value.

    Args:
        value: Anything that a script handed over.
        allow_bytes: Whether bytes are welcome.

    Returns:
        An independent copy that holds plain data only.

    Raises:
        TypeError: Naming the part that is no plain data.
    """
    copy = _convert(value, DEPTH_MAX)
    try:
        check_plain(copy, allow_bytes=allow_bytes)
    except PlainDataError as error:
        raise TypeError(f"{error}; use None, bool, int, float, str, list or dict with text keys") from None
    return copy


def _convert(value: object, depth: int) -> object:
    kind = type(value)
    # Most values. Not by a set of types: a script's metaclass may say what the hash of its class is.
    if kind is str or kind is int or kind is float or kind is bool or value is None:
        return value
    if isinstance(value, Enum):
        return _convert(value.value, depth)
    if depth == 0 and isinstance(value, list | tuple | dict):
        raise TypeError("nested too deeply (a list or dict that contains itself?)")
    if isinstance(value, list | tuple):
        return [_convert(item, depth - 1) for item in value]
    if isinstance(value, dict):
        return {_convert(key, depth): _convert(item, depth - 1) for key, item in value.items()}
    return _scalar(value)


def _scalar(value: object) -> object:
    """A subclass of a plain type travels as the plain type."""
    match value:
        case int():
            return int(value)
        case float():
            return float(value)
        case str():
            return str(value)
        case bytes() | bytearray():
            return bytes(value)
        case _:
            return value


def same(first: Any, second: Any) -> bool:
    """Whether two pieces of plain data are alike in type and value (``1``, ``1.0`` and ``True`` are not)."""
    kind = type(first)
    if kind is not type(second):
        return False
    if kind is list:
        return len(first) == len(second) and all(map(same, first, second))
    if kind is dict:
        return first.keys() == second.keys() and all(same(value, second[key]) for key, value in first.items())
    return bool(first == second)


def encoded_size(value: object) -> int:
    """The bytes that a piece of plain data takes as JSON, where bytes stand as base64 text."""
    return len(_json.encode(value).encode())


def _base64_room(value: object) -> str:
    if isinstance(value, bytes):
        return "=" * (4 * -(-len(value) // 3))
    raise TypeError(f"{type(value).__name__} is not plain data")


_json = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), default=_base64_room)
