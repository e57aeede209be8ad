"""Calls each hook with sample models, by the hook engine that serves in a server, guard and deadline on.

Owns the order of the calls, what stays of one for the next, and how bad it is what went wrong: a sample knows no
game's rules, so an error that a script raises on one may be the sample's fault. What the engine itself objects to is
wrong whatever the model held.
"""

from typing import Any

import attrs
from attrs import define, field

from yummy.checking.problems import Problem, Severity
from yummy.checking.samples import FIELDS, SampleWorld, sample
from yummy.core.scripting import apply_write
from yummy.hooks.calls import Failed, HookCall, Passed, Phase, RoomSnapshot, Subject, UserSnapshot
from yummy.hooks.host import HookHost
from yummy.hooks.report import Trouble
from yummy.hooks.reports import Report
from yummy.model import Model, with_changes
from yummy.plain import PlainDataError, check_plain
from yummy.protocol.errors import Refusal
from yummy.settings import Settings

#: What is wrong whatever a message holds.
_CERTAIN = ("NameError:", "UnboundLocalError:", "ImportError:", "ModuleNotFoundError:")


@define(eq=False)
class Trial:
    """One try of all hooks.

    Attributes:
        host: The engine, with the scripts loaded.
        settings: The bounds.
        problems: What was found beside what the engine reports.
    """

    host: HookHost
    settings: Settings
    problems: list[Problem] = field(factory=list)
    _world: SampleWorld = field(init=False)

    def __attrs_post_init__(self) -> None:
        self._world = SampleWorld(self.settings)

    async def run(self) -> None:
        """Call each hook that does something: pre, and post with failure and with success."""
        for name in FIELDS:
            if self.host.exhausted.is_set():
                headline = f"the hooks from {name} on were not tried: too many interpreters had to be given up"
                self.problems.append(Problem(Severity.ERROR, Trouble("timeout", headline)))
                return
            if self.host.wants_either(name):
                await self._message(name)
            else:
                self._world.follow(name, sample(name))

    async def _message(self, name: str) -> None:
        uow = self._world.uow
        changes = await self._call(name, "pre", sample(name))
        before = uow.savepoint()
        await self._call(name, "post", self._changed(name, changes, success=False), success=False)
        uow.rollback(before)
        model = self._changed(name, changes, success=True)
        try:
            self._world.follow(name, model)
        except Refusal as refusal:
            self._note(Severity.WARNING, "unfit", f"pre_{name}", f"the server would refuse it: {refusal.error}")
        await self._call(name, "post", model, success=True)

    async def _call(self, name: str, phase: Phase, model: Model, *, success: bool | None = None) -> dict[str, Any]:
        """Run one half; gives what it set on the model."""
        if not self.host.serving.wants(phase, name):
            return {}
        about = {"sample": type(model).__name__} | ({} if success is None else {"success": success})
        room = self._world.room(getattr(model, "room_id", None) or "")
        user = self._world.user(model.user_id or "")
        call = HookCall(
            phase,
            name,
            model,
            success,
            rooms=() if room is None else (room,),
            users=() if user is None else (user,),
            fetch=self._fetch,
            about=lambda: about,
        )
        result = await self.host.call(call)
        if isinstance(result, Failed):
            text = f"refused the sample: {result.message!r} (code {result.code})"
            self._note(Severity.INFO, "refused", call.hook, text, about)
        if not isinstance(result, Passed):
            return {}
        for write in result.writes:
            try:
                apply_write(self._world.uow, write, self.settings)
            except Refusal as refusal:
                text = f"{type(write).__name__} would be dropped: {refusal.error}"
                self._note(Severity.WARNING, "unfit", call.hook, text, about)
        return result.changes

    def _changed(self, name: str, changes: dict[str, Any], *, success: bool) -> Model:
        model = sample(name, "post", success=success)
        try:
            if "message" in changes:
                check_plain(changes["message"], max_depth=self.settings.max_depth)
            return with_changes(model, changes)
        except (PlainDataError, TypeError, ValueError) as error:
            self._note(Severity.ERROR, "unfit", f"pre_{name}", f"what it set does not fit its model: {error}")
            return model

    async def _fetch(self, subject: Subject, subject_id: str) -> RoomSnapshot | UserSnapshot | None:
        return self._world.room(subject_id) if subject == "room" else self._world.user(subject_id)

    def _note(self, severity: Severity, kind: str, hook: str, text: str, about: dict[str, Any] | None = None) -> None:
        trouble = Trouble(kind, f"{hook}: {text}", self.host.serving.places.get(hook), hook=hook)
        problem = Problem(severity, trouble, about or {})
        if problem not in self.problems:
            self.problems.append(problem)


def judged(report: Report) -> Problem:
    """A report of the engine as a problem."""
    trouble = report.trouble
    raised = trouble.headline.startswith(f"{trouble.hook} failed: ")
    if trouble.kind != "error" or not raised or trouble.hook in {"on_load", "on_unload"}:
        return Problem(Severity.ERROR, trouble, report.about)
    what = trouble.headline.removeprefix(f"{trouble.hook} failed: ")
    trouble = attrs.evolve(trouble, kind="raised", advice=trouble.advice or _ADVICE)
    return Problem(Severity.ERROR if what.startswith(_CERTAIN) else Severity.WARNING, trouble, report.about)


_ADVICE = (
    "a client may send anything: look at what a message holds before you use it, and refuse with fail() what does not "
    "fit; if no client can bring this about, write a test that shows it"
)
