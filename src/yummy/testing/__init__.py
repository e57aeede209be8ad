"""The test kit for authors of hook scripts.

A test opens a game, lets players push requests, and says what they must hear:

    from yummy.testing import game

    async def test_a_move_is_told_to_the_other_player():
        async with game(hooks="hooks") as g:
            ann, bob = await g.player("ann"), await g.player("bob")
            room_id = (await ann.push("CreateRoom")).room_id
            await bob.push("JoinToRoom", room_id=room_id)
            await ann.push("Play", room_id=room_id, message={"cell": 4})
            await bob.expect_event("Play", user_id=ann.user_id, message={"cell": 4})
            ann.push("Play", room_id=room_id, message={"cell": 12})
            await ann.expect_failure("wrong_cell")
            await bob.expect_no_event()

It is the whole server but for its sockets: the scripts run in their interpreter, accounts are in SQLite in memory,
messages are encoded and decoded. Nothing sleeps and nothing races: expectations wait until the server is still, and
time passes only by `Game.advance`. An error of a script that the test does not expect fails it, with the report.

With pytest the fixture ``yummy_game`` is an open game (see `yummy.pytest_plugin`); without, `run` runs a test.
"""

from yummy.testing.connection import Closed
from yummy.testing.game import EPOCH, Game, game
from yummy.testing.journal import Line
from yummy.testing.messages import Message
from yummy.testing.player import Player, Request
from yummy.testing.stillness import StuckError, run

__all__ = ["EPOCH", "Closed", "Game", "Line", "Message", "Player", "Request", "StuckError", "game", "run"]
