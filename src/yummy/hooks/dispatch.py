"""The calls in flight: sent to whichever interpreter serves, and answered by it or by us.

Owns the calls that wait, in the order in which they run, and what an interpreter asks for on their behalf. A call
outlives an interpreter that was given up before it had begun: it goes, in its place, to the next one.
"""

from collections.abc import Callable
from itertools import count
from operator import attrgetter
from typing import Any

import attrs
import structlog
import trio
from attrs import define, field

from yummy.hooks import frames
from yummy.hooks.calls import (
    PASSED_QUIETLY,
    Crashed,
    Failed,
    HookCall,
    HookLimits,
    HookResult,
    HooksBusy,
    Passed,
    Subject,
)
from yummy.hooks.frames import CALL, Frame
from yummy.hooks.journal import log_script_line
from yummy.hooks.peer import Peer
from yummy.hooks.redaction import redacted, secrets_of, without
from yummy.hooks.report import Trouble
from yummy.hooks.reports import ReportBook
from yummy.hooks.serving import Serving
from yummy.hooks.statistics import Counts
from yummy.model import HOOK_MODELS

#: The error codes of a hook that ended by anything but `fail`.
HOOK_ERROR = "hook_error"
HOOK_TIMEOUT = "hook_timeout"

_log = structlog.get_logger("yummy.hooks")

_model_fields = {
    name: attrgetter(*(attribute.name for attribute in attrs.fields(model))) for name, model in HOOK_MODELS.items()
}


@define(eq=False)
class _Waiting:
    """A call in flight. Without ``done``, nobody waits for the reply any more."""

    call: HookCall
    serving: Serving
    done: Callable[[HookResult], None] | None


@define(eq=False)
class Dispatch:
    """The calls in flight.

    Attributes:
        limits: The bounds of the engine.
        reports: Where what goes wrong is told.
        counts: What is counted.
        revision_of: The name of a revision, by its number.
        peer: The interpreter that serves; None while there is none, and calls wait.
        nursery: Runs the look-ups of hooks.
        state: The latest copy of ``yummy.state``.
        refusal: Why no interpreter will serve for now, or None: calls fail at once, instead of waiting.
    """

    limits: HookLimits
    reports: ReportBook
    counts: Counts
    revision_of: Callable[[int], str]
    peer: Peer | None = None
    nursery: trio.Nursery | None = None
    state: bytes = b""
    refusal: Trouble | None = None
    _calls: dict[int, _Waiting] = field(factory=dict)
    _call_ids: "count[int]" = field(factory=lambda: count(1))

    @property
    def waiting(self) -> int:
        """How many calls wait or run."""
        return len(self._calls)

    def ask(self, call: HookCall, serving: Serving, done: Callable[[HookResult], None]) -> int | None:
        """Have all scripts' hooks of one half run that the revision has; see `Serving.ask`.

        Returns:
            The id of the call, if it waits now.
        """
        if self.refusal is not None:
            done(self._crashed(call, serving, attrs.evolve(self.refusal, hook=call.hook)))
            return None
        calls, counts = self._calls, self.counts
        waiting = len(calls)
        if waiting >= self.limits.queue:
            counts.refused += 1
            raise HooksBusy(f"{self.limits.queue} hook calls wait already (HOOK_QUEUE)")
        call_id = next(self._call_ids)
        peer = self.peer
        if peer is not None:
            self._send(peer, call_id, call, serving)
        calls[call_id] = _Waiting(call, serving, done)
        counts.calls += 1
        if waiting >= counts.most_waiting:
            counts.most_waiting = waiting + 1
        return call_id

    async def call(self, call: HookCall, serving: Serving) -> HookResult:
        """Have hooks run, and wait for their result.

        Cancelled before it is sent, nothing runs; cancelled later, the hooks run all the same and their result is
        dropped. Other calls are not touched.

        Raises:
            HooksBusy: The queue is full; nothing runs.
        """
        await trio.lowlevel.checkpoint_if_cancelled()
        if not serving.wants(call.phase, call.name):
            await trio.lowlevel.cancel_shielded_checkpoint()
            return PASSED_QUIETLY
        results: list[HookResult] = []
        come = trio.Event()

        def done(result: HookResult) -> None:
            results.append(result)
            come.set()

        call_id = self.ask(call, serving, done)
        try:
            await come.wait()
        except trio.Cancelled:
            if call_id in self._calls:
                self._calls[call_id].done = None
            raise
        return results[0]

    def serve(self, peer: Peer, known: int) -> None:
        """Let an interpreter serve from now on; what waits goes there, in order.

        Args:
            peer: The interpreter.
            known: The number of the one revision that it has loaded. Messages that began with another one fail: what
                they began with ended with the interpreter before.
        """
        self.peer = peer
        self.refusal = None
        for call_id, waiting in list(self._calls.items()):
            if waiting.serving.revision.number != known:
                self.fail(call_id, _replaced(waiting))
                continue
            try:
                self._send(peer, call_id, waiting.call, waiting.serving)
            except (TypeError, ValueError) as error:  # a fault of ours, which must cost one message only
                self.fail(call_id, Trouble("error", f"Yummy's own fault: {error}", hook=waiting.call.hook))

    def fail(self, call_id: int, trouble: Trouble) -> None:
        """Answer a call in the interpreter's stead."""
        waiting = self._calls.get(call_id)
        if waiting is not None:
            safe = redacted(trouble, secrets_of(waiting.call.model))
            self._resolve(call_id, self._crashed(waiting.call, waiting.serving, safe))

    def fail_all(self, trouble: Trouble) -> None:
        """Answer all calls, and those that come, until an interpreter serves again."""
        self.peer = None
        self.refusal = trouble
        for call_id, waiting in list(self._calls.items()):
            self.fail(call_id, attrs.evolve(trouble, hook=waiting.call.hook))

    def hook_of(self, call_id: int) -> tuple[str, Serving] | None:
        """The hook that a call in flight is for, and the revision that runs it."""
        waiting = self._calls.get(call_id)
        return None if waiting is None else (waiting.call.hook, waiting.serving)

    def take(self, frame: Frame) -> None:
        """A frame from the interpreter that serves."""
        if frame[0] == frames.QUIET:  # nearly all of them
            self._pass_quietly(frame[1])
            return
        match frame:
            case (frames.PASSED, call_id, changes, writes):
                self.counts.passed += 1
                self._resolve(call_id, Passed(changes, tuple(map(frames.write_from_plain, writes))))
            case (frames.FAILED, call_id, message, code):
                self.counts.failed += 1
                self._resolve(call_id, Failed(message, code))
            case (frames.CRASHED, call_id, trouble):
                self.fail(call_id, Trouble.from_plain(trouble))
            case (frames.FETCH, fetch_id, call_id, subject, subject_id):
                self.counts.fetches += 1
                self._fetch(fetch_id, call_id, subject, subject_id)
            case (frames.LOG, call_id, level, text, file, line, hook, number):
                self.counts.lines += 1
                text = without(text, self._secrets(call_id))
                log_script_line(level, text, file=file, line=line, hook=hook, revision=self.revision_of(number))
            case (frames.REPORT, call_id, trouble, number):
                waiting = self._calls.get(call_id)
                about = {} if waiting is None else waiting.call.about()
                found = redacted(Trouble.from_plain(trouble), self._secrets(call_id))
                self.reports.record(found, self.revision_of(number), about)
            case (frames.STATE, copy):
                self.state = copy
            case _:
                _log.error("a frame of an unknown kind", kind=frame[0])

    def _pass_quietly(self, call_ids: tuple[int, ...]) -> None:
        self.counts.passed += len(call_ids)
        for call_id in call_ids:
            done = self._calls.pop(call_id).done
            if done is not None:
                done(PASSED_QUIETLY)

    def _secrets(self, call_id: int) -> tuple[str, ...]:
        waiting = self._calls.get(call_id)
        return () if waiting is None else secrets_of(waiting.call.model)

    def _send(self, peer: Peer, call_id: int, call: HookCall, serving: Serving) -> None:
        name = call.name
        values = _model_fields[name](call.model)
        # Nearly all are packed already.
        rooms = [room.packed or frames.packed(room) for room in call.rooms]
        users = [user.packed or frames.packed(user) for user in call.users]
        frame = (CALL, call_id, call.phase, name, values, call.success, rooms, users, serving.revision.number)
        try:
            peer.ask(call_id, frame)
        except ValueError:
            peer.ask(call_id, frames.sendable(frame))

    def _resolve(self, call_id: int, result: HookResult) -> None:
        waiting = self._calls.pop(call_id)
        if waiting.done is not None:
            waiting.done(result)

    def _crashed(self, call: HookCall, serving: Serving, trouble: Trouble) -> Crashed:
        self.counts.crashed += 1
        late = trouble.kind == "timeout"
        self.counts.timeouts += late
        report = self.reports.record(trouble, str(serving.revision), call.about())
        return Crashed(HOOK_TIMEOUT if late else HOOK_ERROR, report.text if self.limits.debug else "")

    def _fetch(self, fetch_id: int, call_id: int, subject: Subject, subject_id: str) -> None:
        waiting, peer = self._calls.get(call_id), self.peer
        if peer is None:
            return
        if waiting is None or waiting.done is None or self.nursery is None:
            # Its unit of work is gone, so there is nothing that could be looked at.
            _answer(peer, fetch_id, (), "the message was given up")
        else:
            # In the engine's nursery: a hook waits for it, whatever becomes of the caller. Hooks run one at a time, so
            # there are few such tasks. Cancelled, it answers nothing: the interpreter is closed then.
            self.nursery.start_soon(_fetch_for, peer, waiting.call, fetch_id, subject, subject_id)


async def _fetch_for(peer: Peer, call: HookCall, fetch_id: int, subject: Subject, subject_id: str) -> None:
    try:
        found = await call.fetch(subject, subject_id)
    except Exception:  # noqa: BLE001  # what failed is the server's matter; the script hears that it did
        _log.exception("a hook's look-up failed", hook=call.hook, subject=subject, id=subject_id)
        _answer(peer, fetch_id, (), "the server could not read it")
    else:
        _answer(peer, fetch_id, frames.snapshot_fields(found), None)


def _answer(peer: Peer, fetch_id: int, found: tuple[Any, ...], error: str | None) -> None:
    frame = (frames.FETCHED, fetch_id, found, error)
    try:
        peer.send(frame)
    except ValueError:
        try:
            peer.send(frames.sendable(frame))
        except (TypeError, ValueError):  # a fault of ours, which must cost one message only
            _log.exception("what a hook looked up cannot be sent")
            peer.send((frames.FETCHED, fetch_id, (), "the server could not send it"))


def _replaced(waiting: _Waiting) -> Trouble:
    return Trouble(
        "error",
        f"{waiting.call.hook} was not run: its message began with scripts that ended with their interpreter",
        advice="nothing: the client may send its message again",
        hook=waiting.call.hook,
    )
