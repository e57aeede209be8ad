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

from yummy.pipeline.unit import UnitOfWork

type TurnKey = tuple[Any, ...]


class Withdrawn(Exception):  # noqa: N818  # it says a state: who waited was told to wait no longer
    """A unit of work no longer waits for its turn, and does not hold it."""


@attrs.define(eq=False)
class _Turn:
    holder: UnitOfWork
    waiting: deque["_Waiter"] = attrs.field(factory=deque)


@attrs.define(eq=False)
class _Waiter:
    uow: UnitOfWork
    turn: _Turn
    task: trio.lowlevel.Task


@attrs.frozen
class TurnStatistics:
    """How many turns are held, and how many messages wait for one.

    At most one message of each connection waits, so the number is bounded by that of connections.
    """

    held: int
    waiting: int


@attrs.define(eq=False)
class Turns:
    """All turns that are held, by key; first come, first served."""

    _turns: dict[TurnKey, _Turn] = attrs.field(factory=dict)
    # A unit of work waits for one turn at a time.
    _waiters: dict[UnitOfWork, _Waiter] = attrs.field(factory=dict)

    def free(self, keys: Iterable[TurnKey]) -> bool:
        """Whether nobody holds any of these turns."""
        return not self._turns or not any(key in self._turns for key in keys)

    def holder(self, key: TurnKey) -> UnitOfWork | None:
        """The unit of work whose turn it is."""
        turn = self._turns.get(key)
        return None if turn is None else turn.holder

    def take_free(self, key: TurnKey, uow: UnitOfWork) -> None:
        """Take a turn that nobody holds."""
        self._turns[key] = _Turn(uow)

    async def take(self, key: TurnKey, uow: UnitOfWork) -> None:
        """Wait for a turn. Cancelled while waiting, it is not held.

        Raises:
            Withdrawn: The unit has been withdrawn.
        """
        turn = self._turns.get(key)
        if turn is None:
            self.take_free(key, uow)
            return
        if uow.withdrawn:
            raise Withdrawn
        waiter = _Waiter(uow, turn, trio.lowlevel.current_task())
        turn.waiting.append(waiter)
        self._waiters[uow] = waiter

        def give_up(_: object) -> trio.lowlevel.Abort:
            self._forget(waiter)
            return trio.lowlevel.Abort.SUCCEEDED

        # An event would do the same for three times the price, and players of one room wait for each other often.
        await trio.lowlevel.wait_task_rescheduled(give_up)
        if uow.withdrawn:
            if self.holder(key) is uow:
                # It was given the turn, and withdrawn before it could go on.
                self.release(key)
            raise Withdrawn

    def withdraw(self, uow: UnitOfWork) -> None:
        """Let a unit of work wait for no turn any more: not for the one that it waits for, nor for another one."""
        uow.withdrawn = True
        waiter = self._waiters.get(uow)
        if waiter is not None:
            self._forget(waiter)
            trio.lowlevel.reschedule(waiter.task)

    def hand_over(self, key: TurnKey, uow: UnitOfWork) -> None:
        """Give a turn that is held to another unit of work, past all who wait for it."""
        self._turns[key].holder = uow

    def release(self, key: TurnKey) -> None:
        """Give a turn to who has waited longest, if anybody has."""
        turn = self._turns[key]
        if not turn.waiting:
            del self._turns[key]
            return
        waiter = turn.waiting.popleft()
        del self._waiters[waiter.uow]
        turn.holder = waiter.uow
        trio.lowlevel.reschedule(waiter.task)

    def statistics(self) -> TurnStatistics:
        """How many turns are held and waited for."""
        return TurnStatistics(len(self._turns), len(self._waiters))

    def _forget(self, waiter: _Waiter) -> None:
        waiter.turn.waiting.remove(waiter)
        del self._waiters[waiter.uow]
