"""What the kit shows of messages, and how it compares them."""

from unittest.mock import ANY

import pytest

from yummy.constants import RoomUserType
from yummy.testing import Message
from yummy.testing.messages import SHOWN_LENGTH, differences

MOVE = {"type": "Play", "message": {"cell": 4, "board": ["X", ""], "last": True}}


@pytest.mark.parametrize(
    "expected",
    [
        {},
        {"type": "Play"},
        {"message": {"cell": 4}},
        {"message": {"board": ["X", ""]}},
        {"message": {"board": ("X", ANY)}},
        {"message": ANY},
    ],
    ids=str,
)
def test_only_what_is_expected_has_to_be_there(expected):
    assert [] == list(differences(expected, MOVE))


@pytest.mark.parametrize(
    ("expected", "difference"),
    [
        ({"type": "Move"}, "type: expected 'Move', got 'Play'"),
        ({"user": None}, "user: expected None, but it is missing"),
        ({"message": {"cell": 5}}, "message.cell: expected 5, got 4"),
        ({"message": {"row": 1}}, "message.row: expected 1, but it is missing"),
        ({"message": {"board": ["X", "O"]}}, "message.board[1]: expected 'O', got ''"),
        ({"message": {"board": ["X"]}}, "message.board: expected 1 items, ['X'], got 2, ['X', '']"),
        ({"message": {"last": 1}}, "message.last: expected 1, got True"),
        ({"message": [4]}, "message: expected [4], got {'cell': 4, 'board': ['X', ''], 'last': True}"),
        ({"type": ["Play"]}, "type: expected ['Play'], got 'Play'"),
    ],
    ids=str,
)
def test_a_difference_says_where_it_is_and_what_came_instead(expected, difference):
    assert [difference] == list(differences(expected, MOVE))


def test_a_constant_equals_its_number():
    assert [] == list(differences({"rank": RoomUserType.OWNER}, {"rank": int(RoomUserType.OWNER)}))


def test_fields_are_attributes_and_keys_and_the_hyphen_of_the_protocol_is_an_underscore():
    message = Message({"type": "GetRoom", "room_id": "r1", "max-user": 2})
    assert (message.room_id, message["room_id"], message.max_user) == ("r1", "r1", 2)
    assert message == {"type": "GetRoom", "room_id": "r1", "max-user": 2}
    with pytest.raises(AttributeError, match="GetRoom has no field roomid; it has type, room_id, max-user"):
        message.roomid  # noqa: B018  # it raises


def test_a_message_is_shown_without_its_token_and_not_endlessly():
    assert str(Message({"type": "AuthEmail", "request_id": 1, "token": "secret", "user_id": "u1"})) == (
        "AuthEmail {'user_id': 'u1'}"
    )
    long = str(Message({"type": "Play", "message": "x" * SHOWN_LENGTH}))
    assert (len(long), long[-3:]) == (SHOWN_LENGTH, "...")
