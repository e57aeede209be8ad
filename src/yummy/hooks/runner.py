"""Runs the hooks of one call and says what came of it. Runs inside the hook interpreter.

Owns the order within a call: for each script a fresh copy of the model, the hook under the deadline, what it set, and
a look at whether it has kept the copy. What a script does ends here at the latest. Its code runs in the hook itself,
but also where its objects are looked at afterwards (a text, an iterator, a property); each of these may raise
anything, and so is run under the deadline, too.
"""

from collections.abc import Callable, Mapping, Sequence
from sys import getrefcount
from typing import Any
from weakref import ref

from attrs import define, field

from yummy.hooks import blame
from yummy.hooks.calls import HookLimits, Phase, Subject
from yummy.hooks.context import running
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

_NOTHING: Mapping[int, Any] = {}

type Fetch = Callable[[int, Subject, str], tuple[Any, ...] | None]


@define(eq=False)
class Call:
    """One half of a message's hooks. Calls come one after another, so one object serves for all of a hook.

    Attributes:
        phase: Which half.
        hook: The name of the function that is called.
        copier: What makes its models.
        id: The number of the call.
        success: What post hears.
        revision: The number of the revision whose hooks run.
    """

    phase: Phase
    hook: str
    copier: Copier
    id: int = 0
    success: bool | None = None
    revision: int = 0

    def crashed(self, trouble: Trouble) -> Frame:
        """The reply that says so."""
        return (CRASHED, self.id, trouble.to_plain())


def make_calls() -> dict[tuple[Phase, str], Call]:
    """A call for each hook, by its half and name."""
    phases: tuple[Phase, ...] = ("pre", "post")
    return {
        (phase, name): Call(phase, f"{phase}_{name}", copier) for phase in phases for name, copier in COPIERS.items()
    }


@define
class Runner:
    """Runs calls, one at a time.

    Attributes:
        limits: The bounds.
        texts: The scripts.
        output: Where what scripts print goes.
        deadline: What interrupts them.
        guard: Notices kept models.
        fetch: Asks the host for what a call does not carry.
        tell: Sends a trouble of a call besides the one that is its reply.
    """

    limits: HookLimits
    texts: ScriptTexts
    output: Output
    deadline: Deadline
    guard: Guard
    fetch: Fetch
    tell: Callable[[Trouble, int], None]
    # One for all calls, since they come one after another; most look at nothing.
    _view: View = field(init=False)

    def __attrs_post_init__(self) -> None:
        self._view = View(self.limits, self._fetch_now, self._warn)

    def calibrate(self) -> None:
        """Let the guard see what a hook leaves that keeps nothing, on the way that each call takes."""
        call = Call("pre", "pre_logout", COPIERS["logout"])
        self.deadline.begin(self.limits.timeout)
        self._run_one(call, _keep_nothing, [None] * len(call.copier.fields), calibrates=True)

    def run(self, call: Call, loaded: Loaded, values: Sequence[Any], rooms: Any, users: Any) -> Frame | None:
        """Run all scripts' hooks of a call.

        Args:
            call: Which one.
            loaded: The scripts of its revision.
            values: The model's fields.
            rooms: The rooms that it carries, as bytes.
            users: The users that it carries, as bytes.

        Returns:
            The reply; None where there is no more to say than that the call has passed.
        """
        self._view.begin(rooms, users)
        self.output.begin(call)
        self.deadline.begin(self.limits.timeout)
        running.view = self._view
        reply: Frame | None = None
        changes: dict[str, Any] = {}
        try:
            for function in loaded.hooks.get(call.hook, ()):
                reply, found = self._run_one(call, function, values)
                if reply is not None:
                    break
                if found:
                    values = [found.get(place, value) for place, value in enumerate(values)]
                    if call.phase == "pre":
                        changes.update((call.copier.fields[place].name, value) for place, value in found.items())
            else:
                if changes or self._view.writes:
                    reply = (PASSED, call.id, changes, tuple(map(write_to_plain, self._view.writes)))
            if self.output.said:
                self.output.end()
        except BaseException as error:  # noqa: BLE001  # a fault of ours costs one message, not the interpreter
            reply = call.crashed(blame.own_fault(call.hook, name_of(error)))
        finally:
            running.view = None
        return reply

    def _run_one(
        self, call: Call, function: Callable[..., object], values: Sequence[Any], *, calibrates: bool = False
    ) -> tuple[Frame | None, Mapping[int, Any]]:
        """Run one script's hook. One that ``calibrates`` is known to keep nothing.

        Returns:
            The reply, if the hook ends the call; and what it set on its model.
        """
        # The only reference to this script's copy.
        model = call.copier.make(values)
        outcome, failure = self.deadline.run(_call_and_look, call, function, model, values, self.limits)
        if failure is None and not self.deadline.fired and outcome[1] is None:
            stopped, found = None, outcome[0]
        else:
            stopped, found = self._stopped(call, function, outcome, failure), _NOTHING
        del outcome, failure
        # Whatever else could hold it has been let go of by now: the failure, its traceback, what the hook returned.
        count = getrefcount(model)
        if count > self.guard.usual:
            if calibrates:
                self.guard.usual = count
                return stopped, found
            reference = ref(model)
            del model
            kept = self.guard.examine(reference, hook=call.hook, function=function)
            if kept is not None and (stopped is None or stopped[0] == FAILED):
                stopped = call.crashed(kept)
            elif kept is not None:
                self.tell(kept, call.id)
        return stopped, found

    def _stopped(
        self, call: Call, function: Callable[..., object], outcome: Any, failure: BaseException | None
    ) -> Frame:
        """The reply for a hook that did not simply return. It holds nothing of the script's frames."""
        if self.deadline.fired:
            return self._late(call, function)
        if failure is not None:
            return self._blamed(call, function, self._judge, failure)
        _, problem = outcome
        if isinstance(problem, UnfitFieldError):
            return call.crashed(blame.unfit(call.hook, function, problem, self.texts))
        return self._blamed(call, function, self._not_run, problem)

    def _blamed(
        self, call: Call, function: Callable[..., object], judge: Callable[[Call, Any, Any], Frame], what: Any
    ) -> Frame:
        """Judge something that a script has raised or returned, whose texts and properties are the script's code."""
        reply, failure = self.deadline.run(judge, call, function, what)
        if self.deadline.fired:
            return self._late(call, function)
        if failure is not None:
            return call.crashed(blame.raised(call.hook, function, failure, self.texts))
        frame: Frame = reply
        return frame

    def _judge(self, call: Call, function: Callable[..., object], failure: BaseException) -> Frame:
        if not isinstance(failure, HookFailure):
            return call.crashed(blame.raised(call.hook, function, failure, self.texts))
        # A subclass may hold anything.
        again = HookFailure(getattr(failure, "message", failure), getattr(failure, "code", ""))
        return (FAILED, call.id, again.message, again.code)

    def _not_run(self, call: Call, function: Callable[..., object], result: Any) -> Frame:
        return call.crashed(blame.not_run(call.hook, function, result, self.texts))

    def _late(self, call: Call, function: Callable[..., object]) -> Frame:
        return call.crashed(blame.late(call.hook, function, self.deadline.where, self.texts))

    def _fetch_now(self, kind: Subject, subject_id: str) -> tuple[Any, ...] | None:
        return self.fetch(self.output.speaker.id, kind, subject_id)

    def _warn(self, text: str) -> None:
        self.output.line("warning", text)


def _call_and_look(
    call: Call, function: Callable[..., object], model: Any, values: Sequence[Any], limits: HookLimits
) -> tuple[Mapping[int, Any], Any]:
    """What runs under the deadline: the hook itself, and the look at its model.

    Returns:
        What it set; and what is wrong, if anything: what it returned that says that nothing has run, or the error of
        what it left in a field. That error is never mistaken for one that the hook has raised itself.
    """
    result: Any = None
    try:
        result = function(model) if call.phase == "pre" else function(model, call.success)
        if result is not None and type(result) in blame.NOT_RUN:
            return _NOTHING, result
        try:
            return call.copier.changes(model, values, limits), None
        except UnfitFieldError as error:
            return _NOTHING, error
    finally:
        # A traceback that a script keeps holds this frame, too, and is to be blamed for its own only.
        del result, model


def _keep_nothing(_model: Any) -> None:
    pass
