"""Requests: every type on the wire with its fields, strictly typed."""

import json

import attrs
import msgpack
import pytest

from yummy import model as models
from yummy.protocol.codec import Encoding
from yummy.protocol.errors import WrongFormat
from yummy.protocol.requests import WIRE, parse

METAS = {"score": 1, "note": {"access": 2, "value": ["a", [1.5, None, True]]}}

#: Every request: what is sent, and what the model holds where the names differ.
EVERY = {
    "AuthEmail": (
        {"email": "a@b.io", "password": "12345678", "create": True},
        {"email": "a@b.io", "password": "12345678", "if_not_exist_create": True},
    ),
    "AuthDeviceId": ({"id": "device-01"}, {"device_id": "device-01"}),
    "AuthCustomId": ({"id": "custom-01"}, {"custom_id": "custom-01"}),
    "RefreshToken": ({"token": "t"}, None),
    "RestoreToken": ({"token": "t"}, None),
    "Logout": ({}, None),
    "Me": ({}, {"query_type": "Me", "user_id": None}),
    "GetUser": ({"user_id": "u2"}, {"query_type": "User", "user_id": "u2"}),
    "UpdateUser": (
        {
            "target_user_id": "u2",
            "name": "Ada",
            "email": "a@b.io",
            "password": "12345678",
            "device_id": "device-01",
            "custom_id": "custom-01",
            "user_type": 2,
            "metas": METAS,
            "meta_action": 1,
        },
        None,
    ),
    "CreateRoom": (
        {
            "name": "Hall",
            "description": "big",
            "access_type": 1,
            "join_request": True,
            "max_user": 4,
            "tags": ["x"],
            "metas": METAS,
        },
        None,
    ),
    "JoinToRoom": ({"room_id": "r", "room_user_type": 2, "password": "PASS"}, None),
    "WaitingRoomJoins": ({"room_id": "r"}, None),
    "ProcessWaitingUser": (
        {"room_id": "r", "user_id": "u2", "status": False},
        {"room_id": "r", "target_user_id": "u2", "status": False},
    ),
    "RoomDisconnect": ({"room_id": "r"}, None),
    "KickUserFromRoom": ({"room_id": "r", "user_id": "u2"}, {"room_id": "r", "target_user_id": "u2", "ban": False}),
    "BanUserFromRoom": ({"room_id": "r", "user_id": "u2"}, {"room_id": "r", "target_user_id": "u2", "ban": True}),
    "MessageToRoom": ({"room_id": "r", "message": {"any": [1, None]}}, None),
    "Play": ({"room_id": "r", "message": None}, None),
    "RoomList": ({"tag": "x", "members": [0, 10], "limit": 5, "cursor": "c"}, None),
    "GetRoom": ({"room_id": "r", "members": [1]}, None),
    "UpdateRoom": (
        {
            "room_id": "r",
            "name": "Hall",
            "description": "big",
            "join_request": False,
            "access_type": 0,
            "max_user": 0,
            "tags": [],
            "metas": METAS,
            "meta_action": 2,
            "user_permission": {"u2": 3},
        },
        None,
    ),
}

#: What a field is when it is left out or null.
DEFAULTS = {
    "AuthEmail": {"create": False},
    "UpdateUser": {
        "target_user_id": None,
        "name": None,
        "email": None,
        "password": None,
        "device_id": None,
        "custom_id": None,
        "user_type": None,
        "metas": None,
        "meta_action": 0,
    },
    "CreateRoom": {
        "name": None,
        "description": None,
        "access_type": 0,
        "join_request": False,
        "max_user": 0,
        "tags": [],
        "metas": None,
    },
    "JoinToRoom": {"room_user_type": 1, "password": None},
    "RoomList": {"tag": None, "members": [], "limit": 100, "cursor": None},
    "GetRoom": {"members": []},
    "UpdateRoom": {
        "name": None,
        "description": None,
        "join_request": None,
        "access_type": None,
        "max_user": None,
        "tags": None,
        "metas": None,
        "meta_action": 0,
        "user_permission": None,
    },
}


def read(type_, fields, *, max_depth=32, **more):
    return parse(msgpack.packb({"type": type_, **fields, **more}), max_depth=max_depth)


def values(model, names):
    return {name: getattr(model, name) for name in names}


def test_the_table_is_complete():
    assert set(EVERY) == set(WIRE)


@pytest.mark.parametrize("type_", EVERY)
def test_every_request_is_read_from_both_encodings(type_):
    sent, held = EVERY[type_]
    held = sent if held is None else held

    packed = read(type_, sent, request_id=7)
    text = parse(json.dumps({"type": type_, "request_id": 7, **sent}), max_depth=32)

    assert (type_, 7, Encoding.MSGPACK) == (packed.type, packed.request_id, packed.encoding)
    assert (type_, 7, Encoding.JSON) == (text.type, text.request_id, text.encoding)
    assert held == values(packed.model, held)
    assert held == values(text.model, held)
    assert 7 == packed.model.request_id
    assert (None if type_ != "GetUser" else "u2", None) == (packed.model.user_id, packed.model.session_id)


@pytest.mark.parametrize("type_", EVERY)
def test_null_counts_as_left_out(type_):
    sent, held = EVERY[type_]
    optional = DEFAULTS.get(type_, {})
    required = {name: value for name, value in sent.items() if name not in optional}
    renamed = dict(zip(sent, held or sent, strict=False)) if type_ == "AuthEmail" else {name: name for name in sent}
    expected = {renamed[name]: value for name, value in optional.items()}

    left_out = read(type_, required)
    null = read(type_, required, **dict.fromkeys(optional), request_id=None)

    assert expected == values(left_out.model, expected) == values(null.model, expected)
    assert null.request_id is None


@pytest.mark.parametrize(
    ("type_", "name"),
    [(type_, name) for type_, (sent, _) in EVERY.items() for name in sent if name not in DEFAULTS.get(type_, {})],
)
def test_a_required_field_that_is_missing_or_null_is_named(type_, name):
    fields = dict(EVERY[type_][0])
    del fields[name]
    with pytest.raises(WrongFormat, match=f"Wrong message format: {name}: required"):
        read(type_, fields)

    if name != "message":
        with pytest.raises(WrongFormat, match=r"expected"):
            read(type_, fields, **{name: None})


@pytest.mark.parametrize(
    ("type_", "name", "value", "problem"),
    [
        ("AuthEmail", "email", 5, "expected text, got int 5"),
        ("AuthEmail", "email", b"a@b.io", "expected text, got bytes"),
        ("AuthEmail", "create", "no", "expected true or false, got str 'no'"),
        ("AuthEmail", "create", 1, "expected true or false, got int 1"),
        ("RefreshToken", "token", ["t"], "expected text, got list"),
        ("UpdateUser", "user_type", 1.0, "expected an integer, got float 1.0"),
        ("UpdateUser", "user_type", True, "expected an integer, got bool True"),
        ("UpdateUser", "meta_action", "1", "expected an integer, got str '1'"),
        ("UpdateUser", "metas", [], "expected a map with text keys, got list"),
        ("UpdateUser", "metas", 5, "expected a map with text keys, got int 5"),
        ("CreateRoom", "max_user", 1.9, "expected an integer, got float 1.9"),
        ("CreateRoom", "max_user", 5.0, "expected an integer, got float 5.0"),
        ("CreateRoom", "tags", "x", "expected a list of texts, got str 'x'"),
        ("CreateRoom", "tags", ["x", 1], "expected a list of texts"),
        ("CreateRoom", "join_request", 0, "expected true or false, got int 0"),
        ("JoinToRoom", "room_id", 1, "expected text, got int 1"),
        ("ProcessWaitingUser", "status", "true", "expected true or false, got str 'true'"),
        ("RoomList", "members", {"0": 1}, "expected a list of integers"),
        ("RoomList", "members", ["0"], "expected a list of integers"),
        ("RoomList", "members", [True], "expected a list of integers"),
        ("RoomList", "limit", "5", "expected an integer"),
        ("UpdateRoom", "user_permission", ["u2"], "expected a map from user ids to ranks"),
        ("UpdateRoom", "user_permission", {"u2": "3"}, "expected a map from user ids to ranks"),
        ("UpdateRoom", "user_permission", {"u2": True}, "expected a map from user ids to ranks"),
        ("UpdateRoom", "metas", {"k": b"x"}, "bytes are not allowed here"),
    ],
)
def test_types_are_strict(type_, name, value, problem):
    with pytest.raises(WrongFormat, match=problem) as caught:
        read(type_, {**EVERY[type_][0], name: value}, request_id=3)

    assert ("wrong_format", type_, 3) == (caught.value.code, caught.value.type, caught.value.request_id)
    assert name in caught.value.error


@pytest.mark.parametrize(
    ("type_", "field"),
    [
        ("CreateRoom", '"tags": ["\\ud800"]'),
        ("CreateRoom", '"name": "\\ud800"'),
        ("CreateRoom", '"metas": {"\\ud800": 1}'),
        ("CreateRoom", '"max_user": 18446744073709551616'),
        ("UpdateRoom", '"room_id": "r", "user_permission": {"\\ud800": 1}'),
        ("UpdateRoom", '"room_id": "r", "user_permission": {"u2": 18446744073709551616}'),
        ("GetRoom", '"room_id": "r", "members": [18446744073709551616]'),
        ("GetRoom", '"room_id": "r", "members": [-9223372036854775809]'),
    ],
)
def test_what_msgpack_could_not_carry_on_is_refused_in_json(type_, field):
    with pytest.raises(WrongFormat):
        parse(f'{{"type": "{type_}", {field}}}', max_depth=32)


def test_all_fields_that_are_missing_are_named_at_once():
    with pytest.raises(WrongFormat) as caught:
        read("AuthEmail", {})

    assert "Wrong message format: email: required; password: required" == caught.value.error


def test_a_secret_is_not_repeated():
    with pytest.raises(WrongFormat) as caught:
        read("AuthEmail", {"email": "a@b.io", "password": 987654321})

    assert "987654321" not in caught.value.error


@pytest.mark.parametrize(
    ("document", "type_", "request_id"),
    [
        ({"type": "Nope", "request_id": 3}, "", 3),
        ({"request_id": 3}, "", 3),
        ({"type": 5, "request_id": 3}, "", 3),
        ({"type": "Me", "request_id": "3"}, "Me", None),
        ({"type": "Me", "request_id": 3.0}, "Me", None),
        ({"type": "Me", "request_id": True}, "Me", None),
        ({"type": "AuthDeviceId", "request_id": 2**64 - 1}, "AuthDeviceId", 2**64 - 1),
        ({"type": "AuthDeviceId", "request_id": -(2**63)}, "AuthDeviceId", -(2**63)),
    ],
)
def test_type_and_id_are_echoed_where_they_can_be_read(document, type_, request_id):
    with pytest.raises(WrongFormat) as caught:
        parse(msgpack.packb(document), max_depth=32)

    assert (type_, request_id) == (caught.value.type, caught.value.request_id)


def test_an_id_that_cannot_be_echoed_is_refused():
    with pytest.raises(WrongFormat) as caught:
        parse('{"type": "Me", "request_id": 18446744073709551616}', max_depth=32)

    assert caught.value.request_id is None


@pytest.mark.parametrize(
    ("fields", "problem"),
    [
        ('"room_id": "r"', "request_id: the integer is out of range (-2^63 to 2^64-1)"),
        ('"room_id": 5', "room_id: expected text, got int 5"),
        ("", "room_id: required"),
    ],
)
def test_what_is_wrong_with_the_fields_is_said_before_that_the_id_is_out_of_range(fields, problem):
    fields = ", ".join(filter(None, ['"type": "GetRoom"', '"request_id": 18446744073709551616', fields]))
    with pytest.raises(WrongFormat) as caught:
        parse(f"{{{fields}}}", max_depth=32)

    assert f"Wrong message format: {problem}" == caught.value.error


def test_what_is_wrong_with_plain_data_is_said_before_what_is_missing():
    with pytest.raises(WrongFormat) as caught:
        read("Play", {"message": [[[1]]]}, max_depth=2)

    assert "Wrong message format: message: nested too deeply" == caught.value.error


def test_unknown_fields_are_ignored_and_no_client_can_say_who_it_is():
    spoofed = {"user_id": "u9", "session_id": "s9", "ban": True, "result": "Joined", "requester_user_id": "u9"}
    model = read("JoinToRoom", {"room_id": "r", "colour": "red", **spoofed}).model

    assert (None, None, None) == (model.user_id, model.session_id, model.result)
    assert not hasattr(model, "colour")


def test_no_client_can_choose_the_fields_that_the_server_fills():
    assert read("KickUserFromRoom", {"room_id": "r", "user_id": "u2", "ban": True}).model.ban is False
    assert read("CreateRoom", {"room_id": "r9"}).model.room_id is None
    assert "Me" == read("Me", {"query_type": "User", "user_id": "u9"}).model.query_type


def test_only_logging_in_and_out_may_come_without_authentication():
    anonymous = {type_ for type_, wire in WIRE.items() if wire.anonymous}

    assert anonymous == {"AuthEmail", "AuthDeviceId", "AuthCustomId", "RefreshToken", "RestoreToken", "Logout"}


def test_every_model_but_those_of_the_server_s_own_comes_from_the_wire():
    own = {models.UserConnected, models.UserDisconnected}

    assert set(models.HOOK_MODELS.values()) - own == {wire.model for wire in WIRE.values()}
    assert all(attrs.has(model) for model in own)
