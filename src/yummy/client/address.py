"""Where a server is: the parts of its URL, with the path and the key that Yummy expects."""

from urllib.parse import parse_qsl, urlencode, urlsplit

from attrs import frozen

DEFAULT_PATH = "/v1/socket"
KEY_NAME = "x-yummy-api"
DEFAULT_KEY = "YummyYummy"

_DEFAULT_PORTS = {"ws": 80, "wss": 443}


@frozen
class Address:
    """The parts of a server's URL.

    Attributes:
        host: Name or IP address, without brackets.
        port: TCP port.
        secure: Whether TLS is spoken.
        resource: Path and query.
    """

    host: str
    port: int
    secure: bool
    resource: str

    @property
    def authority(self) -> str:
        """What the ``Host`` header says."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{host}:{self.port}"

    def __str__(self) -> str:
        # The query holds the key, which has no place in logs.
        return f"{'wss' if self.secure else 'ws'}://{self.authority}{self.resource.partition('?')[0]}"


def parse_address(url: str, api_key: str | None, key_name: str = KEY_NAME) -> Address:
    """Read a server's URL.

    Args:
        url: ``ws://HOST:PORT`` or ``wss://HOST:PORT``, with or without path and query.
        api_key: The integration key, added unless the URL names one or this is None.
        key_name: The query parameter that carries the key.

    Returns:
        The address, with `DEFAULT_PATH` if the URL has no path.

    Raises:
        ValueError: If it is no such URL.
    """
    parts = urlsplit(url)
    if parts.scheme not in _DEFAULT_PORTS or not parts.hostname:
        raise ValueError(f"{url!r} is no server address; write it like ws://127.0.0.1:9090 or wss://example.org")
    query = parse_qsl(parts.query, keep_blank_values=True)
    if api_key is not None and key_name not in dict(query):
        query.append((key_name, api_key))
    path = DEFAULT_PATH if parts.path in ("", "/") else parts.path
    return Address(
        host=parts.hostname,
        port=parts.port or _DEFAULT_PORTS[parts.scheme],
        secure=parts.scheme == "wss",
        resource=f"{path}?{urlencode(query)}" if query else path,
    )
