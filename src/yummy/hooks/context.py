"""What is running inside the hook interpreter at this moment: the current call, if any.

The functions of `yummy.room` and `yummy.user` find their call here. In every other place, as in the server itself or
in an author's own tests, there is no call, and the error says so.
"""

import threading
from typing import TYPE_CHECKING

from attrs import define

if TYPE_CHECKING:
    from yummy.hooks.view import View


@define
class Running:
    """The one call; scripts run in one thread, so there is never a second.

    Attributes:
        view: What it can read and write, or None while there is none.
    """

    view: "View | None" = None


running = Running()


def current(function: str) -> "View":
    """What the running hook can read and write.

    Args:
        function: What the script called, for the error's text.

    Raises:
        RuntimeError: No hook is running, this is another thread than the hook's, or the hook has asked too often.
    """
    view = running.view
    if view is None:
        raise RuntimeError(
            f"{function}() works only while a hook runs: call it from a pre_ or post_ function, "
            "not while a file is imported, in on_load or on_unload, or outside the server"
        )
    if view.thread != threading.get_ident():
        raise RuntimeError(f"{function}() works only in the hook's own thread, not in one that a script started")
    view.admit(function)
    return view
