"""How a load is shared out among processes."""

import pytest
from attrs import evolve
from benchmarks.plan import Plan, split
from benchmarks.wire import Where

PLAN = Plan("relay", Where.local(1, "key"), 0, 64, 1000.0, 1, 1.0, 10.0)


@pytest.mark.parametrize(("connections", "processes", "together"), [(64, 3, 4), (10, 4, 4), (7, 2, 1), (5, 9, 2)])
def test_every_player_is_in_one_process_with_its_room(connections, processes, together):
    plans = split(evolve(PLAN, connections=connections), processes, together)
    assert len(plans) <= processes
    assert [plan.first for plan in plans[1:]] == [plan.first + plan.connections for plan in plans[:-1]]
    assert sum(plan.connections for plan in plans) == connections
    assert all(plan.connections for plan in plans)
    assert all(plan.first % together == 0 for plan in plans)
    assert sum(plan.rate for plan in plans) == pytest.approx(1000)


def test_each_player_has_the_same_rate_whatever_its_process():
    plans = split(evolve(PLAN, connections=12), 2, 4)
    assert [plan.connections for plan in plans] == [4, 8]
    assert len({round(plan.rate / plan.connections, 6) for plan in plans}) == 1


def test_a_closed_loop_has_no_rate():
    assert [plan.rate for plan in split(evolve(PLAN, rate=None), 2, 4)] == [None, None]


def test_a_plan_crosses_to_another_process():
    assert Plan.from_plain(PLAN.plain()) == PLAN
