"""Every bound of the transport, with its unit.

Knows no settings: whoever starts the transport fills this in.
"""

from sys import maxsize

import attrs

SECONDS = 1.0
BYTES = 1
KIB = 1024 * BYTES
MIB = 1024 * KIB


@attrs.frozen(kw_only=True)
class TransportLimits:
    """What one connection, and all of them together, may take. 0 switches a limit off.

    Attributes:
        max_message_bytes: Bytes of one message from a client, of text too; one more closes (1009).
        max_fragments: Frames that one message may be cut into; one more closes (1008).
        max_control_frames: Pings, pongs and close frames of one client within a second; one more closes (1008).
        max_connections: Connections after the upgrade, in all; one more is answered 503.
        max_connections_per_ip: The same from one address, loopback excepted; one more is answered 429.
        max_handshakes: Connections before the upgrade. When there are so many, accepting pauses, and the oldest is
            ended once it is a second old.
        handshake_timeout: Seconds for the TLS handshake, and again for the request to upgrade.
        auth_timeout: Seconds that a connection may stay unauthenticated (4001).
        heartbeat_interval: Seconds between two pings.
        heartbeat_timeout: Seconds without a byte from the client (4002).
        outbox_bytes: Bytes that may wait for a slow client for longer than `outbox_grace` (4000).
        outbox_grace: Seconds that `outbox_bytes` may be exceeded for.
        outbox_burst: How many times `outbox_bytes` ends the connection at once, whatever the grace.
        close_timeout: Seconds that a client has to take what is queued and to close its side, after ours is closed.
    """

    max_message_bytes: int = 64 * KIB
    max_fragments: int = 1024
    max_control_frames: int = 200
    max_connections: int = 10_000
    max_connections_per_ip: int = 1_000
    max_handshakes: int = 1_000
    handshake_timeout: float = 5 * SECONDS
    auth_timeout: float = 30 * SECONDS
    heartbeat_interval: float = 10 * SECONDS
    heartbeat_timeout: float = 20 * SECONDS
    outbox_bytes: int = 1 * MIB
    outbox_grace: float = 2 * SECONDS
    outbox_burst: int = 4
    close_timeout: float = 2 * SECONDS


def bound(limit: int) -> int:
    """A limit as something to compare with: 0, which switches it off, becomes a number that nothing reaches."""
    return limit or maxsize


def seconds(limit: float) -> float:
    """A time-out as something to wait for: 0, which switches it off, becomes infinity."""
    return limit or float("inf")
