"""Rooms, for hook scripts: read them, keep metadata, send messages.

Everything here works while a hook runs, and only then. A room that does not exist gives None or False and a warning
in the log. What is set or sent takes effect when the message is committed, and is visible to the hook at once.
"""

from typing import Any

from attrs import frozen

from yummy.constants import RoomMetaAccess
from yummy.hooks.calls import RoomSnapshot
from yummy.hooks.context import current
from yummy.hooks.values import read


@frozen
class Member:
    """A member of a room.

    Attributes:
        rank: One of ``constants.ROOM_USER_TYPE_*``.
    """

    user_id: str
    name: str | None
    rank: int


@frozen
class Room:
    """A room as it stands; a copy, which may be kept.

    Attributes:
        access_type: One of ``constants.ROOM_ACCESS_TYPE_*``.
        max_user: How many members it may have; 0 means any number.
        metas: Each key's value.
        members: The members, longest-standing first.
        banned: The ids of banned users.
    """

    room_id: str
    name: str | None
    description: str | None
    access_type: int
    join_request: bool
    max_user: int
    tags: tuple[str, ...]
    metas: dict[str, Any]
    members: tuple[Member, ...]
    banned: tuple[str, ...]

    @property
    def ranks(self) -> dict[str, int]:
        """Each member's rank, by user id."""
        return {member.user_id: member.rank for member in self.members}

    @classmethod
    def of(cls, found: RoomSnapshot) -> "Room":
        """A copy for a script of what the server has looked up."""
        return cls(
            found.room_id,
            found.name,
            found.description,
            found.access_type,
            found.join_request,
            found.max_user,
            found.tags,
            _values(found),
            tuple(Member(*member) for member in found.members),
            found.banned,
        )


def get_room(room_id: str | None) -> Room | None:
    """A room: its name, members, ranks, tags and so on; None if there is none."""
    found = current("get_room").room("get_room", room_id)
    return None if found is None else Room.of(found)


def get_room_meta(room_id: str | None, key: str) -> Any:
    """The value under a key of a room's metadata; None if there is none."""
    found = current("get_room_meta").room("get_room_meta", room_id)
    if found is None or key not in found.metas:
        return None
    return read(found.metas[key][0])


def get_room_metas(room_id: str | None) -> dict[str, Any] | None:
    """All of a room's metadata, whatever its levels; None if there is no such room."""
    found = current("get_room_metas").room("get_room_metas", room_id)
    return None if found is None else _values(found)


def set_room_meta(room_id: str | None, key: str, value: Any, access_level: int | None = RoomMetaAccess.SYSTEM) -> bool:
    """Keep a value under a key of a room's metadata.

    Args:
        room_id: The room.
        key: At most 64 bytes.
        value: None, a bool, a number, a text or a list of these; at most 4 KiB, encoded. None is kept as None.
        access_level: One of ``constants.ROOM_META_ACCESS_*``: who may read and write it. None means SYSTEM.

    Returns:
        Whether it was set: False if there is no such room, or a limit is reached.

    Raises:
        TypeError: The value is nothing that metadata can hold.
        ValueError: There is no such level.
    """
    return current("set_room_meta").set_room_meta("set_room_meta", room_id, key, value, access_level)


def remove_room_meta(room_id: str | None, key: str) -> bool:
    """Remove a key of a room's metadata; whether it was there."""
    return current("remove_room_meta").remove_room_meta("remove_room_meta", room_id, key)


def remove_room_metas(room_id: str | None) -> bool:
    """Remove all of a room's metadata; False if there is no such room."""
    return current("remove_room_metas").remove_room_metas("remove_room_metas", room_id)


def message_to_room(room_id: str | None, message: Any) -> bool:
    """Send ``MessageFromRoom`` with this message to all members of a room, the caller too.

    Returns:
        Whether it will be sent: False if there is no such room, or the message is larger than 256 KiB, encoded.

    Raises:
        TypeError: The message is no plain data.
    """
    return current("message_to_room").message_to_room("message_to_room", room_id, message)


def message_to_room_user(room_id: str | None, user_id: str | None, message: Any) -> bool:
    """Send ``MessageFromRoom`` with this message to one member of a room.

    Returns:
        Whether it will be sent: False if there is no such room or member, or the message is larger than 256 KiB,
        encoded.

    Raises:
        TypeError: The message is no plain data.
    """
    return current("message_to_room_user").message_to_room_user("message_to_room_user", room_id, user_id, message)


def raw_message_to_room_user(room_id: str | None, message: dict[str, Any]) -> bool:
    """Send a whole message, as it is, to all members of a room.

    Args:
        room_id: The room.
        message: All that members get; clients look at its ``type``.

    Returns:
        Whether it will be sent: False if there is no such room, or the message is larger than 256 KiB, encoded.

    Raises:
        TypeError: The message is no dict, or holds something that is no plain data.
    """
    function = "raw_message_to_room_user"
    return current(function).raw_message_to_room(function, room_id, message)


def kick(room_id: str | None, user_id: str | None) -> bool:
    """Remove a member from a room; whether the room is there and the user is a member.

    An owner is succeeded by the longest-standing moderator, else member; a room that nobody is left in is gone.
    """
    return current("kick").kick("kick", room_id, user_id)


def _values(found: RoomSnapshot) -> dict[str, Any]:
    return {key: read(value) for key, (value, _) in found.metas.items()}
