"""Runs the hooks of one call and says what came of it. Runs inside the hook interpreter.

Owns the order within a call: for each script a fresh copy of the model, the hook under the deadline, what it set, and
a look at whether it has kept the copy. What a script does ends here at the latest. Its code runs in the hook itself,
but also where its objects are looked at afterwards (a text, an iterator, a property); each of these may raise
anything, and so is run under the deadline, too.
"""

from collections.abc import Callable, Mapping
from sys import getrefcount
from typing import Any
from weakref import ref

from attrs import define, field

from yummy.hooks import blame, context
from yummy.hooks.calls import HookLimits, Phase, Subject
from yummy.hooks.copies import COPIERS, Copier, UnfitFieldError
from yummy.hooks.deadline import Deadline
from yummy.hooks.failure import HookFailure
from yummy.hooks.frames import CRASHED, FAILED, PASSED, Frame, write_to_plain
from yummy.hooks.guard import Guard
from yummy.hooks.loader import Loaded
from yummy.hooks.output import Output
from yummy.hooks.report import Trouble
from yummy.hooks.traces import ScriptTexts, name_of
from yummy.hooks.view import View

#: The name of each hook's function, and what makes its models.
_HOOKS = {(phase, name): (f"{phase}_{name}", copier) for phase in ("pre", "post") for name, copier in COPIERS.items()}
_NOTHING: Mapping[int, Any] = {}

type Fetch = Callable[[int, Subject, str], tuple[Any, ...] | None]


@define(eq=False)
class Call:
    """One half of a message's hooks.

    Attributes:
        id: The number of the call.
        phase: Which half.
        name: The hook's name, without its half.
        success: What post hears.
        revision: The number of the revision whose hooks run.
        texts: The scripts of that revision.
        hook: The name of the function that is called.
        copier: What makes the models.
    """

    id: int
    phase: Phase
    name: str
    success: bool | None
    revision: int
    texts: ScriptTexts
    hook: str = field(init=False)
    copier: Copier = field(init=False)

    def __attrs_post_init__(self) -> None:
        self.hook, self.copier = _HOOKS[self.phase, self.name]

    def crashed(self, trouble: Trouble) -> Frame:
        """The reply that says so."""
        return (CRASHED, self.id, trouble.to_plain())


@define
class Runner:
    """Runs calls, one at a time.

    Attributes:
        limits: The bounds.
        output: Where what scripts print goes.
        deadline: What interrupts them.
        guard: Notices kept models.
        fetch: Asks the host for what a call does not carry.
        tell: Sends a trouble of a call besides the one that is its reply.
    """

    limits: HookLimits
    output: Output
    deadline: Deadline
    guard: Guard
    fetch: Fetch
    tell: Callable[[Trouble, int], None]
    # One for all calls, since they come one after another; most look at nothing.
    _view: View = field(init=False)
    _call_id: int = 0
    # Whether the hook that runs has come to its end, and only its model is looked at.
    _returned: bool = False

    def __attrs_post_init__(self) -> None:
        self._view = View(self.limits, self._fetch_now, self._warn)

    def calibrate(self) -> None:
        """Let the guard see what a hook leaves that keeps nothing, on the way that each call takes."""
        call = Call(0, "pre", "logout", None, 0, ScriptTexts())
        self.deadline.begin(self.limits.timeout)
        self._run_one(call, _keep_nothing, [None] * len(call.copier.fields), calibrates=True)

    def run(self, call: Call, loaded: Loaded, values: list[Any], rooms: Any, users: Any) -> Frame:
        """Run all scripts' hooks of a call.

        Args:
            call: Which one.
            loaded: The scripts of its revision.
            values: The model's fields.
            rooms: The rooms that it carries, as bytes.
            users: The users that it carries, as bytes.

        Returns:
            The reply.
        """
        self._call_id = call.id
        self._view.begin(rooms, users)
        self.output.begin(call.id, call.hook, call.revision)
        self.deadline.begin(self.limits.timeout)
        context.enter(self._view)
        try:
            reply = self._run_all(call, loaded, values)
            if self.output.said:
                self.output.end()
        except BaseException as error:  # noqa: BLE001  # a fault of ours costs one message, not the interpreter
            reply = call.crashed(blame.own_fault(call.hook, name_of(error)))
        finally:
            context.leave()
        return reply

    def _run_all(self, call: Call, loaded: Loaded, values: list[Any]) -> Frame:
        changes: dict[str, Any] = {}
        for function in loaded.hooks.get(call.hook, ()):
            stopped, found = self._run_one(call, function, values)
            if stopped is not None:
                return stopped
            if found:
                for place, value in found.items():
                    values[place] = value
                    changes[call.copier.fields[place].name] = value
        writes = tuple(map(write_to_plain, self._view.writes)) if self._view.writes else ()
        return (PASSED, call.id, changes if call.phase == "pre" else {}, writes)

    def _run_one(
        self, call: Call, function: Callable[..., object], values: list[Any], *, calibrates: bool = False
    ) -> tuple[Frame | None, Mapping[int, Any]]:
        """Run one script's hook. One that ``calibrates`` is known to keep nothing.

        Returns:
            The reply, if the hook ends the call; and what it set on its model.
        """
        # The only reference to this script's copy.
        model = call.copier.make(values)
        stopped, found = self._hook(call, function, model, values)
        # Whatever else could hold it has been let go of by now: the failure, its traceback, what the hook returned.
        count = getrefcount(model)
        if calibrates:
            self.guard.calibrate(count)
        elif self.guard.suspects(count):
            reference = ref(model)
            del model
            kept = self.guard.examine(reference, hook=call.hook, function=function)
            if kept is not None and (stopped is None or stopped[0] == FAILED):
                stopped = call.crashed(kept)
            elif kept is not None:
                self.tell(kept, call.id)
        return stopped, found

    def _hook(
        self, call: Call, function: Callable[..., object], model: Any, values: list[Any]
    ) -> tuple[Frame | None, Mapping[int, Any]]:
        """Call the hook, and look at what it has set.

        Returns:
            The reply, if the hook ends the call; and what it set. Nothing of the script's frames is held any more.
        """
        self._returned = False
        outcome, failure = self.deadline.run(self._watched, call, function, model, values)
        if self.deadline.fired:
            return self._late(call, function), _NOTHING
        if failure is not None:
            if self._returned and isinstance(failure, UnfitFieldError):
                return call.crashed(blame.unfit(call.hook, function, failure, call.texts)), _NOTHING
            return self._blamed(call, function, self._judge, failure), _NOTHING
        result, found = outcome
        if result is not None:
            return self._blamed(call, function, self._not_run, result), _NOTHING
        return None, found

    def _watched(
        self, call: Call, function: Callable[..., object], model: Any, values: list[Any]
    ) -> tuple[Any, Mapping[int, Any]]:
        """What runs under the deadline: the hook itself, and the look at its model.

        Returns:
            What it returned, if that says that nothing has run; else None, and what it set.
        """
        result: Any = None
        try:
            result = function(model) if call.phase == "pre" else function(model, call.success)
            self._returned = True
            if result is not None and type(result) in blame.NOT_RUN:
                return result, _NOTHING
            return None, call.copier.changes(model, values, self.limits)
        finally:
            # A traceback that a script keeps holds this frame, too, and is to be blamed for its own only.
            del result, model

    def _blamed(
        self, call: Call, function: Callable[..., object], judge: Callable[[Call, Any, Any], Frame], what: Any
    ) -> Frame:
        """Judge something that a script has raised or returned, whose texts and properties are the script's code."""
        reply, failure = self.deadline.run(judge, call, function, what)
        if self.deadline.fired:
            return self._late(call, function)
        if failure is not None:
            return call.crashed(blame.raised(call.hook, function, failure, call.texts))
        frame: Frame = reply
        return frame

    def _judge(self, call: Call, function: Callable[..., object], failure: BaseException) -> Frame:
        if not isinstance(failure, HookFailure):
            return call.crashed(blame.raised(call.hook, function, failure, call.texts))
        # A subclass may hold anything.
        again = HookFailure(getattr(failure, "message", failure), getattr(failure, "code", ""))
        return (FAILED, call.id, again.message, again.code)

    def _not_run(self, call: Call, function: Callable[..., object], result: Any) -> Frame:
        return call.crashed(blame.not_run(call.hook, function, result, call.texts))

    def _late(self, call: Call, function: Callable[..., object]) -> Frame:
        return call.crashed(blame.late(call.hook, function, self.deadline.where, call.texts))

    def _fetch_now(self, kind: Subject, subject_id: str) -> tuple[Any, ...] | None:
        return self.fetch(self._call_id, kind, subject_id)

    def _warn(self, text: str) -> None:
        self.output.line("warning", text)


def _keep_nothing(_model: Any) -> None:
    pass
