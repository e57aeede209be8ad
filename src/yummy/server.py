"""The server: makes its parts, joins them, and ends them in order.

The way down, after the first signal: no new connections; every connection is closed (1001), and each ends what it had
received; chains that follow from that end too, all within ``DRAIN_TIMEOUT``; then the scripts, then the database.
"""

import gc
import signal
import ssl
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from functools import partial
from typing import Any

import attrs
import structlog
import trio

from yummy.core.throttle import Throttles
from yummy.core.tokens import Tokens
from yummy.ending import exit_at_once
from yummy.hooks.bounds import hook_limits
from yummy.hooks.calls import ScriptsBroken
from yummy.hooks.host import HookHost
from yummy.hooks.opening import open_hooks
from yummy.passwords import Argon2Passwords
from yummy.pipeline.chain import Chain
from yummy.pipeline.desk import Passwords
from yummy.pipeline.driver import Driver
from yummy.pipeline.intake import Connection, Intake
from yummy.pipeline.operators import Operators
from yummy.pipeline.switchboard import Switchboard
from yummy.pipeline.windows import Windows
from yummy.protocol.errors import Refusal
from yummy.salt import with_secrets
from yummy.settings import Settings
from yummy.store.accounts import AccountStore
from yummy.store.database import Database, DatabaseError
from yummy.store.world import World
from yummy.transport import Gate, Transport, TransportLimits, open_listeners, serve
from yummy.transport.tls import load_certificate

_log = structlog.get_logger("yummy.server")

FORGET_INTERVAL = 3600.0
"""Seconds between two times of forgetting expired sessions."""

EXIT_BROKEN_SCRIPTS = 2
EXIT_SCRIPTS_SPIN = 70
"""Too many hook interpreters were given up; EX_SOFTWARE of BSD's sysexits.h, for a supervisor to start it again."""
EXIT_CANNOT_START = 1
EXIT_FORCED = 1


class StartupError(Exception):
    """The server cannot start.

    Attributes:
        exit_code: What the process should end with.
        stuck: Whether a script holds its thread, so that only `os._exit` ends the process.
    """

    def __init__(self, text: str, exit_code: int = EXIT_CANNOT_START, *, stuck: bool = False) -> None:
        super().__init__(text)
        self.exit_code = exit_code
        self.stuck = stuck


@attrs.define(eq=False)
class Parts:
    """All of a server but its transport: joined, running, and served by whatever hands connections to it.

    Attributes:
        settings: What they were made with.
        chain: Runs messages.
        database: Accounts and issued sessions.
        store: The database, asked from the event loop.
        hooks: The scripts.
        driver: Drives the chains, and counts those that run.
        windows: The sessions without a connection.
        services: Owns what chains need; ends after them.
    """

    settings: Settings
    chain: Chain
    database: Database
    store: AccountStore
    hooks: HookHost
    driver: Driver
    windows: Windows
    services: trio.Nursery

    def make_peer(self, connection: Connection) -> Intake:
        """The pipeline's end of a connection that has come."""
        return Intake(connection, self.chain, self.driver, self.windows.open, trio.current_time)


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


@asynccontextmanager
async def open_parts(
    settings: Settings, *, wall_clock: Callable[[], float] = time.time, passwords: Passwords | None = None
) -> AsyncIterator[Parts]:
    """Run all of a server but its transport for the length of a block.

    The nurseries in here own every task of the server: the inner one the chains, the outer one the services that
    chains need (the hub, the windows, the transport). Leaving the block ends the chains first.

    Args:
        settings: With a `salt_key`.
        wall_clock: Unix seconds; dates and tokens go by it.
        passwords: Hashing in threads; None for that of real servers.

    Raises:
        StartupError: A part could not begin.
    """
    database = await _open_database(settings)
    failure: BaseException | None = None
    try:
        async with _open_scripts(settings) as hooks, trio.open_nursery() as services, trio.open_nursery() as chains:
            try:
                hashing = passwords or Argon2Passwords()
                parts = _join(settings, database, hooks, services, chains, wall_clock, hashing)
                if settings.sqlite_file is not None:
                    # A database in memory is out of operators' reach.
                    await services.start(Operators(parts.store, parts.chain.obey, parts.driver.launch).run)
                yield parts
            except BaseException as error:  # noqa: BLE001  # raised again below, not wrapped in groups by the nurseries
                failure = error
            finally:
                chains.cancel_scope.cancel()
                services.cancel_scope.cancel()
    finally:
        database.close()
    if failure is not None:
        raise failure


def _join(
    settings: Settings,
    database: Database,
    hooks: HookHost,
    services: trio.Nursery,
    chains: trio.Nursery,
    wall_clock: Callable[[], float],
    passwords: Passwords,
) -> Parts:
    world = World()
    store = AccountStore(database)
    driver = Driver(chains)
    chain = Chain(
        world=world,
        store=store,
        hooks=hooks,
        passwords=passwords,
        switchboard=Switchboard(world),
        settings=settings,
        tokens=Tokens(settings.salt_key, settings.token_lifetime),
        throttles=Throttles.of(settings),
        clock=wall_clock,
        driver=driver,
    )
    windows = Windows(
        world,
        settings.connection_restore_wait_timeout,
        lambda session_id: driver.launch(chain.end_session(session_id, "window")),
    )
    chains.start_soon(driver.run)
    services.start_soon(windows.run)
    services.start_soon(_forget_sessions, store, wall_clock)
    return Parts(settings, chain, database, store, hooks, driver, windows, services)


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


async def _open_database(settings: Settings) -> Database:
    try:
        return await trio.to_thread.run_sync(Database.open, settings.sqlalchemy_url)
    except DatabaseError as error:
        where = settings.sqlite_file or "in memory"
        raise StartupError(f"the database ({where}) cannot be opened: {error}") from None


@asynccontextmanager
async def _open_scripts(settings: Settings) -> AsyncIterator[HookHost]:
    try:
        async with open_hooks(settings.default_python_files_path, hook_limits(settings)) as hooks:
            yield hooks
    except ScriptsBroken as broken:
        raise StartupError(broken.report, EXIT_BROKEN_SCRIPTS, stuck=broken.stuck) from None


async def _forget_sessions(store: AccountStore, wall_clock: Callable[[], float]) -> None:
    """Forget what was issued to sessions whose tokens have expired; goes on until cancelled."""
    while True:
        # If it fails, the store has logged why, and there is another time.
        with suppress(Refusal):
            _log.debug("sessions_forgotten", count=await store.forget_sessions(int(wall_clock())))
        await trio.sleep(FORGET_INTERVAL)


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
