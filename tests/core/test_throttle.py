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
