"""Who may do what: ranks in rooms, types of users, and the levels at which metadata is read and written."""

from yummy.constants import RoomAccessType, RoomMetaAccess, RoomUserType, UserMetaAccess, UserType
from yummy.core.values import Account, Room
from yummy.core.work import Work
from yummy.protocol.errors import ErrorCode, Refusal

#: What moderators and admins of the whole server have in every room, and towards every user.
_RIGHTS: dict[int, int] = {UserType.MODERATOR: RoomUserType.MODERATOR, UserType.ADMIN: RoomUserType.OWNER}
_ROOM_LEVELS: dict[int, int] = {UserType.MODERATOR: RoomMetaAccess.MODERATOR, UserType.ADMIN: RoomMetaAccess.ADMIN}
_USER_LEVELS: dict[int, int] = {UserType.MODERATOR: UserMetaAccess.MODERATOR, UserType.ADMIN: UserMetaAccess.ADMIN}


def room_of(work: Work, room_id: str) -> Room:
    """The room that a message names.

    Raises:
        Refusal: `room_not_found`.
    """
    room = work.uow.room(room_id)
    if room is None:
        raise Refusal(ErrorCode.ROOM_NOT_FOUND)
    return room


def rights(room: Room, account: Account) -> int:
    """The rank whose rights a user has in a room, a member or not; 0 for none.

    A global moderator has a moderator's rights in every room, a global admin an owner's.
    """
    return max(room.rank(account.id), _RIGHTS.get(account.user_type, 0))


def require(room: Room, account: Account, rank: RoomUserType) -> None:
    """Refuse a sender whose rights in the room are below a rank.

    Raises:
        Refusal: `not_in_room` for outsiders, `no_permission` for members of too low a rank.
    """
    has = rights(room, account)
    if has == 0:
        raise Refusal(ErrorCode.NOT_IN_ROOM)
    if has < rank:
        raise Refusal(ErrorCode.NO_PERMISSION)


def room_level(room: Room, account: Account) -> int:
    """The level at which a user reads and writes a room's metadata."""
    outside = RoomMetaAccess.USER if room.access_type == RoomAccessType.PUBLIC else RoomMetaAccess.ANONYMOUS
    # A member's level is the number of the rank.
    return max(room.rank(account.id), outside, _ROOM_LEVELS.get(account.user_type, 0))


def user_level(target_id: str, reader: Account) -> int:
    """The level at which a user reads and writes a user's metadata."""
    itself = UserMetaAccess.ME if target_id == reader.id else UserMetaAccess.USER
    return max(itself, _USER_LEVELS.get(reader.user_type, 0))
