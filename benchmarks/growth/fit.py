"""How a cost grows, as an exponent: 0 if it stays as it is, 1 if it doubles with what it is paid for. Pure."""

import math
from collections.abc import Sequence
from statistics import linear_regression
from typing import Self

from attrs import frozen

#: Exponents that are so close to a whole number are taken for it.
CLOSE = 0.1
#: How far above what it may be an exponent is put down to noise and caches: half as much again from one end to the
#: other of a range of hundreds is less than 0.1.
MARGIN = 0.25
#: Points that it takes to look at the upper end by itself.
_ENOUGH = 3


def exponent(sizes: Sequence[float], costs: Sequence[float]) -> float:
    """The slope of the line that fits best where both axes are logarithmic.

    Args:
        sizes: How much there is; above 0, at least two of them different.
        costs: What that costs; above 0.
    """
    slope, _ = linear_regression([math.log(size) for size in sizes], [math.log(cost) for cost in costs])
    return slope


@frozen
class Fit:
    """How a cost grows.

    Attributes:
        slope: The exponent, over all points.
        end: The same over the upper half of the points, where what grows faster shows first.
        times: The last cost, as a multiple of the first one.
    """

    slope: float
    end: float
    times: float

    @classmethod
    def of(cls, sizes: Sequence[float], costs: Sequence[float]) -> Self:
        """Of these points, in rising order; at least two.

        Args:
            sizes: See `exponent`.
            costs: See `exponent`.
        """
        middle = math.sqrt(sizes[0] * sizes[-1])
        upper = [(size, cost) for size, cost in zip(sizes, costs, strict=True) if size >= middle]
        slope = exponent(sizes, costs)
        end = exponent(*zip(*upper, strict=True)) if len(upper) >= _ENOUGH else slope
        return cls(slope, end, costs[-1] / costs[0])

    def exceeds(self, allowed: float) -> bool:
        """Whether it grows clearly faster than with this exponent."""
        return max(self.slope, self.end) > allowed + MARGIN

    def words(self, what: str) -> str:
        """How it grows, in words.

        Args:
            what: What there is more and more of.
        """
        if abs(self.slope) <= CLOSE:
            return "constant"
        if self.slope < 0:
            return f"less, the more {what}"
        if self.slope < 1 - CLOSE:
            return f"less than linear in {what}"
        return f"linear in {what}" if self.slope <= 1 + CLOSE else f"worse than linear in {what}"
