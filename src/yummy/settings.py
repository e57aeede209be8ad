"""Every setting of the server: its name, default, unit, meaning and bounds.

The values are plain; this module opens no file but to look whether a certificate is there. Where they come from
(command line, environment, files) is the business of `yummy.sources`, the key that signs tokens that of `yummy.salt`.
"""
# ruff: noqa: RUF009  # `setting` and `limit` make attrs fields, not shared defaults

from collections.abc import Iterator
from enum import StrEnum
from ipaddress import ip_address
from pathlib import Path

import attrs

from yummy.plain import DEPTH_MAX
from yummy.setting import (
    MAKE_SECRET,
    SALT_KEY_MIN_BYTES,
    at_least,
    charset_check,
    database_path_check,
    database_url_check,
    limit,
    matching,
    origins_check,
    positive,
    redis_url_check,
    salt_key_check,
    setting,
)

SECONDS = 1.0
HOURS = 3600 * SECONDS
BYTES = 1
KIB = 1024 * BYTES
MIB = 1024 * KIB

#: The key of development mode: known to everybody, so that examples connect, and therefore refused elsewhere.
DEVELOPMENT_INTEGRATION_KEY = "YummyYummy"


class Environment(StrEnum):
    """What the server is run for."""

    DEVELOPMENT = "development"
    PRODUCTION = "production"


class LogLevel(StrEnum):
    """The least important kind of log line that is written."""

    DEBUG = "debug"
    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


class LogFormat(StrEnum):
    """How a log line looks."""

    CONSOLE = "console"
    JSON = "json"


@attrs.frozen
class Problem:
    """One thing that is wrong with the settings.

    Attributes:
        name: The setting, as it is spelt in its source.
        source: Where it was found: ``environment``, ``.env``, ``yummy.toml``, ``command line`` or ``default``.
        text: What is wrong and what was expected; never the value of a secret.
    """

    name: str
    source: str
    text: str

    def __str__(self) -> str:
        return f"{self.name} ({self.source}): {self.text}" if self.name else f"{self.source}: {self.text}"


class SettingsError(Exception):
    """The settings are not usable; `problems` holds everything that is wrong with them, not just the first."""

    def __init__(self, problems: list[Problem]) -> None:
        super().__init__("\n".join(map(str, problems)))
        self.problems = problems


@attrs.frozen(kw_only=True)
class Settings:
    """What an operator can choose. A field's name is the setting's, in lower case."""

    # Running
    yummy_env: Environment = setting(
        Environment.DEVELOPMENT,
        "`development` or `production`. Production takes no secret that everybody knows.",
    )
    server_name: str = setting(
        "yummy",
        "Name of this server in its logs.",
        matching(r"[\w .-]{1,64}", "expected 1 to 64 letters, digits, spaces, dots, dashes and underscores"),
    )
    log_level: LogLevel = setting(LogLevel.INFO, "Least important log lines: `debug`, `info`, `warning`, `error`.")
    log_format: LogFormat = setting(
        LogFormat.CONSOLE, "`console`: lines for people; `json`: one object a line, for machines."
    )
    drain_timeout: float = setting(
        10 * SECONDS, "Seconds that a stopping server gives to the messages in flight.", positive
    )

    # Listening
    bind_ip: str = setting(
        "127.0.0.1",
        "Address or host name to listen on; another than loopback needs real secrets.",
        matching(r"[0-9A-Za-z:.%_-]+", "expected an IP address or a host name"),
    )
    bind_port: int = setting(9090, "TCP port to listen on; 0 picks a free one.", at_least(0, 65535))
    tls_cert_path: Path | None = setting(
        None, "File with the certificate chain (PEM); with it the server speaks `wss://`."
    )
    tls_key_path: Path | None = setting(None, "File with the certificate's private key (PEM).")
    api_key_name: str = setting(
        "x-yummy-api",
        "Name of the query parameter or header that carries `INTEGRATION_KEY`.",
        matching(r"[A-Za-z0-9_-]+", "expected letters, digits, - and _"),
    )
    integration_key: str = setting(
        DEVELOPMENT_INTEGRATION_KEY,
        "Key that every client of the game presents. The default is for development only.",
        matching(r"[!-~]+", "expected printable ASCII characters without spaces"),
        secret=True,
    )
    allowed_origins: tuple[str, ...] = setting(
        (), "Origins of web pages that may connect, separated by commas; empty: any.", origins_check
    )

    # Connections
    heartbeat_interval: float = limit(10 * SECONDS, "Seconds between two pings of the server.")
    heartbeat_timeout: float = limit(20 * SECONDS, "Seconds without a word from the client until it is closed.")
    handshake_timeout: float = limit(5 * SECONDS, "Seconds for TLS and the WebSocket handshake, each.")
    auth_timeout: float = limit(
        30 * SECONDS, "Seconds for a new connection to authenticate in; those that a login takes do not count."
    )
    max_connections: int = limit(10_000, "Connections in all.")
    max_connections_per_ip: int = limit(1_000, "Connections from one address; loopback is exempt.")
    max_handshakes: int = limit(
        1_000, "Connections that have not ended their handshake; when there are more, the oldest is ended."
    )
    max_message_bytes: int = limit(64 * KIB, "Bytes of one message from a client.")
    max_fragments: int = limit(1_024, "Frames that one message from a client may be cut into.")
    max_control_frames: int = limit(200, "Pings, pongs and close frames a second on one connection.")
    max_messages_per_second: int = limit(60, "Messages a second on one connection; a burst may be twice that.")
    max_rate_limited: int = limit(100, "Messages refused as too many within 10 seconds until the connection is closed.")
    max_wrong_format: int = limit(20, "Messages of wrong format in a row until the connection is closed.")
    max_depth: int = limit(
        32, f"Lists and maps inside one another in a message (never more than {DEPTH_MAX}).", DEPTH_MAX
    )
    inbox: int = limit(64, "Messages of one connection that wait to be handled; then its reader pauses.")
    outbox_bytes: int = limit(1 * MIB, "Bytes that wait for a slow client until it is closed.")
    outbox_grace: float = setting(2 * SECONDS, "Seconds that `OUTBOX_BYTES` may be exceeded for.", at_least(0))

    # Accounts and sessions
    salt_key: str = setting(
        "",
        f"Key that signs tokens, {SALT_KEY_MIN_BYTES} bytes or more. Development mode makes one and keeps it beside "
        "the database.",
        salt_key_check,
        secret=True,
    )
    token_lifetime: float = setting(24 * HOURS, "Seconds that a token is valid for.", at_least(1))
    connection_restore_wait_timeout: float = setting(
        10 * SECONDS,
        "Seconds that a session outlives its connection, so that the client can take it up again; 0: not at all.",
        at_least(0),
    )
    password_min_length: int = setting(8, "Characters that a password has at least.", at_least(1, 128))
    login_failures_per_minute: int = limit(10, "Failed logins a minute to one account.")
    login_failures_per_minute_per_ip: int = limit(60, "Failed logins a minute from one address; loopback is exempt.")
    accounts_per_hour: int = limit(200, "Accounts made an hour from one address; loopback is exempt.")
    max_sessions_per_user: int = limit(100, "Sessions of one user at a time.")
    max_name_length: int = limit(64, "Characters of a name, of a user or a room.")
    max_user_meta: int = limit(10, "Metadata keys of one user.")

    # Rooms
    max_rooms_per_user: int = limit(100, "Rooms that one user is in at a time.")
    max_users_per_room: int = limit(1_000, "Members of one room, whatever the room itself allows.")
    max_requests_per_room: int = limit(100, "Users who wait to be let into one room.")
    max_bans_per_room: int = limit(1_000, "Users who are banned from one room.")
    max_description_length: int = limit(1_024, "Characters of a room's description.")
    max_tags: int = limit(16, "Tags of one room.")
    max_tag_length: int = limit(64, "Characters of one tag.")
    max_room_meta: int = limit(10, "Metadata keys of one room.")
    room_password_charset: str = setting(
        "ABCDEFGHJKLMNPQRSTUVWXYZ23456789",  # no I and 1, no O and 0: players read these to one another
        "Characters that passwords of private rooms are made of.",
        charset_check,
    )
    room_password_length: int = setting(4, "Characters of a private room's password.", at_least(1, 128))

    # Storage
    database_path: Path = setting(
        Path("yummy.db"), "SQLite file with the accounts; `:memory:` keeps nothing.", database_path_check
    )
    database_url: str = setting(
        "", "The database as `sqlite:///FILE`, instead of `DATABASE_PATH`.", database_url_check, secret=True
    )
    redis_url: str = setting(
        "", "Reserved for several instances; not supported by this version.", redis_url_check, secret=True
    )
    redis_prefix: str = setting("yummy:", "Reserved for several instances: what keys begin with.")

    # Hook scripts
    default_python_files_path: Path = setting(
        Path("hooks"), "Folder of the hook scripts. `PYTHON_FILES_PATH` names it too.", also="PYTHON_FILES_PATH"
    )
    debug_hooks: bool = setting(default=False, doc="Whether clients are told the text of a script's error.")
    hook_timeout: float = setting(
        1 * SECONDS, "Seconds that one call of a hook may run; then it is interrupted.", positive
    )
    hook_abandon_after: float = setting(
        1 * SECONDS,
        "Seconds past `HOOK_TIMEOUT` after which an interpreter that does not react is given up, with all variables.",
        positive,
    )
    hook_max_abandoned: int = setting(
        4,
        "Given-up interpreters that may still run; with one more the server drains and exits with code 70.",
        at_least(0),
    )
    hook_load_timeout: float = setting(
        5 * SECONDS,
        "Seconds for importing scripts, again for all `on_unload`, and again for all `on_load`.",
        positive,
    )
    hook_queue: int = setting(
        1_024, "Hook calls that wait for the interpreter; one more is answered `busy`.", at_least(1)
    )
    hook_host_calls: int = setting(
        10_000, "Calls of the `room` and `user` API that one call of a hook may make.", at_least(1)
    )
    hook_sandbox: bool = setting(
        default=True, doc="Whether scripts are kept from processes, sockets, threads and foreign files."
    )
    hook_state_bytes: int = setting(
        1 * MIB, "Bytes of `yummy.state` that are copied, so that they can outlive an interpreter.", at_least(0)
    )

    @property
    def development(self) -> bool:
        """Whether the server runs in development mode: everything but ``YUMMY_ENV=production``."""
        return self.yummy_env != Environment.PRODUCTION

    @property
    def loopback(self) -> bool:
        """Whether only this machine can connect. A host name other than ``localhost`` counts as reachable."""
        try:
            return ip_address(self.bind_ip).is_loopback
        except ValueError:
            return self.bind_ip == "localhost"

    @property
    def tls(self) -> bool:
        """Whether the server speaks TLS."""
        return self.tls_cert_path is not None

    @property
    def sqlite_file(self) -> Path | None:
        """The database's file; None when it lives in memory only. ``DATABASE_URL`` wins over ``DATABASE_PATH``."""
        path = self.database_url.partition("://")[2][1:] if self.database_url else str(self.database_path)
        return None if path in {"", ":memory:"} else Path(path)

    @property
    def sqlalchemy_url(self) -> str:
        """The database as SQLAlchemy names it."""
        file = self.sqlite_file
        return "sqlite://" if file is None else f"sqlite:///{file}"

    def contradictions(self) -> Iterator[tuple[tuple[str, ...], str]]:
        """What is wrong with settings that are each fine by themselves.

        Yields:
            The fields that take part, the first being the one to change, and what to do about it.
        """
        if 0 < self.heartbeat_timeout <= self.heartbeat_interval:
            yield (
                ("heartbeat_timeout", "heartbeat_interval"),
                f"expected more than HEARTBEAT_INTERVAL ({self.heartbeat_interval:g} s), or quiet clients are closed",
            )
        yield from self._contradictions_of_tls()
        yield from self._contradictions_of_secrets()

    def _contradictions_of_tls(self) -> Iterator[tuple[tuple[str, ...], str]]:
        if self.tls_cert_path is not None and self.tls_key_path is None:
            yield ("tls_key_path", "tls_cert_path"), "expected a file, since TLS_CERT_PATH is set"
        if self.tls_key_path is not None and self.tls_cert_path is None:
            yield ("tls_cert_path", "tls_key_path"), "expected a file, since TLS_KEY_PATH is set"
        for name, path in (("tls_cert_path", self.tls_cert_path), ("tls_key_path", self.tls_key_path)):
            if path is not None and not path.is_file():
                yield (name,), f"no such file: {path}"

    def _contradictions_of_secrets(self) -> Iterator[tuple[tuple[str, ...], str]]:
        if self.development and self.loopback:
            return
        cause = f"with BIND_IP={self.bind_ip}" if self.development else "with YUMMY_ENV=production"
        if self.integration_key == DEVELOPMENT_INTEGRATION_KEY:
            yield (
                ("integration_key", "bind_ip", "yummy_env"),
                f"{cause} it must be set, and not to the key of development mode; make one with: {MAKE_SECRET}",
            )
        if not self.salt_key:
            yield ("salt_key", "bind_ip", "yummy_env"), f"{cause} it must be set; make one with: {MAKE_SECRET}"
