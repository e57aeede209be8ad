"""A computer player for the tic-tac-toe table.

It joins whoever waits, or opens a table and waits, and plays on until it is stopped:

    python3 -m uv run examples/tic_tac_toe/bot.py --level random
"""

import random
from collections.abc import Callable
from functools import cache
from uuid import uuid4

import click
import trio
from table import News, Table, TableGoneError, offers, sit_down

from yummy.client import ClientError, connect

LINES = ((0, 1, 2), (3, 4, 5), (6, 7, 8), (0, 3, 6), (1, 4, 7), (2, 5, 8), (0, 4, 8), (2, 4, 6))

#: Seconds between two looks at other tables, and before a request that failed is made again.
LOOK_AROUND = 2.0

type Board = tuple[str, ...]
type Strategy = Callable[[Board, str], int]


def free_cells(board: Board) -> list[int]:
    """Cells without a mark."""
    return [cell for cell in range(9) if not board[cell]]


def put(board: Board, cell: int, mark: str) -> Board:
    """The board after a move."""
    return (*board[:cell], mark, *board[cell + 1 :])


@cache
def worth(board: Board, mark: str) -> int:
    """What a board is worth to the player who moves next, if both play well.

    Returns:
        More than 0 if that player will win (the sooner, the more), less if the other one will, 0 for a draw.
    """
    if any(board[a] and board[a] == board[b] == board[c] for a, b, c in LINES):
        return -1 - len(free_cells(board))
    return max((-worth(put(board, cell, mark), other(mark)) for cell in free_cells(board)), default=0)


def other(mark: str) -> str:
    """The opponent's mark."""
    return "O" if mark == "X" else "X"


def perfect(board: Board, mark: str) -> int:
    """Choose one of the best moves."""
    values = {cell: -worth(put(board, cell, mark), other(mark)) for cell in free_cells(board)}
    best = max(values.values())
    return random.choice([cell for cell, value in values.items() if value == best])  # noqa: S311  # a game, no secret


def careless(board: Board, _mark: str) -> int:
    """Choose any free cell."""
    return random.choice(free_cells(board))  # noqa: S311  # a game, no secret


STRATEGIES: dict[str, Strategy] = {"perfect": perfect, "random": careless}


async def play(table: Table, choose: Strategy, pause: float, games: int) -> int:
    """Play at one table until enough games are finished, or somebody waits elsewhere.

    Args:
        table: Where the bot sits.
        choose: Finds a move.
        pause: Seconds before each move, so that people can follow.
        games: How many games to finish; 0 for no end.

    Returns:
        How many games were finished.

    Raises:
        TableGoneError: If the seat was lost with the connection.
    """
    me = table.client.user_id
    finished = 0
    counted = False
    while True:
        state = table.state
        patience = float("inf")
        if state.status not in ("won", "draw"):
            counted = False
        try:
            if state.turn == me:
                await trio.sleep(pause)
                await table.move(choose(tuple(state.board), state.mark(me)))
            elif state.status in ("won", "draw") and not counted:
                counted = True
                finished += 1
                result = "draw" if state.winner is None else "won" if state.winner == me else "lost"
                click.echo(f"game {finished} against {table.opponent}: {result}")
                if games and finished >= games:
                    await table.leave()
                    return finished
                await table.rematch()
        except ClientError as error:
            # Perhaps the opponent left at that very moment, and the news is on its way; if not, try again.
            click.echo(f"{error}")
            patience = LOOK_AROUND
        if state.status == "waiting":
            if await moves_on(table):
                return finished
        else:
            with trio.move_on_after(patience):
                tell(table, await table.news())


async def moves_on(table: Table) -> bool:
    """Wait for news for a while; if there is none, and somebody waits elsewhere, leave and return True.

    Of two who wait, the one whose table is younger goes to the other.
    """
    with trio.move_on_after(LOOK_AROUND):
        tell(table, await table.news())
        return False
    try:
        if await offers(table.client, older_than=table.room_id):
            await table.leave()
            return True
    except ClientError as error:
        click.echo(f"{error}")
    return False


def tell(table: Table, news: News) -> None:
    """Say what happened."""
    match news.event:
        case "start":
            click.echo(f"playing against {table.opponent}")
        case "left":
            click.echo("the opponent left; waiting for somebody else")
        case "lost" | "restored":
            click.echo(f"connection {news.event}")
        case _:
            pass


async def run(server: str, key: str, name: str, choose: Strategy, pause: float, games: int) -> None:
    """Connect, sit down, play, and sit down anew where a seat was lost."""
    async with connect(server, api_key=key) as client:
        await client.authenticate_device(f"tic-tac-toe-bot-{uuid4()}")
        await client.update_user(name=name)
        finished = 0
        while not games or finished < games:
            table = await sit_down(client, f"{name}'s table")
            click.echo("joined a game" if table.state.status == "playing" else "waiting for somebody to play with")
            try:
                finished += await play(table, choose, pause, games - finished if games else 0)
            except TableGoneError:
                click.echo("the connection was gone for too long; sitting down anew")


@click.command()
@click.option("--server", default="ws://127.0.0.1:9090", show_default=True, help="Address of the Yummy server.")
@click.option("--key", default="YummyYummy", show_default=True, help="The server's INTEGRATION_KEY.")
@click.option("--name", default="Bot", show_default=True, help="What other players see.")
@click.option("--level", type=click.Choice(list(STRATEGIES)), default="perfect", show_default=True)
@click.option("--pause", default=0.6, show_default=True, metavar="SECONDS", help="Time to think before each move.")
@click.option("--games", default=0, show_default=True, metavar="N", help="Stop after so many games; 0 never stops.")
def main(*, server: str, key: str, name: str, level: str, pause: float, games: int) -> None:
    """Play tic-tac-toe against whoever comes."""
    problems: list[str] = []
    try:
        trio.run(run, server, key, name, STRATEGIES[level], pause, games)
    except* KeyboardInterrupt:
        click.echo("bye")
    except* ClientError as errors:
        problems = [str(error) for error in errors.exceptions]
    if problems:
        raise click.ClickException("; ".join(problems))


if __name__ == "__main__":
    main()
