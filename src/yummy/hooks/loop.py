"""The life of the hook interpreter: it reads frames, runs scripts, and answers. Runs inside it, in its one thread.

Owns the order of things: calls strictly one after another, loads between them, ``yummy.state`` copied when there is
time. What a script does ends here at the latest: its code runs in the hook itself, but also where its objects are
looked at afterwards (a text, an iterator, a property), and each of these may raise anything. Only a channel that the
host has closed ends the loop, and only the channel knows that; a script can raise `ChannelClosed` as well.
"""

import os
import socket
import time
from collections.abc import Callable, Iterator
from itertools import count
from types import AsyncGeneratorType, CodeType, CoroutineType, GeneratorType
from typing import Any

from attrs import define, evolve, field

from yummy.hooks import context, sandbox
from yummy.hooks.calls import HookLimits, Subject
from yummy.hooks.channel import Channel, ChannelClosed
from yummy.hooks.copies import COPIERS, UnfitFieldError
from yummy.hooks.failure import HookFailure
from yummy.hooks.frames import (
    BROKEN,
    CALL,
    CRASHED,
    FAILED,
    FETCH,
    HELLO,
    IMPORTING,
    LOAD,
    LOADED,
    PASSED,
    READY,
    REPORT,
    STATE,
    Frame,
    write_to_plain,
)
from yummy.hooks.keep import StateWatch, state
from yummy.hooks.loader import BrokenScripts, Loader
from yummy.hooks.output import Output
from yummy.hooks.report import Place, Trouble
from yummy.hooks.traces import ScriptTexts, name_of, trouble_of
from yummy.hooks.view import View

#: Seconds between two copies of ``yummy.state``, at least.
STATE_PAUSE = 0.25

#: What a hook gives back whose code has not run, and where it keeps that code.
_NOT_RUN: dict[type, tuple[str, str]] = {
    CoroutineType: ("a coroutine", "cr_code"),
    GeneratorType: ("a generator", "gi_code"),
    AsyncGeneratorType: ("an async generator", "ag_code"),
}


def serve(descriptor: int) -> None:
    """Serve the host until it closes its end.

    Args:
        descriptor: A file descriptor of the far end of the socketpair; it is duplicated, and stays the caller's.
    """
    channel = Channel(socket.socket(fileno=os.dup(descriptor)))
    try:
        channel.send((READY,))
        hello = channel.next()
        if hello is not None and hello[0] == HELLO:
            _loop(channel, HookLimits(**hello[1]), hello[2]).run()
    except ChannelClosed:
        if not channel.closed:
            raise
        # Else it is the end, or the host has given this interpreter up: nothing more is run.
    finally:
        channel.close()


def _loop(channel: Channel, limits: HookLimits, copy: bytes) -> "Loop":
    state.open(copy)
    texts = ScriptTexts()
    output = Output(channel.send, texts, limits.log_line_bytes, limits.log_lines)
    output.take_streams()
    loader = Loader(texts, lambda path: channel.send((IMPORTING, path)))
    return Loop(channel, limits, texts, output, loader)


@define
class Loop:
    """What serves in one hook interpreter."""

    _channel: Channel
    _limits: HookLimits
    _texts: ScriptTexts
    _output: Output
    _loader: Loader
    _watch: StateWatch = field(factory=lambda: StateWatch(STATE_PAUSE))
    _fetch_ids: "count[int]" = field(factory=lambda: count(1))
    _revision: int = 0
    _left_out: set[str] = field(factory=set)

    def run(self) -> None:
        """Serve until the channel is closed; then scripts hear ``on_unload``."""
        try:
            while True:
                frame = self._channel.next(self._watch.wait(time.monotonic()))
                if frame is not None:
                    self._serve(frame)
                self._copy_state()
        except ChannelClosed:
            if not self._channel.closed:
                raise
            self._output.begin(0, "on_unload", self._revision)
            self._tell(self._loader.unload())
            self._output.end()
            self._watch.hurry()
            self._copy_state()
            self._channel.flush()

    def _serve(self, frame: Frame) -> None:
        match frame[0]:
            case kind if kind == CALL:
                self._call(frame)
            case kind if kind == LOAD:
                self._load(frame)
            case _:
                return  # the answer to a fetch that was given up
        self._watch.ran()

    def _load(self, frame: Frame) -> None:
        _, revision, folder, files = frame
        self._output.begin(0, "import", revision)
        if self._limits.sandbox:
            sandbox.install(folder, self._warn)
        served = self._texts.copy()
        try:
            loaded = self._loader.run(self._loader.prepare(folder, files))
        except BrokenScripts as broken:
            self._refuse(revision, served, *broken.troubles)
            return
        except BaseException as error:  # noqa: BLE001  # a fault of this loop costs one load, not what served before
            self._raise_if_closed()
            self._refuse(revision, served, Trouble("broken", f"Yummy's own fault: {name_of(error)}", hook="import"))
            return
        self._output.end()
        self._revision = revision
        self._output.begin(0, "on_load", revision)
        self._tell(self._loader.swap(loaded))
        self._output.end()
        notices = tuple((notice.file, notice.line, notice.text) for notice in loaded.notices)
        self._channel.send((LOADED, revision, tuple(loaded.hooks), notices))

    def _refuse(self, revision: int, served: ScriptTexts, *troubles: Trouble) -> None:
        self._texts.restore(served)
        self._output.end()
        self._channel.send((BROKEN, revision, tuple(trouble.to_plain() for trouble in troubles)))

    def _tell(self, troubles: Iterator[Trouble]) -> None:
        for trouble in troubles:
            self._channel.send((REPORT, trouble.to_plain()))

    def _call(self, frame: Frame) -> None:
        _, call_id, phase, name, values, success, rooms, users = frame
        hook = f"{phase}_{name}"
        view = View(self._limits, lambda kind, subject_id: self._fetch(call_id, kind, subject_id), self._warn)
        view.carry(rooms, users)
        self._output.begin(call_id, hook, self._revision)
        context.enter(view)
        try:
            reply = self._run_all(call_id, phase, name, list(values), success, view)
            self._output.end()
        except BaseException as error:  # noqa: BLE001  # a fault of this loop costs one message, not the server
            reply = self._crashed(call_id, Trouble("error", f"Yummy's own fault: {name_of(error)}", hook=hook))
        finally:
            context.leave()
        self._raise_if_closed()
        try:
            self._channel.reply(reply)
        except ValueError as error:
            self._channel.reply(self._crashed(call_id, Trouble("error", f"Yummy's own fault: {error}", hook=hook)))

    def _run_all(
        self, call_id: int, phase: str, name: str, values: list[Any], success: bool | None, view: View
    ) -> Frame:
        hook = f"{phase}_{name}"
        copier = COPIERS[name]
        changes: dict[str, Any] = {}
        for function in self._loader.loaded.hooks.get(hook, ()):
            # The only reference to this script's copy; what follows a run looks at it and lets it go.
            model = copier.make(values)
            stopped = self._run(call_id, hook, function, model, *(() if phase == "pre" else (success,)))
            if stopped is not None:
                return stopped
            try:
                found = copier.changes(model, values, self._limits)
            except UnfitFieldError as error:
                return self._crashed(call_id, self._unfit(hook, function, error))
            for place, value in found.items():
                values[place] = value
                changes[copier.fields[place].name] = value
        writes = tuple(write_to_plain(write) for write in view.writes)
        return (PASSED, call_id, changes if phase == "pre" else {}, writes)

    def _run(self, call_id: int, hook: str, function: Callable[..., object], *arguments: Any) -> Frame | None:
        """Run one script's hook.

        Returns:
            None if it returned; else the reply. Nothing of the script's frames is held any more.
        """
        try:
            result = function(*arguments)
            if type(result) not in _NOT_RUN:
                return None
            return self._crashed(call_id, self._not_run(hook, function, result))
        except HookFailure as failure:
            return self._failed(call_id, hook, function, failure)
        except BaseException as error:  # noqa: BLE001  # SystemExit and the like are a script's errors, too
            return self._crashed(call_id, self._blame(hook, function, error))

    def _failed(self, call_id: int, hook: str, function: Callable[..., object], failure: HookFailure) -> Frame:
        """The reply to ``fail``. A subclass may hold anything, so it is read with care."""
        try:
            again = HookFailure(getattr(failure, "message", failure), getattr(failure, "code", ""))
        except BaseException as error:  # noqa: BLE001  # properties and texts of a script's classes
            return self._crashed(call_id, self._blame(hook, function, error))
        return (FAILED, call_id, again.message, again.code)

    def _blame(self, hook: str, function: Callable[..., object], error: BaseException) -> Trouble:
        trouble = trouble_of(error, self._texts, hook=hook)
        # Called with the wrong arguments, for one: no line of the script has run.
        return trouble if trouble.place is not None else evolve(trouble, place=self._definition(function))

    def _not_run(self, hook: str, function: Callable[..., object], result: Any) -> Trouble:
        """A hook that gave back what would have to be awaited or iterated; it is closed, so that nothing warns of it.

        Raises:
            BaseException: What a generator that has begun does with being closed.
        """
        what, where = _NOT_RUN[type(result)]
        place = self._texts.definition(getattr(result, where)) or self._definition(function)
        if type(result) is not AsyncGeneratorType:
            result.close()
        return Trouble(
            "error",
            f"{hook} returned {what}: nothing of it was run",
            place,
            advice="make the hook a plain function that does its work before it returns, without await and yield",
            hook=hook,
        )

    def _raise_if_closed(self) -> None:
        """Go to the end if the host has closed its side, whatever a script made of that."""
        if self._channel.closed:
            raise ChannelClosed

    @staticmethod
    def _crashed(call_id: int, trouble: Trouble) -> Frame:
        return (CRASHED, call_id, trouble.to_plain())

    def _unfit(self, hook: str, function: Callable[..., object], error: UnfitFieldError) -> Trouble:
        return Trouble(
            "error",
            f"{hook} left something in model.{error.field} that does not belong there: {error.problem}",
            self._definition(function),
            advice=f"put only plain data of a fitting size into model.{error.field}: None, bool, int, float, str, "
            "lists, dicts",
            hook=hook,
        )

    def _definition(self, function: Callable[..., object]) -> Place | None:
        try:
            code = getattr(function, "__code__", None) or getattr(type(function).__call__, "__code__", None)
        except BaseException:  # noqa: BLE001  # an object of a script's own class may raise anything
            return None
        return self._texts.definition(code) if isinstance(code, CodeType) else None

    def _fetch(self, call_id: int, kind: Subject, subject_id: str) -> tuple[Any, ...] | None:
        fetch_id = next(self._fetch_ids)
        self._channel.send((FETCH, fetch_id, call_id, kind, subject_id))
        _, _, found, error = self._channel.fetched(fetch_id)
        if error is not None:
            raise RuntimeError(f"{kind} {subject_id} could not be looked up: {error}")
        return found or None

    def _warn(self, text: str) -> None:
        self._output.line("warning", text)

    def _copy_state(self) -> None:
        try:
            copy = self._watch.take(state, self._limits.state_bytes, time.monotonic())
        except BaseException as error:  # noqa: BLE001  # what is kept may be of a script's own classes
            self._output.begin(0, "", self._revision)
            self._warn(f"yummy.state cannot be copied: {name_of(error)}")
            return
        if copy is None:
            return
        self._channel.reply((STATE, copy.data))
        for key in copy.left_out:
            if key not in self._left_out:
                self._left_out.add(key)
                self._output.begin(0, "", self._revision)
                self._warn(
                    f"yummy.state[{key!r}] is no plain data, or too large (HOOK_STATE_BYTES): "
                    "it lasts as long as the server, but is in no copy"
                )
