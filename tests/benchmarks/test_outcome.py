"""Outcomes: their files, their percentiles, and time in bounded space."""

import json
from collections import Counter

import pytest
from attrs import evolve
from benchmarks.histogram import Histogram
from benchmarks.outcome import POINTS, NoOutcome, Outcome, Timeline, told
from benchmarks.record import Record
from tests.benchmarks.conftest import OUTCOME


def test_an_outcome_comes_back_from_its_file(tmp_path):
    OUTCOME.write(tmp_path / "report.json")
    assert Outcome.read(tmp_path / "report.json") == OUTCOME


def test_a_file_holds_percentiles_for_who_has_no_histogram(tmp_path):
    OUTCOME.write(tmp_path / "report.json")
    latency = json.loads((tmp_path / "report.json").read_text())["latency"]
    assert latency["percentiles"] == {
        "0.5": pytest.approx(0.001, rel=0.001),
        "0.9": pytest.approx(0.001, rel=0.001),
        "0.99": pytest.approx(0.001, rel=0.001),
        "0.999": pytest.approx(0.1, rel=0.001),
    }
    assert latency["count"] == 1000


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"version": 1}', '{"version": 1, "latency": 5}', "\x00"])
def test_another_file_is_no_outcome(tmp_path, text):
    (tmp_path / "other.json").write_text(text)
    with pytest.raises(NoOutcome, match=r"other\.json is no report\.json"):
        Outcome.read(tmp_path / "other.json")


def test_a_file_of_another_version_says_so(tmp_path):
    (tmp_path / "report.json").write_text('{"version": 2}')
    with pytest.raises(NoOutcome, match="is of version 2"):
        Outcome.read(tmp_path / "report.json")
    with pytest.raises(NoOutcome, match="cannot be read: No such file"):
        Outcome.read(tmp_path / "nothing.json")


@pytest.mark.parametrize(
    ("count", "shares"),
    [
        (0, []),
        (1, []),
        (2, [0.5]),
        (10, [0.5, 0.9]),
        (999, [0.5, 0.9, 0.99]),
        (10_000, [0.5, 0.9, 0.99, 0.999, 0.9999]),
    ],
)
def test_only_those_percentiles_are_told_of_which_there_are_enough_values(count, shares):
    assert [share for share, _ in told(Histogram.of([0.5] * count))] == shares


def test_memory_of_each_player_is_told_if_they_only_were_there():
    assert OUTCOME.memory_each is None
    idle = evolve(OUTCOME, options={"connections": 8})
    assert idle.memory_each == (1 << 20) / 8
    assert evolve(idle, server=None).memory_each is None


def record(*latencies, **refused):
    return Record(latency=Histogram.of(latencies), refused=Counter(refused))


def test_a_timeline_tells_of_each_second():
    timeline = Timeline.of(3)
    timeline.add(1.0, record(0.1, 0.2))
    timeline.add(1.0, record(busy=3))
    assert [(point.at, point.rate, point.failed) for point in timeline.points] == [(0.0, 2.0, 0), (1.0, 0.0, 3)]
    assert timeline.points[0].most == 0.2


def test_a_long_run_has_no_more_points_than_can_be_seen():
    timeline = Timeline.of(7200)
    for second in range(7200):
        timeline.add(1.0, record(0.001 * (1 + second % 24)))
    timeline.close()
    assert len(timeline.points) == POINTS
    assert (timeline.points[0].seconds, timeline.points[-1].at) == (24.0, 7176.0)
    assert timeline.points[3].most == pytest.approx(0.024)


def test_seconds_that_are_a_little_short_are_seconds():
    timeline = Timeline.of(2)
    timeline.add(0.99, record(0.1))
    timeline.add(1.01, record(0.1))
    timeline.close()
    assert len(timeline.points) == 2
