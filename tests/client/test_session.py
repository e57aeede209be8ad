import pytest

from yummy.client.codec import UndecodableError
from yummy.client.session import Session, rooms_of

ANN = Session("token-1", "ann", "session-1")


@pytest.mark.parametrize("kind", ["AuthEmail", "AuthDeviceId", "AuthCustomId", "RestoreToken"])
def test_a_login_begins_a_session(kind):
    reply = {"type": kind, "token": "token-2", "user_id": "bob", "session_id": "session-2"}
    assert Session("token-2", "bob", "session-2") == ANN.after(reply)


def test_a_new_token_belongs_to_the_same_session():
    assert Session("token-2", "ann", "session-1") == ANN.after({"type": "RefreshToken", "token": "token-2"})


def test_logging_out_ends_it():
    assert Session() == ANN.after({"type": "Logout"})


@pytest.mark.parametrize("kind", ["Me", "", None])
def test_other_answers_leave_it_alone(kind):
    assert ANN == ANN.after({"type": kind, "token": "x", "user_id": "x"})


@pytest.mark.parametrize("kind", ["AuthDeviceId", "RefreshToken"])
@pytest.mark.parametrize("token", [None, 5, b"token"])
def test_without_a_token_there_is_no_session(kind, token):
    with pytest.raises(UndecodableError, match="token"):
        ANN.after({"type": kind, "token": token})


def test_rooms_are_ids():
    assert ("a", "b") == rooms_of({"rooms": ["a", "b"]})
    assert () == rooms_of({"rooms": None}) == rooms_of({})
    with pytest.raises(UndecodableError, match="rooms"):
        rooms_of({"rooms": {"a": 1}})
