"""When requests are due in an open loop. Pure: it is told the time."""

from collections.abc import Iterator, Sequence
from functools import partial

from attrs import define, field

from benchmarks.generator import Player


@define
class Beat:
    """Lets players send in turn, at a fixed rate, however long answers take (an open loop).

    A player that has as much in flight as it may sends what is due as soon as it can. A request counts from when it was
    due in any case: one that has to wait because the server is slow is a slow request, not a later one.

    Attributes:
        players: Who sends.
        pause: Seconds between two requests.
        began: When the first one is due, on the clock; 0: when it is called first.
        sent: Requests.
        late: The most seconds by which one was sent too late that did not wait for its player: the generator's own
            share of what it measures.
    """

    players: Sequence[Player]
    pause: float
    began: float = 0.0
    sent: int = 0
    late: float = 0.0
    _due: int = 0
    _owed: list[int] = field(init=False)
    _begun: list[int] = field(init=False)

    def __attrs_post_init__(self) -> None:
        self._owed = [0] * len(self.players)
        self._begun = [0] * len(self.players)

    def __call__(self, now: float) -> float:
        """Send what is due by now; when the next one is."""
        if not self._due:
            self.began = self.began or now
            for number, player in enumerate(self.players):
                player.freed = partial(self._catch_up, number)
        while (due := self.began + self._due * self.pause) <= now:
            number = self._due % len(self.players)
            self._due += 1
            self._owed[number] += 1
            if self._owed[number] == 1 and self.players[number].free:
                self.late = max(self.late, now - due)
                self._send(number)
        return due

    def _catch_up(self, number: int) -> None:
        while self._owed[number] and self.players[number].free:
            self._send(number)

    def _send(self, number: int) -> None:
        due = self._due_of(number)
        self._owed[number] -= 1
        self._begun[number] += 1
        self.sent += 1
        self.players[number].begin(due)

    def _due_of(self, number: int) -> float:
        """When the next request of a player is, or was, due."""
        return self.began + (self._begun[number] * len(self.players) + number) * self.pause

    def overdue(self, now: float) -> Iterator[tuple[float, float, int]]:
        """What was due and has not been sent: of each player, for how long the oldest and the newest is, and how many.

        Args:
            now: The time, at which nothing more becomes due.
        """
        for number, owed in enumerate(self._owed):
            if owed:
                oldest = now - self._due_of(number)
                yield oldest, oldest - (owed - 1) * len(self.players) * self.pause, owed
