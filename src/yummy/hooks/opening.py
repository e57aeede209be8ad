"""Opens the hook engine with a folder of scripts, and closes it.

Owns the nursery that all of the engine's tasks live in, and what a folder means that is not there or holds no scripts.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import structlog
import trio

from yummy.hooks.calls import HookLimits, ScriptsBroken
from yummy.hooks.host import HookHost
from yummy.hooks.report import Trouble
from yummy.hooks.revision import Sources, read_sources

_log = structlog.get_logger("yummy.hooks")


@asynccontextmanager
async def open_hooks(folder: Path | None, limits: HookLimits) -> AsyncIterator[HookHost]:
    """Load the scripts of a folder, and serve calls until the block is left. `HookHost.watch` follows its edits.

    The nursery in here owns reader, writer and clock of each interpreter and the hooks' look-ups. Leaving the block,
    also by cancellation, closes the interpreter first (bounded by ``load_timeout``, ``abandon_after`` and
    `peer.JOIN_TIMEOUT`), then ends these tasks; a caller that still waits is answered then.

    Args:
        folder: The scripts folder; None gives a host without hooks. One that is not there may be made later.
        limits: The bounds.

    Raises:
        ScriptsBroken: The scripts cannot be loaded.
        RuntimeError: This Python cannot run scripts beside the server.
    """
    host = HookHost(limits, folder=folder)
    sources = await _sources(folder)
    if sources is None or not sources.scripts:
        where = "a folder of its own (DEFAULT_PYTHON_FILES_PATH)" if folder is None else f"the folder {folder}"
        _log.info(f"no hook scripts: to have some, put .py files with functions such as pre_play(model) into {where}")
    if folder is None:
        yield host
        return
    failure: BaseException | None = None
    async with trio.open_nursery() as nursery:
        host.open(nursery)
        try:
            if sources is not None and sources.scripts:
                await host.load(sources)
            yield host
        except BaseException as error:  # noqa: BLE001  # raised again below, not wrapped in a group by the nursery
            failure = error
        finally:
            with trio.CancelScope(shield=True):
                await host.close()
            nursery.cancel_scope.cancel()
    if failure is not None:
        if isinstance(failure, ScriptsBroken):
            failure.stuck = host.stuck
        try:
            raise failure
        finally:
            del failure  # it holds this frame, which holds it


async def _sources(folder: Path | None) -> Sources | None:
    if folder is None or not await trio.Path(folder).exists():
        return None
    if not await trio.Path(folder).is_dir():
        trouble = Trouble("broken", f"{folder} is no folder", advice="name the folder that the scripts are in")
        raise ScriptsBroken(trouble)
    return await trio.to_thread.run_sync(read_sources, folder)
