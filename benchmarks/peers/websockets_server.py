"""A server on websockets: it echoes, or relays to the others of a room and acknowledges.

Runs as a program, on asyncio's own event loop or, with the argument ``uvloop``, on that one. Prints its port.
"""

import asyncio
import sys
from collections import defaultdict

from websockets.asyncio.server import ServerConnection, broadcast, serve

#: A msgpack map that says of ``status`` that it is true.
ACKNOWLEDGED = b"\x81\xa6status\xc3"

rooms: dict[str, set[ServerConnection]] = defaultdict(set)


async def handle(connection: ServerConnection) -> None:
    """Serve one connection; its path names the room, or asks for an echo."""
    path = connection.request.path if connection.request else ""
    if path == "/echo":
        async for message in connection:
            await connection.send(message)
        return
    room = rooms[path]
    room.add(connection)
    try:
        async for message in connection:
            broadcast(room - {connection}, message)
            await connection.send(ACKNOWLEDGED)
    finally:
        room.discard(connection)


async def main() -> None:
    """Serve until the end; nobody is pinged, and nothing is compressed."""
    async with serve(handle, "127.0.0.1", 0, compression=None, ping_interval=None) as server:
        print(server.sockets[0].getsockname()[1], flush=True)  # noqa: T201  # who has started it waits for that
        await server.serve_forever()


if __name__ == "__main__":
    if "uvloop" in sys.argv:
        import uvloop

        uvloop.run(main())
    else:
        asyncio.run(main())
