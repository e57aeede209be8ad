"""The database, asked from the event loop: each question runs in a thread, and no more at once than it can bear."""

from collections.abc import Callable, Iterable
from typing import Any

import attrs
import structlog
import trio

from yummy.core.notices import Notice
from yummy.core.values import Account, IdentityKind
from yummy.core.work import RevokeSessions, SessionRecord, SetPassword, SetUserType
from yummy.protocol.errors import ErrorCode, Refusal
from yummy.store.database import Database, DatabaseError

_log = structlog.get_logger("yummy.store")


@attrs.define(eq=False)
class AccountStore:
    """Accounts and issued sessions. Every method raises `Refusal` (`storage_failed`) when the database fails.

    A question that has begun is not given up when its asker is cancelled: a write happens whole or not at all.
    """

    database: Database
    _limiter: trio.CapacityLimiter = attrs.field(init=False)

    def __attrs_post_init__(self) -> None:
        self._limiter = trio.CapacityLimiter(self.database.threads)

    async def find_account(self, kind: IdentityKind, value: str) -> Account | None:
        """The stored account of this name."""
        return await self._ask(self.database.find_account, kind, value)

    async def load_accounts(self, user_ids: Iterable[str]) -> list[Account]:
        """The stored accounts with these ids, where they exist."""
        return await self._ask(self.database.load_accounts, list(user_ids))

    async def find_session(self, session_id: str) -> SessionRecord | None:
        """What is remembered of an issued session."""
        return await self._ask(self.database.find_session, session_id)

    async def find_session_and_account(
        self, session_id: str, user_id: str
    ) -> tuple[SessionRecord | None, Account | None]:
        """What is remembered of an issued session, and the stored account with this id, as both are at one time."""
        return await self._ask(self.database.find_session_and_account, session_id, user_id)

    async def write(self, records: list[Account | SessionRecord | RevokeSessions | SetUserType | SetPassword]) -> None:
        """Store all of it in one transaction, or nothing."""
        await self._ask(self.database.write, records)

    async def last_notice(self) -> int:
        """The number of the latest notice; 0 if there is none."""
        return await self._ask(self.database.last_notice)

    async def notices(self, after: int) -> list[Notice]:
        """What operators have changed since the notice of this number, in order."""
        return await self._ask(self.database.notices, after)

    async def forget_sessions(self, now: int) -> int:
        """Forget issued sessions whose tokens have expired by themselves; returns how many."""
        return await self._ask(self.database.forget_sessions, now)

    async def _ask[R](self, question: Callable[..., R], *arguments: Any) -> R:
        try:
            return await trio.to_thread.run_sync(question, *arguments, limiter=self._limiter)
        except DatabaseError as error:
            _log.error("storage_failed", what=question.__name__, why=str(error))
            raise Refusal(ErrorCode.STORAGE_FAILED) from None

    def statistics(self) -> trio.CapacityLimiterStatistics:
        """How many questions run and wait."""
        return self._limiter.statistics()
