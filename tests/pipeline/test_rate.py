"""The token bucket."""

from yummy.pipeline.rate import RateLimit


def test_a_burst_of_two_seconds_passes_then_the_rate_holds():
    limit = RateLimit(4, 0)

    assert [0.0] * 8 == [limit.spend(0) for _ in range(8)]
    assert 0.25 == limit.spend(0)
    assert 0.15 == limit.spend(0.1)
    assert 0.0 == limit.spend(0.25)
    assert 0.25 == limit.spend(0.25)


def test_the_bucket_is_never_fuller_than_full():
    limit = RateLimit(1, 0)

    assert [0.0, 0.0, 1.0] == [limit.spend(1000) for _ in range(3)]


def test_zero_switches_it_off():
    limit = RateLimit(0, 0)

    assert {0.0} == {limit.spend(0) for _ in range(1000)}
