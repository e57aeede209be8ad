"""Plots as SVG: lines, with a linear axis to the right and a linear or logarithmic one upwards. Pure."""

import math
from collections.abc import Callable, Iterable, Sequence
from html import escape

from attrs import field, frozen

#: Of the drawing, in its own units.
WIDTH, HEIGHT = 720, 280
_LEFT, _RIGHT, _TOP, _BOTTOM = 78, 16, 12, 34


@frozen
class Line:
    """One line of a plot.

    Attributes:
        name: What it is, for the legend.
        points: Its points, from left to right.
        colour: The number of its colour in the page's style, from 1.
        dashed: Whether it belongs to the load that is compared with.
    """

    name: str
    points: Sequence[tuple[float, float]]
    colour: int
    dashed: bool = False


@frozen
class Plot:
    """A plot.

    Attributes:
        title: What it shows, for who cannot see it.
        lines: What is in it.
        right: Where the axis ends that begins with 0.
        marks: Places on that axis, and what stands there.
        text: How a value of the other axis is written.
        logarithmic: Whether that axis is; else it begins with 0.
        hints: Stretches of the axis (from, to), and what is told of each when one points there.
    """

    title: str
    lines: Sequence[Line]
    right: float
    marks: Sequence[tuple[float, str]]
    text: Callable[[float], str]
    logarithmic: bool = False
    hints: Sequence[tuple[float, float, str]] = field(default=())

    def svg(self) -> str:
        """The drawing."""
        low, high, steps = self._axis()
        parts = [
            f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{escape(self.title)}">',
            *self._grid(low, high, steps),
            *(self._line(line, low, high) for line in self.lines),
            *self._hints(),
            "</svg>",
        ]
        return "\n".join(parts)

    def legend(self) -> str:
        """What the lines are, as HTML."""
        items = (
            f'<li><svg viewBox="0 0 26 8" class="key"><path d="M0 4H26" class="line c{line.colour}'
            f'{" dashed" if line.dashed else ""}"/></svg>{escape(line.name)}</li>'
            for line in self.lines
        )
        return f'<ul class="legend">{"".join(items)}</ul>'

    def _axis(self) -> tuple[float, float, Sequence[float]]:
        values = [value for line in self.lines for _, value in line.points]
        if self.logarithmic:
            values = [value for value in values if value > 0] or [1e-3]
            return log_axis(min(values), max(values))
        return linear_axis(max(values, default=0.0))

    def _x(self, value: float) -> float:
        return _LEFT + (WIDTH - _LEFT - _RIGHT) * value / (self.right or 1.0)

    def _y(self, value: float, low: float, high: float) -> float:
        if self.logarithmic:
            share = math.log(max(value, low) / low) / math.log(high / low)
        else:
            share = (value - low) / (high - low)
        return HEIGHT - _BOTTOM - (HEIGHT - _TOP - _BOTTOM) * share

    def _grid(self, low: float, high: float, steps: Iterable[float]) -> Iterable[str]:
        for step in steps:
            y = self._y(step, low, high)
            yield f'<path class="grid" d="M{_LEFT} {y:.1f}H{WIDTH - _RIGHT}"/>'
            yield f'<text x="{_LEFT - 8}" y="{y + 4:.1f}" class="end">{escape(self.text(step))}</text>'
        for place, mark in self.marks:
            x = self._x(place)
            yield f'<path class="tick" d="M{x:.1f} {HEIGHT - _BOTTOM}v5"/>'
            yield f'<text x="{x:.1f}" y="{HEIGHT - _BOTTOM + 20}" class="middle">{escape(mark)}</text>'
        yield f'<path class="axis" d="M{_LEFT} {HEIGHT - _BOTTOM}H{WIDTH - _RIGHT}"/>'

    def _line(self, line: Line, low: float, high: float) -> str:
        places = [(self._x(x), self._y(y, low, high)) for x, y in line.points]
        if len(places) == 1:
            return f'<circle class="dot c{line.colour}" cx="{places[0][0]:.1f}" cy="{places[0][1]:.1f}" r="3"/>'
        path = "L".join(f"{x:.1f} {y:.1f}" for x, y in places)
        dashed = " dashed" if line.dashed else ""
        return f'<path class="line c{line.colour}{dashed}" d="M{path}"/>' if places else ""

    def _hints(self) -> Iterable[str]:
        for start, end, text in self.hints:
            x, width = self._x(start), self._x(end) - self._x(start)
            yield (
                f'<rect class="hint" x="{x:.1f}" y="{_TOP}" width="{max(width, 1):.1f}" '
                f'height="{HEIGHT - _TOP - _BOTTOM}"><title>{escape(text)}</title></rect>'
            )


def linear_axis(most: float) -> tuple[float, float, list[float]]:
    """An axis from 0 to this value at least: its ends, and three to six round steps."""
    if most <= 0:
        return 0.0, 1.0, [0.0, 1.0]
    size = 10 ** math.floor(math.log10(most / 4))
    step = next(size * times for times in (1, 2, 5, 10) if size * times * 5 >= most)
    count = math.ceil(most / step - 1e-9)
    return 0.0, step * count, [step * number for number in range(count + 1)]


def log_axis(least: float, most: float) -> tuple[float, float, list[float]]:
    """An axis that holds both values, which are above 0: its ends, and round steps (1, 2, 5, or powers of ten)."""
    first, last = math.floor(math.log10(least)), math.ceil(math.log10(most) + 1e-9)
    every = [10.0**power * times for power in range(first, last + 1) for times in (1, 2, 5)]
    low = max(step for step in every if step <= least * (1 + 1e-9))
    high = min((step for step in every if step >= most and step > low), default=10.0**last)
    steps = [step for step in every if low <= step <= high]
    if len(steps) > 7:
        steps = [step for step in steps if abs(math.log10(step) - round(math.log10(step))) < 1e-9]
    return low, high, steps


def time_marks(seconds: float) -> list[tuple[float, str]]:
    """Round places on an axis of time."""
    unit, size = next(
        ((unit, size) for unit, size in (("h", 3600.0), ("min", 60.0)) if seconds >= 2 * size), ("s", 1.0)
    )
    _, _, steps = linear_axis(seconds / size)
    return [(step * size, f"{step:g} {unit}") for step in steps if step * size <= seconds * (1 + 1e-9)]
