"""Tic-tac-toe for two, refereed by the server.

A player makes a room with the tag "tic-tac-toe" and waits there; whoever joins it begins the game. A move is the
request `Play` with the message {"cell": 0 to 8} (row by row from the top left); after a game, {"rematch": true} from
both begins another, and the other one moves first. After everything that happens, both players hear
`MessageFromRoom` with all that a board on a screen needs (see `Game.public`). The same values stand in the room's
metadata, where a player who comes back after a lost connection finds them, and a lobby sees who waits.

The script keeps nothing in variables of its own: whatever must last from one call to the next is in the room.
Rooms without the tag are none of its business.
"""

from dataclasses import dataclass, field
from typing import Any

from yummy import constants, fail, room
from yummy.model import (
    CreateRoom,
    DisconnectFromRoom,
    JoinToRoom,
    KickUserFromRoom,
    Play,
    UpdateRoom,
    UserDisconnected,
)

TAG = "tic-tac-toe"

LINES = [
    (0, 1, 2), (3, 4, 5), (6, 7, 8),  # rows
    (0, 3, 6), (1, 4, 7), (2, 5, 8),  # columns
    (0, 4, 8), (2, 4, 6),  # diagonals
]  # fmt: skip


# The rules. They know nothing of rooms and messages, so they are easy to test.


@dataclass
class Game:
    """A board and the users at it; the first player plays X and moves first."""

    players: list[str] = field(default_factory=list)
    board: list[str] = field(default_factory=lambda: [""] * 9)
    rematch: list[str] = field(default_factory=list)

    @property
    def line(self) -> list[int]:
        """The three cells that won, if somebody has."""
        for a, b, c in LINES:
            if self.board[a] and self.board[a] == self.board[b] == self.board[c]:
                return [a, b, c]
        return []

    @property
    def winner(self) -> str | None:
        """The user who has three in a row."""
        return self.players["XO".index(self.board[self.line[0]])] if self.line else None

    @property
    def status(self) -> str:
        """One of "waiting" (for a second player), "playing", "won" and "draw"."""
        if len(self.players) < 2:
            return "waiting"
        if self.line:
            return "won"
        return "playing" if "" in self.board else "draw"

    @property
    def turn(self) -> str | None:
        """The user whose move it is."""
        return self.players[self.board.count("X") - self.board.count("O")] if self.status == "playing" else None

    def check_move(self, user_id: str | None, cell: object) -> tuple[str, str] | None:
        """Say why a move is not allowed, as a text and a code; None if it is."""
        if self.status == "waiting":
            return "Nobody to play against yet: wait for another player", "waiting"
        if self.status != "playing":
            return "This game is over: ask for a rematch", "game_over"
        if user_id != self.turn:
            return "It is not your turn", "not_your_turn"
        # A bool is an int in Python, but true is no cell.
        if not isinstance(cell, int) or isinstance(cell, bool) or not 0 <= cell <= 8:
            return "There is no such cell: choose one from 0 to 8", "no_such_cell"
        if self.board[cell]:
            return "This cell is taken: choose a free one", "cell_taken"
        return None

    def move(self, cell: int) -> None:
        """Put the mark of the player whose turn it is into a cell."""
        self.board[cell] = "XO"[self.players.index(self.turn or "")]

    def check_rematch(self) -> tuple[str, str] | None:
        """Say why there can be no rematch now, as a text and a code; None if there can."""
        if self.status in ("won", "draw"):
            return None
        return "A rematch comes after a finished game", "no_rematch"

    def ask_rematch(self, user_id: str) -> bool:
        """Note who wants a rematch; if both do, begin anew with the other one first, and return True."""
        if user_id not in self.rematch:
            self.rematch.append(user_id)
        if len(self.rematch) < 2:
            return False
        self.seat(self.players[::-1])
        return True

    def seat(self, players: list[str]) -> None:
        """Begin anew with these players."""
        self.players, self.board, self.rematch = players, [""] * 9, []

    def public(self) -> dict[str, object]:
        """Everything that there is to know, as plain data."""
        return {
            "status": self.status,
            "players": self.players,
            "board": self.board,
            "turn": self.turn,
            "winner": self.winner,
            "line": self.line,
            "rematch": self.rematch,
        }


# Keeping a game in its room, and telling the players.


def load(room_id: str) -> Game | None:
    """Read the game of a room; None if the room plays something else, or does not exist."""
    found = room.get_room(room_id)
    # The mark that `post_create_room` left; clients are kept from writing it.
    if found is None or TAG not in found.metas:
        return None
    return Game(found.metas["players"], found.metas["board"], found.metas["rematch"])


def save(room_id: str, game: Game, event: str, **details: object) -> None:
    """Write a game to its room's metadata, and tell everybody in the room what happened."""
    for key, value in game.public().items():
        room.set_room_meta(room_id, key, value, constants.ROOM_META_ACCESS_USER)
    room.message_to_room(room_id, {"game": TAG, "event": event, **details, **game.public()})


# A room is made.


def pre_create_room(model: CreateRoom) -> None:
    """Turn a room with our tag into a table for two, whatever else the client asked for."""
    if TAG in model.tags:
        model.tags = [TAG]
        model.max_user = 2
        model.join_request = False
        model.metas = None
    else:
        keep_our_mark(model.metas)


def post_create_room(model: CreateRoom, success: bool) -> None:
    """Mark the room as ours, and seat the player who opened the table."""
    if not success or TAG not in model.tags or model.room_id is None or model.user_id is None:
        return
    # No level is named, so it is that of the system: clients neither see the mark nor can they change it.
    room.set_room_meta(model.room_id, TAG, value=True)
    save(model.room_id, Game(players=[model.user_id]), "open")


def pre_update_room(model: UpdateRoom) -> None:
    """Let the owner rename a table, but touch neither the board nor the number of seats."""
    if load(model.room_id) is None:
        keep_our_mark(model.metas)
        if TAG in (model.tags or []):
            fail("This tag is for rooms that were made with it", "reserved")
        return
    if model.metas is not None or model.meta_action or model.tags is not None:
        fail("The board and the tags of this room belong to the game", "game_room")
    if model.max_user is not None or model.join_request is not None:
        fail("This game is for two players, and whoever comes first may join", "game_room")


def keep_our_mark(metas: dict[str, Any] | None) -> None:
    """Refuse a room that only claims to be a table."""
    if metas and TAG in metas:
        fail(f"The metadata key {TAG} is reserved", "reserved")


# Players come and go.


def post_join_to_room(model: JoinToRoom, success: bool) -> None:
    """Begin as soon as two are there."""
    if not success or model.result != "Joined" or model.user_id is None:
        return
    game = load(model.room_id)
    # A player may join from a second device; that changes nothing.
    if game is None or model.user_id in game.players:
        return
    game.seat([*game.players, model.user_id])
    save(model.room_id, game, "start")


def pre_kick_user_from_room(model: KickUserFromRoom) -> None:
    """Keep the owner from putting out an opponent who is about to win."""
    game = load(model.room_id)
    if game is not None and game.status == "playing":
        fail("Finish the game first", "game_on")


def post_kick_user_from_room(model: KickUserFromRoom, success: bool) -> None:
    """Clear the seat of a player who was put out."""
    if success:
        clear_seats(model.room_id)


def post_disconnect_from_room(model: DisconnectFromRoom, success: bool) -> None:
    """Clear the seat of a player who left."""
    if success:
        clear_seats(model.room_id)


def post_user_disconnected(model: UserDisconnected, success: bool) -> None:
    """Clear the seats of a player who is gone: logged out, or not back within the time that the server waits."""
    if success:
        for room_id in model.rooms:
            clear_seats(room_id)


def clear_seats(room_id: str) -> None:
    """Let the player who stays win a game that was going on, and wait for somebody else."""
    game = load(room_id)
    if game is None:
        return
    # Whoever left with one device may still be here with another, so the room itself is asked.
    present = member_ids(room_id)
    gone = [player for player in game.players if player not in present]
    staying = [player for player in game.players if player in present]
    if not gone:
        return
    winner = staying[0] if staying and game.status == "playing" else None
    game.seat(staying)
    save(room_id, game, "left", user_id=gone[0], awarded_to=winner)


def member_ids(room_id: str) -> list[str]:
    """Return the ids of the users in a room; none if it is gone."""
    found = room.get_room(room_id)
    return [member.user_id for member in found.members] if found else []


# Moves.


def pre_play(model: Play) -> None:
    """Stop a move that breaks the rules; what passes here is seen by the other player and judged in `post_play`."""
    game = load(model.room_id)
    if game is None:
        return
    if model.user_id not in game.players:
        fail("You are not at this table", "not_a_player")
    match model.message:
        case {"cell": cell}:
            objection = game.check_move(model.user_id, cell)
        case {"rematch": True}:
            objection = game.check_rematch()
        case _:
            objection = 'A move is {"cell": 0 to 8} or {"rematch": true}', "no_move"
    if objection is not None:
        fail(*objection)


def post_play(model: Play, success: bool) -> None:
    """Carry out what `pre_play` let pass. No other message of the room came in between."""
    game = load(model.room_id)
    if not success or game is None or model.user_id is None:
        return
    if "cell" in model.message:
        game.move(model.message["cell"])
        save(model.room_id, game, "move", user_id=model.user_id, cell=model.message["cell"])
    elif game.ask_rematch(model.user_id):
        save(model.room_id, game, "start")
    else:
        save(model.room_id, game, "rematch", user_id=model.user_id)
