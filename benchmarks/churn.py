"""Pairs of players who come, play, lose their connections, take their sessions up again and go, in every way there is.

Owns what a pair does in its life, and what must come of each step. It knows nothing of what the server holds meanwhile.
"""

import random
import socket
import struct
from collections import Counter
from collections.abc import Callable
from contextlib import closing

from attrs import define, field

from benchmarks.generator import clock
from benchmarks.server import KEY, Server
from benchmarks.wire import PATIENCE, ConnectionLost, Where, Wire

#: Seconds that sessions outlive their connections, as `CONNECTION_RESTORE_WAIT_TIMEOUT` has it.
WINDOW = 1.0
#: Share of the window within which a session must still be there, however busy the machine.
_SURE = 0.8
#: Requests of each player in one life.
_MOVES = 6
#: How many moves in a hundred go wrong in the script, and the code that they are answered with.
_WRONG = {"fail": (6, "refused"), "error": (2, "hook_error")}
#: Share of the lost connections that the server still holds to be there, and of strays of each kind before a life.
_TAKEN_OVER, _STRAY = 0.2, 0.1
#: An option of sockets with which closing one sends a reset.
_RESET = struct.pack("ii", 1, 0)


@define(eq=False)
class Player:
    """One of a pair: always the same account, on one connection after another.

    Attributes:
        wire: Its connection.
        token: Of its session.
    """

    port: int
    name: str
    wire: Wire = field(init=False)
    token: str = field(init=False)

    def come(self) -> None:
        """Connect and log in."""
        self.wire = Wire.connect(Where.local(self.port, KEY))
        self.token = self.wire.ask("AuthDeviceId", id=f"benchmark-{self.name}")["token"]

    def drop(self, *, reset: bool) -> None:
        """Lose the connection, with a reset or without a word."""
        if reset:
            self.wire.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
        self.wire.close()

    def restore(self) -> tuple[bool, list[str]]:
        """Take the session up again on a new connection: whether it was still there, and its rooms."""
        self.wire = Wire.connect(Where.local(self.port, KEY))
        answer = self.wire.ask("RestoreToken", token=self.token)
        self.token = answer["token"]
        return answer["restored"], answer["rooms"]


@define(eq=False)
class Pair:
    """Two players, and all their lives.

    Attributes:
        done: How often they did what.
        problems: How often what went otherwise than it must.
        left: Tokens of sessions whose players have gone for good; of the last life that ended so.
    """

    host: Player
    guest: Player
    chance: random.Random
    done: Counter[str] = field(factory=Counter)
    problems: Counter[str] = field(factory=Counter)
    left: list[str] = field(factory=list)

    @classmethod
    def of(cls, server: Server, number: int) -> "Pair":
        """The pair of this number, whose chances are the same each time."""
        one, other = (Player(server.port, f"churn-{number}-{side}") for side in "ab")
        return cls(one, other, random.Random(number))  # noqa: S311  # chances of a load, and no secret

    def live(self, until: float) -> None:
        """One life after another until it is time."""
        while clock() < until:
            try:
                self._life()
            except (ConnectionLost, OSError) as error:
                self.problems[f"a life broke off: {error}"] += 1
            finally:
                self._forget()
            self.done["lives"] += 1

    def _life(self) -> None:
        self._stray()
        self.host.come()
        self.guest.come()
        self.done["logins"] += 2
        room_id = self.host.wire.ask("CreateRoom", name="churn", tags=["soak"])["room_id"]
        self.guest.wire.ask("JoinToRoom", room_id=room_id)
        self.done["rooms"] += 1
        for _ in range(_MOVES):
            self._move(self.host, room_id)
            self._move(self.guest, room_id)
        # In most lives a connection is lost once or twice.
        for _ in range(self.chance.randrange(3)):
            if not self._lose_and_restore(self.chance.choice([self.host, self.guest]), room_id):
                return
            self._move(self.host, room_id)
            self._move(self.guest, room_id)
        self._go(room_id)

    def _move(self, player: Player, room_id: str) -> None:
        self.done["messages"] += 1
        place = self.chance.randrange(100)
        if place % 2:
            player.wire.ask("MessageToRoom", room_id=room_id, message="hello " * self.chance.randrange(1, 100))
            return
        code = ""
        what = "play"
        for wrong, (share, refusal) in _WRONG.items():
            if place < 2 * share:
                what, code = wrong, refusal
                break
            place -= 2 * share
        answer = player.wire.ask_for_any("Play", room_id=room_id, message={"do": what})
        answered = answer.get("code", "")
        if answered != code:
            self.problems[f"the move {what} was answered by {answered or 'success'}"] += 1

    def _lose_and_restore(self, player: Player, room_id: str) -> bool:
        """Lose a connection and take the session up on another; whether there was still time for it."""
        began, old = clock(), player.wire
        # Now and then the old connection is still there, and the new one takes the session over.
        if self.chance.random() >= _TAKEN_OVER:
            player.drop(reset=self.chance.random() < 0.5)
        with closing(old):
            restored, rooms = player.restore()
        if restored and rooms == [room_id]:
            self.done["restores"] += 1
            return True
        if clock() - began < _SURE * WINDOW:
            self.problems["a session or its room was gone within the window"] += 1
        else:
            self.done["restores too late"] += 1
        return False

    def _go(self, room_id: str) -> None:
        players = [self.host, self.guest]
        match self.chance.choice(["log out", "leave", "vanish", "end"]):
            case "log out":
                self._each(players, lambda player: player.wire.ask("Logout"))
            case "leave":
                self._each(players, lambda player: player.wire.ask("RoomDisconnect", room_id=room_id))
            case "vanish":
                self.left = [player.token for player in players]
                self._each(players, lambda player: player.drop(reset=self.chance.random() < 0.5))
            case _:
                # The other stays in the room, until its connection ends as all do.
                self.guest.wire.ask("Logout")

    def _each(self, players: list[Player], does: Callable[[Player], object]) -> None:
        for player in self.chance.sample(players, len(players)):
            does(player)

    def _stray(self) -> None:
        """At times, connect without a login: half a handshake, or nothing after it."""
        place = self.chance.random()
        if place < _STRAY:
            with socket.create_connection(("127.0.0.1", self.host.port), PATIENCE) as end:
                end.sendall(b"GET /v1/socket HTTP/1.1\r\nHost: ")
        elif place < 2 * _STRAY:
            Wire.connect(Where.local(self.host.port, KEY)).close()
        else:
            return
        self.done["strays"] += 1

    def _forget(self) -> None:
        for player in (self.host, self.guest):
            # A life may break off before there is a connection.
            if hasattr(player, "wire"):
                player.wire.close()
