"""Being in a room: how sessions attach and detach, and who owns the room after its owner has gone."""

from collections.abc import Collection, Mapping

import attrs

from yummy.constants import RoomUserType
from yummy.core.values import JoinRequest, Member, Room, Session
from yummy.core.work import Work
from yummy.pipeline.unit import UnitOfWork
from yummy.protocol.errors import ErrorCode, Refusal
from yummy.protocol.messages import JoinDeclined, RoomUser


def attach(room: Room, user_id: str, sessions: tuple[str, ...], rank: int) -> Room:
    """The room with these sessions of a user attached, as a new member or an old one; they wait no longer."""
    member = room.members.get(user_id, Member(rank, ()))
    attached = attrs.evolve(member, sessions=(*member.sessions, *sessions))
    return withdraw(room, user_id, sessions).with_member(user_id, attached)


def withdraw(room: Room, user_id: str, sessions: Collection[str]) -> Room:
    """The room in which these sessions of a user do not wait to be let in."""
    request = room.requests.get(user_id)
    if request is None:
        return room
    left = tuple(session for session in request.sessions if session not in sessions)
    if left == request.sessions:
        return room
    return room.with_request(user_id, JoinRequest(request.rank, left)) if left else room.without_request(user_id)


def detach(uow: UnitOfWork, room_id: str, session: Session) -> bool:
    """Detach a session from a room, whether it is in it or waits for it.

    Returns:
        Whether the user has left the room with it.
    """
    room = uow.room(room_id)
    if room is None:
        return False
    before, room = room, withdraw(room, session.user_id, (session.id,))
    if room is not before:
        uow.put_room(room)
    member = room.members.get(session.user_id)
    if member is None or session.id not in member.sessions:
        return False
    left = tuple(other for other in member.sessions if other != session.id)
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
    """Stage a room's new value, or its end; then those who wait for it are told that they wait in vain."""
    if room is not None:
        uow.put_room(room)
        return
    ended = uow.room(room_id)
    uow.drop_room(room_id)
    for request in ended.requests.values() if ended is not None else ():
        uow.send(request.sessions, JoinDeclined(room_id=room_id))


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
