"""What servers are compared by. Pure."""

import json
import os
from typing import Any

import msgpack
from attrs import frozen

from benchmarks.frames import Kind, frame

#: Bytes of a mark.
MARK_BYTES = 8


@frozen
class Workload:
    """Something to do for a server.

    Attributes:
        name: Its short name.
        rooms: How many there are.
        size: Players in each of them.
        ahead: Requests that each player has in flight.
        summary: What is done.
        rate: Requests a second of all of them together (an open loop); None: each answer is followed by the next one.
        speakers: Players of each room who say anything, those who come first; None: all.
    """

    name: str
    rooms: int
    size: int
    ahead: int
    summary: str
    rate: float | None = None
    speakers: int | None = None

    @property
    def connections(self) -> int:
        """Players in all."""
        return self.rooms * self.size

    @property
    def relays(self) -> bool:
        """Whether it is what others hear that counts, instead of answers."""
        return self.size > 1


W1 = Workload("W1", 64, 1, 1, "64 connections, one request in flight on each; answers count")
W2 = Workload(
    "W2", 50, 4, 1, "50 rooms of 4, a message goes to the 3 others and is acknowledged; what they hear counts"
)
W3 = Workload("W3", 64, 1, 16, "64 connections, 16 requests in flight on each; answers count")
WORKLOADS = (W1, W2, W3)


@frozen
class Words:
    """What players say to a server, and how they know what comes back.

    A mark stands once in each message of its kind, and in no other.

    Attributes:
        request: The frame that they send again and again.
        answer: The mark of an answer to it.
        heard: The mark of what the others hear; b"" if they hear nothing.
    """

    request: bytes
    answer: bytes
    heard: bytes = b""


#: In what says of its request that it is done: in MessagePack, and in JSON.
DONE, DONE_JSON = b"\xa6status\xc3", b'"status"'
#: In a request, and so in its echo.
_SAID, _SAID_JSON = b"\xa4type\xadMe", b'"type":"'
#: In what Yummy tells the others of a room.
_TOLD = b"\xa4type\xafMe"


def message(room_id: str = "018f2f6e-0000-7000-8000-000000000000") -> dict[str, Any]:
    """What everybody says: a request of Yummy's protocol, of 104 bytes in MessagePack."""
    return {"type": "MessageToRoom", "request_id": 1 << 16, "room_id": room_id, "message": {"ts": bytes(8)}}


def _binary(payload: bytes) -> bytes:
    return frame(Kind.BINARY, payload, os.urandom(4))


def yummy_words(room_id: str, *, play: bool) -> Words:
    """For Yummy.

    Args:
        room_id: The player's room.
        play: Whether the message is a ``Play``, as for hooks.
    """
    said = message(room_id)
    return Words(_binary(msgpack.packb({**said, "type": "Play"} if play else said)), DONE, _TOLD)


def bare_words(*, relayed: bool) -> Words:
    """For servers that take any bytes."""
    said = _binary(msgpack.packb(message()))
    return Words(said, DONE, _SAID) if relayed else Words(said, _SAID)


def colyseus_words(*, relayed: bool) -> Words:
    """For Colyseus: a byte for data of a room, the type of the message, the message."""
    said = _binary(b"\x0d" + msgpack.packb("talk") + msgpack.packb(message()))
    return Words(said, DONE, _SAID) if relayed else Words(said, _SAID)


def socketio_words(*, relayed: bool) -> Words:
    """For Socket.IO: an event that wants an acknowledgement, in JSON, with the eight bytes as text."""
    name = "talk" if relayed else "echo"
    said = json.dumps([name, {**message(), "message": {"ts": "0" * 8}}], separators=(",", ":"))
    request = frame(Kind.TEXT, f"421{said}".encode(), os.urandom(4))
    return Words(request, DONE_JSON, _SAID_JSON) if relayed else Words(request, _SAID_JSON)
