"""Reading requests and writing answers and events, beside msgpack alone."""

from collections.abc import Iterator
from functools import partial
from typing import Any

import msgpack

from benchmarks.micro.pieces import Piece, computing
from yummy.pipeline.switchboard import encode_frame
from yummy.protocol.codec import Encoding
from yummy.protocol.messages import Done, MessageFromRoom, answer_document, event_document
from yummy.protocol.requests import parse
from yummy.settings import Settings

_ROOM, _USER = "018f2f6e-0000-7000-8000-000000000000", "018f2f6e-0000-7000-8000-000000000001"
_REQUEST = 1 << 16
_REQUESTS = {
    "Play": {"type": "Play", "request_id": _REQUEST, "room_id": _ROOM, "message": {"cell": 4}},
    "MessageToRoom": {
        "type": "MessageToRoom",
        "request_id": _REQUEST,
        "room_id": _ROOM,
        "message": {"text": "hello, everybody", "at": 1.5},
    },
}
EVENT = MessageFromRoom(room_id=_ROOM, message={"text": "hello, everybody", "at": 1.5}, user_id=_USER)
PACK_EVENT = "msgpack alone: write an event"


def codec() -> Iterator[Piece]:
    """What stands between the bytes of a frame and what the server works with."""
    depth = Settings().max_depth
    for type_, request in _REQUESTS.items():
        payload = msgpack.packb(request)
        floor = f"msgpack alone: read a {type_}"
        yield computing(f"read and check a {type_}", partial(parse, payload, max_depth=depth), floor)
        yield computing(floor, partial(msgpack.unpackb, payload))

    def answer() -> dict[str, Any]:
        return answer_document("MessageToRoom", _REQUEST, Done())

    floor = "msgpack alone: write an answer"
    yield computing("write an answer, with its frame", lambda: encode_frame(answer(), Encoding.MSGPACK), floor)
    yield _packing(floor, answer())
    yield computing(
        "write an event, with its frame", lambda: encode_frame(event_document(EVENT), Encoding.MSGPACK), PACK_EVENT
    )
    yield _packing(PACK_EVENT, event_document(EVENT))


def _packing(name: str, document: dict[str, Any]) -> Piece:
    pack = msgpack.Packer().pack
    return computing(name, lambda: pack(document))
