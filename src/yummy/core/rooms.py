"""Rooms: making, entering, leaving, and what members say and play."""

import secrets
from collections.abc import Iterable

import attrs

from yummy import model as models
from yummy.constants import RoomAccessType, RoomUserType
from yummy.core import metadata
from yummy.core.membership import attach, detach, refuse_crowd, refuse_spread, room_users
from yummy.core.permissions import require, room_level, room_of
from yummy.core.validation import excess_problem, refuse_problems
from yummy.core.values import JoinRequest, Member, Room
from yummy.core.work import Rule, Work, new_id, room_turn
from yummy.protocol.errors import ErrorCode, Refusal
from yummy.protocol.messages import (
    UNSET,
    Answer,
    Done,
    Joined,
    MessageFromRoom,
    NewJoinRequest,
    Played,
    Requested,
    RoomCreated,
    UserDisconnectedFromRoom,
    UserJoined,
)
from yummy.settings import Settings


def new_password(work: Work) -> str:
    """A password for a private room, of the letters that the settings name."""
    letters = work.settings.room_password_charset
    return "".join(secrets.choice(letters) for _ in range(work.settings.room_password_length))


def shape_problems(settings: Settings, model: models.CreateRoom | models.UpdateRoom) -> Iterable[str | None]:
    """What is wrong with the values that a room is to have."""
    if model.access_type is not None and model.access_type not in list(RoomAccessType):
        yield "access_type: should be 0 (public), 1 (private) or 2 (friend)"
    if model.max_user is not None and model.max_user < 0:
        yield "max_user: should be 0 (no limit) or more"
    yield excess_problem("name", model.name, settings.max_name_length)
    yield excess_problem("description", model.description, settings.max_description_length)
    tags = set(model.tags or ())
    if settings.max_tags and len(tags) > settings.max_tags:
        yield f"tags: There should be at most {settings.max_tags}"
    if settings.max_tag_length and any(len(tag) > settings.max_tag_length for tag in tags):
        yield f"tags: Length of each should be at most {settings.max_tag_length} chars"


def refuse_friends(model: models.CreateRoom | models.UpdateRoom) -> None:
    """Refuse rooms of friends.

    Raises:
        Refusal: `not_supported`.
    """
    if model.access_type == RoomAccessType.FRIEND:
        raise Refusal(ErrorCode.NOT_SUPPORTED, "Rooms of friends are not supported: there are no friend lists yet")


def _create(work: Work, model: models.CreateRoom) -> Answer:
    refuse_problems(shape_problems(work.settings, model))
    refuse_friends(model)
    sender = work.sender
    refuse_spread(work, sender.user_id)
    password = new_password(work) if model.access_type == RoomAccessType.PRIVATE else None
    blank = Room(id=new_id(), insert_date=work.seconds)
    owned = attach(blank, sender.user_id, (sender.id,), RoomUserType.OWNER)
    room = attrs.evolve(
        owned,
        name=model.name or None,
        description=model.description or None,
        access_type=model.access_type,
        join_request=model.join_request,
        max_user=model.max_user,
        tags=tuple(dict.fromkeys(model.tags)),
        password=password,
        metas=metadata.update(
            {},
            model.metas,
            action=0,
            level=room_level(owned, work.account),
            rules=metadata.room_rules(work.settings.max_room_meta),
            scripted=work.scripted,
        ),
    )
    work.uow.put_room(room)
    work.made = {"room_id": room.id}
    return RoomCreated(room_id=room.id, password=UNSET if password is None else password)


def _join(work: Work, model: models.JoinToRoom) -> Answer:
    room = room_of(work, model.room_id)
    sender, account = work.sender, work.account
    refuse_problems(
        (
            None
            if model.room_user_type in list(RoomUserType)
            else "room_user_type: should be 1 (user), 2 (moderator) or 3 (owner)",
        )
    )
    if account.id in room.banned:
        raise Refusal(ErrorCode.BANNED)
    member = room.members.get(account.id)
    if member is not None:
        if sender.id in member.sessions:
            raise Refusal(ErrorCode.ALREADY_IN_ROOM)
        room = attach(room, account.id, (sender.id,), member.rank)
        work.uow.put_room(room)
        work.made = {"result": "Joined"}
        return joined(work, room)
    if room.access_type == RoomAccessType.PRIVATE and not _fits(model.password, room.password):
        raise Refusal(ErrorCode.WRONG_PASSWORD)
    rank = min(model.room_user_type, RoomUserType.MODERATOR) if work.is_moderator else RoomUserType.USER
    if room.join_request:
        return _request(work, room, rank)
    refuse_crowd(work, room)
    refuse_spread(work, account.id)
    work.uow.send(room.sessions, UserJoined(user_id=account.id, room_id=room.id), but=sender.id)
    room = attach(room, account.id, (sender.id,), rank)
    work.uow.put_room(room)
    work.made = {"result": "Joined"}
    return joined(work, room)


def _fits(given: str | None, password: str | None) -> bool:
    return given is not None and password is not None and secrets.compare_digest(given.encode(), password.encode())


def _request(work: Work, room: Room, rank: int) -> Answer:
    sender = work.sender
    waiting = room.requests.get(sender.user_id)
    if waiting is not None and sender.id in waiting.sessions:
        raise Refusal(ErrorCode.ALREADY_REQUESTED)
    most = work.settings.max_requests_per_room
    if waiting is None and most and len(room.requests) >= most:
        raise Refusal(ErrorCode.BUSY, f"At most {most} users can wait for one room; try again later")
    refuse_crowd(work, room)
    refuse_spread(work, sender.user_id)
    asked = (*waiting.sessions, sender.id) if waiting else (sender.id,)
    work.uow.put_room(room.with_request(sender.user_id, JoinRequest(rank, asked)))
    work.uow.send(
        room.moderators(but=sender.id),
        NewJoinRequest(room_id=room.id, user_id=sender.user_id, user_type=int(rank)),
    )
    work.made = {"result": "Requested"}
    return Requested(room_id=room.id)


def joined(work: Work, room: Room) -> Joined:
    """What somebody hears who has just come into a room."""
    return Joined(
        room_id=room.id,
        room_name=room.name,
        users=room_users(work, room),
        metas=metadata.visible(room.metas, room_level(room, work.account)),
    )


def _leave(work: Work, model: models.DisconnectFromRoom) -> Answer:
    room = room_of(work, model.room_id)
    sender = work.sender
    waiting = room.requests.get(sender.user_id, Member(0, ())).sessions
    if sender.id not in (*room.sessions_of(sender.user_id), *waiting):
        raise Refusal(ErrorCode.NOT_IN_ROOM)
    if detach(work.uow, room.id, sender):
        left = work.uow.room(room.id)
        if left is not None:
            work.uow.send(left.sessions, UserDisconnectedFromRoom(user_id=sender.user_id, room_id=room.id))
    return Done()


def _message(work: Work, model: models.MessageToRoom) -> Answer:
    if sessions := _listeners(work, model.room_id):
        sender = work.sender
        event = MessageFromRoom(model.room_id, model.message, sender.user_id)
        work.uow.send(sessions, event, but=sender.id)
    return Done()


def _play(work: Work, model: models.Play) -> Answer:
    if sessions := _listeners(work, model.room_id):
        sender = work.sender
        event = Played(model.room_id, model.message, sender.user_id)
        work.uow.send(sessions, event, but=sender.id)
    return Done()


def _listeners(work: Work, room_id: str) -> tuple[str, ...]:
    """The sessions that hear what the sender says in a room, the sender's own among them; none if nobody else does.

    Raises:
        Refusal: The sender may not speak there.
    """
    room, sender = room_of(work, room_id), work.sender
    if sender.user_id not in room.members:
        # Every member may; of all others only who has rights in any room.
        require(room, work.account, RoomUserType.USER)
    return () if room.sessions == (sender.id,) else room.sessions


CREATE_ROOM = Rule(run=_create)
JOIN_TO_ROOM = Rule(run=_join, rooms=room_turn)
DISCONNECT_FROM_ROOM = Rule(run=_leave, rooms=room_turn)
MESSAGE_TO_ROOM = Rule(run=_message, rooms=room_turn)
PLAY = Rule(run=_play, rooms=room_turn)
