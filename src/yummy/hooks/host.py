"""The server's side of the hook engine: it sends calls to the hook interpreter and hands out what came of them.

Owns the calls in flight, the revision that serves and the interpreter's thread. It knows no rooms' rules and no
connection: what a call may read and what becomes of its writes is the pipeline's.
"""

import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import count
from operator import attrgetter
from pathlib import Path
from typing import Any

import attrs
import structlog
import trio
from attrs import define, field, frozen

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
    UserSnapshot,
)
from yummy.hooks.frames import Frame
from yummy.hooks.interpreter import HookThread, check_python
from yummy.hooks.link import Link
from yummy.hooks.report import Place, Trouble, format_report
from yummy.hooks.revision import NO_SCRIPTS, Revision, Sources, read_sources
from yummy.model import HOOK_MODELS
from yummy.plain import to_plain

__all__ = ["HookHost", "HookLimits", "HookStatistics", "Revision", "open_hooks"]

#: Seconds that a hook interpreter may take until it reads its socket.
START_TIMEOUT = 30.0
#: Seconds that its thread may take to end, once the interpreter has said its last.
JOIN_TIMEOUT = 2.0

#: The error code of a hook that ended by anything but `fail`.
HOOK_ERROR = "hook_error"

_log = structlog.get_logger("yummy.hooks")
_scripts_log = structlog.get_logger("yummy.scripts")

_model_fields = {
    name: attrgetter(*(attribute.name for attribute in attrs.fields(model))) for name, model in HOOK_MODELS.items()
}


@frozen
class HookStatistics:
    """What the hook engine has done since its start.

    Attributes:
        revision: The number of the revision that serves.
        calls: Calls that were sent to scripts.
        passed: Calls whose hooks all returned.
        failed: Calls that a script refused by ``fail``.
        crashed: Calls that ended by an error.
        refused: Calls that found the queue full.
        waiting: Calls that wait or run at this moment.
        most_waiting: The largest number of these so far.
        fetches: Times that a hook looked at what its call did not carry.
        lines: Lines that scripts printed or logged.
        state_bytes: Bytes of the latest copy of ``yummy.state``.
    """

    revision: int
    calls: int
    passed: int
    failed: int
    crashed: int
    refused: int
    waiting: int
    most_waiting: int
    fetches: int
    lines: int
    state_bytes: int


@define
class _Counts:
    calls: int = 0
    passed: int = 0
    failed: int = 0
    crashed: int = 0
    refused: int = 0
    most_waiting: int = 0
    fetches: int = 0
    lines: int = 0


@define(eq=False)
class _Waiting:
    """A call in flight. Without a task, its caller was cancelled and nobody waits for the reply."""

    call: HookCall
    task: trio.lowlevel.Task | None
    result: HookResult | None = None


@define(eq=False)
class _Loading:
    """A load in flight."""

    number: int
    script: str = ""
    answer: Frame | None = None
    done: trio.Event = field(factory=trio.Event)


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
    _link: Link | None = None
    _nursery: trio.Nursery | None = None
    _thread: HookThread | None = None
    _calls: dict[int, _Waiting] = field(factory=dict)
    _call_ids: "count[int]" = field(factory=lambda: count(1))
    _loading: _Loading | None = None
    _ready: trio.Event = field(factory=trio.Event)
    _ended: trio.Event = field(factory=trio.Event)
    _closing: bool = False
    _state: bytes = b""
    _counts: _Counts = field(factory=_Counts)

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
        if self._link is None or self._ended.is_set():
            return self._lost(call)
        if len(self._calls) >= self.limits.queue:
            self._counts.refused += 1
            raise HooksBusy(f"{self.limits.queue} hook calls wait already (HOOK_QUEUE)")
        call_id = next(self._call_ids)
        self._send_call(call_id, call)
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

    async def start(self, nursery: trio.Nursery) -> None:
        """Start an interpreter and its reader and writer, which live in a nursery of the caller's.

        Raises:
            RuntimeError: It cannot be started, and why.
        """
        check_python()
        near, far = socket.socketpair()
        near.setblocking(False)
        self._nursery = nursery
        self._link = Link(near)
        self._thread = HookThread(far)
        self._thread.start()
        nursery.start_soon(self._read)
        nursery.start_soon(self._link.write)
        with trio.move_on_after(START_TIMEOUT):
            await self._ready.wait()
        if not self._ready.is_set() or self._ended.is_set():
            problem = self._thread.problem or f"it did not answer within {START_TIMEOUT:g} s"
            raise RuntimeError(f"the hook interpreter did not start: {problem}")
        self._link.send((frames.HELLO, attrs.asdict(self.limits), self._state))

    async def load(self, sources: Sources) -> None:
        """Load scripts; from then on they serve.

        Raises:
            ScriptsBroken: They cannot be loaded; what served before serves on.
        """
        if self._link is None:
            raise RuntimeError("start the interpreter first")
        loading = _Loading(self.revision.number + 1)
        self._loading = loading
        self._link.send((frames.LOAD, loading.number, sources.folder, sources.texts))
        with trio.move_on_after(self.limits.load_timeout):
            await loading.done.wait()
        self._loading = None
        if loading.answer is None:
            raise ScriptsBroken(self._load_failure(loading))
        if loading.answer[0] == frames.BROKEN:
            troubles = [Trouble.from_plain(plain) for plain in loading.answer[2]]
            raise ScriptsBroken("\n\n".join(format_report(trouble) for trouble in troubles))
        _, _, hooks, notices = loading.answer
        self.revision = sources.revision(loading.number)
        pairs = [tuple(hook.split("_", 1)) for hook in hooks]
        self._hooks = frozenset((phase, name) for phase, name in pairs)
        self._names = frozenset(name for _, name in pairs)
        for file, line, text in notices:
            _log.warning(text, file=file, line=line, revision=str(self.revision))
        _log.info("scripts loaded", revision=str(self.revision), scripts=list(self.scripts), hooks=sorted(hooks))

    async def close(self) -> None:
        """End the interpreter; calls that were sent run to their end first. Bounded in time."""
        if self._link is None or self._thread is None:
            return
        self._closing = True
        self._link.finish()
        with trio.move_on_after(self.limits.load_timeout):
            await self._ended.wait()
        # A script that comes back after all finds its channel closed, and runs no further.
        self._link.close()
        await trio.to_thread.run_sync(self._thread.join, JOIN_TIMEOUT)
        self.stuck = self._thread.is_alive()
        if self.stuck:
            _log.critical(
                "the hook thread does not end: a script still runs in it; the process has to be ended by force",
                revision=str(self.revision),
            )

    def _send_call(self, call_id: int, call: HookCall) -> None:
        if self._link is None:
            return
        values = _model_fields[call.name](call.model)
        rooms = tuple(map(frames.room_fields, call.rooms))
        users = tuple(map(frames.user_fields, call.users))
        frame = (frames.CALL, call_id, call.phase, call.name, values, call.success, rooms, users)
        busy = bool(self._calls)
        try:
            self._link.send(frame, soon=busy)
        except ValueError:
            # Enumerations and the like, which are equal to plain data but cannot be sent.
            plain = tuple(tuple(map(_sendable, part)) if type(part) is tuple else part for part in frame)
            self._link.send(plain, soon=busy)

    async def _read(self) -> None:
        """Take what the interpreter says, until it ends; then nobody waits for it any more."""
        if self._link is None:
            return
        try:
            await self._link.read(self._take)
        finally:
            self._ended.set()
            self._ready.set()
            if self._loading is not None:
                self._loading.done.set()
            if not self._closing:
                problem = None if self._thread is None else self._thread.problem
                _log.critical("the hook interpreter has ended; messages with hooks fail", problem=problem)
            calls, self._calls = self._calls, {}
            for waiting in calls.values():
                if waiting.task is not None:
                    trio.lowlevel.reschedule(waiting.task)

    def _take(self, frame: Frame) -> None:
        kind = frame[0]
        if kind == frames.PASSED:
            _, call_id, changes, writes = frame
            self._counts.passed += 1
            self._resolve(call_id, Passed(changes, tuple(map(frames.write_from_plain, writes))))
        elif kind == frames.FAILED:
            self._counts.failed += 1
            self._resolve(frame[1], Failed(frame[2], frame[3]))
        elif kind == frames.CRASHED:
            self._counts.crashed += 1
            self._crash(frame[1], Trouble.from_plain(frame[2]))
        elif kind == frames.FETCH:
            self._fetch(*frame[1:])
        elif kind == frames.LOG:
            self._line(*frame[1:])
        else:
            self._take_rare(frame)

    def _take_rare(self, frame: Frame) -> None:
        kind = frame[0]
        if kind == frames.STATE:
            self._state = frame[1]
        elif kind == frames.READY:
            self._ready.set()
        elif kind == frames.REPORT:
            self._report(Trouble.from_plain(frame[1]), {})
        elif self._loading is not None and kind == frames.IMPORTING:
            self._loading.script = frame[1]
        elif self._loading is not None and kind in {frames.LOADED, frames.BROKEN} and frame[1] == self._loading.number:
            self._loading.answer = frame
            self._loading.done.set()

    def _resolve(self, call_id: int, result: HookResult) -> None:
        waiting = self._calls.pop(call_id)
        waiting.result = result
        if waiting.task is not None:
            trio.lowlevel.reschedule(waiting.task)

    def _crash(self, call_id: int, trouble: Trouble) -> None:
        text = self._report(trouble, self._calls[call_id].call.about)
        self._resolve(call_id, Crashed(HOOK_ERROR, text if self.limits.debug else ""))

    def _report(self, trouble: Trouble, about: dict[str, Any]) -> str:
        text = format_report(trouble, revision=str(self.revision), about=about)
        place = trouble.place or Place("")
        extra = {key: value for key, value in about.items() if key not in {"event", "file", "line", "hook", "revision"}}
        _log.error(text, file=place.file, line=place.line, hook=trouble.hook, revision=str(self.revision), **extra)
        return text

    def _line(self, call_id: int, level: str, text: str, file: str, line: int, hook: str, revision: int) -> None:
        del call_id  # for the kit that looks at the lines of one call
        self._counts.lines += 1
        # While scripts load, their revision has a number only.
        known = str(self.revision if revision == self.revision.number else revision)
        getattr(_scripts_log, level)(text, file=file, line=line, hook=hook, revision=known)

    def _fetch(self, fetch_id: int, call_id: int, subject: Subject, subject_id: str) -> None:
        self._counts.fetches += 1
        waiting = self._calls.get(call_id)
        if waiting is None or waiting.task is None or self._nursery is None:
            # Its unit of work is gone, so there is nothing that could be looked at.
            self._answer(fetch_id, (), "the message was given up")
        else:
            # In the host's nursery: a hook waits for it, whatever becomes of the caller. Hooks run one at a time, so
            # there is one such task at most.
            self._nursery.start_soon(self._fetch_for, waiting.call, fetch_id, subject, subject_id)

    async def _fetch_for(self, call: HookCall, fetch_id: int, subject: Subject, subject_id: str) -> None:
        try:
            found = await call.fetch(subject, subject_id)
        except Exception:  # noqa: BLE001  # what failed is the server's matter; the script hears that it did
            _log.exception("a hook's look-up failed", hook=call.hook, subject=subject, id=subject_id)
            self._answer(fetch_id, (), "the server could not read it")
            return
        if found is None:
            self._answer(fetch_id, (), None)
        elif isinstance(found, UserSnapshot):
            self._answer(fetch_id, frames.user_fields(found), None)
        else:
            self._answer(fetch_id, frames.room_fields(found), None)

    def _answer(self, fetch_id: int, found: tuple[Any, ...], error: str | None) -> None:
        if self._link is None:
            return
        try:
            self._link.send((frames.FETCHED, fetch_id, found, error))
        except ValueError:
            self._link.send((frames.FETCHED, fetch_id, tuple(map(_sendable, found)), error))

    def _lost(self, call: HookCall) -> Crashed:
        trouble = Trouble("error", "the hook interpreter has ended", hook=call.hook, advice="restart the server")
        return Crashed(HOOK_ERROR, self._report(trouble, call.about) if self.limits.debug else "")

    def _load_failure(self, loading: _Loading) -> str:
        place = Place(loading.script) if loading.script else None
        if self._ended.is_set():
            trouble = Trouble("broken", "the hook interpreter ended while it loaded the scripts", place)
        else:
            trouble = Trouble(
                "broken",
                f"the scripts were not loaded within {self.limits.load_timeout:g} s (HOOK_LOAD_TIMEOUT)",
                place,
                advice="do long work in another program, and no endless loop or waiting at import or in on_load",
                hook="import",
            )
        return format_report(trouble)


@asynccontextmanager
async def open_hooks(folder: Path | None, limits: HookLimits) -> AsyncIterator[HookHost]:
    """Load the scripts of a folder and serve calls until the block is left.

    The nursery in here owns the reader and writer of the interpreter and its look-ups. Leaving the block, also by
    cancellation, closes the interpreter first (bounded by ``load_timeout`` and `JOIN_TIMEOUT`), then ends these
    tasks; callers that still wait are cancelled or answered before.

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
            await host.start(nursery)
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
            del failure


async def _sources(folder: Path | None) -> Sources | None:
    if folder is None or not await trio.Path(folder).exists():
        return None
    if not await trio.Path(folder).is_dir():
        trouble = Trouble("broken", f"{folder} is no folder", advice="give the folder that the scripts are in")
        raise ScriptsBroken(format_report(trouble))
    return await trio.to_thread.run_sync(read_sources, folder)


def _sendable(value: Any) -> Any:
    """A copy of a value without enumerations and other kinds that cannot be sent."""
    if type(value) is tuple:
        return tuple(map(_sendable, value))
    if type(value) is dict:
        return {key: _sendable(item) for key, item in value.items()}
    return to_plain(value)
