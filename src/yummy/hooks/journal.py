"""What the hook engine writes into the server's log.

Owns the two loggers' names and what a line carries: ``yummy.hooks`` for the engine's own reports, ``yummy.scripts``
for what scripts print and log.
"""

from collections.abc import Mapping
from typing import Any

import structlog

from yummy.hooks.report import Place, Trouble

_hooks = structlog.get_logger("yummy.hooks")
_scripts = structlog.get_logger("yummy.scripts")

#: What a line says by itself, so that a message cannot.
_OWN = frozenset({"event", "exc_info", "file", "hook", "kind", "level", "line", "logger", "revision", "timestamp"})


def log_trouble(trouble: Trouble, revision: str, about: Mapping[str, Any], *, text: str) -> None:
    """Log a report.

    Args:
        trouble: What happened.
        revision: The scripts that it happened in, as text.
        about: The message on whose behalf a hook ran.
        text: The report.
    """
    extra = {key: value for key, value in about.items() if key not in _OWN}
    _hooks.error(text, **_where(trouble), revision=revision, **extra)


def log_repeated(trouble: Trouble, revision: str, times: int, seconds: float) -> None:
    """Log that a report was made more often than it was logged.

    Args:
        trouble: What happened.
        revision: The scripts that it happened in, as text.
        times: How often it was left out.
        seconds: In how long.
    """
    _hooks.error(
        f"{trouble.kind}: {times} more of the report that follows, in {seconds:.0f} s, were counted but not logged",
        **_where(trouble),
        revision=revision,
    )


def log_script_line(level: str, text: str, **where: Any) -> None:
    """Log a line that a script printed or logged.

    Args:
        level: ``debug``, ``info``, ``warning``, ``error`` or ``critical``.
        text: The line.
        **where: File, line, hook and revision.
    """
    getattr(_scripts, level)(text, **where)


def _where(trouble: Trouble) -> dict[str, Any]:
    place = trouble.place or Place("")
    return {"kind": trouble.kind, "file": place.file, "line": place.line, "hook": trouble.hook}
