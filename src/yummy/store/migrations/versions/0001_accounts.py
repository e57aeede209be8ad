"""Accounts, and the sessions that tokens were issued for."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply it."""
    op.create_table(
        "accounts",
        sa.Column("id", sa.String(36), nullable=False),
        sa.Column("name", sa.Text),
        sa.Column("email", sa.Text),
        sa.Column("device_id", sa.Text),
        sa.Column("custom_id", sa.Text),
        sa.Column("password_hash", sa.Text),
        sa.Column("user_type", sa.BigInteger, nullable=False),
        sa.Column("metas", sa.JSON, nullable=False),
        sa.Column("insert_date", sa.BigInteger, nullable=False),
        sa.Column("last_login_date", sa.BigInteger),
        sa.PrimaryKeyConstraint("id", name="pk_accounts"),
        sa.UniqueConstraint("email", name="uq_accounts_email"),
        sa.UniqueConstraint("device_id", name="uq_accounts_device_id"),
        sa.UniqueConstraint("custom_id", name="uq_accounts_custom_id"),
    )
    op.create_table(
        "sessions",
        sa.Column("id", sa.String(36), nullable=False),
        sa.Column("user_id", sa.String(36), nullable=False),
        sa.Column("expires", sa.BigInteger, nullable=False),
        sa.Column("ended", sa.Boolean, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_sessions"),
    )
    op.create_index("ix_sessions_user_id", "sessions", ["user_id"])
    op.create_index("ix_sessions_expires", "sessions", ["expires"])


def downgrade() -> None:
    """Take it back."""
    op.drop_table("sessions")
    op.drop_table("accounts")
