"""One task that looks after all connections: heartbeats, clients that never log in, clients that do not read.

An idle connection costs it a few comparisons a second, and no task of its own.
"""

import structlog
import trio

from yummy.transport.conversation import CLOSE_HEARTBEAT, CLOSE_UNAUTHENTICATED, Conversation
from yummy.transport.frames import frame_ping
from yummy.transport.limits import TransportLimits, seconds
from yummy.transport.registry import Registry

_log = structlog.get_logger("yummy.transport")

_PING = frame_ping()

_SWEEP = (0.05, 1.0)
"""Seconds between two sweeps, at least and at the most: a quarter of the shortest time-out, within these."""

_CHECKS_AT_A_TIME = 256
"""Connections looked at before other tasks get their turn."""


async def watch(registry: Registry, limits: TransportLimits) -> None:
    """Sweep all connections again and again, until cancelled. A cancellation leaves nothing behind."""
    timeouts = (limits.auth_timeout, limits.heartbeat_interval, limits.heartbeat_timeout, limits.outbox_grace)
    period = min(max(min(filter(None, timeouts), default=1.0) / 4, _SWEEP[0]), _SWEEP[1])
    now = trio.current_time()
    while True:
        due = now + period
        await trio.sleep_until(due)
        now = trio.current_time()
        # If everything stood still for a while, nobody has been heard meanwhile, and it takes a while to read it all.
        overslept = now - due if now - due > period else 0.0
        await trio.lowlevel.checkpoint()
        await trio.lowlevel.checkpoint()
        await _sweep(registry, limits, now, overslept)


async def _sweep(registry: Registry, limits: TransportLimits, now: float, overslept: float) -> None:
    """Look at everybody once. A function of its own, so that a resting watch keeps nobody alive."""
    for number, conversation in enumerate(tuple(registry.conversations.values()), 1):
        if overslept:
            stop_clocks(conversation, now, overslept)
        check(conversation, limits, now)
        if number % _CHECKS_AT_A_TIME == 0:
            await trio.lowlevel.checkpoint()


def stop_clocks(conversation: Conversation, now: float, overslept: float) -> None:
    """Count some time for nobody: this server stood still itself, and did not hear what the client said.

    Args:
        conversation: After the upgrade.
        now: Trio's time.
        overslept: Seconds.
    """
    inlet = conversation.stream.inlet
    inlet.last_heard = min(now, inlet.last_heard + overslept)
    conversation.anonymous_since = min(now, conversation.anonymous_since + overslept)
    conversation.checked_at = min(now, conversation.checked_at + overslept)


def check(conversation: Conversation, limits: TransportLimits, now: float) -> None:
    """Look at one connection, and end it if it is time.

    Args:
        conversation: After the upgrade.
        limits: The time-outs.
        now: Trio's time.
    """
    stream, connection = conversation.stream, conversation.connection
    outbox = stream.outbox
    checked_at, conversation.checked_at = conversation.checked_at, now
    if outbox.sealed or connection is None:
        return
    if outbox.crowded_since is not None and now - outbox.crowded_since >= limits.outbox_grace:
        conversation.drop_slow()
        return
    if connection.authenticated:
        conversation.anonymous_since = now
    elif connection.working:
        # It has said who it is, and waits for us: for its password to be hashed, behind those of many others.
        conversation.anonymous_since += now - checked_at
    elif now - conversation.anonymous_since >= seconds(limits.auth_timeout):
        conversation.close(CLOSE_UNAUTHENTICATED, "not authenticated in time")
        return
    if conversation.paused_since is None and now - stream.inlet.last_heard >= seconds(limits.heartbeat_timeout):
        _log.debug("heartbeat_lost", connection=connection.id, address=connection.address)
        conversation.close(CLOSE_HEARTBEAT, "heartbeat lost")
    elif now - conversation.pinged_at >= seconds(limits.heartbeat_interval):
        conversation.pinged_at = now
        outbox.push(_PING)
