"""How log lines look, and what never appears in them.

One configuration serves Yummy's own loggers (structlog) and those of its dependencies (the standard library). Lines go
to standard error. Values under names that sound like secrets are replaced, tracebacks come without local variables,
and control characters neither forge a line nor steer a terminal. Knows nothing of what is logged.
"""

import logging
import os
import re
import sys
import textwrap
from collections.abc import Mapping
from io import StringIO
from math import isfinite
from typing import IO, Any

import structlog
from structlog.tracebacks import ExceptionDictTransformer
from structlog.typing import EventDict, ExceptionRenderer, ExcInfo, Processor, WrappedLogger

from yummy.settings import KIB, LogFormat, LogLevel

#: What stands in place of a secret.
REDACTED = "[redacted]"
#: Lists and maps further inside one another than this are left out.
DEPTH_MAX = 8
#: Characters of one text in a line; the rest is left out.
TEXT_MAX = 16 * KIB
#: A text under this name may have many lines; in a console it stands below its line, like a traceback.
REPORT = "report"

_SECRET_WORDS = {
    "api",
    "apikey",
    "auth",
    "authorization",
    "bearer",
    "cookie",
    "credential",
    "credentials",
    "jwt",
    "key",
    "keys",
    "passwd",
    "password",
    "passwords",
    "pwd",
    "salt",
    "secret",
    "secrets",
    "token",
    "tokens",
}
_WORD = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])")
#: Control characters but newline and tab, and those that change the direction of writing.
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]")
#: What structlog and the standard library pass along for themselves.
_INTERNAL = frozenset({"exc_info", "stack_info", "_record", "_from_structlog"})


def configure(level: LogLevel, log_format: LogFormat, *, server_name: str = "", stream: IO[str] | None = None) -> None:
    """Set up the logs of the whole process; a second call replaces the first.

    Args:
        level: The least important lines that Yummy writes. Dependencies never say more than ``info``, since what
            they call debugging holds the bytes of messages, and so passwords.
        log_format: Lines for people or for machines.
        server_name: Stands in each line for machines.
        stream: Where to; standard error by default.
    """
    stream = sys.stderr if stream is None else stream
    number = logging.getLevelNamesMapping()[level.upper()]
    before: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        clean,
    ]
    after: list[Processor] = [structlog.stdlib.ProcessorFormatter.remove_processors_meta]
    if log_format is LogFormat.JSON:
        before.append(structlog.processors.TimeStamper(fmt="iso", utc=True))
        after += _for_machines(server_name)
    else:
        before.append(structlog.processors.TimeStamper(fmt="%H:%M:%S.%f", utc=False))
        after.append(_Console(colors=_coloured(stream)))
    handler = _Handler(stream)
    handler.setFormatter(structlog.stdlib.ProcessorFormatter(foreign_pre_chain=before, processors=after))
    root = logging.getLogger()
    for old in [old for old in root.handlers if isinstance(old, _Handler)]:
        root.removeHandler(old)
    root.addHandler(handler)
    root.setLevel(max(number, logging.INFO))
    logging.getLogger("yummy").setLevel(number)
    logging.captureWarnings(capture=True)
    structlog.configure(
        processors=[*before, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        wrapper_class=structlog.make_filtering_bound_logger(number),
        logger_factory=structlog.stdlib.LoggerFactory(),
    )


def clean(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """Make of each value something that is safe to write: bounded plain data without secrets."""
    return {name: value if name in _INTERNAL else _cleaned(name, value, DEPTH_MAX) for name, value in event.items()}


class _Handler(logging.StreamHandler[IO[str]]):
    """Yummy's own handler, to be told from those of a test runner or an embedding program."""


class _Console:
    """Lines for people; a report of several lines stands below its line."""

    def __init__(self, *, colors: bool) -> None:
        traceback: ExceptionRenderer = structlog.dev.RichTracebackFormatter(
            show_locals=False, max_frames=20, extra_lines=1
        )
        self._render = structlog.dev.ConsoleRenderer(
            colors=colors, pad_event_to=0, exception_formatter=traceback if colors else _plain_traceback
        )

    def __call__(self, logger: WrappedLogger, method: str, event: EventDict) -> str:
        """Render one line, and what stands below it."""
        event = {name: _printable(value) if isinstance(value, str) else value for name, value in event.items()}
        report = event.pop(REPORT, None)
        line = str(self._render(logger, method, event))
        return line if report is None else f"{line}\n{textwrap.indent(str(report), '    ')}"


def _for_machines(server_name: str) -> list[Processor]:
    def name_server(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
        if server_name:
            event["server"] = server_name
        return event

    return [
        name_server,
        structlog.processors.ExceptionRenderer(ExceptionDictTransformer(show_locals=False, max_frames=20)),
        structlog.processors.JSONRenderer(),
    ]


def _plain_traceback(stream: IO[str] | StringIO, exc_info: ExcInfo) -> None:
    text = StringIO()
    structlog.dev.plain_traceback(text, exc_info)
    stream.write(_CONTROL.sub(_escaped, text.getvalue()))


def _coloured(stream: IO[str]) -> bool:
    return stream.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


def _cleaned(name: str, value: Any, depth: int) -> Any:  # noqa: PLR0911  # one return for each kind of value
    if value is None or isinstance(value, bool):
        return value
    if not _SECRET_WORDS.isdisjoint(word.lower() for word in _WORD.findall(name)):
        return REDACTED
    if isinstance(value, str):
        return value if len(value) <= TEXT_MAX else f"{value[:TEXT_MAX]}... ({len(value)} characters)"
    if isinstance(value, int) or (isinstance(value, float) and isfinite(value)):
        return value
    if isinstance(value, Mapping | list | tuple | set | frozenset) and depth == 0:
        return "..."
    if isinstance(value, Mapping):
        return {str(key): _cleaned(str(key), item, depth - 1) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_cleaned("", item, depth - 1) for item in value]
    try:
        return _cleaned("", repr(value), depth)
    except Exception:  # noqa: BLE001  # a line about an object must not fail because the object does
        return f"<{type(value).__name__}>"


def _printable(text: str) -> str:
    """Escape what would steer a terminal; lines after the first are indented, so that none looks like a new one."""
    return _CONTROL.sub(_escaped, text).replace("\n", "\n    ")


def _escaped(match: re.Match[str]) -> str:
    return match[0].encode("unicode_escape").decode("ascii")
