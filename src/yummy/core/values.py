"""The live state's values. All are immutable: a change makes a new value, and a commit swaps it in.

Maps inside them (members, metadata) are never changed in place either.
"""

from collections.abc import Iterator, Mapping
from enum import StrEnum
from functools import cached_property
from typing import Any

import attrs

from yummy.constants import RoomAccessType, RoomUserType, UserType


@attrs.frozen
class Meta:
    """One value of metadata and the level that one needs to read or write it."""

    value: Any
    access: int = 0


type Metas = Mapping[str, Meta]


class IdentityKind(StrEnum):
    """The ways in which an account can be named at login; also the account's fields of those names."""

    EMAIL = "email"
    DEVICE_ID = "device_id"
    CUSTOM_ID = "custom_id"


@attrs.frozen
class Account:
    """A user's lasting record. Dates are unix seconds; whoever is ``disabled`` cannot log in."""

    id: str
    insert_date: int
    name: str | None = None
    email: str | None = None
    device_id: str | None = None
    custom_id: str | None = None
    password_hash: str | None = attrs.field(default=None, repr=False)
    user_type: int = UserType.USER
    metas: Metas = attrs.field(factory=dict)
    last_login_date: int | None = None
    disabled: bool = False

    def with_identity(self, kind: IdentityKind, name: str) -> "Account":
        """The account under one more name."""
        match kind:
            case IdentityKind.EMAIL:
                return attrs.evolve(self, email=name)
            case IdentityKind.DEVICE_ID:
                return attrs.evolve(self, device_id=name)
            case IdentityKind.CUSTOM_ID:
                return attrs.evolve(self, custom_id=name)


#: What operators change of an account in the store, while its user may be online. Writing an account leaves these
#: alone, so that what a server remembers does not overwrite them; each has a record of its own.
OPERATORS_FIELDS = ("user_type", "password_hash", "disabled")


@attrs.frozen
class Session:
    """A user's presence. ``connection`` is None while a lost connection may still come back.

    Attributes:
        id: The session's id; tokens carry it.
        user_id: Whose session it is.
        connection: The id of the connection that it is attached to.
    """

    id: str
    user_id: str
    connection: int | None


@attrs.frozen
class Member:
    """A user in a room: one rank, attached through one or more sessions."""

    rank: int
    sessions: tuple[str, ...]


@attrs.frozen
class JoinRequest:
    """A user who waits to be let in: the rank that they get, and the sessions that asked."""

    rank: int
    sessions: tuple[str, ...]


@attrs.frozen
class Room:
    """A room. ``members`` stand in the order in which they joined. ``insert_date`` is unix seconds."""

    id: str
    insert_date: int
    name: str | None = None
    description: str | None = None
    access_type: int = RoomAccessType.PUBLIC
    join_request: bool = False
    max_user: int = 0
    tags: tuple[str, ...] = ()
    metas: Metas = attrs.field(factory=dict)
    password: str | None = attrs.field(default=None, repr=False)
    members: Mapping[str, Member] = attrs.field(factory=dict)
    requests: Mapping[str, JoinRequest] = attrs.field(factory=dict)
    banned: frozenset[str] = frozenset()

    @property
    def is_full(self) -> bool:
        """Whether nobody else fits in."""
        return 0 < self.max_user <= len(self.members)

    def rank(self, user_id: str | None) -> int:
        """A user's rank in the room; 0 for who is no member."""
        member = self.members.get(user_id) if user_id is not None else None
        return 0 if member is None else member.rank

    @cached_property
    def sessions(self) -> tuple[str, ...]:
        """The attached sessions in the order of their users."""
        return tuple(session for member in self.members.values() for session in member.sessions)

    def moderators(self, *, but: str) -> tuple[str, ...]:
        """The attached sessions of owner and moderators, without one of them."""
        return tuple(
            session
            for member in self.members.values()
            if member.rank >= RoomUserType.MODERATOR
            for session in member.sessions
            if session != but
        )

    def sessions_of(self, user_id: str) -> tuple[str, ...]:
        """The attached sessions of one user."""
        member = self.members.get(user_id)
        return () if member is None else member.sessions

    def with_member(self, user_id: str, member: Member) -> "Room":
        """The room with this member added or replaced."""
        return attrs.evolve(self, members={**self.members, user_id: member})

    def without_member(self, user_id: str) -> "Room":
        """The room without this member."""
        return attrs.evolve(self, members=_without(self.members, user_id))

    def with_request(self, user_id: str, request: JoinRequest) -> "Room":
        """The room with this join request added or replaced."""
        return attrs.evolve(self, requests={**self.requests, user_id: request})

    def without_request(self, user_id: str) -> "Room":
        """The room without this user's join request."""
        return attrs.evolve(self, requests=_without(self.requests, user_id))

    def every_session(self) -> Iterator[str]:
        """All sessions that the room knows, of members and of those who wait."""
        for member in self.members.values():
            yield from member.sessions
        for request in self.requests.values():
            yield from request.sessions


def _without[V](mapping: Mapping[str, V], key: str) -> dict[str, V]:
    return {other: value for other, value in mapping.items() if other != key}
