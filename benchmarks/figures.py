"""The arithmetic of the figures, and their layout as text. Pure."""

import math
from collections.abc import Iterable, Sequence
from statistics import median
from typing import Self

from attrs import frozen

from benchmarks.histogram import Histogram

#: Share of a core from which on the generator itself limits what it measures.
BUSY = 0.9


def percentile(ordered: Sequence[float], share: float) -> float:
    """The least value that this share of all values does not exceed.

    Args:
        ordered: The values, in rising order; at least one.
        share: Above 0, up to 1.
    """
    return ordered[min(len(ordered) - 1, math.ceil(share * len(ordered)) - 1)]


@frozen
class Latency:
    """Latencies, in seconds."""

    count: int
    p50: float
    p99: float
    most: float

    @classmethod
    def of(cls, latencies: Histogram) -> Self:
        """Of these latencies."""
        return cls(latencies.count, latencies.percentile(0.5), latencies.percentile(0.99), latencies.most)

    def __str__(self) -> str:
        return f"p50 {self.p50 * 1000:.2f} ms   p99 {self.p99 * 1000:.2f} ms   max {self.most * 1000:.2f} ms"


@frozen
class Spread:
    """What several rounds gave."""

    middle: float
    least: float
    most: float

    @classmethod
    def of(cls, values: Sequence[float]) -> Self:
        """Of these values; at least one."""
        return cls(median(values), min(values), max(values))

    @classmethod
    def of_ratios(cls, values: Sequence[float], bases: Sequence[float]) -> Self:
        """Of each round's value to the same round's base."""
        return cls.of([value / base for value, base in zip(values, bases, strict=True)])

    def text(self, digits: int = 2) -> str:
        """The middle, and how far the rounds are apart."""
        return f"{self.middle:.{digits}f} ({self.least:.{digits}f} to {self.most:.{digits}f})"


def share_text(share: float) -> str:
    """What the generator used of a core, and whether that was too much."""
    return f"{share:.0%}" + (" (it was the bottleneck)" if share > BUSY else "")


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Rows below their headings; the first column to the left, the others to the right."""
    lines = [list(head), *map(list, rows)]
    widths = [max(len(line[place]) for line in lines) for place in range(len(head))]
    return "\n".join(
        "  ".join(
            cell.rjust(width) if place else cell.ljust(width)
            for place, (cell, width) in enumerate(zip(line, widths, strict=True))
        ).rstrip()
        for line in lines
    )


def verdict(target: str, *, met: bool) -> str:
    """One line on a target."""
    return f"target       {target}: {'met' if met else 'MISSED'}"
