"""A simple model of sessions and rooms: what each request changes, and who hears what.

Written from the protocol's page, one plain mutable world, no turns, no overlays, no commits. A request gives its
answer's code (None for success) and what every session hears, in order; a refusal changes nothing.
"""

import copy
from typing import Any

import attrs

type Event = tuple[Any, ...]

USER, MODERATOR, OWNER = 1, 2, 3


@attrs.define
class Member:
    """A user in a room, or one who waits for it."""

    rank: int
    sessions: list[str]


@attrs.define
class Room:
    """A room; members and requests stand in the order of coming."""

    max_user: int = 0
    join_request: bool = False
    password: str | None = None
    metas: dict[str, Any] = attrs.field(factory=dict)
    members: dict[str, Member] = attrs.field(factory=dict)
    requests: dict[str, Member] = attrs.field(factory=dict)
    banned: set[str] = attrs.field(factory=set)

    def rank(self, user: str) -> int:
        """A user's rank, 0 for none."""
        return self.members[user].rank if user in self.members else 0

    def hearers(self, *, but: str | None = None, least: int = USER) -> list[str]:
        """The attached sessions, in the order of their users."""
        ranked = (member for member in self.members.values() if member.rank >= least)
        return [session for member in ranked for session in member.sessions if session != but]


@attrs.define
class Profile:
    """What a user has told of itself."""

    name: str | None = None
    metas: dict[str, Any] = attrs.field(factory=dict)


@attrs.define
class Refused(Exception):  # noqa: N818  # an answer
    """The request is refused."""

    code: str


@attrs.define
class Rules:
    """The world as clients should find it.

    Attributes:
        users: The user of each session that has not ended.
        profiles: What users have told of themselves, by their ids.
        rooms: By id.
        order: The rooms of each session, those that it waits for too, in the order of coming.
        heard: What the request makes each session hear.
    """

    users: dict[str, str] = attrs.field(factory=dict)
    profiles: dict[str, Profile] = attrs.field(factory=dict)
    rooms: dict[str, Room] = attrs.field(factory=dict)
    order: dict[str, list[str]] = attrs.field(factory=dict)
    heard: dict[str, list[Event]] = attrs.field(factory=dict)

    def copy(self) -> "Rules":
        """A world of its own, to try a request on."""
        return attrs.evolve(copy.deepcopy(self), heard={})

    # Sessions

    def begin(self, session: str, user: str) -> None:
        """A session begins."""
        self.users[session] = user
        self.order[session] = []

    def end(self, session: str) -> None:
        """A session ends: it leaves its rooms, and then they are told."""
        user = self.users[session]
        left = [room_id for room_id in list(self.order[session]) if self._detach(room_id, session)]
        del self.users[session], self.order[session]
        for room_id in left:
            self._tell_left(room_id, user)

    # Users

    def profile(self, user: str) -> Profile:
        """What a user has told of itself."""
        return self.profiles.setdefault(user, Profile())

    def tell_of_oneself(self, session: str, changes: dict[str, Any]) -> None:
        """A user changes its account."""
        profile, action = self.profile(self.users[session]), changes.get("meta_action", 0)
        if action == 0 and not changes.keys() & {"name", "metas"}:
            raise Refused("update_missing")
        if "name" in changes:
            profile.name = changes["name"] or None
        kept = profile.metas if action == 0 else {}
        added = {} if action == 2 else changes.get("metas", {})
        profile.metas = {**kept, **added}

    def show_user(self, user: str) -> dict[str, Any]:
        """A user as everybody sees it."""
        profile = self.profile(user)
        online = user in self.users.values()
        return {"id": user, "name": profile.name, "metas": profile.metas, "online": online}

    # Rooms

    def show(self, session: str, room_id: str) -> dict[str, Any]:
        """A room as somebody sees it."""
        room = self._room(room_id)
        rank = room.rank(self.users[session])
        if rank == 0 and room.password is not None:
            raise Refused("no_permission")
        return self._shown(room_id, rank)

    def listed(self) -> list[dict[str, Any]]:
        """The public rooms as strangers see them, newest first."""
        public = [room_id for room_id, room in self.rooms.items() if room.password is None]
        return [self._shown(room_id, 0) for room_id in reversed(public)]

    def create(self, session: str, room_id: str, room: Room) -> None:
        """A room is made, and its maker joins it as owner."""
        self.rooms[room_id] = room
        self._attach(room_id, self.users[session], [session], OWNER)

    def join(self, session: str, room_id: str, password: str | None) -> str:
        """A session comes in, or asks to be let in; gives the result."""
        room, user = self._room(room_id), self.users[session]
        if user in room.banned:
            raise Refused("banned")
        if user in room.members:
            if session in room.members[user].sessions:
                raise Refused("already_in_room")
            self._attach(room_id, user, [session], USER)
            return "Joined"
        if room.password is not None and password != room.password:
            raise Refused("wrong_password")
        if room.join_request and session in room.requests.get(user, Member(0, [])).sessions:
            raise Refused("already_requested")
        self._refuse_crowd(room)
        if room.join_request:
            self.tell(room.hearers(but=session, least=MODERATOR), "NewJoinRequest", room_id, user, USER)
            room.requests.setdefault(user, Member(USER, [])).sessions.append(session)
            self._note(session, room_id)
            return "Requested"
        self.tell(room.hearers(but=session), "JoinToRoom", room_id, user)
        self._attach(room_id, user, [session], USER)
        return "Joined"

    def leave(self, session: str, room_id: str) -> None:
        """A session goes."""
        room, user = self._room(room_id), self.users[session]
        attached = [*self._sessions(room.members, user), *self._sessions(room.requests, user)]
        if session not in attached:
            raise Refused("not_in_room")
        if self._detach(room_id, session):
            self._tell_left(room_id, user)

    def remove(self, session: str, room_id: str, target: str, *, ban: bool) -> None:
        """A user is kicked or banned."""
        room = self._room(room_id)
        mine = self._require(room, session, MODERATOR)
        rank, waiting = room.rank(target), room.requests.get(target)
        if rank == 0 and not (ban and waiting):
            raise Refused("not_in_room")
        if rank >= mine:
            raise Refused("no_permission")
        gone = list(self._sessions(room.members, target))
        if rank:
            self._drop_member(room_id, target)
        if ban:
            room.banned.add(target)
        if rank:
            self.tell(gone, "DisconnectedFromRoom", room_id)
            self.tell(room.hearers(but=session), "UserDisconnectedFromRoom", room_id, target)
        if ban and waiting:
            del room.requests[target]
            self._forget(waiting.sessions, room_id)
            self.tell(waiting.sessions, "Declined", room_id)

    def process(self, session: str, room_id: str, target: str, *, status: bool) -> None:
        """Who waits is let in, or not."""
        room = self._room(room_id)
        self._require(room, session, MODERATOR)
        waiting = room.requests.get(target)
        if waiting is None:
            raise Refused("not_waiting")
        if not status:
            del room.requests[target]
            self._forget(waiting.sessions, room_id)
            self.tell(waiting.sessions, "Declined", room_id)
            return
        if target not in room.members:
            self._refuse_crowd(room)
            self.tell(room.hearers(but=session), "JoinToRoom", room_id, target)
        sessions = list(waiting.sessions)
        self._attach(room_id, target, sessions, waiting.rank)
        users = tuple((user, member.rank) for user, member in room.members.items())
        self.tell(sessions, "Joined", room_id, users)

    def waiting(self, session: str, room_id: str) -> dict[str, int]:
        """Who waits."""
        room = self._room(room_id)
        self._require(room, session, MODERATOR)
        return {user: request.rank for user, request in room.requests.items()}

    def update(self, session: str, room_id: str, changes: dict[str, Any]) -> None:
        """A room is changed."""
        room = self._room(room_id)
        mine = self._require(room, session, MODERATOR)
        ranks = changes.get("user_permission")
        if ranks is not None:
            self._rerank(room, mine, ranks)
        room.max_user = changes.get("max_user", room.max_user)
        room.join_request = changes.get("join_request", room.join_request)
        room.metas |= changes.get("metas", {})

    def say(self, session: str, room_id: str, type_: str, message: Any) -> None:
        """A member says or plays something."""
        room = self._room(room_id)
        self._require(room, session, USER)
        self.tell(room.hearers(but=session), type_, room_id, message, self.users[session])

    def tell(self, sessions: list[str], *event: Any) -> None:
        """Sessions hear something."""
        for session in sessions:
            self.heard.setdefault(session, []).append(event)

    # What they have in common

    def _shown(self, room_id: str, rank: int) -> dict[str, Any]:
        room = self.rooms[room_id]
        shown = {
            "id": room_id,
            "users": [
                {"user_id": user, "name": self.profile(user).name, "type": member.rank}
                for user, member in room.members.items()
            ],
            "max-user": room.max_user,
            "user-length": len(room.members),
            "metas": room.metas,
            "join-request": room.join_request,
        }
        return {**shown, "banned-users": sorted(room.banned)} if rank >= MODERATOR else shown

    def _room(self, room_id: str) -> Room:
        if room_id not in self.rooms:
            raise Refused("room_not_found")
        return self.rooms[room_id]

    def _require(self, room: Room, session: str, rank: int) -> int:
        mine = room.rank(self.users[session])
        if mine < rank:
            raise Refused("no_permission" if mine else "not_in_room")
        return mine

    def _refuse_crowd(self, room: Room) -> None:
        if 0 < room.max_user <= len(room.members):
            raise Refused("room_full")

    def _rerank(self, room: Room, mine: int, ranks: dict[str, int]) -> None:
        if mine < OWNER:
            raise Refused("no_permission")
        owner = next(user for user, member in room.members.items() if member.rank == OWNER)
        heirs = [user for user, rank in ranks.items() if rank == OWNER]
        if len(heirs) > 1 or (not heirs and owner in ranks):
            raise Refused("validation")
        if not ranks.keys() <= room.members.keys():
            raise Refused("not_in_room")
        for user, rank in ranks.items():
            room.members[user].rank = rank
        if heirs and heirs[0] != owner and owner not in ranks:
            room.members[owner].rank = MODERATOR

    @staticmethod
    def _sessions(members: dict[str, Member], user: str) -> list[str]:
        return members[user].sessions if user in members else []

    def _note(self, session: str, room_id: str) -> None:
        if room_id not in self.order[session]:
            self.order[session].append(room_id)

    def _forget(self, sessions: list[str], room_id: str) -> None:
        """These sessions have nothing to do with the room any more, unless they are in it otherwise."""
        room = self.rooms.get(room_id)
        members = () if room is None else (*room.members.values(), *room.requests.values())
        for session in sessions:
            if not any(session in member.sessions for member in members):
                self.order[session].remove(room_id)

    def _attach(self, room_id: str, user: str, sessions: list[str], rank: int) -> None:
        room = self.rooms[room_id]
        sessions = list(sessions)
        self._withdraw(room, user, sessions)
        room.members.setdefault(user, Member(rank, [])).sessions.extend(sessions)
        for session in sessions:
            self._note(session, room_id)

    def _withdraw(self, room: Room, user: str, sessions: list[str]) -> None:
        request = room.requests.get(user)
        if request is not None:
            request.sessions = [one for one in request.sessions if one not in sessions]
            if not request.sessions:
                del room.requests[user]

    def _detach(self, room_id: str, session: str) -> bool:
        """Whether the user has left with this session."""
        room, user = self.rooms[room_id], self.users[session]
        self._withdraw(room, user, [session])
        member = room.members.get(user)
        gone = False
        if member is not None and session in member.sessions:
            if member.sessions == [session]:
                self._drop_member(room_id, user)
                gone = True
            else:
                member.sessions.remove(session)
        if room_id in self.order[session]:
            self.order[session].remove(room_id)
        return gone

    def _drop_member(self, room_id: str, user: str) -> None:
        """A user is no member any more; the room gets another owner, or ends."""
        room = self.rooms[room_id]
        member = room.members.pop(user)
        if not room.members:
            del self.rooms[room_id]
        elif member.rank == OWNER:
            others = room.members.values()
            heir = next((one for one in others if one.rank == MODERATOR), next(iter(others)))
            heir.rank = OWNER
        self._forget(member.sessions, room_id)
        if not room.members:
            for request in room.requests.values():
                self.tell(request.sessions, "Declined", room_id)
                self._forget(request.sessions, room_id)

    def _tell_left(self, room_id: str, user: str) -> None:
        if room_id in self.rooms:
            self.tell(self.rooms[room_id].hearers(), "UserDisconnectedFromRoom", room_id, user)
