"""What rooms and users look like to the running hook, and what it wants done to them. Runs inside the interpreter.

Owns the snapshots of one call, the hook's own writes applied on top of them, and the list of these writes. Rules that
a writer can be told of at once (unknown room, limits) are answered here; what really happens is decided when the
message is committed.
"""

import threading
from collections.abc import Callable, Sequence
from typing import Any

from attrs import define, evolve, field

from yummy.constants import RoomMetaAccess, RoomUserType, UserMetaAccess
from yummy.hooks.calls import (
    HookLimits,
    KickFromRoom,
    MessageToRoom,
    MessageToRoomUser,
    MessageToUser,
    RawMessageToRoom,
    RemoveRoomMeta,
    RemoveRoomMetas,
    RemoveUserMeta,
    RemoveUserMetas,
    RoomSnapshot,
    SetRoomMeta,
    SetUserMeta,
    Subject,
    UserSnapshot,
    Write,
)
from yummy.hooks.frames import unpacked
from yummy.hooks.values import access_level, key_text, meta_value, plain
from yummy.plain import PlainDataError, check_plain, encoded_size

type FetchNow = Callable[[Subject, str], tuple[Any, ...] | None]
#: A member's user id, name and rank.
type _Member = tuple[str, str | None, int]


@define(eq=False)
class View:
    """Rooms and users as the call that runs sees them.

    Attributes:
        limits: The bounds of the engine.
        fetch: Asks the host for a snapshot's fields; it blocks.
        warn: Tells the author something.
        writes: What the hook wants done, in order.
        thread: The one whose calls these are: the one that makes the view.
    """

    limits: HookLimits
    fetch: FetchNow
    warn: Callable[[str], None]
    writes: list[Write] = field(factory=list)
    thread: int = field(factory=threading.get_ident)
    _carried: tuple[Sequence[bytes], Sequence[bytes]] = ((), ())
    _rooms: dict[str, RoomSnapshot | None] = field(factory=dict)
    _users: dict[str, UserSnapshot | None] = field(factory=dict)
    _uses: int = 0

    def admit(self, function: str) -> None:
        """Count a use of the API, which bounds what one call can ask of the host.

        Raises:
            RuntimeError: There were too many.
        """
        if self._uses >= self.limits.host_calls:
            raise RuntimeError(
                f"{function}() is one too many: one hook call may use room and user {self.limits.host_calls} times "
                "(HOOK_HOST_CALLS)"
            )
        self._uses += 1

    def begin(self, rooms: Sequence[bytes], users: Sequence[bytes]) -> None:
        """A call begins.

        Args:
            rooms: The rooms that came with it, as `frames.packed` made them; they are read if a script asks.
            users: The users that came with it.
        """
        if self._uses:
            # Only who uses the API leaves anything.
            self.writes.clear()
            self._rooms.clear()
            self._users.clear()
            self._uses = 0
        self._carried = rooms, users

    def room(self, function: str, room_id: str | None) -> RoomSnapshot | None:
        """A room, or None and a warning if there is no such room."""
        checked = self._id(function, "room", room_id)
        if checked is None:
            return None
        if checked not in self._rooms:
            fields = self._fields("room", checked)
            self._rooms[checked] = None if fields is None else RoomSnapshot(*fields)
        found = self._rooms[checked]
        if found is None:
            self.warn(f"{function}: there is no room {checked}")
        return found

    def user(self, function: str, user_id: str | None) -> UserSnapshot | None:
        """A user, or None and a warning if there is no such user."""
        checked = self._id(function, "user", user_id)
        if checked is None:
            return None
        if checked not in self._users:
            fields = self._fields("user", checked)
            self._users[checked] = None if fields is None else UserSnapshot(*fields)
        found = self._users[checked]
        if found is None:
            self.warn(f"{function}: there is no user {checked}")
        return found

    def set_room_meta(self, function: str, room_id: str | None, key: str, value: Any, level: int | None) -> bool:
        """Keep a value for a room; False where it is known not to fit."""
        key, value = key_text(function, key), meta_value(function, value)
        level = access_level(function, level, RoomMetaAccess)
        room = self.room(function, room_id)
        if room is None or not self._fits(function, room.metas, key, value, self.limits.max_room_meta):
            return False
        self._write(SetRoomMeta(room.room_id, key, value, level))
        room.metas[key] = (value, level)
        return True

    def remove_room_meta(self, function: str, room_id: str | None, key: str) -> bool:
        """Remove a key of a room; whether it was there."""
        key = key_text(function, key)
        room = self.room(function, room_id)
        if room is None:
            return False
        self._write(RemoveRoomMeta(room.room_id, key))
        return room.metas.pop(key, None) is not None

    def remove_room_metas(self, function: str, room_id: str | None) -> bool:
        """Remove all keys of a room."""
        room = self.room(function, room_id)
        if room is None:
            return False
        self._write(RemoveRoomMetas(room.room_id))
        room.metas.clear()
        return True

    def set_user_meta(self, function: str, user_id: str | None, key: str, value: Any, level: int | None) -> bool:
        """Keep a value for a user; False where it is known not to fit."""
        key, value = key_text(function, key), meta_value(function, value)
        level = access_level(function, level, UserMetaAccess)
        user = self.user(function, user_id)
        if user is None or not self._fits(function, user.metas, key, value, self.limits.max_user_meta):
            return False
        self._write(SetUserMeta(user.user_id, key, value, level))
        user.metas[key] = (value, level)
        return True

    def remove_user_meta(self, function: str, user_id: str | None, key: str) -> bool:
        """Remove a key of a user; whether it was there."""
        key = key_text(function, key)
        user = self.user(function, user_id)
        if user is None:
            return False
        self._write(RemoveUserMeta(user.user_id, key))
        return user.metas.pop(key, None) is not None

    def remove_user_metas(self, function: str, user_id: str | None) -> bool:
        """Remove all keys of a user."""
        user = self.user(function, user_id)
        if user is None:
            return False
        self._write(RemoveUserMetas(user.user_id))
        user.metas.clear()
        return True

    def message_to_room(self, function: str, room_id: str | None, message: Any) -> bool:
        """Send a message to all members of a room."""
        message = self._message(function, message)
        room = self.room(function, room_id)
        if room is None or self._too_large(function, message):
            return False
        self._write(MessageToRoom(room.room_id, message))
        return True

    def message_to_room_user(self, function: str, room_id: str | None, user_id: str | None, message: Any) -> bool:
        """Send a message to one member of a room."""
        message = self._message(function, message)
        member = self._member(function, room_id, user_id)
        if member is None or self._too_large(function, message):
            return False
        self._write(MessageToRoomUser(*member, message))
        return True

    def raw_message_to_room(self, function: str, room_id: str | None, message: Any) -> bool:
        """Send a whole map to all members of a room."""
        message = self._map(function, message)
        room = self.room(function, room_id)
        if room is None or self._too_large(function, message):
            return False
        self._write(RawMessageToRoom(room.room_id, message))
        return True

    def message_to_user(self, function: str, user_id: str | None, message: Any) -> bool:
        """Send a whole map to all live sessions of a user."""
        message = self._map(function, message)
        user = self.user(function, user_id)
        if user is None or self._too_large(function, message):
            return False
        self._write(MessageToUser(user.user_id, message))
        return True

    def kick(self, function: str, room_id: str | None, user_id: str | None) -> bool:
        """Remove a member from a room; an owner is succeeded, and a room that nobody is left in is gone."""
        member = self._member(function, room_id, user_id)
        if member is None:
            return False
        self._write(KickFromRoom(*member))
        room_id, user_id = member
        room = self._rooms[room_id]
        if room is not None:
            left = _without(room.members, user_id)
            self._rooms[room_id] = evolve(room, members=left) if left else None
        return True

    def _member(self, function: str, room_id: str | None, user_id: str | None) -> tuple[str, str] | None:
        checked = self._id(function, "user", user_id)
        room = self.room(function, room_id)
        if room is None or checked is None:
            return None
        if all(member[0] != checked for member in room.members):
            self.warn(f"{function}: user {checked} is no member of room {room.room_id}")
            return None
        return room.room_id, checked

    def _id(self, function: str, kind: Subject, subject_id: object) -> str | None:
        if subject_id is None:
            self.warn(f"{function}: {kind}_id is None (in pre of a login or a creation there is none yet)")
            return None
        if not isinstance(subject_id, str):
            raise TypeError(f"{function}: {kind}_id is a text, not {type(subject_id).__name__} {subject_id!r}")
        return str.__str__(subject_id)  # plain text, whatever class of texts a script has

    def _fields(self, kind: Subject, subject_id: str) -> tuple[Any, ...] | None:
        rooms, users = self._carried
        for data in rooms if kind == "room" else users:
            fields = unpacked(data)
            if fields[0] == subject_id:
                return fields
        return self.fetch(kind, subject_id)

    def _fits(self, function: str, metas: dict[str, Any], key: str, value: Any, limit: int) -> bool:
        if len(key.encode()) > self.limits.meta_key_bytes:
            self.warn(f"{function}: key {key!r} is longer than {self.limits.meta_key_bytes} bytes; nothing was set")
        elif isinstance(value, str | list) and encoded_size(value) > self.limits.meta_value_bytes:
            self.warn(
                f"{function}: the value of {key!r} is longer than {self.limits.meta_value_bytes} bytes, encoded; "
                "nothing was set"
            )
        elif limit and key not in metas and len(metas) >= limit:
            self.warn(f"{function}: there are {limit} keys already, {key!r} is one too many; nothing was set")
        else:
            return True
        return False

    def _message(self, function: str, message: Any) -> Any:
        copy = plain(function, "message", message)
        try:
            check_plain(copy, max_depth=self.limits.max_depth)
        except PlainDataError as error:
            raise TypeError(f"{function}: message: {error}") from None
        return copy

    def _too_large(self, function: str, message: Any) -> bool:
        if encoded_size(message) <= self.limits.message_bytes:
            return False
        self.warn(f"{function}: the message is larger than {self.limits.message_bytes} bytes, encoded; it is not sent")
        return True

    def _map(self, function: str, message: Any) -> dict[str, Any]:
        copy = self._message(function, message)
        if not isinstance(copy, dict):
            raise TypeError(f"{function}: the whole message is a dict with a type, not {type(message).__name__}")
        return copy

    def _write(self, write: Write) -> None:
        self.writes.append(write)


def _without(members: tuple[_Member, ...], user_id: str) -> tuple[_Member, ...]:
    """The members of a room that one has left: its longest-standing moderator, else member, follows an owner.

    The core does the same at commit, but what it needs for that is too much for the hook interpreter.
    """
    (gone,) = (one for one in members if one[0] == user_id)
    left = tuple(one for one in members if one is not gone)
    if not left or gone[2] != RoomUserType.OWNER:
        return left
    heir = next((one for one in left if one[2] == RoomUserType.MODERATOR), left[0])
    return tuple((one[0], one[1], int(RoomUserType.OWNER)) if one is heir else one for one in left)
