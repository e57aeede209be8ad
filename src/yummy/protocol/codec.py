"""Bytes to maps and back, in both encodings.

A binary frame holds exactly one msgpack map, a text frame exactly one JSON object. What one encoding accepts, both
can encode: bytes, which only msgpack has, become base64 text in JSON.
"""

import json
from base64 import b64encode
from enum import Enum
from typing import Any, Never

import msgpack

from yummy.protocol.errors import WrongFormat

_WALK_FROM = 256
"""Bytes of a payload from which on it is walked through first, and read once only: a shorter one cannot announce enough
to matter, and costs little to read again."""

_FLOAT_32 = b"\xca"
"""How a float of four bytes begins, which is written in eight here; it may as well be part of something else."""


class Encoding(Enum):
    """How messages are written on a connection."""

    MSGPACK = "msgpack"
    JSON = "json"

    # Looked up for everybody who hears something, and an enumeration's own hash is written in Python.
    __hash__ = object.__hash__

    @property
    def subprotocol(self) -> str:
        """The WebSocket sub-protocol that fixes this encoding."""
        return f"yummy.{self.value}"


def decode(payload: bytes | str) -> dict[str, Any]:
    """Read one frame's payload: msgpack from bytes, JSON from text.

    Returns:
        The map. Its values are not checked yet, but that no map in it has two equal keys.

    Raises:
        WrongFormat: Saying what is wrong with the payload.
    """
    document = _decode_msgpack(payload) if isinstance(payload, bytes) else _decode_json(payload)
    if not isinstance(document, dict):
        raise WrongFormat(f"expected a map, got {type(document).__name__}")
    return document


def encode(value: Any, encoding: Encoding) -> bytes:
    """Write plain data; a map of it is one frame's payload.

    Raises:
        ValueError, TypeError, OverflowError: There is something in it that is no plain data.
    """
    if encoding is Encoding.JSON:
        return _json.encode(value).encode()
    try:
        return _packer.pack(value)
    except BaseException:
        # A packer that failed half-way keeps the first half.
        _packer.reset()
        raise


def _decode_msgpack(payload: bytes) -> Any:
    try:
        if len(payload) > _WALK_FROM:
            _walk(payload)
        elif _FLOAT_32 not in payload:
            document = msgpack.unpackb(payload, raw=False, strict_map_key=True, ext_hook=_refuse_extension)
            if _comes_back(document, payload):
                return document
        return msgpack.unpackb(
            payload, raw=False, strict_map_key=True, ext_hook=_refuse_extension, object_pairs_hook=_unique
        )
    except WrongFormat:
        raise
    except UnicodeDecodeError:
        raise WrongFormat("text that is not valid UTF-8") from None
    except msgpack.ExtraData:
        raise WrongFormat("more than one msgpack value in a frame") from None
    except msgpack.OutOfData:
        raise WrongFormat("not valid msgpack (incomplete input)") from None
    except msgpack.StackError:
        raise WrongFormat("nested too deeply") from None
    except (ValueError, TypeError) as error:
        raise WrongFormat(f"not valid msgpack ({error})" if str(error) else "not valid msgpack") from None


def _walk(payload: bytes) -> None:
    """Walk through a payload without making anything of it; fails if it announces more than there is.

    The decoder makes room for as many items as a list or map announces, at each depth again, before it sees them.
    """
    walker = msgpack.Unpacker(max_buffer_size=len(payload))
    walker.feed(payload)
    walker.skip()


def _comes_back(document: Any, payload: bytes) -> bool:
    """Whether what was read is written as it came: then no map in it had a key twice, as none has that is written.

    Encoders write everything as short as it goes, as this one does, but for some that write floats in four bytes. For a
    short payload this is quicker than to look at each map.
    """
    try:
        return encode(document, Encoding.MSGPACK) == payload
    except Exception:  # noqa: BLE001  # nested too deeply for it, say; the other way decides what that means
        return False


def _decode_json(payload: str) -> Any:
    try:
        if payload.startswith("\ufeff"):
            # A byte order mark, which this names as the cause, and the decoder alone would not.
            return json.loads(payload)
        return _json_decoder.decode(payload)
    except WrongFormat:
        raise
    except RecursionError:
        raise WrongFormat("nested too deeply") from None
    except ValueError as error:
        raise WrongFormat(f"not valid JSON ({error})") from None


def _unique(pairs: list[tuple[Any, Any]]) -> dict[Any, Any]:
    if not pairs:
        return {}
    document = {key: value for key, value in pairs}  # noqa: C416  # for a small map, quicker than `dict`
    if len(document) != len(pairs):
        raise WrongFormat("a map with the same key twice")
    return document


def _refuse_extension(code: int, _data: bytes) -> Never:
    raise WrongFormat(f"msgpack extension type {code}")


def _refuse_constant(name: str) -> Never:
    raise WrongFormat(f"{name} is not a finite number")


def _integer(digits: str) -> int:
    # 2^64 has 20 digits. Longer ones are out of range, and costly to read.
    if len(digits) > 21:
        raise WrongFormat("an integer that is out of range (-2^63 to 2^64-1)")
    return int(digits)


def _number(digits: str) -> float:
    value = float(digits)
    if value in (float("inf"), float("-inf")):
        raise WrongFormat(f"{digits[:40]} is not a finite number")
    return value


def _bytes_as_text(value: object) -> str:
    if isinstance(value, bytes):
        return b64encode(value).decode("ascii")
    raise TypeError(f"{type(value).__name__} is not plain data")


_packer = msgpack.Packer(use_bin_type=True)
# Made once: `json.loads` makes one for each call that has options.
_json_decoder = json.JSONDecoder(
    object_pairs_hook=_unique, parse_constant=_refuse_constant, parse_int=_integer, parse_float=_number
)
_json = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":"), default=_bytes_as_text)
