"""Notices that a script kept the model that its hook was given. Runs inside the hook interpreter.

Owns the decision (gone, garbage, kept), what that may cost, and the report. After each hook the loop holds the only
reference to the model; a higher count of references than an empty hook leaves is a suspicion, and no more than that:
garbage that a cycle keeps alive and a debugger's frame are no offence.

Everything that stands after a load is frozen, which takes it out of the collector's sight, so that looking for
garbage costs only what came since. What is frozen cannot be found as a holder either: a search unfreezes, and
`Guard.settle` comes after it.
"""

import gc
import time
from collections.abc import Callable
from functools import partial
from types import CodeType, FunctionType, MethodType
from typing import Any

import attrs
from attrs import define, field

from yummy.fields import SETTABLE
from yummy.hooks.holders import SearchBounds, find_holder
from yummy.hooks.insides import bases, class_names, instance_dict, is_a, slots
from yummy.hooks.report import Place, Trouble
from yummy.hooks.revoked import model_class, revoke
from yummy.hooks.storing import Storing
from yummy.hooks.traces import ScriptTexts
from yummy.hooks.wording import Holder
from yummy.model import Model

#: Seconds of each second that full collections on behalf of suspicions may take. One takes microseconds where all is
#: frozen, and milliseconds where scripts have made many objects since.
COLLECTING = 0.1
#: Searches for holders that a second may see; each costs up to a tenth of a second, in most games a few milliseconds.
SEARCHES_A_SECOND = 5
#: Characters of a holder's path that a report shows.
PATH_LENGTH = 300
#: Wrappers (`functools.wraps`, `functools.partial`) that are looked through for a hook's own code.
WRAPPERS = 8

_UNKNOWN = (
    "what holds it is not known, as Python's garbage collector does not see it: a variable of a running thread, "
    "or an object of a library written in C"
)
_NOT_SOUGHT = "what holds it was not looked for, because too many models are kept at once"


@define
class Allowance:
    """So much of something in a second.

    Attributes:
        amount: How much.
        clock: Seconds.
    """

    amount: float
    clock: Callable[[], float]
    _since: float = 0.0
    _spent: float = 0.0

    def is_left(self) -> bool:
        """Whether some is left, if only a little of what will be spent."""
        now = self.clock()
        if now - self._since >= 1.0:
            self._since, self._spent = now, 0.0
        return self._spent < self.amount

    def spend(self, amount: float) -> None:
        """Spend some."""
        self._spent += amount


@define
class Guard:
    """Looks at models after their hooks.

    Attributes:
        texts: The scripts.
        clock: Seconds, for what is allowed in a second.
        bounds: How much one search for a holder may cost.
        suspicious: Times that more references were counted than an empty hook leaves.
        collected: How many of these were garbage.
        retained: How many were kept, and reported.
        unaccused: How many were neither gone nor proved to be kept, when no more full collections were allowed.
        excused: How many only a debugger, or what traces a script, still looked at.
        searches: Times that a holder was looked for.
        usual: What `sys.getrefcount` gives after an empty hook, on the very path that each call takes: it differs
            between versions of Python. A higher count is suspicious; until one is set, all are.
    """

    texts: ScriptTexts
    clock: Callable[[], float] = time.monotonic
    bounds: SearchBounds = field(factory=SearchBounds)
    suspicious: int = 0
    collected: int = 0
    retained: int = 0
    unaccused: int = 0
    excused: int = 0
    searches: int = 0
    usual: int = 0
    _storing: Storing = field(init=False)
    _collections: Allowance = field(init=False)
    _searches: Allowance = field(init=False)

    def __attrs_post_init__(self) -> None:
        self._storing = Storing(self.texts)
        self._collections = Allowance(COLLECTING, self.clock)
        self._searches = Allowance(SEARCHES_A_SECOND, self.clock)

    def examine(
        self, reference: Callable[[], Model | None], *, hook: str, function: Callable[..., object]
    ) -> Trouble | None:
        """Decide about a model whose count is suspicious; one that is kept is revoked.

        Args:
            reference: A weak reference to it. The caller holds no other any more.
            hook: The function that was called, such as ``pre_play``.
            function: The hook itself.

        Returns:
            The report, or None if there is no offence, or none can be proved at a bearable cost.
        """
        self.suspicious += 1
        if reference() is None:
            return None
        proved = self._collect(reference)
        code = _code_of(function)
        script = None if code is None else self.texts.path(code.co_filename)
        whose = f"{hook} of {script}" if script else hook
        model = reference()
        if model is None:
            self.collected += 1
            return None
        kind = model_class(model)
        del model
        advice = _advice(kind, self._storing.parameter(code))
        if not proved:
            self.unaccused += 1
            self._revoke(reference, f"this {kind.__name__} was given to a call of {whose} that has ended: {advice}")
            return None
        holder, where = self._where(reference, code)
        if holder is not None and holder.excused:
            self.excused += 1
            return None
        self.retained += 1
        trouble = Trouble(
            "retained",
            f"{whose} kept the {kind.__name__} that it was given; {where}",
            self._place(code, holder),
            advice=advice,
            hook=hook,
        )
        self._revoke(reference, _text(trouble))
        return trouble

    def settle(self) -> None:
        """Take everything that stands now out of the collector's sight, and free what earlier revisions left.

        After each load of scripts.
        """
        self._storing.forget()
        _freeze()

    def _collect(self, reference: Callable[[], Model | None]) -> bool:
        """Look whether a model is garbage.

        Returns:
            Whether that was looked for everywhere, so that a model which still is must be kept by something.
        """
        for generation in (0, 1):  # what a hook has just left is young
            gc.collect(generation)
            if reference() is None:
                return True
        if not self._collections.is_left():
            return False
        begun = self.clock()
        gc.collect()
        self._collections.spend(self.clock() - begun)
        return True

    def _where(self, reference: Callable[[], Model | None], code: CodeType | None) -> tuple[Holder | None, str]:
        """What holds a model, and how the report says it."""
        if not self._searches.is_left():
            return None, _NOT_SOUGHT
        self._searches.spend(1)
        self.searches += 1
        gc.unfreeze()
        try:
            holder = find_holder(reference, self.texts, None if code is None else code.co_filename, self.bounds)
        except BaseException:  # noqa: BLE001  # a report without a place is better than none
            holder = None
        _freeze()
        if holder is None:
            return None, _UNKNOWN
        path = holder.path if len(holder.path) <= PATH_LENGTH else f"{holder.path[:PATH_LENGTH]}..."
        return holder, f"it is still held by {path}"

    def _place(self, code: CodeType | None, holder: Holder | None) -> Place | None:
        try:
            return self._storing.place(code, holder)
        except BaseException:  # noqa: BLE001  # source text may be nested beyond what can be walked
            return None if code is None else self.texts.definition(code)

    @staticmethod
    def _revoke(reference: Callable[[], Model | None], text: str) -> None:
        model = reference()
        if model is not None:
            revoke(model, text)


def _freeze() -> None:
    gc.unfreeze()
    gc.collect()  # or garbage would be frozen, and stay for ever
    gc.freeze()


def _code_of(function: Any) -> CodeType | None:
    """The code of a hook, looked for through what wraps it, without running any."""
    for _ in range(WRAPPERS):
        if is_a(function, FunctionType):
            inner = (instance_dict(function) or {}).get("__wrapped__")
            if inner is None:
                code: CodeType = function.__code__
                return code
        elif type(function) is MethodType:
            inner = function.__func__
        elif is_a(function, partial):
            inner = dict(slots(function)).get("func")
        else:
            inner = next(
                (names["__call__"] for names in map(class_names, bases(type(function))) if "__call__" in names), None
            )
        function = inner
    return None


def _advice(kind: type[Model], name: str) -> str:
    """What to do instead, with a field of that model as the example."""
    common = {attribute.name for attribute in attrs.fields(Model)}
    own = [attribute for attribute in attrs.fields(kind) if attribute.name not in common and attribute.repr]
    # What a script can set is what it came for; ids come second.
    own.sort(key=lambda attribute: not attribute.metadata.get(SETTABLE))
    example = f"{name}.{own[0].name if own else 'user_id'}"
    return f"copy the values that you need ({example}, for example) and keep those: a model ends with its hook"


def _text(trouble: Trouble) -> str:
    """A report on one line, for the error that a later use of the model raises."""
    place = "" if trouble.place is None else f" (at {trouble.place}: {trouble.place.source.strip()})"
    return f"{trouble.headline}{place}; {trouble.advice}"
