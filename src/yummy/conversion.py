"""How what a source says becomes the value of a setting: strictly, with a text that says what was expected.

A text is read as what the setting is; a value that has a type of its own has to have the right one. Knows neither the
settings nor their sources.
"""

import re
from collections.abc import Callable, Iterable
from enum import StrEnum
from pathlib import Path
from typing import Any

import cattrs

from yummy.plain import is_unicode
from yummy.settings import Environment, LogFormat, LogLevel

_TRUTH = {"1": True, "true": True, "yes": True, "on": True, "0": False, "false": False, "no": False, "off": False}


def _strict[T](kind: type[T], expected: str) -> Callable[[Any, Any], T]:
    def structure(value: Any, _type: Any) -> T:
        if type(value) is not kind:
            raise ValueError(expected)
        return value

    return structure


def _text(value: Any, _type: Any) -> str:
    if type(value) is not str or not is_unicode(value):
        raise ValueError("expected text")
    return value


def _path(value: Any, _type: Any) -> Path:
    if type(value) is not str or not value or "\0" in value:
        raise ValueError("expected a path")
    return Path(value)


def _choice(value: Any, kind: type[StrEnum]) -> StrEnum:
    try:
        return kind(value.lower())
    except (ValueError, AttributeError):
        raise ValueError(f"expected {' or '.join(kind)}") from None


def _integer_of_text(value: str, _type: Any) -> int:
    if re.fullmatch(r"[+-]?\d{1,18}", value.strip(), re.ASCII) is None:
        raise ValueError("expected a whole number")
    return int(value)


def _number(value: Any, _type: Any) -> float:
    if type(value) not in {int, float}:
        raise ValueError("expected a number")
    return float(value)


def _number_of_text(value: str, _type: Any) -> float:
    if re.fullmatch(r"[+-]?(\d{1,18}\.?\d*|\.\d+)", value.strip(), re.ASCII) is None:
        raise ValueError("expected a number")
    return float(value)


def _truth_of_text(value: str, _type: Any) -> bool:
    try:
        return _TRUTH[value.strip().lower()]
    except KeyError:
        raise ValueError("expected on or off") from None


def _list(value: Any, _type: Any) -> tuple[str, ...]:
    if type(value) is not list or not all(type(item) is str for item in value):
        raise ValueError("expected a list of texts")
    return _trimmed(value)


def _list_of_text(value: str, _type: Any) -> tuple[str, ...]:
    return _trimmed(value.split(","))


def _trimmed(items: Iterable[str]) -> tuple[str, ...]:
    return tuple(item.strip() for item in items if item.strip())


def _converter() -> cattrs.Converter:
    converter = cattrs.Converter()
    converter.register_structure_hook(str, _text)
    converter.register_structure_hook(Path, _path)
    for kind in (Environment, LogLevel, LogFormat):
        converter.register_structure_hook(kind, _choice)
    return converter


#: For values that have a type of their own: ``yummy.toml``.
from_toml = _converter()
from_toml.register_structure_hook(int, _strict(int, "expected a whole number, without quotes"))
from_toml.register_structure_hook(float, _number)
from_toml.register_structure_hook(bool, _strict(bool, "expected true or false, without quotes"))
from_toml.register_structure_hook_func(lambda kind: kind == tuple[str, ...], _list)

#: For values that are texts: options, the environment, ``.env``.
from_text = _converter()
from_text.register_structure_hook(int, _integer_of_text)
from_text.register_structure_hook(float, _number_of_text)
from_text.register_structure_hook(bool, _truth_of_text)
from_text.register_structure_hook_func(lambda kind: kind == tuple[str, ...], _list_of_text)
