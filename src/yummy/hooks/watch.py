"""Notices edits of the scripts folder. Host side; it runs nothing of what it reads.

Owns when a folder counts as edited: when its texts are others than those that were tried last, and have come to rest.
It looks at the disk again and again instead of having itself told, since what a system tells ends silently with a
folder that is removed and made again, and does not cross network disks. A look costs one `stat` for each file, in a
thread, so that a disk which hangs keeps nobody waiting.
"""

from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path
from typing import Final, Never

import structlog
import trio
from attrs import define, field

from yummy.hooks.calls import ScriptsBroken
from yummy.hooks.revision import Signature, Sources, read_sources, source_signature

#: Seconds between two looks at the folder.
POLL_INTERVAL = 0.1
#: Seconds that the folder has to stay as it is before it is read.
SETTLE = 0.05
#: Times that this is waited for; then the folder is read though somebody saves on and on.
SETTLE_ROUNDS = 5
#: Seconds after an edit in which files are read, whatever their times say: some disks count those in whole seconds.
YOUNG = 2.0
#: Times that the folder is read if it changes while it is read; then at the next look.
READ_ROUNDS = 3

_NEVER: Final = (("",),)

_log = structlog.get_logger("yummy.hooks")


@define(eq=False)
class SourceWatch:
    """What is known of a scripts folder.

    Attributes:
        folder: The folder; it need not be there.
        tried: The texts that were handed on last, or that served when the watch began.
        changed: Gets the texts after an edit; what it raises is told and ends nothing.
        broken: Gets what keeps the folder from being read, once, and the `ScriptsBroken` that ``changed`` raises.
        settle: Seconds that the folder has to stay as it is.
        young: Seconds after an edit in which files are read, whatever their times say.
    """

    folder: Path
    tried: Sources | None
    changed: Callable[[Sources], Awaitable[None]]
    broken: Callable[[ScriptsBroken], None]
    settle: float = SETTLE
    young: float = YOUNG
    _seen: Signature | None = _NEVER
    _read_until: float = 0.0
    _is_missing: bool = False
    _report: str = ""
    _limiter: trio.CapacityLimiter = field(factory=lambda: trio.CapacityLimiter(1))

    async def look(self) -> None:
        """Look at the folder once; if it was edited, wait until it is at rest, and hand its texts on.

        Cancelled, it leaves behind at most a thread that ends with its read.
        """
        signature = await self._signature()
        if signature != self._seen:
            self._read_until = trio.current_time() + self.young
            signature = await self._settled(signature)
        elif trio.current_time() >= self._read_until:
            return
        self._seen = signature
        if signature is None:
            self._say_missing()
            return
        self._is_missing = False
        read = partial(_read_at_rest, self.folder)
        match await trio.to_thread.run_sync(read, abandon_on_cancel=True, limiter=self._limiter):
            case Sources() as sources:
                self._report = ""
                if _is_torn(sources, signature):
                    self._seen = _NEVER
                elif sources.texts != self._tried_texts:
                    await self._hand_on(sources)
            case ScriptsBroken() as error if error.report != self._report:
                self._report = error.report
                self.broken(error)
            case None:
                self._seen = _NEVER

    @property
    def _tried_texts(self) -> tuple[tuple[str, bytes], ...]:
        return () if self.tried is None else self.tried.texts

    async def _signature(self) -> Signature | None:
        return await trio.to_thread.run_sync(
            source_signature, self.folder, abandon_on_cancel=True, limiter=self._limiter
        )

    async def _settled(self, signature: Signature | None) -> Signature | None:
        for _ in range(SETTLE_ROUNDS):
            await trio.sleep(self.settle)
            before, signature = signature, await self._signature()
            # A folder without files may be in the middle of being made again, and a file without bytes in the middle of
            # being saved in place; so these are believed last.
            if signature and signature == before and not self._is_emptied(signature):
                break
        return signature

    def _is_emptied(self, signature: Signature) -> bool:
        """Whether a file has lost all its bytes since it was read last."""
        empty = {stamp[0] for stamp in signature if stamp[-1] == 0}
        return any(text and path in empty for path, text in self._tried_texts)

    async def _hand_on(self, sources: Sources) -> None:
        self.tried = sources
        try:
            await self.changed(sources)
        except ScriptsBroken as error:
            self.broken(error)

    def _say_missing(self) -> None:
        if not self._is_missing and self._tried_texts:
            _log.warning("the scripts folder is gone: the scripts go on until it is back", folder=str(self.folder))
        self._is_missing = True


async def watch_sources(
    folder: Path,
    tried: Sources | None,
    changed: Callable[[Sources], Awaitable[None]],
    broken: Callable[[ScriptsBroken], None],
    *,
    poll: float = POLL_INTERVAL,
) -> Never:
    """Hand on the texts of a scripts folder after each edit, until cancelled.

    A folder that is not there, or no more, is waited for; one that is there and empty counts as a folder whose
    scripts were all deleted. Cancelled, it leaves behind at most a thread that ends with its read.

    Args:
        folder: The folder.
        tried: The texts that were loaded before, if any; nothing happens while the folder holds these.
        changed: Gets the texts after an edit. The folder is looked at again when it has returned.
        broken: Gets what keeps the folder from being read, once, and the `ScriptsBroken` that ``changed`` raises.
        poll: Seconds between two looks.
    """
    watch = SourceWatch(folder, tried, changed, broken, settle=poll * SETTLE / POLL_INTERVAL)
    problem = ""
    while True:
        try:
            await watch.look()
            problem = ""
        except Exception as error:  # noqa: BLE001  # the next edit shall be noticed, whatever was wrong with this one
            if str(error) != problem:
                problem = str(error)
                _log.exception("an edit of the scripts could not be taken over", folder=str(folder))
        await trio.sleep(poll)


def _is_torn(sources: Sources, signature: Signature) -> bool:
    """Whether a file that had bytes a moment ago has none now: somebody is saving it in place."""
    sizes = {stamp[0]: stamp[-1] for stamp in signature}
    return any(not text and sizes.get(path) for path, text in sources.texts)


def _read_at_rest(folder: Path) -> Sources | ScriptsBroken | None:
    """The texts of a folder, or why it cannot be read; None if it changes faster than it is read, or is gone."""
    for _ in range(READ_ROUNDS):
        before = source_signature(folder)
        if before is None:
            return None
        found: Sources | ScriptsBroken
        try:
            found = read_sources(folder)
        except ScriptsBroken as error:
            found = error
        if source_signature(folder) == before:
            return found
    return None
