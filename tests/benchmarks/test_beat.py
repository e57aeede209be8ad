"""A beat: what is due when, what waits, and when it counts from."""

import pytest
from attrs import define, field
from benchmarks.beat import Beat


@define(eq=False)
class Fake:
    """Has at most so many requests in flight, and notes when each was due."""

    ahead: int
    begun: list[float] = field(factory=list)
    waiting: int = 0
    freed: object = None
    lost: bool = False

    @property
    def free(self):
        return self.waiting < self.ahead

    def begin(self, due):
        self.begun.append(due)
        self.waiting += 1

    def end(self):
        self.waiting -= 1
        self.freed()


def test_players_take_turns_at_a_fixed_rate():
    players = [Fake(100), Fake(100)]
    beat = Beat(players, 0.25)
    assert beat(10.0) == 10.25
    assert beat(10.1) == 10.25
    assert beat(11.0) == 11.25
    assert [player.begun for player in players] == [[10.0, 10.5, 11.0], [10.25, 10.75]]
    assert (beat.sent, list(beat.overdue(11.0))) == (5, [])


def test_the_rate_does_not_drift_however_often_it_is_looked_at():
    player = Fake(10_000)
    beat = Beat([player], 0.001)
    for step in range(1, 1001):
        beat(1 + step * 0.001003)
    assert player.begun[:3] == pytest.approx([1.001003, 1.002003, 1.003003])
    assert player.begun[-1] == pytest.approx(player.begun[0] + 0.001 * (len(player.begun) - 1))


def test_what_a_busy_player_cannot_send_is_sent_as_soon_as_it_can_and_counts_from_when_it_was_due():
    busy, other = Fake(1), Fake(1)
    beat = Beat([busy, other], 1.0)
    for now in range(10, 16):
        beat(float(now))
    assert (busy.begun, other.begun) == ([10.0], [11.0])
    busy.end()
    assert busy.begun == [10.0, 12.0]
    busy.end()
    busy.end()
    assert busy.begun == [10.0, 12.0, 14.0]
    # Who has caught up is in time again.
    beat(16.0)
    assert busy.begun[-1] == 16.0
    # A busy player does not make the others late.
    assert other.begun == [11.0]
    assert beat.sent == 5


def test_the_generator_is_late_only_by_its_own_doing():
    player = Fake(1)
    beat = Beat([player], 1.0)
    beat(10.0)
    beat(14.0)
    player.end()
    assert beat.late == 0.0
    while beat.sent < 5:
        player.end()
    player.end()
    beat(15.75)
    assert beat.late == 0.75


def test_what_is_overdue_is_told_by_its_age():
    players = [Fake(1), Fake(1)]
    beat = Beat(players, 0.5)
    beat(10.0)
    beat(12.0)
    # The first was due at 10, 11 and 12, the other at 10.5 and 11.5.
    assert list(beat.overdue(12.0)) == [(1.0, 0.0, 2), (0.5, 0.5, 1)]
