"""Sessions: how they begin, go on elsewhere, and end. What the store says is given as facts."""

import attrs
import pytest

from yummy import model as models
from yummy.core.accounts import LoginFacts
from yummy.core.sessions import TokenFacts
from yummy.core.values import Account
from yummy.core.work import Bind, SessionEnded, SessionRecord

DEVICE = models.DeviceIdAuth(device_id="device-01")
RESTORE = models.RestoreToken(token="t")
ADA = Account("ada", 1, name="Ada")


@pytest.fixture
def rooms(scene):
    """Ada and Bob are in a room."""
    scene.user("ada")
    scene.user("bob")
    scene.room("ada", "bob")
    return scene


def login(scene, sender=None, account=ADA, **fields):
    return scene.run(sender, DEVICE, facts=LoginFacts(account), connection=7, **fields)


def test_a_login_begins_a_session_on_its_connection(scene):
    answer = login(scene)
    session = scene.world.sessions[answer.session_id]

    assert ("ada", 7) == (session.user_id, session.connection)
    assert [Bind(7, session.id)] == scene.staged(Bind)
    assert [SessionRecord(session.id, "ada", int(scene.now) + 1000)] == scene.staged(SessionRecord)
    assert int(scene.now) == scene.world.accounts["ada"].last_login_date
    assert {"user_id": "ada", "session_id": session.id} == scene.work.made
    assert ("ada", session.id) == (scene.work.begun.user_id, scene.work.begun.session_id)
    assert session.id == scene.tokens.read(answer.token, scene.now).session_id


def test_a_first_login_makes_the_account(scene):
    answer = scene.run(None, DEVICE, facts=LoginFacts(None, Account("new", 1)), connection=7)

    assert ("new", "new") == (answer.user_id, scene.world.accounts["new"].id)


def test_a_login_that_found_nobody_is_refused(scene):
    assert "invalid_credentials" == scene.refused(None, DEVICE, facts=LoginFacts(None))


def test_a_login_over_a_session_ends_it_and_the_rooms_are_told_afterwards(rooms):
    login(rooms, "ada", account=Account("eve", 1))

    assert ({"bob": 3}, []) == (rooms.members(), rooms.sent())
    (ended,) = rooms.staged(SessionEnded)
    assert ("s-ada", ("room",), "login") == (ended.session.id, ended.rooms, ended.reason)
    assert "s-ada" not in rooms.world.sessions
    assert "ada" not in rooms.world.accounts


def test_a_login_takes_the_user_s_type_from_the_store_where_operators_change_it(rooms):
    login(rooms, account=attrs.evolve(ADA, user_type=3))

    assert 3 == rooms.world.accounts["ada"].user_type


def test_sessions_of_a_user_are_bounded(rooms):
    rooms.settings = attrs.evolve(rooms.settings, max_sessions_per_user=1)

    assert "busy" == rooms.refused(None, DEVICE, facts=LoginFacts(ADA))
    login(rooms, "ada")


def test_a_restored_session_keeps_its_rooms(rooms):
    answer = rooms.run(None, RESTORE, facts=TokenFacts("s-ada", "ada"), connection=7)

    assert (True, "s-ada", ["room"]) == (answer.restored, answer.session_id, answer.rooms)
    assert 7 == rooms.world.sessions["s-ada"].connection
    assert [Bind(7, "s-ada")] == rooms.staged(Bind)
    assert (None, {"ada": 3, "bob": 1}) == (rooms.work.begun, rooms.members())


def test_a_session_that_is_over_is_restored_as_a_new_one(rooms):
    rooms.run("ada", models.Logout())

    rooms.user("ada")
    answer = rooms.run(None, RESTORE, facts=TokenFacts("gone", "ada"), connection=7)

    assert (False, []) == (answer.restored, answer.rooms)
    assert "gone" != answer.session_id
    assert rooms.work.begun is not None


def test_restoring_over_another_session_ends_that_one(rooms):
    rooms.run("bob", RESTORE, facts=TokenFacts("s-ada", "ada"), connection=7)

    assert ["s-bob"] == [ended.session.id for ended in rooms.staged(SessionEnded)]
    assert {"ada": 3} == rooms.members()


def test_a_refreshed_token_is_of_the_same_session(rooms):
    answer = rooms.run(None, models.RefreshToken(token="t"), facts=TokenFacts("s-ada", "ada"))

    assert "s-ada" == rooms.tokens.read(answer.token, rooms.now).session_id
    assert [] == rooms.staged(Bind)


def test_a_logout_ends_the_session_and_its_tokens(rooms):
    rooms.run("ada", models.Logout())

    (record,) = rooms.staged(SessionRecord)
    assert ("s-ada", True) == (record.session_id, record.ended)
    assert ["logout"] == [ended.reason for ended in rooms.staged(SessionEnded)]
    assert "not_logged_in" == rooms.refused(None, models.Logout())


def gone(**fields):
    return models.UserDisconnected(user_id="ada", session_id="s-ada", rooms=("room", "gone"), **fields)


def test_the_farewell_tells_the_members_left_behind(rooms):
    rooms.run("ada", models.Logout())

    rooms.run(None, gone())
    assert [("UserDisconnectedFromRoom", ("s-bob",))] == rooms.sent()
    rooms.run(None, gone(send_message=False))
    assert [] == rooms.sent()
