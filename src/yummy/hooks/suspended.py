"""Writes how frames hold things: variables of generators and coroutines, and of what an exception left behind.

Runs inside the hook interpreter. Each function writes how its object holds the first of the rest of a chain, and gives
the number of objects that the text covers; 0 where it has nothing to say.
"""

from types import AsyncGeneratorType, CellType, CoroutineType, FrameType, GeneratorType, TracebackType
from typing import Any

from yummy.hooks.insides import variables
from yummy.hooks.traces import kind_of
from yummy.hooks.wording import Path

#: What runs later: how it is called, and its frame's attribute.
_PAUSED: dict[type, tuple[str, str]] = {
    GeneratorType: ("generator", "gi_frame"),
    CoroutineType: ("coroutine", "cr_frame"),
    AsyncGeneratorType: ("async generator", "ag_frame"),
}
_RUNNING = (
    (GeneratorType, "gi_running"),
    (CoroutineType, "cr_running"),
    (AsyncGeneratorType, "ag_running"),
)
_exception_names = vars(BaseException)
_EXCEPTION_PARTS = ("args", "__cause__", "__context__")


def runs_now(holder: Any) -> bool | None:
    """Whether a generator or the like runs at this moment; None for all else."""
    for kind, attribute in _RUNNING:
        if type(holder) is kind:
            return bool(getattr(holder, attribute))
    return None


def paused_step(path: Path, holder: Any, rest: list[Any]) -> int:
    """A generator, coroutine or async generator."""
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


def traceback_step(path: Path, _holder: TracebackType, rest: list[Any]) -> int:
    """A traceback, by way of its frames."""
    return _frames(path, rest, "the traceback")


def frame_step(path: Path, holder: FrameType, rest: list[Any]) -> int:
    """A frame that something holds as such."""
    return _frames(path, [holder, *rest], "a frame") - 1


def _frames(path: Path, rest: list[Any], source: str) -> int:
    """Go through tracebacks and frames to the variable in the last of them."""
    at = 0
    while at < len(rest) - 1 and (type(rest[at + 1]) is TracebackType or type(rest[at + 1]) is FrameType):
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
    found = variables(frame)
    for covered, held in enumerate(rest[:2], 1):
        if covered == 1 or type(rest[0]) is CellType:
            for name, value in found:
                if value is held:
                    return name, covered
    return None, 0


def exception_step(path: Path, holder: BaseException, rest: list[Any]) -> int:
    """An exception: the frames that it went through, what it carries, and what came before it."""
    if type(rest[0]) is TracebackType and len(rest) > 1:
        return 1 + _frames(path, rest[1:], f"the traceback of a {kind_of(holder)}")
    for name in _EXCEPTION_PARTS:
        if _exception_names[name].__get__(holder) is rest[0]:
            path.attribute(name)
            return 1
    return 0
