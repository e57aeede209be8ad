"""Commit: the one place where what was staged happens.

In this order: durable writes (one transaction), the live state, who speaks for which session, the answer, events in
the order in which they were staged, and last what follows from the change. If the durable write fails, nothing else
happens.
"""

from collections.abc import Callable, Iterable
from typing import Any, Protocol

import attrs

from yummy.core.values import Account
from yummy.core.work import (
    Bind,
    EndSession,
    HangUp,
    Note,
    RevokeSessions,
    SessionEnded,
    SessionRecord,
    SetPassword,
    SetUserType,
)
from yummy.pipeline.switchboard import Switchboard
from yummy.pipeline.turns import Turns
from yummy.pipeline.unit import Change, Key, Table, UnitOfWork
from yummy.store.world import World

CLOSE_TAKEN_OVER = 4003

_ALWAYS_DURABLE = frozenset({SessionRecord, RevokeSessions})
_RECORDS = (SessionRecord, RevokeSessions, SetUserType, SetPassword)

type AfterEffect = SessionEnded | EndSession
type Durable = Account | SessionRecord | RevokeSessions | SetUserType | SetPassword


class Store(Protocol):
    """Where accounts and issued sessions last."""

    async def write(self, records: list[Durable]) -> None:
        """Store all of it in one transaction, or nothing.

        Raises:
            Refusal: `storage_failed`.
        """

    async def load_accounts(self, user_ids: Iterable[str]) -> list[Account]:
        """The stored accounts with these ids, where they exist.

        Raises:
            Refusal: `storage_failed`.
        """


@attrs.define(eq=False)
class Committer:
    """Makes units of work happen."""

    world: World
    store: Store
    turns: Turns
    switchboard: Switchboard

    def is_durable(self, uow: UnitOfWork) -> bool:
        """Whether the commit writes to the store, and so waits."""
        if uow.staged and not _ALWAYS_DURABLE.isdisjoint(map(type, uow.staged)):
            return True
        return bool(uow.journal and (uow.puts(Table.ACCOUNT) or any(key[0] is Table.ACCOUNT for key in uow.changes())))

    async def commit(self, uow: UnitOfWork, answer: Callable[[], None]) -> list[AfterEffect]:
        """Carry out a unit of work.

        Args:
            uow: What was staged.
            answer: Sends the answer; called after the state has changed and before any event is sent.

        Returns:
            What is to follow, as chains of their own.

        Raises:
            Refusal: `storage_failed`; nothing has happened.
        """
        if not self.is_durable(uow):
            return self.commit_now(uow, answer)
        touched = {(Table.ACCOUNT, user_id) for user_id in uow.puts(Table.ACCOUNT)}
        touched |= {key for key in uow.changes() if key[0] is Table.ACCOUNT}
        taken = []
        try:
            for _, user_id in sorted(touched, key=lambda key: key[1]):
                turn = ("write", user_id)
                await self.turns.take(turn, uow)
                taken.append(turn)
            accounts = await self._accounts(uow)
            records = [item for item in uow.staged if isinstance(item, _RECORDS)]
            await self.store.write([*accounts, *records])
            return self.commit_now(uow, answer, accounts)
        finally:
            for turn in taken:
                self.turns.release(turn)

    async def _accounts(self, uow: UnitOfWork) -> list[Account]:
        """The final values of all accounts that are written."""
        foreign = {key: changes for key, changes in uow.changes().items() if key[0] is Table.ACCOUNT}
        # Whoever goes offline meanwhile leaves memory: every account that a script writes to is read.
        wanted = [user_id for _, user_id in foreign]
        stored = {account.id: account for account in await self.store.load_accounts(wanted)} if wanted else {}
        finals = list(uow.puts(Table.ACCOUNT).values())
        for (_, user_id), changes in foreign.items():
            now = self.world.accounts.get(user_id) or stored.get(user_id)
            final = self._with(now, changes)
            if final is not None:
                finals.append(final)
        return finals

    def commit_now(
        self, uow: UnitOfWork, answer: Callable[[], None], accounts: Iterable[Account] = ()
    ) -> list[AfterEffect]:
        """Carry out a unit of work that has nothing durable, or nothing durable any more, without waiting.

        Args:
            uow: What was staged.
            answer: As for `commit`.
            accounts: Those that were written to the store.

        Returns:
            What is to follow, as chains of their own.
        """
        if uow.journal:
            self._swap(uow, accounts)
        staged = uow.staged
        for item in staged:
            if type(item) is HangUp:
                self.switchboard.hang_up(item.connection, CLOSE_TAKEN_OVER, "session taken over")
            elif type(item) is Note:
                item.happened()
            elif type(item) is Bind:
                self.switchboard.bind(item.connection, item.session_id)
        answer()
        for delivery in uow.deliveries:
            self.switchboard.deliver(delivery)
        return [item for item in staged if type(item) is SessionEnded or type(item) is EndSession] if staged else []

    def _swap(self, uow: UnitOfWork, accounts: Iterable[Account]) -> None:
        world = self.world
        for session_id, session in uow.puts(Table.SESSION).items():
            world.put_session(session_id, session)
        for room_id, room in uow.puts(Table.ROOM).items():
            world.put_room(room_id, room)
        for key, changes in uow.changes().items():
            self._hand_over(key, changes)
            if key[0] is Table.ROOM:
                world.put_room(key[1], self._with(world.rooms.get(key[1]), changes))
        for account in accounts:
            world.put_account(account)

    def _with(self, value: Any, changes: list[Change]) -> Any:
        """The value after these operations."""
        for change in changes:
            value = change.applied_to(value)
        return value

    def _hand_over(self, key: Key, changes: list[Change]) -> None:
        holder = self.turns.holder(key)
        if holder is not None:
            for change in changes:
                holder.adopt(change)
