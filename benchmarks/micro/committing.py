"""Making a change happen, in memory and on disk, and telling others of it."""

import sqlite3
import tempfile
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from functools import partial
from itertools import count
from pathlib import Path
from typing import Any

import attrs

from benchmarks.micro.codec import EVENT, PACK_EVENT
from benchmarks.micro.pieces import Piece, computing, seconds_for_one_awaited, waiting
from yummy.core.values import Account, Member, Meta, Room, Session
from yummy.pipeline.commit import Committer
from yummy.pipeline.switchboard import Switchboard
from yummy.pipeline.turns import Turns
from yummy.pipeline.unit import Delivery, UnitOfWork
from yummy.protocol.codec import Encoding
from yummy.store.accounts import AccountStore
from yummy.store.database import Database
from yummy.store.world import World
from yummy.transport.limits import TransportLimits
from yummy.transport.outbox import Outbox

#: How many hear of something.
_AUDIENCES = (3, 100)
_SQLITE = "SQLite alone: change one row"
_ADA = Account("018f2f6e-0000-7000-8000-000000000001", 1, name="Ada", device_id="a-device")


@contextmanager
def commits() -> Iterator[list[Piece]]:
    """Units of work that change one room, in memory, or one account, on disk."""
    with tempfile.TemporaryDirectory(prefix="yummy-benchmark-") as home:
        database = Database.open(f"sqlite:///{Path(home) / 'yummy.db'}")
        try:
            world = World()
            world.put_session("s", Session("s", _ADA.id, 1))
            world.put_account(_ADA)
            world.put_room("r", Room("r", 1, members={_ADA.id: Member(3, ("s",))}))
            committer = Committer(world, AccountStore(database), Turns(), Switchboard())
            durable = partial(seconds_for_one_awaited, partial(_commit_account, committer, count()))
            with closing(_plain_sqlite(Path(home) / "plain.db")) as plain:
                yield [
                    computing("commit a change of a room", partial(_commit_room, committer)),
                    Piece("commit a change of an account, on disk", durable, _SQLITE),
                    waiting(_SQLITE, partial(_change_row, plain, count())),
                ]
        finally:
            database.close()


def _commit_room(committer: Committer) -> None:
    uow = UnitOfWork(committer.world)
    room = uow.room("r")
    if room is not None:
        uow.put_room(attrs.evolve(room, metas={**room.metas, "moves": Meta(1)}))
    committer.commit_now(uow, _say_nothing)


async def _commit_account(committer: Committer, numbers: Iterator[int]) -> None:
    uow = UnitOfWork(committer.world)
    uow.put_account(attrs.evolve(_ADA, name=f"Ada {next(numbers)}"))
    await committer.commit(uow, _say_nothing)


def _say_nothing() -> None:
    pass


def _plain_sqlite(path: Path) -> sqlite3.Connection:
    """A database that is as durable as ours."""
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=FULL")
    connection.execute("CREATE TABLE accounts (id TEXT PRIMARY KEY, name TEXT)")
    connection.execute("INSERT INTO accounts VALUES (?, ?)", (_ADA.id, _ADA.name))
    return connection


def _change_row(connection: sqlite3.Connection, numbers: Iterator[int]) -> None:
    connection.execute("UPDATE accounts SET name = ? WHERE id = ?", (f"Ada {next(numbers)}", _ADA.id))


@attrs.define(eq=False)
class _Line:
    """What an event needs of a connection."""

    send: Callable[[bytes], None]
    encoding: Encoding = Encoding.MSGPACK
    session_id: str | None = None

    def bind(self, session_id: str | None) -> None:
        """Speak for a session from now on."""
        self.session_id = session_id


class _Sink:
    """A socket that takes everything at once, and does nothing with it: what the kernel costs is no part of this."""

    def send(self, data: memoryview) -> int:
        """Take it."""
        return len(data)


@attrs.define(eq=False)
class _Marks:
    """A hub that writes when it is told to."""

    marked: list[Any] = attrs.field(factory=list)

    def mark(self, outbox: Any) -> None:
        """Note who has something to write."""
        self.marked.append(outbox)

    def write(self) -> None:
        """Write all of it."""
        for outbox in self.marked:
            outbox.flush()
        self.marked.clear()


def broadcasts() -> Iterator[Piece]:
    """An event that is written once, and put into the outboxes of all who hear it."""
    for audience in _AUDIENCES:
        hub, switchboard = _Marks(), Switchboard()
        sessions = [f"s{number}" for number in range(audience)]
        for number, session_id in enumerate(sessions):
            outbox = Outbox(_Sink(), hub, TransportLimits())  # type: ignore[arg-type]  # as much of both as it uses
            switchboard.connect(number, _Line(outbox.push))  # type: ignore[arg-type]  # the same
            switchboard.bind(number, session_id)
        delivery = Delivery(tuple(sessions), EVENT)
        does = partial(_broadcast, switchboard, hub, delivery)
        yield computing(f"tell {audience} others of an event", does, PACK_EVENT)


def _broadcast(switchboard: Switchboard, hub: _Marks, delivery: Delivery) -> None:
    switchboard.deliver(delivery)
    hub.write()
