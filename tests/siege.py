"""A running server with two players in a room, and raw clients that do to it what they like.

At the end of the block the players must still be served at once, a newcomer too, and nothing of the raw clients may be
left: no task, descriptor, connection, session or room.
"""

import functools
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import attrs
import msgpack
import trio
from harness import KEY, PATIENCE, Player, logged_in, running
from tests.transport.conftest import BINARY, RawClient, head, masked

from yummy.pipeline.turns import TurnKey
from yummy.pipeline.unit import Table, UnitOfWork
from yummy.server import Server

LATENCY = 1.0
"""Seconds within which others are answered, whatever happens: far above what it takes, far below what is noticed."""
ROUNDS = 100
"""Parts of that which are waited for one after another."""

PATH = f"/v1/socket?x-yummy-api={KEY}"

upgrade = functools.partial(head, PATH)


def request(type_: str, **fields: Any) -> bytes:
    """A request as a frame on the wire."""
    return masked(BINARY, msgpack.packb({"type": type_, **fields}))


@asynccontextmanager
async def promptly() -> AsyncIterator[None]:
    """Fail unless the block ends within `LATENCY`, not counting time in which the whole process stood still.

    Of work, its CPU counts; of waiting, the rounds of the event loop.
    """
    worked = time.thread_time()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(_run_out)
        yield
        nursery.cancel_scope.cancel()
    assert time.thread_time() - worked < LATENCY


async def _run_out() -> None:
    for _ in range(ROUNDS):
        await trio.sleep(LATENCY / ROUNDS)
    raise trio.TooSlowError


@attrs.define(eq=False)
class Siege:
    """The server, its players, and who is after them."""

    server: Server
    anna: Player
    bert: Player
    room: str
    clients: list[RawClient] = attrs.field(factory=list)

    async def connect(self, *, receive_buffer: int | None = None) -> RawClient:
        """A connection without a word of HTTP."""
        sock = trio.socket.socket()
        if receive_buffer is not None:
            sock.setsockopt(trio.socket.SOL_SOCKET, trio.socket.SO_RCVBUF, receive_buffer)
        await sock.connect(self.server.transport.addresses[0])
        self.clients.append(RawClient(trio.SocketStream(sock)))
        return self.clients[-1]

    async def upgraded(self, *, receive_buffer: int | None = None, **headers: Any) -> RawClient:
        """A connection after the upgrade."""
        client = await self.connect(receive_buffer=receive_buffer)
        with trio.fail_after(PATIENCE):
            await client.send(upgrade(**headers))
            assert await client.status() == 101
        return client

    async def known(self, name: str = "mallory", **options: Any) -> tuple[RawClient, dict[str, Any]]:
        """A connection that has logged in, and what the login answered."""
        client = await self.upgraded(**options)
        await client.send(request("AuthDeviceId", id=f"device-of-{name}"))
        answer = await heard(client)
        assert answer["status"] is True, answer
        return client, answer

    async def serve_others(self) -> None:
        """The players and a newcomer are served at once."""
        async with promptly():
            await self.anna.ok("Play", room_id=self.room, message="still here")
            while (await self.bert.receive()).get("message") != "still here":
                pass
        self.anna.events.clear()
        async with promptly(), logged_in(self.server, "newcomer") as newcomer:
            await newcomer.ok("Me")
            await newcomer.ok("Logout")

    async def hold(self) -> TurnKey:
        """Take the room's turn, so that messages to it wait until it is released."""
        key = (Table.ROOM, self.room)
        await self.server.chain.turns.take(key, UnitOfWork(self.server.world))
        return key

    async def until(self, true: Any) -> None:
        """Wait until something is true of the server, which nothing tells."""
        with trio.fail_after(PATIENCE):
            while not true():
                await trio.testing.wait_all_tasks_blocked(0.005)

    def held(self) -> dict[str, int]:
        """What the server holds now."""
        server = self.server
        statistics = server.transport.statistics()
        return {
            "tasks": _tasks(),
            "descriptors": len(list(Path("/proc/self/fd").iterdir())),
            "connections": statistics.connections,
            "handshakes": statistics.handshakes,
            "bytes queued": statistics.bytes_queued,
            "lines": len(server.chain.switchboard._lines),
            "chains": server.driver.running,
            "turns": server.chain.turns.statistics().held,
            "sessions": len(server.world.sessions),
            "rooms": len(server.world.rooms),
        }


async def heard(client: RawClient) -> dict[str, Any]:
    """The next message, which must be msgpack."""
    with trio.fail_after(PATIENCE):
        first_byte, payload = await client.data_frame()
    assert first_byte == BINARY, (first_byte, payload)
    message = msgpack.unpackb(payload)
    assert isinstance(message, dict)
    return message


async def ended(client: RawClient) -> bytes:
    """What else the server says until the connection is gone."""
    with trio.fail_after(PATIENCE):
        return await client.end()


async def closed(client: RawClient) -> int:
    """The code that the server closes with, skipping what comes before."""
    with trio.fail_after(PATIENCE):
        while True:
            first_byte, payload = await client.frame()
            if first_byte == 0x88:
                return int.from_bytes(payload[:2], "big")


@asynccontextmanager
async def besieged(hooks: Path | None = None, **settings: Any) -> AsyncIterator[Siege]:
    """A server for the length of a block; see above. A session ends with its connection, unless told otherwise."""
    chosen = {"connection_restore_wait_timeout": 0.0, **settings}
    async with (
        running(hooks, **chosen) as server,
        logged_in(server, "anna") as anna,
        logged_in(server, "bert") as bert,
    ):
        room = (await anna.ok("CreateRoom"))["room_id"]
        await bert.ok("JoinToRoom", room_id=room)
        await anna.event("JoinToRoom")
        siege = Siege(server, anna, bert, room)
        await siege.serve_others()
        await siege.until(lambda: siege.held()["connections"] == 2 and not siege.held()["chains"])
        before = siege.held()
        yield siege
        await siege.serve_others()
        for client in siege.clients:
            await trio.aclose_forcefully(client.stream)
        with trio.move_on_after(PATIENCE):
            await siege.until(lambda: siege.held() == before)
        assert before == siege.held()


def _tasks() -> int:
    def count(task: trio.lowlevel.Task) -> int:
        return 1 + sum(count(child) for nursery in task.child_nurseries for child in nursery.child_tasks)

    root = trio.lowlevel.current_root_task()
    assert root is not None
    return count(root)
