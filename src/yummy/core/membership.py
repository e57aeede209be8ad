"""Being in a room: how sessions attach and detach, and who owns the room after its owner has gone."""

from collections.abc import Mapping

import attrs

from yummy.constants import RoomUserType
from yummy.core.values import JoinRequest, Member, Room, Session
from yummy.core.work import Work
from yummy.pipeline.unit import UnitOfWork
from yummy.protocol.errors import ErrorCode, Refusal
from yummy.protocol.messages import RoomUser


def attach(room: Room, user_id: str, sessions: tuple[str, ...], rank: int) -> Room:
    """The room with these sessions of a user attached, as a new member or an old one."""
    member = room.members.get(user_id)
    if member is None:
        return room.with_member(user_id, Member(rank, sessions))
    return room.with_member(user_id, attrs.evolve(member, sessions=(*member.sessions, *sessions)))


def detach(uow: UnitOfWork, room_id: str, session: Session) -> bool:
    """Detach a session from a room, whether it is in it or waits for it.

    Returns:
        Whether the user has left the room with it.
    """
    room = uow.room(room_id)
    if room is None:
        return False
    waiting = room.requests.get(session.user_id)
    if waiting is not None and session.id in waiting.sessions:
        left = _without(waiting.sessions, session.id)
        request = JoinRequest(waiting.rank, left)
        room = room.with_request(session.user_id, request) if left else room.without_request(session.user_id)
        uow.put_room(room)
    member = room.members.get(session.user_id)
    if member is None or session.id not in member.sessions:
        return False
    left = _without(member.sessions, session.id)
    if left:
        uow.put_room(room.with_member(session.user_id, Member(member.rank, left)))
        return False
    put_or_drop(uow, room_id, leave(room, session.user_id))
    return True


def leave(room: Room, user_id: str) -> Room | None:
    """The room without a member, its owner succeeded; None if nobody is left."""
    member = room.members.get(user_id)
    room = room.without_member(user_id)
    if not room.members:
        return None
    if member is not None and member.rank == RoomUserType.OWNER:
        heir = successor(room.members)
        room = room.with_member(heir, attrs.evolve(room.members[heir], rank=RoomUserType.OWNER))
    return room


def successor(members: Mapping[str, Member]) -> str:
    """Who owns a room after its owner: the longest-standing moderator, else the longest-standing member."""
    moderators = (user_id for user_id, member in members.items() if member.rank == RoomUserType.MODERATOR)
    return next(moderators, next(iter(members)))


def put_or_drop(uow: UnitOfWork, room_id: str, room: Room | None) -> None:
    """Stage a room's new value, or its end."""
    if room is None:
        uow.drop_room(room_id)
    else:
        uow.put_room(room)


def room_users(work: Work, room: Room) -> list[RoomUser]:
    """A room's members as clients see them, in the order in which they joined."""
    return [
        RoomUser(user_id=user_id, name=_name(work, user_id), type=int(member.rank))
        for user_id, member in room.members.items()
    ]


def refuse_crowd(work: Work, room: Room) -> None:
    """Refuse a new member of a room that is full.

    Raises:
        Refusal: `room_full`.
    """
    most = work.settings.max_users_per_room
    if room.is_full or (most and len(room.members) >= most):
        raise Refusal(ErrorCode.ROOM_FULL)


def refuse_spread(work: Work, user_id: str) -> None:
    """Refuse a user another room who is in too many.

    Raises:
        Refusal: `busy`.
    """
    most = work.settings.max_rooms_per_user
    world = work.uow.world
    if most and len({room for one in world.sessions_of(user_id) for room in world.rooms_of(one)}) >= most:
        raise Refusal(ErrorCode.BUSY, f"A user can be in at most {most} rooms; leave one first")


def _name(work: Work, user_id: str) -> str | None:
    account = work.uow.account(user_id)
    return None if account is None else account.name


def _without(sessions: tuple[str, ...], session_id: str) -> tuple[str, ...]:
    return tuple(other for other in sessions if other != session_id)
