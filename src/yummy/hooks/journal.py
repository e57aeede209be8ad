"""What the hook engine writes into the server's log.

Owns the two loggers' names and what a line carries: ``yummy.hooks`` for the engine's own reports, ``yummy.scripts``
for what scripts print and log.
"""

from collections.abc import Mapping
from typing import Any

import structlog

from yummy.hooks.report import Place, Trouble, format_report
from yummy.hooks.revision import Revision

_hooks = structlog.get_logger("yummy.hooks")
_scripts = structlog.get_logger("yummy.scripts")

#: What a line says by itself, so that a message cannot.
_OWN = frozenset({"event", "exc_info", "file", "hook", "level", "line", "logger", "revision", "timestamp"})


def log_trouble(trouble: Trouble, revision: Revision, about: Mapping[str, Any]) -> str:
    """Log a report; return its text.

    Args:
        trouble: What happened.
        revision: The scripts that it happened in.
        about: The message on whose behalf a hook ran.
    """
    text = format_report(trouble, revision=str(revision), about=about)
    place = trouble.place or Place("")
    extra = {key: value for key, value in about.items() if key not in _OWN}
    _hooks.error(text, file=place.file, line=place.line, hook=trouble.hook, revision=str(revision), **extra)
    return text


def log_script_line(level: str, text: str, **where: Any) -> None:
    """Log a line that a script printed or logged.

    Args:
        level: ``debug``, ``info``, ``warning``, ``error`` or ``critical``.
        text: The line.
        **where: File, line, hook and revision.
    """
    getattr(_scripts, level)(text, **where)
