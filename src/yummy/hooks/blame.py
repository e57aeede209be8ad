"""What is wrong with a hook that did not simply return, as troubles for its author. Runs inside the hook interpreter.

Owns the words. Who runs hooks (`runner`) decides which of these it is.
"""

from collections.abc import Callable
from types import AsyncGeneratorType, CodeType, CoroutineType, GeneratorType
from typing import Any

from attrs import evolve

from yummy.hooks.copies import UnfitFieldError
from yummy.hooks.deadline import Whereabouts
from yummy.hooks.report import Place, Trouble
from yummy.hooks.traces import ScriptTexts, late_trouble, trouble_of

#: What a hook gives back whose code has not run, and where it keeps that code.
NOT_RUN: dict[type, tuple[str, str]] = {
    CoroutineType: ("a coroutine", "cr_code"),
    GeneratorType: ("a generator", "gi_code"),
    AsyncGeneratorType: ("an async generator", "ag_code"),
}


def definition(function: Callable[..., object], texts: ScriptTexts) -> Place | None:
    """Where a hook is defined, or None for what is no script's."""
    try:
        code = getattr(function, "__code__", None) or getattr(type(function).__call__, "__code__", None)
    except BaseException:  # noqa: BLE001  # an object of a script's own class may raise anything
        return None
    return texts.definition(code) if isinstance(code, CodeType) else None


def raised(hook: str, function: Callable[..., object], error: BaseException, texts: ScriptTexts) -> Trouble:
    """A hook raised something that is not `fail`."""
    trouble = trouble_of(error, texts, hook=hook)
    # Called with the wrong arguments, for one: no line of the script has run.
    return trouble if trouble.place is not None else evolve(trouble, place=definition(function, texts))


def late(hook: str, function: Callable[..., object], where: Whereabouts, texts: ScriptTexts) -> Trouble:
    """A hook was interrupted at its deadline.

    Args:
        hook: Its name.
        function: The function that was called, to be named where no line of a script is known.
        where: Where it was, innermost first.
        texts: The scripts.
    """
    trouble = late_trouble(hook, script_path(where, texts))
    return trouble if trouble.place is not None else evolve(trouble, place=definition(function, texts))


def script_path(where: Whereabouts, texts: ScriptTexts) -> tuple[Place, ...]:
    """The lines of scripts on a stack, outermost first."""
    places = [texts.place(*step) for step in reversed(where)]
    return tuple(place for place in places if place is not None)


def not_run(hook: str, function: Callable[..., object], result: Any, texts: ScriptTexts) -> Trouble:
    """A hook gave back what would have to be awaited or iterated; it is closed, so that nothing warns of it.

    Raises:
        BaseException: What a generator that has begun does with being closed.
    """
    what, where = NOT_RUN[type(result)]
    place = texts.definition(getattr(result, where)) or definition(function, texts)
    if type(result) is not AsyncGeneratorType:
        result.close()
    return Trouble(
        "error",
        f"{hook} returned {what}: nothing of it was run",
        place,
        advice="make the hook a plain function that does its work before it returns, without await and yield",
        hook=hook,
    )


def unfit(hook: str, function: Callable[..., object], error: UnfitFieldError, texts: ScriptTexts) -> Trouble:
    """A hook left something in its model that does not belong there."""
    return Trouble(
        "error",
        f"{hook} left something in model.{error.field} that does not belong there: {error.problem}",
        definition(function, texts),
        advice=f"put only plain data of a fitting size into model.{error.field}: None, bool, int, float, str, "
        "lists, dicts",
        hook=hook,
    )


def gone(hook: str, revision: int) -> Trouble:
    """A message was begun by a revision that this interpreter does not hold."""
    return Trouble(
        "error",
        f"{hook} was not run: its message was begun with revision {revision} of the scripts, which has ended",
        advice="nothing: the interpreter was replaced in the midst of the message, and the client may try again",
        hook=hook,
    )


def own_fault(hook: str, what: str) -> Trouble:
    """It is none of the script's fault."""
    return Trouble("error", f"Yummy's own fault: {what}", hook=hook)
