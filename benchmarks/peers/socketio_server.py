"""A server on python-socketio and aiohttp: it echoes, or relays to the others of a room; both by acknowledgements.

Runs as a program, on asyncio's own event loop or, with the argument ``uvloop``, on that one. Prints its port.
"""

import asyncio
import sys
from typing import Any
from urllib.parse import parse_qs

import socketio
from aiohttp import web

#: Seconds between two pings: longer than any benchmark.
NEVER = 1_000_000

server = socketio.AsyncServer(async_mode="aiohttp", transports=["websocket"], ping_interval=NEVER)
rooms: dict[str, str] = {}


@server.event
async def connect(sid: str, environ: dict[str, Any]) -> None:
    """Bring somebody into the room that the query names."""
    rooms[sid] = parse_qs(environ["QUERY_STRING"])["room"][0]
    await server.enter_room(sid, rooms[sid])


@server.event
async def disconnect(sid: str) -> None:
    """Forget somebody."""
    rooms.pop(sid, None)


@server.event
async def echo(_sid: str, message: Any) -> Any:
    """Send it back, as the acknowledgement."""
    return message


@server.event
async def talk(sid: str, message: Any) -> dict[str, bool]:
    """Send it to the others of the room."""
    await server.emit("talk", message, room=rooms[sid], skip_sid=sid)
    return {"status": True}


async def main() -> None:
    """Serve until the end."""
    app = web.Application()
    server.attach(app)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    print(runner.addresses[0][1], flush=True)  # noqa: T201  # who has started it waits for that
    await asyncio.Event().wait()


if __name__ == "__main__":
    if "uvloop" in sys.argv:
        import uvloop

        uvloop.run(main())
    else:
        asyncio.run(main())
