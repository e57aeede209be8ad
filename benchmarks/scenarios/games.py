"""Bots who play whole games of tic-tac-toe, move by move, as the example's script referees them."""

import random
from collections import Counter
from collections.abc import Callable
from typing import Any

import msgpack
from attrs import define, field

from benchmarks.frames import is_answer, is_success, request_frame
from benchmarks.generator import Generator, clock
from benchmarks.record import Record
from benchmarks.scenarios.stage import Scenario, Stage
from benchmarks.wire import ConnectionLost, Wire

TAG = "tic-tac-toe"
_NEEDS = "Start the server with --hooks examples/tic_tac_toe/hooks."
_METAS = 7
#: What only the events hold that the script sends.
_GAME = msgpack.packb("game") + msgpack.packb(TAG)

type Move = tuple[int, dict[str, Any]]


def next_move(seat: int, user_id: str, news: dict[str, Any], chance: random.Random) -> Move | None:
    """What a player has to do now that it has heard the news of its table.

    Args:
        seat: Its place, 0 or 1.
        user_id: Who it is.
        news: What the script told: the whole state of the game.
        chance: Chooses among the free cells.

    Returns:
        The place and the message; None if it is the other one's turn.
    """
    if news["status"] == "playing":
        if news["turn"] != user_id:
            return None
        free = [cell for cell in range(9) if not news["board"][cell]]
        return seat, {"cell": chance.choice(free)}
    # After a game both ask for the next one, one after the other.
    if news["status"] in {"won", "draw"} and len(news["rematch"]) == seat:
        return seat, {"rematch": True}
    return None


@define(eq=False)
class Table:
    """Two players at a table, of whom one moves at a time.

    Attributes:
        wires: Their connections.
        users: Their user ids.
        record: Where they count.
        notes: Where finished games count.
    """

    wires: list[Wire]
    users: list[str]
    room_id: str
    record: Record
    notes: Counter[str]
    chance: random.Random
    repeats: bool = False
    freed: Callable[[], None] | None = None
    lost: bool = False
    _next: Move | None = None
    _asked: tuple[float, Move] | None = None
    _generator: Generator | None = field(default=None)

    @property
    def waiting(self) -> int:
        """Whether a move is not answered yet."""
        return self._asked is not None

    @property
    def free(self) -> bool:
        """Whether somebody can move now."""
        return self._asked is None and self._next is not None and not self.lost

    def join(self, generator: Generator) -> None:
        """Be served by a generator."""
        self._generator = generator
        for seat, wire in enumerate(self.wires):
            wire.socket.settimeout(0)
            generator.serve(wire, lambda seat=seat: self.receive(seat))  # type: ignore[misc]  # it is an int

    def begin(self, due: float) -> None:
        """Make the next move, if there is one to be made now."""
        if not self.free or self._next is None:
            return
        seat, message = self._next
        self._asked, self._next = (due, self._next), None
        try:
            self.wires[seat].send(request_frame("Play", room_id=self.room_id, message=message))
        except ConnectionLost as error:
            self._lose(error)

    def receive(self, seat: int) -> None:
        """Take what has come to one of them."""
        was_free = self.free
        try:
            for payload in self.wires[seat].receive():
                if is_answer(payload):
                    self._take_answer(payload)
                else:
                    self.record.events += 1
                    if _GAME in payload:
                        self._take_news(seat, msgpack.unpackb(payload)["message"])
        except ConnectionLost as error:
            self._lose(error)
        if self.free and not was_free:
            if self.repeats:
                self.begin(clock())
            elif self.freed is not None:
                self.freed()

    def _take_answer(self, payload: bytes) -> None:
        if self._asked is None:
            return
        due, move = self._asked
        self._asked = None
        if is_success(payload):
            self.record.latency.record(clock() - due)
        else:
            self.record.refused[msgpack.unpackb(payload)["code"]] += 1
            self._next = move  # nothing has happened, so it is to be made again

    def _take_news(self, seat: int, news: dict[str, Any]) -> None:
        if seat == 0 and news["event"] == "move" and news["status"] != "playing":
            self.notes["games"] += 1
        self._next = next_move(seat, self.users[seat], news, self.chance) or self._next

    def _lose(self, error: ConnectionLost) -> None:
        self.record.lose(error)
        self.lost = True
        self.close()

    def close(self) -> None:
        """Hang up."""
        for wire in self.wires:
            if self._generator is not None:
                self._generator.forget(wire)
            wire.close()


def _prepare(stage: Stage) -> None:
    stage.notes["games"] = 0
    for first in stage.numbers[::2]:
        wires, users = [], []
        for number in (first, first + 1):
            wire, answer = stage.come(number)
            wires.append(wire)
            users.append(answer["user_id"])
        room_id = wires[0].ask("CreateRoom", name=stage.name(first), tags=[TAG])["room_id"]
        wires[1].ask("JoinToRoom", room_id=room_id)
        metas = wires[1].ask("GetRoom", room_id=room_id, members=[_METAS])["metas"]
        if "players" not in metas:
            raise ConnectionLost(f"No script of this server plays tic-tac-toe. {_NEEDS}", "no game")
        chance = random.Random(first)  # noqa: S311  # chances of a load, and no secret
        stage.add(Table(wires, users, room_id, stage.record, stage.notes, chance))


PLAY = Scenario(
    "Play whole games of tic-tac-toe, two bots at each table, through the hooks of the example.",
    _prepare,
    details="Each move and each wish for a rematch is one request; one of the two is in flight at a time.",
    needs=_NEEDS,
    together=2,
)
