"""One hook interpreter as the host sees it: started, loaded, timed, closed, and thrown away whole.

Owns its thread and its link, and knows what the interpreter is busy with: it answers in the order in which it was
asked, so only the first in line runs. What calls mean is the host's matter; the peer hands on every frame that is not
about the interpreter itself.
"""

import socket
import time
from collections import deque
from collections.abc import Callable

import attrs
import structlog
import trio
from attrs import define, field, frozen

from yummy.hooks import frames
from yummy.hooks.calls import HookLimits, ScriptsBroken
from yummy.hooks.frames import Frame
from yummy.hooks.interpreter import HookThread, check_python
from yummy.hooks.link import Link
from yummy.hooks.report import Notice, Place, Trouble
from yummy.hooks.revision import Sources

#: Seconds that a hook interpreter may take until it reads its socket.
START_TIMEOUT = 30.0
#: Seconds that its thread may take to end, once its socket is closed.
JOIN_TIMEOUT = 2.0

#: Stands in line for a load, where calls stand by their ids.
LOADING = 0

_REPLIES = frozenset({frames.QUIET, frames.PASSED, frames.FAILED, frames.CRASHED})

_log = structlog.get_logger("yummy.hooks")


@frozen
class LoadedScripts:
    """What an interpreter says of scripts that it has loaded.

    Attributes:
        hooks: The names of the functions that do something, and where the first of each name is defined.
        notices: What looks like a slip.
        live_objects: How many containers live in the interpreter; an estimate of what scripts hold.
    """

    hooks: dict[str, Place | None]
    notices: tuple[Notice, ...]
    live_objects: int


class LoadNotBegun(Exception):  # noqa: N818  # it says nothing of the scripts
    """The interpreter was over before it came to a load."""


@define(eq=False)
class _Loading:
    """A load in flight."""

    script: str = ""
    step: str = "import"
    answer: Frame | None = None
    done: trio.Event = field(factory=trio.Event)


@define(eq=False)
class Peer:
    """A hook interpreter.

    Attributes:
        limits: The bounds of the engine.
        folder: The scripts folder, absolute.
        handle: Gets the frames that are not about the interpreter itself.
        over: Set when nothing more is to be had from it: it has ended, or does not react.
        overdue: Whether what it runs is so late that nobody waits for it any more.
        late: Where what it runs was when its deadline passed, if that could be seen.
    """

    limits: HookLimits
    folder: str
    handle: Callable[[Frame], None]
    over: trio.Event = field(factory=trio.Event)
    overdue: bool = False
    late: Place | None = None
    _link: Link = field(init=False)
    _thread: HookThread = field(init=False)
    _ended: trio.Event = field(factory=trio.Event)
    _ready: trio.Event = field(factory=trio.Event)
    # In the order of the answers; one whose caller was cancelled is answered all the same.
    _loadings: deque[_Loading] = field(factory=deque)
    _line: deque[int] = field(factory=deque)
    _since: float = 0.0
    _asked: trio.Event = field(factory=trio.Event)
    _given_up: bool = False

    def __attrs_post_init__(self) -> None:
        check_python()
        try:
            near, far = socket.socketpair()
        except OSError as error:
            raise RuntimeError(f"the hook interpreter cannot be started: {error}") from error
        near.settimeout(0)
        self._link = Link(near)
        self._thread = HookThread(far, self.folder if self.limits.sandbox else None)

    @property
    def problem(self) -> str | None:
        """Why it has ended, if that is known."""
        return self._thread.problem

    @property
    def running(self) -> int | None:
        """The id of the call that it runs, `LOADING`, or None.

        Calls before it in the line have been run, but their replies were still with the interpreter.
        """
        if not self._line or self._line[0] == LOADING:
            return self._line[0] if self._line else None
        begun = self._thread.begun
        # Nothing has begun yet where it is 0, which in the line is `LOADING`.
        return begun if begun and begun in self._line else self._line[0]

    @property
    def alive(self) -> bool:
        """Whether its thread still runs; one that was given up may do so for as long as a script likes."""
        return self._thread.is_alive()

    async def start(self, nursery: trio.Nursery, state: bytes) -> None:
        """Start the interpreter.

        Args:
            nursery: Runs its reader, its writer and its clock, until it is closed, given up, or they are cancelled.
            state: The copy of an earlier interpreter's ``yummy.state``, or nothing.

        Raises:
            RuntimeError: It does not start, and why.
        """
        self._thread.start()
        nursery.start_soon(self._read)
        nursery.start_soon(self._link.write)
        with trio.move_on_after(START_TIMEOUT):
            await self._ready.wait()
        if self._ended.is_set() or not self._ready.is_set():
            problem = self.problem or f"it did not answer within {START_TIMEOUT:g} s"
            raise RuntimeError(f"the hook interpreter did not start: {problem}")
        held = self._thread.confinement
        if held is not None:
            _log.info("the hook thread is confined", landlock=held.landlock, seccomp=held.seccomp, reason=held.reason)
        nursery.start_soon(self._watch_clock)
        self._link.send((frames.HELLO, attrs.asdict(self.limits), state))

    def send(self, frame: Frame, *, soon: bool = False) -> None:
        """Send a frame that is no question; see `Link.send`."""
        self._link.send(frame, soon=soon)

    def ask(self, call_id: int, frame: Frame) -> None:
        """Send a call; it is timed once it is the first in line.

        Raises:
            ValueError: Something in it is no plain data; nothing was sent.
        """
        if self._line:
            self._link.send(frame, soon=True)
            self._line.append(call_id)
        else:
            self._link.send(frame)
            self._queue(call_id)

    async def load(self, number: int, sources: Sources) -> LoadedScripts:
        """Have scripts loaded, and serve.

        Args:
            number: The number of the revision that they will be.
            sources: Their texts.

        Raises:
            ScriptsBroken: They cannot be loaded; what served before serves on, unless the interpreter is `over`.
            LoadNotBegun: The interpreter is `over`, by no fault of these scripts.
        """
        loading = _Loading()
        if not self.over.is_set():
            self._link.send((frames.LOAD, number, sources.folder, sources.texts))
            self._queue(LOADING)
            self._loadings.append(loading)
            await loading.done.wait()
        match loading.answer:
            case (frames.LOADED, _, hooks, notices, live_objects):
                places = {hook: place and Place(*place) for hook, place in hooks}
                return LoadedScripts(places, tuple(Notice(*notice) for notice in notices), live_objects)
            case (frames.BROKEN, _, plain):
                raise ScriptsBroken(*(Trouble.from_plain(trouble) for trouble in plain))
            case _ if self._loadings and self._loadings[0] is loading and self.running == LOADING:
                raise ScriptsBroken(self._unfinished(loading))
            case _:
                raise LoadNotBegun

    async def close(self) -> bool:
        """End the interpreter; what was sent before runs to its end, and then ``on_unload``. Bounded in time.

        Returns:
            Whether its thread has ended. If not, a script spins in it.
        """
        if not self.over.is_set():
            self._link.send((frames.BYE,))
            self._queue(LOADING)  # what runs now is bounded as a load is
            await self.over.wait()
        self.give_up()
        return await self.join()

    async def join(self) -> bool:
        """Wait for the end of the thread of an interpreter that was given up. Bounded in time.

        Returns:
            Whether it has ended. One that is overdue is not waited for.
        """
        if self.alive and not self.overdue:
            await trio.to_thread.run_sync(self._thread.join, JOIN_TIMEOUT)
        return not self.alive

    def give_up(self) -> None:
        """Let go of the interpreter. A script that comes back later finds its channel closed, and runs no further."""
        self._given_up = True
        self._link.close()

    def _queue(self, entry: int) -> None:
        if not self._line:
            self._since = time.monotonic()
            self._asked.set()
        self._line.append(entry)

    def _answered(self, times: int = 1) -> None:
        for _ in range(times):
            self._line.popleft()
        self._since = time.monotonic()
        self.late = None

    @property
    def _left(self) -> float:
        """Seconds until the first in line is overdue."""
        limit = self.limits.load_timeout if self._line[0] == LOADING else self.limits.timeout
        return self._since + limit + self.limits.abandon_after - time.monotonic()

    async def _watch_clock(self) -> None:
        """Notice when what runs is overdue. Ends then, or when nothing more comes anyway."""
        while not self.over.is_set():
            if not self._line:
                self._asked = trio.Event()
                await self._asked.wait()
                continue
            left = self._left
            if left > 0:
                # Not through a load's time: a call may be the first in line before that is over.
                await trio.sleep(min(left, self.limits.timeout + self.limits.abandon_after))
            else:
                self.look_at_clock()

    def look_at_clock(self) -> None:
        """Give up what is overdue."""
        if self.over.is_set() or not self._line or self._left > 0:
            return
        # The server itself may have stood still: its answer may be there.
        self._drain()
        if self._line and self._left <= 0:
            self.overdue = True
            self._finish()

    async def _read(self) -> None:
        try:
            await self._link.read(self._take)
        except Exception:  # noqa: BLE001  # rubbish on the socket, from whichever script, ends this interpreter only
            self._say_rubbish()
        finally:
            self._ended.set()
            self._ready.set()
            self._finish()

    def _drain(self) -> None:
        try:
            self._link.drain(self._take)
        except Exception:  # noqa: BLE001  # as in `_read`
            self._say_rubbish()

    def _say_rubbish(self) -> None:
        _log.exception("the hook interpreter sent what is no frame")
        self._link.finish()

    def _finish(self) -> None:
        self.over.set()
        self._asked.set()
        for loading in self._loadings:
            loading.done.set()

    def _take(self, frame: Frame) -> None:
        if self._given_up:
            return
        if frame[0] in _REPLIES:
            self._answered(len(frame[1]) if frame[0] == frames.QUIET else 1)
            self.handle(frame)
            return
        match frame:
            case (frames.READY,):
                self._ready.set()
            case (frames.LATE, place):
                self.late = place and Place(*place)
            case (frames.STEP, path, step):
                self._step(path, step)
            case (frames.LOADED | frames.BROKEN, *_):
                self._answered()
                loading = self._loadings.popleft()
                loading.answer = frame
                loading.done.set()
            case _:
                self.handle(frame)

    def _step(self, path: str, step: str) -> None:
        if not self._loadings:
            return  # the interpreter is being closed
        loading = self._loadings[0]
        if step != loading.step:
            # Each round of a load has the time of one.
            self._since = time.monotonic()
        loading.script, loading.step = path, step

    def _unfinished(self, loading: _Loading) -> Trouble:
        place = self.late or (Place(loading.script) if loading.script else None)
        if not self.overdue:
            problem = f": {self.problem}" if self.problem else ""
            return Trouble("broken", f"the hook interpreter ended while it loaded the scripts{problem}", place)
        return Trouble(
            "timeout",
            f"the scripts were not loaded within {self.limits.load_timeout:g} s (HOOK_LOAD_TIMEOUT), and did not react",
            place,
            advice="do long work in another program, and do not loop or wait at import or in on_load",
            hook=loading.step,
        )
