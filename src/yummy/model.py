"""The models: one attrs class for each thing that a hook can be called with.

These classes are the messages themselves: what the codec makes of a client's request flows through the pipeline to
the core as one of these, and a hook gets a copy. Fields can be used as attributes (``model.email``) or through
accessors (``model.get_email()``, ``model.set_email(...)``). Who and where (``user_id``, ``session_id``, the ids of
rooms and target users) is read-only. The hook interpreter imports this module too; it knows nothing of the server.
"""

from collections.abc import Callable
from typing import Any

from attrs import define, evolve

from yummy.constants import MetaAction, RoomAccessType, RoomUserType, UserType
from yummy.fields import (
    accessors,
    data,
    flag,
    getter,
    identity,
    made,
    metadata,
    number,
    numbers,
    ranks,
    settable_fields,
    text,
    texts,
)

type Metas = dict[str, Any] | None


@define(kw_only=True, eq=False)
class Model:
    """What every model has: who sent it, on which session, and the client's request id."""

    user_id: str | None = made()
    session_id: str | None = made()
    request_id: int | None = number(optional=True, wire=False)

    get_user_id = getter(user_id)
    get_session_id = getter(session_id)
    get_request_id, set_request_id = accessors(request_id)


@define(kw_only=True, eq=False)
class EmailAuth(Model):
    """Log in by e-mail address and password."""

    email: str = text()
    password: str = text(secret=True)
    if_not_exist_create: bool = flag(default=False)

    get_email, set_email = accessors(email)
    get_password, set_password = accessors(password)
    get_if_not_exist_create, set_if_not_exist_create = accessors(if_not_exist_create)
    get_create, set_create = accessors(if_not_exist_create)


@define(kw_only=True, eq=False)
class DeviceIdAuth(Model):
    """Log in by the id of a device."""

    device_id: str = text()

    get_device_id, set_device_id = accessors(device_id)
    get_id, set_id = accessors(device_id)


@define(kw_only=True, eq=False)
class CustomIdAuth(Model):
    """Log in by an id that the game chose."""

    custom_id: str = text()

    get_custom_id, set_custom_id = accessors(custom_id)
    get_id, set_id = accessors(custom_id)


@define(kw_only=True, eq=False)
class RefreshToken(Model):
    """Ask for a fresh token of the same session."""

    token: str = text(secret=True)

    get_token, set_token = accessors(token)


@define(kw_only=True, eq=False)
class RestoreToken(Model):
    """Take a session up again on a new connection."""

    token: str = text(secret=True)

    get_token, set_token = accessors(token)


@define(kw_only=True, eq=False)
class Logout(Model):
    """End the session."""


@define(kw_only=True, eq=False)
class UserConnected(Model):
    """A session began on a connection."""


@define(kw_only=True, eq=False)
class UserDisconnected(Model):
    """A session has ended; ``rooms`` are the ids of the rooms that it has just left."""

    send_message: bool = flag(default=True, wire=False)
    rooms: tuple[str, ...] = made(default=())
    reason: str = made(default="")

    get_send_message, set_send_message = accessors(send_message)
    get_rooms = getter(rooms)
    get_reason = getter(reason)


@define(kw_only=True, eq=False)
class GetUserInformation(Model):
    """Look at a user: ``user_id`` is the user asked about, ``requester_user_id`` who asks (None for oneself)."""

    query_type: str = made(default="Me")
    requester_user_id: str | None = made()
    value: tuple[str | None, str | None] = made(default=(None, None))

    get_query_type = getter(query_type)
    get_requester_user_id = getter(requester_user_id)
    get_value = getter(value)


@define(kw_only=True, eq=False)
class UpdateUser(Model):
    """Change an account; None leaves a field as it is, an empty text clears it."""

    target_user_id: str | None = identity(optional=True)
    name: str | None = text(optional=True)
    email: str | None = text(optional=True)
    password: str | None = text(optional=True, secret=True)
    device_id: str | None = text(optional=True)
    custom_id: str | None = text(optional=True)
    user_type: int | None = number(optional=True, choices=UserType)
    meta_action: int = number(default=0, choices=MetaAction, none_is_default=True)
    metas: Metas = metadata()

    get_target_user_id = getter(target_user_id)
    get_name, set_name = accessors(name)
    get_email, set_email = accessors(email)
    get_password, set_password = accessors(password)
    get_device_id, set_device_id = accessors(device_id)
    get_custom_id, set_custom_id = accessors(custom_id)
    get_user_type, set_user_type = accessors(user_type)
    get_meta_action, set_meta_action = accessors(meta_action)
    get_metas, set_metas = accessors(metas)


@define(kw_only=True, eq=False)
class CreateRoom(Model):
    """Make a room; in post, ``room_id`` is the new room's id."""

    name: str | None = text(optional=True)
    description: str | None = text(optional=True)
    join_request: bool = flag(default=False, none_is_default=True)
    access_type: int = number(default=0, choices=RoomAccessType, none_is_default=True)
    max_user: int = number(default=0, minimum=0, none_is_default=True)
    metas: Metas = metadata()
    tags: list[str] = texts(factory=list, none_is_default=True)
    room_id: str | None = made()

    get_name, set_name = accessors(name)
    get_description, set_description = accessors(description)
    get_join_request, set_join_request = accessors(join_request)
    get_access_type, set_access_type = accessors(access_type)
    get_max_user, set_max_user = accessors(max_user)
    get_metas, set_metas = accessors(metas)
    get_tags, set_tags = accessors(tags)
    get_room_id = getter(room_id)


@define(kw_only=True, eq=False)
class UpdateRoom(Model):
    """Change a room; None leaves a field as it is."""

    room_id: str = identity()
    name: str | None = text(optional=True)
    description: str | None = text(optional=True)
    join_request: bool | None = flag(optional=True)
    access_type: int | None = number(optional=True, choices=RoomAccessType)
    max_user: int | None = number(optional=True, minimum=0)
    meta_action: int = number(default=0, choices=MetaAction, none_is_default=True)
    metas: Metas = metadata()
    user_permission: dict[str, int] | None = ranks(optional=True)
    tags: list[str] | None = texts(optional=True)

    get_room_id = getter(room_id)
    get_name, set_name = accessors(name)
    get_description, set_description = accessors(description)
    get_join_request, set_join_request = accessors(join_request)
    get_access_type, set_access_type = accessors(access_type)
    get_max_user, set_max_user = accessors(max_user)
    get_meta_action, set_meta_action = accessors(meta_action)
    get_metas, set_metas = accessors(metas)
    get_user_permission, set_user_permission = accessors(user_permission)
    get_tags, set_tags = accessors(tags)


@define(kw_only=True, eq=False)
class JoinToRoom(Model):
    """Enter a room, or ask to; in post, ``result`` is "Joined" or "Requested"."""

    room_id: str = identity()
    room_user_type: int = number(default=1, choices=RoomUserType)
    password: str | None = text(optional=True, secret=True)
    result: str | None = made()

    get_room_id = getter(room_id)
    get_room_user_type, set_room_user_type = accessors(room_user_type)
    get_password, set_password = accessors(password)
    get_result = getter(result)


@define(kw_only=True, eq=False)
class ProcessWaitingUser(Model):
    """Let a waiting user in (``status`` true) or send them away."""

    room_id: str = identity()
    target_user_id: str = identity()
    status: bool = flag()

    get_room_id = getter(room_id)
    get_target_user_id = getter(target_user_id)
    get_status, set_status = accessors(status)


@define(kw_only=True, eq=False)
class KickUserFromRoom(Model):
    """Remove a user from a room; with ``ban`` for good."""

    room_id: str = identity()
    target_user_id: str = identity()
    ban: bool = flag(default=False, wire=False)

    get_room_id = getter(room_id)
    get_target_user_id = getter(target_user_id)
    get_ban, set_ban = accessors(ban)


@define(kw_only=True, eq=False)
class DisconnectFromRoom(Model):
    """Leave a room."""

    room_id: str = identity()

    get_room_id = getter(room_id)


@define(kw_only=True, eq=False)
class MessageToRoom(Model):
    """Say something to the others in a room."""

    room_id: str = identity()
    message: Any = data()

    get_room_id = getter(room_id)
    get_message, set_message = accessors(message)


@define(kw_only=True, eq=False)
class Play(Model):
    """Make a move: a message to the others in a room that hooks can tell from talk."""

    room_id: str = identity()
    message: Any = data()

    get_room_id = getter(room_id)
    get_message, set_message = accessors(message)


@define(kw_only=True, eq=False)
class RoomListRequest(Model):
    """List the public rooms; ``members`` are the parts asked for, none meaning all."""

    tag: str | None = text(optional=True)
    members: list[int] = numbers(factory=list)
    limit: int = number(default=100, minimum=1)
    cursor: str | None = text(optional=True)

    get_tag, set_tag = accessors(tag)
    get_members, set_members = accessors(members)
    get_limit, set_limit = accessors(limit)
    get_cursor, set_cursor = accessors(cursor)


@define(kw_only=True, eq=False)
class WaitingRoomJoins(Model):
    """List who waits to be let into a room."""

    room_id: str = identity()

    get_room_id = getter(room_id)


@define(kw_only=True, eq=False)
class GetRoomRequest(Model):
    """Look at a room; ``members`` are the parts asked for, none meaning all."""

    room_id: str = identity()
    members: list[int] = numbers(factory=list)

    get_room_id = getter(room_id)
    get_members, set_members = accessors(members)


# The slots themselves, past the checks.
_put_session_id: Callable[[Model, str], None] = vars(Model)["session_id"].__set__
_put_user_id: Callable[[Model, str], None] = vars(Model)["user_id"].__set__
_put_requester_user_id: Callable[[Model, str], None] = vars(GetUserInformation)["requester_user_id"].__set__
_put_value: Callable[[Model, object], None] = vars(GetUserInformation)["value"].__set__


def identify(model: Model, user_id: str, session_id: str) -> None:
    """Say who sent a model; the fields for it are read-only for everybody else.

    Who looks at a user is the ``requester_user_id``, since ``user_id`` is the user asked about.
    """
    _put_session_id(model, session_id)
    if type(model) is not GetUserInformation:
        _put_user_id(model, user_id)
    elif model.query_type == "Me":
        _put_user_id(model, user_id)
        _put_value(model, (user_id, None))
    else:
        _put_requester_user_id(model, user_id)
        _put_value(model, (model.user_id, user_id))


def with_changes[M: Model](model: M, changes: dict[str, Any]) -> M:
    """A copy of a model that carries what a script set.

    Args:
        model: The model that the hook was given a copy of.
        changes: Field names and new values.

    Raises:
        TypeError, ValueError: A value does not fit its field, or the field is not a script's to set.
    """
    foreign = changes.keys() - settable_fields(type(model))
    if foreign:
        raise ValueError(f"{', '.join(sorted(foreign))}: not a script's to set")
    return evolve(model, **changes)


#: The hooks: ``pre_NAME`` and ``post_NAME`` for each name, and the model that they get.
HOOK_MODELS: dict[str, type[Model]] = {
    "email_auth": EmailAuth,
    "deviceid_auth": DeviceIdAuth,
    "customid_auth": CustomIdAuth,
    "refresh_token": RefreshToken,
    "restore_token": RestoreToken,
    "logout": Logout,
    "user_connected": UserConnected,
    "user_disconnected": UserDisconnected,
    "get_user_information": GetUserInformation,
    "update_user": UpdateUser,
    "create_room": CreateRoom,
    "update_room": UpdateRoom,
    "join_to_room": JoinToRoom,
    "process_waiting_user": ProcessWaitingUser,
    "kick_user_from_room": KickUserFromRoom,
    "disconnect_from_room": DisconnectFromRoom,
    "message_to_room": MessageToRoom,
    "play": Play,
    "room_list_request": RoomListRequest,
    "waiting_room_joins": WaitingRoomJoins,
    "get_room_request": GetRoomRequest,
}

#: The hook name of each model class.
HOOK_NAMES: dict[type[Model], str] = {model: name for name, model in HOOK_MODELS.items()}
