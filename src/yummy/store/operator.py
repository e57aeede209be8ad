"""What operators do to accounts from the command line, on the database itself, whether a server runs or not.

Each change is one transaction: the account, its sessions (whose tokens stop working at once), and a notice, by which a
running server ends what is connected within a second or two; see `yummy.pipeline.operators`.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager

import attrs
from sqlalchemy import ColumnElement, Connection, Update, delete, func, insert, or_, select, update

from yummy.core.notices import AccountChange
from yummy.core.validation import PASSWORD_LENGTH_MAX, length_problem, normal_email
from yummy.core.values import Account, IdentityKind
from yummy.passwords import standard_hasher
from yummy.settings import Settings
from yummy.store.database import Database, account_of
from yummy.store.tables import ACCOUNTS, NOTICES, SESSIONS


@attrs.frozen
class Page:
    """Some of the users that were asked for.

    Attributes:
        users: Newest first.
        total: How many there are on all pages.
    """

    users: list[Account]
    total: int


@attrs.frozen
class Shown:
    """One user.

    Attributes:
        account: The account.
        sessions: How many sessions there are whose tokens still work.
    """

    account: Account
    sessions: int


def list_users(
    settings: Settings, *, user_type: int | None = None, text: str | None = None, limit: int = 50, page: int = 1
) -> Page:
    """Some of the users, newest first.

    Args:
        settings: Say which database.
        user_type: Only users of this type.
        text: Only users in whose id, name, e-mail address, device id or custom id it occurs, whatever its case.
        limit: Users of one page.
        page: Which page, from 1.

    Raises:
        LookupError: There is no such database.
        DatabaseError: The database cannot be opened or read.
    """
    wanted: list[ColumnElement[bool]] = []
    if user_type is not None:
        wanted.append(ACCOUNTS.c.user_type == int(user_type))
    if text:
        names = ("id", "name", *(kind.value for kind in IdentityKind))
        wanted.append(or_(*(ACCOUNTS.c[name].icontains(text, autoescape=True) for name in names)))
    with _database(settings) as database, database.reading() as connection:
        total = connection.execute(select(func.count()).select_from(ACCOUNTS).where(*wanted)).scalar_one()
        newest_first = (ACCOUNTS.c.insert_date.desc(), ACCOUNTS.c.id.desc())
        found = select(ACCOUNTS).where(*wanted).order_by(*newest_first).limit(limit).offset((page - 1) * limit)
        return Page([account_of(row) for row in connection.execute(found)], total)


def show_user(settings: Settings, user: str) -> Shown:
    """One user.

    Args:
        settings: Say which database.
        user: An id, an e-mail address, a device id or a custom id. All that follow take the same.

    Raises:
        LookupError: There is no such user, or no such database. All that follow raise the same.
        DatabaseError: The database cannot be opened, read or written. All that follow raise the same.
    """
    with _database(settings) as database:
        account = _find(database, user)
        alive = (SESSIONS.c.user_id == account.id) & ~SESSIONS.c.ended & (SESSIONS.c.expires > int(time.time()))
        with database.reading() as connection:
            count = connection.execute(select(func.count()).select_from(SESSIONS).where(alive)).scalar_one()
        return Shown(account, count)


def set_user_type(settings: Settings, user: str, user_type: int) -> str:
    """Make a user an ordinary user, a moderator or an admin.

    Args:
        settings: Say which database.
        user: See `show_user`.
        user_type: A `yummy.constants.UserType`.

    Returns:
        The user's id.
    """
    with _database(settings) as database:
        account = _find(database, user)
        with _changing(database, account, AccountChange.TYPE) as connection:
            connection.execute(_of(account).values(user_type=int(user_type)))
        return account.id


def set_password(settings: Settings, user: str, password: str) -> Account:
    """Give a user a new password, and end all sessions of the user.

    Args:
        settings: Say which database, and how short a password may be.
        user: See `show_user`.
        password: The new one.

    Returns:
        The account. One without an e-mail address cannot log in by a password yet.

    Raises:
        ValueError: The password is too short or too long; the text says which lengths are right.
    """
    problem = length_problem("password", password, settings.password_min_length, PASSWORD_LENGTH_MAX)
    if problem is not None:
        raise ValueError(problem)
    with _database(settings) as database:
        account = _find(database, user)
        password_hash = standard_hasher().hash(password)
        with _changing(database, account, AccountChange.PASSWORD) as connection:
            connection.execute(_of(account).values(password_hash=password_hash))
        return account


def set_disabled(settings: Settings, user: str, *, disabled: bool) -> str:
    """Keep a user from logging in and end all sessions of the user; or let the user in again.

    Args:
        settings: Say which database.
        user: See `show_user`.
        disabled: Which of both.

    Returns:
        The user's id.
    """
    with _database(settings) as database:
        account = _find(database, user)
        change = AccountChange.DISABLED if disabled else AccountChange.ENABLED
        with _changing(database, account, change) as connection:
            connection.execute(_of(account).values(disabled=disabled))
        return account.id


def delete_user(settings: Settings, user: str) -> str:
    """Delete an account, and end all sessions of the user. Its names are free for others then.

    Args:
        settings: Say which database.
        user: See `show_user`.

    Returns:
        The user's id.
    """
    with _database(settings) as database:
        account = _find(database, user)
        with _changing(database, account, AccountChange.DELETED) as connection:
            connection.execute(delete(ACCOUNTS).where(ACCOUNTS.c.id == account.id))
        return account.id


@contextmanager
def _database(settings: Settings) -> Iterator[Database]:
    file = settings.sqlite_file
    if file is None:
        raise LookupError("The database is in memory, where only its server can change it; name a file by --database")
    # Opening it would make an empty one, in which a user would be looked for in vain.
    if not file.exists():
        raise LookupError(f"There is no database {file}; name the server's by --database, or by its settings")
    database = Database.open(settings.sqlalchemy_url)
    try:
        yield database
    finally:
        database.close()


@contextmanager
def _changing(database: Database, account: Account, change: AccountChange) -> Iterator[Connection]:
    """The transaction of one change, with all that follows from it."""
    with database.writing() as connection:
        yield connection
        if change.ends_sessions:
            connection.execute(update(SESSIONS).where(SESSIONS.c.user_id == account.id).values(ended=True))
        row = {"user_id": account.id, "what": change.value, "made": int(time.time())}
        connection.execute(insert(NOTICES).values(row))


def _of(account: Account) -> Update:
    return update(ACCOUNTS).where(ACCOUNTS.c.id == account.id)


def _find(database: Database, user: str) -> Account:
    by_id = database.load_accounts([user])
    if by_id:
        return by_id[0]
    names = {IdentityKind.EMAIL: normal_email(user), IdentityKind.DEVICE_ID: user, IdentityKind.CUSTOM_ID: user}
    for kind, value in names.items():
        account = database.find_account(kind, value)
        if account is not None:
            return account
    raise LookupError(f"No user has the id, e-mail address, device id or custom id {user!r}")
