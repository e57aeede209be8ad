"""The arithmetic of microseconds, and their table."""

import re

import pytest
from benchmarks.micro.pieces import Piece, computing, report, seconds_for_one, seconds_for_one_awaited, waiting


class Clock:
    """Goes on only while something is done."""

    now = 0.0

    def __call__(self):
        return self.now

    def work(self, seconds):
        self.now += seconds


@pytest.mark.parametrize("each", [0.25, 0.001, 0.00001])
def test_one_takes_what_it_takes_however_often_it_is_done(each):
    clock = Clock()
    assert seconds_for_one(lambda: clock.work(each), 0.5, clock) == pytest.approx(each)
    assert clock.now >= 0.5


def test_what_is_quick_is_not_done_much_longer_than_asked_for():
    clock = Clock()
    seconds_for_one(lambda: clock.work(0.0001), 1.0, clock)
    assert clock.now == pytest.approx(1.0, rel=0.01)


def test_something_is_done_even_in_no_time():
    done = []
    clock = Clock()
    assert seconds_for_one(lambda: done.append(1), 0.0, clock) == 0.0
    assert done


async def test_what_is_awaited_is_done_at_least_once():
    done = []

    async def does():
        done.append(1)

    assert await seconds_for_one_awaited(does, 0.0) > 0
    assert done == [1]


@pytest.mark.parametrize("kind", [computing, waiting])
async def test_a_piece_measures_itself(kind):
    assert 0 < await kind("nothing", lambda: None).measure(0.001) < 0.001


def test_a_piece_stands_beside_its_floor_by_the_ratios_of_each_round():
    pieces = [Piece("mine", None, "floor"), Piece("floor", None)]
    text = report(pieces, {"mine": [6e-6, 3e-6], "floor": [2e-6, 1e-6]})
    mine, floor = text.splitlines()[1:]
    assert re.split(" {2,}", mine) == ["mine", "4.50 (3.00 to 6.00)", "1.50", "3.0 (3.0 to 3.0)", "floor"]
    assert floor == "floor  1.50 (1.00 to 2.00)"
