"""Looking at rooms: one of them, or a page of the public ones."""

from yummy import model as models
from yummy.constants import RoomAccessType, RoomInfoType, RoomUserType
from yummy.core import metadata
from yummy.core.membership import room_users
from yummy.core.permissions import rights, room_level, room_of
from yummy.core.validation import refuse_problems
from yummy.core.values import Room
from yummy.core.work import Rule, Work, room_turn
from yummy.plain import encoded_size
from yummy.protocol.errors import ErrorCode, Refusal
from yummy.protocol.messages import UNSET, Answer, RoomInformation, Rooms, Unset
from yummy.settings import KIB

#: Rooms of one page of the list.
PAGE_MAX = 100

#: Bytes of one page, about: a hundred large rooms would be more than `OUTBOX_BYTES` lets wait for a client, so that
#: asking for the list would close its own connection.
PAGE_BYTES = 256 * KIB

#: Bytes that a room takes besides its texts, metadata and members; and a member besides its name.
_ROOM_BYTES = 250
_MEMBER_BYTES = 100


def _parts(members: list[int]) -> frozenset[int]:
    refuse_problems(
        f"members: {number} is no room information (0 to {max(RoomInfoType)})"
        for number in members
        if number not in list(RoomInfoType)
    )
    return frozenset(members or RoomInfoType)


def _get(work: Work, model: models.GetRoomRequest) -> Answer:
    parts = _parts(model.members)
    room = room_of(work, model.room_id)
    has = rights(room, work.account)
    if has == 0 and room.access_type != RoomAccessType.PUBLIC:
        raise Refusal(ErrorCode.NO_PERMISSION)
    return _information(work, room, parts, level=room_level(room, work.account), has=has)


def _list(work: Work, model: models.RoomListRequest) -> Answer:
    parts = _parts(model.members)
    refuse_problems((None if 1 <= model.limit <= PAGE_MAX else f"limit: should be 1 to {PAGE_MAX}",))
    found: list[RoomInformation] = []
    size = 0
    for room in work.uow.world.newest_rooms(before=model.cursor):
        if room.access_type != RoomAccessType.PUBLIC or (model.tag is not None and model.tag not in room.tags):
            continue
        if len(found) == model.limit:
            return Rooms(rooms=found, cursor=found[-1].id)
        # Everybody's view: what a stranger sees of a public room.
        shown = _information(work, room, parts, level=RoomUserType.USER, has=0)
        size += _size(shown)
        if found and size > PAGE_BYTES:
            return Rooms(rooms=found, cursor=found[-1].id)
        found.append(shown)
    return Rooms(rooms=found)


def _size(shown: RoomInformation) -> int:
    """About how many bytes a room takes in an answer."""
    texts = [part for part in (shown.name, shown.description, shown.tags, shown.metas) if part is not UNSET]
    users = [] if isinstance(shown.users, Unset) else shown.users
    members = sum(_MEMBER_BYTES + len((user.name or "").encode()) for user in users)
    return _ROOM_BYTES + encoded_size(texts) + members


def _information(work: Work, room: Room, parts: frozenset[int], *, level: int, has: int) -> RoomInformation:
    def asked(part: RoomInfoType) -> bool:
        return part in parts

    may_see_banned = has >= RoomUserType.MODERATOR
    return RoomInformation(
        id=room.id,
        name=room.name if asked(RoomInfoType.ROOM_NAME) else UNSET,
        description=room.description if asked(RoomInfoType.DESCRIPTION) else UNSET,
        users=room_users(work, room) if asked(RoomInfoType.USERS) else UNSET,
        max_user=room.max_user if asked(RoomInfoType.MAX_USER) else UNSET,
        user_length=len(room.members) if asked(RoomInfoType.USER_LENGTH) else UNSET,
        access_type=int(room.access_type) if asked(RoomInfoType.ACCESS_TYPE) else UNSET,
        tags=list(room.tags) if asked(RoomInfoType.TAGS) else UNSET,
        metas=metadata.visible(room.metas, level) if asked(RoomInfoType.METAS) else UNSET,
        insert_date=room.insert_date if asked(RoomInfoType.INSERT_DATE) else UNSET,
        join_request=room.join_request if asked(RoomInfoType.JOIN_REQUEST) else UNSET,
        banned_users=sorted(room.banned) if asked(RoomInfoType.BANNED_USERS) and may_see_banned else UNSET,
    )


ROOM_LIST_REQUEST = Rule(run=_list)
GET_ROOM_REQUEST = Rule(run=_get, rooms=room_turn)
