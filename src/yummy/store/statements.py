"""The statements that logins and sessions need, made once, with parameters.

A statement that is built anew for each question costs several times what it takes to run: SQLAlchemy looks through all
of it to find out that it has compiled its like before. One that is made once is known by itself. What only operators
and the server's start ask for is built where it is asked.
"""

from sqlalchemy import Select, bindparam, delete, insert, select, update

from yummy.core.notices import AccountChange
from yummy.core.values import IdentityKind
from yummy.store.tables import ACCOUNTS, NOTICES, SESSIONS


def _account_by(column: str) -> Select[tuple[object, ...]]:
    return select(ACCOUNTS).where(ACCOUNTS.c[column] == bindparam("wanted"))


#: The account of a name, by its kind; with `wanted`.
FIND_ACCOUNT = {kind: _account_by(kind.value) for kind in IdentityKind}

#: One account by its id; with `wanted`.
LOAD_ACCOUNT = _account_by("id")

#: With the columns that change, and `account_id`.
UPDATE_ACCOUNT = update(ACCOUNTS).where(ACCOUNTS.c.id == bindparam("account_id"))

#: With all columns.
INSERT_ACCOUNT = insert(ACCOUNTS)

#: Whether an operator has deleted an account; with `account_id`.
FIND_DELETION = select(NOTICES.c.number).where(
    NOTICES.c.user_id == bindparam("account_id"), NOTICES.c.what == AccountChange.DELETED.value
)

#: With `wanted`.
FIND_SESSION = select(SESSIONS).where(SESSIONS.c.id == bindparam("wanted"))

#: With the columns that change, and `session_id`.
UPDATE_SESSION = update(SESSIONS).where(SESSIONS.c.id == bindparam("session_id"))

#: With all columns.
INSERT_SESSION = insert(SESSIONS)

#: Ends all issued sessions of a user but one; with `owner` and `but`.
REVOKE_SESSIONS = (
    update(SESSIONS)
    .where(SESSIONS.c.user_id == bindparam("owner"), SESSIONS.c.id != bindparam("but"))
    .values(ended=True)
)

#: Forgets all issued sessions of a user but the newest; their tokens stop working. With `owner` and `most`. A token
#: works only while its session stands in the table, so those of ended sessions stay dead.
FORGET_SURPLUS_SESSIONS = delete(SESSIONS).where(
    SESSIONS.c.id.in_(
        select(SESSIONS.c.id)
        .where(SESSIONS.c.user_id == bindparam("owner"))
        .order_by(SESSIONS.c.expires.desc(), SESSIONS.c.id.desc())
        .offset(bindparam("most"))
    )
)
