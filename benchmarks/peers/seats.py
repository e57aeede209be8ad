"""How players get into the rooms of each kind of server, one after another."""

import http.client
import json
import os
from collections.abc import Callable, Iterator

from benchmarks.frames import Kind, frame
from benchmarks.peers.talker import Talker
from benchmarks.peers.workloads import Workload, bare_words, colyseus_words, socketio_words, yummy_words
from benchmarks.server import Server
from benchmarks.wire import PATIENCE, ConnectionLost, Where, Wire

#: Brings players into one room of a workload, told its number; one each time that it is asked for the next.
type Seats = Callable[[Workload, int], Iterator[Talker]]

#: What Colyseus calls that somebody has joined.
_JOINED = 10


def yummy_seats(server: Server, *, play: bool = False) -> Seats:
    """Of a Yummy server.

    Args:
        server: The server.
        play: Whether players play, instead of sending messages.
    """

    def seats(workload: Workload, number: int) -> Iterator[Talker]:
        room_id = ""
        for seat in range(workload.size):
            wire = server.player(f"{workload.name}-{number}-{seat}")
            if not seat:
                room_id = wire.ask("CreateRoom", name=f"{workload.name}-{number}")["room_id"]
            else:
                wire.ask("JoinToRoom", room_id=room_id)
            yield Talker(wire, yummy_words(room_id, play=play))

    return seats


def bare_seats(port: int) -> Seats:
    """Of a server that tells rooms apart by the path."""

    def seats(workload: Workload, number: int) -> Iterator[Talker]:
        path = f"/rooms/{number}" if workload.relays else "/echo"
        for _ in range(workload.size):
            yield Talker(_connect(port, path), bare_words(relayed=workload.relays))

    return seats


def socketio_seats(port: int) -> Seats:
    """Of a Socket.IO server, which tells rooms apart by the query."""

    def seats(workload: Workload, number: int) -> Iterator[Talker]:
        for _ in range(workload.size):
            wire = _connect(port, f"/socket.io/?EIO=4&transport=websocket&room={workload.name}-{number}")
            _await(wire, b"0{")
            wire.send(frame(Kind.TEXT, b"40", os.urandom(4)))
            _await(wire, b"40{")
            yield Talker(wire, socketio_words(relayed=workload.relays))

    return seats


def colyseus_seats(port: int) -> Seats:
    """Of a Colyseus server, which gives seats away by HTTP."""

    def seats(workload: Workload, _number: int) -> Iterator[Talker]:
        room_id = ""
        for seat in range(workload.size):
            kind = "relay" if workload.relays else "echo"
            given = _post(port, f"/matchmake/joinById/{room_id}" if seat else f"/matchmake/create/{kind}")
            room_id = given["roomId"]
            wire = _connect(port, f"/{given['processId']}/{room_id}?sessionId={given['sessionId']}")
            _await(wire, bytes((_JOINED,)))
            wire.send(frame(Kind.BINARY, bytes((_JOINED,)), os.urandom(4)))
            yield Talker(wire, colyseus_words(relayed=workload.relays))

    return seats


def _connect(port: int, resource: str) -> Wire:
    return Wire.connect(Where("127.0.0.1", port, secure=False, resource=resource))


def _await(wire: Wire, mark: bytes) -> None:
    """Wait for something with this in it, which comes before anything is said."""
    data = b""
    while mark not in data:
        data += wire.read()


def _post(port: int, path: str) -> dict[str, str]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE)
    try:
        connection.request("POST", path, "{}", {"Content-Type": "application/json"})
        answer: dict[str, str] = json.loads(connection.getresponse().read())
    except (OSError, http.client.HTTPException, ValueError) as error:
        raise ConnectionLost(f"no seat by {path}: {error}") from None
    finally:
        connection.close()
    if "roomId" not in answer:
        raise ConnectionLost(f"no seat by {path}: {answer}")
    return answer
