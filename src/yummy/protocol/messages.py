"""What the server sends: answers to requests, and events.

Each is an attrs class; a field that is `UNSET` is left out. `document` makes the map that the codec writes. Nobody
changes one, but they are not frozen, as a frozen one takes longer to make, and there are many.
"""

from collections.abc import Callable
from typing import Any, ClassVar, Final

import attrs
from cattrs import Converter
from cattrs.fns import identity
from cattrs.gen import make_dict_unstructure_fn, override

from yummy.protocol.errors import Refusal, refusal_fields


class Unset:
    """The type of `UNSET`."""

    def __repr__(self) -> str:
        return "UNSET"


#: A field that the message does not carry.
UNSET: Final = Unset()


@attrs.define
class Done:
    """It has happened; there is nothing to add."""


@attrs.define
class Authenticated:
    """A session has begun."""

    token: str = attrs.field(repr=False)
    user_id: str
    session_id: str


@attrs.define
class TokenRefreshed:
    """A fresh token of the same session."""

    token: str = attrs.field(repr=False)


@attrs.define
class TokenRestored:
    """A session goes on here (``restored``), or a new one has begun."""

    token: str = attrs.field(repr=False)
    user_id: str
    session_id: str
    restored: bool
    rooms: list[str]


@attrs.define
class UserInformation:
    """A user, as the one who asks may see it. Dates are unix seconds."""

    id: str
    name: str | None
    email: str | None
    device_id: str | None
    custom_id: str | None
    metas: dict[str, Any]
    user_type: int
    online: bool
    insert_date: int
    last_login_date: int | None


@attrs.define
class RoomCreated:
    """The room's id, and the password of a private one."""

    room_id: str
    password: str | Unset = UNSET


@attrs.define
class RoomUpdated:
    """The room has changed; ``password`` is there when it has just become private."""

    password: str | Unset = UNSET


@attrs.define
class RoomUser:
    """A member in a list of a room's users; ``type`` is the rank."""

    user_id: str
    name: str | None
    type: int


@attrs.define
class Joined:
    """One is in the room now."""

    room_id: str
    room_name: str | None
    users: list[RoomUser]
    metas: dict[str, Any]
    result: str = "Joined"


@attrs.define
class Requested:
    """One waits for approval."""

    room_id: str
    result: str = "Requested"


@attrs.define
class WaitingUsers:
    """Who waits, and the rank that each asked for."""

    room_id: str
    users: dict[str, int]


@attrs.define
class RoomInformation:
    """The parts of a room that were asked for."""

    id: str
    name: str | Unset | None = UNSET
    description: str | Unset | None = UNSET
    users: list[RoomUser] | Unset = UNSET
    max_user: int | Unset = UNSET
    user_length: int | Unset = UNSET
    access_type: int | Unset = UNSET
    tags: list[str] | Unset = UNSET
    metas: dict[str, Any] | Unset = UNSET
    insert_date: int | Unset = UNSET
    join_request: bool | Unset = UNSET
    banned_users: list[str] | Unset = UNSET


@attrs.define
class Rooms:
    """A page of the list of rooms; ``cursor`` asks for the next one."""

    rooms: list[RoomInformation]
    cursor: str | Unset = UNSET


type Answer = (
    Done
    | Authenticated
    | TokenRefreshed
    | TokenRestored
    | UserInformation
    | RoomCreated
    | RoomUpdated
    | Joined
    | Requested
    | WaitingUsers
    | RoomInformation
    | Rooms
)


@attrs.define
class UserJoined:
    """To members: a user joined."""

    TYPE: ClassVar = "JoinToRoom"
    user_id: str
    room_id: str


@attrs.define
class JoinAccepted:
    """To a waiting session: it was let in."""

    TYPE: ClassVar = "JoinToRoom"
    room_id: str
    room_name: str | None
    users: list[RoomUser]
    metas: dict[str, Any]
    result: str = "Joined"


@attrs.define
class JoinDeclined:
    """To a waiting session: it was not let in."""

    TYPE: ClassVar = "JoinToRoom"
    room_id: str
    result: str = "Declined"


@attrs.define
class NewJoinRequest:
    """To owner and moderators: somebody waits."""

    TYPE: ClassVar = "NewJoinRequest"
    room_id: str
    user_id: str
    user_type: int


@attrs.define
class UserDisconnectedFromRoom:
    """To the members left behind: a user has gone."""

    TYPE: ClassVar = "UserDisconnectedFromRoom"
    user_id: str
    room_id: str


@attrs.define
class DisconnectedFromRoom:
    """To the one who was kicked or banned."""

    TYPE: ClassVar = "DisconnectedFromRoom"
    room_id: str


@attrs.define
class MessageFromRoom:
    """Somebody said something, or a script did (then there is no ``user_id``)."""

    TYPE: ClassVar = "MessageFromRoom"
    room_id: str
    message: Any
    user_id: str | Unset = UNSET


@attrs.define
class Played:
    """Somebody made a move."""

    TYPE: ClassVar = "Play"
    room_id: str
    message: Any
    user_id: str | Unset = UNSET


@attrs.define
class RawMessage:
    """A whole map that a script made; it is sent as it is."""

    TYPE: ClassVar = ""
    message: dict[str, Any]


type Event = (
    UserJoined
    | JoinAccepted
    | JoinDeclined
    | NewJoinRequest
    | UserDisconnectedFromRoom
    | DisconnectedFromRoom
    | MessageFromRoom
    | Played
    | RawMessage
)

_ANSWERS: tuple[type[Any], ...] = Answer.__value__.__args__
_EVENTS: tuple[type[Any], ...] = Event.__value__.__args__
_NESTED = (RoomUser, RoomInformation)
#: Names that the protocol spells with a hyphen.
_HYPHENATED = ("max_user", "user_length", "access_type", "insert_date", "join_request", "banned_users")


def _writer(converter: Converter, message: type[Any]) -> Callable[[Any], dict[str, Any]]:
    overrides = {}
    for field in attrs.fields(message):
        hyphenated = message is RoomInformation and field.name in _HYPHENATED
        overrides[field.name] = override(
            omit_if_default=field.default is UNSET,
            rename=field.name.replace("_", "-") if hyphenated else None,
            # Lists of nested messages are the converter's; all else is plain data as it stands, which takes no call.
            unstruct_hook=None if field.name in ("users", "rooms") and field.type not in _PLAIN else identity,
        )
    return make_dict_unstructure_fn(message, converter, **overrides)  # type: ignore[arg-type]  # names to overrides


_PLAIN = (list[str], dict[str, int])
_converter = Converter()
for _message in _NESTED:
    _converter.register_unstructure_hook(_message, _writer(_converter, _message))
_WRITERS = {message: _writer(_converter, message) for message in (*_ANSWERS, *_EVENTS)}


def answer_document(type_: str, request_id: int | None, answer: Answer) -> dict[str, Any]:
    """The map of a success.

    Args:
        type_: The request's type.
        request_id: The request's id, if it had one.
        answer: What the answer adds.
    """
    document: dict[str, Any] = {} if request_id is None else {"request_id": request_id}
    document["status"] = True
    document["type"] = type_
    if type(answer) is not Done:
        document.update(_WRITERS[type(answer)](answer))
    return document


def failure_document(type_: str, request_id: int | None, refusal: Refusal) -> dict[str, Any]:
    """The map of a failure."""
    document = {} if request_id is None else {"request_id": request_id}
    return {**document, "status": False, "type": type_, **refusal_fields(refusal)}


def event_document(event: Event) -> dict[str, Any]:
    """The map of an event."""
    if type(event) is RawMessage:
        return event.message
    document = _WRITERS[type(event)](event)
    document["type"] = event.TYPE
    return document
