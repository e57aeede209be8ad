"""The hook interpreter's thread: a subinterpreter with its own GIL, from its making to its end.

Owns the check that it has one, what differs between Python versions, and the one thread in this program that stands
outside any nursery. Whoever makes a `HookThread` owns it: closing the other end of its socketpair ends it, unless a
script spins; then it can only be left behind. It knows nothing of frames.
"""

import ctypes
import socket
import sys
import sysconfig
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Any, override

from yummy.hooks.confinement import Confinement, confine_thread

#: What the subinterpreter runs; the rest is `yummy.hooks.loop`.
_BOOT = """
import sys
sys.path[:] = {path!r}
from yummy.hooks.loop import serve
serve({descriptor}, {begun})
"""

type Told = Callable[[str | None], None]


def shared_gil(config: Any) -> str | None:
    """Why an interpreter would hold up the server, or None if it has a GIL of its own.

    Args:
        config: What `_interpreters.get_config` says of it, which Python reads from the interpreter as it was made.
    """
    gil = getattr(config, "gil", "unknown")
    if gil == "own":
        return None
    return (
        f"its GIL is not its own ({gil}): every loop in a hook script would hold up the whole server; "
        "use a CPython, 3.13 or later, that gives subinterpreters their own"
    )


if sys.version_info >= (3, 14):
    import _interpreters
    from concurrent import interpreters

    def run_isolated(source: str, tell: Told) -> None:
        """Run source text in a fresh interpreter with its own GIL, and take that down again.

        Args:
            source: The text.
            tell: Gets the traceback of what it raised, `SystemExit` too, or None; before the interpreter is taken
                down, which waits for threads that a script started.
        """
        interpreter = interpreters.create()
        problem = shared_gil(_interpreters.get_config(interpreter.id))
        try:
            if problem is None:
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
        problem = shared_gil(_interpreters.get_config(interpreter))
        try:
            if problem is None:
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
        confinement: What the kernel keeps it from, known before the interpreter runs; None if it is not confined.
    """

    def __init__(self, end: socket.socket, confined_to: str | None = None) -> None:
        """Prepare the thread; it does not run yet.

        Args:
            end: The interpreter's end of the socketpair; the thread closes it.
            confined_to: The scripts folder, absolute, in whose ``data/`` alone the thread may write; None confines it
                in nothing.
        """
        super().__init__(name="yummy-hooks", daemon=False)
        self._end = end
        self._confined_to = confined_to
        self.problem: str | None = None
        self.confinement: Confinement | None = None
        # Written by the interpreter, for as long as this thread lives; so it belongs to the thread.
        self._begun = ctypes.c_uint64()

    @property
    def begun(self) -> int:
        """The id of the call that began last."""
        return self._begun.value

    @override
    def run(self) -> None:
        try:
            if self._confined_to is not None:
                self.confinement = confine_thread(self._confined_to)
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
    if sysconfig.get_config_var("Py_GIL_DISABLED"):
        raise RuntimeError(
            "hook scripts need a CPython with a GIL, and this is a free-threaded build: its counts of references, by "
            "which Yummy finds models that scripts keep, are not exact"
        )
