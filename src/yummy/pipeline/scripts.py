"""The hook stages: a message's pre and post hooks, and what their outcome means for its unit of work."""

from collections.abc import Callable
from typing import Any, Protocol

import attrs
import structlog

from yummy import model as models
from yummy.core.scripting import PREFETCH_MEMBERS_MAX, apply_write, room_snapshot, scripted_keys, user_snapshot
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
from yummy.pipeline.steps import Steps, Wait, Waiter
from yummy.pipeline.unit import UnitOfWork
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
        if not self.hooks.wants("pre", HOOK_NAMES[type(model)]):
            return model
        passed = self._passed((yield self._asking("pre", model, success=None)))
        changed = self._with(model, passed.changes)
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
        if self.hooks.wants("post", HOOK_NAMES[type(model)]):
            self._write(self._passed((yield self._asking("post", model, success=success))))

    def _asking(self, phase: Phase, model: models.Model, *, success: bool | None) -> Wait:
        """What has the hooks of one half run; `HookRefusal` if too much waits already."""
        rooms, users = self._show(model)
        name = HOOK_NAMES[type(model)]
        call = HookCall(phase, name, model, success, rooms, users, self._fetch, self.about)

        def ask(waiter: Waiter) -> None:
            try:
                self.hooks.ask(call, waiter.resume)
            except HooksBusy:
                raise HookRefusal(ErrorCode.BUSY) from None

        return ask

    def _passed(self, result: HookResult) -> Passed:
        """What hooks want done that passed.

        Raises:
            HookRefusal: They did not.
        """
        match result:
            case Passed():
                return result
            case Failed(message, code):
                raise HookRefusal(code, message)
            case Crashed(code, text):
                known = ErrorCode.HOOK_TIMEOUT if code == ErrorCode.HOOK_TIMEOUT else ErrorCode.HOOK_ERROR
                debug = self.work.settings.debug_hooks and text
                # A script's text may hold what no encoding can carry.
                shown_text = text.encode("utf-8", "backslashreplace").decode()
                raise HookRefusal(known, f"{known.text}:\n{shown_text}" if debug else None)

    def _show(self, model: models.Model) -> tuple[tuple[RoomSnapshot, ...], tuple[UserSnapshot, ...]]:
        """What a hook is most likely to read: the room that the message names, who sends it, and whom it is about."""
        work, uow = self.work, self.work.uow
        room_id = getattr(model, "room_id", None)
        room = None if room_id is None else uow.room(room_id)
        rooms = (room_snapshot(uow, room),) if room is not None and len(room.members) <= PREFETCH_MEMBERS_MAX else ()
        user_id = model.user_id
        sender_id = user_id if work.session is None else work.session.user_id
        return rooms, _shown_users(uow, (user_id,) if user_id == sender_id else (sender_id, user_id))

    async def _fetch(self, subject: Subject, subject_id: str) -> RoomSnapshot | UserSnapshot | None:
        uow = self.work.uow
        if subject == "room":
            room = uow.room(subject_id)
            return None if room is None else room_snapshot(uow, room)
        if uow.account(subject_id) is None:
            try:
                uow.load(await self.store.load_accounts([subject_id]))
            except Refusal as refusal:
                _log.warning("user_not_read", user=subject_id, why=refusal.error)
        return _shown_user(uow, subject_id)

    def _with[M: models.Model](self, model: M, changes: dict[str, Any]) -> M:
        work = self.work
        if not changes:
            return model
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


def _shown_users(uow: UnitOfWork, user_ids: tuple[str | None, ...]) -> tuple[UserSnapshot, ...]:
    users = [_shown_user(uow, user_id) for user_id in user_ids if user_id is not None]
    return tuple([user for user in users if user is not None])


def _shown_user(uow: UnitOfWork, user_id: str) -> UserSnapshot | None:
    """What a script sees of a user. What it may write to is kept readable, though its user goes offline meanwhile."""
    account = uow.account(user_id)
    if account is None:
        return None
    uow.load((account,))
    return user_snapshot(uow, account)
