"""What the server logs while a test runs: what scripts print, and reports of what went wrong in them.

Takes structlog over for the length of a block and puts it back; the lines go on to the standard library's logging, so
that a test runner shows them. Knows nothing of games.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import structlog
from attrs import define, field, frozen
from structlog.typing import EventDict, WrappedLogger

#: The logger of what scripts print and log, and its name.
SCRIPTS = "yummy.scripts"
#: Lines that scripts printed that a failed expectation shows.
SHOWN_LINES = 20

_SERIOUS = ("error", "critical")


@frozen
class Line:
    """A line of the server's log.

    Attributes:
        logger: Who says it: ``yummy.scripts`` for what scripts print and log, ``yummy.hooks`` for the hook engine.
        level: ``debug``, ``info``, ``warning``, ``error`` or ``critical``.
        text: What it says.
        fields: What else it says: ``file``, ``line``, ``hook``, ``user``...
    """

    logger: str
    level: str
    text: str
    fields: Mapping[str, Any]

    @property
    def hook(self) -> str:
        """The function of the script that it is about, or ""."""
        return str(self.fields.get("hook", ""))

    @property
    def is_report(self) -> bool:
        """Whether it tells that something went wrong: an error of a hook, or a fault of the server."""
        return self.level in _SERIOUS and self.logger != SCRIPTS

    def __str__(self) -> str:
        return self.text


@define(eq=False)
class Journal:
    """Everything that was logged, and which reports the test has expected.

    Attributes:
        lines: In the order in which they came.
    """

    lines: list[Line] = field(factory=list)
    _expected: int = 0
    _told: int = 0

    @property
    def printed(self) -> list[str]:
        """What scripts printed and logged."""
        return [line.text for line in self.lines if line.logger == SCRIPTS]

    @property
    def reports(self) -> list[Line]:
        """Everything that went wrong, expected or not."""
        return [line for line in self.lines if line.is_report]

    def expect_report(self, text: str) -> Line:
        """Take the first report that was not expected yet.

        Args:
            text: What must stand in it.

        Raises:
            AssertionError: There is none, or it says something else.
        """
        __tracebackhide__ = True
        waiting = self.reports[self._expected :]
        if not waiting:
            raise AssertionError(f"expected a report with {text!r}, but nothing went wrong{self.told()}")
        if text not in waiting[0].text:
            self._told = len(self.reports)
            raise AssertionError(f"expected a report with {text!r}, but the next one is:\n{waiting[0]}")
        self._expected += 1
        return waiting[0]

    def check(self, named: Callable[[str], str]) -> None:
        """End the test if something went wrong that it did not expect and was not told of.

        Args:
            named: Puts names in place of ids.

        Raises:
            AssertionError: With the reports.
        """
        __tracebackhide__ = True
        if unexpected := self.take_untold():
            texts = "\n\n".join(map(str, unexpected))
            raise AssertionError(
                f"the test did not expect this (if it should: await game.expect_report(...)):\n\n{named(texts)}"
            )

    def take_untold(self) -> list[Line]:
        """The reports that the test has neither expected nor been told of; now it is."""
        untold = self.reports[max(self._expected, self._told) :]
        self._told = len(self.reports)
        return untold

    def told(self) -> str:
        """What to add to a failure: reports that were not expected, and what was printed last."""
        reports = self.reports[self._expected :]
        self._told = len(self.reports)
        parts = [f"\nthis went wrong meanwhile:\n{_indented(report.text)}" for report in reports]
        printed = self.printed
        if printed:
            shown = "\n".join(printed[-SHOWN_LINES:])
            parts.append(f"\nwhat the scripts printed{' last' * (len(printed) > SHOWN_LINES)}:\n{_indented(shown)}")
        return "".join(parts)

    @contextmanager
    def listening(self) -> Iterator[None]:
        """Hear everything that is logged while inside."""
        configured, before = structlog.is_configured(), structlog.get_config()
        structlog.configure(
            processors=[
                structlog.contextvars.merge_contextvars,
                structlog.processors.format_exc_info,
                self._hear,
            ],
            wrapper_class=structlog.make_filtering_bound_logger(0),
            logger_factory=structlog.stdlib.LoggerFactory(),
            cache_logger_on_first_use=False,
        )
        try:
            yield
        finally:
            if configured:
                structlog.configure(**before)
            else:
                structlog.reset_defaults()

    def _hear(self, logger: WrappedLogger, method: str, event: EventDict) -> str:
        fields = {name: value for name, value in event.items() if name not in ("event", "exception", "report")}
        level = "error" if method == "exception" else method
        line = Line(logger.name, level, _text(event), fields)
        self.lines.append(line)
        # A report says it all.
        return line.text if line.is_report else " ".join([line.text, *map("{0[0]}={0[1]!r}".format, fields.items())])


def _text(event: EventDict) -> str:
    """What a line says: its report if it has one; of a fault of the server the traceback too."""
    text = str(event.get("report") or event["event"])
    return f"{text}\n{event['exception']}" if "exception" in event else text


def _indented(text: str) -> str:
    return "\n".join(f"    {line}" for line in text.splitlines())
