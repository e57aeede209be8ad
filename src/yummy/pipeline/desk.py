"""The desk: what the rules' prepare steps ask for and wait for.

Here the core's rules, which know neither threads nor SQL, meet the services that do.
"""

from collections.abc import Iterable
from typing import Any, Protocol

import attrs
import trio

from yummy.core.values import Account, IdentityKind
from yummy.core.work import SessionRecord
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


class Passwords(Protocol):
    """Hashes and checks passwords without blocking the loop."""

    async def hash(self, password: str) -> str:
        """A salted hash."""

    async def verify(self, password_hash: str | None, password: str) -> bool:
        """Whether the password fits; takes as long when there is no hash to compare with."""

    def is_outdated(self, password_hash: str) -> bool:
        """Whether a hash was made with other parameters than those of today."""


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

    async def find_account(self, kind: IdentityKind, value: str) -> Account | None:
        """See `yummy.core.work.Desk`."""
        account = await self.store.find_account(kind, value)
        if account is not None:
            if (Table.ACCOUNT, account.id) in self.uow.held:
                account = next(iter(await self._read(account.id)), account)
            self.uow.load([account])
        return account

    async def load_accounts(self, user_ids: Iterable[str]) -> None:
        """See `yummy.core.work.Desk`."""
        absent = [user_id for user_id in user_ids if user_id not in self.uow.world.accounts]
        for user_id in absent:
            self.uow.load(await self._read(user_id))

    async def _read(self, user_id: str) -> list[Account]:
        """An account as it lasts. If its turn is held, not while a script's write to it is on its way."""
        if (Table.ACCOUNT, user_id) not in self.uow.held:
            return await self.store.load_accounts([user_id])
        turn = ("write", user_id)
        await self.turns.take(turn, self.uow)
        try:
            return await self.store.load_accounts([user_id])
        finally:
            self.turns.release(turn)

    async def find_session(self, session_id: str) -> SessionRecord | None:
        """See `yummy.core.work.Desk`."""
        return await self.store.find_session(session_id)

    async def hash_password(self, password: str) -> str:
        """See `yummy.core.work.Desk`."""
        return await self.passwords.hash(password)

    async def verify_password(self, password_hash: str | None, password: str) -> bool:
        """See `yummy.core.work.Desk`."""
        return await self.passwords.verify(password_hash, password)

    def is_outdated(self, password_hash: str) -> bool:
        """See `yummy.core.work.Desk`."""
        return self.passwords.is_outdated(password_hash)

    async def take_turns(self, keys: Iterable[tuple[Any, ...]]) -> None:
        """See `yummy.core.work.Desk`."""
        wanted = sorted(set(keys), key=lambda key: (_ORDER[key[0]], key[1:]))
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
        self.release_turns()

    async def take_over(self, session_id: str) -> None:
        """See `yummy.core.work.Desk`."""
        session = self.uow.world.sessions.get(session_id)
        line = None if session is None else self.switchboard.line(session.connection)
        if line is None or line is self.message.line:
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

    def is_taken(self, session_id: str) -> bool:
        """See `yummy.core.work.Desk`."""
        session = self.uow.world.sessions.get(session_id)
        line = None if session is None else self.switchboard.line(session.connection)
        return line is not None and line is not self.message.line and not line.gives_way
