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


@attrs.define(eq=False)
class _Turn:
    holder: UnitOfWork
    waiting: deque["_Waiter"] = attrs.field(factory=deque)


@attrs.define(eq=False)
class _Waiter:
    uow: UnitOfWork
    granted: trio.Event = attrs.field(factory=trio.Event)


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
        """Wait for a turn. Cancelled while waiting, it is not held."""
        turn = self._turns.get(key)
        if turn is None:
            self.take_free(key, uow)
            return
        waiter = _Waiter(uow)
        turn.waiting.append(waiter)
        try:
            await waiter.granted.wait()
        except trio.Cancelled:
            if waiter.granted.is_set():
                self.release(key)
            else:
                turn.waiting.remove(waiter)
            raise

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
        turn.holder = waiter.uow
        waiter.granted.set()

    def statistics(self) -> TurnStatistics:
        """How many turns are held and waited for."""
        return TurnStatistics(len(self._turns), sum(len(turn.waiting) for turn in self._turns.values()))
