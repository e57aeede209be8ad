"""What can go wrong, as seen by a client: one small tree under `ClientError`."""

# ruff: noqa: N818  # these names read well where they are caught: `except RequestFailed`

from collections.abc import Mapping
from typing import Any


class ClientError(Exception):
    """Whatever the client reports; catch this to catch them all."""


class ConnectFailed(ClientError):
    """No connection came about: nobody listens there, TLS failed, or the server did not answer in time."""


class Refused(ConnectFailed):
    """The server answered the connection request with an HTTP status instead of a WebSocket.

    Attributes:
        status: The HTTP status: 401 wrong key, 403 origin not allowed, 404 wrong path, 429 and 503 too many
            connections.
    """

    def __init__(self, status: int, text: str) -> None:
        super().__init__(f"the server refused the connection with HTTP {status}: {text}" if text else f"HTTP {status}")
        self.status = status


class ConnectionLost(ClientError):
    """The connection ended, or was not there.

    A request that was on its way may have been carried out or not; the client never sends it again by itself.

    Attributes:
        code: The WebSocket close code, 1006 when the connection broke without one.
        reason: The server's words, often empty.
    """

    def __init__(self, text: str, *, code: int = 1006, reason: str = "") -> None:
        super().__init__(text)
        self.code = code
        self.reason = reason


class RequestFailed(ClientError):
    """The server answered a request with ``status: false``.

    Attributes:
        type: The request's type.
        code: The error for programs (``wrong_password``, ``room_full``, a script's own...).
        error: The error for people.
        reply: The whole answer (``retry_after`` of ``rate_limited`` is here).
    """

    def __init__(self, reply: Mapping[str, Any]) -> None:
        self.reply = reply
        self.type = str(reply.get("type", ""))
        self.code = str(reply.get("code", ""))
        self.error = str(reply.get("error", ""))
        super().__init__(f"{self.type}: {self.error} ({self.code})")


class RequestTimeout(ClientError):
    """A request was not answered in time. It may still be carried out."""
