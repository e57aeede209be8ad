"""Turns: who may change a room, a name or an account now.

A turn is held from before the pre hooks (rooms) or from before the core (names, then accounts) until the commit, so
that messages that concern one room run one after another. Turns are taken in one order: rooms by id, names, accounts
by id, and last, for the short time of a durable write, the write turns. Nobody waits for an earlier kind while holding
a later one, so no two messages can wait for each other.

A turn that nobody else wants costs two dictionary operations and no checkpoint.
"""

from collections import deque
from collections.abc import Iterable
from typing import Any

import attrs
import trio

from yummy.pipeline.steps import Waiter
from yummy.pipeline.unit import UnitOfWork

RELEASES_MAX = 10_000
"""Turns that are remembered to have been given back, while anybody watches."""

type TurnKey = tuple[Any, ...]


class Withdrawn(Exception):  # noqa: N818  # it says a state: who waited was told to wait no longer
    """A unit of work no longer waits for its turn, and does not hold it."""


@attrs.define(eq=False, repr=False)
class _Place:
    """A place in the line for a turn."""

    key: TurnKey
    uow: UnitOfWork
    waiter: Waiter


@attrs.frozen
class TurnStatistics:
    """How many turns are held, and how many messages wait for one.

    At most one message of each connection waits, so the number is bounded by that of connections.
    """

    held: int
    waiting: int


@attrs.define(eq=False, repr=False)
class Turns:
    """All turns; first come, first served.

    Attributes:
        held: Whose turn it is, by key; only for `Turns` to change.
    """

    held: dict[TurnKey, UnitOfWork] = attrs.field(factory=dict)
    # There only for turns that somebody waits for.
    _lines: dict[TurnKey, deque[_Place]] = attrs.field(factory=dict)
    # A unit of work waits for one turn at a time.
    _places: dict[UnitOfWork, _Place] = attrs.field(factory=dict)
    # When each turn was given back last, counted in such events; only while somebody watches.
    _released: dict[TurnKey, int] = attrs.field(factory=dict)
    _watches: int = 0
    _time: int = 0
    _forgotten: int = 0

    def free(self, keys: Iterable[TurnKey]) -> bool:
        """Whether nobody holds any of these turns."""
        return self.held.keys().isdisjoint(keys)

    def holder(self, key: TurnKey) -> UnitOfWork | None:
        """The unit of work whose turn it is."""
        return self.held.get(key)

    def take_free(self, key: TurnKey, uow: UnitOfWork) -> None:
        """Take a turn that nobody holds."""
        self.held[key] = uow

    def queue(self, key: TurnKey, uow: UnitOfWork, waiter: Waiter) -> None:
        """Take a turn, or wait for it.

        Args:
            key: Which turn.
            uow: Who wants it.
            waiter: Resumed once the unit holds it; `Withdrawn` is thrown if it was withdrawn instead.

        Raises:
            Withdrawn: It was withdrawn before.
        """
        if uow.withdrawn:
            raise Withdrawn
        if key not in self.held:
            self.take_free(key, uow)
            waiter.resume()
            return
        place = self._places[uow] = _Place(key, uow, waiter)
        line = self._lines.get(key)
        if line is None:
            self._lines[key] = deque((place,))
        else:
            line.append(place)

    async def take(self, key: TurnKey, uow: UnitOfWork) -> None:
        """Wait for a turn, in a task. Cancelled while waiting, it is not held."""
        if key not in self.held:
            self.take_free(key, uow)
            return
        waiter = _Task()
        self.queue(key, uow, waiter)
        try:
            await waiter.granted.wait()
        except trio.Cancelled:
            if waiter.granted.is_set():
                self.release(key)
            else:
                self._leave_line(self._places[uow])
            raise

    def withdraw(self, uow: UnitOfWork) -> None:
        """Let a unit of work wait for no turn any more: not for the one that it waits for, nor for another one."""
        uow.withdrawn = True
        place = self._places.get(uow)
        if place is not None:
            self._leave_line(place)
            place.waiter.throw(Withdrawn())

    def hand_over(self, key: TurnKey, uow: UnitOfWork) -> None:
        """Give a turn that is held to another unit of work, past all who wait for it."""
        self.held[key] = uow

    def release(self, key: TurnKey) -> None:
        """Give a turn to who has waited longest, if anybody has."""
        if self._watches:
            self._note(key)
        line = self._lines.get(key)
        if line is None:
            del self.held[key]
            return
        place = line.popleft()
        if not line:
            del self._lines[key]
        del self._places[place.uow]
        self.held[key] = place.uow
        place.waiter.resume()

    def watch(self) -> int:
        """Note from now on which turns are given back, until `unwatch`.

        Whoever reads something before holding its turn can tell by that whether it still is as it was read.

        Returns:
            The moment, for `unused_since`.
        """
        self._watches += 1
        return self._time

    def unwatch(self) -> None:
        """End one watch."""
        self._watches -= 1
        if not self._watches:
            self._released.clear()

    def unused_since(self, moment: int, keys: Iterable[TurnKey]) -> bool:
        """Whether nobody who held one of these turns has given it back since then; if in doubt, False.

        Args:
            moment: What `watch` returned; the watch goes on.
            keys: Which turns. They should be free now, or held by who asks.
        """
        return moment >= self._forgotten and all(self._released.get(key, 0) <= moment for key in keys)

    def _note(self, key: TurnKey) -> None:
        if len(self._released) >= RELEASES_MAX:
            self._released.clear()
            self._forgotten = self._time
        self._time += 1
        self._released[key] = self._time

    def statistics(self) -> TurnStatistics:
        """How many turns are held and waited for."""
        return TurnStatistics(len(self.held), len(self._places))

    def _leave_line(self, place: _Place) -> None:
        del self._places[place.uow]
        line = self._lines[place.key]
        line.remove(place)
        if not line:
            del self._lines[place.key]


@attrs.define(eq=False)
class _Task:
    """A task that waits for its turn."""

    granted: trio.Event = attrs.field(factory=trio.Event)

    def resume(self, _value: Any = None) -> None:
        self.granted.set()

    def throw(self, error: Exception) -> None:
        """Only chains are withdrawn; see `Turns.withdraw`."""
        raise error
