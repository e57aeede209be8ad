"""The committed live state of this server, in memory.

A few maps of immutable values. Only a commit writes here; everything else reads, or overlays a unit of work.
"""

from bisect import bisect_left, insort
from collections.abc import Iterator

import attrs

from yummy.core.values import Account, Room, Session
from yummy.hooks.calls import RoomSnapshot, UserSnapshot


@attrs.define
class World:
    """The committed values, and the indexes that follow from them.

    Attributes:
        rooms: By id.
        sessions: By id; those attached to a connection and those that may still be restored.
        accounts: By user id, of the users that have a session.
        shown_rooms: What scripts were shown of a room, by its id. `yummy.core.scripting` puts it here; it goes as soon
            as the room or the account of one of its members changes.
        shown_users: The same of a user; it goes as soon as the account changes.
    """

    rooms: dict[str, Room] = attrs.field(factory=dict)
    sessions: dict[str, Session] = attrs.field(factory=dict)
    accounts: dict[str, Account] = attrs.field(factory=dict)
    shown_rooms: dict[str, RoomSnapshot] = attrs.field(factory=dict)
    shown_users: dict[str, UserSnapshot] = attrs.field(factory=dict)
    # Insertion-ordered sets.
    _rooms_of_session: dict[str, dict[str, None]] = attrs.field(factory=dict)
    _sessions_of_user: dict[str, dict[str, None]] = attrs.field(factory=dict)
    # Sorted; commits may come in another order than ids were made in.
    _room_ids: list[str] = attrs.field(factory=list)

    def rooms_of(self, session_id: str) -> tuple[str, ...]:
        """The ids of the rooms that a session is attached to or waits for, in the order of coming."""
        return tuple(self._rooms_of_session.get(session_id, ()))

    def sessions_of(self, user_id: str) -> tuple[str, ...]:
        """The ids of a user's sessions, oldest first."""
        return tuple(self._sessions_of_user.get(user_id, ()))

    def is_online(self, user_id: str) -> bool:
        """Whether a user has a session."""
        return user_id in self._sessions_of_user

    def newest_rooms(self, before: str | None = None) -> Iterator[Room]:
        """The rooms, newest first, in the order of their ids.

        Args:
            before: Begin after the place of this id, whether its room is still there or not.
        """
        end = len(self._room_ids) if before is None else bisect_left(self._room_ids, before)
        return (self.rooms[self._room_ids[place]] for place in reversed(range(end)))

    def put_room(self, room_id: str, room: Room | None) -> None:
        """Swap in a room, or remove it."""
        old = self.rooms.get(room_id)
        self.shown_rooms.pop(room_id, None)
        if room is not None:
            self.rooms[room_id] = room
            if old is None:
                insort(self._room_ids, room_id)
        elif old is not None:
            del self.rooms[room_id]
            del self._room_ids[bisect_left(self._room_ids, room_id)]
        if old and room and old.members is room.members and old.requests is room.requests:
            return
        before = set(old.every_session()) if old else set()
        after = dict.fromkeys(room.every_session()) if room else {}
        for session_id in after:
            if session_id not in before:
                self._rooms_of_session.setdefault(session_id, {})[room_id] = None
        for session_id in before - after.keys():
            _discard(self._rooms_of_session, session_id, room_id)

    def put_session(self, session_id: str, session: Session | None) -> None:
        """Swap in a session, or remove it; with a user's last session the account leaves memory."""
        old = self.sessions.get(session_id)
        if session is not None:
            self.sessions[session_id] = session
            self._sessions_of_user.setdefault(session.user_id, {})[session_id] = None
        elif old is not None:
            del self.sessions[session_id]
            _discard(self._sessions_of_user, old.user_id, session_id)
            if not self.is_online(old.user_id):
                self.accounts.pop(old.user_id, None)
                self.shown_users.pop(old.user_id, None)
                self._forget_shown_rooms_of(session_id)

    def put_account(self, account: Account) -> None:
        """Swap in an account if its user is online; others are read from the store when needed."""
        if self.is_online(account.id):
            self.accounts[account.id] = account
            self.shown_users.pop(account.id, None)
            for session_id in self._sessions_of_user[account.id]:
                self._forget_shown_rooms_of(session_id)

    def _forget_shown_rooms_of(self, session_id: str) -> None:
        for room_id in self._rooms_of_session.get(session_id, ()):
            self.shown_rooms.pop(room_id, None)


def _discard(index: dict[str, dict[str, None]], key: str, item: str) -> None:
    items = index.get(key)
    if items is not None:
        items.pop(item, None)
        if not items:
            del index[key]
