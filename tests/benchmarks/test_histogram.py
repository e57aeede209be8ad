"""Histograms: as exact as they promise, whatever they are given, and without loss when they are added up."""

import math

import pytest
from benchmarks.figures import percentile
from benchmarks.histogram import Histogram, bounds, bucket
from hypothesis import example, given
from hypothesis import strategies as st

times = st.lists(st.floats(0, 100_000), min_size=1, max_size=200)
shares = st.floats(0.0001, 1)


@given(st.floats(0, 1e6))
def test_a_bucket_holds_what_falls_into_it_and_is_at_most_a_thousandth_wide(seconds):
    low, high = bounds(bucket(seconds))
    assert low <= seconds + 1e-9
    assert seconds < high + 1e-9
    assert high - low <= max(1e-9, low / 1000) * 1.000001


@given(st.integers(0, 60_000))
@example(49_047)
def test_buckets_follow_one_another_without_a_gap(number):
    first, end = bounds(number)
    assert end == bounds(number + 1)[0]
    # Its middle, as a float cannot hold the least bit above the beginning of a bucket of days.
    assert bucket((first + end) / 2) == number


@given(times, shares)
def test_a_percentile_is_that_of_the_sorted_values_or_at_most_a_thousandth_more(values, share):
    exact = percentile(sorted(values), share)
    found = Histogram.of(values).percentile(share)
    assert exact - 1e-9 <= found <= exact * 1.001 + 2e-9


@given(times)
def test_the_longest_and_the_mean_are_exact(values):
    histogram = Histogram.of(values)
    assert histogram.percentile(1) == histogram.most == max(values)
    assert histogram.mean == pytest.approx(math.fsum(values) / len(values))
    assert histogram.count == len(values)


@given(times, times)
def test_histograms_add_up_as_if_all_had_been_measured_together(first, second):
    added = Histogram.of(first)
    added.add(Histogram.of(second))
    together = Histogram.of(first + second)
    assert (added.counts, added.most) == (together.counts, together.most)


@given(times)
def test_a_histogram_comes_back_from_plain_data(values):
    histogram = Histogram.of(values)
    assert Histogram.from_plain(histogram.plain()) == histogram


def test_a_time_can_be_taken_many_times_at_once():
    histogram = Histogram()
    histogram.record(0.5, 3)
    assert histogram == Histogram.of([0.5] * 3)


def test_more_values_take_no_more_space():
    histogram = Histogram()
    for number in range(100_000):
        histogram.record(0.001 + number * 1e-8)
    assert len(histogram.counts) <= 1025


def test_nothing_has_no_percentiles():
    assert list(Histogram().percentiles([0.5, 1])) == []
    assert (Histogram().percentile(0.99), Histogram().mean) == (0.0, 0.0)


def test_several_percentiles_are_those_that_are_found_one_by_one():
    histogram = Histogram.of(number / 1000 for number in range(1, 1001))
    wanted = [0, 0.5, 0.5, 0.99, 0.999, 1]
    assert list(histogram.percentiles(wanted)) == [histogram.percentile(share) for share in wanted]
