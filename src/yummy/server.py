"""The server: its parts and the network joined, and its life as a process.

The way down, after the first signal: no new connections; every connection is closed (1001), and each ends what it had
received; chains that follow from that end too, all within ``DRAIN_TIMEOUT``; then the scripts, then the database.
"""

import gc
import signal
import ssl
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import partial
from typing import Any

import attrs
import structlog
import trio

from yummy.ending import exit_at_once
from yummy.hooks.host import HookHost
from yummy.parts import StartupError, open_parts
from yummy.pipeline.chain import Chain
from yummy.pipeline.driver import Driver
from yummy.salt import with_secrets
from yummy.settings import Settings
from yummy.store.database import Database
from yummy.store.world import World
from yummy.transport import Gate, Transport, TransportLimits, open_listeners, serve
from yummy.transport.tls import load_certificate

_log = structlog.get_logger("yummy.server")

EXIT_SCRIPTS_SPIN = 70
"""Too many hook interpreters were given up; EX_SOFTWARE of BSD's sysexits.h, for a supervisor to start it again."""
EXIT_FORCED = 1


@attrs.define(eq=False)
class Server:
    """A running server.

    Attributes:
        settings: What it was started with.
        chain: Runs messages.
        database: Accounts and issued sessions.
        hooks: The scripts.
        transport: Its connections.
        driver: Drives the chains, and counts those that run.
    """

    settings: Settings
    chain: Chain
    database: Database
    hooks: HookHost
    transport: Transport
    driver: Driver

    @property
    def world(self) -> World:
        """The committed live state."""
        return self.chain.world

    @property
    def url(self) -> str:
        """Where clients connect to, without the key."""
        host, port = self.transport.addresses[0]
        scheme = "wss" if self.settings.tls else "ws"
        return f"{scheme}://{f'[{host}]' if ':' in host else host}:{port}"


def run(settings: Settings) -> int:
    """Run a server until it is told to stop.

    Returns:
        The exit code.

    Raises:
        StartupError: It could not begin.
    """
    return trio.run(_main, with_secrets(settings))


@attrs.define(eq=False)
class _Life:
    """What a signal means, from before the first part is opened until after the last one is closed.

    Attributes:
        begun: Whether the server listens; before, a signal cancels its opening.
        stop: Set by the first signal.
        scope: Around the whole server.
    """

    begun: bool = False
    stop: trio.Event = attrs.field(factory=trio.Event)
    scope: trio.CancelScope = attrs.field(factory=trio.CancelScope)

    async def listen(self, signals: AsyncIterator[int]) -> None:
        """Hear signals until cancelled. The second one ends the process at once."""
        async for _ in signals:
            if self.stop.is_set():
                _log.warning("stopped at once, by a second signal")
                exit_at_once(EXIT_FORCED)
            self.stop.set()
            if not self.begun:
                self.scope.cancel()


async def _main(settings: Settings) -> int:
    life = _Life()
    code = 0
    failure: StartupError | None = None
    with trio.open_signal_receiver(signal.SIGINT, signal.SIGTERM) as signals:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(life.listen, signals)
            try:
                with life.scope:
                    code = await _serve(settings, life)
            except StartupError as error:
                # Carried around the nursery, which would make a group of it.
                failure = error
            nursery.cancel_scope.cancel()
    if failure is not None:
        raise failure
    if not life.begun:
        # A script that is being imported may hold its thread.
        _log.info("stopped before it began")
        exit_at_once(0)
    _log.info("stopped", code=code)
    return code


async def _serve(settings: Settings, life: _Life) -> int:
    async with open_server(settings) as server:
        life.begun = True
        _spare_the_collector()
        _announce(server)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(_stop_when, server.hooks.exhausted, life)
            await life.stop.wait()
            nursery.cancel_scope.cancel()
        code = EXIT_SCRIPTS_SPIN if server.hooks.exhausted.is_set() else 0
        _log.info("draining", timeout=settings.drain_timeout)
        if not await _drain(server):
            # What was acknowledged is stored; the rest has had its time.
            exit_at_once(code)
    if server.hooks.stuck:
        # A script holds its thread, which nothing can end but the end of the process.
        exit_at_once(code)
    return code


def _spare_the_collector() -> None:
    """Take what is there for good out of the garbage collector's sight.

    Else a full collection looks through a hundred thousand objects, again and again, and all players wait for it.
    """
    gc.collect()
    gc.freeze()


async def _stop_when(reason: trio.Event, life: _Life) -> None:
    """End the server as a signal would, once there is a reason."""
    await reason.wait()
    life.stop.set()


@asynccontextmanager
async def open_server(settings: Settings, *, wall_clock: Callable[[], float] = time.time) -> AsyncIterator[Server]:
    """Run a server for the length of a block.

    Args:
        settings: With a `salt_key`.
        wall_clock: Unix seconds; dates and tokens go by it.

    Raises:
        StartupError: A part could not begin.
    """
    async with open_parts(settings, wall_clock=wall_clock) as parts:
        parts.services.start_soon(parts.hooks.watch)
        serving = partial(serve, **await _transport_parts(settings), make_peer=parts.make_peer)
        transport = await parts.services.start(serving)
        yield Server(settings, parts.chain, parts.database, parts.hooks, transport, parts.driver)


async def _transport_parts(settings: Settings) -> dict[str, Any]:
    tls = _open_certificate(settings)
    try:
        listeners = await open_listeners(settings.bind_ip, settings.bind_port)
    except OSError as error:
        where = f"{settings.bind_ip}:{settings.bind_port}"
        raise StartupError(f"cannot listen on {where}: {error.strerror or error}") from None
    gate = Gate(key=settings.integration_key, key_name=settings.api_key_name, allowed_origins=settings.allowed_origins)
    limits = TransportLimits(
        heartbeat_interval=settings.heartbeat_interval,
        heartbeat_timeout=settings.heartbeat_timeout,
        handshake_timeout=settings.handshake_timeout,
        auth_timeout=settings.auth_timeout,
        max_connections=settings.max_connections,
        max_connections_per_ip=settings.max_connections_per_ip,
        max_handshakes=settings.max_handshakes,
        max_message_bytes=settings.max_message_bytes,
        max_fragments=settings.max_fragments,
        max_control_frames=settings.max_control_frames,
        outbox_bytes=settings.outbox_bytes,
        outbox_grace=settings.outbox_grace,
    )
    return {"listeners": listeners, "limits": limits, "gate": gate, "tls": tls}


def _open_certificate(settings: Settings) -> ssl.SSLContext | None:
    if settings.tls_cert_path is None or settings.tls_key_path is None:
        return None
    try:
        return load_certificate(settings.tls_cert_path, settings.tls_key_path)
    except OSError as error:
        files = f"{settings.tls_cert_path} and {settings.tls_key_path}"
        raise StartupError(f"certificate and key ({files}) cannot be used: {error}") from None


def _announce(server: Server) -> None:
    _log.info(
        "listening",
        address=server.url,
        scripts=list(server.hooks.scripts),
        mode="development" if server.settings.development else "production",
    )


async def _drain(server: Server) -> bool:
    """End all connections and what they have begun; whether that was done in time."""
    timeout = server.settings.drain_timeout
    deadline = trio.current_time() + timeout
    await server.transport.drain(timeout)
    with trio.move_on_at(deadline) as waiting:
        await server.driver.wait_idle()
    if waiting.cancelled_caught:
        _log.warning("messages_cut_off", count=server.driver.running)
    return not waiting.cancelled_caught
