"""Answers and events, as they stand on the wire."""

import pytest

from yummy.protocol import messages
from yummy.protocol.errors import ErrorCode, Refusal, WrongFormat
from yummy.protocol.messages import UNSET, RoomInformation, RoomUser, answer_document, event_document, failure_document

ADA = RoomUser(user_id="u1", name="Ada", type=3)
ADA_ON_WIRE = {"user_id": "u1", "name": "Ada", "type": 3}

ANSWERS = [
    (messages.Done(), {}),
    (
        messages.Authenticated(token="t", user_id="u1", session_id="s1"),
        {"token": "t", "user_id": "u1", "session_id": "s1"},
    ),
    (messages.TokenRefreshed(token="t"), {"token": "t"}),
    (
        messages.TokenRestored(token="t", user_id="u1", session_id="s1", restored=True, rooms=["r1"]),
        {"token": "t", "user_id": "u1", "session_id": "s1", "restored": True, "rooms": ["r1"]},
    ),
    (
        messages.UserInformation(
            "u1", "Ada", None, None, "custom-01", {"k": [1]}, 1, online=True, insert_date=5, last_login_date=None
        ),
        {
            "id": "u1",
            "name": "Ada",
            "email": None,
            "device_id": None,
            "custom_id": "custom-01",
            "metas": {"k": [1]},
            "user_type": 1,
            "online": True,
            "insert_date": 5,
            "last_login_date": None,
        },
    ),
    (messages.RoomCreated(room_id="r1"), {"room_id": "r1"}),
    (messages.RoomCreated(room_id="r1", password="PASS"), {"room_id": "r1", "password": "PASS"}),
    (messages.RoomUpdated(), {}),
    (messages.RoomUpdated(password="PASS"), {"password": "PASS"}),
    (
        messages.Joined(room_id="r1", room_name=None, users=[ADA], metas={"k": 1}),
        {"result": "Joined", "room_id": "r1", "room_name": None, "users": [ADA_ON_WIRE], "metas": {"k": 1}},
    ),
    (messages.Requested(room_id="r1"), {"result": "Requested", "room_id": "r1"}),
    (messages.WaitingUsers(room_id="r1", users={"u2": 1}), {"room_id": "r1", "users": {"u2": 1}}),
    (RoomInformation(id="r1"), {"id": "r1"}),
    (
        RoomInformation("r1", None, "big", [ADA], 4, 1, 0, ["x"], {"k": 1}, 5, join_request=True, banned_users=["u9"]),
        {
            "id": "r1",
            "name": None,
            "description": "big",
            "users": [ADA_ON_WIRE],
            "max-user": 4,
            "user-length": 1,
            "access-type": 0,
            "tags": ["x"],
            "metas": {"k": 1},
            "insert-date": 5,
            "join-request": True,
            "banned-users": ["u9"],
        },
    ),
    (messages.Rooms(rooms=[RoomInformation(id="r1", max_user=0)]), {"rooms": [{"id": "r1", "max-user": 0}]}),
    (messages.Rooms(rooms=[], cursor="r1"), {"rooms": [], "cursor": "r1"}),
]

EVENTS = [
    (messages.UserJoined(user_id="u1", room_id="r1"), {"type": "JoinToRoom", "user_id": "u1", "room_id": "r1"}),
    (
        messages.JoinAccepted(room_id="r1", room_name="Hall", users=[ADA], metas={}),
        {
            "type": "JoinToRoom",
            "result": "Joined",
            "room_id": "r1",
            "room_name": "Hall",
            "users": [ADA_ON_WIRE],
            "metas": {},
        },
    ),
    (messages.JoinDeclined(room_id="r1"), {"type": "JoinToRoom", "result": "Declined", "room_id": "r1"}),
    (
        messages.NewJoinRequest(room_id="r1", user_id="u1", user_type=1),
        {"type": "NewJoinRequest", "room_id": "r1", "user_id": "u1", "user_type": 1},
    ),
    (
        messages.UserDisconnectedFromRoom(user_id="u1", room_id="r1"),
        {"type": "UserDisconnectedFromRoom", "user_id": "u1", "room_id": "r1"},
    ),
    (messages.DisconnectedFromRoom(room_id="r1"), {"type": "DisconnectedFromRoom", "room_id": "r1"}),
    (
        messages.MessageFromRoom(room_id="r1", message={"x": 1}, user_id="u1"),
        {"type": "MessageFromRoom", "room_id": "r1", "message": {"x": 1}, "user_id": "u1"},
    ),
    (
        messages.MessageFromRoom(room_id="r1", message=None),
        {"type": "MessageFromRoom", "room_id": "r1", "message": None},
    ),
    (
        messages.Played(room_id="r1", message=[1], user_id="u1"),
        {"type": "Play", "room_id": "r1", "message": [1], "user_id": "u1"},
    ),
    (messages.RawMessage({"type": "Whatever", "x": [1]}), {"type": "Whatever", "x": [1]}),
]


@pytest.mark.parametrize(("answer", "fields"), ANSWERS)
def test_an_answer_is_its_envelope_and_its_fields(answer, fields):
    assert {"request_id": 7, "status": True, "type": "X", **fields} == answer_document("X", 7, answer)
    assert {"status": True, "type": "X", **fields} == answer_document("X", None, answer)


@pytest.mark.parametrize(("event", "document"), EVENTS)
def test_an_event_has_neither_status_nor_request_id(event, document):
    assert document == event_document(event)


def test_every_answer_and_event_is_in_these_tables():
    assert set(messages.Answer.__value__.__args__) == {type(answer) for answer, _ in ANSWERS}
    assert set(messages.Event.__value__.__args__) == {type(event) for event, _ in EVENTS}


def test_a_failure_says_why_to_people_and_to_programs():
    refusal = Refusal(ErrorCode.ROOM_FULL)

    assert {
        "request_id": 7,
        "status": False,
        "type": "JoinToRoom",
        "error": "Room has max users",
        "code": "room_full",
    } == failure_document("JoinToRoom", 7, refusal)


def test_a_failure_without_type_or_id_has_an_empty_type():
    document = failure_document("", None, WrongFormat("type: required"))

    assert {
        "status": False,
        "type": "",
        "error": "Wrong message format: type: required",
        "code": "wrong_format",
    } == document


def test_who_has_to_wait_is_told_how_long():
    assert 0.25 == failure_document("Me", 1, Refusal(ErrorCode.RATE_LIMITED, retry_after=0.25))["retry_after"]


def test_no_answer_shows_a_token_in_logs():
    shown = repr([answer for answer, _ in ANSWERS[1:4]])

    assert "'t'" not in shown
    assert "UNSET" == repr(UNSET)
