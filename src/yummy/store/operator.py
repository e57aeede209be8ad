"""What operators do to accounts from the command line, on the database itself."""

from yummy.core.validation import normal_email
from yummy.core.values import Account, IdentityKind
from yummy.settings import Settings
from yummy.store.database import Database


def set_user_type(settings: Settings, user: str, user_type: int) -> str:
    """Make a user an ordinary user, a moderator or an admin.

    A server that runs meanwhile sees it at the user's next login.

    Args:
        settings: Say which database.
        user: An id, an e-mail address, a device id or a custom id.
        user_type: A `yummy.constants.UserType`.

    Returns:
        The user's id.

    Raises:
        LookupError: There is no such user, or no such database.
        DatabaseError: The database cannot be opened or written.
    """
    file = settings.sqlite_file
    if file is None:
        raise LookupError("The database is in memory, where only its server can change it; name a file by --database")
    # Opening it would make an empty one, in which a user would be looked for in vain.
    if not file.exists():
        raise LookupError(f"There is no database {file}; name the server's by --database, or by its settings")
    database = Database.open(settings.sqlalchemy_url)
    try:
        account = _find(database, user)
        database.set_user_type(account.id, int(user_type))
        return account.id
    finally:
        database.close()


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
