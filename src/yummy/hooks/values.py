"""What scripts hand to the API, checked and copied. Runs inside the hook interpreter.

Owns the errors for values that are no plain data, keys that are no text, levels that do not exist. Each names the
function that the script called.
"""

from enum import Enum, IntEnum
from functools import cache
from typing import Any

from yummy.hooks.frames import plain_copy
from yummy.plain import to_plain


def read(value: Any) -> Any:
    """A stored value for a script, which may change what it gets: only `set_…` changes what is stored."""
    return plain_copy(value) if isinstance(value, list | dict) else value


def plain(function: str, name: str, value: Any, *, allow_bytes: bool = True) -> Any:
    """An independent copy of plain data.

    Args:
        function: What the script called.
        name: The argument.
        value: What it gave.
        allow_bytes: Whether bytes are welcome.

    Raises:
        TypeError: It is no plain data.
    """
    try:
        return to_plain(value, allow_bytes=allow_bytes)
    except TypeError as error:
        raise TypeError(f"{function}: {name}: {error}") from None


def key_text(function: str, key: Any) -> str:
    """A metadata key; a member of a text enumeration counts as its text.

    Raises:
        TypeError: It is no text.
    """
    text = key.value if isinstance(key, Enum) else key
    if not isinstance(text, str):
        raise TypeError(f"{function}: key is a text, not {type(key).__name__} {key!r}")
    checked: str = plain(function, "key", text)
    return checked


def meta_value(function: str, value: Any) -> Any:
    """An independent copy of a metadata value.

    Raises:
        TypeError: Metadata cannot hold it.
    """
    if value is None or type(value) is bool:
        return value
    copy = plain(function, "value", value, allow_bytes=False)
    if _holds_map(copy):
        raise TypeError(
            f"{function}: value: metadata holds None, bool, int, float, str or lists of these, no dict; "
            "keep each part under a key of its own, or as text (json.dumps)"
        )
    return copy


def _holds_map(value: Any) -> bool:
    return isinstance(value, dict) or (isinstance(value, list) and any(map(_holds_map, value)))


@cache
def _highest(levels: type[IntEnum]) -> int:
    return int(max(levels))


def access_level(function: str, level: Any, levels: type[IntEnum]) -> int:
    """A level's number; None means the highest.

    Raises:
        TypeError: It is no number.
        ValueError: There is no such level.
    """
    system = _highest(levels)
    if level is None:
        return system
    if not isinstance(level, int) or isinstance(level, bool):
        raise TypeError(f"{function}: access_level is a number, not {type(level).__name__} {level!r}")
    if not 0 <= level <= system:
        known = ", ".join(f"{member.value} ({member.name.lower()})" for member in levels)
        raise ValueError(f"{function}: access_level {int(level)} is none of {known}")
    return int(level)
