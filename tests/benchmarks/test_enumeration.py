"""The measure of whether a login's time tells something."""

import random
from itertools import cycle, islice

import pytest
from benchmarks.enumeration import Comparison, measure


def sample(mean, seed):
    times = random.Random(seed)  # noqa: S311  # for figures, not for secrets
    return [times.gauss(mean, 0.002) for _ in range(1000)]


def test_times_of_one_distribution_are_the_same():
    found = Comparison(sample(0.03, 1), sample(0.03, 2))

    assert found.same
    assert found.auc == pytest.approx(0.5, abs=0.05)
    assert found.overlap > 0.85
    assert "no difference" in found.report()


def test_times_that_differ_by_less_than_their_spread_are_told_apart_by_many_guesses():
    shift = Comparison(sample(0.03, 1), sample(0.0308, 2))

    assert not shift.same
    assert "THEY CAN BE TOLD APART" in shift.report()


def test_times_that_have_nothing_in_common_are_apart():
    found = Comparison([0.04] * 100, [0.03] * 100)

    assert (found.auc, found.overlap, found.same) == (1.0, 0.0, False)


def test_equal_times_count_half():
    times = list(islice(cycle([0.03, 0.031]), 100))
    assert (0.5, 1.0) == (Comparison(times, times).auc, Comparison(times, times).overlap)


async def test_a_short_run_guesses_at_both_in_turn():
    found = await measure(guesses=4, accounts=2, metas=1)

    assert (4, 4) == (len(found.known), len(found.unknown))
    assert min(*found.known, *found.unknown) > 0
