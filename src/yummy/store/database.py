"""The database: how it is opened, brought up to date and asked. Synchronous; one function is one transaction.

SQLite in write-ahead mode: readers do not wait for the writer, and a transaction that has been committed survives the
death of the process. Writers begin with ``BEGIN IMMEDIATE``, so that none of them has to give up half-way.
"""

from collections.abc import Iterable, Iterator
from collections.abc import Set as AbstractSet
from contextlib import contextmanager
from json import JSONDecodeError
from pathlib import Path
from typing import Any

import alembic.command
import alembic.config
import attrs
from alembic.util import CommandError
from sqlalchemy import Connection, Delete, Engine, RowMapping, create_engine, delete, event, select, update
from sqlalchemy.dialects.sqlite import insert
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.pool import StaticPool

from yummy.core.values import Account, IdentityKind, Meta
from yummy.core.work import RevokeSessions, SessionRecord, SetUserType
from yummy.store.tables import ACCOUNTS, SESSIONS

BUSY_TIMEOUT = 5.0
"""Seconds that a writer waits for another process's."""

POOL = 4
"""Connections to the database, and so threads that use it at once."""

ISSUED_SESSIONS_MAX = 200
"""Sessions that are remembered of one user: twice as many as `MAX_SESSIONS_PER_USER` lets them have at a time, so that
tokens of some that have gone still work. Logging in again and again would else fill the table until tokens expire."""


type Record = Account | SessionRecord | RevokeSessions | SetUserType


class DatabaseError(Exception):
    """The database did not do what it was asked to; the text says why, without any values."""


@contextmanager
def _readable_errors() -> Iterator[None]:
    """The one boundary where the driver's errors become ours."""
    try:
        yield
    except CommandError as error:
        raise DatabaseError(f"its tables are of another version of Yummy: {error}") from None
    except SQLAlchemyError as error:
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
        pool: dict[str, Any] = {"poolclass": StaticPool} if in_memory else {"pool_size": POOL, "max_overflow": 0}
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
        with self._write() as connection:
            config.attributes["connection"] = connection
            alembic.command.upgrade(config, "head")

    def close(self) -> None:
        """Close all connections."""
        self.engine.dispose()

    def find_account(self, kind: IdentityKind, value: str) -> Account | None:
        """The account of this name."""
        with self._read() as connection:
            row = connection.execute(select(ACCOUNTS).where(ACCOUNTS.c[kind.value] == value)).mappings().first()
            return None if row is None else _account(row)

    def load_accounts(self, user_ids: Iterable[str]) -> list[Account]:
        """The accounts with these ids, where they exist."""
        with self._read() as connection:
            rows = connection.execute(select(ACCOUNTS).where(ACCOUNTS.c.id.in_(list(user_ids)))).mappings().all()
            return [_account(row) for row in rows]

    def find_session(self, session_id: str) -> SessionRecord | None:
        """What is remembered of an issued session."""
        with self._read() as connection:
            row = connection.execute(select(SESSIONS).where(SESSIONS.c.id == session_id)).mappings().first()
        if row is None:
            return None
        return SessionRecord(row["id"], row["user_id"], row["expires"], ended=row["ended"])

    def write(self, records: Iterable[Record]) -> None:
        """Store all of it in one transaction, or nothing."""
        with self._write() as connection:
            for record in records:
                _write_one(connection, record)

    def set_user_type(self, user_id: str, user_type: int) -> None:
        """Change what a user may do, and nothing else of the account."""
        self.write([SetUserType(user_id, user_type)])

    def forget_sessions(self, now: int) -> int:
        """Forget issued sessions whose tokens have expired by themselves; returns how many."""
        with self._write() as connection:
            return connection.execute(delete(SESSIONS).where(SESSIONS.c.expires < now)).rowcount

    @contextmanager
    def _read(self) -> Iterator[Connection]:
        with _readable_errors(), self.engine.connect() as connection:
            yield connection

    @contextmanager
    def _write(self) -> Iterator[Connection]:
        writer = self.engine.execution_options(yummy_write=True)
        with _readable_errors(), writer.begin() as connection:
            yield connection


def _write_one(connection: Connection, record: Record) -> None:
    match record:
        case Account():
            # An operator may have changed the type of a user who is online; only `SetUserType` overwrites that.
            _upsert(connection, ACCOUNTS, _account_row(record), keep={"user_type"})
        case SessionRecord(session_id, user_id, expires, ended):
            _upsert(connection, SESSIONS, {"id": session_id, "user_id": user_id, "expires": expires, "ended": ended})
            connection.execute(surplus_sessions(user_id))
        case RevokeSessions(user_id, but):
            others = (SESSIONS.c.user_id == user_id) & (SESSIONS.c.id != (but or ""))
            connection.execute(update(SESSIONS).where(others).values(ended=True))
        case SetUserType(user_id, user_type):
            connection.execute(update(ACCOUNTS).where(ACCOUNTS.c.id == user_id).values(user_type=user_type))


def surplus_sessions(user_id: str) -> Delete:
    """The statement that forgets all issued sessions of a user but the newest; their tokens stop working.

    A token works only while its session stands in the table, so those of ended sessions stay dead.
    """
    newest_first = (SESSIONS.c.expires.desc(), SESSIONS.c.id.desc())
    surplus = select(SESSIONS.c.id).where(SESSIONS.c.user_id == user_id).order_by(*newest_first)
    return delete(SESSIONS).where(SESSIONS.c.id.in_(surplus.offset(ISSUED_SESSIONS_MAX)))


def _upsert(connection: Connection, table: Any, row: dict[str, Any], *, keep: AbstractSet[str] = frozenset()) -> None:
    values = {name: value for name, value in row.items() if name not in keep | {"id"}}
    connection.execute(insert(table).values(row).on_conflict_do_update(index_elements=["id"], set_=values))


def _account_row(account: Account) -> dict[str, Any]:
    row = attrs.asdict(account, recurse=False)
    row["user_type"] = int(account.user_type)
    row["metas"] = {key: [meta.value, int(meta.access)] for key, meta in account.metas.items()}
    return row


def _account(row: RowMapping) -> Account:
    try:
        metas = {key: Meta(value, access) for key, (value, access) in row["metas"].items()}
    except (AttributeError, TypeError, ValueError):
        raise DatabaseError(f"the metadata of account {row['id']} is damaged") from None
    return Account(**{**row, "metas": metas})


def _prepare_sqlite(engine: Engine) -> None:
    @event.listens_for(engine, "connect")
    def connect(connection: Any, _record: Any) -> None:
        # The driver would begin transactions by itself, and too late; `begin` below does it.
        connection.isolation_level = None
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("PRAGMA foreign_keys = ON")

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        writes = connection.get_execution_options().get("yummy_write")
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")
