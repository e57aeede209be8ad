"""Every refusal that a client can hear, in one table.

The documentation's table is rendered from `ErrorCode`; nothing else in the server makes up codes, but the scripts,
which choose their own.
"""

from enum import StrEnum
from typing import Any, Self


class ErrorCode(StrEnum):
    """The code that programs read; its ``text`` is for people."""

    text: str

    def __new__(cls, code: str, text: str) -> Self:
        """Make a member that equals its code and carries its text."""
        member = str.__new__(cls, code)
        member._value_ = code
        member.text = text
        return member

    WRONG_FORMAT = "wrong_format", "Wrong message format"
    VALIDATION = "validation", "The request has values that are not allowed"
    NOT_AUTHENTICATED = "not_authenticated", "User token is not valid"
    INVALID_TOKEN = "invalid_token", "User token is not valid"
    INVALID_CREDENTIALS = "invalid_credentials", "Email and/or password not valid"
    NOT_LOGGED_IN = "not_logged_in", "User not logged in"
    UPDATE_MISSING = "update_missing", "Update information missing"
    EMAIL_FIXED = "email_fixed", "The user's email address cannot be changed."
    IDENTITY_TAKEN = "identity_taken", "{field}: already in use"
    META_LIMIT = "meta_limit", "Meta limit over to maximum"
    META_ACCESS = "meta_access", "'{key}' meta access level cannot be bigger than users access level"
    USER_NOT_FOUND = "user_not_found", "User not found"
    ROOM_NOT_FOUND = "room_not_found", "Room not found"
    BANNED = "banned", "Banned from room"
    ROOM_FULL = "room_full", "Room has max users"
    ALREADY_IN_ROOM = "already_in_room", "User already in room"
    ALREADY_REQUESTED = "already_requested", "Already requested"
    NOT_IN_ROOM = "not_in_room", "User is not in the room"
    NOT_WAITING = "not_waiting", "User is not waiting"
    NO_PERMISSION = "no_permission", "User does not have enough permission"
    WRONG_PASSWORD = "wrong_password", "Room password not valid"
    NOT_SUPPORTED = "not_supported", "This is not supported by this server yet"
    BUSY = "busy", "The server has more to do than it can queue; try again in a moment"
    RATE_LIMITED = "rate_limited", "Too many requests; wait before the next one"
    STORAGE_FAILED = "storage_failed", "The change could not be stored, so nothing was changed"
    INTERNAL = "internal", "The server failed to handle this request; nothing was changed"
    HOOK_FAILED = "hook_failed", "The game's script refused this request"
    HOOK_ERROR = "hook_error", "The game's script failed on this request"
    HOOK_TIMEOUT = "hook_timeout", "The game's script took too long for this request"


class Refusal(Exception):  # noqa: N818  # a refusal is an answer, not an error of the server
    """A request is answered with ``status: false``; what it had staged is dropped.

    Args:
        code: The code, or a script's own.
        error: The text for people; the table's by default, its ``{names}`` filled from ``texts``.
        retry_after: Seconds after which trying again makes sense, if that is known.
        texts: What the text speaks about.

    Attributes:
        row: The row of the table that it counts as; that of ``hook_failed`` for a script's own code.
    """

    def __init__(
        self, code: ErrorCode | str, error: str | None = None, *, retry_after: float | None = None, **texts: str
    ) -> None:
        if error is None:
            error = code.text.format_map(texts) if isinstance(code, ErrorCode) else str(code)
        super().__init__(error)
        self.code = str(code)
        self.row = code if isinstance(code, ErrorCode) else ErrorCode.HOOK_FAILED
        self.error = error
        self.retry_after = retry_after


class WrongFormat(Refusal):
    """A frame that is no request; carries what could be read of it, to be echoed.

    Args:
        problem: What was wrong, for people.
        type_: The request's type if it was known, else "".
        request_id: The request's id if it could be read.
    """

    def __init__(self, problem: str, *, type_: str = "", request_id: int | None = None) -> None:
        super().__init__(ErrorCode.WRONG_FORMAT, f"{ErrorCode.WRONG_FORMAT.text}: {problem}")
        self.type = type_
        self.request_id = request_id


def error_table() -> str:
    """Render the table of errors as Markdown, for the documentation."""
    rows = [f"| `{code.value}` | {code.text} |" for code in ErrorCode]
    return "\n".join(["| code | error |", "|---|---|", *rows])


def refusal_fields(refusal: Refusal) -> dict[str, Any]:
    """The fields that a failure adds to its envelope."""
    fields: dict[str, Any] = {"error": refusal.error, "code": refusal.code}
    if refusal.retry_after is not None:
        fields["retry_after"] = refusal.retry_after
    return fields
