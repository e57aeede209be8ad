"""Who the client is logged in as, read from the answers that begin, change or end a session.

Knows these answers' fields and no connection.
"""

from collections.abc import Mapping
from typing import Any

from attrs import evolve, frozen

from yummy.client.codec import UndecodableError

_LOGINS = frozenset({"AuthEmail", "AuthDeviceId", "AuthCustomId", "RestoreToken"})


@frozen
class Session:
    """Who the client is logged in as; all None while it is nobody.

    Attributes:
        token: Restores the session on another connection.
        user_id: The account.
        session_id: This login of it.
    """

    token: str | None = None
    user_id: str | None = None
    session_id: str | None = None

    def after(self, reply: Mapping[str, Any]) -> "Session":
        """The session as it is after a successful answer.

        Args:
            reply: The answer to any request.

        Raises:
            UndecodableError: If a field is of another type than the protocol says.
        """
        kind = text(reply, "type")
        if kind == "Logout":
            return Session()
        if kind != "RefreshToken" and kind not in _LOGINS:
            return self
        token = text(reply, "token")
        if token is None:
            raise UndecodableError(f"the answer to {kind} has no token")
        if kind == "RefreshToken":
            return evolve(self, token=token)
        return Session(token, text(reply, "user_id"), text(reply, "session_id"))


def text(message: Mapping[str, Any], name: str) -> str | None:
    """Read a text that may be missing.

    Args:
        message: What the server sent.
        name: The field's name.

    Raises:
        UndecodableError: If it is something else.
    """
    value = message.get(name)
    if value is None or isinstance(value, str):
        return value
    raise UndecodableError(f"{name} is a {type(value).__name__} instead of a text")


def rooms_of(reply: Mapping[str, Any]) -> tuple[str, ...]:
    """Ids of the rooms that a restored session is in.

    Args:
        reply: The answer to ``RestoreToken``.

    Raises:
        UndecodableError: If ``rooms`` is there, and no list of texts.
    """
    rooms = reply.get("rooms")
    if rooms is None:
        return ()
    if isinstance(rooms, list) and all(isinstance(room, str) for room in rooms):
        return tuple(rooms)
    raise UndecodableError("rooms is no list of texts")
