"""Whole games over the real server, and the programs that play them. The rules are tested beside the script."""

import subprocess
import sys
from contextlib import asynccontextmanager
from pathlib import Path
from uuid import uuid4

import pytest
import trio

from yummy.client import Reconnect, RequestFailed, Restored, connect
from yummy.constants import RoomInfoType

EXAMPLE = Path(__file__).parents[2] / "examples" / "tic_tac_toe"
TAG = "tic-tac-toe"


@asynccontextmanager
async def player(server, name, form="msgpack"):
    async with connect(server.url, format=form, reconnect=Reconnect(first=0.0)) as client:
        await client.authenticate_device(f"{name}-{uuid4()}")
        await client.update_user(name=name)
        yield client


async def told(client):
    """What the script says next."""
    return (await client.next_event("MessageFromRoom"))["message"]


async def sit_down(ann, bob):
    """Let two players begin a game that Ann opens."""
    room_id = (await ann.create_room(tags=[TAG]))["room_id"]
    assert (await told(ann))["status"] == "waiting"
    await bob.join(room_id)
    for client in (ann, bob):
        start = await told(client)
        assert (start["event"], start["status"], start["turn"]) == ("start", "playing", ann.user_id)
    return room_id


async def play(room_id, players, cells):
    """Play cells in turns; return what both are told last."""
    message = None
    for number, cell in enumerate(cells):
        mover, other = players[number % 2], players[(number + 1) % 2]
        await mover.play(room_id, {"cell": cell})
        message = await told(mover)
        assert message == await told(other)
        assert message["board"][cell] == "XO"[number % 2]
    return message


@pytest.mark.parametrize("form", ["msgpack", "json"])
async def test_a_game_from_the_lobby_to_the_rematch(server, form):
    async with player(server, "Ann", form) as ann, player(server, "Bob", form) as bob:
        room_id = (await ann.create_room(name="Ann's", tags=[TAG, "x"], max_user=9, metas={"board": "mine"}))["room_id"]
        listed = (await bob.rooms(tag=TAG))["rooms"]
        table = next(room for room in listed if room["id"] == room_id)
        assert (table["max-user"], table["tags"], table["metas"]["status"]) == (2, [TAG], "waiting")
        assert TAG not in table["metas"]
        await told(ann)
        await bob.join(room_id)
        assert (await told(ann)) == (await told(bob))

        end = await play(room_id, (ann, bob), [0, 3, 1, 4, 2])
        assert (end["status"], end["winner"], end["line"], end["turn"]) == ("won", ann.user_id, [0, 1, 2], None)
        moves = [(await bob.next_event("Play"))["message"] for _ in range(3)]
        assert moves == [{"cell": 0}, {"cell": 1}, {"cell": 2}]
        with pytest.raises(RequestFailed) as caught:
            await bob.play(room_id, {"cell": 8})
        assert caught.value.code == "game_over"

        await bob.play(room_id, {"rematch": True})
        asked = await told(ann)
        assert (asked["event"], asked["rematch"], asked["status"]) == ("rematch", [bob.user_id], "won")
        assert await told(bob) == asked
        await ann.play(room_id, {"rematch": True})
        again = await told(bob)
        assert (again["event"], again["turn"], again["players"]) == ("start", bob.user_id, [bob.user_id, ann.user_id])
        assert await told(ann) == again

        end = await play(room_id, (bob, ann), [0, 1, 2, 4, 3, 5, 7, 6, 8])
        assert (end["status"], end["winner"], end["turn"]) == ("draw", None, None)


async def test_a_restored_connection_finds_the_game_in_the_room(server):
    async with player(server, "Ann") as ann, player(server, "Bob") as bob:
        room_id = await sit_down(ann, bob)
        await play(room_id, (ann, bob), [4])
        await trio.aclose_forcefully(bob._line._link._socket._stream)
        restored = await bob.next_event(Restored)
        assert (restored.restored, restored.rooms) == (True, (room_id,))
        room = await bob.get_room(room_id, [RoomInfoType.METAS])
        assert (room["metas"]["turn"], room["metas"]["board"][4]) == (bob.user_id, "X")
        await play(room_id, (bob, ann), [])
        await bob.play(room_id, {"cell": 0})
        assert (await told(ann))["board"][0] == "O"


async def run_program(name, *arguments, typed=""):
    return await trio.run_process(
        [sys.executable, EXAMPLE / name, *arguments],
        stdin=typed.encode(),
        capture_stdout=True,
        stderr=subprocess.STDOUT,
        check=False,
    )


async def test_two_perfect_bots_draw(server):
    outputs = []

    async def run(name):
        done = await run_program("bot.py", "--server", server.url, "--name", name, "--games", "2", "--pause", "0")
        outputs.append((done.returncode, done.stdout.decode()))

    with trio.fail_after(60):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(run, "Robin")
            nursery.start_soon(run, "Rob")
    for code, output in outputs:
        assert (code, output.count(": draw")) == (0, 2), output


async def test_the_terminal_player_says_what_happens(server):
    with trio.fail_after(60):
        done = await run_program("play.py", "--server", server.url, "--name", "Tess", typed="n\n1\nx\nq\nq\n")
    output = done.stdout.decode()
    assert done.returncode == 0, output
    assert "Waiting for another player" in output
    assert "Nobody to play against yet" in output
    assert "I know 1 to 9" in output


async def test_programs_say_when_there_is_no_server():
    for program in ("bot.py", "play.py"):
        done = await run_program(program, "--server", "ws://127.0.0.1:1", "--name", "Ann")
        assert (done.returncode, "nobody answers at ws://127.0.0.1:1" in done.stdout.decode()) == (1, True)


@pytest.mark.parametrize("begins", [True, False])
def test_a_perfect_bot_never_loses(bot, begins):
    lost = []

    def explore(board, mark, bots_turn):
        if any(board[a] and board[a] == board[b] == board[c] for a, b, c in bot.LINES):
            if not bots_turn:
                return
            lost.append(board)
            return
        free = bot.free_cells(board)
        for cell in [bot.perfect(board, mark)] if bots_turn and free else free:
            explore(bot.put(board, cell, mark), bot.other(mark), not bots_turn)

    explore(("",) * 9, "X", begins)
    assert lost == []
