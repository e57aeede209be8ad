"""All of a server but its transport: made, joined, and ended in order. What ends last was begun first.

Whoever hands it connections need not be the network: the test kit (`yummy.testing`) serves its players from here.
"""

import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress

import attrs
import structlog
import trio

from yummy.core.throttle import Throttles
from yummy.core.tokens import Tokens
from yummy.core.work import Common
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
from yummy.settings import Settings
from yummy.store.accounts import AccountStore
from yummy.store.database import Database, DatabaseError
from yummy.store.world import World

_log = structlog.get_logger("yummy.server")

FORGET_INTERVAL = 3600.0
"""Seconds between two times of forgetting expired sessions."""

EXIT_CANNOT_START = 1
EXIT_BROKEN_SCRIPTS = 2


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
        switchboard=Switchboard(),
        common=Common(settings, Tokens(settings.salt_key, settings.token_lifetime), Throttles.of(settings)),
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
