"""The ratios, and how they are told."""

import json

import pytest
from benchmarks.figures import Spread
from benchmarks.peers.contestants import BARE, COLYSEUS, CONTESTANTS, HOOKED, YUMMY
from benchmarks.peers.crowd import Measured
from benchmarks.peers.standing import FLOORS, plain, ratios, report
from benchmarks.peers.workloads import W1, W2


def measured(*counts, cpu=0.5, generator=0.3):
    return [Measured(count, 2.0, cpu, generator) for count in counts]


def test_ratios_are_of_what_is_done_for_a_second_of_cpu_round_by_round():
    found = {YUMMY: measured(300, 150, cpu=0.5), BARE: measured(200, 100, cpu=1.0)}
    assert ratios(found, YUMMY, BARE) == Spread(3.0, 3.0, 3.0)
    assert measured(300)[0].rate == 150
    assert measured(300)[0].per_cpu == 600


def test_who_did_not_take_part_has_no_ratio():
    assert ratios({YUMMY: measured(1)}, YUMMY, COLYSEUS) is None
    assert ratios({BARE: measured(1)}, YUMMY, BARE) is None


def test_what_is_expected_is_said_with_what_was_found():
    results = {W1: {YUMMY: measured(310), HOOKED: measured(90), BARE: measured(100)}, W2: {YUMMY: measured(5)}}
    text = report(results)
    assert text.count("MISSED") == 1
    assert "3.0  3.10 (3.10 to 3.10)     met" in text
    assert "0.90 (0.90 to 0.90)  MISSED" in text
    # Nothing is expected against who did not take part.
    assert "Colyseus" not in text.rpartition("expected of")[2]


def test_a_generator_that_was_the_bottleneck_is_marked():
    assert "95%!" in report({W1: {BARE: [*measured(1), *measured(1, generator=0.95)]}})


def test_all_figures_are_plain_data():
    results = {W1: {YUMMY: measured(300, 310), BARE: measured(100, 100)}}
    told = json.loads(json.dumps(plain(results)))
    assert [one["count"] for one in told["rounds"]["W1"][YUMMY]] == [300, 310]
    (floor,) = told["floors"]
    assert floor["found"]["middle"] == pytest.approx(3.05)
    assert floor["met"] is True


def test_everybody_of_whom_something_is_expected_takes_part():
    done = {one.name: one.workloads for one in CONTESTANTS}
    assert all(floor.workload in done[name] for floor in FLOORS for name in (floor.contestant, floor.base))
