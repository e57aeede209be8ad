"""The database: how it is opened, brought up to date and asked. Synchronous; one function is one transaction.

SQLite in write-ahead mode: readers do not wait for the writer, and a transaction that has been committed survives the
death of the process. Writers begin with ``BEGIN IMMEDIATE``, so that none of them has to give up half-way.
"""

import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from json import JSONDecodeError
from pathlib import Path
from typing import Any

import alembic.command
import alembic.config
import attrs
from alembic.util import CommandError
from sqlalchemy import Connection, Engine, Row, create_engine, delete, event, func, select
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.pool import StaticPool

from yummy.core.notices import AccountChange, Notice
from yummy.core.values import OPERATORS_FIELDS, Account, IdentityKind, Meta
from yummy.core.work import RevokeSessions, SessionRecord, SetPassword, SetUserType
from yummy.store import statements
from yummy.store.tables import NOTICES, SESSIONS

BUSY_TIMEOUT = 5.0
"""Seconds that a writer waits for another process's."""

POOL = 4
"""Connections to the database, and so threads that use it at once."""

ISSUED_SESSIONS_MAX = 200
"""Sessions that are remembered of one user: twice as many as `MAX_SESSIONS_PER_USER` lets them have at a time, so that
tokens of some that have gone still work. Logging in again and again would else fill the table until tokens expire."""


NOTICE_LIFETIME = 3600
"""Seconds that notices are kept for; a server reads them within a second or two."""

type Record = Account | SessionRecord | RevokeSessions | SetUserType | SetPassword


class DatabaseError(Exception):
    """The database did not do what it was asked to; the text says why, without any values."""


@contextmanager
def _readable_errors() -> Iterator[None]:
    """The one boundary where the driver's errors become ours."""
    try:
        yield
    except CommandError as error:
        raise DatabaseError(f"its tables are of another version of Yummy: {error}") from None
    except (SQLAlchemyError, sqlite3.Error) as error:
        # Its own text would repeat the statement's parameters, password hashes among them.
        cause = getattr(error, "orig", None) or error
        raise DatabaseError(f"{type(cause).__name__}: {cause}") from None
    except JSONDecodeError as error:
        raise DatabaseError(f"metadata that is no JSON: {error}") from None


@attrs.frozen(eq=False)
class Database:
    """An open database.

    Attributes:
        engine: SQLAlchemy's.
        threads: How many threads may use it at once.
    """

    engine: Engine
    threads: int

    @classmethod
    def open(cls, url: str) -> "Database":
        """Open a database and bring its tables up to date.

        Args:
            url: An SQLAlchemy URL of an SQLite database.

        Raises:
            DatabaseError: It cannot be opened, or is none of ours.
        """
        in_memory = url in ("sqlite://", "sqlite:///:memory:")
        # The connection that was used last comes first, since it still has what it has read of the file: each has to
        # read again what another one has written to.
        several = {"pool_size": POOL, "max_overflow": 0, "pool_use_lifo": True}
        pool: dict[str, Any] = {"poolclass": StaticPool} if in_memory else several
        with _readable_errors():
            engine = create_engine(url, connect_args={"check_same_thread": False, "timeout": BUSY_TIMEOUT}, **pool)
            _prepare_sqlite(engine)
            # An in-memory database is one connection, which one thread at a time may use.
            database = cls(engine, threads=1 if in_memory else POOL)
            try:
                database.upgrade()
                # SQLite opens a file that it may only read, and begins to write to it, without a word.
                database.forget_sessions(0)
            except BaseException:
                engine.dispose()
                raise
        return database

    def upgrade(self) -> None:
        """Apply the migrations that are missing."""
        config = alembic.config.Config()
        config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
        config.set_main_option("path_separator", "os")
        with self.writing() as connection:
            config.attributes["connection"] = connection
            alembic.command.upgrade(config, "head")

    def close(self) -> None:
        """Close all connections."""
        self.engine.dispose()

    def find_account(self, kind: IdentityKind, value: str) -> Account | None:
        """The account of this name."""
        with self.reading() as connection:
            row = connection.execute(statements.FIND_ACCOUNT[kind], {"wanted": value}).first()
            return None if row is None else account_of(row)

    def load_accounts(self, user_ids: Iterable[str]) -> list[Account]:
        """The accounts with these ids, where they exist."""
        with self.reading() as connection:
            accounts = [_load_account(connection, user_id) for user_id in dict.fromkeys(user_ids)]
        return [account for account in accounts if account is not None]

    def find_session(self, session_id: str) -> SessionRecord | None:
        """What is remembered of an issued session."""
        with self.reading() as connection:
            return _find_session(connection, session_id)

    def find_session_and_account(self, session_id: str, user_id: str) -> tuple[SessionRecord | None, Account | None]:
        """What is remembered of an issued session, and the account with this id, as both are at one time."""
        with self.reading() as connection:
            return _find_session(connection, session_id), _load_account(connection, user_id)

    def write(self, records: Iterable[Record]) -> None:
        """Store all of it in one transaction, or nothing."""
        with self.writing() as connection:
            for record in records:
                _write_one(connection, record)

    def set_user_type(self, user_id: str, user_type: int) -> None:
        """Change what a user may do, and nothing else of the account."""
        self.write([SetUserType(user_id, user_type)])

    def notices(self, after: int) -> list[Notice]:
        """What operators have changed since the notice of this number, in order."""
        later = select(NOTICES).where(NOTICES.c.number > after).order_by(NOTICES.c.number)
        with self.reading() as connection:
            rows = connection.execute(later).mappings().all()
        return [Notice(row["number"], row["user_id"], AccountChange(row["what"])) for row in rows]

    def last_notice(self) -> int:
        """The number of the latest notice; 0 if there is none."""
        with self.reading() as connection:
            number: int | None = connection.execute(select(func.max(NOTICES.c.number))).scalar()
        return number or 0

    def forget_sessions(self, now: int) -> int:
        """Forget sessions whose tokens have expired by themselves, and old notices; returns how many sessions."""
        with self.writing() as connection:
            connection.execute(delete(NOTICES).where(NOTICES.c.made < now - NOTICE_LIFETIME))
            return connection.execute(delete(SESSIONS).where(SESSIONS.c.expires < now)).rowcount

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """One transaction that only reads."""
        with _readable_errors(), self.engine.connect() as connection:
            _begin(connection, "BEGIN")
            yield connection

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """One transaction that writes; it happens whole or not at all."""
        with _readable_errors(), self.engine.begin() as connection:
            _begin(connection, "BEGIN IMMEDIATE")
            yield connection


def _begin(connection: Connection, how: str) -> None:
    """Begin a transaction, which SQLAlchemy ends.

    That is said to the driver itself: for SQLAlchemy it would be one more statement, and an engine that anybody listens
    to, as its own way to do this has it, takes half as long again for each.
    """
    connection.connection.cursor().execute(how)


def _load_account(connection: Connection, user_id: str) -> Account | None:
    row = connection.execute(statements.LOAD_ACCOUNT, {"wanted": user_id}).first()
    return None if row is None else account_of(row)


def _find_session(connection: Connection, session_id: str) -> SessionRecord | None:
    row = connection.execute(statements.FIND_SESSION, {"wanted": session_id}).first()
    return None if row is None else SessionRecord(row.id, row.user_id, row.expires, ended=row.ended)


def _write_one(connection: Connection, record: Record) -> None:
    match record:
        case Account():
            _write_account(connection, record)
        case SessionRecord():
            _write_session(connection, record)
        case RevokeSessions(user_id, but):
            connection.execute(statements.REVOKE_SESSIONS, {"owner": user_id, "but": but or ""})
        case SetUserType(user_id, user_type):
            connection.execute(statements.UPDATE_ACCOUNT, {"account_id": user_id, "user_type": user_type})
        case SetPassword(user_id, password_hash):
            connection.execute(statements.UPDATE_ACCOUNT, {"account_id": user_id, "password_hash": password_hash})


def _write_account(connection: Connection, account: Account) -> None:
    row = _account_row(account)
    values = {name: value for name, value in row.items() if name not in ("id", *OPERATORS_FIELDS)}
    if connection.execute(statements.UPDATE_ACCOUNT, {"account_id": account.id, **values}).rowcount:
        return
    # An account that an operator has deleted does not come back by what its user still does.
    if connection.execute(statements.FIND_DELETION, {"account_id": account.id}).first() is None:
        connection.execute(statements.INSERT_ACCOUNT, row)


def _write_session(connection: Connection, record: SessionRecord) -> None:
    values = {"expires": record.expires, "ended": record.ended}
    again = {"session_id": record.session_id, **values}
    if not record.new and connection.execute(statements.UPDATE_SESSION, again).rowcount:
        return
    connection.execute(statements.INSERT_SESSION, {"id": record.session_id, "user_id": record.user_id, **values})
    # Only with one more can there be too many.
    connection.execute(statements.FORGET_SURPLUS_SESSIONS, {"owner": record.user_id, "most": ISSUED_SESSIONS_MAX})


def _account_row(account: Account) -> dict[str, Any]:
    row = attrs.asdict(account, recurse=False)
    row["user_type"] = int(account.user_type)
    row["metas"] = {key: [meta.value, int(meta.access)] for key, meta in account.metas.items()}
    return row


def account_of(row: Row[Any]) -> Account:
    """The account that a row is.

    Raises:
        DatabaseError: Its metadata is damaged.
    """
    try:
        metas = {key: Meta(value, access) for key, (value, access) in row.metas.items()}
    except (AttributeError, TypeError, ValueError):
        raise DatabaseError(f"the metadata of account {row.id} is damaged") from None
    return Account(**{**row._asdict(), "metas": metas})


def _prepare_sqlite(engine: Engine) -> None:
    @event.listens_for(engine, "connect")
    def connect(connection: Any, _record: Any) -> None:
        # The driver would begin transactions by itself, and too late; `_begin` does it.
        connection.isolation_level = None
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("PRAGMA foreign_keys = ON")
