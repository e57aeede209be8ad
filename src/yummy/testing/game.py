"""A game for a test: the whole server but for its sockets, and the players in it.

The scripts run in a real hook interpreter, messages take the real way through the pipeline, accounts are in SQLite in
memory. Only hashing of passwords is made cheap.
"""

import math
import textwrap
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import argon2
import trio
from attrs import define, field

from yummy.client.codec import Format
from yummy.constants import UserMetaAccess, UserType
from yummy.core.metadata import make_meta
from yummy.core.scripting import room_snapshot, user_snapshot
from yummy.core.values import Account, IdentityKind
from yummy.core.work import new_id
from yummy.parts import Parts, open_parts
from yummy.passwords import Argon2Passwords
from yummy.pipeline.unit import UnitOfWork
from yummy.room import Room
from yummy.settings import Settings
from yummy.testing.journal import Journal, Line
from yummy.testing.player import Player
from yummy.testing.stillness import Stillness, StuckError, hand_clock
from yummy.user import User

EPOCH = 1_893_456_000
"""The Unix time at which every game begins: 2030-01-01, 00:00 UTC."""

PATIENCE = 30.0
"""Real seconds that the server may take to come to rest."""

_SALT = "only-for-tests-" * 4


@define(eq=False, repr=False)
class Game:
    """A game under test; `game` opens it.

    Attributes:
        parts: The server behind it, for what the kit does not offer.
        players: Everybody who was made, in that order.
    """

    parts: Parts
    _journal: Journal
    _stillness: Stillness
    _format: Format
    players: list[Player] = field(factory=list)

    def __repr__(self) -> str:
        return f"<game of {', '.join(player.name for player in self.players) or 'nobody'}>"

    @property
    def now(self) -> float:
        """The time that scripts' data and tokens go by, in Unix seconds. It begins at `EPOCH`."""
        return self.parts.chain.clock()

    @property
    def printed(self) -> list[str]:
        """The lines that scripts have printed or logged."""
        return self._journal.printed

    @property
    def reports(self) -> list[Line]:
        """What has gone wrong, expected or not."""
        return self._journal.reports

    @property
    def log(self) -> list[Line]:
        """All lines of the server's log."""
        return self._journal.lines

    async def player(
        self,
        name: str,
        *,
        user_type: int = UserType.USER,
        metas: Mapping[str, Any] | None = None,
        encoding: Format | str | None = None,
    ) -> Player:
        """Connect a player and log it in by a device id made of the name. The same name is the same account.

        Args:
            name: Stands in failures.
            user_type: What the account may do on the whole server; one of ``constants.USER_TYPE_*``.
            metas: Metadata that the account has before it logs in, at the level that only scripts can read.
            encoding: ``"msgpack"`` or ``"json"``; None for the game's.

        Raises:
            AssertionError: A hook refused the login.
            Refusal: The metadata is none.
            ValueError: The account is there already, so that it is too late to choose its type or metadata.
        """
        __tracebackhide__ = True
        device_id = f"device-of-{name}"
        if user_type != UserType.USER or metas:
            await self._make_account(name, device_id, user_type, metas or {})
        player = self.guest(name, encoding=encoding)
        await player.push("AuthDeviceId", id=device_id)
        return player

    def guest(self, name: str = "guest", *, encoding: Format | str | None = None) -> Player:
        """Connect a player who is not logged in.

        Args:
            name: Stands in failures.
            encoding: As for `player`.
        """
        form = self._format if encoding is None else Format(encoding)
        player = Player(name, form, self.parts, self.settle, self._explain)
        self.players.append(player)
        return player

    async def settle(self) -> None:
        """Wait until the server has nothing more to do; every expectation does so by itself.

        Raises:
            StuckError: It does not come to rest.
        """
        await self._stillness.wait()

    async def advance(self, seconds: float) -> None:
        """Let time pass: timers go off in their order, and what they start ends before time goes on.

        Args:
            seconds: How much.

        Raises:
            RuntimeError: This test's clock is a real one.
            StuckError: The server does not come to rest.
        """
        await self._stillness.advance(seconds)

    async def room(self, room_id: str) -> Room | None:
        """A room as ``room.get_room`` shows it to a script, or None if there is none."""
        await self.settle()
        found = room_snapshot(UnitOfWork(self.parts.chain.world), room_id)
        return None if found is None else Room.of(found)

    async def user(self, user_id: str) -> User | None:
        """A user as ``user.get_user`` shows it to a script, or None if there is none."""
        await self.settle()
        uow = UnitOfWork(self.parts.chain.world)
        if uow.account(user_id) is None:
            uow.load(await self.parts.store.load_accounts([user_id]))
        found = user_snapshot(uow, user_id)
        return None if found is None else User.of(found)

    async def expect_report(self, text: str = "") -> Line:
        """Take the next report of something that went wrong; those that no test takes fail it.

        Args:
            text: What must stand in the report.

        Raises:
            AssertionError: There is none, or it says something else.
        """
        __tracebackhide__ = True
        await self.settle()
        return self._journal.expect_report(text)

    async def _make_account(self, name: str, device_id: str, user_type: int, metas: Mapping[str, Any]) -> None:
        await self.settle()
        store = self.parts.store
        if await store.find_account(IdentityKind.DEVICE_ID, device_id) is not None:
            raise ValueError(f"{name} has an account already: give user_type and metas with the first player {name}")
        account = Account(
            id=new_id(),
            insert_date=int(self.now),
            device_id=device_id,
            user_type=user_type,
            metas={key: make_meta(key, value, UserMetaAccess.SYSTEM) for key, value in metas.items()},
        )
        await store.write([account])

    def named(self, text: str) -> str:
        """A text with the names of players in place of their ids."""
        for player in self.players:
            for value, what in ((player.user_id, "user_id"), (player.session_id, "session_id")):
                if value:
                    text = text.replace(value, f"<{what} of {player.name}>")
        return text

    def _explain(self, text: str) -> str:
        """A failure with what the log knows of it."""
        return self.named(text + self._journal.told())


@asynccontextmanager
async def game(
    hooks: Path | str | None = None,
    *,
    scripts: Mapping[str, str] | None = None,
    settings: Mapping[str, Any] | None = None,
    encoding: Format | str = Format.MSGPACK,
    patience: float = PATIENCE,
) -> AsyncIterator[Game]:
    """Run a game for the length of a block.

    Args:
        hooks: The folder of the scripts.
        scripts: Or the scripts themselves: texts by file name. Common indentation is taken off.
        settings: Settings by their names in lower case. Without them, all are as in a real server, but for
            ``max_messages_per_second``, which is 0 (off), since time stands still.
        encoding: How players write, ``"msgpack"`` or ``"json"``, if they are not told otherwise.
        patience: Real seconds after which a test that gets nowhere is ended.

    Raises:
        AssertionError: When the block ends, something had gone wrong that the test did not expect.
        FileNotFoundError: There is no such folder.
        StartupError: The scripts are broken; the text is the report.
        StuckError: The test got nowhere.
    """
    __tracebackhide__ = True
    stands_still = hand_clock() is not None
    journal = Journal()
    stuck: list[StuckError] = []
    with _folder(hooks, scripts) as folder, journal.listening():
        began = trio.current_time()
        chosen = Settings(
            **{
                "database_path": Path(":memory:"),
                "salt_key": _SALT,
                "default_python_files_path": folder,
                "max_messages_per_second": 0,
                **(settings or {}),
            }
        )
        async with open_parts(
            chosen, wall_clock=lambda: EPOCH + trio.current_time() - began, passwords=_cheap_passwords()
        ) as parts:
            parts.hooks.reports.logged = math.inf  # a test expects each of them
            stillness = Stillness(parts, patience)
            opened = Game(parts, journal, stillness, Format(encoding))
            with trio.CancelScope() as block:

                def give_up(error: StuckError) -> None:
                    stuck.append(error)
                    block.cancel()

                if stands_still:
                    parts.services.start_soon(stillness.watch, give_up)
                try:
                    yield opened
                    await opened.settle()
                except Exception as error:
                    for report in journal.take_untold():
                        error.add_note(f"this went wrong meanwhile:\n{report}")
                    raise
            if stuck:
                raise stuck[0]
    journal.check(opened.named)


@contextmanager
def _folder(hooks: Path | str | None, scripts: Mapping[str, str] | None) -> Iterator[Path]:
    if (hooks is None) == (scripts is None):
        raise ValueError(
            'name the folder of the scripts (hooks="hooks") or give their texts (scripts={"game.py": ...})'
        )
    if scripts is None:
        folder = Path(hooks or ".")
        if not folder.is_dir():
            raise FileNotFoundError(f"there is no folder {folder.absolute()} to take scripts from")
        yield folder
        return
    with TemporaryDirectory(prefix="yummy-") as made:
        for name, text in scripts.items():
            file = Path(made, name)
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(textwrap.dedent(text), encoding="utf-8")
        yield Path(made)


def _cheap_passwords() -> Argon2Passwords:
    # Real hashes, so that a test sees what a server would do, in a millisecond: these guard nobody.
    return Argon2Passwords(argon2.PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))
