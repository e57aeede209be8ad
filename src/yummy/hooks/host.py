"""The server's side of the hook engine: it sends calls to the hook interpreter and hands out what came of them.

Owns the socketpair's near end, the calls in flight and the thread of the interpreter. It knows no rooms' rules and
no connection: what a call may read and what becomes of its writes is the pipeline's.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from attrs import define, frozen

from yummy.hooks.calls import HookCall, HookLimits, HookResult, Passed, Phase

__all__ = ["HookHost", "HookLimits", "HookStatistics", "Revision", "open_hooks"]


@frozen
class Revision:
    """One accepted load of the scripts."""

    number: int
    time: float
    content_hash: str
    files: tuple[str, ...]


@frozen
class HookStatistics:
    """What the hook engine has done since its start."""

    revision: int
    calls: int
    passed: int
    failed: int
    crashed: int
    refused: int
    waiting: int
    fetches: int


@define
class HookHost:
    """The hook engine as the pipeline sees it."""

    revision: Revision
    stuck: bool = False

    @property
    def scripts(self) -> tuple[str, ...]:
        """The file names of the loaded scripts."""
        return self.revision.files

    def wants(self, phase: Phase, name: str) -> bool:
        """Whether any script has a hook there that does something."""
        return False

    def wants_either(self, name: str) -> bool:
        """Whether any script has a pre or post hook of this name that does something."""
        return False

    async def call(self, call: HookCall) -> HookResult:
        """Run all scripts' hooks of one half."""
        return Passed({}, ())

    def statistics(self) -> HookStatistics:
        """What the hook engine has done since its start."""
        return HookStatistics(self.revision.number, 0, 0, 0, 0, 0, 0, 0)


@asynccontextmanager
async def open_hooks(folder: Path | None, limits: HookLimits) -> AsyncIterator[HookHost]:
    """Load the scripts of a folder."""
    yield HookHost(Revision(0, 0.0, "", ()))
