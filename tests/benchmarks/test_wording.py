"""What people read of a load, and of two."""

import pytest
from attrs import evolve
from benchmarks.histogram import Histogram
from benchmarks.wording import comparison, differences, load_text, ratios, report, round_time_text, time_text, warnings
from tests.benchmarks.conftest import OUTCOME


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0.00 us"),
        (0.0000015, "1.50 us"),
        (0.00123, "1.23 ms"),
        (0.0456, "45.6 ms"),
        (0.5, "500 ms"),
        (12.3, "12.3 s"),
    ],
)
def test_a_time_has_three_digits_and_a_unit_that_fits(seconds, text):
    assert time_text(seconds) == text


def test_a_round_time_has_no_digits_that_say_nothing():
    assert [round_time_text(seconds) for seconds in (0.001, 0.02, 0.0005, 2.0)] == ["1 ms", "20 ms", "500 us", "2 s"]


def test_a_report_says_what_was_asked_for_and_what_came():
    text = report(OUTCOME)
    assert "8 connections, 100 requests/s (open loop, at most 64 in flight on each), 10.0 s by 1 process" in text
    assert "1000 requests, 100 a second" in text
    assert "p50 1.00 ms" in text
    assert "MAX_MESSAGES_PER_SECOND=0" in text
    assert "50% of a core, 40% in its event loop, 500 us for each answer" in text
    assert "80.0 MiB before, 81.0 MiB with all players, 82.0 MiB at the end" in text
    assert "NOTE" not in text


def test_a_closed_loop_is_told_by_what_is_in_flight():
    closed = evolve(OUTCOME, options={"connections": 8, "rate": None, "closed_loop": True, "ahead": 16, "room_size": 4})
    assert load_text(closed) == (
        "8 connections, rooms of 4, closed loop with 16 in flight on each, 10.0 s by 1 process"
    )
    assert "sent late" not in report(closed)


def test_who_only_was_there_has_no_latency_but_memory():
    text = report(evolve(OUTCOME, options={"connections": 8}, latency=Histogram(), heard=Histogram(), answered=0))
    assert "128.0 KiB each" in text
    assert "latency" not in text


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"generator": [0.3, 0.97]}, "The generator was the bottleneck"),
        ({"late": 0.3}, "sent up to 300 ms too late"),
        ({"overdue": 500}, "does not bear this rate: 500 requests were due"),
        ({"refused": {"room_full": 2}}, "MAX_USERS_PER_ROOM=0"),
        ({"refused": {"no_such_cell": 2}}, "refused: 2 no_such_cell"),
        ({"lost": {"closed 4000": 1}}, "reading too slowly"),
    ],
)
def test_what_makes_a_load_hard_to_believe_is_said(changes, words):
    assert words in "\n".join(warnings(evolve(OUTCOME, **changes)))
    assert list(warnings(OUTCOME)) == []


def test_a_comparison_is_of_the_second_to_the_first():
    slower = evolve(OUTCOME, answered=500, latency=Histogram.of([0.002] * 990 + [0.1] * 10))
    found = {ratio.name: ratio.ratio for ratio in ratios(OUTCOME, slower)}
    assert found["answers a second"] == 0.5
    assert found["latency p50"] == pytest.approx(2, rel=0.002)
    assert found["latency max"] == 1.0
    assert found["server CPU for each answer"] == 1.0
    assert "failed" not in found
    assert "latency p50                 1.00 ms  2.00 ms  2.00" in comparison(OUTCOME, slower)


def test_a_figure_that_was_nothing_has_no_ratio():
    (failed,) = [one for one in ratios(OUTCOME, evolve(OUTCOME, refused={"busy": 3})) if one.name == "failed"]
    assert (failed.base, failed.other, failed.text) == ("0", "3", "-")


def test_figures_that_only_one_has_are_left_out():
    names = [ratio.name for ratio in ratios(OUTCOME, evolve(OUTCOME, heard=Histogram(), server=None))]
    assert not [name for name in names if name.startswith(("heard", "server"))]


def test_what_makes_two_loads_hard_to_compare_is_said():
    other = evolve(OUTCOME, scenario="ask", options={**OUTCOME.options, "connections": 64, "url": "ws://elsewhere"})
    assert differences(OUTCOME, other) == ["scenario: relay / ask", "connections: 8 / 64"]
    assert differences(OUTCOME, OUTCOME) == []
