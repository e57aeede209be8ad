"""The server's side of the hook engine: it sends calls to the hook interpreter and hands out what came of them.

Owns the calls in flight and the revision that serves. It knows no rooms' rules and no connection: what a call may
read and what becomes of its writes is the pipeline's.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import count
from operator import attrgetter
from pathlib import Path
from typing import Any

import attrs
import structlog
import trio
from attrs import define, field

from yummy.hooks import frames
from yummy.hooks.calls import (
    Crashed,
    Failed,
    HookCall,
    HookLimits,
    HookResult,
    HooksBusy,
    Passed,
    Phase,
    ScriptsBroken,
    Subject,
)
from yummy.hooks.frames import Frame
from yummy.hooks.journal import log_script_line, log_trouble
from yummy.hooks.peer import Peer
from yummy.hooks.report import Trouble, format_report
from yummy.hooks.revision import NO_SCRIPTS, Revision, Sources, read_sources
from yummy.hooks.statistics import Counts, HookStatistics
from yummy.model import HOOK_MODELS

__all__ = ["HookHost", "HookLimits", "HookStatistics", "Revision", "open_hooks"]

#: The error code of a hook that ended by anything but `fail`.
HOOK_ERROR = "hook_error"

_log = structlog.get_logger("yummy.hooks")

_model_fields = {
    name: attrgetter(*(attribute.name for attribute in attrs.fields(model))) for name, model in HOOK_MODELS.items()
}


@define(eq=False)
class _Waiting:
    """A call in flight. Without a task, its caller was cancelled and nobody waits for the reply."""

    call: HookCall
    task: trio.lowlevel.Task | None
    result: HookResult | None = None


@define(eq=False)
class HookHost:
    """The hook engine as the pipeline sees it; `open_hooks` makes it.

    Attributes:
        limits: The bounds of the engine.
        revision: The scripts that serve.
        stuck: Whether the interpreter's thread could not be ended: a script spins in it, and the process will end
            only by `os._exit`.
    """

    limits: HookLimits
    revision: Revision = NO_SCRIPTS
    stuck: bool = False
    _hooks: frozenset[tuple[str, str]] = frozenset()
    _names: frozenset[str] = frozenset()
    _peer: Peer | None = None
    _nursery: trio.Nursery | None = None
    _calls: dict[int, _Waiting] = field(factory=dict)
    _call_ids: "count[int]" = field(factory=lambda: count(1))
    _state: bytes = b""
    _counts: Counts = field(factory=Counts)

    @property
    def scripts(self) -> tuple[str, ...]:
        """The file names of the scripts that serve, in the order in which their hooks run."""
        return self.revision.files

    def wants(self, phase: Phase, name: str) -> bool:
        """Whether any script has a hook there that does something; cheap."""
        return (phase, name) in self._hooks

    def wants_either(self, name: str) -> bool:
        """Whether any script has a pre or post hook of this name that does something; cheap."""
        return name in self._names

    async def call(self, call: HookCall) -> HookResult:
        """Run all scripts' hooks of one half, after those that were called before.

        Cancelled before it is sent, nothing runs; cancelled later, the hooks run all the same and their result is
        dropped. Other calls are not touched.

        Raises:
            HooksBusy: The queue is full; nothing runs.
        """
        if not self.wants(call.phase, call.name):
            return Passed({}, ())
        await trio.lowlevel.checkpoint_if_cancelled()
        if self._peer is None or self._peer.ended.is_set():
            return self._lost(call)
        if len(self._calls) >= self.limits.queue:
            self._counts.refused += 1
            raise HooksBusy(f"{self.limits.queue} hook calls wait already (HOOK_QUEUE)")
        call_id = next(self._call_ids)
        self._send_call(self._peer, call_id, call)
        waiting = _Waiting(call, trio.lowlevel.current_task())
        self._calls[call_id] = waiting
        self._counts.calls += 1
        self._counts.most_waiting = max(self._counts.most_waiting, len(self._calls))

        def give_up(_: object) -> trio.lowlevel.Abort:
            waiting.task = None
            return trio.lowlevel.Abort.SUCCEEDED

        await trio.lowlevel.wait_task_rescheduled(give_up)
        return waiting.result or self._lost(call)

    def statistics(self) -> HookStatistics:
        """What the hook engine has done since its start."""
        return HookStatistics(
            revision=self.revision.number,
            waiting=len(self._calls),
            state_bytes=len(self._state),
            **attrs.asdict(self._counts),
        )

    async def start(self, nursery: trio.Nursery, folder: str) -> None:
        """Start an interpreter, whose tasks live in a nursery of the caller's.

        Args:
            nursery: The nursery.
            folder: The scripts folder, absolute.

        Raises:
            RuntimeError: It cannot be started, and why.
        """
        self._nursery = nursery
        self._peer = Peer(self.limits, folder, self._take)
        nursery.start_soon(self._when_ended, self._peer)
        await self._peer.start(nursery, self._state)

    async def load(self, sources: Sources) -> None:
        """Load scripts; from then on they serve.

        Raises:
            ScriptsBroken: They cannot be loaded; what served before serves on.
        """
        if self._peer is None:
            raise RuntimeError("start the interpreter first")
        number = self.revision.number + 1
        loaded = await self._peer.load(number, sources)
        self.revision = sources.revision(number)
        pairs = [hook.split("_", 1) for hook in loaded.hooks]
        self._hooks = frozenset((phase, name) for phase, name in pairs)
        self._names = frozenset(name for _, name in pairs)
        revision = str(self.revision)
        for notice in loaded.notices:
            _log.warning(notice.text, file=notice.file, line=notice.line, revision=revision)
        _log.info("scripts loaded", revision=revision, scripts=list(self.scripts), hooks=sorted(loaded.hooks))

    async def close(self) -> None:
        """End the interpreter; calls that were sent run to their end first. Bounded in time."""
        if self._peer is None:
            return
        self.stuck = not await self._peer.close()
        if self.stuck:
            _log.critical(
                "the hook thread does not end, a script still runs in it: the process has to be ended by force",
                revision=str(self.revision),
            )

    async def _when_ended(self, peer: Peer) -> None:
        """When an interpreter has ended, nobody shall wait for it any more."""
        await peer.ended.wait()
        if peer.lost:
            _log.critical("the hook interpreter has ended, messages with hooks fail", problem=peer.problem)
        calls, self._calls = self._calls, {}
        for waiting in calls.values():
            if waiting.task is not None:
                trio.lowlevel.reschedule(waiting.task)

    def _send_call(self, peer: Peer, call_id: int, call: HookCall) -> None:
        values = _model_fields[call.name](call.model)
        rooms = tuple(map(frames.room_fields, call.rooms))
        users = tuple(map(frames.user_fields, call.users))
        frame = (frames.CALL, call_id, call.phase, call.name, values, call.success, rooms, users)
        busy = bool(self._calls)
        try:
            peer.send(frame, soon=busy)
        except ValueError:
            peer.send(frames.sendable(frame), soon=busy)

    def _take(self, frame: Frame) -> None:
        match frame:
            case (frames.PASSED, call_id, changes, writes):
                self._counts.passed += 1
                self._resolve(call_id, Passed(changes, tuple(map(frames.write_from_plain, writes))))
            case (frames.FAILED, call_id, message, code):
                self._counts.failed += 1
                self._resolve(call_id, Failed(message, code))
            case (frames.CRASHED, call_id, trouble):
                self._counts.crashed += 1
                text = log_trouble(Trouble.from_plain(trouble), self.revision, self._calls[call_id].call.about)
                self._resolve(call_id, Crashed(HOOK_ERROR, text if self.limits.debug else ""))
            case (frames.FETCH, fetch_id, call_id, subject, subject_id):
                self._counts.fetches += 1
                self._fetch(fetch_id, call_id, subject, subject_id)
            case (frames.LOG, _, level, text, file, line, hook, number):
                self._counts.lines += 1
                # While scripts load, their revision has a number only.
                revision = str(self.revision if number == self.revision.number else number)
                log_script_line(level, text, file=file, line=line, hook=hook, revision=revision)
            case (frames.REPORT, trouble):
                log_trouble(Trouble.from_plain(trouble), self.revision, {})
            case (frames.STATE, copy):
                self._state = copy
            case _:
                _log.error("a frame of an unknown kind", kind=frame[0])

    def _resolve(self, call_id: int, result: HookResult) -> None:
        waiting = self._calls.pop(call_id)
        waiting.result = result
        if waiting.task is not None:
            trio.lowlevel.reschedule(waiting.task)

    def _fetch(self, fetch_id: int, call_id: int, subject: Subject, subject_id: str) -> None:
        waiting = self._calls.get(call_id)
        if waiting is None or waiting.task is None or self._nursery is None:
            # Its unit of work is gone, so there is nothing that could be looked at.
            self._answer(fetch_id, (), "the message was given up")
        else:
            # In the host's nursery: a hook waits for it, whatever becomes of the caller. Hooks run one at a time, so
            # there is one such task at most. Cancelled, it answers nothing: the interpreter is closed then.
            self._nursery.start_soon(self._fetch_for, waiting.call, fetch_id, subject, subject_id)

    async def _fetch_for(self, call: HookCall, fetch_id: int, subject: Subject, subject_id: str) -> None:
        try:
            found = await call.fetch(subject, subject_id)
        except Exception:  # noqa: BLE001  # what failed is the server's matter; the script hears that it did
            _log.exception("a hook's look-up failed", hook=call.hook, subject=subject, id=subject_id)
            self._answer(fetch_id, (), "the server could not read it")
        else:
            self._answer(fetch_id, frames.snapshot_fields(found), None)

    def _answer(self, fetch_id: int, found: tuple[Any, ...], error: str | None) -> None:
        if self._peer is None:
            return
        frame = (frames.FETCHED, fetch_id, found, error)
        try:
            self._peer.send(frame)
        except ValueError:
            self._peer.send(frames.sendable(frame))

    def _lost(self, call: HookCall) -> Crashed:
        trouble = Trouble("error", "the hook interpreter has ended", hook=call.hook, advice="restart the server")
        return Crashed(HOOK_ERROR, format_report(trouble, about=call.about) if self.limits.debug else "")


@asynccontextmanager
async def open_hooks(folder: Path | None, limits: HookLimits) -> AsyncIterator[HookHost]:
    """Load the scripts of a folder and serve calls until the block is left.

    The nursery in here owns the reader and writer of the interpreter and its look-ups. Leaving the block, also by
    cancellation, closes the interpreter first (bounded by ``load_timeout`` and `peer.JOIN_TIMEOUT`), then ends these
    tasks; a caller that still waits is answered when the interpreter ends.

    Args:
        folder: The scripts folder; None, or one that is not there, gives a host without hooks.
        limits: The bounds.

    Raises:
        ScriptsBroken: The scripts cannot be loaded.
        RuntimeError: This Python cannot run scripts beside the server.
    """
    host = HookHost(limits)
    sources = await _sources(folder)
    if sources is None or not sources.scripts:
        where = "a folder of its own (DEFAULT_PYTHON_FILES_PATH)" if folder is None else f"the folder {folder}"
        _log.info(f"no hook scripts: to have some, put .py files with functions such as pre_play(model) into {where}")
        yield host
        return
    failure: BaseException | None = None
    async with trio.open_nursery() as nursery:
        try:
            await host.start(nursery, sources.folder)
            await host.load(sources)
            yield host
        except BaseException as error:  # noqa: BLE001  # raised again below, not wrapped in a group by the nursery
            failure = error
        finally:
            with trio.CancelScope(shield=True):
                await host.close()
            nursery.cancel_scope.cancel()
    if failure is not None:
        if isinstance(failure, ScriptsBroken):
            failure.stuck = host.stuck
        try:
            raise failure
        finally:
            del failure  # it holds this frame, which holds it


async def _sources(folder: Path | None) -> Sources | None:
    if folder is None or not await trio.Path(folder).exists():
        return None
    if not await trio.Path(folder).is_dir():
        trouble = Trouble("broken", f"{folder} is no folder", advice="name the folder that the scripts are in")
        raise ScriptsBroken(format_report(trouble))
    return await trio.to_thread.run_sync(read_sources, folder)
