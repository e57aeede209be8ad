"""The desk: what the rules' prepare steps ask for and wait for.

Here the core's rules, which know neither threads nor SQL, meet the services that do.
"""

from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from typing import Any, Protocol

import attrs
import trio

from yummy.core.values import Account, IdentityKind
from yummy.core.work import SessionRecord, identity_key
from yummy.pipeline.commit import Store
from yummy.pipeline.message import Message, Superseded
from yummy.pipeline.switchboard import Line, Switchboard
from yummy.pipeline.turns import TurnKey, Turns
from yummy.pipeline.unit import Table, UnitOfWork

#: Names before accounts; see `yummy.pipeline.turns` for why there is one order.
_ORDER = {"identity": 0, Table.ACCOUNT: 1}


class LookupStore(Store, Protocol):
    """What the desk reads from the store."""

    async def find_account(self, kind: IdentityKind, value: str) -> Account | None:
        """The stored account of this name.

        Raises:
            Refusal: `storage_failed`.
        """

    async def find_session(self, session_id: str) -> SessionRecord | None:
        """What is remembered of an issued session.

        Raises:
            Refusal: `storage_failed`.
        """

    async def find_session_and_account(
        self, session_id: str, user_id: str
    ) -> tuple[SessionRecord | None, Account | None]:
        """What is remembered of an issued session, and the stored account with this id, as both are at one time.

        Raises:
            Refusal: `storage_failed`.
        """


class Passwords(Protocol):
    """Hashes and checks passwords without blocking the loop."""

    async def hash(self, password: str) -> str:
        """A salted hash."""

    async def verify(self, password_hash: str | None, password: str) -> bool:
        """Whether the password fits; takes as long when there is no hash to compare with."""

    def is_outdated(self, password_hash: str) -> bool:
        """Whether a hash was made with other parameters than those of today."""


@attrs.frozen
class _Found:
    """What was found by a name, before anything that it says was certain to stay so.

    Attributes:
        name: The key of the name's turn.
        account: What was found.
        moment: Since when the turns are watched.
    """

    name: TurnKey
    account: Account | None
    moment: int


@attrs.define(eq=False)
class ServiceDesk:
    """One message's desk. The turns that it took are held until `release_turns`."""

    uow: UnitOfWork
    message: Message
    store: LookupStore
    passwords: Passwords
    turns: Turns
    switchboard: Switchboard
    _held: list[TurnKey] = attrs.field(factory=list)
    _waiting_lines: list[Line] = attrs.field(factory=list)
    # Only while it may still be as it was found; the turns are watched meanwhile.
    _found: _Found | None = None

    async def find_account(self, kind: IdentityKind, value: str) -> Account | None:
        """See `yummy.core.work.Desk`."""
        name = identity_key(kind, value)
        if self._found is not None and self._stands(self._found, name):
            return self._found.account
        self._doubt()
        if name in self._held:
            return await self._find(kind, value)
        moment = self.turns.watch()
        try:
            account = await self._find(kind, value)
        except BaseException:
            self.turns.unwatch()
            raise
        self._found = _Found(name, account, moment)
        return account

    async def _find(self, kind: IdentityKind, value: str) -> Account | None:
        async with self._unwritten(key[1] for key in self.uow.held if key[0] is Table.ACCOUNT):
            account = await self.store.find_account(kind, value)
            if account is not None:
                self.uow.load([account])
        return account

    def _stands(self, found: _Found, name: TurnKey) -> bool:
        """Whether it is certain that what was found by this name still is so: nobody can have changed it meanwhile."""
        held: list[TurnKey] = [name]
        writes: list[TurnKey] = []
        if found.account is not None:
            held.append((Table.ACCOUNT, found.account.id))
            writes.append(("write", found.account.id))
        return (
            found.name == name
            and all(key in self._held for key in held)
            and self.turns.free(writes)
            and self.turns.unused_since(found.moment, [*held, *writes])
        )

    def _doubt(self) -> None:
        """Let what was found be looked for again: this message has waited for something else since.

        Operators change accounts as well, and take no turns.
        """
        if self._found is not None:
            self._found = None
            self.turns.unwatch()

    async def load_accounts(self, user_ids: Iterable[str]) -> None:
        """See `yummy.core.work.Desk`."""
        absent = [user_id for user_id in user_ids if user_id not in self.uow.world.accounts]
        for user_id in absent:
            self.uow.load(await self._read(user_id))

    async def _read(self, user_id: str) -> list[Account]:
        """An account as it lasts. If its turn is held, not while a script's write to it is on its way."""
        async with self._unwritten([user_id]):
            return await self.store.load_accounts([user_id])

    @asynccontextmanager
    async def _unwritten(self, user_ids: Iterable[str]) -> AsyncIterator[None]:
        """A moment in which nobody writes to these accounts, as far as their turns are held."""
        turns = [("write", user_id) for user_id in sorted(user_ids) if (Table.ACCOUNT, user_id) in self.uow.held]
        taken = []
        try:
            for turn in turns:
                await self.turns.take(turn, self.uow)
                taken.append(turn)
            yield
        finally:
            for turn in taken:
                self.turns.release(turn)

    async def find_session(self, session_id: str, owner: str | None = None) -> SessionRecord | None:
        """See `yummy.core.work.Desk`."""
        if owner is None or owner in self.uow.world.accounts:
            return await self.store.find_session(session_id)
        async with self._unwritten([owner]):
            record, account = await self.store.find_session_and_account(session_id, owner)
            if account is not None:
                self.uow.load([account])
        return record

    async def hash_password(self, password: str) -> str:
        """See `yummy.core.work.Desk`."""
        self._doubt()
        return await self.passwords.hash(password)

    async def verify_password(self, password_hash: str | None, password: str) -> bool:
        """See `yummy.core.work.Desk`."""
        self._doubt()
        return await self.passwords.verify(password_hash, password)

    def is_outdated(self, password_hash: str) -> bool:
        """See `yummy.core.work.Desk`."""
        return self.passwords.is_outdated(password_hash)

    async def take_turns(self, keys: Iterable[tuple[Any, ...]]) -> None:
        """See `yummy.core.work.Desk`."""
        wanted = sorted(set(keys), key=lambda key: (_ORDER[key[0]], key[1:]))
        if not self.turns.free(wanted):
            self._doubt()
        for key in wanted:
            await self.turns.take(key, self.uow)
            self._held.append(key)
        changed = self.uow.changes()
        for key in wanted:
            if key[0] is Table.ACCOUNT:
                account_key = (Table.ACCOUNT, str(key[1]))
                if account_key in changed:
                    # A script wrote to it before its turn was held: do that again, to the account as it is now.
                    await self.load_accounts([account_key[1]])
                self.uow.hold(account_key)

    def release_turns(self) -> None:
        """See `yummy.core.work.Desk`."""
        for key in self._held:
            if key[0] is Table.ACCOUNT:
                self.uow.held.discard((Table.ACCOUNT, key[1]))
            self.turns.release(key)
        self._held.clear()

    def leave(self) -> None:
        """The message has ended.

        Connections go on that gave way for nothing; those that the commit has hung up stay as they are.
        """
        for line in self._waiting_lines:
            line.go_on()
        self._waiting_lines.clear()
        self._doubt()
        self.release_turns()

    async def take_over(self, session_id: str) -> None:
        """See `yummy.core.work.Desk`."""
        line = self._other_line(session_id)
        if line is None:
            return
        try:
            with trio.CancelScope() as scope:
                self.message.stop_waiting = scope.cancel
                await line.give_way()
        except BaseException:
            line.go_on()
            raise
        finally:
            self.message.stop_waiting = None
        if scope.cancelled_caught:
            line.go_on()
            raise Superseded
        if line.session_id == session_id:
            # The commit hangs it up; without one it goes on.
            self._waiting_lines.append(line)
        else:
            # What it had begun has made it speak for another session.
            line.go_on()

    def is_attached(self, session_id: str) -> bool:
        """See `yummy.core.work.Desk`."""
        return self._other_line(session_id) is not None

    def is_taken(self, session_id: str) -> bool:
        """See `yummy.core.work.Desk`."""
        line = self._other_line(session_id)
        return line is not None and not line.gives_way

    def _other_line(self, session_id: str) -> Line | None:
        """The connection that speaks for a session, if it is another than that of the message."""
        session = self.uow.world.sessions.get(session_id)
        line = None if session is None else self.switchboard.line(session.connection)
        return None if line is self.message.line else line
