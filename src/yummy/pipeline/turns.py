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
    """All turns that are held, by key; first come, first served."""

    _holders: dict[TurnKey, UnitOfWork] = attrs.field(factory=dict)
    # There only for turns that somebody waits for.
    _lines: dict[TurnKey, deque[_Place]] = attrs.field(factory=dict)
    # A unit of work waits for one turn at a time.
    _places: dict[UnitOfWork, _Place] = attrs.field(factory=dict)

    @property
    def none_held(self) -> bool:
        """Whether nobody holds any turn."""
        return not self._holders

    def free(self, keys: Iterable[TurnKey]) -> bool:
        """Whether nobody holds any of these turns."""
        return self._holders.keys().isdisjoint(keys)

    def holder(self, key: TurnKey) -> UnitOfWork | None:
        """The unit of work whose turn it is."""
        return self._holders.get(key)

    def take_free(self, key: TurnKey, uow: UnitOfWork) -> None:
        """Take a turn that nobody holds."""
        self._holders[key] = uow

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
        if key not in self._holders:
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
        if key not in self._holders:
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
        self._holders[key] = uow

    def release(self, key: TurnKey) -> None:
        """Give a turn to who has waited longest, if anybody has."""
        line = self._lines.get(key)
        if line is None:
            del self._holders[key]
            return
        place = line[0]
        self._leave_line(place)
        self._holders[key] = place.uow
        place.waiter.resume()

    def statistics(self) -> TurnStatistics:
        """How many turns are held and waited for."""
        return TurnStatistics(len(self._holders), len(self._places))

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
