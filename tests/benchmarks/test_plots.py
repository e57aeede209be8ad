"""Axes with round steps, and lines where they belong."""

import re

import pytest
from benchmarks.plots import HEIGHT, Line, Plot, linear_axis, log_axis, time_marks


@pytest.mark.parametrize(
    ("most", "steps"),
    [
        (0, [0, 1]),
        (7, [0, 2, 4, 6, 8]),
        (10, [0, 2, 4, 6, 8, 10]),
        (1500, [0, 500, 1000, 1500]),
        (0.03, [0, 0.01, 0.02, 0.03]),
    ],
)
def test_a_linear_axis_begins_with_0_and_has_round_steps(most, steps):
    low, high, found = linear_axis(most)
    assert (low, high) == (0, pytest.approx(steps[-1]))
    assert found == pytest.approx(steps)


@pytest.mark.parametrize(
    ("least", "most", "steps"),
    [
        (0.001, 0.001, [0.001, 0.002]),
        (0.0011, 0.018, [0.001, 0.002, 0.005, 0.01, 0.02]),
        (0.0001, 1.0, [0.0001, 0.001, 0.01, 0.1, 1.0]),
        (0.9, 11, [0.5, 1, 2, 5, 10, 20]),
    ],
)
def test_a_logarithmic_axis_holds_both_ends_and_has_round_steps(least, most, steps):
    low, high, found = log_axis(least, most)
    assert low <= least * 1.0001
    assert high >= most * 0.9999
    assert low < high
    assert found == pytest.approx(steps)


@pytest.mark.parametrize(
    ("seconds", "last"), [(0.5, "0.5 s"), (10, "10 s"), (90, "80 s"), (600, "10 min"), (7200, "2 h")]
)
def test_time_has_marks_in_a_unit_that_fits(seconds, last):
    marks = time_marks(seconds)
    assert marks[0][0] == 0
    assert marks[-1][1] == last
    assert marks[-1][0] <= seconds


def plot(*lines, logarithmic=False):
    return Plot("a <title>", lines, 10.0, [(0.0, "0 s")], str, logarithmic=logarithmic, hints=[(0.0, 5.0, "a < b")])


def test_a_higher_value_stands_higher():
    (path,) = re.findall(r'class="line c2" d="M([^"]*)"', plot(Line("one", [(0, 0), (10, 5)], 2)).svg())
    (left, low), (right, high) = (map(float, place.split(" ")) for place in path.split("L"))
    assert left < right
    assert high < low < HEIGHT


@pytest.mark.parametrize("logarithmic", [False, True])
def test_one_point_and_none_and_nothing_at_all_can_be_drawn(logarithmic):
    svg = plot(Line("one", [(1, 0.0)], 1), Line("none", [], 1), logarithmic=logarithmic).svg()
    assert "<circle" in svg
    assert "nan" not in svg
    assert "<svg" in plot(logarithmic=logarithmic).svg()


def test_texts_are_escaped():
    drawn = plot(Line("<b>", [(0, 1)], 1))
    assert "&lt;b&gt;" in drawn.legend()
    assert "a &lt; b" in drawn.svg()
    assert "a &lt;title&gt;" in drawn.svg()
