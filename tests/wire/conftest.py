"""Fixtures of the tests over real sockets: both encodings, the log as it comes, and what scripts can wait in."""

from collections.abc import Callable
from typing import Any

import pytest
import structlog
import trio
from attrs import define, field
from harness import PATIENCE


@pytest.fixture(params=["msgpack", "json"])
def encoding(request):
    return request.param


@define(eq=False)
class Journal:
    """What the server logs; a test can wait for a line."""

    lines: list[dict[str, Any]] = field(factory=list)
    _news: trio.Event = field(factory=trio.Event)

    def __call__(self, _logger, method, event):
        self.lines.append({**event, "level": method})
        # A thread that logs is no matter of the tests that wait.
        if trio.lowlevel.in_trio_run():
            self._news.set()
            self._news = trio.Event()
        raise structlog.DropEvent

    def said(self, text: str, **fields: Any) -> list[dict[str, Any]]:
        """The lines that hold a text and these fields."""
        wanted = fields.items()
        return [line for line in self.lines if text in line["event"] and wanted <= line.items()]

    async def line(self, text: str, *, after: int = 0, **fields: Any) -> dict[str, Any]:
        """The first line that holds a text and these fields, once it is there; ``after`` so many others like it."""
        with trio.fail_after(PATIENCE):
            while len(found := self.said(text, **fields)) <= after:
                await self._news.wait()
        return found[after]


@pytest.fixture
def journal():
    configured, before = structlog.is_configured(), structlog.get_config()
    heard = Journal()
    structlog.configure(
        processors=[structlog.processors.format_exc_info, heard],
        wrapper_class=structlog.make_filtering_bound_logger(0),
        cache_logger_on_first_use=False,
    )
    yield heard
    if configured:
        structlog.configure(**before)
    else:
        structlog.reset_defaults()


async def _until(condition: Callable[[], bool]) -> None:
    with trio.fail_after(PATIENCE):
        while not condition():  # noqa: ASYNC110  # threads and counts set no event
            await trio.sleep(0.01)


@pytest.fixture
def until():
    """Wait for what tells nobody that it has happened: ``await until(lambda: ...)``."""
    return _until


@pytest.fixture
def all_ended(until):
    """Wait until no interpreter spins that was given up; nothing of it shall run into other tests."""

    async def wait(server):
        await until(lambda: server.hooks.statistics().spinning == 0)

    return wait


@define
class HeldPasswords:
    """Hashing that waits until a test says so: it stands between the pre and the post hooks of a login."""

    _passwords: Any
    asked: trio.Event = field(factory=trio.Event)
    answer: trio.Event = field(factory=trio.Event)

    async def hash(self, password):
        self.asked.set()
        await self.answer.wait()
        return await self._passwords.hash(password)

    async def verify(self, password_hash, password):
        return await self._passwords.verify(password_hash, password)


@pytest.fixture
def hold_logins():
    """Let logins that make an account by a password wait between their hooks."""

    def hold(server):
        server.chain.passwords = held = HeldPasswords(server.chain.passwords)
        return held

    return hold
