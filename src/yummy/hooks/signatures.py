"""What is a hook and what only looks like one. Runs inside the hook interpreter.

Owns the checks that are made when a script is loaded: names, numbers of arguments, kinds of functions. Errors keep
scripts from being loaded; slips are noticed, and the hook stays, since a check that is left out silently would let
through what it was written to stop. A hook that cannot be called is a slip while there is nothing better, and an
error where scripts serve already: then they go on.
"""

import difflib
import inspect
from collections.abc import Callable
from types import CodeType, FunctionType, ModuleType
from typing import Any

from attrs import define, field

from yummy.hooks.report import Notice, Place, Trouble
from yummy.hooks.traces import ScriptTexts
from yummy.model import HOOK_MODELS

#: Every hook function's name and the arguments that it is called with.
HOOK_ARGUMENTS: dict[str, tuple[str, ...]] = {
    **{f"pre_{name}": ("model",) for name in HOOK_MODELS},
    **{f"post_{name}": ("model", "success") for name in HOOK_MODELS},
}


@define
class Findings:
    """What was found in one script."""

    hooks: dict[str, Callable[..., object]] = field(factory=dict)
    notices: list[Notice] = field(factory=list)
    troubles: list[Trouble] = field(factory=list)


def find_hooks(
    module: ModuleType, path: str, scripts: set[str], texts: ScriptTexts, *, strict: bool = False
) -> Findings:
    """Look for hooks in a module that has run.

    Args:
        module: The script's module.
        path: Its path below the scripts folder.
        scripts: The names of all scripts' modules.
        texts: What lines of scripts are quoted from.
        strict: Whether a hook that cannot be called with its arguments is an error.
    """
    findings = Findings()
    for name, value in list(vars(module).items()):
        if type(name) is not str or not name.startswith(("pre_", "post_")):
            continue
        # What is imported from another script is that script's hook; from a package it is this one's by intent.
        elsewhere = getattr(value, "__module__", None)
        foreign = elsewhere != module.__name__
        if foreign and elsewhere in scripts:
            continue
        place = _definition(value, path, texts)
        if name not in HOOK_ARGUMENTS:
            if isinstance(value, FunctionType) and not foreign:
                findings.notices.append(_unknown(name, place))
        elif not callable(value):
            findings.notices.append(Notice(place.file, place.line, f"{name} is no function and is not called"))
        elif _is_delayed(value):
            findings.troubles.append(_delayed(name, place))
        else:
            _check_hook(findings, name, value, place, strict=strict)
    return findings


def _check_hook(findings: Findings, name: str, value: Callable[..., object], place: Place, *, strict: bool) -> None:
    empty = _does_nothing(value)
    problem = _wrong_arguments(name, value)
    if problem and strict and not empty:
        findings.troubles.append(_uncallable(name, problem, place))
    elif problem:
        findings.notices.append(_useless(problem, place, empty=empty))
    if not empty:
        findings.hooks[name] = value


def _definition(value: Any, path: str, texts: ScriptTexts) -> Place:
    # Of a function, or of an object that is called like one.
    code = getattr(value, "__code__", None) or getattr(type(value).__call__, "__code__", None)
    place = texts.definition(code) if isinstance(code, CodeType) else None
    return place or Place(path)


def _unknown(name: str, place: Place) -> Notice:
    close = difflib.get_close_matches(name, HOOK_ARGUMENTS, n=1)
    hint = f"did you mean {close[0]}?" if close else "a name for a function of your own should begin otherwise"
    return Notice(place.file, place.line, f"{name} is no hook and is never called: {hint}", "misspelt")


def _is_delayed(value: object) -> bool:
    # A function, or an object whose class says what calling it does.
    return any(kind(code) for code in (value, type(value).__call__) for kind in _DELAYED)


_DELAYED = (inspect.iscoroutinefunction, inspect.isgeneratorfunction, inspect.isasyncgenfunction)


def _delayed(name: str, place: Place) -> Trouble:
    return Trouble(
        "broken",
        f"{name} is an async function or a generator: calling it would run nothing of it",
        place,
        advice="write it as a plain def without await and yield; hooks run one after another and need neither",
        hook="import",
    )


def _wrong_arguments(name: str, value: Callable[..., object]) -> str:
    """What is wrong with a hook's arguments, or nothing."""
    wanted = HOOK_ARGUMENTS[name]
    try:
        signature = inspect.signature(value)
    except (TypeError, ValueError):
        return ""  # something built in, that does not tell
    try:
        signature.bind(*wanted)
    except TypeError:
        return f"{name}{signature} cannot be called as {_call(name)}"
    return ""


def _call(name: str) -> str:
    return f"{name}({', '.join(HOOK_ARGUMENTS[name])})"


def _useless(problem: str, place: Place, *, empty: bool) -> Notice:
    effect = (
        "it does nothing and is not called, but as soon as it does something" if empty else "until it is corrected,"
    )
    return Notice(place.file, place.line, f"{problem}; {effect} every message that it is for fails", "signature")


def _uncallable(name: str, problem: str, place: Place) -> Trouble:
    return Trouble("broken", problem, place, advice=f"write it as def {_call(name)}", hook="import")


def _does_nothing(value: object) -> bool:
    if not isinstance(value, FunctionType):
        return False
    code = value.__code__
    return any(code.co_code == empty.co_code for empty in _EMPTY) and not code.co_freevars


def _plain() -> None:
    pass


def _documented() -> None:
    """Say something."""


# How functions that do nothing look once compiled, with and without a docstring.
_EMPTY = (_plain.__code__, _documented.__code__)
