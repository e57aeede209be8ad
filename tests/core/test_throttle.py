"""Throttles: so many events in a sliding window, for each key."""

import pytest

from yummy.core import throttle
from yummy.core.throttle import Throttle
from yummy.protocol.errors import Refusal


def test_the_limit_holds_within_a_sliding_window():
    limit = Throttle(2, 60)
    limit.count("ada", 0)
    limit.check("ada", 1)
    limit.count("ada", 10)

    with pytest.raises(Refusal) as caught:
        limit.check("ada", 30)
    assert ("rate_limited", 30.0) == (caught.value.code, caught.value.retry_after)
    limit.check("bob", 30)
    limit.check("ada", 60)
    limit.count("ada", 60)
    with pytest.raises(Refusal):
        limit.check("ada", 69)


@pytest.mark.parametrize(("limit", "key"), [(0, "ada"), (1, None)])
def test_who_is_exempt_is_never_refused(limit, key):
    exempt = Throttle(limit, 60)
    for now in range(10):
        exempt.count(key, now)

    exempt.check(key, 10)


def test_what_is_remembered_is_bounded(monkeypatch):
    monkeypatch.setattr(throttle, "KEYS_MAX", 2)
    limit = Throttle(1, 60)
    for key in ("ada", "bob", "ada", "cid"):
        limit.count(key, 0)

    limit.check("bob", 1)
    for key in ("ada", "cid"):
        with pytest.raises(Refusal):
            limit.check(key, 1)


def test_a_window_that_is_over_is_forgotten():
    limit = Throttle(1, 60)
    limit.count("ada", 0)
    limit.check("ada", 60)

    assert {} == limit._times


def test_what_is_taken_counts_until_it_is_given_back():
    limit = Throttle(2, 60)
    limit.take("ada", 0)
    limit.take("ada", 10)

    with pytest.raises(Refusal) as caught:
        limit.take("ada", 20)
    assert ("rate_limited", 40.0) == (caught.value.code, caught.value.retry_after)

    limit.give_back("ada", 10)
    limit.take("ada", 20)
    with pytest.raises(Refusal):
        limit.check("ada", 59)
    limit.check("ada", 60)


def test_giving_back_leaves_nothing_behind():
    limit = Throttle(2, 60)
    limit.take("ada", 0)
    limit.give_back("ada", 0)

    assert {} == limit._times


@pytest.mark.parametrize(("limit", "key"), [(0, "ada"), (1, None)])
def test_who_is_exempt_takes_and_gives_back_nothing(limit, key):
    exempt = Throttle(limit, 60)
    for _ in range(3):
        exempt.take(key, 0)
    exempt.give_back(key, 0)

    assert {} == exempt._times


def test_what_was_forgotten_meanwhile_need_not_be_given_back():
    limit = Throttle(2, 60)
    limit.take("ada", 0)
    limit.check("ada", 60)
    limit.give_back("ada", 0)
    limit.take("ada", 61)
    limit.give_back("ada", 0)

    assert ["ada"] == list(limit._times)
