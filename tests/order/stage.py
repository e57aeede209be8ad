"""A server with real sockets in an event loop of its own, for tests that are not in one.

Its clock stands still but when a test moves it, so that windows end when the test says so. What its scripts do is
chosen by the request: the last digit of a request's id is its plan (`PLANS`).
"""

import threading
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import MappingProxyType
from typing import Any

import attrs
import trio
from harness import Player, dialled, running, write_scripts
from trio.testing import MockClock, wait_all_tasks_blocked

from yummy.model import HOOK_MODELS
from yummy.server import Server

WINDOW = 10.0
"""Seconds that a session outlives its connection."""
POLL = 0.001
"""Seconds between two looks at what is done outside of the event loop."""

#: What the hooks of a request do, by the last digit of its id, and the code that its sender hears.
PLANS = MappingProxyType({0: None, 1: "planned", 2: "planned", 3: "hook_error", 4: "hook_error"})

_ACT = """
from yummy import fail, room

def act(model, failing, raising):
    plan = (model.request_id or 0) % 10
    if plan not in (failing, raising):
        return
    room_id = getattr(model, "room_id", None)
    if room_id is not None:
        # To be dropped with the rest.
        room.set_room_meta(room_id, "spoiled", 1, 0)
        room.message_to_room(room_id, "spoiled")
    if plan == failing:
        fail("this was planned", "planned")
    raise KeyError("this was planned")

def say(model, word):
    room.set_room_meta(model.room_id, word, model.message, 0)
    room.message_to_room(model.room_id, [word, model.message])
"""


def scripts() -> str:
    """Hooks of every request: they fail on demand, and those of Play speak and write."""
    own = {"user_connected", "user_disconnected"}
    lines = [_ACT]
    for name in sorted(HOOK_MODELS.keys() - own):
        speaks = name == "play"
        lines += [
            f"def pre_{name}(model):",
            "    act(model, 1, 3)",
            *(["    say(model, 'pre')"] if speaks else []),
            f"def post_{name}(model, success):",
            "    act(model, 2, 4)",
            *(["    say(model, 'post')"] if speaks else []),
        ]
    return "\n".join(lines)


@attrs.define(eq=False)
class Line:
    """One connection, held open by a task until it is to be dropped."""

    player: Player
    leave: trio.Event = attrs.field(factory=trio.Event)
    left: trio.Event = attrs.field(factory=trio.Event)


@attrs.define(eq=False)
class Stage:
    """The server, its clock and the connections to it. `call` runs its coroutines from the test's thread."""

    clock: MockClock
    server: Server
    nursery: trio.Nursery
    token: trio.lowlevel.TrioToken
    lines: dict[int, Line] = attrs.field(factory=dict)

    def call[R](self, work: Callable[..., Awaitable[R]], *arguments: Any) -> R:
        """Run something in the event loop and wait for it."""
        return trio.from_thread.run(work, *arguments, trio_token=self.token)

    async def connect(self, place: int) -> None:
        """Open a connection."""
        self.lines[place] = await self.nursery.start(self._hold)

    async def drop(self, place: int) -> float:
        """Lose a connection; gives the time by which the server knows it."""
        line = self.lines.pop(place)
        line.leave.set()
        await line.left.wait()
        await self.settle()
        return trio.current_time()

    async def closed(self, place: int) -> int:
        """Wait for the server to close a connection; gives the code."""
        line = self.lines.pop(place)
        code = await line.player.close_code()
        line.leave.set()
        await line.left.wait()
        return code

    async def ask(self, place: int, request_id: int, type_: str, fields: dict[str, Any]) -> dict[str, Any]:
        """Send a request and wait for its answer, which comes before any event."""
        player = self.lines[place].player
        await player.send(type=type_, request_id=request_id, **fields)
        answer = await player.receive()
        assert (answer.get("type"), answer.get("request_id")) == (type_, request_id), answer
        await self.settle()
        return answer

    async def events(self) -> dict[int, list[dict[str, Any]]]:
        """What has come to each connection since the last look."""
        found: dict[int, list[dict[str, Any]]] = {}
        for place, line in self.lines.items():
            await line.player.call("RoomList", limit=1)
            found[place], line.player.events = line.player.events, []
        return found

    async def advance(self, until: float) -> None:
        """Let time pass until a moment."""
        self.clock.jump(max(0.0, until - trio.current_time()))
        await self.settle()

    async def settle(self) -> None:
        """Wait until the server has nothing more to do."""
        server = self.server
        await wait_all_tasks_blocked()
        while server.driver.running or server.hooks.statistics().waiting:
            # Scripts and SQL are in threads, which this loop does not see.
            await wait_all_tasks_blocked(POLL)

    async def clear(self) -> None:
        """Lose everything, and wait until the server has forgotten it."""
        for place in list(self.lines):
            await self.drop(place)
        await self.advance(trio.current_time() + WINDOW + 1)

    async def _hold(self, task_status: trio.TaskStatus[Line]) -> None:
        async with dialled(self.server.url) as player:
            line = Line(player)
            task_status.started(line)
            await line.leave.wait()
        line.left.set()


@contextmanager
def staged(folder: Path, *, scripted: bool) -> Iterator[Stage]:
    """A server for the length of a block, in another thread."""
    clock = MockClock()
    ready: list[Stage] = []
    begun, over = threading.Event(), threading.Event()

    async def main() -> None:
        hooks = write_scripts(folder / "hooks", game=scripts()) if scripted else None
        options = {
            "heartbeat_interval": 0,
            "heartbeat_timeout": 0,
            "auth_timeout": 0,
            "connection_restore_wait_timeout": WINDOW,
        }
        async with running(hooks, **options) as server, trio.open_nursery() as nursery:
            stage = Stage(clock, server, nursery, trio.lowlevel.current_trio_token())
            ready.append(stage)
            begun.set()
            await trio.to_thread.run_sync(over.wait)
            await stage.clear()
            nursery.cancel_scope.cancel()

    def run() -> None:
        try:
            trio.run(main, clock=clock)
        finally:
            begun.set()

    thread = threading.Thread(target=run)
    thread.start()
    try:
        begun.wait()
        assert ready, "the server did not begin"
        yield ready[0]
    finally:
        over.set()
        thread.join()
