"""Put load on a running server and say what it bore.

    python -m benchmarks relay --connections 64 --room 4 --duration 5

Closed loop: every player sends, waits for the answer, and sends again. Each figure belongs to the run that it was
taken in, and to the machine; compare figures of one machine and one sitting only. The generator is one Python process
and often the bottleneck: it says what share of a core it used itself.
"""

import time
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

import attrs
import click
import trio

from benchmarks.figures import Latency, share_text
from yummy.client import Client, connect

type Step = Callable[[], Awaitable[Any]]


@attrs.define
class Tally:
    """What was measured: one latency for each answered request, in seconds."""

    latencies: list[float] = attrs.field(factory=list)
    failures: int = 0

    def report(self, duration: float, cpu: float) -> str:
        """The figures as text.

        Args:
            duration: Seconds that the load lasted.
            cpu: Seconds of a core that the generator used in that time.
        """
        if not self.latencies:
            return f"no request was answered, {self.failures} failed"
        lines = [
            f"requests     {len(self.latencies)} answered, {self.failures} failed",
            f"rate         {len(self.latencies) / duration:.0f} a second",
            f"latency      {Latency.of(self.latencies)}",
            f"generator    {share_text(cpu / duration)} of a core",
        ]
        return "\n".join(lines)


@attrs.frozen
class Load:
    """How much of what.

    Attributes:
        url: The server's address.
        key: Its API key.
        connections: Players.
        room: Players in each room.
        duration: Seconds.
    """

    url: str
    key: str
    connections: int
    room: int
    duration: float


async def run(load: Load, prepare: Callable[[list[Client], Load], Awaitable[list[Step]]]) -> str:
    """Connect the players, let each of them repeat its step until the time is over, and report."""
    tally = Tally()
    async with trio.open_nursery() as nursery:
        ready = [await nursery.start(_hold, load, number) for number in range(load.connections)]
        steps = await prepare(ready, load)
        began, cpu_began = time.perf_counter(), time.process_time()
        with trio.move_on_after(load.duration):
            async with trio.open_nursery() as loops:
                for step in steps:
                    loops.start_soon(_repeat, step, tally)
        report = tally.report(time.perf_counter() - began, time.process_time() - cpu_began)
        nursery.cancel_scope.cancel()
    return report


async def _hold(load: Load, number: int, task_status: trio.TaskStatus[Client]) -> None:
    """Keep one player connected until cancelled; nobody reads its events, so its client drops the oldest."""
    async with connect(load.url, api_key=load.key) as client:
        await client.authenticate_device(f"benchmark-{number:06}")
        task_status.started(client)
        await trio.sleep_forever()


async def _repeat(step: Step, tally: Tally) -> None:
    while True:
        began = time.perf_counter()
        try:
            await step()
        except Exception:  # noqa: BLE001  # whatever it is, it is a request that was not answered
            tally.failures += 1
            await trio.lowlevel.checkpoint()
        else:
            tally.latencies.append(time.perf_counter() - began)


async def _ask(clients: list[Client], _load: Load) -> list[Step]:
    return [client.me for client in clients]


async def _in_rooms(clients: list[Client], load: Load, say: str) -> list[Step]:
    steps: list[Step] = []
    for start in range(0, len(clients), load.room):
        owner, *others = clients[start : start + load.room]
        room_id = (await owner.create_room(name="benchmark"))["room_id"]
        for client in others:
            await client.join(room_id)
        steps += [partial(client.call, say, room_id=room_id, message={"cell": 4}) for client in (owner, *others)]
    return steps


_ADVICE = "Start the server with MAX_MESSAGES_PER_SECOND=0, or its rate limit is what you measure."

SCENARIOS: dict[str, Callable[[list[Client], Load], Awaitable[list[Step]]]] = {
    "ask": _ask,
    "relay": partial(_in_rooms, say="MessageToRoom"),
    "play": partial(_in_rooms, say="Play"),
}


def load_command(scenario: str, summary: str) -> click.Command:
    """The command that runs one scenario."""

    @click.command(scenario, help=f"{summary}\n\n{_ADVICE}", short_help=summary)
    @click.option("--url", default="ws://127.0.0.1:9090", help="The server's address.")
    @click.option("--key", default="YummyYummy", help="The server's API key.")
    @click.option("--connections", default=64, type=click.IntRange(1, 10_000), help="Players.")
    @click.option("--room", default=4, type=click.IntRange(1, 1000), help="Players in each room.")
    @click.option("--duration", default=5.0, type=click.FloatRange(0.1, 600), help="Seconds.")
    def command(**options: Any) -> None:
        click.echo(trio.run(run, Load(**options), SCENARIOS[scenario]))

    return command
