"""The sample models: one for each hook, and each one that a server would take."""

import attrs
import pytest

from yummy.checking.samples import FIELDS, GUEST, MADE, OTHER, ROOM, SENDER, SESSION, SampleWorld, sample
from yummy.core.rules import RULES
from yummy.core.throttle import Throttles
from yummy.core.tokens import Tokens
from yummy.core.validation import ID_LENGTH, PASSWORD_LENGTH_MAX, email_problem, length_problem
from yummy.core.values import JoinRequest, Session
from yummy.core.work import Common, Work
from yummy.fields import settable_fields
from yummy.model import HOOK_MODELS, CreateRoom
from yummy.protocol.errors import Refusal
from yummy.settings import Settings

#: Accounts are made, or read from the store, before the core runs.
PREPARED = {"email_auth", "deviceid_auth", "customid_auth", "restore_token", "refresh_token", "user_connected"} | {
    "get_user_information",
    "update_user",
}


def test_every_hook_has_a_sample():
    assert FIELDS.keys() == HOOK_MODELS.keys()
    assert MADE.keys() <= FIELDS.keys()


@pytest.mark.parametrize("name", HOOK_MODELS)
def test_a_sample_holds_only_what_its_fields_take(name):
    for model in (sample(name), sample(name, "post", success=False), sample(name, "post", success=True)):
        assert type(model) is HOOK_MODELS[name]
        for field in settable_fields(type(model)):
            value = getattr(model, field)
            setattr(model, field, value)
            assert getattr(model, field) == value


def test_what_the_core_makes_is_there_only_in_post_and_with_success():
    assert sample("create_room").room_id is None
    assert sample("create_room", "post", success=False).room_id is None
    assert sample("create_room", "post", success=True).room_id == ROOM
    assert sample("email_auth").user_id is None
    assert sample("email_auth", "post", success=True).user_id == SENDER


@pytest.mark.parametrize("name", [name for name in HOOK_MODELS if name not in PREPARED])
async def test_the_core_takes_the_sample(name):
    settings = Settings(salt_key="only-for-tests-" * 4)
    world = SampleWorld(settings)
    uow, model = world.uow, sample(name)
    sender = getattr(model, "requester_user_id", None) or model.user_id
    session = Session(SESSION, sender, 1)
    uow.put_session(session)
    room = uow.room(ROOM)
    if name == "process_waiting_user":
        room = room.with_request(GUEST, JoinRequest(1, (SESSION,)))
    elif name == "kick_user_from_room":
        world.follow("join_to_room", model)
        room = uow.room(ROOM)
    elif name == "disconnect_from_room":
        room = room.with_member(OTHER, attrs.evolve(room.members[OTHER], sessions=(SESSION,)))
    uow.put_room(room)
    common = Common(settings, Tokens("x" * 60, 1000), Throttles.of(settings))
    work = Work(uow, common, now=1e6, session=session)
    rule = RULES[type(model)]

    assert rule.run(work, model) is not None


def test_logins_have_the_form_that_the_core_asks_for():
    settings = Settings()
    email = sample("email_auth")
    assert email_problem(email.email) is None
    assert length_problem("password", email.password, settings.password_min_length, PASSWORD_LENGTH_MAX) is None
    assert length_problem("id", sample("deviceid_auth").device_id, *ID_LENGTH) is None
    assert length_problem("id", sample("customid_auth").custom_id, *ID_LENGTH) is None


def test_the_world_follows_those_who_come_and_go():
    world = SampleWorld(Settings())

    def members():
        return [user_id for user_id, _, _ in world.room(ROOM).members]

    assert members() == [SENDER, OTHER]
    world.follow("join_to_room", sample("join_to_room"))
    assert members() == [SENDER, OTHER, GUEST]
    for name in ("kick_user_from_room", "disconnect_from_room", "user_disconnected", "play"):
        world.follow(name, sample(name))
    assert members() == []
    assert (world.user(SENDER).name, world.user("somebody"), world.room("nowhere")) == ("Ada", None, None)


def test_a_room_is_made_as_its_model_says():
    world = SampleWorld(Settings(max_room_meta=1))
    model = sample("create_room")
    world.follow("create_room", model)
    assert world.room(ROOM).metas == {"colour": ("red", 0)}

    model.metas = {"a": 1, "b": 2}
    with pytest.raises(Refusal):
        world.follow("create_room", model)
    with pytest.raises(TypeError):
        world.follow("create_room", sample("play"))
    assert isinstance(model, CreateRoom)
