"""What Python offers that must not be used in the hook interpreter, whatever is permitted to scripts. Runs inside it.

These functions look at the threads of all interpreters of the process. Beside one with a GIL of its own those run
meanwhile, and so the objects that are made of them corrupt memory: the server would end without a word.
"""

import sys
from typing import NoReturn


def remove_hazards() -> None:
    """Have the dangerous functions raise `RuntimeError` instead."""
    sys._current_frames = sys._current_exceptions = _refuse  # noqa: SLF001  # they have no other names


def _refuse() -> NoReturn:
    raise RuntimeError(
        "the frames of other threads cannot be looked at here: those of the whole server are among them, and run"
    )
