"""Players who talk in rooms, and what the others hear."""

import select
import socket
from collections.abc import Callable

from attrs import define

from benchmarks.frames import Stamped, is_answer, request_frame
from benchmarks.generator import Generator
from benchmarks.line import Line
from benchmarks.scenarios.stage import Scenario, Stage
from benchmarks.wire import ConnectionLost, Wire

#: Bytes that the kernel keeps for who reads nothing: as little as it takes, so that the server notices.
_MUTE_BYTES = 4096


def _prepare_relay(stage: Stage) -> None:
    for room in stage.rooms():
        _talk(stage, [stage.come(number)[0] for number in room], stage.name(room.start))


def _talk(stage: Stage, wires: list[Wire], name: str) -> str:
    """Bring players into a room of their own, where each of them talks; its id."""
    owner, *others = wires
    room_id: str = owner.ask("CreateRoom", name=name)["room_id"]
    for wire in others:
        wire.ask("JoinToRoom", room_id=room_id)
    for wire in wires:
        _add_talker(stage, wire, room_id)
    return room_id


def _add_talker(stage: Stage, wire: Wire, room_id: str) -> None:
    says = Stamped.of("MessageToRoom", stage.fill, room_id=room_id)
    line = Line(wire, says, stage.record, ahead=stage.plan.ahead)
    line.hears = line.hear_stamp
    stage.add(line)


def _prepare_broadcast(stage: Stage) -> None:
    first, *rest = stage.numbers
    wire, _ = stage.come(first)
    room_id = stage.plan.shared.get("room_id")
    if room_id is None:
        room_id = wire.ask("CreateRoom", name="broadcast")["room_id"]
        stage.shared["room_id"] = room_id
    else:
        wire.ask("JoinToRoom", room_id=room_id)
    _add_talker(stage, wire, room_id)
    for number in rest:
        wire, _ = stage.come(number)
        wire.ask("JoinToRoom", room_id=room_id)
        line = stage.hold(wire)
        line.hears = line.hear_stamp


def _prepare_slow_readers(stage: Stage) -> None:
    stage.notes["slow readers dropped"] = 0
    for room in stage.rooms():
        slow = min(len(room) - 1, round(len(room) * stage.plan.slow))
        wires = [stage.come(number)[0] for number in room]
        room_id = _talk(stage, wires[: len(wires) - slow], stage.name(room.start))
        for wire in wires[len(wires) - slow :]:
            wire.ask("JoinToRoom", room_id=room_id)
            stage.notes["slow readers"] += 1
            mute = Mute(wire, lambda: stage.notes.update(["slow readers dropped"]))
            stage.generator.add([mute])
            stage.finish.append(mute.finish)


@define(eq=False)
class Mute:
    """A player who reads nothing until all is over, and then reads whether it is still there.

    Attributes:
        dropped: Called when the server has ended the connection.
    """

    wire: Wire
    dropped: Callable[[], None]
    repeats: bool = False
    freed: Callable[[], None] | None = None
    free: bool = False
    waiting: int = 0
    lost: bool = False
    _generator: Generator | None = None

    def join(self, generator: Generator) -> None:
        """Be served by a generator: it tells when the other side has reset the connection."""
        self._generator = generator
        self.wire.socket.settimeout(0)
        self.wire.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _MUTE_BYTES)
        generator.wait(self.wire.socket.fileno(), select.EPOLLRDHUP, self._end)

    def begin(self, due: float) -> None:
        """Say nothing."""

    def finish(self) -> None:
        """Read on: what comes at last is the end of the connection, or the answer to a last question."""
        if self.lost or self._generator is None:
            return
        self.waiting = 1
        self._generator.serve(self.wire, self._read)
        try:
            self.wire.send(request_frame("Me"))
        except ConnectionLost:
            self._end()

    def _read(self) -> None:
        try:
            if any(map(is_answer, self.wire.receive())):
                self.waiting = 0
        except ConnectionLost:
            self._end()

    def _end(self) -> None:
        self.lost, self.waiting = True, 0
        self.close()
        self.dropped()

    def close(self) -> None:
        """Hang up."""
        if self._generator is not None:
            self._generator.forget(self.wire)
        self.wire.close()


_HEARD = 'What is measured beside the answers is when the others heard ("heard"), from when the request was due.'

RELAY = Scenario(
    "Send messages in rooms of a few players, all of whom talk.",
    _prepare_relay,
    details=_HEARD,
    in_rooms=True,
    options=frozenset({"message_bytes"}),
)
BROADCAST = Scenario(
    "Send messages to one big room: one player of each process talks, all others listen.",
    _prepare_broadcast,
    details=_HEARD,
    needs="Rooms of more than 1000 need MAX_USERS_PER_ROOM=0.",
    options=frozenset({"message_bytes"}),
)
SLOW_READERS = Scenario(
    "Relay, while some members of each room read nothing (--slow).",
    _prepare_slow_readers,
    details=f"{_HEARD} Those who read nothing are not measured; the report says how many of them the server has "
    "dropped (OUTBOX_BYTES, OUTBOX_GRACE).",
    in_rooms=True,
    options=frozenset({"message_bytes", "slow"}),
)
