"""Writes how one object leads to another, as the author of a script would. Runs inside the hook interpreter.

Owns the words: ``messages['pre_auth']``, ``callbacks[0], a closure over 'model'``, ``the default argument 'seen' of
pre_play: seen[0]``. It is given a chain of objects, each of which holds the next, and knows not how it was found.
"""

import sys
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
from typing import Any

from attrs import define, field

from yummy.hooks.insides import (
    Missing,
    attribute_of,
    class_names,
    index_of,
    instance_dict,
    is_a,
    key_of,
    shown,
)
from yummy.hooks.traces import kind_of

_Cache = type(lru_cache(len))
#: What runs later: how it is called, and its frame's attribute.
_PAUSED: dict[type, tuple[str, str]] = {
    GeneratorType: ("generator", "gi_frame"),
    CoroutineType: ("coroutine", "cr_frame"),
    AsyncGeneratorType: ("async generator", "ag_frame"),
}
_exception_dict = vars(BaseException)
_EXCEPTION_PARTS = ("args", "__cause__", "__context__")


@define
class Path:
    """A path under construction.

    Attributes:
        done: What is written.
        here: The expression that is being written, which stands for the object reached so far.
        fresh: Whether ``here`` has been named by the text before it, so that it need not be repeated.
        names: The variables and attributes that the path mentions, first to last.
        keys: The keys that it mentions.
    """

    here: str
    done: str = ""
    fresh: bool = False
    names: list[str] = field(factory=list)
    keys: list[object] = field(factory=list)

    def attribute(self, name: str) -> None:
        """Go on to an attribute."""
        self.here, self.fresh = f"{self.here}.{name}", False
        self.names.append(name)

    def item(self, key: object) -> None:
        """Go on to what stands under a key or at an index."""
        self.here, self.fresh = f"{self.here}[{shown(key)}]", False
        self.keys.append(key)

    def variable(self, text: str, name: str, *, instead: bool = False) -> None:
        """Go on to a variable that no expression leads to.

        Args:
            text: What is said of it.
            name: The variable.
            instead: Whether the expression so far need not be shown.
        """
        before = "" if instead else self._shown()
        self.done = f"{before}, {text}" if before else f"{self.done}{text}"
        self.here, self.fresh = name, True
        self.names.append(name)

    def inside(self, text: str) -> None:
        """End within something that has no parts with names."""
        self.variable(text, "it")
        self.names.pop()

    def __str__(self) -> str:
        return self._shown()

    def _shown(self) -> str:
        if self.fresh:
            return self.done
        return f"{self.done}: {self.here}" if self.done else self.here


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
    target = names.get("_target")
    where = ""
    skip = 1 if rest[0] is names else 0
    held = rest[skip] if len(rest) > skip else None
    if held is names.get("_args") and len(rest) > skip + 1 and type(target) is FunctionType:
        code = target.__code__
        index = index_of(held, rest[skip + 1])
        if index is not None and index < code.co_argcount:
            where = code.co_varnames[index]
        path.variable(f"argument {where!r} of {code.co_name} ({_file(code.co_filename)}:{code.co_firstlineno})", where)
        write_path(rest[skip + 1 :], path)
        return
    path.here = f"{kind_of(thread)}"
    write_path(chain, path)


def _file(filename: str) -> str:
    return filename.rpartition("/")[2]


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
        name = key_of(rest[0], rest[1])  # type: ignore[assignment]  # checked in the next line
        if type(name) is str:
            path.attribute(name)
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
    code, held = holder.__code__, rest[0]
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
    if len(rest) > 1 and held is holder.__kwdefaults__:
        name = str(key_of(held, rest[1]))
        path.variable(f"the default argument {name!r} of {holder.__name__}", name, instead=own)
        path.names.append(holder.__name__)
        return 2
    return 0


def _method_step(path: Path, holder: Any, rest: list[Any]) -> int:
    if rest[0] is not holder.__self__:
        return 0
    if len(rest) == 1:
        path.inside(f"its method {holder.__name__}, which is bound to it")
    else:
        path.attribute("__self__")
        path.names.pop()
    return 1


def _cell_step(path: Path, _holder: CellType, _rest: list[Any]) -> int:
    path.attribute("cell_contents")
    return 1


def _paused_step(path: Path, holder: Any, rest: list[Any]) -> int:
    what, frame_name = _PAUSED[type(holder)]
    frame = getattr(holder, frame_name)  # of exactly this type of Python's own
    if frame is None:
        return 0
    if rest[0] is frame:
        return 1
    name, covered = _local(frame, rest)
    if name == ".0":
        path.inside(f"a {what} expression (line {frame.f_lineno})")
        return len(rest)
    if name is None:
        return 0
    path.variable(f"local {name!r} of the {what} {frame.f_code.co_name} (line {frame.f_lineno})", name)
    return covered


def _traceback_step(path: Path, _holder: TracebackType, rest: list[Any]) -> int:
    return _frames(path, rest, "the traceback")


def _frame_step(path: Path, holder: FrameType, rest: list[Any]) -> int:
    return _frames(path, [holder, *rest], "a frame") - 1


def _frames(path: Path, rest: list[Any], source: str) -> int:
    """Go through tracebacks and frames to the variable in the last of them."""
    at = 0
    while at < len(rest) - 1 and type(rest[at + 1]) in {TracebackType, FrameType}:
        at += 1
    frame = rest[at]
    if type(frame) is not FrameType or at == len(rest) - 1:
        path.inside(source)
        return len(rest)
    name, covered = _local(frame, rest[at + 1 :])
    where = f"{frame.f_code.co_name} (line {frame.f_lineno})"
    if name is None:
        path.inside(f"{source}: something in {where}")
        return len(rest)
    path.variable(f"{source}: local {name!r} of {where}", name)
    return at + 1 + covered


def _local(frame: FrameType, rest: list[Any]) -> tuple[str | None, int]:
    """The variable of a frame that leads to the rest, and how many objects of it that covers."""
    names = frame.f_locals
    # A class body may run in a mapping of the script's own.
    found = list(names.items()) if type(names) is dict or is_a(names, _LocalsProxy) else []
    for covered, held in enumerate(rest[:2], 1):
        if covered == 1 or type(rest[0]) is CellType:
            for name, value in found:
                if value is held:
                    return name, covered
    return None, 0


def _exception_step(path: Path, holder: BaseException, rest: list[Any]) -> int:
    if type(rest[0]) is TracebackType and len(rest) > 1:
        return 1 + _frames(path, rest[1:], f"the traceback of a {kind_of(holder)}")
    for name in _EXCEPTION_PARTS:
        if _exception_dict[name].__get__(holder) is rest[0]:
            path.attribute(name)
            return 1
    return 0


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


_LocalsProxy = type((lambda: sys._getframe().f_locals)())  # noqa: SLF001  # the only way to it
_STEPS: tuple[tuple[type, Callable[[Path, Any, list[Any]], int]], ...] = (
    (FunctionType, _function_step),
    (MethodType, _method_step),
    (BuiltinFunctionType, _method_step),
    (MethodWrapperType, _method_step),
    (CellType, _cell_step),
    (GeneratorType, _paused_step),
    (CoroutineType, _paused_step),
    (AsyncGeneratorType, _paused_step),
    (TracebackType, _traceback_step),
    (FrameType, _frame_step),
    (BaseException, _exception_step),
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
