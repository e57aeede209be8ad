"""The protocol's numbers under the names that scripts know."""

from enum import IntEnum

import pytest

from yummy import constants
from yummy.constants import (
    MetaAction,
    RoomAccessType,
    RoomInfoType,
    RoomMetaAccess,
    RoomUserType,
    UserMetaAccess,
    UserType,
)

PREFIXES = {
    "USER_TYPE_": UserType,
    "USER_META_ACCESS_": UserMetaAccess,
    "META_ACTION_": MetaAction,
    "ROOM_ACCESS_TYPE_": RoomAccessType,
    "ROOM_USER_TYPE_": RoomUserType,
    "ROOM_META_ACCESS_": RoomMetaAccess,
    "ROOM_INFO_TYPE_": RoomInfoType,
}


@pytest.mark.parametrize(("prefix", "kind"), PREFIXES.items())
def test_every_member_has_a_name_of_its_own(prefix, kind):
    for member in kind:
        assert getattr(constants, f"{prefix}{member.name}") is member
        assert isinstance(member, IntEnum)


@pytest.mark.parametrize(
    ("kind", "numbers"),
    [
        (UserType, [1, 2, 3]),
        (UserMetaAccess, [0, 1, 2, 3, 4, 5, 6]),
        (MetaAction, [0, 1, 2]),
        (RoomAccessType, [0, 1, 2]),
        (RoomUserType, [1, 2, 3]),
        (RoomMetaAccess, [0, 1, 2, 3, 4, 5]),
        (RoomInfoType, list(range(11))),
    ],
)
def test_the_numbers_are_those_of_the_wire(kind, numbers):
    assert numbers == list(kind)


@pytest.mark.parametrize("rank", ["USER", "MODERATOR", "OWNER"])
def test_older_spellings_of_ranks_stay(rank):
    assert getattr(constants, f"ROOM_TYPE_TYPE_{rank}") is RoomUserType[rank]
