"""What to do about what a server answered, or why it let nobody in: texts for who runs a load. Pure."""

from collections.abc import Iterable, Mapping

_RATE = (
    "The server limits how much one connection, account or address may ask for, so that is what would be measured. "
    "Start it with MAX_MESSAGES_PER_SECOND=0; for logins from another machine with ACCOUNTS_PER_HOUR=0, "
    "LOGIN_FAILURES_PER_MINUTE=0 and LOGIN_FAILURES_PER_MINUTE_PER_IP=0, too."
)
#: By the codes of `ConnectionLost` and of answers: which setting of the server, or which option here.
ADVICE: Mapping[str, str] = {
    "rate_limited": _RATE,
    "closed 4004": _RATE,
    "busy": "The server has more to do than it queues: ask for less (--rate, --connections, --ahead), or raise its "
    "bound (HOOK_QUEUE, MAX_SESSIONS_PER_USER, MAX_ROOMS_PER_USER).",
    "room_full": "Start the server with MAX_USERS_PER_ROOM=0, or make rooms smaller.",
    "invalid_credentials": "The accounts of an earlier load have another password: start the server with another "
    "DATABASE_PATH, such as :memory:.",
    "http 401": "The server wants another API key: name its INTEGRATION_KEY by --key.",
    "http 403": "The server takes no connection from this origin (ALLOWED_ORIGINS).",
    "http 404": "There is no Yummy at this path: leave the path out of --url, or name the one that a proxy has.",
    "http 429": "The server takes no more connections from this address: start it with MAX_CONNECTIONS_PER_IP=0.",
    "http 503": "The server takes no more connections: start it with MAX_CONNECTIONS=0.",
    "closed 1001": "The server is stopping.",
    "closed 4000": "The server has dropped a player for reading too slowly. If that is this generator's doing, more "
    "--processes help.",
    "closed 4002": "The server has not heard of a player for too long. If this generator is busy, more --processes "
    "help; or start the server with HEARTBEAT_TIMEOUT=0.",
}

#: What makes a load pointless from the first time on.
POINTLESS = frozenset({"rate_limited", "closed 4004"})


def with_advice(text: str, codes: Iterable[str]) -> str:
    """A text, and what is known to help against these."""
    found = dict.fromkeys(ADVICE[code] for code in codes if code in ADVICE)
    return "\n".join([text, *found])
