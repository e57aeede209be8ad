"""Who is compared: a table, with how each of them is started."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from functools import partial

from attrs import frozen

from benchmarks import scripts
from benchmarks.peers import programs
from benchmarks.peers.crowd import Running
from benchmarks.peers.programs import missing_packages, python_program, version_of
from benchmarks.peers.seats import Seats, bare_seats, colyseus_seats, socketio_seats, yummy_seats
from benchmarks.peers.workloads import W1, W3, WORKLOADS, Workload
from benchmarks.server import serving

YUMMY, HOOKED = "Yummy", "Yummy, pre and post hook"
BARE, COLYSEUS = "bare trio-websocket", "Colyseus"


@frozen
class Contestant:
    """Who is compared.

    Attributes:
        key: What it is called on the command line.
        name: What it is called in tables.
        begin: Runs it for the length of a block.
        version: What it is, in a few words.
        missing: What there is to be done before it can run; "" if nothing.
        workloads: What it does.
    """

    key: str
    name: str
    begin: Callable[[], AbstractContextManager[Running]]
    version: Callable[[], str]
    missing: Callable[[], str] = lambda: ""
    workloads: tuple[Workload, ...] = WORKLOADS


@contextmanager
def _yummy() -> Iterator[Running]:
    with serving({}) as server:
        yield Running(server.process.pid, yummy_seats(server))


@contextmanager
def _hooked() -> Iterator[Running]:
    with serving({"game.py": scripts.ADDITION}) as server:
        yield Running(server.process.pid, yummy_seats(server, play=True))


@contextmanager
def _program(command: Callable[[], list[str]], seats: Callable[[int], Seats]) -> Iterator[Running]:
    with programs.running(command()) as program:
        yield Running(program.pid, seats(program.port))


def _versions(*packages: str) -> Callable[[], str]:
    return lambda: ", ".join(f"{package} {version_of(package)}" for package in packages)


#: In the order of tables.
CONTESTANTS = (
    Contestant("yummy", YUMMY, _yummy, lambda: f"{version_of('yummy')}, no hooks"),
    Contestant("hooked", HOOKED, _hooked, lambda: f"{version_of('yummy')}, Play instead of messages", workloads=(W1,)),
    # What the whole server is made of: its transport alone, and with the protocol but no pipeline.
    Contestant(
        "transport",
        "Yummy's transport, echo",
        partial(_program, lambda: python_program("yummy_parts_echo"), bare_seats),
        _versions("yummy"),
        workloads=(W1, W3),
    ),
    Contestant(
        "protocol",
        "the same, checked and answered",
        partial(_program, lambda: python_program("yummy_parts_echo", "checked"), bare_seats),
        _versions("yummy"),
        workloads=(W1, W3),
    ),
    Contestant(
        "bare",
        BARE,
        partial(_program, lambda: python_program("trio_websocket_echo"), bare_seats),
        _versions("trio-websocket"),
    ),
    Contestant(
        "websockets",
        "websockets",
        partial(_program, lambda: python_program("websockets_server"), bare_seats),
        _versions("websockets"),
        lambda: missing_packages("websockets"),
    ),
    Contestant(
        "websockets-uvloop",
        "websockets, uvloop",
        partial(_program, lambda: python_program("websockets_server", "uvloop"), bare_seats),
        _versions("websockets", "uvloop"),
        lambda: missing_packages("websockets", "uvloop"),
    ),
    Contestant(
        "socketio",
        "python-socketio, uvloop",
        partial(_program, lambda: python_program("socketio_server", "uvloop"), socketio_seats),
        _versions("python-socketio", "aiohttp", "uvloop"),
        lambda: missing_packages("socketio", "aiohttp", "uvloop"),
    ),
    Contestant(
        "colyseus",
        COLYSEUS,
        partial(_program, programs.colyseus_program, colyseus_seats),
        lambda: f"{programs.colyseus_version()}, Node {programs.node_version()}",
        programs.missing_colyseus,
    ),
)
