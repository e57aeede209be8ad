"""What scripts see of rooms and users, and what becomes of what they ask for.

A script's write has no sender and no rank: it is the game's own word. It still keeps the bounds of metadata.
"""

from collections.abc import Callable, Mapping
from typing import Any

import attrs

from yummy.core import metadata
from yummy.core.membership import leave
from yummy.core.metadata import MetaRules
from yummy.core.room_admin import announce_removal
from yummy.core.values import Account, Meta, Metas, Room
from yummy.hooks import calls
from yummy.hooks.calls import RoomSnapshot, UserSnapshot
from yummy.pipeline.unit import Key, Table, UnitOfWork
from yummy.plain import same
from yummy.protocol.errors import Refusal
from yummy.protocol.messages import MessageFromRoom, RawMessage
from yummy.settings import Settings

#: Members that a room's snapshot carries when it is sent along with a call; a script that looks at a larger room
#: fetches it.
PREFETCH_MEMBERS_MAX = 64


def shown_room(uow: UnitOfWork, room_id: str) -> RoomSnapshot | None:
    """What is sent along with a call of a room; None if there is no such room, or if it is large."""
    room = uow.room(room_id)
    return None if room is None or len(room.members) > PREFETCH_MEMBERS_MAX else room_snapshot(uow, room_id)


def room_snapshot(uow: UnitOfWork, room_id: str) -> RoomSnapshot | None:
    """What a script can read of a room, if there is one; made once, until something in it changes."""
    world = uow.world
    if not uow.journal and (shown := world.shown_rooms.get(room_id)) is not None:
        return shown
    room = uow.room(room_id)
    if room is None:
        return None
    snapshot = _room_snapshot(uow, room)
    # What this message has changed is not for others, nor what it has loaded.
    if not uow.journal and room.members.keys() <= world.accounts.keys():
        world.shown_rooms[room_id] = snapshot
    return snapshot


def _room_snapshot(uow: UnitOfWork, room: Room) -> RoomSnapshot:
    return RoomSnapshot(
        room_id=room.id,
        name=room.name,
        description=room.description,
        access_type=int(room.access_type),
        join_request=room.join_request,
        max_user=room.max_user,
        tags=room.tags,
        metas=_meta_pairs(room.metas),
        members=tuple((user_id, _name(uow, user_id), int(member.rank)) for user_id, member in room.members.items()),
        banned=tuple(sorted(room.banned)),
    )


def user_snapshot(uow: UnitOfWork, user_id: str) -> UserSnapshot | None:
    """What a script can read of a user, if the account is readable; made once, until it changes.

    What a script may write to is kept readable, though its user goes offline meanwhile.
    """
    world = uow.world
    if not uow.journal and (shown := world.shown_users.get(user_id)) is not None:
        uow.keep(world.accounts[user_id])
        return shown
    account = uow.account(user_id)
    if account is None:
        return None
    uow.keep(account)
    snapshot = _user_snapshot(uow, account)
    if not uow.journal and user_id in world.accounts:
        world.shown_users[user_id] = snapshot
    return snapshot


def _user_snapshot(uow: UnitOfWork, account: Account) -> UserSnapshot:
    return UserSnapshot(
        user_id=account.id,
        name=account.name,
        user_type=int(account.user_type),
        online=bool(uow.sessions_of(account.id)),
        email=account.email,
        device_id=account.device_id,
        custom_id=account.custom_id,
        metas=_meta_pairs(account.metas),
        insert_date=account.insert_date,
        last_login_date=account.last_login_date,
    )


def apply_write(uow: UnitOfWork, write: calls.Write, settings: Settings) -> None:
    """Stage what a script asked for.

    Raises:
        Refusal: It does not fit: a bound is passed, or the room or user is gone.
    """
    match write:
        case calls.SetRoomMeta(room_id, key, value, level):
            meta = metadata.make_meta(key, value, level)
            rules = metadata.room_rules(settings.max_room_meta)
            uow.change(_room_key(room_id), _set_meta(key, meta, rules), f"set room metadata '{key}'")
        case calls.RemoveRoomMeta(room_id, key):
            uow.change(_room_key(room_id), _remove_meta(key), f"remove room metadata '{key}'")
        case calls.RemoveRoomMetas(room_id):
            uow.change(_room_key(room_id), _remove_metas, "remove all room metadata")
        case calls.SetUserMeta(user_id, key, value, level):
            meta = metadata.make_meta(key, value, level)
            rules = metadata.user_rules(settings.max_user_meta)
            uow.change(_user_key(user_id), _set_meta(key, meta, rules), f"set user metadata '{key}'")
        case calls.RemoveUserMeta(user_id, key):
            uow.change(_user_key(user_id), _remove_meta(key), f"remove user metadata '{key}'")
        case calls.RemoveUserMetas(user_id):
            uow.change(_user_key(user_id), _remove_metas, "remove all user metadata")
        case calls.KickFromRoom(room_id, user_id):
            _kick(uow, room_id, user_id)
        case _:
            _send(uow, write)


def _send(uow: UnitOfWork, write: calls.Write) -> None:
    match write:
        case calls.MessageToRoom(room_id, message):
            uow.send(_members(uow, room_id), MessageFromRoom(room_id=room_id, message=message))
        case calls.MessageToRoomUser(room_id, user_id, message):
            room = uow.room(room_id)
            receivers = () if room is None else room.sessions_of(user_id)
            uow.send(receivers, MessageFromRoom(room_id=room_id, message=message))
        case calls.RawMessageToRoom(room_id, message):
            uow.send(_members(uow, room_id), RawMessage(message))
        case calls.MessageToUser(user_id, message):
            uow.send(uow.sessions_of(user_id), RawMessage(message))
        case _:
            raise TypeError(f"{type(write).__name__} is no write of a script")


def _kick(uow: UnitOfWork, room_id: str, user_id: str) -> None:
    room = uow.room(room_id)
    if room is None or user_id not in room.members:
        raise Refusal("gone", f"kick: {user_id} is not in the room any more")
    uow.change(_room_key(room_id), _leave(user_id), f"kick {user_id}")
    announce_removal(uow, room, uow.room(room_id), user_id, but=None)


def _leave(user_id: str) -> Callable[[Room], Room | None]:
    def operation(room: Room) -> Room | None:
        return leave(room, user_id) if user_id in room.members else room

    return operation


def _set_meta(key: str, meta: Meta, rules: MetaRules) -> Callable[[Any], Any]:
    def operation[V: (Room, Account)](value: V) -> V:
        metas = {**value.metas, key: meta}
        metadata.check_limit(value.metas, metas, rules)
        return attrs.evolve(value, metas=metas)

    return operation


def _remove_meta(key: str) -> Callable[[Any], Any]:
    def operation[V: (Room, Account)](value: V) -> V:
        return attrs.evolve(value, metas={other: meta for other, meta in value.metas.items() if other != key})

    return operation


def _remove_metas[V: (Room, Account)](value: V) -> V:
    return attrs.evolve(value, metas={})


def _members(uow: UnitOfWork, room_id: str) -> tuple[str, ...]:
    room = uow.room(room_id)
    return () if room is None else room.sessions


def _meta_pairs(metas: Metas) -> dict[str, tuple[Any, int]]:
    return {key: (meta.value, int(meta.access)) for key, meta in metas.items()}


def _name(uow: UnitOfWork, user_id: str) -> str | None:
    account = uow.account(user_id)
    return None if account is None else account.name


def _room_key(room_id: str) -> Key:
    return (Table.ROOM, room_id)


def _user_key(user_id: str) -> Key:
    return (Table.ACCOUNT, user_id)


def scripted_keys(before: Mapping[str, Any] | None, after: Mapping[str, Any] | None) -> frozenset[str]:
    """The metadata keys that a script set on a model: those that are not as the client sent them."""
    given = before or {}
    return frozenset(key for key, value in (after or {}).items() if key not in given or not same(given[key], value))
