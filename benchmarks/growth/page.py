"""Curves as one HTML page: a table and plots of each. Pure."""

import math
from collections.abc import Iterator, Sequence
from html import escape
from itertools import pairwise

from benchmarks.growth.curve import Curve, Figure
from benchmarks.growth.logins import Logins
from benchmarks.page import document, figure
from benchmarks.plots import Line, Plot


def page(facts: Sequence[str], curves: Sequence[Curve], logins: Logins | None) -> str:
    """The page.

    Args:
        facts: What it was measured with, in lines.
        curves: What was measured.
        logins: How many logins there can be, if that was measured.
    """
    return document("Cost as work grows", _body(facts, curves, logins))


def _body(facts: Sequence[str], curves: Sequence[Curve], logins: Logins | None) -> Iterator[str]:
    yield "<h1>Cost as work grows</h1>"
    yield from (f'<p class="soft">{escape(fact)}</p>' for fact in facts)
    for curve in curves:
        yield f"<h2>{escape(curve.name)}</h2><p>{escape(curve.summary)}</p>"
        yield from (f'<p class="note">Grows too fast: {escape(worse)}</p>' for worse in curve.worse())
        yield from (figure(plot) for plot in plots(curve))
        yield from _table(curve.rows())
        yield from (f'<p class="soft">{escape(curve.words(one, fit))}</p>' for one, fit in curve.fits())
    if logins is not None:
        yield "<h2>logins</h2>"
        yield f"<p>{logins.at_once} players connect, log in and log out, again and again</p>"
        yield from _table(logins.rows())
        yield f'<p class="soft">{escape(logins.words())}</p>'


def _table(rows: Sequence[Sequence[str]]) -> Iterator[str]:
    yield '<div class="wide"><table>'
    for number, row in enumerate(rows):
        first, *others = map(escape, row)
        mark = "td" if number else "th"
        cells = "".join(f'<{mark} class="n">{cell}</{mark}>' for cell in others)
        yield f"<tr><th>{first}</th>{cells}</tr>"
    yield "</table></div>"


def plots(curve: Curve) -> Iterator[Plot]:
    """A plot for each unit, logarithmic both ways, so that what is linear is a straight line."""
    for unit in dict.fromkeys(one.unit for one in curve.figures):
        figures = [one for one in curve.figures if one.unit == unit]
        lines = [
            Line(str(one), _points(curve, one), number)
            for number, one in enumerate(figures, 1)
            if any(y > 0 for _, y in _points(curve, one))
        ]
        if lines:
            yield _plot(curve, unit, lines)


def _points(curve: Curve, one: Figure) -> list[tuple[float, float]]:
    return [(_place(curve, size), cost.middle) for size, cost in curve.costs(one).items() if cost.middle > 0]


def _place(curve: Curve, size: int) -> float:
    return math.log10(size / min(curve.rounds))


def _plot(curve: Curve, unit: str, lines: Sequence[Line]) -> Plot:
    sizes = list(curve.rounds)
    places = [_place(curve, size) for size in sizes]
    # Each point is pointed at from half-way to those beside it.
    borders = [places[0], *((one + other) / 2 for one, other in pairwise(places)), places[-1]]
    hints = [
        (start, end, "\n".join([f"{size} {curve.along}", *_values(lines, place, unit)]))
        for (start, end), size, place in zip(pairwise(borders), sizes, places, strict=True)
    ]
    marks = [(place, f"{size}") for place, size in zip(places, sizes, strict=True)]
    title = f"{curve.name}: {unit}"
    return Plot(title, lines, places[-1], marks, lambda y: f"{y:g} {unit}", logarithmic=True, hints=hints)


def _values(lines: Sequence[Line], place: float, unit: str) -> Iterator[str]:
    for line in lines:
        yield from (f"{line.name}: {y:.1f} {unit}" for x, y in line.points if x == place)
