"""Who may do what in a room, as one table; and at which level who reads and writes."""

import pytest

from yummy import model as models
from yummy.constants import RoomAccessType, UserType
from yummy.core.permissions import rights, room_level, user_level
from yummy.core.values import Account, JoinRequest

OK = "ok"
NO = "no_permission"
OUT = "not_in_room"

#: Who asks: a stranger, a member, the room's moderator, its owner, and strangers who are the server's moderator, admin.
WHO = ("stranger", "user", "moderator", "owner", "global_moderator", "global_admin")

TABLE = {
    "message": (models.MessageToRoom(room_id="room", message=1), (OUT, OK, OK, OK, OK, OK)),
    "play": (models.Play(room_id="room", message=1), (OUT, OK, OK, OK, OK, OK)),
    "waiting": (models.WaitingRoomJoins(room_id="room"), (OUT, NO, OK, OK, OK, OK)),
    "admit": (
        models.ProcessWaitingUser(room_id="room", target_user_id="waiting", status=True),
        (OUT, NO, OK, OK, OK, OK),
    ),
    "decline": (
        models.ProcessWaitingUser(room_id="room", target_user_id="waiting", status=False),
        (OUT, NO, OK, OK, OK, OK),
    ),
    "rename": (models.UpdateRoom(room_id="room", name="New"), (OUT, NO, OK, OK, OK, OK)),
    "rerank": (models.UpdateRoom(room_id="room", user_permission={"other": 2}), (OUT, NO, NO, OK, NO, OK)),
    "kick user": (models.KickUserFromRoom(room_id="room", target_user_id="other"), (OUT, NO, OK, OK, OK, OK)),
    "kick moderator": (
        models.KickUserFromRoom(room_id="room", target_user_id="second"),
        (OUT, NO, NO, OK, NO, OK),
    ),
    "kick owner": (models.KickUserFromRoom(room_id="room", target_user_id="owner"), (OUT, NO, NO, NO, NO, NO)),
    "ban user": (
        models.KickUserFromRoom(room_id="room", target_user_id="other", ban=True),
        (OUT, NO, OK, OK, OK, OK),
    ),
    "kick stranger": (
        models.KickUserFromRoom(room_id="room", target_user_id="nobody"),
        (OUT, NO, OUT, OUT, OUT, OUT),
    ),
    "leave": (models.DisconnectFromRoom(room_id="room"), (OUT, OK, OK, OK, OUT, OUT)),
    "look": (models.GetRoomRequest(room_id="room"), (OK, OK, OK, OK, OK, OK)),
}


@pytest.fixture
def busy(scene):
    """A room with people of all ranks, somebody who waits, and others outside."""
    for name in ("stranger", "user", "moderator", "owner", "other", "second", "waiting"):
        scene.user(name)
    scene.user("global_moderator", UserType.MODERATOR)
    scene.user("global_admin", UserType.ADMIN)
    room = scene.room(ranks={"owner": 3, "moderator": 2, "second": 2, "user": 1, "other": 1}, join_request=True)
    scene.world.put_room("room", room.with_request("waiting", JoinRequest(1, ("s-waiting",))))
    return scene


@pytest.mark.parametrize(("who", "what"), [(who, what) for what in TABLE for who in WHO])
def test_who_may_do_what(busy, who, what):
    model, outcomes = TABLE[what]
    expected = outcomes[WHO.index(who)]

    if expected == OK:
        busy.run(who, model)
    else:
        assert expected == busy.refused(who, model)


@pytest.mark.parametrize("what", TABLE)
def test_a_room_that_is_not_there_is_said_to_be_so(scene, what):
    scene.user("ada")

    assert "room_not_found" == scene.refused("ada", TABLE[what][0])


@pytest.mark.parametrize(
    ("user_type", "rank", "access_type", "has", "level"),
    [
        (1, 0, RoomAccessType.PUBLIC, 0, 1),
        (1, 0, RoomAccessType.PRIVATE, 0, 0),
        (1, 1, RoomAccessType.PRIVATE, 1, 1),
        (1, 2, RoomAccessType.PUBLIC, 2, 2),
        (1, 3, RoomAccessType.PUBLIC, 3, 3),
        (2, 0, RoomAccessType.PRIVATE, 2, 2),
        (2, 1, RoomAccessType.PUBLIC, 2, 2),
        (2, 3, RoomAccessType.PUBLIC, 3, 3),
        (3, 0, RoomAccessType.PRIVATE, 3, 4),
        (3, 3, RoomAccessType.PUBLIC, 3, 4),
    ],
)
def test_rights_and_levels_in_a_room(scene, user_type, rank, access_type, has, level):
    account = Account("ada", 1, user_type=user_type)
    room = scene.room("bob", ranks={"bob": 3} | ({"ada": rank} if rank else {}), access_type=access_type)

    assert (has, level) == (rights(room, account), room_level(room, account))


@pytest.mark.parametrize(
    ("user_type", "target", "level"),
    [(1, "ada", 3), (1, "bob", 1), (2, "ada", 4), (2, "bob", 4), (3, "ada", 5), (3, "bob", 5)],
)
def test_levels_of_users_metadata(user_type, target, level):
    assert level == user_level(target, Account("ada", 1, user_type=user_type))
