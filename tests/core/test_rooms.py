"""Rooms themselves: making, changing, listing and looking at them."""

import re

import attrs
import pytest

from yummy import model as models
from yummy.constants import UserType
from yummy.core.values import Meta
from yummy.protocol.errors import Refusal


def update(**fields):
    return models.UpdateRoom(room_id="room", **fields)


@pytest.fixture
def hall(scene):
    """Ada owns the hall, Bob is in it, Cid is not."""
    for name in ("ada", "bob", "cid"):
        scene.user(name)
    scene.room("ada", "bob", name="Hall", metas={"open": Meta(1, 1), "staff": Meta(2, 2), "game": Meta(3, 5)})
    return scene


def test_the_creator_owns_the_room(scene):
    scene.user("ada")

    answer = scene.run(
        "ada",
        models.CreateRoom(name="Hall", description="", tags=["a", "b", "a"], max_user=4, metas={"k": 1, "no": None}),
    )
    room = scene.world.rooms[answer.room_id]

    assert ({"ada": 3}, ("s-ada",)) == (scene.members(room.id), room.sessions)
    assert ("Hall", None, ("a", "b"), 4, {"k": Meta(1, 0)}) == (
        room.name,
        room.description,
        room.tags,
        room.max_user,
        room.metas,
    )
    assert {"room_id": room.id} == scene.work.made
    assert int(scene.now) == room.insert_date


def test_a_private_room_gets_a_password_of_the_chosen_letters(scene):
    scene.user("ada")
    scene.settings = attrs.evolve(scene.settings, room_password_charset="xy", room_password_length=6)

    assert re.fullmatch("[xy]{6}", scene.run("ada", models.CreateRoom(access_type=1)).password)
    assert not isinstance(scene.run("ada", models.CreateRoom()).password, str)


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"access_type": 3}, "validation"),
        ({"access_type": -1}, "validation"),
        ({"access_type": 2}, "not_supported"),
        ({"max_user": -1}, "validation"),
        ({"name": "n" * 65}, "validation"),
        ({"description": "d" * 1025}, "validation"),
        ({"tags": [str(number) for number in range(17)]}, "validation"),
        ({"tags": ["t" * 65]}, "validation"),
        ({"metas": {"k": {"access": 4, "value": 1}}}, "meta_access"),
        ({"metas": {f"k{number}": 1 for number in range(11)}}, "meta_limit"),
    ],
)
def test_a_room_that_makes_no_sense_is_refused(hall, fields, code):
    assert code == hall.refused("ada", models.CreateRoom(**fields))
    assert code == hall.refused("ada", update(**fields))


LONG = {"name": "ä" * 65, "description": "d" * 1025, "tags": ["t" * 65, *map(str, range(16))], "max_user": -1}


@pytest.mark.parametrize(
    ("model", "more"),
    [(models.CreateRoom(**LONG), []), (update(**LONG, meta_action=9), ["meta_action: should be 0 (add or update),"])],
    ids=["create", "update"],
)
def test_all_problems_of_a_room_are_said_one_a_line(hall, model, more):
    with pytest.raises(Refusal) as caught:
        hall.run("ada", model)

    lines = caught.value.error.splitlines()
    assert [
        "max_user: should be 0 (no limit) or more",
        "name: Length should be at most 64 chars",
        "description: Length should be at most 1024 chars",
        "tags: There should be at most 16",
        "tags: Length of each should be at most 64 chars",
    ] == lines[:5]
    assert [True for _ in more] == [line.startswith(start) for line, start in zip(lines[5:], more, strict=True)]


FITTING = {"name": "ä" * 64, "description": "d" * 1024, "tags": ["t" * 64, *map(str, range(15)), "1", "2"]}


def test_texts_as_long_as_allowed_are_taken_and_a_tag_twice_counts_once(hall):
    answer = hall.run("ada", models.CreateRoom(**FITTING))
    hall.run("ada", update(**FITTING))

    for room in (hall.world.rooms[answer.room_id], hall.world.rooms["room"]):
        assert (64, 1024, 16) == (len(room.name), len(room.description), len(room.tags))


def test_bounds_of_texts_can_be_switched_off(hall):
    off = {"max_name_length": 0, "max_description_length": 0, "max_tags": 0, "max_tag_length": 0}
    hall.settings = attrs.evolve(hall.settings, **off)

    hall.run("ada", update(**{**LONG, "max_user": 0}))


def test_an_update_changes_what_it_names(hall):
    hall.run("ada", update(name="", description="big", join_request=True, max_user=1, tags=["x"]))
    room = hall.world.rooms["room"]

    assert (None, "big", True, 1, ("x",)) == (
        room.name,
        room.description,
        room.join_request,
        room.max_user,
        room.tags,
    )
    assert {"ada": 3, "bob": 1} == hall.members()
    assert "update_missing" == hall.refused("ada", update())
    assert "validation" == hall.refused("ada", update(meta_action=3))


def test_a_room_that_becomes_private_gets_a_password_and_loses_it_again(hall):
    password = hall.run("ada", update(access_type=1)).password
    assert password == hall.world.rooms["room"].password

    hall.run("ada", update(access_type=1, name="x"))
    assert password == hall.world.rooms["room"].password

    hall.run("ada", update(access_type=0))
    assert hall.world.rooms["room"].password is None


def test_meta_action_alone_is_an_update(hall):
    hall.run("ada", update(meta_action=2))

    assert {"game": Meta(3, 5)} == hall.world.rooms["room"].metas


@pytest.mark.parametrize(
    ("permission", "becomes"),
    [
        ({"bob": 2}, {"ada": 3, "bob": 2}),
        ({"bob": 3}, {"ada": 2, "bob": 3}),
        ({"bob": 3, "ada": 1}, {"ada": 1, "bob": 3}),
        ({"ada": 3}, {"ada": 3, "bob": 1}),
        ({}, {"ada": 3, "bob": 1}),
    ],
)
def test_the_owner_changes_ranks_and_hands_the_room_over(hall, permission, becomes):
    hall.run("ada", update(user_permission=permission))

    assert becomes == hall.members()


@pytest.mark.parametrize(
    ("permission", "code"),
    [
        ({"ada": 2}, "validation"),
        ({"ada": 3, "bob": 3}, "validation"),
        ({"bob": 4}, "validation"),
        ({"bob": 0}, "validation"),
        ({"cid": 2}, "not_in_room"),
    ],
)
def test_a_room_keeps_exactly_one_owner(hall, permission, code):
    assert code == hall.refused("ada", update(user_permission=permission))


def look(scene, who, *members):
    return scene.run(who, models.GetRoomRequest(room_id="room", members=list(members)))


@pytest.mark.parametrize(
    ("who", "metas", "banned"),
    [
        ("cid", {"open": 1}, False),
        ("bob", {"open": 1}, False),
        ("ada", {"open": 1, "staff": 2}, True),
    ],
)
def test_one_sees_of_a_room_what_one_s_rank_allows(hall, who, metas, banned):
    seen = look(hall, who)

    assert (metas, banned) == (seen.metas, seen.banned_users == [])
    assert ("Hall", 2, ["ada", "bob"]) == (seen.name, seen.user_length, [user.user_id for user in seen.users])


def test_one_sees_what_one_asks_for(hall):
    shown = attrs.asdict(look(hall, "bob", 0, 3), filter=lambda _, value: type(value).__name__ != "Unset")

    assert {"id": "room", "name": "Hall", "max_user": 0} == shown
    assert "validation" == hall.refused("bob", models.GetRoomRequest(room_id="room", members=[11]))


def test_a_private_room_is_hidden_from_outsiders(hall):
    hall.room("ada", access_type=1, password="PASS")
    hall.user("eve", UserType.MODERATOR)

    assert "no_permission" == hall.refused("cid", models.GetRoomRequest(room_id="room"))
    assert ["ada"] == [user.user_id for user in look(hall, "eve").users]


def names(answer):
    return [room.id for room in answer.rooms]


def test_the_list_shows_public_rooms_newest_first_by_pages(scene):
    scene.user("ada")
    for number in range(1, 6):
        scene.room("ada", id=f"r{number}", access_type=1 if number == 3 else 0, tags=("odd",) if number % 2 else ())

    first = scene.run("ada", models.RoomListRequest(limit=2))
    second = scene.run("ada", models.RoomListRequest(limit=2, cursor=first.cursor))

    assert (["r5", "r4"], "r4") == (names(first), first.cursor)
    assert (["r2", "r1"], False) == (names(second), isinstance(second.cursor, str))
    assert ["r5", "r1"] == names(scene.run("ada", models.RoomListRequest(tag="odd")))
    assert [] == names(scene.run("ada", models.RoomListRequest(cursor="")))


def test_a_page_misses_no_room_though_rooms_were_committed_out_of_order(scene):
    scene.user("ada")
    for number in (1, 3, 2):
        scene.room("ada", id=f"r{number}")

    seen, cursor = [], None
    while True:
        page = scene.run("ada", models.RoomListRequest(limit=1, cursor=cursor))
        seen += names(page)
        if not isinstance(page.cursor, str):
            break
        cursor = page.cursor

    assert ["r3", "r2", "r1"] == seen


@pytest.mark.parametrize("fields", [{"limit": 0}, {"limit": 101}, {"limit": -1}, {"members": [-1]}])
def test_a_list_that_makes_no_sense_is_refused(scene, fields):
    scene.user("ada")

    assert "validation" == scene.refused("ada", models.RoomListRequest(**fields))


def test_the_list_is_what_a_stranger_sees(hall):
    (room,) = hall.run("ada", models.RoomListRequest()).rooms

    assert ({"open": 1}, "Unset") == (room.metas, type(room.banned_users).__name__)
