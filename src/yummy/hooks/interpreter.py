"""The hook interpreter's thread: a subinterpreter with its own GIL, from its making to its end.

Owns what differs between Python versions, and the one thread in this program that stands outside any nursery. Whoever
makes a `HookThread` owns it: closing the other end of its socketpair ends it, unless a script spins; then it can only
be left behind. It knows nothing of frames.
"""

import socket
import sys
import threading
from contextlib import suppress
from typing import override

#: What the subinterpreter runs; the rest is `yummy.hooks.loop`.
_BOOT = """
import sys
sys.path[:] = {path!r}
from yummy.hooks.loop import serve
serve({descriptor})
"""

if sys.version_info >= (3, 14):
    from concurrent import interpreters

    def run_isolated(source: str) -> str | None:
        """Run source text in a fresh interpreter with its own GIL, and take that down again.

        Returns:
            The traceback of what it raised, or None.
        """
        interpreter = interpreters.create()
        try:
            interpreter.exec(source)
        except interpreters.ExecutionFailed as error:
            return str(error)
        finally:
            interpreter.close()
        return None

else:
    import _interpreters

    def run_isolated(source: str) -> str | None:
        """Run source text in a fresh interpreter with its own GIL, and take that down again.

        Returns:
            The traceback of what it raised, or None.
        """
        interpreter = _interpreters.create("isolated", reqrefs=False)
        try:
            error = _interpreters.exec(interpreter, source, restrict=False)
        finally:
            _interpreters.destroy(interpreter)
        if error is None:
            return None
        return str(getattr(error, "errdisplay", None) or error.formatted)


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

    @override
    def run(self) -> None:
        try:
            self.problem = run_isolated(_BOOT.format(path=sys.path, descriptor=self._end.fileno()))
        except Exception as error:  # noqa: BLE001  # it ends the thread, so it is told to whoever joins it
            self.problem = f"{type(error).__name__}: {error}"
        finally:
            # The interpreter has ended, so the host may know it, whatever its own copy of the socket does.
            with suppress(OSError):  # the host was faster
                self._end.shutdown(socket.SHUT_RDWR)
            self._end.close()


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
