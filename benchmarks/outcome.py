"""What a load gave: the value that the table, the page and a comparison are made of, and its form in a file.

Knows neither how it was measured nor how it is shown.
"""

import json
import math
from collections import Counter
from pathlib import Path
from typing import Any

import cattrs
from attrs import define, field, frozen

from benchmarks.histogram import Histogram
from benchmarks.kernel import Machine
from benchmarks.record import Record

#: The percentiles that are named in tables and files.
PERCENTILES = (0.5, 0.9, 0.99, 0.999, 0.9999)
#: Points over time, at most; of longer runs, each covers more time.
POINTS = 300
#: Of the form of the file.
VERSION = 1


class NoOutcome(Exception):  # noqa: N818  # a sentence for whoever named the file
    """A file is not what a load has written, or there is no room for one."""


@frozen
class Point:
    """A stretch of time.

    Attributes:
        at: When it began, in seconds from the beginning.
        seconds: How long it was.
        rate: Answers a second.
        failed: Requests that were refused, and connections that were lost.
        p50: The median latency, in seconds; 0 if nothing was answered.
        p99: The 99th percentile.
        most: The longest latency.
    """

    at: float
    seconds: float
    rate: float
    failed: int
    p50: float
    p99: float
    most: float


@frozen
class ServerUse:
    """What the server's process used and held.

    Attributes:
        cpu: The share of a core.
        event_loop: Its event loop's part of that.
        for_each: Seconds of a core for each answer; 0 without any.
        before: Bytes of memory before players came.
        ready: Bytes when all of them were there.
        end: Bytes at the end.
    """

    cpu: float
    event_loop: float
    for_each: float
    before: int
    ready: int
    end: int


@frozen
class Outcome:
    """What a load gave.

    Attributes:
        scenario: Its name.
        made: When, as ISO 8601.
        machine: What it ran on.
        options: What was asked for.
        limits: The settings in the environment of the server; None if they are not known.
        seconds: How long was measured.
        latency: Of requests that were answered well; in an open loop, also of those that were due and never were.
        heard: How long stamped messages took to those who heard them.
        answered: Requests that were answered well within the time.
        events: How many events came to players.
        refused: How often each error code came.
        lost: How often connections were lost, by what ended them.
        overdue: Requests that were due and could not be sent.
        unanswered: Requests without an answer.
        late: The most seconds by which the generator itself sent too late.
        generator: The share of a core that each process of the generator used.
        server: What the server used, if its process is known.
        notes: What else was counted.
        points: All over time.
    """

    scenario: str
    made: str
    machine: Machine
    options: dict[str, Any]
    limits: dict[str, str] | None
    seconds: float
    latency: Histogram
    heard: Histogram
    answered: int
    events: int
    refused: dict[str, int]
    lost: dict[str, int]
    overdue: int
    unanswered: int
    late: float
    generator: list[float]
    server: ServerUse | None
    notes: dict[str, int]
    points: list[Point]

    @property
    def rate(self) -> float:
        """Requests that were answered well, a second."""
        return self.answered / self.seconds if self.seconds else 0.0

    @property
    def failed(self) -> int:
        """Requests that were refused, and connections that were lost."""
        return sum(self.refused.values()) + sum(self.lost.values())

    @property
    def connections(self) -> int:
        """How many players there were."""
        return int(self.options["connections"])

    @property
    def paced(self) -> bool:
        """Whether there were requests to be measured."""
        return bool(self.options["rate"] or self.options["closed_loop"]) if "rate" in self.options else False

    @property
    def memory_each(self) -> float | None:
        """Bytes that each player costs the server by being there; None if that is not known.

        Those who do something leave other things in its memory, too.
        """
        if self.server is None or self.paced:
            return None
        return (self.server.ready - self.server.before) / self.connections

    def write(self, path: Path) -> None:
        """Write it to a file."""
        plain = {"version": VERSION, **_converter.unstructure(self)}
        path.write_text(json.dumps(plain) + "\n", encoding="utf-8")

    @classmethod
    def read(cls, path: Path) -> "Outcome":
        """Read what `write` has written: a file, or the folder where it is called report.json.

        Raises:
            NoOutcome: The file is something else, or cannot be read.
        """
        if path.is_dir():
            path /= "report.json"
        try:
            plain = json.loads(path.read_text(encoding="utf-8"))
            if plain["version"] != VERSION:
                raise NoOutcome(f"{path} is of version {plain['version']}; this program reads version {VERSION}")
            return _converter.structure(plain, cls)
        except OSError as error:
            raise NoOutcome(f"{path} cannot be read: {error.strerror}") from None
        except (ValueError, LookupError, TypeError, cattrs.BaseValidationError):
            raise NoOutcome(f"{path} is no report.json of `python -m benchmarks run`") from None


def make_folder(path: Path) -> None:
    """Make the folder that outcomes are written to.

    Raises:
        NoOutcome: That cannot be.
    """
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise NoOutcome(f"{path} cannot be written to: {error.strerror}") from None


def told(latency: Histogram) -> list[tuple[float, float]]:
    """The percentiles that so many values tell something of, and the times, in seconds."""
    shares = [share for share in PERCENTILES if latency.count * (1 - share) > 1 - 1e-9]
    return list(zip(shares, latency.percentiles(shares), strict=True))


def _plain_histogram(histogram: Histogram) -> dict[str, Any]:
    shown = {f"{share:g}": seconds for share, seconds in told(histogram)}
    return {"count": histogram.count, "mean": histogram.mean, "percentiles": shown, **histogram.plain()}


_converter = cattrs.Converter()
_converter.register_unstructure_hook(Histogram, _plain_histogram)
_converter.register_structure_hook(Histogram, lambda plain, _: Histogram.from_plain(plain))


@define
class Timeline:
    """Takes what was measured second by second, and keeps not more points of it than can be seen.

    Attributes:
        width: Seconds of one point.
        points: Those that are complete.
    """

    width: float
    points: list[Point] = field(factory=list)
    _record: Record = field(factory=Record)
    _seconds: float = 0.0
    _at: float = 0.0

    @classmethod
    def of(cls, duration: float) -> "Timeline":
        """For a run of so many seconds."""
        return cls(max(1.0, math.ceil(duration / POINTS)))

    def add(self, seconds: float, record: Record) -> None:
        """Take what was measured in the next seconds."""
        self._record.add(record)
        self._seconds += seconds
        # Seconds are a little shorter or longer than they should be.
        if self._seconds > self.width - 0.5:
            self.close()

    def close(self) -> None:
        """End the last point, however short it is."""
        if not self._seconds:
            return
        record, latency = self._record, self._record.latency
        self.points.append(
            Point(
                at=self._at,
                seconds=self._seconds,
                rate=latency.count / self._seconds,
                failed=record.refused.total() + record.lost.total(),
                p50=latency.percentile(0.5),
                p99=latency.percentile(0.99),
                most=latency.most,
            )
        )
        self._at += self._seconds
        self._record, self._seconds = Record(), 0.0


@define
class Sum:
    """Everything that was measured, without the course of it.

    Attributes:
        record: What players did.
        seconds: How long was measured.
        answered: Requests that were answered well within that time.
        cpu: Seconds of a core that each process of the generator used.
        late: The most seconds by which the generator itself sent too late.
        overdue: Requests that were due and could not be sent.
        unanswered: Requests without an answer.
        notes: What else was counted.
    """

    cpu: list[float]
    record: Record = field(factory=Record)
    seconds: float = 0.0
    answered: int = 0
    late: float = 0.0
    overdue: int = 0
    unanswered: int = 0
    notes: Counter[str] = field(factory=Counter)
