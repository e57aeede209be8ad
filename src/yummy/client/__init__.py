"""A small Trio client for Yummy servers.

    async with connect("ws://127.0.0.1:9090") as client:
        await client.authenticate_device("my-device-id")
        room_id = (await client.create_room(name="Lobby"))["room_id"]
        async for event in client.events():
            ...

The package owns the client's side of the wire protocol and imports nothing of the server's.
"""

from yummy.client.client import Client, connect
from yummy.client.errors import ClientError, ConnectFailed, ConnectionLost, Refused, RequestFailed, RequestTimeout
from yummy.client.events import AnyEvent, Event, EventsDropped, Lost, OnOverflow, Restored, SendFailed
from yummy.client.reconnect import Reconnect

__all__ = [
    "AnyEvent",
    "Client",
    "ClientError",
    "ConnectFailed",
    "ConnectionLost",
    "Event",
    "EventsDropped",
    "Lost",
    "OnOverflow",
    "Reconnect",
    "Refused",
    "RequestFailed",
    "RequestTimeout",
    "Restored",
    "SendFailed",
    "connect",
]
