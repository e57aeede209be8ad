"""Latencies without limit in a space that is bounded: a histogram of high dynamic range.

A value falls into one of 1,024 buckets of its power of two (in nanoseconds), so a bucket is never wider than a
thousandth of what it holds: the layout of HDR histograms with three significant digits. Only buckets that hold
something take space. Histograms of several seconds or processes add up without loss.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Self

from attrs import define, field

#: Binary digits that tell the buckets of one power of two apart.
_DIGITS = 10
_NANOSECONDS = 1e9


def bucket(seconds: float) -> int:
    """The number of the bucket that a time falls into; what is below 0 counts as 0."""
    nanoseconds = max(0, int(seconds * _NANOSECONDS))
    shift = max(0, nanoseconds.bit_length() - _DIGITS - 1)
    return (shift << _DIGITS) + (nanoseconds >> shift)


def bounds(number: int) -> tuple[float, float]:
    """Where a bucket begins and where it ends, in seconds."""
    shift = max(0, (number >> _DIGITS) - 1)
    first = number - (shift << _DIGITS)
    return (first << shift) / _NANOSECONDS, ((first + 1) << shift) / _NANOSECONDS


@define
class Histogram:
    """How often which time was measured.

    Attributes:
        counts: How many fell into each bucket, by its number.
        most: The longest, in seconds; exact.
        total: The sum of all, in seconds; exact.
    """

    counts: dict[int, int] = field(factory=dict)
    most: float = 0.0
    total: float = 0.0

    @classmethod
    def of(cls, times: Iterable[float]) -> Self:
        """Of these times, in seconds."""
        histogram = cls()
        for seconds in times:
            histogram.record(seconds)
        return histogram

    @classmethod
    def from_plain(cls, plain: Mapping[str, Any]) -> Self:
        """What `plain` gave.

        Raises:
            KeyError, TypeError, ValueError: It gave something else.
        """
        counts = {int(number): int(count) for number, count in plain["buckets"]}
        return cls(counts, float(plain["most"]), float(plain["total"]))

    def plain(self) -> dict[str, Any]:
        """All of it as plain data."""
        return {"most": self.most, "total": self.total, "buckets": sorted(map(list, self.counts.items()))}

    def record(self, seconds: float, count: int = 1) -> None:
        """Take a time, as often as it was measured."""
        number = bucket(seconds)
        self.counts[number] = self.counts.get(number, 0) + count
        self.total += seconds * count
        # Quicker than max().
        if seconds > self.most:  # noqa: PLR1730
            self.most = seconds

    def add(self, other: "Histogram") -> None:
        """Take all that another one holds."""
        for number, count in other.counts.items():
            self.counts[number] = self.counts.get(number, 0) + count
        self.total += other.total
        self.most = max(self.most, other.most)

    @property
    def count(self) -> int:
        """How many times there are."""
        return sum(self.counts.values())

    @property
    def mean(self) -> float:
        """Their mean, in seconds; 0 without any."""
        return self.total / self.count if self.counts else 0.0

    def percentile(self, share: float) -> float:
        """The time that this share of all does not exceed, in seconds; at most a thousandth too long.

        Args:
            share: From 0 to 1.
        """
        return next(self.percentiles([share]), 0.0)

    def percentiles(self, shares: Iterable[float]) -> Iterator[float]:
        """The same for several shares in rising order, in one go; nothing if there are no times."""
        wanted = list(shares)
        count, passed = self.count, 0
        for number in sorted(self.counts):
            passed += self.counts[number]
            while wanted and passed / count >= wanted[0]:
                wanted.pop(0)
                yield min(bounds(number)[1], self.most)
