from yummy.client import Reconnect


def test_pauses_grow_to_a_bound():
    policy = Reconnect(attempts=5, first=1.0, factor=2.0, longest=5.0, jitter=0.0)
    assert list(policy.pauses()) == [1.0, 2.0, 4.0, 5.0, 5.0]


def test_chance_shortens_a_pause_by_at_most_the_jitter():
    policy = Reconnect(attempts=2, first=1.0, factor=1.0, jitter=0.5, chance=iter([0.0, 1.0]).__next__)
    assert list(policy.pauses()) == [1.0, 0.5]
