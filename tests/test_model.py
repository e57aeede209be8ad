"""The models: the table of hooks.md, their accessors, and how a script's changes are put on."""

import weakref

import attrs
import pytest

from yummy import model as models
from yummy.fields import settable_fields
from yummy.model import HOOK_MODELS, HOOK_NAMES, identify, with_changes

BASE = {"user_id", "session_id", "request_id"}

#: The fields of each hook's model, beside those that all have; those in the second set are read-only.
TABLE = {
    "email_auth": ({"email", "password", "if_not_exist_create"}, set()),
    "deviceid_auth": ({"device_id"}, set()),
    "customid_auth": ({"custom_id"}, set()),
    "refresh_token": ({"token"}, set()),
    "restore_token": ({"token"}, set()),
    "logout": (set(), set()),
    "user_connected": (set(), set()),
    "user_disconnected": ({"send_message"}, {"rooms", "reason"}),
    "get_user_information": (set(), {"query_type", "requester_user_id", "value"}),
    "update_user": (
        {"name", "email", "password", "device_id", "custom_id", "user_type", "meta_action", "metas"},
        {"target_user_id"},
    ),
    "create_room": (
        {"name", "description", "join_request", "access_type", "max_user", "metas", "tags"},
        {"room_id"},
    ),
    "update_room": (
        {
            "name",
            "description",
            "join_request",
            "access_type",
            "max_user",
            "meta_action",
            "metas",
            "user_permission",
            "tags",
        },
        {"room_id"},
    ),
    "join_to_room": ({"room_user_type", "password"}, {"room_id", "result"}),
    "process_waiting_user": ({"status"}, {"room_id", "target_user_id"}),
    "kick_user_from_room": ({"ban"}, {"room_id", "target_user_id"}),
    "disconnect_from_room": (set(), {"room_id"}),
    "message_to_room": ({"message"}, {"room_id"}),
    "play": ({"message"}, {"room_id"}),
    "room_list_request": ({"tag", "members", "limit", "cursor"}, set()),
    "waiting_room_joins": (set(), {"room_id"}),
    "get_room_request": ({"members"}, {"room_id"}),
}

#: Accessors that are spelt otherwise than their fields.
OTHER_NAMES = {
    "email_auth": {"create": "if_not_exist_create"},
    "deviceid_auth": {"id": "device_id"},
    "customid_auth": {"id": "custom_id"},
}

#: A value that each required field takes.
VALUES = {"status": True, "message": 1}


def sample(name):
    """A model with as little as it can have."""
    kind = HOOK_MODELS[name]
    required = [field.name for field in attrs.fields(kind) if field.default is attrs.NOTHING]
    return kind(**{field: VALUES.get(field, "text") for field in required})


def test_the_hooks_are_those_of_the_table():
    assert list(TABLE) == list(HOOK_MODELS)
    assert {model: name for name, model in HOOK_MODELS.items()} == HOOK_NAMES


@pytest.mark.parametrize("name", TABLE)
def test_a_model_has_the_fields_of_the_table(name):
    settable, readonly = TABLE[name]
    kind = HOOK_MODELS[name]

    assert BASE | settable | readonly == {field.name for field in attrs.fields(kind)}
    assert settable | {"request_id"} == settable_fields(kind)


@pytest.mark.parametrize("name", TABLE)
def test_every_field_has_its_accessors(name):
    settable, readonly = TABLE[name]
    model = sample(name)

    for field in settable | readonly | BASE:
        assert getattr(model, field) == getattr(model, f"get_{field}")()
    for field in settable | {"request_id"}:
        getattr(model, f"set_{field}")(getattr(model, field))
    for field in readonly | {"user_id", "session_id"}:
        assert not hasattr(model, f"set_{field}")
        with pytest.raises(AttributeError, match="cannot be changed"):
            setattr(model, field, "x")


@pytest.mark.parametrize(
    ("name", "field", "value", "default"),
    [
        ("create_room", "join_request", True, False),
        ("create_room", "access_type", 1, 0),
        ("create_room", "max_user", 4, 0),
        ("create_room", "tags", ["a"], []),
        ("update_room", "meta_action", 1, 0),
        ("update_user", "meta_action", 1, 0),
    ],
)
def test_none_means_left_out_where_a_field_has_a_default(name, field, value, default):
    for put in (
        lambda model, given: getattr(model, f"set_{field}")(given),
        lambda model, given: setattr(model, field, given),
    ):
        model, other = sample(name), sample(name)
        put(model, value)
        assert value == getattr(model, field)
        put(model, None)
        put(other, None)
        assert default == getattr(model, field)
        assert type(default) is type(getattr(model, field))
        if isinstance(default, list):
            assert getattr(model, field) is not getattr(other, field)


@pytest.mark.parametrize(("name", "field"), [("play", "room_id"), ("join_to_room", "room_user_type")])
def test_none_means_nothing_elsewhere(name, field):
    with pytest.raises((TypeError, AttributeError), match=field):
        setattr(sample(name), field, None)


@pytest.mark.parametrize(
    ("name", "other", "field"), [(n, o, f) for n, of in OTHER_NAMES.items() for o, f in of.items()]
)
def test_other_spellings_work_too(name, other, field):
    model = sample(name)
    getattr(model, f"set_{other}")(getattr(model, field))

    assert getattr(model, field) == getattr(model, f"get_{other}")()


@pytest.mark.parametrize("name", TABLE)
def test_a_model_can_be_referenced_weakly_and_hides_its_secrets(name):
    model = sample(name)

    assert model is weakref.ref(model)()
    for secret in {"password", "token"} & {field.name for field in attrs.fields(type(model))}:
        assert f"{secret}=" not in repr(model)


def test_models_do_not_share_their_lists():
    models.CreateRoom().tags.append("x")

    assert [] == models.CreateRoom().tags


def test_a_message_is_from_who_is_identified():
    play = models.Play(room_id="r", message=1)
    identify(play, "u1", "s1")

    assert ("u1", "s1") == (play.user_id, play.session_id)


def test_who_looks_at_a_user_is_the_requester():
    me, other = models.GetUserInformation(), models.GetUserInformation(query_type="User", user_id="u2")
    identify(me, "u1", "s1")
    identify(other, "u1", "s1")

    assert ("u1", None, ("u1", None)) == (me.user_id, me.requester_user_id, me.value)
    assert ("u2", "u1", ("u2", "u1"), "s1") == (other.user_id, other.requester_user_id, other.value, other.session_id)


def test_changes_make_a_copy():
    play = models.Play(room_id="r", message=1, user_id="u1")
    changed = with_changes(play, {"message": 2, "request_id": 5})

    assert (1, 2, 5, "u1", "r") == (
        play.message,
        changed.message,
        changed.request_id,
        changed.user_id,
        changed.room_id,
    )


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"room_id": "x"}, ValueError),
        ({"user_id": "x"}, ValueError),
        ({"no": "x"}, ValueError),
        ({"name": 5}, TypeError),
        ({"tags": [5]}, TypeError),
        ({"metas": {5: 5}}, TypeError),
        ({"max_user": 2**64}, ValueError),
    ],
)
def test_changes_that_do_not_fit_are_refused(changes, error):
    with pytest.raises(error):
        with_changes(models.UpdateRoom(room_id="r"), changes)


def test_what_a_script_sets_is_checked_at_once():
    room = models.CreateRoom()
    with pytest.raises(ValueError, match="max_user: -1 is less than 0"):
        room.set_max_user(-1)
    with pytest.raises(ValueError, match=r"access_type: 9 is none of 0 \(public\), 1 \(private\), 2 \(friend\)"):
        room.access_type = 9
