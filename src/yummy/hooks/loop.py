"""The life of the hook interpreter: it reads frames, runs scripts, and answers. Runs inside it, in its one thread.

Owns the order of things: calls strictly one after another, loads between them, ``yummy.state`` copied when there is
time. Only a channel that the host has closed ends the loop at once, and only the channel knows that: a script can
raise `ChannelClosed` as well.
"""

import ctypes
import gc
import os
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from itertools import count
from typing import Any

from attrs import define, field

from yummy.hooks import blame, sandbox
from yummy.hooks.calls import HookLimits, Phase, Subject
from yummy.hooks.channel import Channel, ChannelClosed
from yummy.hooks.deadline import Deadline, Whereabouts, install_sleep
from yummy.hooks.frames import (
    BROKEN,
    BYE,
    CALL,
    FETCH,
    HELLO,
    LATE,
    LOAD,
    LOADED,
    READY,
    REPORT,
    RETIRE,
    STATE,
    STEP,
    Frame,
)
from yummy.hooks.guard import Guard
from yummy.hooks.hazards import remove_hazards
from yummy.hooks.keep import StateWatch, state
from yummy.hooks.loader import BrokenScripts, Loaded, Loader
from yummy.hooks.output import Output, Step
from yummy.hooks.report import Trouble
from yummy.hooks.runner import Call, Runner, make_calls
from yummy.hooks.traces import ScriptTexts, name_of

#: Seconds between two copies of ``yummy.state``, at least.
STATE_PAUSE = 0.25


def serve(descriptor: int, begun: int) -> None:
    """Serve the host until it says that it is enough, or closes its end.

    Args:
        descriptor: A file descriptor of the far end of the socketpair; it is duplicated, and stays the caller's.
        begun: The address of 64 bits, in which the id of each call is noted when it begins. Replies wait for company,
            so without this the host would not know which call an interpreter is stuck in.
    """
    channel = Channel(socket.socket(fileno=os.dup(descriptor)))
    try:
        channel.send((READY,))
        hello = channel.next()
        if hello is not None and hello[0] == HELLO:
            state.open(hello[2])
            Loop(channel, HookLimits(**hello[1]), ctypes.c_uint64.from_address(begun)).run()
    except ChannelClosed:
        if not channel.closed:
            raise
        # Else the host has given this interpreter up, or it was never to serve: nothing more is run.
    finally:
        channel.close()


@define
class Loop:
    """What serves in one hook interpreter."""

    _channel: Channel
    _limits: HookLimits
    _begun: ctypes.c_uint64
    _texts: ScriptTexts = field(factory=ScriptTexts)
    _deadline: Deadline = field(init=False)
    _output: Output = field(init=False)
    _loader: Loader = field(init=False)
    _guard: Guard = field(init=False)
    _runner: Runner = field(init=False)
    _calls: dict[tuple[Phase, str], Call] = field(factory=make_calls)
    _served: dict[int, Loaded] = field(factory=dict)
    _watch: StateWatch = field(factory=lambda: StateWatch(STATE_PAUSE))
    _fetch_ids: "count[int]" = field(factory=lambda: count(1))
    _revision: int = 0
    _coming: int = 0
    _left_out: set[str] = field(factory=set)

    def __attrs_post_init__(self) -> None:
        limits = self._limits
        self._deadline = Deadline(self._send_replies, self._notice_late)
        self._output = Output(self._send_aside, self._texts, limits.log_line_bytes, limits.log_lines)
        self._loader = Loader(self._texts, self._step, self._deadline.run)
        self._guard = Guard(self._texts)
        self._runner = Runner(limits, self._texts, self._output, self._deadline, self._guard, self._fetch, self._tell)

    def run(self) -> None:
        """Serve until the host says that it is enough; then scripts hear ``on_unload``.

        Raises:
            ChannelClosed: The host has closed its end instead; nothing more was run.
        """
        self._output.take_streams()
        install_sleep()
        remove_hazards()
        self._deadline.start(min(self._limits.timeout, self._limits.load_timeout))
        try:
            self._runner.calibrate()
            self._serve_all()
        finally:
            self._deadline.close()

    def _serve_all(self) -> None:
        channel, watch = self._channel, self._watch
        arrived = channel.arrived
        while True:
            frame = arrived.popleft() if arrived else channel.next(watch.wait(time.monotonic()))
            if frame is not None and frame[0] == CALL:
                if watch.ran(self._call(frame)):
                    self._copy_state()
                continue
            if frame is not None:
                if frame[0] == BYE:
                    break
                self._serve(frame)
            if watch.is_due(time.monotonic()):
                self._copy_state()
        self._run_round(self._loader.unload())
        self._watch.hurry()
        self._copy_state()
        self._channel.flush()

    def _send_replies(self) -> None:
        """What is running takes its time: the replies before it shall not wait for it."""
        with suppress(ChannelClosed):
            self._channel.flush()

    def _notice_late(self, where: Whereabouts) -> None:
        """What runs has passed its deadline: the host shall know where, should nothing more be heard from here."""
        path = blame.script_path(where, self._texts)
        with suppress(ChannelClosed):
            self._channel.send((LATE, path[-1].to_plain() if path else None))

    def _serve(self, frame: Frame) -> None:
        if frame[0] == LOAD:
            self._load(frame)
            self._watch.ran(time.monotonic())
        elif frame[0] == RETIRE:
            self._served.pop(frame[1], None)
        # Else it is the answer to a fetch that was given up.

    def _call(self, frame: Frame) -> float:
        """Run a call, and reply; gives the time at which it ended."""
        _, call_id, phase, name, values, success, rooms, users, revision = frame
        call = self._calls[phase, name]
        call.id, call.success, call.revision = call_id, success, revision
        self._begun.value = call_id
        loaded = self._served.get(revision)
        if loaded is self._loader.loaded:
            reply = self._runner.run(call, loaded, values, rooms, users)
        elif loaded is None:
            reply = call.crashed(blame.gone(call.hook, revision))
        else:
            # A message that began before the last load ends with what it began with.
            self._loader.enter(loaded)
            reply = self._runner.run(call, loaded, values, rooms, users)
            self._loader.enter(self._loader.loaded)
        now = time.monotonic()
        if reply is None:
            self._channel.passed(call_id, now)
        else:
            try:
                self._channel.reply(reply, now)
            except ValueError as error:
                self._channel.reply(call.crashed(blame.own_fault(call.hook, str(error))), now)
        if now >= self._deadline.due:
            # The host may have given this interpreter up: then the calls that wait here run in another one already.
            self._channel.flush()
        return now

    def _load(self, frame: Frame) -> None:
        _, revision, folder, files = frame
        self._channel.flush()
        self._begin_step("import", revision)
        if self._limits.sandbox:
            sandbox.install(folder, self._warn)
        self._deadline.begin(self._limits.load_timeout)
        try:
            loaded = self._loader.run(self._loader.prepare(folder, files))
        except BrokenScripts as broken:
            self._refuse(revision, *broken.troubles)
            return
        except BaseException as error:  # noqa: BLE001  # a fault of this loop costs one load, not what served before
            self._refuse(revision, blame.own_fault("import", name_of(error)))
            return
        self._output.end()
        self._served[revision] = loaded
        self._run_round(self._loader.swap(loaded))
        self._revision = revision
        self._guard.settle()
        notices = tuple((notice.file, notice.line, notice.text, notice.kind) for notice in loaded.notices)
        hooks = tuple((hook, self._defined(functions[0])) for hook, functions in loaded.hooks.items())
        self._channel.send((LOADED, revision, hooks, notices, gc.get_freeze_count()))

    def _defined(self, function: Callable[..., object]) -> tuple[Any, ...] | None:
        place = blame.definition(function, self._texts)
        return None if place is None else place.to_plain()

    def _refuse(self, revision: int, *troubles: Trouble) -> None:
        self._output.end()
        self._channel.send((BROKEN, revision, tuple(trouble.to_plain() for trouble in troubles)))

    def _run_round(self, troubles: Iterator[Trouble]) -> None:
        self._deadline.begin(self._limits.load_timeout)
        for trouble in troubles:
            self._tell(trouble)
        self._output.end()

    def _send_aside(self, frame: Frame) -> None:
        self._deadline.aside(self._channel.send, frame)

    def _step(self, path: str, step: str) -> None:
        """Code of a script is about to be run that belongs to no call."""
        self._begin_step(step, self._revision if step == "on_unload" else self._coming)
        self._channel.send((STEP, path, step))

    def _begin_step(self, step: str, revision: int) -> None:
        self._output.begin(Step(step, revision))
        if step != "on_unload":
            self._coming = revision

    def _tell(self, trouble: Trouble, call_id: int = 0) -> None:
        self._channel.send((REPORT, call_id, trouble.to_plain(), self._output.speaker.revision))

    def _fetch(self, call_id: int, kind: Subject, subject_id: str) -> tuple[Any, ...] | None:
        fetch_id = next(self._fetch_ids)
        frame = self._deadline.aside(self._ask, (FETCH, fetch_id, call_id, kind, subject_id))
        if frame is None:
            self._deadline.expire()
        _, _, found, error = frame
        if error is not None:
            raise RuntimeError(f"{kind} {subject_id} could not be looked up: {error}")
        return found or None

    def _ask(self, question: Frame) -> Frame | None:
        self._channel.send(question)
        return self._channel.fetched(question[1], lambda: self._deadline.left)

    def _copy_state(self) -> None:
        try:
            copy = self._watch.take(state, self._limits.state_bytes, time.monotonic())
        except BaseException as error:  # noqa: BLE001  # what is kept may be of a script's own classes
            self._warn_of_state(f"yummy.state cannot be copied: {name_of(error)}")
            return
        if copy is None:
            return
        self._channel.reply((STATE, copy.data), time.monotonic())
        for key in copy.left_out:
            if key not in self._left_out:
                self._left_out.add(key)
                self._warn_of_state(
                    f"yummy.state[{key!r}] is no plain data, or too large (HOOK_STATE_BYTES): "
                    "it lasts as long as the server, but is in no copy"
                )

    def _warn_of_state(self, text: str) -> None:
        self._output.begin(Step("", self._revision))
        self._warn(text)

    def _warn(self, text: str) -> None:
        self._output.line("warning", text)
