"""What was measured as something grew: the figures, their table, and the same as plain data. Pure."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import attrs
from attrs import frozen

from benchmarks.figures import Spread, table
from benchmarks.growth.fit import Fit


@frozen
class Figure:
    """Something that is measured.

    Attributes:
        unit: Its unit.
        each: What it is measured for.
        allowed: The exponent that it may have, since so much must be touched; None if it is only shown.
    """

    unit: str
    each: str
    allowed: float | None = 0.0

    def __str__(self) -> str:
        return f"{self.unit} {self.each}"


#: What one round gave.
type Found = Mapping[Figure, float]


@frozen
class Curve:
    """What was measured as something grew.

    Attributes:
        name: Its short name.
        along: What grew.
        summary: What was done meanwhile.
        figures: What was measured.
        rounds: What each round gave, by how much there was, in rising order.
    """

    name: str
    along: str
    summary: str
    figures: Sequence[Figure]
    rounds: Mapping[int, Sequence[Found]]

    def costs(self, figure: Figure) -> dict[int, Spread]:
        """One figure, by how much there was; where it was too small to be measured, it is left out."""
        found = {size: [one[figure] for one in rounds if figure in one] for size, rounds in self.rounds.items()}
        return {size: Spread.of(values) for size, values in found.items() if values}

    def fit(self, figure: Figure) -> Fit | None:
        """How a figure grows; None if there are not two points that it could be told from."""
        points = {size: cost.middle for size, cost in self.costs(figure).items() if cost.middle > 0}
        if len(points) < 2:
            return None
        return Fit.of(list(points), list(points.values()))

    def fits(self) -> Iterator[tuple[Figure, Fit]]:
        """Those figures of which it matters how they grow."""
        for figure in self.figures:
            if figure.allowed is not None and (fit := self.fit(figure)) is not None:
                yield figure, fit

    def worse(self) -> list[str]:
        """What grows clearly faster than what it must touch."""
        return [
            f"{figure} ({self.name})"
            for figure, fit in self.fits()
            if figure.allowed is not None and fit.exceeds(figure.allowed)
        ]

    def words(self, figure: Figure, fit: Fit) -> str:
        """How a figure grows, in one line."""
        first, *_, last = self.costs(figure)
        return (
            f"{figure}: {fit.words(self.along)} (exponent {fit.slope:+.2f}, {fit.end:+.2f} in the upper half; "
            f"{fit.times:.2f} times from {first} to {last})"
        )

    def rows(self) -> list[list[str]]:
        """The table, its headings first."""
        costs = [self.costs(figure) for figure in self.figures]
        return [
            [self.along, *map(str, self.figures)],
            *([f"{size}", *(cost[size].text(1) if size in cost else "-" for cost in costs)] for size in self.rounds),
        ]

    def text(self) -> str:
        """All figures as text."""
        head, *rows = self.rows()
        lines = [f"{self.name}: {self.summary}", table(head, rows)]
        return "\n".join([*lines, *(self.words(figure, fit) for figure, fit in self.fits())])

    def plain(self) -> dict[str, Any]:
        """All figures as plain data, with each round."""
        fits = dict(self.fits())
        return {
            "along": self.along,
            "summary": self.summary,
            "figures": {
                str(figure): {
                    "allowed": figure.allowed,
                    "fit": attrs.asdict(fits[figure]) if figure in fits else None,
                    "rounds": {
                        f"{size}": [one[figure] for one in rounds if figure in one]
                        for size, rounds in self.rounds.items()
                    },
                }
                for figure in self.figures
            },
        }
