"""Writes how one object leads to another, as the author of a script would. Runs inside the hook interpreter.

Owns the words: ``messages['pre_auth']``, ``callbacks[0], a closure over 'model'``, ``the default argument 'seen' of
pre_play: seen[0]``. It is given a chain of objects, each of which holds the next, and knows not how it was found.
"""

import threading
from collections import deque
from collections.abc import Callable
from contextvars import Context
from functools import lru_cache
from types import (
    AsyncGeneratorType,
    BuiltinFunctionType,
    CellType,
    CoroutineType,
    FrameType,
    FunctionType,
    GeneratorType,
    MappingProxyType,
    MethodType,
    MethodWrapperType,
    TracebackType,
)
from typing import Any, cast

from yummy.hooks.insides import (
    Missing,
    attribute_of,
    class_names,
    index_of,
    instance_dict,
    is_a,
    key_of,
)
from yummy.hooks.suspended import exception_step, frame_step, paused_step, traceback_step
from yummy.hooks.traces import kind_of
from yummy.hooks.wording import Path

_Cache = type(lru_cache(len))


def write_path(chain: list[Any], path: Path) -> None:
    """Go along a chain.

    Args:
        chain: Objects of which each holds the next; the last is the one that is kept.
        path: The path; it stands at the first of them.
    """
    at = 0
    while 0 <= at < len(chain) - 1:
        at += _step(path, chain[at], chain[at + 1 :])


def write_thread(chain: list[Any], path: Path) -> None:
    """Go along a chain that begins with a thread that runs."""
    thread, *rest = chain
    names = instance_dict(thread) or {}
    if rest[0] is names:
        del rest[0]
    name = _parameter(names, rest)
    if name is None:
        path.here = kind_of(thread)
        write_path(chain, path)
        return
    code = names["_target"].__code__
    file = code.co_filename.rpartition("/")[2]
    path.variable(f"argument {name!r} of {code.co_name} ({file}:{code.co_firstlineno})", name)
    write_path(rest[1:], path)


def _parameter(names: dict[Any, Any], rest: list[Any]) -> str | None:
    """What the function that a thread runs calls the argument that leads to the rest."""
    target = names.get("_target")
    if type(target) is not FunctionType or len(rest) < 2:
        return None
    if rest[0] is names.get("_args"):
        index = index_of(rest[0], rest[1])
        code = target.__code__
        return code.co_varnames[index] if index is not None and index < code.co_argcount else None
    if rest[0] is names.get("_kwargs"):
        key = key_of(rest[0], rest[1])
        return key if type(key) is str else None
    return None


def _step(path: Path, holder: Any, rest: list[Any]) -> int:
    """Write how the holder holds the first of the rest; gives the number of objects that the text covers."""
    kind = type(holder)
    if is_a(holder, type):
        return _class_step(path, holder, rest)
    for base, write in _STEPS:
        if kind is base or is_a(holder, base):
            covered = write(path, holder, rest)
            if covered:
                return covered
    return _instance_step(path, holder, rest)


def _instance_step(path: Path, holder: Any, rest: list[Any]) -> int:
    name = attribute_of(holder, rest[0])
    if name is not None:
        path.attribute(name)
        return 1
    if rest[0] is instance_dict(holder) and len(rest) > 1:
        key = key_of(rest[0], rest[1])
        if type(key) is str:
            path.attribute(key)
            return 2
    path.inside(f"inside a {kind_of(holder)}")
    return len(rest)


def _class_step(path: Path, holder: Any, rest: list[Any]) -> int:
    names = class_names(holder)
    for covered, held in enumerate(rest[:2], 1):  # by way of the class's own dict, or not
        name = key_of(names, held)
        if type(name) is str:
            path.attribute(name)
            return covered
    path.inside("inside a class")
    return len(rest)


def _function_step(path: Path, holder: FunctionType, rest: list[Any]) -> int:
    code, held = holder.__code__, cast("tuple[Any, ...]", rest[0])
    own = path.here == holder.__name__ and not path.fresh
    if len(rest) > 1 and held is holder.__closure__:
        index = index_of(held, rest[1])
        name = code.co_freevars[index or 0]
        path.variable(f"a closure over {name!r}", name)
        return 3 if len(rest) > 2 else 2
    if len(rest) > 1 and held is holder.__defaults__:
        index = index_of(held, rest[1]) or 0
        name = code.co_varnames[: code.co_argcount][index - len(held)]
        path.variable(f"the default argument {name!r} of {holder.__name__}", name, instead=own)
        path.names.append(holder.__name__)
        return 2
    if len(rest) > 1 and rest[0] is holder.__kwdefaults__:
        name = str(key_of(rest[0], rest[1]))
        path.variable(f"the default argument {name!r} of {holder.__name__}", name, instead=own)
        path.names.append(holder.__name__)
        return 2
    return 0


def _method_step(path: Path, holder: Any, rest: list[Any]) -> int:
    if rest[0] is not holder.__self__:
        return 0
    if len(rest) == 1:
        path.inside(f"the bound method {holder.__name__} of the model")
    else:
        path.attribute("__self__")
        path.names.pop()
    return 1


def _cell_step(path: Path, _holder: CellType, _rest: list[Any]) -> int:
    path.attribute("cell_contents")
    return 1


def _dict_step(path: Path, holder: Any, rest: list[Any]) -> int:
    key = key_of(holder, rest[0])
    if key is not Missing:
        path.item(key)
        return 1
    if any(key is rest[0] for key in list(dict.keys(holder))):
        path.inside("a key of the dict")
        return len(rest)
    return 0


def _proxy_step(_path: Path, _holder: Any, _rest: list[Any]) -> int:
    return 1  # it reads as the dict that it shows


def _sequence_step(path: Path, holder: Any, rest: list[Any]) -> int:
    base = next(kind for kind in (list, tuple, deque) if is_a(holder, kind))
    index = index_of(base.__iter__(holder), rest[0])
    if index is None:
        return 0
    fields = class_names(type(holder)).get("_fields")
    if base is tuple and type(fields) is tuple and index < len(fields) and type(fields[index]) is str:
        path.attribute(fields[index])
    else:
        path.item(index)
    return 1


def _set_step(path: Path, holder: Any, rest: list[Any]) -> int:
    if attribute_of(holder, rest[0]) is not None or rest[0] is instance_dict(holder):
        return 0
    path.inside("an element of the set")
    return len(rest)


def _cache_step(path: Path, holder: Any, rest: list[Any]) -> int:
    if rest[0] is instance_dict(holder) or attribute_of(holder, rest[0]) is not None:
        return 0
    path.inside("the cache of its lru_cache")
    return len(rest)


def _local_step(path: Path, _holder: Any, rest: list[Any]) -> int:
    """A `threading.local`, which holds a dict of each thread's values by way of a dict of those."""
    for covered in (1, 2):
        if len(rest) > covered and type(rest[covered - 1]) is dict:
            name = key_of(rest[covered - 1], rest[covered])
            if type(name) is str:
                path.attribute(name)
                return covered + 1
    return 0


def _context_step(path: Path, holder: Context, rest: list[Any]) -> int:
    for variable, value in holder.items():
        if any(value is held for held in rest):
            path.variable(f"the context variable {variable.name!r}", variable.name)
            return 1 + next(index for index, held in enumerate(rest) if held is value)
    return 0


_STEPS: tuple[tuple[type, Callable[[Path, Any, list[Any]], int]], ...] = (
    (FunctionType, _function_step),
    (MethodType, _method_step),
    (BuiltinFunctionType, _method_step),
    (MethodWrapperType, _method_step),
    (CellType, _cell_step),
    (GeneratorType, paused_step),
    (CoroutineType, paused_step),
    (AsyncGeneratorType, paused_step),
    (TracebackType, traceback_step),
    (FrameType, frame_step),
    (BaseException, exception_step),
    (dict, _dict_step),
    (MappingProxyType, _proxy_step),
    (list, _sequence_step),
    (tuple, _sequence_step),
    (deque, _sequence_step),
    (set, _set_step),
    (frozenset, _set_step),
    (_Cache, _cache_step),
    (threading.local, _local_step),
    (Context, _context_step),
)
