"""The reports that the hook engine has made: logged, counted, and kept for whoever looks later.

Owns how often a report may stand in the log, and how many are kept. A script that fails at every move would else fill
the disk with one and the same text.
"""

import time
from collections import Counter, OrderedDict
from collections.abc import Callable, Mapping
from typing import Any

from attrs import define, evolve, field, frozen

from yummy.hooks.journal import log_repeated, log_trouble
from yummy.hooks.report import Trouble, format_report

#: Reports that are kept.
KEPT = 100
#: Times within `WINDOW` that reports of one place are logged whole; the rest is counted.
LOGGED = 3
#: Seconds.
WINDOW = 10.0


@frozen
class Report:
    """One trouble, as often as it has happened.

    Attributes:
        trouble: What happened, the last time.
        revision: The scripts that it happened in, as text.
        about: The message on whose behalf the hook ran, the last time.
        time: When that was, in Unix seconds.
        count: How often, in this revision and at this place.
    """

    trouble: Trouble
    revision: str
    about: Mapping[str, Any]
    time: float
    count: int = 1

    @property
    def text(self) -> str:
        """The report as people read it."""
        return format_report(self.trouble, revision=self.revision, about=self.about)


type _Key = tuple[str, str, str, str, int]


@define
class _Window:
    """How often reports of one place were logged since a moment, and how often not."""

    since: float
    logged: int = 0
    silent: int = 0


@define
class ReportBook:
    """The reports of one hook engine.

    Attributes:
        counts: How many there were of each kind.
        logged: How many of one place are logged whole, within `WINDOW`.
        clock: Seconds of a steady clock.
        wall_clock: Unix seconds.
    """

    counts: Counter[str] = field(factory=Counter)
    logged: float = LOGGED
    clock: Callable[[], float] = time.monotonic
    wall_clock: Callable[[], float] = time.time
    _kept: OrderedDict[_Key, Report] = field(factory=OrderedDict)
    _windows: dict[_Key, _Window] = field(factory=dict)

    def record(self, trouble: Trouble, revision: str, about: Mapping[str, Any]) -> Report:
        """Keep a report, and log it unless the log has seen enough of its kind.

        Args:
            trouble: What happened.
            revision: The scripts that it happened in, as text.
            about: The message on whose behalf a hook ran; empty where there is none.
        """
        place = trouble.place
        file, line = (place.file, place.line) if place is not None else ("", 0)
        key = (trouble.kind, revision, trouble.hook, file, line)
        earlier = self._kept.pop(key, None)
        report = Report(trouble, revision, about, self.wall_clock())
        if earlier is not None:
            report = evolve(report, count=earlier.count + 1)
        self._kept[key] = report
        self.counts[trouble.kind] += 1
        self._log(key, report)
        if len(self._kept) > KEPT:
            oldest, _ = self._kept.popitem(last=False)
            self._windows.pop(oldest, None)
        return report

    @property
    def latest(self) -> tuple[Report, ...]:
        """The reports that are kept, the latest last. The same trouble at the same place is one of them."""
        return tuple(self._kept.values())

    def _log(self, key: _Key, report: Report) -> None:
        now = self.clock()
        window = self._windows.get(key)
        if window is None or now - window.since >= WINDOW:
            if window is not None and window.silent:
                log_repeated(report.trouble, report.revision, window.silent, now - window.since)
            window = self._windows[key] = _Window(now)
        if window.logged < self.logged:
            window.logged += 1
            log_trouble(report.trouble, report.revision, report.about, text=report.text)
        else:
            window.silent += 1
