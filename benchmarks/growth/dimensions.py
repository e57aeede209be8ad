"""What grows: a table of dimensions, and for each of them a server at which there is so much of it."""

import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

from attrs import frozen

from benchmarks.generator import Generator, generating
from benchmarks.growth.curve import Figure, Found
from benchmarks.growth.logins import Comers, coming
from benchmarks.kernel import MIB, ONE_CORE
from benchmarks.line import Line, in_turn
from benchmarks.peers.crowd import Crowd, Measured, Running
from benchmarks.peers.seats import yummy_seats
from benchmarks.peers.workloads import Workload
from benchmarks.server import Server, serving
from yummy.core.values import Account
from yummy.core.work import new_id
from yummy.store.database import Database

#: What servers are run with, beside what all servers of the benchmarks are.
LIMITS: Mapping[str, str] = {"MAX_CONNECTIONS": "0", "MAX_USERS_PER_ROOM": "0"}
#: Players who speak, while all others are only there.
BUSY = 10
#: Messages a second in all rooms together.
RATE = 2000.0
_ROOM = 4
_FOR_EVER = f"{24 * 60 * 60}"
_KIB = 1 << 10

MESSAGE, DELIVERY = Figure("us", "for each message"), Figure("us", "for each delivery")
#: To each of those who hear it, something must be written.
MESSAGE_TO_ALL = Figure("us", "for each message", allowed=1.0)
LOGIN = Figure("us", "for each login")
CONNECTION, SESSION = Figure("KiB", "for each connection"), Figure("KiB", "for each session")
#: What a server does for itself is most of it, so that no exponent could be told.
QUIET = Figure("ms", "of CPU a second when nobody speaks", allowed=None)

#: Measures one round, for so many seconds.
type Play = Callable[[float], Found]


@frozen
class Dimension:
    """Something of which there can be more or less.

    Attributes:
        name: What it is called on the command line.
        along: What grows.
        summary: What is done meanwhile.
        figures: What is measured.
        sizes: How much of it there is, in rising order.
        short: A few of these, for who only wants to see that it works.
        connections: How many connections that takes.
        begin: Runs a server at which there is so much of it, for the length of a block.
    """

    name: str
    along: str
    summary: str
    figures: tuple[Figure, ...]
    sizes: tuple[int, ...]
    short: tuple[int, ...]
    connections: Callable[[int], int]
    begin: Callable[[int], AbstractContextManager[Play]]


@contextmanager
def _crowd(workload: Workload, **settings: str) -> Iterator[tuple[Server, Crowd]]:
    """A server of its own, and the players of a workload at it."""
    with serving({}, **LIMITS, **settings) as server, generating() as generator:
        yield server, Crowd.gather(Running(server.process.pid, yummy_seats(server)), workload, generator)


#: Each of the players who speak is in a room of its own.
_BUSY = Workload("busy", BUSY, 1, 1, "")


def _each(measured: Measured) -> float:
    """Microseconds for one of what counts."""
    return measured.cpu / measured.count * 1e6


def _quiet(server: Server, generator: Generator, seconds: float) -> float:
    """Milliseconds of CPU a second that the server uses for those who are only there."""
    before = server.usage().cpu
    sample = generator.run(seconds)
    return (server.usage().cpu - before) / sample.seconds * 1000


@contextmanager
def _connections(count: int) -> Iterator[Play]:
    with _crowd(_BUSY) as (server, crowd):
        before = server.usage().resident
        crowd.generator.add([Line(server.player(f"idle-{number}"), in_turn(())) for number in range(count - BUSY)])
        memory = _memory(CONNECTION, server.usage().resident - before, count - BUSY)

        def play(seconds: float) -> Found:
            return {MESSAGE: _each(crowd.play(seconds)), QUIET: _quiet(server, crowd.generator, seconds), **memory}

        yield play


def _memory(figure: Figure, grown: int, count: int) -> Found:
    """Memory for each, if it can be told: a server has some left over, and takes more by the page."""
    return {figure: grown / count / _KIB} if grown >= MIB else {}


@contextmanager
def _rooms(count: int) -> Iterator[Play]:
    with _crowd(Workload("rooms", count, _ROOM, 1, "", rate=RATE)) as (server, crowd):

        def play(seconds: float) -> Found:
            # What counts is what others hear.
            message = _each(crowd.play(seconds)) * (_ROOM - 1)
            return {MESSAGE: message, QUIET: _quiet(server, crowd.generator, seconds)}

        yield play


@contextmanager
def _receivers(count: int) -> Iterator[Play]:
    with _crowd(Workload("receivers", 1, count + 1, 1, "", speakers=1)) as (_, crowd):

        def play(seconds: float) -> Found:
            delivery = _each(crowd.play(seconds))
            return {MESSAGE_TO_ALL: delivery * count, DELIVERY: delivery}

        yield play


@contextmanager
def _accounts(count: int) -> Iterator[Play]:
    with tempfile.TemporaryDirectory(prefix="yummy-benchmark-") as home:
        path = Path(home) / "yummy.db"
        _store(path, count - BUSY)
        with _crowd(_BUSY, DATABASE_PATH=str(path)) as (server, crowd), coming(server, 1, "device") as comers:
            yield lambda seconds: _messages_and_logins(crowd, comers, seconds)


def _store(path: Path, count: int) -> None:
    """Make a database that has accounts already."""
    database = Database.open(f"sqlite:///{path}")
    try:
        now = int(time.time())
        database.write(Account(new_id(), now, device_id=f"stored-{number:06}") for number in range(count))
    finally:
        database.close()


@contextmanager
def _sessions(count: int) -> Iterator[Play]:
    with _crowd(_BUSY, CONNECTION_RESTORE_WAIT_TIMEOUT=_FOR_EVER) as (server, crowd):
        before = server.usage().resident
        for number in range(count - BUSY):
            server.player(f"gone-{number}").close()
        memory = _memory(SESSION, server.usage().resident - before, count - BUSY)
        with coming(server, 1, "device") as comers:
            yield lambda seconds: {**_messages_and_logins(crowd, comers, seconds), **memory}


def _messages_and_logins(crowd: Crowd, comers: Comers, seconds: float) -> Found:
    return {MESSAGE: _each(crowd.play(seconds)), LOGIN: _each(comers.play(seconds, ONE_CORE))}


@contextmanager
def logging_in(by: str, at_once: int) -> Iterator[Comers]:
    """Players who log in at a server whose accounts are in a file, as those of a real one are."""
    with (
        tempfile.TemporaryDirectory(prefix="yummy-benchmark-") as home,
        serving({}, **LIMITS, DATABASE_PATH=str(Path(home) / "yummy.db")) as server,
        coming(server, at_once, by) as comers,
    ):
        yield comers


_ACCOUNTS, _FEW = (BUSY, 100, 500, 2000, 10_000), (BUSY, 40)
DIMENSIONS = (
    Dimension(
        "connections",
        "connections",
        f"{BUSY} players send messages, one in flight on each; all others are logged in and silent",
        (MESSAGE, CONNECTION, QUIET),
        (BUSY, 100, 500, 2000, 5000),
        _FEW,
        lambda count: count,
        _connections,
    ),
    Dimension(
        "rooms",
        "rooms",
        f"rooms of {_ROOM}, all of whom send messages to the others, {RATE:.0f} a second in all rooms together",
        (MESSAGE, QUIET),
        (1, 10, 50, 250, 1000),
        (1, 10),
        lambda count: count * _ROOM,
        _rooms,
    ),
    Dimension(
        "room-size",
        "receivers",
        "one room, one of whose players sends messages to all others, one in flight",
        (MESSAGE_TO_ALL, DELIVERY),
        (1, 2, 5, 10, 20, 50, 100, 200, 499),
        (1, 8),
        lambda count: count + 1,
        _receivers,
    ),
    Dimension(
        "accounts",
        "accounts",
        f"accounts in a file, {BUSY} players of whom send messages, one in flight on each, in turn with one who logs "
        "in again and again",
        (MESSAGE, LOGIN),
        _ACCOUNTS,
        _FEW,
        lambda _count: BUSY + 1,
        _accounts,
    ),
    Dimension(
        "sessions",
        "sessions",
        "the same with accounts that are logged in, on connections that were lost and may come back",
        (MESSAGE, LOGIN, SESSION),
        _ACCOUNTS,
        _FEW,
        lambda _count: BUSY + 1,
        _sessions,
    ),
)
