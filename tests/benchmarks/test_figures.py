"""The arithmetic of the benchmarks' figures, and their layout."""

import pytest
from benchmarks.figures import Latency, Spread, percentile, share_text, table, verdict
from benchmarks.histogram import Histogram


@pytest.mark.parametrize(("share", "expected"), [(0.01, 1), (0.5, 50), (0.99, 99), (0.995, 100), (1, 100)])
def test_a_percentile_is_the_least_value_that_a_share_does_not_exceed(share, expected):
    assert percentile(range(1, 101), share) == expected


def test_the_percentile_of_one_value_is_that_value():
    assert percentile([7.0], 0.5) == percentile([7.0], 0.99) == 7.0


def test_latencies_are_given_in_milliseconds_whatever_their_order():
    latency = Latency.of(Histogram.of([0.003, 0.001, 0.002]))
    assert str(latency) == "p50 2.00 ms   p99 3.00 ms   max 3.00 ms"
    assert latency.count == 3


def test_rounds_are_shown_by_their_median_and_their_extremes():
    assert Spread.of([3.0, 1.0, 10.0]).text() == "3.00 (1.00 to 10.00)"
    assert Spread.of([1234.4, 1234.4]).text(0) == "1234 (1234 to 1234)"


def test_ratios_are_those_of_one_round():
    # The second round was twice as slow for both: the ratio is the same.
    assert Spread.of_ratios([40.0, 20.0], [100.0, 50.0]) == Spread(0.4, 0.4, 0.4)


def test_ratios_need_as_many_rounds_of_both():
    with pytest.raises(ValueError, match="zip"):
        Spread.of_ratios([1.0], [1.0, 2.0])


def test_a_generator_that_limits_what_it_measures_says_so():
    assert share_text(0.5) == "50%"
    assert share_text(0.95) == "95% (it was the bottleneck)"


def test_a_table_has_its_figures_to_the_right():
    assert table(["what", "n"], [["one", "1"], ["three", "300"]]) == "what     n\none      1\nthree  300"


def test_a_missed_target_is_seen_at_once():
    assert verdict("quick", met=True).endswith("quick: met")
    assert verdict("quick", met=False).endswith("quick: MISSED")
