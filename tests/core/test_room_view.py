"""Looking at rooms: whose turns that takes, and how much of the list one page holds."""

import attrs
import pytest

from yummy import model as models
from yummy.core import room_view
from yummy.core.rules import RULES
from yummy.core.values import Member, Meta


@pytest.mark.parametrize(
    ("model", "turns"), [(models.GetRoomRequest(room_id="room"), ["room"]), (models.RoomListRequest(), [])]
)
def test_looking_at_a_room_takes_its_turn_and_the_list_none(scene, model, turns):
    scene.user("ada")
    scene.room("ada")

    assert turns == list(RULES[type(model)].rooms(scene.begin("ada"), model))


def pages(scene, **fields):
    """The ids of each page of the list, from the first to the one without a cursor."""
    found, cursor = [], None
    while True:
        page = scene.run("ada", models.RoomListRequest(**fields, cursor=cursor))
        found.append([room.id for room in page.rooms])
        if not isinstance(page.cursor, str):
            return found
        cursor = page.cursor


BIG = {
    "metas": {"metas": {f"k{number}": Meta("x" * 4000, 0) for number in range(3)}},
    "texts": {"description": "ü" * 3000, "name": "n" * 3000, "tags": ("t" * 3000,)},
    "members": {"members": {f"m{number}": Member(1, ()) for number in range(120)}},
}


@pytest.mark.parametrize("fields", BIG.values(), ids=BIG.keys())
def test_a_page_ends_early_when_its_rooms_are_large_and_the_next_goes_on_after_it(scene, monkeypatch, fields):
    monkeypatch.setattr(room_view, "PAGE_BYTES", 40_000)
    scene.user("ada")
    for number in range(9):
        scene.room("ada", id=f"r{number}")
        scene.world.put_room(f"r{number}", attrs.evolve(scene.world.rooms[f"r{number}"], **fields))

    found = pages(scene)

    assert [3, 3, 3] == [len(page) for page in found]
    assert [f"r{number}" for number in reversed(range(9))] == [room for page in found for room in page]


def test_a_page_has_a_room_however_large_it_is(scene, monkeypatch):
    monkeypatch.setattr(room_view, "PAGE_BYTES", 10)
    scene.user("ada")
    for number in range(3):
        scene.room("ada", id=f"r{number}")

    assert [["r2"], ["r1"], ["r0"]] == pages(scene)


def test_what_was_not_asked_for_does_not_count(scene, monkeypatch):
    monkeypatch.setattr(room_view, "PAGE_BYTES", 5_000)
    scene.user("ada")
    for number in range(3):
        scene.room("ada", id=f"r{number}", description="d" * 4000, metas={"k": Meta("x" * 4000, 0)})

    assert [["r2", "r1", "r0"]] == pages(scene, members=[0, 4])
    assert [["r2"], ["r1"], ["r0"]] == pages(scene, members=[1])


def test_a_page_that_ends_early_at_the_last_of_a_tag_has_no_cursor(scene, monkeypatch):
    monkeypatch.setattr(room_view, "PAGE_BYTES", 10)
    scene.user("ada")
    for number in range(3):
        scene.room("ada", id=f"r{number}", tags=("one",) if number == 1 else ())

    assert [["r1"]] == pages(scene, tag="one")
