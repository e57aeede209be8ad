"""What moderators and owners do with a room: admit, kick and ban, and change the room itself."""

from typing import Any

import attrs

from yummy import model as models
from yummy.constants import MetaAction, RoomAccessType, RoomUserType
from yummy.core import metadata
from yummy.core.membership import attach, leave, put_or_drop, refuse_crowd, room_users
from yummy.core.permissions import require, rights, room_level, room_of
from yummy.core.rooms import new_password, refuse_friends, shape_problems
from yummy.core.validation import refuse_problems
from yummy.core.values import Room
from yummy.core.work import Rule, Work, room_turn
from yummy.pipeline.unit import UnitOfWork
from yummy.protocol.errors import ErrorCode, Refusal
from yummy.protocol.messages import (
    UNSET,
    Answer,
    DisconnectedFromRoom,
    Done,
    JoinAccepted,
    JoinDeclined,
    RoomUpdated,
    UserDisconnectedFromRoom,
    UserJoined,
    WaitingUsers,
)


def _waiting(work: Work, model: models.WaitingRoomJoins) -> Answer:
    room = room_of(work, model.room_id)
    require(room, work.account, RoomUserType.MODERATOR)
    return WaitingUsers(
        room_id=room.id, users={user_id: int(request.rank) for user_id, request in room.requests.items()}
    )


def _process(work: Work, model: models.ProcessWaitingUser) -> Answer:
    room = room_of(work, model.room_id)
    require(room, work.account, RoomUserType.MODERATOR)
    request = room.requests.get(model.target_user_id)
    if request is None:
        raise Refusal(ErrorCode.NOT_WAITING)
    if not model.status:
        work.uow.put_room(room.without_request(model.target_user_id))
        work.uow.send(request.sessions, JoinDeclined(room_id=room.id))
        return Done()
    if model.target_user_id not in room.members:  # another session may have come in meanwhile
        refuse_crowd(work, room)
        event = UserJoined(user_id=model.target_user_id, room_id=room.id)
        work.uow.send(room.sessions, event, but=work.sender.id)
    room = attach(room, model.target_user_id, request.sessions, request.rank)
    work.uow.put_room(room)
    newcomer = work.uow.account(model.target_user_id)
    level = 0 if newcomer is None else room_level(room, newcomer)
    accepted = JoinAccepted(
        room_id=room.id,
        room_name=room.name,
        users=room_users(work, room),
        metas=metadata.visible(room.metas, level),
    )
    work.uow.send(request.sessions, accepted)
    return Done()


def announce_removal(uow: UnitOfWork, room: Room, left: Room | None, user_id: str, *, but: str | None) -> None:
    """Tell everybody that a member was taken out of a room.

    Args:
        uow: Where it is staged.
        room: The room with the member.
        left: The room without; None if nobody is left.
        user_id: Who goes.
        but: The session that caused it and hears no event.
    """
    uow.send(room.sessions_of(user_id), DisconnectedFromRoom(room_id=room.id))
    if left is not None:
        uow.send(left.sessions, UserDisconnectedFromRoom(user_id=user_id, room_id=room.id), but=but)


def _kick(work: Work, model: models.KickUserFromRoom) -> Answer:
    room = room_of(work, model.room_id)
    require(room, work.account, RoomUserType.MODERATOR)
    target_id = model.target_user_id
    rank, request = room.rank(target_id), room.requests.get(target_id)
    # Who waits to be let in has no rank that protects them, but is nobody that could be kicked.
    if rank == 0 and not (model.ban and request is not None):
        raise Refusal(ErrorCode.NOT_IN_ROOM)
    if rank >= rights(room, work.account):
        raise Refusal(ErrorCode.NO_PERMISSION)
    left = leave(room, target_id) if rank else room
    if left is not None and model.ban:
        left = _banned(work, left, target_id)
    put_or_drop(work.uow, room.id, left)
    if rank:
        announce_removal(work.uow, room, left, target_id, but=work.sender.id)
    if model.ban and request is not None and left is not None:
        work.uow.send(request.sessions, JoinDeclined(room_id=room.id))
    return Done()


def _banned(work: Work, room: Room, user_id: str) -> Room:
    """The room that a user is banned from, and does not wait for any more."""
    most = work.settings.max_bans_per_room
    if most and len(room.banned) >= most:
        raise Refusal(ErrorCode.BUSY, f"At most {most} users can be banned from one room; kick without a ban instead")
    return attrs.evolve(room.without_request(user_id), banned=room.banned | {user_id})


def _update(work: Work, model: models.UpdateRoom) -> Answer:
    room = room_of(work, model.room_id)
    require(room, work.account, RoomUserType.MODERATOR)
    if model.meta_action == MetaAction.ADD_OR_UPDATE and all(
        value is None
        for value in (
            model.name,
            model.description,
            model.join_request,
            model.access_type,
            model.max_user,
            model.metas,
            model.user_permission,
            model.tags,
        )
    ):
        raise Refusal(ErrorCode.UPDATE_MISSING)
    refuse_problems(
        (
            *shape_problems(work.settings, model),
            None
            if model.meta_action in list(MetaAction)
            else "meta_action: should be 0 (add or update), 1 (remove unused) or 2 (remove all)",
        )
    )
    refuse_friends(model)
    changes = _changes(work, room, model)
    if model.user_permission is not None:
        room = _reranked(work, room, model.user_permission)
    work.uow.put_room(attrs.evolve(room, **changes))
    fresh = changes.get("password")
    return RoomUpdated(password=UNSET if fresh is None else fresh)


def _changes(work: Work, room: Room, model: models.UpdateRoom) -> dict[str, Any]:
    changes: dict[str, Any] = {}
    for field in ("name", "description"):
        value = getattr(model, field)
        if value is not None:
            changes[field] = value or None
    for field in ("join_request", "max_user", "access_type"):
        value = getattr(model, field)
        if value is not None:
            changes[field] = value
    if model.tags is not None:
        changes["tags"] = tuple(dict.fromkeys(model.tags))
    if model.access_type == RoomAccessType.PUBLIC:
        changes["password"] = None
    elif model.access_type == RoomAccessType.PRIVATE and room.password is None:
        changes["password"] = new_password(work)
    if model.metas is not None or model.meta_action != MetaAction.ADD_OR_UPDATE:
        changes["metas"] = metadata.update(
            room.metas,
            model.metas,
            action=model.meta_action,
            level=room_level(room, work.account),
            rules=metadata.room_rules(work.settings.max_room_meta),
            scripted=work.scripted,
        )
    return changes


def _reranked(work: Work, room: Room, ranks: dict[str, int]) -> Room:
    """The room with new ranks; giving rank 3 hands it over, and the old owner becomes a moderator."""
    if rights(room, work.account) < RoomUserType.OWNER:
        raise Refusal(ErrorCode.NO_PERMISSION)
    owner = next(user_id for user_id, member in room.members.items() if member.rank == RoomUserType.OWNER)
    heirs = [user_id for user_id, rank in ranks.items() if rank == RoomUserType.OWNER]
    refuse_problems(
        (
            None
            if all(rank in list(RoomUserType) for rank in ranks.values())
            else "user_permission: a rank should be 1 (user), 2 (moderator) or 3 (owner)",
            None
            if len(heirs) <= 1 and (heirs or ranks.get(owner, RoomUserType.OWNER) == RoomUserType.OWNER)
            else "user_permission: a room has exactly one owner; give rank 3 to one member",
        )
    )
    for user_id, rank in ranks.items():
        member = room.members.get(user_id)
        if member is None:
            raise Refusal(ErrorCode.NOT_IN_ROOM)
        room = room.with_member(user_id, attrs.evolve(member, rank=rank))
    if heirs and heirs[0] != owner and owner not in ranks:
        room = room.with_member(owner, attrs.evolve(room.members[owner], rank=RoomUserType.MODERATOR))
    return room


WAITING_ROOM_JOINS = Rule(run=_waiting, rooms=room_turn)
PROCESS_WAITING_USER = Rule(run=_process, rooms=room_turn)
KICK_USER_FROM_ROOM = Rule(run=_kick, rooms=room_turn)
UPDATE_ROOM = Rule(run=_update, rooms=room_turn)
