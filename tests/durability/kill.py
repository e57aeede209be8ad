"""One life of a server: it is started, looked at, put under load and killed."""
# ruff: noqa: S311  # random draws cases here

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from random import Random

import attrs
import trio
from durability.clients import SCRIPTS, Client, change_passwords, make_accounts, play_together
from durability.ledger import Ledger
from durability.process import PATIENCE, ServerProcess
from harness import Player, dialled, write_scripts
from trio_websocket import ConnectionClosed, HandshakeError

NEWCOMERS = 4
PAIRS = 2
MOST_ANSWERS = 150
"""Answers that a server gives at most before it is killed."""
LONGEST_DELAY = 0.01
"""Seconds after an answer within which the server is killed."""
TOKENS_SHOWN = 4
"""Tokens of each kind that are shown to the server after each restart; all are looked up in the database."""


@attrs.define(eq=False)
class Load:
    """What a server has to bear until it is killed.

    Attributes:
        url: Its address.
        ledger: What clients are told.
        random: Draws what they do.
        life: Which life of the server it is; part of the names of accounts.
        most: Answers in all after which it may die.
    """

    url: str
    ledger: Ledger
    random: Random
    life: int
    most: int
    enough: trio.Event = attrs.field(factory=trio.Event)

    def answered(self) -> None:
        """A client was answered."""
        if self.ledger.answers >= self.most:
            self.enough.set()

    @asynccontextmanager
    async def client(self, name: str) -> AsyncIterator[Client]:
        """A connected client."""
        async with dialled(self.url) as player:
            yield Client(player, self.ledger, self.answered, Random(self.random.random()), f"life-{self.life}-{name}")

    async def run(self) -> None:
        """Everything at once, until the server is gone."""
        async with trio.open_nursery() as nursery:
            for number in range(NEWCOMERS):
                nursery.start_soon(self._until_lost, self._newcomer, number)
            for number in range(PAIRS):
                nursery.start_soon(self._until_lost, self._pair, number)
            nursery.start_soon(self._until_lost, self._passwords, 0)

    async def _newcomer(self, number: int) -> None:
        async with self.client(f"newcomer-{number}") as client:
            await make_accounts(client)

    async def _pair(self, number: int) -> None:
        async with self.client(f"one-{number}") as one, self.client(f"other-{number}") as other:
            await play_together(one, other)

    async def _passwords(self, number: int) -> None:
        async with self.client(f"here-{number}") as here, self.client(f"there-{number}") as there:
            await change_passwords(here, there)

    async def _until_lost(self, task: Callable[[int], Awaitable[None]], number: int) -> None:
        try:
            await task(number)
        except* (ConnectionClosed, HandshakeError, trio.BrokenResourceError, trio.ClosedResourceError, OSError):
            assert self.enough.is_set(), "a connection was lost before the server was killed"


async def live_and_die(folder: Path, ledger: Ledger, random: Random, life: int) -> None:
    """Start a server, compare what it finds with what earlier ones said, load it and kill it.

    Args:
        folder: Where its database and scripts are.
        ledger: What was said, by this and earlier lives.
        random: Draws what clients do, and when the server is killed.
        life: Which one it is.
    """
    server = await _start(folder)
    try:
        await _look_back(server, folder, ledger, random)
        load = Load(server.url, ledger, random, life, most=ledger.answers + random.randint(1, MOST_ANSWERS))
        delay = random.random() * LONGEST_DELAY
        with trio.fail_after(PATIENCE):
            async with trio.open_nursery() as nursery:
                nursery.start_soon(load.run)
                await load.enough.wait()
                # Not always right behind an answer: the moment is drawn.
                await trio.sleep(delay)
                server.kill()
    finally:
        server.kill()


async def look_back(folder: Path, ledger: Ledger, random: Random) -> None:
    """Start a server for the last time, and compare."""
    server = await _start(folder)
    try:
        await _look_back(server, folder, ledger, random)
        assert await trio.to_thread.run_sync(server.stop) == 0
    finally:
        server.kill()


async def _start(folder: Path) -> ServerProcess:
    write_scripts(folder / "hooks", **SCRIPTS)
    return await trio.to_thread.run_sync(ServerProcess.start, folder)


async def _look_back(server: ServerProcess, folder: Path, ledger: Ledger, random: Random) -> None:
    ledger.compare(folder / "yummy.db")
    tokens = [(token, works) for subject in ledger.subjects for token, works in subject.tokens.items()]
    async with dialled(server.url) as player:
        for expected in (True, False):
            known = [token for token, works in tokens if works is expected]
            for token in random.sample(known, min(TOKENS_SHOWN, len(known))):
                answer = await player.call("RestoreToken", token=token)
                assert answer["status"] is expected, answer
        for subject in ledger.subjects:
            if subject.email is not None and subject.user_id is not None:
                await _compare_password(player, subject.email, subject.passwords[subject.sure_password :])
                # Compared once; later lives do not change it.
                subject.email = None


async def _compare_password(player: Player, email: str, possible: list[str]) -> None:
    answers = [await player.call("AuthEmail", email=email, password=password) for password in possible]
    fit = [answer["status"] for answer in answers]
    assert fit.count(True) == 1, f"of the passwords that {email} may have, these fit: {fit}"
