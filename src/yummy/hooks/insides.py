"""Looks into objects of scripts without running a line of theirs. Runs inside the hook interpreter.

A script's class can define what an attribute, a comparison, a text or a length of its objects is, and each of these
may raise anything or have effects. So objects are asked by way of the descriptors that Python itself made, and
compared by identity only.
"""

import sys
from collections.abc import Iterator
from types import FrameType, GetSetDescriptorType, MappingProxyType, MemberDescriptorType
from typing import Any

_mro_of = vars(type)["__mro__"].__get__
_class_dict_of = vars(type)["__dict__"].__get__

#: Characters of a key that are shown.
KEY_LENGTH = 60


def _variables_type() -> type:
    return type(sys._getframe().f_locals)  # noqa: SLF001  # the only way to it


_Variables = _variables_type()
_PLAIN_KEYS = (str, int, float, bool, bytes, type(None))


def bases(kind: type) -> tuple[type, ...]:
    """A class and all that it inherits from."""
    return _mro_of(kind)  # type: ignore[no-any-return]  # as Python keeps it


def class_names(kind: type) -> "MappingProxyType[str, Any]":
    """What a class defines, as Python keeps it."""
    return _class_dict_of(kind)  # type: ignore[no-any-return]  # as Python keeps it


def is_a(value: object, kind: type) -> bool:
    """Whether a value is of a class, without asking the value."""
    return any(base is kind for base in bases(type(value)))  # `in` would compare, and a metaclass may say how


def instance_dict(value: object) -> dict[Any, Any] | None:
    """The ``__dict__`` of an object, or None if it has none."""
    for base in bases(type(value)):
        found = class_names(base).get("__dict__")
        if type(found) is GetSetDescriptorType or type(found) is MemberDescriptorType:
            names = found.__get__(value)
            return names if type(names) is dict else None
    return None


def slots(value: object) -> Iterator[tuple[str, object]]:
    """The names and values of an object's slots, those of objects made in C included."""
    for base in bases(type(value)):
        for name, slot in list(class_names(base).items()):
            if type(slot) is MemberDescriptorType:
                try:
                    held = slot.__get__(value)
                except AttributeError:  # nothing stands in it
                    continue
                yield slot.__name__ if name != slot.__name__ else name, held


def attribute_of(value: object, held: object) -> str | None:
    """The attribute of an object that is another object."""
    names = instance_dict(value)
    if names is not None:
        name = key_of(names, held)
        if type(name) is str:
            return name
    for name, found in slots(value):
        if found is held:
            return name
    return None


def variables(frame: FrameType) -> list[tuple[str, object]]:
    """The local variables of a frame; none of a class body that runs in a mapping of the script's own."""
    names = frame.f_locals
    return list(names.items()) if type(names) is dict or type(names) is _Variables else []


class Missing:
    """Says that there is no such key."""


def key_of(names: Any, held: object) -> object:
    """The key of a dict, or of a class's own names, that a value stands under; `Missing` if there is none."""
    pairs = names.items() if type(names) is MappingProxyType else dict.items(names)
    for key, value in list(pairs):
        if value is held:
            return key
    return Missing


def index_of(values: Any, held: object) -> int | None:
    """The place of a value in a list, tuple or deque."""
    for index, value in enumerate(values):
        if value is held:
            return index
    return None


def shown(key: object) -> str:
    """A key as a script's author would write it; of a key that is no plain data, the name of its class."""
    if type(key) is tuple:
        return f"({', '.join(map(shown, key))}{',' if len(key) == 1 else ''})"
    if not any(type(key) is plain for plain in _PLAIN_KEYS):
        return f"<{str.__str__(vars(type)['__name__'].__get__(type(key)))}>"
    if type(key) in {str, bytes} and len(key) > KEY_LENGTH:  # type: ignore[arg-type]  # it is a text or bytes
        return f"{key[:KEY_LENGTH]!r}..."  # type: ignore[index]  # likewise
    try:
        return repr(key)
    except ValueError:  # Python writes out no very large integer
        return "<int>"
