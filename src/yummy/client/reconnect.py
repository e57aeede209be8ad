"""How a client tries to get a lost connection back."""

import random
from collections.abc import Callable, Iterator

from attrs import frozen

#: Close codes after which trying again would only repeat what happened: policy, not authenticated in time, session
#: taken over by another connection (which would be thrown out in turn), protocol abuse.
FINAL_CODES = frozenset({1008, 4001, 4003, 4005})
#: HTTP statuses that say "later", not "no".
BUSY_STATUSES = frozenset({429, 503})


@frozen
class Reconnect:
    """Attempts and the pauses before them.

    The server keeps the session of a lost connection for ten seconds by default; the first four attempts fit in.

    Attributes:
        attempts: How often to try before giving up; they count anew after each success.
        first: Seconds before the first attempt.
        factor: How much longer each further pause is.
        longest: Seconds that no pause exceeds.
        jitter: Which part of a pause is left to chance (0 to 1), so that after a restart of the server not all its
            clients come back at once.
        chance: A number from 0 to 1, drawn anew for each pause.
    """

    attempts: int = 8
    first: float = 0.25
    factor: float = 2.0
    longest: float = 8.0
    jitter: float = 0.5
    chance: Callable[[], float] = random.random

    def pauses(self) -> Iterator[float]:
        """The seconds to wait before each attempt."""
        for attempt in range(self.attempts):
            pause = min(self.first * self.factor**attempt, self.longest)
            yield pause * (1 - self.jitter * self.chance())
