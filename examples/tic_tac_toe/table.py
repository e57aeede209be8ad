"""A seat at a tic-tac-toe table: what the programs beside this file do on the wire, without a screen.

`play.py` and `bot.py` differ only in who chooses the moves. `index.html` does the same in a browser.
"""

from collections.abc import Mapping
from itertools import takewhile
from typing import Any

from attrs import define, field, frozen

from yummy.client import AnyEvent, Client, ConnectionLost, Event, Lost, RequestFailed, Restored
from yummy.constants import RoomInfoType

TAG = "tic-tac-toe"


@frozen
class State:
    """A game as the server last told it.

    Attributes:
        status: "waiting", "playing", "won" or "draw".
        players: User ids; the first plays X.
        board: Nine times "X", "O" or "".
        turn: Whose move it is.
        winner: Who has three in a row.
        line: The three cells.
        rematch: Who asks for a rematch.
    """

    status: str
    players: list[str]
    board: list[str]
    turn: str | None = None
    winner: str | None = None
    line: list[int] = field(factory=list)
    rematch: list[str] = field(factory=list)

    @classmethod
    def read(cls, data: Mapping[str, Any]) -> "State":
        """Read a game from a message of the script, or from the metadata of its room."""
        return cls(**{name: data[name] for name in cls.__annotations__ if name in data})

    def mark(self, user_id: str | None) -> str:
        """What a player puts on the board."""
        return "X" if self.players[:1] == [user_id] else "O"


@frozen
class News:
    """Something happened at the table.

    Attributes:
        event: "start", "move", "left" or "rematch" from the script; "lost" and "restored" from the connection.
        details: What the script said beside the state.
    """

    event: str
    details: Mapping[str, Any] = field(factory=dict)


class TableGoneError(Exception):
    """The connection came back too late: the server has given the seat away."""


@define
class Table:
    """A room, and the game in it."""

    client: Client
    room_id: str
    state: State
    names: dict[str, str] = field(factory=dict)

    @property
    def opponent(self) -> str:
        """The other player's name."""
        others = [player for player in self.state.players if player != self.client.user_id]
        return self.names.get(others[0], "your opponent") if others else "nobody"

    async def news(self) -> News:
        """Wait until something happens, and keep `state` up to date."""
        while True:
            event = await self.client.next_event(timeout=float("inf"))
            try:
                news = await self.take_in(event)
            except ConnectionLost:
                continue  # lost again at once: the next event tells
            if news is not None:
                return news

    async def take_in(self, event: AnyEvent) -> News | None:
        """Keep `state` up to date with an event; return what it means to the player, if anything."""
        match event:
            case Event(type="MessageFromRoom") as said if self.is_from_script(said):
                self.state = State.read(said["message"])
                if not self.names.keys() >= set(self.state.players):
                    await self.refresh_names()
                # That the table is open is no news to the player who opened it.
                what = said["message"]["event"]
                return None if what == "open" else News(what, said["message"])
            case Lost():
                return News("lost")
            case Restored(restored=True):
                # What was said meanwhile is lost; the room knows how things stand.
                self.state = State.read((await self.client.get_room(self.room_id, [RoomInfoType.METAS]))["metas"])
                return News("restored")
            case Restored():
                raise TableGoneError
            case _:
                return None

    def is_from_script(self, said: Event) -> bool:
        """Whether the referee speaks: what players say has a user id."""
        return said["room_id"] == self.room_id and "user_id" not in said.fields

    async def refresh_names(self) -> None:
        """Ask who sits here."""
        room = await self.client.get_room(self.room_id, [RoomInfoType.USERS])
        self.names = {user["user_id"]: user["name"] or "somebody" for user in room["users"]}

    async def move(self, cell: int) -> None:
        """Put one's mark into a cell (0 to 8).

        Raises:
            RequestFailed: With the script's reason, if the move is against the rules.
        """
        await self.client.play(self.room_id, {"cell": cell})

    async def rematch(self) -> None:
        """Ask for another game with the same opponent."""
        await self.client.play(self.room_id, {"rematch": True})

    async def leave(self) -> None:
        """Get up."""
        await self.client.leave(self.room_id)


@frozen
class Offer:
    """A table at which somebody waits."""

    room_id: str
    name: str


async def offers(client: Client, older_than: str | None = None) -> list[Offer]:
    """Tables with a free seat, the one that waits longest first.

    Args:
        client: Logged in.
        older_than: Id of a table; only those that have been there for longer.
    """
    wanted = [RoomInfoType.ROOM_NAME, RoomInfoType.USER_LENGTH, RoomInfoType.METAS]
    listed = (await client.rooms(tag=TAG, members=wanted))["rooms"]
    oldest_first = takewhile(lambda room: room["id"] != older_than, reversed(listed))
    return [
        Offer(room["id"], room["name"] or "a game without a name")
        for room in oldest_first
        if room["user-length"] == 1
        and room["metas"].get("status") == "waiting"
        and client.user_id not in room["metas"].get("players", [])
    ]


async def join(client: Client, room_id: str) -> Table:
    """Sit down opposite somebody who waits; the game begins.

    Raises:
        RequestFailed: If somebody else was quicker (``room_full``), or the table is gone (``room_not_found``).
    """
    reply = await client.join(room_id)
    names = {user["user_id"]: user["name"] or "somebody" for user in reply["users"]}
    table = Table(client, room_id, State.read(reply["metas"]), names)
    # The answer tells of the table as it was found; that the game begins is the script's first word.
    await table.news()
    return table


async def open_table(client: Client, name: str) -> Table:
    """Open a table of one's own, and wait there."""
    reply = await client.create_room(name=name, tags=[TAG])
    return Table(client, reply["room_id"], State("waiting", [client.user_id or ""], [""] * 9))


async def sit_down(client: Client, name: str) -> Table:
    """Join the table that has been waiting longest, or open one.

    Args:
        client: Logged in.
        name: What the own table would be called.
    """
    for offer in await offers(client):
        try:
            return await join(client, offer.room_id)
        except RequestFailed as error:
            if error.code not in ("room_full", "room_not_found"):
                raise
    return await open_table(client, name)
