"""Notices: what operators have changed in the store, for the server that runs meanwhile."""

from enum import StrEnum

import attrs


class AccountChange(StrEnum):
    """What an operator has changed of an account."""

    TYPE = "type"
    PASSWORD = "password"  # noqa: S105  # a word, no password
    DISABLED = "disabled"
    ENABLED = "enabled"
    DELETED = "deleted"

    @property
    def ends_sessions(self) -> bool:
        """Whether nobody who has come in before may stay."""
        return self in {AccountChange.PASSWORD, AccountChange.DISABLED, AccountChange.DELETED}


@attrs.frozen
class Notice:
    """That an operator has changed an account.

    Attributes:
        number: Later notices have larger numbers.
        user_id: Whose account.
        what: What was changed.
    """

    number: int
    user_id: str
    what: AccountChange
