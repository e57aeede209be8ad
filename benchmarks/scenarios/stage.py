"""What a scenario makes its players with, and what it is made of itself."""

import itertools
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

from attrs import define, field, frozen

from benchmarks.frames import request_frame
from benchmarks.generator import Generator, Player, clock
from benchmarks.line import Line, in_turn
from benchmarks.plan import Plan
from benchmarks.record import Record
from benchmarks.wire import Wire

#: Seconds between two looks at the players who wait for the others, whom the server may have pinged.
_BREATHE = 0.5


@define(eq=False)
class Stage:
    """The players of one process, while they are made ready and when they play.

    Attributes:
        plan: What is wanted.
        generator: Serves all players, so that pings are answered.
        record: Where those count that are measured.
        players: Those who send requests as the plan says.
        beside: Those who repeat their requests, whatever the plan says, and are not measured.
        notes: What else there is to count, by what it is called in the report.
        shared: What the first process has made for all, by its name.
        objection: Says what is wrong with the server for this scenario, once that is seen; "" if nothing is.
        finish: What is to be done once all is measured.
    """

    plan: Plan
    generator: Generator
    record: Record = field(factory=lambda: Record(tolerant=True))
    players: list[Player] = field(factory=list)
    beside: list[Line] = field(factory=list)
    notes: Counter[str] = field(factory=Counter)
    shared: dict[str, Any] = field(factory=dict)
    objection: Callable[[], str] = lambda: ""
    finish: list[Callable[[], None]] = field(factory=list)
    _wires: list[Wire] = field(factory=list)
    _breathed: float = field(factory=clock)

    @property
    def numbers(self) -> range:
        """The numbers of this process's players."""
        return range(self.plan.first, self.plan.first + self.plan.connections)

    def rooms(self) -> Iterator[range]:
        """The same, room by room."""
        size = self.plan.room_size
        for first in range(self.numbers.start, self.numbers.stop, size):
            yield range(first, min(first + size, self.numbers.stop))

    @property
    def fill(self) -> str:
        """What makes messages as long as the plan wants them."""
        return "x" * self.plan.message_bytes

    def name(self, number: int) -> str:
        """What a player is called; the same in each run, so that there are not more accounts after each."""
        return f"benchmark-{number:06}"

    def come(self, number: int) -> tuple[Wire, dict[str, Any]]:
        """Connect a player and log it in by a device id; the connection, and the answer.

        Raises:
            ConnectionLost: The server refuses.
        """
        wire = self.connect()
        return wire, wire.ask("AuthDeviceId", id=self.name(number))

    def connect(self) -> Wire:
        """Connect somebody, and serve those who are there already.

        Raises:
            ConnectionLost: The server refuses.
        """
        if clock() > self._breathed + _BREATHE:
            self.generator.turn(lambda: False, clock() + _BREATHE / 100)
            self._breathed = clock()
        self._wires.append(Wire.connect(self.plan.where))
        return self._wires[-1]

    def close(self) -> None:
        """Let go of everybody who was connected here, be it that a player was made of it or not."""
        for wire in self._wires:
            wire.close()

    def add(self, player: Player) -> None:
        """Take a player who sends requests as the plan says."""
        self.players.append(player)
        self.generator.add([player])

    def hold(self, wire: Wire) -> Line:
        """Take a player who only listens."""
        line = Line(wire, in_turn(()), self.record)
        self.generator.add([line])
        return line

    def repeat(self, wire: Wire, type_: str, record: Record, **fields: Any) -> None:
        """Take a player who sends one request again and again, beside those who are measured."""
        line = Line(wire, in_turn(itertools.repeat(request_frame(type_, **fields))), record)
        self.beside.append(line)
        self.generator.add([line])


@frozen
class Scenario:
    """One kind of load.

    Attributes:
        summary: What is done, in one sentence.
        prepare: Makes the players of one process.
        details: What is measured, and how.
        needs: What the server must be started with, beside the limits; "" if nothing.
        ahead: Requests that each player has in flight in a closed loop, if nothing else is said.
        paced: Whether requests are sent as the plan says.
        together: Players who stay together in one process, whatever the size of rooms.
        in_rooms: Whether the size of rooms matters, and with it who stays together.
        options: Names of the further options that it has.
    """

    summary: str
    prepare: Callable[[Stage], None]
    details: str = ""
    needs: str = ""
    ahead: int = 1
    paced: bool = True
    together: int = 1
    in_rooms: bool = False
    options: frozenset[str] = frozenset()
