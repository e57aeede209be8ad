"""Sample models: one message for each hook, as a plausible client would send it, and the little world around it.

Owns who is in that world: the sender, who owns a room, another member of it, and a guest who is none. The room and the
accounts are the core's own values in a unit of work that is never committed, so that what hooks write is kept and
refused by the same rules as in a server. It knows nothing of how hooks are called.
"""

from collections.abc import Callable, Mapping
from typing import Any, Final

import attrs
from attrs import define, field

from yummy.constants import RoomMetaAccess, RoomUserType
from yummy.core import metadata
from yummy.core.scripting import room_snapshot, user_snapshot
from yummy.core.values import Account, Member, Room
from yummy.hooks.calls import Phase, RoomSnapshot, UserSnapshot
from yummy.model import HOOK_MODELS, CreateRoom, Model
from yummy.pipeline.unit import UnitOfWork
from yummy.settings import Settings
from yummy.store.world import World

SENDER: Final = "01930000-0000-7000-8000-00000000000a"
OTHER: Final = "01930000-0000-7000-8000-00000000000b"
GUEST: Final = "01930000-0000-7000-8000-00000000000c"
SESSION: Final = "01930000-0000-7000-8000-0000000000a1"
ROOM: Final = "01930000-0000-7000-8000-0000000000d1"

_DATE = 1_893_456_000  # 2030-01-01, 00:00 UTC, in Unix seconds
_PASSWORD = "a sample of a password"  # noqa: S105  # nobody's
_TOKEN = "a sample of a token"  # noqa: S105  # of no session


_FROM_SENDER: Mapping[str, Any] = {"user_id": SENDER, "session_id": SESSION}
_FROM_GUEST: Mapping[str, Any] = {"user_id": GUEST, "session_id": SESSION}
_IN_ROOM: Mapping[str, Any] = {**_FROM_SENDER, "room_id": ROOM}

#: The fields of each hook's sample. They stand in the order in which such messages come in the life of a session.
FIELDS: Final[Mapping[str, Mapping[str, Any]]] = {
    "email_auth": {"email": "ada@example.org", "password": _PASSWORD, "if_not_exist_create": True},
    "deviceid_auth": {"device_id": "sample-device"},
    "customid_auth": {"custom_id": "sample-custom"},
    "restore_token": {"token": _TOKEN},
    "user_connected": _FROM_SENDER,
    "refresh_token": {**_FROM_SENDER, "token": _TOKEN},
    "get_user_information": {
        "user_id": OTHER,
        "session_id": SESSION,
        "query_type": "User",
        "requester_user_id": SENDER,
        "value": (OTHER, SENDER),
    },
    "update_user": {**_FROM_SENDER, "target_user_id": SENDER, "name": "Ada", "metas": {"colour": "red"}},
    "create_room": {**_FROM_SENDER, "name": "Hall", "max_user": 4, "metas": {"colour": "red"}, "tags": ["sample"]},
    "update_room": {**_IN_ROOM, "name": "Hall", "metas": {"colour": "blue"}},
    "room_list_request": {**_FROM_SENDER, "tag": "sample"},
    "get_room_request": _IN_ROOM,
    "join_to_room": {**_FROM_GUEST, "room_id": ROOM},
    "waiting_room_joins": _IN_ROOM,
    "process_waiting_user": {**_IN_ROOM, "target_user_id": GUEST, "status": True},
    "message_to_room": {**_IN_ROOM, "message": "hello"},
    "play": {**_IN_ROOM, "message": {"text": "hello", "number": 1}},
    "kick_user_from_room": {**_IN_ROOM, "target_user_id": GUEST},
    "disconnect_from_room": {"user_id": OTHER, "session_id": SESSION, "room_id": ROOM},
    "user_disconnected": {**_FROM_SENDER, "rooms": (ROOM,), "reason": "window"},
    "logout": _FROM_SENDER,
}

#: What the core adds before post, where it did what was asked.
MADE: Final[Mapping[str, Mapping[str, Any]]] = {
    "email_auth": _FROM_SENDER,
    "deviceid_auth": _FROM_SENDER,
    "customid_auth": _FROM_SENDER,
    "restore_token": _FROM_SENDER,
    "create_room": {"room_id": ROOM},
    "join_to_room": {"result": "Joined"},
}


def sample(name: str, phase: Phase = "pre", *, success: bool | None = None) -> Model:
    """A model for a hook.

    Args:
        name: The hook's name, without its half.
        phase: The half.
        success: What post hears.
    """
    made = MADE.get(name, {}) if phase == "post" and success else {}
    return HOOK_MODELS[name](request_id=1, **{**FIELDS[name], **made})


@define(eq=False)
class SampleWorld:
    """The room and the users around the samples, with what hooks have written to them.

    Attributes:
        settings: The bounds.
        uow: What holds them.
    """

    settings: Settings
    uow: UnitOfWork = field(factory=lambda: UnitOfWork(World()))

    def __attrs_post_init__(self) -> None:
        for user_id, name in ((SENDER, "Ada"), (OTHER, "Bob"), (GUEST, "Cem")):
            email = f"{name.lower()}@example.org"
            self.uow.put_account(Account(id=user_id, insert_date=_DATE, name=name, email=email))
        members = {SENDER: Member(RoomUserType.OWNER, (SESSION,)), OTHER: Member(RoomUserType.USER, ())}
        room = Room(id=ROOM, insert_date=_DATE, name="Hall", max_user=4, tags=("sample",), members=members)
        self.uow.put_room(room)

    def room(self, room_id: str) -> RoomSnapshot | None:
        """What a hook can read of a room."""
        return room_snapshot(self.uow, room_id)

    def user(self, user_id: str) -> UserSnapshot | None:
        """What a hook can read of a user."""
        return user_snapshot(self.uow, user_id)

    def follow(self, name: str, model: Model) -> None:
        """Do what the core would do with a sample, as far as later samples show it.

        Args:
            name: The hook's name.
            model: The sample, with what pre set.

        Raises:
            Refusal: Metadata that pre set is none that a room can hold.
        """
        room = self.uow.room(ROOM)
        step = _STEPS.get(name)
        if step is not None and room is not None:
            self.uow.put_room(step(room, model, self.settings))


def _create(room: Room, model: Model, settings: Settings) -> Room:
    if not isinstance(model, CreateRoom):
        raise TypeError("a room is created by CreateRoom alone")
    rules = metadata.room_rules(settings.max_room_meta)
    metas = metadata.update({}, model.metas, action=0, level=RoomMetaAccess.SYSTEM, rules=rules)
    return attrs.evolve(room, name=model.name, max_user=model.max_user, tags=tuple(model.tags), metas=metas)


def _enter(room: Room, _model: Model, _settings: Settings) -> Room:
    return room.with_member(GUEST, Member(RoomUserType.USER, ()))


def _leave(user_id: str) -> Callable[[Room, Model, Settings], Room]:
    return lambda room, _model, _settings: room.without_member(user_id)


_STEPS: Mapping[str, Callable[[Room, Model, Settings], Room]] = {
    "create_room": _create,
    "join_to_room": _enter,
    "kick_user_from_room": _leave(GUEST),
    "disconnect_from_room": _leave(OTHER),
    "user_disconnected": _leave(SENDER),
}
