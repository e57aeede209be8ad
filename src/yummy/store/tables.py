"""The tables of the database. Migrations make them; see `yummy.store.migrations`."""

from sqlalchemy import JSON, BigInteger, Boolean, Column, Index, Integer, MetaData, String, Table, Text, false

# Constraints have names, so that a later migration can speak of them.
METADATA = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_name)s",
        "uq": "uq_%(table_name)s_%(column_0_name)s",
        "pk": "pk_%(table_name)s",
    }
)

#: Accounts. Dates are unix seconds; an e-mail address is stored in lower case; ``metas`` maps each key to
#: ``[value, level]``.
ACCOUNTS = Table(
    "accounts",
    METADATA,
    Column("id", String(36), primary_key=True),
    Column("name", Text),
    Column("email", Text, unique=True),
    Column("device_id", Text, unique=True),
    Column("custom_id", Text, unique=True),
    Column("password_hash", Text),
    Column("user_type", BigInteger, nullable=False),
    Column("metas", JSON, nullable=False),
    Column("insert_date", BigInteger, nullable=False),
    Column("last_login_date", BigInteger),
    Column("disabled", Boolean, nullable=False, server_default=false()),
)

#: Sessions that tokens were issued for. A token works while its session is here and has not ended.
SESSIONS = Table(
    "sessions",
    METADATA,
    Column("id", String(36), primary_key=True),
    Column("user_id", String(36), nullable=False),
    Column("expires", BigInteger, nullable=False),
    Column("ended", Boolean, nullable=False),
    Index("ix_sessions_user_id", "user_id"),
    Index("ix_sessions_expires", "expires"),
)

#: What operators changed, for the server that runs meanwhile. Numbers grow and are not used again; ``made`` is unix
#: seconds.
NOTICES = Table(
    "notices",
    METADATA,
    Column("number", Integer, primary_key=True),
    Column("user_id", String(36), nullable=False),
    Column("what", Text, nullable=False),
    Column("made", BigInteger, nullable=False),
    Index("ix_notices_user_id", "user_id"),
    sqlite_autoincrement=True,
)
