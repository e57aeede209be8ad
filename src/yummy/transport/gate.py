"""Who may connect: the checks before the upgrade, in the order of the protocol, and the choice of sub-protocol. Pure.

Knows what a request's head says and how many are connected already, not who they are. Neither the key nor what was
given for it leaves this module.
"""

import hmac
from collections.abc import Iterable, Sequence
from http import HTTPStatus
from urllib.parse import parse_qsl

import attrs

SUBPROTOCOLS = ("yummy.msgpack", "yummy.json")
"""What this server speaks, best first."""

_MAX_QUERY_FIELDS = 100

BAD_REQUEST = b"HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"
"""What a request gets that cannot be read."""


@attrs.frozen
class Refusal:
    """Why a request is not upgraded.

    Attributes:
        status: The HTTP status.
        text: What a person debugging the client should know.
    """

    status: HTTPStatus
    text: str


@attrs.frozen
class Crowd:
    """Who is connected already.

    Attributes:
        full: Whether there are as many connections as allowed.
        full_of_address: Whether there are as many from this address as allowed.
    """

    full: bool = False
    full_of_address: bool = False


@attrs.frozen(kw_only=True)
class Gate:
    """What a client has to bring.

    Attributes:
        key: The key that it presents.
        key_name: The query parameter or the header that carries the key.
        path: The one path that there is.
        allowed_origins: Origins of web pages that may connect; none: any.
    """

    key: str = attrs.field(repr=False)
    key_name: str = "x-yummy-api"
    path: str = "/v1/socket"
    allowed_origins: Sequence[str] = ()

    def refuse(self, target: str, headers: Iterable[tuple[bytes, bytes]], crowd: Crowd) -> Refusal | None:
        """Judge one request.

        Args:
            target: Path and query, as requested.
            headers: Names (in lower case) and values.
            crowd: Who is connected already.

        Returns:
            The first reason to refuse it, or None.
        """
        headers = list(headers)
        path, _, query = target.partition("?")
        if crowd.full:
            return Refusal(HTTPStatus.SERVICE_UNAVAILABLE, "Too many connections; try again later.")
        if crowd.full_of_address:
            return Refusal(HTTPStatus.TOO_MANY_REQUESTS, "Too many connections from this address.")
        if path != self.path:
            return Refusal(HTTPStatus.NOT_FOUND, f"There is nothing here; connect to {self.path}.")
        if not self._has_key(query, headers):
            return Refusal(
                HTTPStatus.UNAUTHORIZED, f"Give the game's key as the query parameter or header {self.key_name}."
            )
        if not self._knows_origin(headers):
            return Refusal(HTTPStatus.FORBIDDEN, "Pages of this origin may not connect.")
        return None

    def _has_key(self, query: str, headers: Iterable[tuple[bytes, bytes]]) -> bool:
        name = self.key_name.lower().encode()
        given = [value for header, value in headers if header == name]
        try:
            fields = parse_qsl(query, keep_blank_values=True, max_num_fields=_MAX_QUERY_FIELDS)
        except ValueError:
            fields = []
        given += [value.encode("utf-8", "replace") for field, value in fields if field == self.key_name]
        # A list, so that each is compared and none ends the comparison early.
        return any([hmac.compare_digest(self.key.encode(), value) for value in given])  # noqa: C419  # see above

    def _knows_origin(self, headers: Iterable[tuple[bytes, bytes]]) -> bool:
        if not self.allowed_origins:
            return True
        allowed = {origin.lower().encode() for origin in self.allowed_origins}
        # Only browsers send an origin, and only they can be made to connect by somebody else's page.
        return all(value.lower() in allowed for header, value in headers if header == b"origin")


def choose_subprotocol(offered: Iterable[str]) -> str | None:
    """What to speak.

    Args:
        offered: What the client speaks; what is unknown here is ignored.

    Returns:
        One of `SUBPROTOCOLS`, or None when none of them was offered.
    """
    spoken = set(offered)
    return next((one for one in SUBPROTOCOLS if one in spoken), None)
