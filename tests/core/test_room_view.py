"""Looking at rooms: whose turns that takes, and how much of the list one page holds."""

import pytest

from yummy import model as models
from yummy.core.rules import RULES


@pytest.mark.parametrize(
    ("model", "turns"), [(models.GetRoomRequest(room_id="room"), ["room"]), (models.RoomListRequest(), [])]
)
def test_looking_at_a_room_takes_its_turn_and_the_list_none(scene, model, turns):
    scene.user("ada")
    scene.room("ada")

    assert turns == list(RULES[type(model)].rooms(scene.begin("ada"), model))
