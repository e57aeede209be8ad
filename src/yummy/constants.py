"""The protocol's numbers, by name.

Scripts and the server use the same enumerations. Each member also stands at the top of the module under the
name that scripts know (``constants.USER_TYPE_ADMIN``); it is an ``IntEnum`` member and so compares equal to
its number on the wire.
"""

from enum import IntEnum


class UserType(IntEnum):
    """What a user may do on the whole server."""

    USER = 1
    MODERATOR = 2
    ADMIN = 3


class UserMetaAccess(IntEnum):
    """The level that one needs to read or write a key of a user's metadata."""

    ANONYMOUS = 0
    USER = 1
    FRIEND = 2
    ME = 3
    MODERATOR = 4
    ADMIN = 5
    SYSTEM = 6


class MetaAction(IntEnum):
    """What an update does with metadata keys that it does not name."""

    ADD_OR_UPDATE = 0
    REMOVE_UNUSED = 1
    REMOVE_ALL = 2


class RoomAccessType(IntEnum):
    """Who may find and enter a room."""

    PUBLIC = 0
    PRIVATE = 1
    FRIEND = 2


class RoomUserType(IntEnum):
    """A member's rank in a room."""

    USER = 1
    MODERATOR = 2
    OWNER = 3


class RoomMetaAccess(IntEnum):
    """The level that one needs to read or write a key of a room's metadata."""

    ANONYMOUS = 0
    USER = 1
    MODERATOR = 2
    OWNER = 3
    ADMIN = 4
    SYSTEM = 5


class RoomInfoType(IntEnum):
    """The parts of a room that ``RoomList`` and ``GetRoom`` can be asked for."""

    ROOM_NAME = 0
    DESCRIPTION = 1
    USERS = 2
    MAX_USER = 3
    USER_LENGTH = 4
    ACCESS_TYPE = 5
    TAGS = 6
    METAS = 7
    INSERT_DATE = 8
    JOIN_REQUEST = 9
    BANNED_USERS = 10


USER_TYPE_USER = UserType.USER
USER_TYPE_MODERATOR = USER_TYPE_MOD = UserType.MODERATOR
USER_TYPE_ADMIN = UserType.ADMIN

USER_META_ACCESS_ANONYMOUS = UserMetaAccess.ANONYMOUS
USER_META_ACCESS_USER = UserMetaAccess.USER
USER_META_ACCESS_FRIEND = UserMetaAccess.FRIEND
USER_META_ACCESS_ME = UserMetaAccess.ME
USER_META_ACCESS_MODERATOR = USER_META_ACCESS_MOD = UserMetaAccess.MODERATOR
USER_META_ACCESS_ADMIN = UserMetaAccess.ADMIN
USER_META_ACCESS_SYSTEM = UserMetaAccess.SYSTEM

META_ACTION_ADD_OR_UPDATE = META_ACTION_ONLY_ADD_OR_UPDATE = MetaAction.ADD_OR_UPDATE
META_ACTION_REMOVE_UNUSED = META_ACTION_REMOVE_UNUSED_METAS = MetaAction.REMOVE_UNUSED
META_ACTION_REMOVE_ALL = META_ACTION_REMOVE_ALL_METAS = MetaAction.REMOVE_ALL

ROOM_ACCESS_TYPE_PUBLIC = RoomAccessType.PUBLIC
ROOM_ACCESS_TYPE_PRIVATE = RoomAccessType.PRIVATE
ROOM_ACCESS_TYPE_FRIEND = RoomAccessType.FRIEND

ROOM_USER_TYPE_USER = ROOM_TYPE_TYPE_USER = RoomUserType.USER
ROOM_USER_TYPE_MODERATOR = ROOM_TYPE_TYPE_MODERATOR = RoomUserType.MODERATOR
ROOM_USER_TYPE_OWNER = ROOM_TYPE_TYPE_OWNER = RoomUserType.OWNER

ROOM_META_ACCESS_ANONYMOUS = RoomMetaAccess.ANONYMOUS
ROOM_META_ACCESS_USER = RoomMetaAccess.USER
ROOM_META_ACCESS_MODERATOR = ROOM_META_ACCESS_MOD = RoomMetaAccess.MODERATOR
ROOM_META_ACCESS_OWNER = RoomMetaAccess.OWNER
ROOM_META_ACCESS_ADMIN = RoomMetaAccess.ADMIN
ROOM_META_ACCESS_SYSTEM = RoomMetaAccess.SYSTEM

ROOM_INFO_TYPE_ROOM_NAME = RoomInfoType.ROOM_NAME
ROOM_INFO_TYPE_DESCRIPTION = RoomInfoType.DESCRIPTION
ROOM_INFO_TYPE_USERS = RoomInfoType.USERS
ROOM_INFO_TYPE_MAX_USER = RoomInfoType.MAX_USER
ROOM_INFO_TYPE_USER_LENGTH = RoomInfoType.USER_LENGTH
ROOM_INFO_TYPE_ACCESS_TYPE = RoomInfoType.ACCESS_TYPE
ROOM_INFO_TYPE_TAGS = RoomInfoType.TAGS
ROOM_INFO_TYPE_METAS = RoomInfoType.METAS
ROOM_INFO_TYPE_INSERT_DATE = RoomInfoType.INSERT_DATE
ROOM_INFO_TYPE_JOIN_REQUEST = RoomInfoType.JOIN_REQUEST
ROOM_INFO_TYPE_BANNED_USERS = RoomInfoType.BANNED_USERS
