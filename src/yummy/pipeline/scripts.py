"""The hook stages: a message's pre and post hooks, and what their outcome means for its unit of work."""

from collections.abc import Awaitable
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
from yummy.plain import PlainDataError, check_plain
from yummy.protocol.errors import ErrorCode, Refusal

_log = structlog.get_logger("yummy.pipeline")


class Hooks(Protocol):
    """The hooks of one message: those of the scripts as they were when it began."""

    def wants(self, phase: Phase, name: str) -> bool:
        """Whether any script has this hook."""

    def call(self, call: HookCall) -> Awaitable[HookResult]:
        """Run all scripts' hooks of one kind.

        Raises:
            HooksBusy: Nothing was run, since too much waits already.
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
    """

    hooks: Hooks
    store: Store
    # What was sent along with pre, and the values that it shows: post mostly sees the same.
    _shown: tuple[tuple[Any, ...], tuple[RoomSnapshot, ...], tuple[UserSnapshot, ...]] | None = None

    async def pre[M: models.Model](self, work: Work, model: M, about: dict[str, Any]) -> M:
        """Run the pre hooks.

        Returns:
            The model with what they set.

        Raises:
            HookRefusal: One of them failed.
        """
        name = HOOK_NAMES[type(model)]
        if not self.hooks.wants("pre", name):
            return model
        passed = await self._call(work, "pre", model, success=None, about=about)
        changed = self._with(work, model, passed.changes)
        self._write(work, passed)
        return changed

    async def post(self, work: Work, model: models.Model, *, success: bool, about: dict[str, Any]) -> None:
        """Run the post hooks.

        Args:
            work: The message's work.
            model: With what pre set and core made.
            success: Whether core did what was asked.
            about: What log lines say.

        Raises:
            HookRefusal: One of them failed.
        """
        if self.hooks.wants("post", HOOK_NAMES[type(model)]):
            self._write(work, await self._call(work, "post", model, success=success, about=about))

    async def _call(
        self, work: Work, phase: Phase, model: models.Model, *, success: bool | None, about: dict[str, Any]
    ) -> Passed:
        async def fetch(subject: Subject, subject_id: str) -> RoomSnapshot | UserSnapshot | None:
            return await self._fetch(work, subject, subject_id)

        rooms, users = self._about(work, model)
        call = HookCall(
            phase=phase,
            name=HOOK_NAMES[type(model)],
            model=model,
            success=success,
            rooms=rooms,
            users=users,
            fetch=fetch,
            about=about,
        )
        try:
            result = await self.hooks.call(call)
        except HooksBusy:
            raise HookRefusal(ErrorCode.BUSY) from None
        match result:
            case Passed():
                return result
            case Failed(message, code):
                raise HookRefusal(code, message)
            case Crashed(code, text):
                known = ErrorCode.HOOK_TIMEOUT if code == ErrorCode.HOOK_TIMEOUT else ErrorCode.HOOK_ERROR
                debug = work.settings.debug_hooks and text
                # A script's text may hold what no encoding can carry.
                shown = text.encode("utf-8", "backslashreplace").decode()
                raise HookRefusal(known, f"{known.text}:\n{shown}" if debug else None)

    def _about(self, work: Work, model: models.Model) -> tuple[tuple[RoomSnapshot, ...], tuple[UserSnapshot, ...]]:
        """What a hook is most likely to read: the room that the message names, who sends it, and whom it is about."""
        room_id = getattr(model, "room_id", None)
        sender = None if work.session is None else work.session.user_id
        uow = work.uow
        room = None if room_id is None else uow.room(room_id)
        members = () if room is None or len(room.members) > PREFETCH_MEMBERS_MAX else tuple(room.members)
        people = dict.fromkeys((sender, model.user_id))
        # Values never change, so the same ones look the same. Whether somebody is online shows in no account.
        seen = (
            room,
            *map(uow.account, members),
            *(value for name in people if name is not None for value in (uow.account(name), uow.sessions_of(name))),
        )
        shown = self._shown
        if shown is not None and len(seen) == len(shown[0]) and all(map(_is_same, seen, shown[0])):
            return shown[1], shown[2]
        rooms = (room_snapshot(uow, room.id),) if room is not None and members else ()
        users = (None if name is None else _shown_user(work, name) for name in people)
        self._shown = (seen, tuple(filter(None, rooms)), tuple(filter(None, users)))
        return self._shown[1], self._shown[2]

    async def _fetch(self, work: Work, subject: Subject, subject_id: str) -> RoomSnapshot | UserSnapshot | None:
        if subject == "room":
            return room_snapshot(work.uow, subject_id)
        if work.uow.account(subject_id) is None:
            try:
                work.uow.load(await self.store.load_accounts([subject_id]))
            except Refusal as refusal:
                _log.warning("user_not_read", user=subject_id, why=refusal.error)
        return _shown_user(work, subject_id)

    def _with[M: models.Model](self, work: Work, model: M, changes: dict[str, Any]) -> M:
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

    def _write(self, work: Work, passed: Passed) -> None:
        for write in passed.writes:
            try:
                apply_write(work.uow, write, work.settings)
            except Refusal as refusal:
                _log.warning("write_dropped", what=type(write).__name__, why=refusal.error)


def _is_same(one: Any, other: Any) -> bool:
    return one is other or (type(one) is tuple and one == other)


def _shown_user(work: Work, user_id: str) -> UserSnapshot | None:
    """What a script sees of a user. What it may write to is kept readable, though its user goes offline meanwhile."""
    account = work.uow.account(user_id)
    if account is not None:
        work.uow.load([account])
    return user_snapshot(work.uow, user_id)
