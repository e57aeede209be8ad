"""The deadline of what runs in the hook interpreter: a second thread of it interrupts the first. Runs inside it.

Owns the one clock that scripts run against, and that thread. A script is interrupted by an exception that Python
raises in it at its next instruction (`PyThreadState_SetAsyncExc`). That ends loops, not one long call into C code, such
as a regular expression or a large power; whoever waits for the interpreter has to notice these from outside.

No lock is shared by the two threads, since an exception that comes out of nowhere could leave it locked for ever.
Instead each says first what it is about to do and looks then what the other says: the watchdog sets ``_looking``
before it reads ``_armed``; the script's thread clears ``_armed`` before it reads ``_looking``, and waits. Neither
writes what is the other's. So once `Deadline.pause` has returned, nothing is raised any more and the watchdog touches
nothing.
"""

import _thread
import ctypes
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING, Any, NoReturn

from attrs import define, field

from yummy.hooks.failure import HookTimeout

if TYPE_CHECKING:
    from types import FrameType

#: Seconds between two looks of the watchdog, at the most; it looks ten times within a shorter deadline.
POLL = 0.05
#: Seconds until a script that has swallowed an interrupt is interrupted again.
AGAIN = 0.2
#: Seconds that `sleep` sleeps at a time.
SLICE = 0.05
#: Calls of a stack that an interruption notes, innermost first.
STACK_DEPTH = 64

#: Where a script was: file name of its code, line, function; innermost first.
type Whereabouts = tuple[tuple[str, int, str], ...]

_raise_in = ctypes.pythonapi.PyThreadState_SetAsyncExc
_raise_in.argtypes = [ctypes.c_ulong, ctypes.py_object]
# The same function, for taking back what has not been raised yet: with a null pointer, which no Python object is.
_take_back = ctypes.PYFUNCTYPE(ctypes.c_int, ctypes.c_ulong, ctypes.c_void_p)(
    ("PyThreadState_SetAsyncExc", ctypes.pythonapi)
)

_real_sleep = time.sleep


@define(eq=False)
class Deadline:
    """The deadline of the thread that makes it.

    Attributes:
        meanwhile: Called by the watchdog now and then while a script runs, which waits in `pause` should it come there.
        noticed: Called when a script is interrupted for the first time, with where it was, in its own thread, which
            nothing interrupts meanwhile.
        fired: Whether what runs has been interrupted, whatever it made of that.
        where: Where it was then.
        due: When it is, in seconds of `time.monotonic`.
    """

    meanwhile: Callable[[], None]
    noticed: Callable[[Whereabouts], None]
    fired: bool = False
    where: Whereabouts = ()
    due: float = 0.0
    _poll: float = POLL
    _armed: float | None = None
    _looking: bool = False
    # Until then a script that was interrupted is left alone, whatever it does aside meanwhile.
    _quiet: float = 0.0
    _ended: bool = False
    _script_thread: int = field(factory=threading.get_ident)
    _interrupt: type[HookTimeout] = field(init=False)
    _watchdog: "_thread._ThreadHandle | None" = None

    def __attrs_post_init__(self) -> None:
        self._interrupt = _interrupt_of(self)

    def start(self, shortest: float) -> None:
        """Start the watchdog; it lives until `close`.

        Args:
            shortest: Seconds of the shortest deadline that there will be.
        """
        self._poll = min(POLL, shortest / 10)
        # Below `threading`, so that a script which joins all threads that it can see does not wait for this one.
        self._watchdog = _thread.start_joinable_thread(self._watch, daemon=False)

    def close(self) -> None:
        """End the watchdog, within a tenth of a second."""
        self._ended = True
        if self._watchdog is not None:
            self._watchdog.join()

    def begin(self, seconds: float) -> None:
        """Something begins that may run for so long; it is watched in `run` only."""
        self.fired = False
        self.where = ()
        self._quiet = 0.0
        self.due = time.monotonic() + seconds

    @property
    def left(self) -> float:
        """Seconds until the deadline; not below 0."""
        return max(self.due - time.monotonic(), 0.0)

    def run(self, function: Callable[..., Any], *arguments: Any) -> tuple[Any, BaseException | None]:
        """Call a function of a script, watched.

        Returns:
            What it returned, and what it raised. No frame of this method keeps hold of the arguments.
        """
        result: Any = None
        failure: BaseException | None = None
        try:
            try:
                self._armed = self.due
                result = function(*arguments)
            except BaseException as error:  # noqa: BLE001  # whatever a script raises is for the caller to judge
                failure = error
            # In the order of `pause`, which is called only if there is more to do.
            self._armed = None
            if self._looking or self.fired:
                self.pause()
        except HookTimeout as error:
            # It came when the function had returned already, or while its failure was taken down.
            if failure is None:
                failure = error
            self._pause_surely()
        try:
            return result, failure
        finally:
            # The failure's traceback holds this frame.
            del result, failure, function, arguments

    def aside[T](self, function: Callable[..., T], *arguments: Any) -> T:
        """Do something in a script's stead that must not be interrupted, such as sending a frame.

        Raises:
            HookTimeout: The deadline has passed before it was begun.
        """
        watched = self._armed is not None
        try:
            self.pause()
            return function(*arguments)
        finally:
            if watched:
                # If the deadline has passed meanwhile, the watchdog sees it at its next look, and notes the line.
                self._armed = self.due

    def expire(self) -> NoReturn:
        """Interrupt from within: the script has waited in vain for something until its deadline.

        Raises:
            HookTimeout: Always.
        """
        self.fired = True
        self.where = self.where or _whereabouts(sys._getframe(1))  # noqa: SLF001  # the line that waited
        raise HookTimeout("what the hook waited for did not come in time")

    def note(self, innermost: "FrameType") -> None:
        """The script is being interrupted, in this frame; for the exception that does it."""
        if not self.where:
            self.where = _whereabouts(innermost)
            self.aside(self.noticed, self.where)

    def pause(self) -> None:
        """Stop watching: nothing is raised in this thread after this, until `run`.

        Raises:
            HookTimeout: The deadline has passed just now.
        """
        self._armed = None
        while self._looking:
            _real_sleep(0)
        if self.fired:
            _take_back(self._script_thread, None)
            if not self.where:
                # It was never raised, so there is nothing to be cleaned up after.
                self._quiet = 0.0

    def _pause_surely(self) -> None:
        while True:
            with suppress(HookTimeout):
                self.pause()
                return

    def _watch(self) -> None:
        while not self._ended:
            _real_sleep(self._poll)
            self._looking = True
            try:
                self._look()
            finally:
                self._looking = False

    def _look(self) -> None:
        armed = self._armed
        if armed is None:
            return
        self.meanwhile()
        now = time.monotonic()
        if now < armed or now < self._quiet:
            return
        self.fired = True
        self._quiet = now + AGAIN
        _raise_in(self._script_thread, self._interrupt)


def _interrupt_of(deadline: Deadline) -> type[HookTimeout]:
    """The exception that a deadline raises. Python makes it in the interrupted thread, and so it sees the line.

    `sys._current_frames` would show it to the watchdog as well, but builds frames of all interpreters' threads, which
    run meanwhile: memory gets corrupted.
    """

    class Interrupt(HookTimeout):
        """The hook has run for longer than HOOK_TIMEOUT."""

        def __init__(self) -> None:
            super().__init__("it has run for too long")
            deadline.note(sys._getframe(1))  # noqa: SLF001  # the only way to the line that was interrupted

    Interrupt.__name__ = Interrupt.__qualname__ = HookTimeout.__name__
    Interrupt.__module__ = HookTimeout.__module__
    return Interrupt


def _whereabouts(innermost: "FrameType | None") -> Whereabouts:
    found: list[tuple[str, int, str]] = []
    frame = innermost
    while frame is not None and len(found) < STACK_DEPTH:
        found.append((frame.f_code.co_filename, frame.f_lineno or 0, frame.f_code.co_qualname))
        frame = frame.f_back
    return tuple(found)


def sleep(seconds: float, /) -> None:
    """Sleep as `time.sleep` does, but in slices, between which a script can be interrupted."""
    if isinstance(seconds, int | float):
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > SLICE:
            _real_sleep(SLICE)
        if seconds >= 0:  # else Python says what is wrong with it
            seconds = max(left, 0.0)
    _real_sleep(seconds)


def install_sleep() -> None:
    """Put `sleep` in the place of Python's own, for the scripts of this interpreter."""
    time.sleep = sleep  # type: ignore[assignment]  # what is no number goes to Python's own
