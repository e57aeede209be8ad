"""The hook interpreter's thread: a subinterpreter with its own GIL, from its making to its end.

Owns what differs between Python versions, and the one thread in this program that stands outside any nursery. Whoever
makes a `HookThread` owns it: closing the other end of its socketpair ends it, unless a script spins; then it can only
be left behind. It knows nothing of frames.
"""

import ctypes
import socket
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import override

#: What the subinterpreter runs; the rest is `yummy.hooks.loop`.
_BOOT = """
import sys
sys.path[:] = {path!r}
from yummy.hooks.loop import serve
serve({descriptor}, {begun})
"""

type Told = Callable[[str | None], None]

if sys.version_info >= (3, 14):
    from concurrent import interpreters

    def run_isolated(source: str, tell: Told) -> None:
        """Run source text in a fresh interpreter with its own GIL, and take that down again.

        Args:
            source: The text.
            tell: Gets the traceback of what it raised, `SystemExit` too, or None; before the interpreter is taken
                down, which waits for threads that a script started.
        """
        interpreter = interpreters.create()
        problem = None
        try:
            interpreter.exec(source)
        except interpreters.ExecutionFailed as error:
            problem = str(error)
        finally:
            tell(problem)
            interpreter.close()

else:
    import _interpreters

    def run_isolated(source: str, tell: Told) -> None:
        """Run source text in a fresh interpreter with its own GIL, and take that down again.

        Args:
            source: The text.
            tell: Gets the traceback of what it raised, `SystemExit` too, or None; before the interpreter is taken
                down, which waits for threads that a script started.
        """
        interpreter = _interpreters.create("isolated", reqrefs=False)
        problem = None
        try:
            error = _interpreters.exec(interpreter, source, restrict=False)
            if error is not None:
                problem = str(getattr(error, "errdisplay", None) or error.formatted)
        finally:
            tell(problem)
            _interpreters.destroy(interpreter)


class HookThread(threading.Thread):
    """Runs one hook interpreter, until its socket is closed from the other side.

    It is no daemon: the end of the process waits for it, or is made to happen by `os._exit` if it is stuck.

    Attributes:
        problem: Why it ended, if that was not the end of its socket.
    """

    def __init__(self, end: socket.socket) -> None:
        """Prepare the thread; it does not run yet.

        Args:
            end: The interpreter's end of the socketpair; the thread closes it.
        """
        super().__init__(name="yummy-hooks", daemon=False)
        self._end = end
        self.problem: str | None = None
        # Written by the interpreter, for as long as this thread lives; so it belongs to the thread.
        self._begun = ctypes.c_uint64()

    @property
    def begun(self) -> int:
        """The id of the call that began last."""
        return self._begun.value

    @override
    def run(self) -> None:
        try:
            begun = ctypes.addressof(self._begun)
            boot = _BOOT.format(path=sys.path, descriptor=self._end.fileno(), begun=begun)
            run_isolated(boot, self._say_farewell)
        except Exception as error:  # noqa: BLE001  # it ends the thread, so it is told to whoever joins it
            self._say_farewell(f"{type(error).__name__}: {error}")
        finally:
            with suppress(OSError):  # a script has closed descriptors that were not its own
                self._end.close()

    def _say_farewell(self, problem: str | None) -> None:
        # The reason first: whoever sees the end of the socket asks for it.
        self.problem = self.problem or problem
        with suppress(OSError):  # the host was faster
            self._end.shutdown(socket.SHUT_RDWR)


def check_python() -> None:
    """Refuse a Python that cannot run scripts beside the server.

    Raises:
        RuntimeError: Naming what is needed.
    """
    if sys.implementation.name != "cpython" or sys.version_info < (3, 13):
        raise RuntimeError(
            "hook scripts need CPython 3.13 or later, whose subinterpreters have a GIL of their own; "
            f"this is {sys.implementation.name} {sys.version.split()[0]}"
        )
