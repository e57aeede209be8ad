"""How many messages a connection may send: a token bucket.

The bucket holds two seconds' worth, so that a burst of that size passes, and fills at the allowed rate.
"""

import attrs

BURST_SECONDS = 2.0


@attrs.define
class RateLimit:
    """One connection's bucket.

    Attributes:
        per_second: Messages a second; 0 switches the limit off.
        updated: When the bucket was last filled, in seconds of a steady clock.
    """

    per_second: float
    updated: float
    _tokens: float = attrs.field(init=False)

    def __attrs_post_init__(self) -> None:
        self._tokens = self.per_second * BURST_SECONDS

    def spend(self, now: float) -> float:
        """Spend a token.

        Args:
            now: Seconds of the same clock.

        Returns:
            0 if there was one, else the seconds until there is one again; nothing is spent then.
        """
        if not self.per_second:
            return 0.0
        filled = self._tokens + (now - self.updated) * self.per_second
        self._tokens = min(filled, self.per_second * BURST_SECONDS)
        self.updated = now
        if self._tokens >= 1:
            self._tokens -= 1
            return 0.0
        return round((1 - self._tokens) / self.per_second, 3)
