"""Keeping people out of a room: bans of members and of those who wait, and how many there may be."""

import attrs
import pytest

from yummy import model as models
from yummy.constants import UserType
from yummy.protocol.errors import Refusal


def join():
    return models.JoinToRoom(room_id="room")


def kick(user_id, *, ban=False):
    return models.KickUserFromRoom(room_id="room", target_user_id=user_id, ban=ban)


@pytest.fixture
def door(scene):
    """Ada owns a room that one asks to join; Bob waits by two sessions, Cid and Dan are outside."""
    for name in ("ada", "bob", "cid", "dan"):
        scene.user(name)
    scene.session("s-bob-2", "bob")
    scene.room("ada", join_request=True)
    scene.run("bob", join())
    scene.run("bob", join(), session="s-bob-2")
    return scene


def test_a_ban_of_who_waits_ends_the_request_and_stays(door):
    door.run("ada", kick("bob", ban=True))

    assert [("JoinDeclined", ("s-bob", "s-bob-2"))] == door.sent()
    assert ({}, {"bob"}) == (door.world.rooms["room"].requests, door.world.rooms["room"].banned)
    assert "banned" == door.refused("bob", join())
    assert {"ada": 3} == door.members()


def test_a_kick_of_who_waits_is_none(door):
    assert "not_in_room" == door.refused("ada", kick("bob"))
    assert "not_in_room" == door.refused("ada", kick("cid", ban=True))


def test_a_rank_protects_members_only(door):
    door.user("mod", UserType.MODERATOR)
    door.run("mod", join())
    door.room(ranks={"ada": 3, "cid": 2, "dan": 2}, join_request=True, requests=door.world.rooms["room"].requests)

    assert "no_permission" == door.refused("cid", kick("dan", ban=True))
    door.run("cid", kick("mod", ban=True))
    assert {"mod"} == door.world.rooms["room"].banned


def test_who_waits_cannot_ban_others_who_wait(door):
    door.run("cid", join())

    assert "not_in_room" == door.refused("cid", kick("bob", ban=True))


def test_a_ban_of_a_member_who_also_waits_is_heard_by_all_sessions(door):
    door.room("ada", "cid")
    door.run("bob", join())
    door.world.put_room("room", attrs.evolve(door.world.rooms["room"], join_request=True))
    request = models.ProcessWaitingUser(room_id="room", target_user_id="bob", status=True)
    room = door.world.rooms["room"]
    door.world.put_room("room", room.with_request("bob", attrs.evolve(room.members["bob"], sessions=("s-bob-2",))))

    door.run("ada", kick("bob", ban=True))

    assert [
        ("DisconnectedFromRoom", ("s-bob",)),
        ("UserDisconnectedFromRoom", ("s-cid",)),
        ("JoinDeclined", ("s-bob-2",)),
    ] == door.sent()
    assert "not_waiting" == door.refused("ada", request)


def refusal(scene, sender, model):
    with pytest.raises(Refusal) as caught:
        scene.run(sender, model)
    return caught.value.code, caught.value.error


def test_only_so_many_wait_for_a_room(door):
    door.settings = attrs.evolve(door.settings, max_requests_per_room=2)
    door.run("cid", join())
    code, error = refusal(door, "dan", join())

    assert ("busy", True) == (code, "At most 2 users" in error)
    door.session("s-bob-3", "bob")
    door.run("bob", join(), session="s-bob-3")
    door.run("ada", models.ProcessWaitingUser(room_id="room", target_user_id="bob", status=False))
    door.run("dan", join())


def test_only_so_many_are_banned_from_a_room(door):
    door.settings = attrs.evolve(door.settings, max_bans_per_room=1)
    door.run("cid", join())
    door.run("ada", models.ProcessWaitingUser(room_id="room", target_user_id="cid", status=True))
    door.run("ada", kick("bob", ban=True))
    before = door.world.rooms["room"]
    code, error = refusal(door, "ada", kick("cid", ban=True))

    assert ("busy", True) == (code, "At most 1 users" in error)
    assert before == door.world.rooms["room"]
    door.run("ada", kick("cid"))


def test_both_bounds_can_be_switched_off(door):
    door.settings = attrs.evolve(door.settings, max_requests_per_room=0, max_bans_per_room=0)
    door.run("cid", join())
    door.run("ada", kick("bob", ban=True))
    door.run("ada", kick("cid", ban=True))

    assert {"bob", "cid"} == door.world.rooms["room"].banned
