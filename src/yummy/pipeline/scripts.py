"""The hook stages: a message's pre and post hooks, and what their outcome means for its unit of work."""

from collections.abc import Callable
from functools import partial
from typing import Any, NoReturn, Protocol

import attrs
import structlog

from yummy import model as models
from yummy.core.scripting import apply_write, room_snapshot, scripted_keys, shown_room, user_snapshot
from yummy.core.work import Work
from yummy.hooks.calls import (
    Crashed,
    Failed,
    HookCall,
    HookResult,
    HooksBusy,
    Passed,
    Phase,
    RoomSnapshot,
    Subject,
    UserSnapshot,
)
from yummy.model import HOOK_NAMES, with_changes
from yummy.pipeline.commit import Store
from yummy.pipeline.steps import Steps, Waiter
from yummy.plain import PlainDataError, check_plain
from yummy.protocol.errors import ErrorCode, Refusal

_log = structlog.get_logger("yummy.pipeline")


class Hooks(Protocol):
    """The hooks of one message: those of the scripts as they were when it began."""

    def wants(self, phase: Phase, name: str) -> bool:
        """Whether any script has this hook."""

    def ask(self, call: HookCall, done: Callable[[HookResult], None]) -> None:
        """Have all scripts' hooks of one kind run.

        Args:
            call: Which ones.
            done: Gets the result, once.

        Raises:
            HooksBusy: Nothing is run, since too much waits already.
        """

    def release(self) -> None:
        """The message has ended."""


class Scripts(Protocol):
    """The scripts, as the pipeline sees them; they may be edited at any moment."""

    def wants_either(self, name: str) -> bool:
        """Whether any script has the pre or the post hook."""

    def pin(self) -> Hooks:
        """The hooks for a message that begins now; to be released when it has ended."""


class HookRefusal(Refusal):
    """A hook failed: everything that its message has staged is dropped."""


@attrs.define(eq=False)
class HookStage:
    """Runs the hooks of one message.

    Attributes:
        hooks: Its hooks.
        store: Where accounts are looked up that a script asks about.
        work: The message's work.
        about: Tells what log lines say of the message.
    """

    hooks: Hooks
    store: Store
    work: Work
    about: Callable[[], dict[str, Any]]

    def pre[M: models.Model](self, model: M) -> Steps[M]:
        """Run the pre hooks.

        Returns:
            The model with what they set.

        Raises:
            HookRefusal: One of them failed.
        """
        name = HOOK_NAMES[type(model)]
        if not self.hooks.wants("pre", name):
            return model
        result = yield partial(self._ask, "pre", name, model, None)
        passed = result if type(result) is Passed else self._refuse(result)
        changed = self._with(model, passed.changes) if passed.changes else model
        if passed.writes:
            self._write(passed)
        return changed

    def post(self, model: models.Model, *, success: bool) -> Steps[None]:
        """Run the post hooks.

        Args:
            model: With what pre set and core made.
            success: Whether core did what was asked.

        Raises:
            HookRefusal: One of them failed.
        """
        name = HOOK_NAMES[type(model)]
        if self.hooks.wants("post", name):
            result = yield partial(self._ask, "post", name, model, success)
            passed = result if type(result) is Passed else self._refuse(result)
            if passed.writes:
                self._write(passed)

    def _ask(self, phase: Phase, name: str, model: models.Model, success: bool | None, waiter: Waiter) -> None:
        """Have the hooks of one half run; `HookRefusal` if too much waits already."""
        # What a hook is most likely to read: the room that the message names, who sends it, and whom it is about.
        session, uow = self.work.session, self.work.uow
        room_id, user_id = getattr(model, "room_id", None), model.user_id
        room = None if room_id is None else shown_room(uow, room_id)
        rooms = () if room is None else (room,)
        user = None if user_id is None else user_snapshot(uow, user_id)
        users = () if user is None else (user,)
        if session is not None and session.user_id != user_id:
            sender = user_snapshot(uow, session.user_id)
            users = users if sender is None else (sender, *users)
        call = HookCall(phase, name, model, success, rooms, users, self._fetch, self.about)
        try:
            self.hooks.ask(call, waiter.resume)
        except HooksBusy:
            raise HookRefusal(ErrorCode.BUSY) from None

    def _refuse(self, result: Failed | Crashed) -> NoReturn:
        """Raise what hooks mean that did not pass, as a `HookRefusal`."""
        match result:
            case Failed(message, code):
                raise HookRefusal(code, message)
            case Crashed(code, text):
                known = ErrorCode.HOOK_TIMEOUT if code == ErrorCode.HOOK_TIMEOUT else ErrorCode.HOOK_ERROR
                debug = self.work.settings.debug_hooks and text
                # A script's text may hold what no encoding can carry.
                shown_text = text.encode("utf-8", "backslashreplace").decode()
                raise HookRefusal(known, f"{known.text}:\n{shown_text}" if debug else None)

    async def _fetch(self, subject: Subject, subject_id: str) -> RoomSnapshot | UserSnapshot | None:
        uow = self.work.uow
        if subject == "room":
            return room_snapshot(uow, subject_id)
        if uow.account(subject_id) is None:
            try:
                uow.load(await self.store.load_accounts([subject_id]))
            except Refusal as refusal:
                _log.warning("user_not_read", user=subject_id, why=refusal.error)
        return user_snapshot(uow, subject_id)

    def _with[M: models.Model](self, model: M, changes: dict[str, Any]) -> M:
        work = self.work
        try:
            if "message" in changes:
                check_plain(changes["message"], max_depth=work.settings.max_depth)
            changed = with_changes(model, changes)
        except (PlainDataError, TypeError, ValueError) as error:
            _log.error("hook_change_refused", hook=f"pre_{HOOK_NAMES[type(model)]}", problem=str(error))
            raise HookRefusal(ErrorCode.HOOK_ERROR) from None
        if "metas" in changes:
            work.scripted = scripted_keys(getattr(model, "metas", None), changes["metas"])
        return changed

    def _write(self, passed: Passed) -> None:
        for write in passed.writes:
            try:
                apply_write(self.work.uow, write, self.work.settings)
            except Refusal as refusal:
                _log.warning("write_dropped", what=type(write).__name__, why=refusal.error)
