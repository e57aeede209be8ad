"""One hook interpreter as the host sees it: started, loaded, closed, and thrown away whole.

Owns its thread and its link. What calls mean is the host's matter; the peer hands on every frame that is not about
the interpreter itself.
"""

import socket
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
from yummy.hooks.report import Notice, Place, Trouble, format_report
from yummy.hooks.revision import Sources

#: Seconds that a hook interpreter may take until it reads its socket.
START_TIMEOUT = 30.0
#: Seconds that its thread may take to end, once its socket is closed.
JOIN_TIMEOUT = 2.0

_log = structlog.get_logger("yummy.hooks")


@frozen
class LoadedScripts:
    """What an interpreter says of scripts that it has loaded.

    Attributes:
        hooks: The names of the functions that do something.
        notices: What looks like a slip.
    """

    hooks: tuple[str, ...]
    notices: tuple[Notice, ...]


@define(eq=False)
class _Loading:
    """A load in flight."""

    number: int
    script: str = ""
    answer: Frame | None = None
    done: trio.Event = field(factory=trio.Event)


@define(eq=False)
class Peer:
    """A hook interpreter.

    Attributes:
        limits: The bounds of the engine.
        folder: The scripts folder, absolute.
        handle: Gets the frames that are not about the interpreter itself.
        ended: Set when the interpreter says nothing any more.
    """

    limits: HookLimits
    folder: str
    handle: Callable[[Frame], None]
    ended: trio.Event = field(factory=trio.Event)
    _link: Link = field(init=False)
    _thread: HookThread = field(init=False)
    _ready: trio.Event = field(factory=trio.Event)
    _loading: _Loading | None = None
    _closing: bool = False
    _overdue: bool = False

    def __attrs_post_init__(self) -> None:
        check_python()
        near, far = socket.socketpair()
        near.settimeout(0)
        self._link = Link(near)
        self._thread = HookThread(far, self.folder if self.limits.sandbox else None)

    @property
    def lost(self) -> bool:
        """Whether it has ended, though nobody closed it."""
        return self.ended.is_set() and not self._closing

    @property
    def problem(self) -> str | None:
        """Why it has ended, if that is known."""
        return self._thread.problem

    async def start(self, nursery: trio.Nursery, state: bytes) -> None:
        """Start the interpreter.

        Args:
            nursery: Runs its reader and its writer, until it is closed or they are cancelled.
            state: The copy of an earlier interpreter's ``yummy.state``, or nothing.

        Raises:
            RuntimeError: It does not start, and why.
        """
        self._thread.start()
        nursery.start_soon(self._read)
        nursery.start_soon(self._link.write)
        with trio.move_on_after(START_TIMEOUT):
            await self._ready.wait()
        if self.ended.is_set() or not self._ready.is_set():
            problem = self.problem or f"it did not answer within {START_TIMEOUT:g} s"
            raise RuntimeError(f"the hook interpreter did not start: {problem}")
        held = self._thread.confinement
        if held is not None:
            _log.info("the hook thread is confined", landlock=held.landlock, seccomp=held.seccomp, reason=held.reason)
        self.send((frames.HELLO, attrs.asdict(self.limits), state))

    def send(self, frame: Frame, *, soon: bool = False) -> None:
        """Send a frame; see `Link.send`."""
        self._link.send(frame, soon=soon)

    async def load(self, number: int, sources: Sources) -> LoadedScripts:
        """Have scripts loaded, and serve.

        Args:
            number: The number of the revision that they will be.
            sources: Their texts.

        Raises:
            ScriptsBroken: They cannot be loaded; what served before serves on.
        """
        loading = _Loading(number)
        self._loading = loading
        try:
            self.send((frames.LOAD, number, sources.folder, sources.texts))
            with trio.move_on_after(self.limits.load_timeout):
                await loading.done.wait()
        finally:
            self._loading = None
        self._overdue = not loading.done.is_set()
        match loading.answer:
            case (frames.LOADED, _, hooks, notices):
                return LoadedScripts(hooks, tuple(Notice(*notice) for notice in notices))
            case (frames.BROKEN, _, plain):
                troubles = [Trouble.from_plain(trouble) for trouble in plain]
            case _:
                troubles = [self._unfinished(loading)]
        raise ScriptsBroken("\n\n".join(map(format_report, troubles)))

    async def close(self) -> bool:
        """End the interpreter; what was sent before runs to its end, and then ``on_unload``. Bounded in time.

        Returns:
            Whether its thread has ended. If not, a script spins in it.
        """
        self._closing = True
        self._link.finish()
        if self._thread.is_alive() and not self._overdue:
            with trio.move_on_after(self.limits.load_timeout):
                await self.ended.wait()
        # A script that comes back later finds its channel closed, and the loop runs no further.
        self._link.close()
        await trio.to_thread.run_sync(self._thread.join, JOIN_TIMEOUT)
        return not self._thread.is_alive()

    async def _read(self) -> None:
        try:
            await self._link.read(self._take)
        except Exception:  # noqa: BLE001  # rubbish on the socket, from whichever script, ends this interpreter only
            _log.exception("the hook interpreter sent what is no frame")
            self._link.finish()
        finally:
            self.ended.set()
            self._ready.set()
            if self._loading is not None:
                self._loading.done.set()

    def _take(self, frame: Frame) -> None:
        match frame:
            case (frames.READY,):
                self._ready.set()
            case (frames.IMPORTING, path):
                if self._loading is not None:
                    self._loading.script = path
            case (frames.LOADED | frames.BROKEN, number, *_):
                # One that took too long has been given up; its answer is for nobody.
                if self._loading is not None and self._loading.number == number:
                    self._loading.answer = frame
                    self._loading.done.set()
            case _:
                self.handle(frame)

    def _unfinished(self, loading: _Loading) -> Trouble:
        place = Place(loading.script) if loading.script else None
        if self.ended.is_set():
            problem = f": {self.problem}" if self.problem else ""
            return Trouble("broken", f"the hook interpreter ended while it loaded the scripts{problem}", place)
        return Trouble(
            "broken",
            f"the scripts were not loaded within {self.limits.load_timeout:g} s (HOOK_LOAD_TIMEOUT)",
            place,
            advice="do long work in another program, and do not loop or wait at import or in on_load",
            hook="import",
        )
