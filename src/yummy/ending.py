"""The end of the process where a script holds a thread that nobody can end."""

import os
import sys
from typing import NoReturn


def exit_at_once(code: int) -> NoReturn:
    """End the process without waiting for any thread; what was said is flushed first."""
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)
