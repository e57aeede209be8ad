"""A bare server on trio-websocket: it echoes, or relays to the others of a room and acknowledges.

Knows nothing of messages, sessions or limits. Runs as a program, and prints its port.
"""

from collections import defaultdict
from contextlib import suppress

import trio
from trio_websocket import ConnectionClosed, WebSocketConnection, WebSocketRequest, serve_websocket

#: A msgpack map that says of ``status`` that it is true.
ACKNOWLEDGED = b"\x81\xa6status\xc3"

rooms: dict[str, set[WebSocketConnection]] = defaultdict(set)


async def handle(request: WebSocketRequest) -> None:
    """Serve one connection; its path names the room, or asks for an echo."""
    connection = await request.accept()
    with suppress(ConnectionClosed):
        if request.path == "/echo":
            await echo(connection)
        else:
            await relay(connection, rooms[request.path])


async def echo(connection: WebSocketConnection) -> None:
    """Send everything back."""
    while True:
        await connection.send_message(await connection.get_message())


async def relay(connection: WebSocketConnection, room: set[WebSocketConnection]) -> None:
    """Send everything to the others, and acknowledge it."""
    room.add(connection)
    try:
        while True:
            message = await connection.get_message()
            for other in room - {connection}:
                await other.send_message(message)
            await connection.send_message(ACKNOWLEDGED)
    finally:
        room.discard(connection)


async def main() -> None:
    """Serve until the end."""
    async with trio.open_nursery() as nursery:
        server = await nursery.start(serve_websocket, handle, "127.0.0.1", 0, None)
        print(server.port, flush=True)  # noqa: T201  # who has started it waits for that


if __name__ == "__main__":
    trio.run(main)
