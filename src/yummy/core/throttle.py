"""Who did something too often lately: failed logins and new accounts, within sliding windows.

A sliding-window log (a deque of times for each key): exact, and small because the limits are.
"""

from collections import deque

import attrs

from yummy.protocol.errors import ErrorCode, Refusal
from yummy.settings import Settings

#: Keys that a throttle remembers at most; beyond that the one unused for longest is forgotten.
KEYS_MAX = 100_000


@attrs.define
class Throttle:
    """At most so many events in a window, for each key.

    Attributes:
        limit: Events allowed in a window; 0 switches the throttle off.
        window: Seconds.
    """

    limit: int
    window: float
    _times: dict[str, deque[float]] = attrs.field(factory=dict)

    def check(self, key: str | None, now: float) -> None:
        """Refuse if the key has used up its window.

        Args:
            key: An address or an account; None is exempt.
            now: Seconds of any steady clock.

        Raises:
            Refusal: `rate_limited`, with the seconds until there is room again.
        """
        times = self._recent(key, now)
        if times is not None and len(times) >= self.limit:
            raise Refusal(ErrorCode.RATE_LIMITED, retry_after=round(times[0] + self.window - now, 3))

    def count(self, key: str | None, now: float) -> None:
        """Remember that it happened once more."""
        if key is None or not self.limit:
            return
        times = self._times.pop(key, None) or deque(maxlen=self.limit)
        times.append(now)
        self._times[key] = times
        if len(self._times) > KEYS_MAX:
            del self._times[next(iter(self._times))]

    def take(self, key: str | None, now: float) -> None:
        """Count it before it is known whether it will have happened, so that many at once are as many.

        Args:
            key: An address or an account; None is exempt.
            now: Seconds of any steady clock; `give_back` wants the same again.

        Raises:
            Refusal: `rate_limited`, with the seconds until there is room for certain; nothing is counted then.
        """
        self.check(key, now)
        self.count(key, now)

    def give_back(self, key: str | None, taken: float) -> None:
        """Forget what was taken at a time, since it has not happened; its window may be over by now."""
        times = self._times.get(key) if key is not None else None
        if key is None or times is None or taken not in times:
            return
        times.remove(taken)
        if not times:
            del self._times[key]

    def _recent(self, key: str | None, now: float) -> deque[float] | None:
        times = self._times.get(key) if key is not None and self.limit else None
        if times is None or key is None:
            return None
        while times and times[0] <= now - self.window:
            times.popleft()
        if not times:
            del self._times[key]
            return None
        return times


@attrs.frozen
class Throttles:
    """The throttles of the accounts' rules."""

    login_account: Throttle
    login_address: Throttle
    new_account: Throttle

    @classmethod
    def of(cls, settings: Settings) -> "Throttles":
        """The throttles that the settings ask for."""
        minute, hour = 60.0, 3600.0
        return cls(
            login_account=Throttle(settings.login_failures_per_minute, minute),
            login_address=Throttle(settings.login_failures_per_minute_per_ip, minute),
            new_account=Throttle(settings.accounts_per_hour, hour),
        )
