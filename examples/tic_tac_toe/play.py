"""Tic-tac-toe in the terminal.

    python3 -m uv run examples/tic_tac_toe/play.py --name Ann

Numbers choose an open game or a cell; the words that work at each moment stand in the prompt.
"""

from functools import partial
from uuid import uuid4

import click
import trio
from rich.console import Console
from rich.markup import escape
from table import News, State, Table, TableGoneError, join, offers, open_table

from yummy.client import Client, ClientError, RequestFailed, connect

console = Console(highlight=False)

type Lines = trio.MemoryReceiveChannel[str]


def draw(state: State) -> None:
    """Show the board, with numbers for free cells."""
    cells = []
    for cell, mark in enumerate(state.board):
        style = "bold green" if cell in state.line else {"X": "bold cyan", "O": "bold magenta"}.get(mark, "dim")
        cells.append(f"[{style}]{mark or cell + 1}[/]")
    rows = [" " + " │ ".join(cells[start : start + 3]) for start in (0, 3, 6)]
    console.print("\n" + "\n───┼───┼───\n".join(rows) + "\n")


def describe(table: Table) -> str:
    """Say what happens now, and what one can do."""
    state, me = table.state, table.client.user_id
    if state.status == "waiting":
        return "Waiting for another player (q: leave)"
    if state.turn == me:
        return f"Your turn, you are {state.mark(me)} (1 to 9, q: leave)"
    if state.status == "playing":
        return f"{table.opponent} is thinking (q: leave)"
    result = "A draw." if state.winner is None else "You won!" if state.winner == me else f"{table.opponent} won."
    if me in state.rematch:
        return f"{result} Waiting for {table.opponent} to agree to a rematch (q: leave)"
    wish = f"{table.opponent} wants a rematch. " if state.rematch else ""
    return f"{result} {wish}(r: rematch, q: leave)"


async def obey(table: Table, line: str) -> bool:
    """Do what was typed; return whether the player stays at the table."""
    if line in ("q", "quit"):
        await table.leave()
        return False
    if line in ("r", "rematch"):
        await table.rematch()
    elif line.isdecimal():
        await table.move(int(line) - 1)
    elif line:
        console.print("I know 1 to 9, r and q.")
    return True


async def listen(table: Table, told: trio.MemorySendChannel[News | str]) -> None:
    """Pass on what happens at the table."""
    while True:
        await told.send(await table.news())


async def overhear(lines: Lines, told: trio.MemorySendChannel[News | str]) -> None:
    """Pass on what is typed."""
    async for line in lines:
        await told.send(line)
    await told.send("q")


async def sit(table: Table, lines: Lines) -> None:
    """Play at one table until the player leaves it.

    Raises:
        TableGoneError: If the seat was lost with the connection.
    """
    told, tellings = trio.open_memory_channel[News | str](0)
    # The nursery holds the two listeners, and ends when the player leaves.
    async with trio.open_nursery() as nursery:
        nursery.start_soon(listen, table, told)
        nursery.start_soon(overhear, lines, told)
        draw(table.state)
        console.print(escape(describe(table)))
        async for telling in tellings:
            try:
                if isinstance(telling, str):
                    if not await obey(table, telling):
                        break
                    continue
                report(table, telling)
            except RequestFailed as error:
                console.print(f"[red]{escape(error.error)}[/]")
            except ClientError as error:
                console.print(f"[yellow]{escape(str(error))}[/]")
        nursery.cancel_scope.cancel()


def report(table: Table, news: News) -> None:
    """Say what happened."""
    match news.event:
        case "lost":
            console.print("[yellow]Connection lost; trying to get it back...[/]")
            return
        case "restored":
            console.print("[green]Connection restored.[/]")
        case "left":
            won = " The game is yours." if news.details.get("awarded_to") == table.client.user_id else ""
            console.print(f"The other player left.{won}")
        case "start":
            console.print(f"[bold]A game against {escape(str(table.opponent))}![/]")
        case _:
            pass
    draw(table.state)
    console.print(escape(describe(table)))


async def choose(client: Client, name: str, lines: Lines) -> Table | None:
    """Let the player choose an open game or open one; None to stop."""
    while True:
        open_games = await offers(client)
        console.print("\n[bold]Open games[/]" if open_games else "\nNo open games.")
        for number, offer in enumerate(open_games, 1):
            console.print(f" {number}  {offer.name}", markup=False)
        console.print("(a number: join it, n: new game, Enter: look again, q: quit)")
        line = await anext(aiter(lines), "q")
        try:
            if line == "q":
                return None
            if line == "n":
                return await open_table(client, f"{name}'s table")
            if line.isdecimal() and 1 <= int(line) <= len(open_games):
                return await join(client, open_games[int(line) - 1].room_id)
        except RequestFailed as error:
            console.print(f"[red]{escape(error.error)}[/]")


async def read_lines(typed: trio.MemorySendChannel[str]) -> None:
    """Read the keyboard in a thread, which ends with the program."""
    async with typed:
        while True:
            try:
                line = await trio.to_thread.run_sync(partial(input), abandon_on_cancel=True)
            except EOFError:
                return
            await typed.send(line.strip().lower())


async def run(server: str, key: str, name: str) -> None:
    """Connect, and play until the player has enough."""
    async with connect(server, api_key=key) as client:
        await client.authenticate_device(f"tic-tac-toe-{uuid4()}")
        await client.update_user(name=name)
        typed, lines = trio.open_memory_channel[str](0)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(read_lines, typed)
            while (table := await choose(client, name, lines)) is not None:
                try:
                    await sit(table, lines)
                except* TableGoneError:
                    console.print("[yellow]The connection was gone for too long, and so is the game.[/]")
            nursery.cancel_scope.cancel()


@click.command()
@click.option("--server", default="ws://127.0.0.1:9090", show_default=True, help="Address of the Yummy server.")
@click.option("--key", default="YummyYummy", show_default=True, help="The server's INTEGRATION_KEY.")
@click.option("--name", prompt="Your name", help="What other players see.")
def main(*, server: str, key: str, name: str) -> None:
    """Play tic-tac-toe against somebody."""
    problems: list[str] = []
    try:
        trio.run(run, server, key, name)
    except* KeyboardInterrupt:
        console.print("bye")
    except* ClientError as errors:
        problems = [str(error) for error in errors.exceptions]
    if problems:
        raise click.ClickException("; ".join(problems))


if __name__ == "__main__":
    main()
