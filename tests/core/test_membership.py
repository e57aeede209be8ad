"""Being in rooms: joining by several sessions, waiting, leaving, succession, kicks and bans."""

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from yummy import model as models
from yummy.constants import UserType
from yummy.core.membership import leave, successor
from yummy.core.values import JoinRequest, Member, Room
from yummy.protocol.messages import Joined, Requested


def join(room_id="room", **fields):
    return models.JoinToRoom(room_id=room_id, **fields)


def admit(user_id, *, status=True):
    return models.ProcessWaitingUser(room_id="room", target_user_id=user_id, status=status)


LEAVE = models.DisconnectFromRoom(room_id="room")


@pytest.fixture
def people(scene):
    """Ada owns a room; Bob and Cid are outside."""
    for name in ("ada", "bob", "cid"):
        scene.user(name)
    scene.room("ada", name="Hall")
    return scene


def test_who_joins_gets_the_room_and_the_others_hear_it(people):
    answer = people.run("bob", join())

    assert Joined("room", "Hall", answer.users, {}) == answer
    assert [("ada", "Ada", 3), ("bob", "Bob", 1)] == [(user.user_id, user.name, user.type) for user in answer.users]
    assert [("UserJoined", ("s-ada",))] == people.sent()
    assert {"result": "Joined"} == people.work.made


def test_a_second_session_is_attached_without_an_event(people):
    people.run("bob", join())
    people.session("s-bob-2", "bob")

    assert "Joined" == people.run("bob", join(), session="s-bob-2").result
    assert [] == people.sent()
    assert ("s-bob", "s-bob-2") == people.world.rooms["room"].sessions_of("bob")
    assert "already_in_room" == people.refused("bob", join(), session="s-bob-2")


def test_a_user_leaves_with_the_last_session(people):
    people.run("bob", join())
    people.session("s-bob-2", "bob")
    people.run("bob", join(), session="s-bob-2")

    people.run("bob", LEAVE)
    assert ({"ada": 3, "bob": 1}, []) == (people.members(), people.sent())
    people.run("bob", LEAVE, session="s-bob-2")

    assert ({"ada": 3}, [("UserDisconnectedFromRoom", ("s-ada",))]) == (people.members(), people.sent())


def test_the_last_one_out_removes_the_room(people):
    people.run("ada", LEAVE)

    assert (None, []) == (people.members(), people.sent())


@pytest.mark.parametrize(
    ("ranks", "heir"),
    [
        ({"ada": 3, "bob": 1, "cid": 1}, "bob"),
        ({"ada": 3, "bob": 1, "cid": 2}, "cid"),
        ({"ada": 3, "bob": 2, "cid": 2}, "bob"),
    ],
)
def test_the_longest_standing_moderator_else_member_inherits(people, ranks, heir):
    people.room(ranks=ranks)

    people.run("ada", LEAVE)

    assert {**{name: rank for name, rank in ranks.items() if name != "ada"}, heir: 3} == people.members()


@given(st.lists(st.sampled_from([1, 2]), min_size=1), st.data())
def test_a_room_has_exactly_one_owner_while_anybody_is_in_it(ranks, data):
    people = {"0": Member(3, ("s0",)), **{str(i): Member(rank, (f"s{i}",)) for i, rank in enumerate(ranks, 1)}}
    room = Room("r", 1, members=people)
    while room is not None:
        assert [3] == [member.rank for member in room.members.values() if member.rank == 3]
        assert successor(room.members) in room.members
        room = leave(room, data.draw(st.sampled_from(list(room.members))))


def test_a_private_room_needs_its_password_but_not_of_its_members(people):
    people.room("ada", access_type=1, password="PASS")

    assert "wrong_password" == people.refused("bob", join())
    assert "wrong_password" == people.refused("bob", join(password="pass"))
    people.run("bob", join(password="PASS"))
    people.session("s-bob-2", "bob")
    people.run("bob", join(), session="s-bob-2")


@pytest.mark.parametrize(
    ("user_type", "asked", "rank"),
    [(1, 3, 1), (1, 2, 1), (2, 1, 1), (2, 2, 2), (2, 3, 2), (3, 3, 2)],
)
def test_a_higher_rank_is_for_those_who_keep_order_on_the_server(people, user_type, asked, rank):
    people.user("eve", UserType(user_type))

    people.run("eve", join(room_user_type=asked))

    assert rank == people.members()["eve"]


@pytest.mark.parametrize("asked", [0, 4, -1])
def test_a_rank_that_is_none_is_refused(people, asked):
    assert "validation" == people.refused("bob", join(room_user_type=asked))


def test_a_full_room_takes_nobody_else(people):
    people.room("ada", max_user=1)
    assert "room_full" == people.refused("bob", join())

    people.settings = attrs.evolve(people.settings, max_users_per_room=1)
    people.room("ada")
    assert "room_full" == people.refused("bob", join())


def test_nobody_is_in_more_rooms_than_allowed(people):
    people.settings = attrs.evolve(people.settings, max_rooms_per_user=1)
    people.room("cid", id="other")
    people.run("bob", join())

    assert "busy" == people.refused("bob", join("other"))
    assert "busy" == people.refused("bob", models.CreateRoom())


@pytest.fixture
def waiting(people):
    """Bob waits to be let into Ada's room."""
    people.room("ada", name="Hall", join_request=True)
    people.run("bob", join())
    return people


def test_who_asks_waits_and_those_in_charge_hear_it(people):
    people.room("ada", "cid", join_request=True)

    assert Requested("room") == people.run("bob", join())
    assert [("NewJoinRequest", ("s-ada",))] == people.sent()
    assert {"result": "Requested"} == people.work.made
    assert "already_requested" == people.refused("bob", join())
    assert {"bob": 1} == people.run("ada", models.WaitingRoomJoins(room_id="room")).users


def test_who_is_let_in_hears_it_and_so_do_the_members(waiting):
    waiting.run("cid", join())
    waiting.run("ada", admit("bob"))

    waiting.run("ada", admit("cid"))

    assert [("UserJoined", ("s-bob",)), ("JoinAccepted", ("s-cid",))] == waiting.sent()
    accepted = waiting.events()[1]
    assert ("Hall", ["ada", "bob", "cid"]) == (accepted.room_name, [user.user_id for user in accepted.users])
    assert "not_waiting" == waiting.refused("ada", admit("cid"))


def test_who_is_declined_hears_it_and_may_ask_again(waiting):
    waiting.run("ada", admit("bob", status=False))

    assert [("JoinDeclined", ("s-bob",))] == waiting.sent()
    assert "Requested" == waiting.run("bob", join()).result


def test_a_request_stays_while_the_room_is_full(waiting):
    waiting.world.put_room("room", attrs.evolve(waiting.world.rooms["room"], max_user=1))

    assert "room_full" == waiting.refused("ada", admit("bob"))
    assert ["bob"] == list(waiting.world.rooms["room"].requests)


def test_a_request_ends_with_its_session(waiting):
    waiting.run("bob", LEAVE)

    assert {} == waiting.world.rooms["room"].requests
    assert "not_in_room" == waiting.refused("bob", LEAVE)


def test_a_member_by_another_session_is_attached_without_news_when_let_in(waiting):
    waiting.session("s-bob-2", "bob")
    waiting.world.put_room("room", attrs.evolve(waiting.world.rooms["room"], join_request=False, max_user=2))
    waiting.run("bob", join(), session="s-bob-2")

    waiting.run("ada", admit("bob"))

    assert ("s-bob-2", "s-bob") == waiting.world.rooms["room"].sessions_of("bob")
    assert [("JoinAccepted", ("s-bob",))] == waiting.sent()


def test_a_session_that_waited_and_came_in_otherwise_waits_no_longer(waiting):
    waiting.session("s-bob-2", "bob")
    waiting.world.put_room("room", attrs.evolve(waiting.world.rooms["room"], join_request=False))
    waiting.run("bob", join(), session="s-bob-2")
    waiting.run("bob", join())

    assert {} == waiting.world.rooms["room"].requests
    assert ("s-bob-2", "s-bob") == waiting.world.rooms["room"].sessions_of("bob")


def test_a_ban_also_ends_a_request(waiting):
    waiting.session("s-bob-2", "bob")
    waiting.world.put_room("room", attrs.evolve(waiting.world.rooms["room"], join_request=False))
    waiting.run("bob", join(), session="s-bob-2")

    waiting.run("ada", models.KickUserFromRoom(room_id="room", target_user_id="bob", ban=True))

    assert "not_waiting" == waiting.refused("ada", admit("bob"))


def test_a_kick_detaches_all_sessions_and_tells_everybody(people):
    people.run("bob", join())
    people.run("cid", join())
    people.session("s-bob-2", "bob")
    people.run("bob", join(), session="s-bob-2")

    people.run("ada", models.KickUserFromRoom(room_id="room", target_user_id="bob"))

    assert [("DisconnectedFromRoom", ("s-bob", "s-bob-2")), ("UserDisconnectedFromRoom", ("s-cid",))] == people.sent()
    assert "Joined" == people.run("bob", join()).result


def test_who_is_banned_cannot_come_back(people):
    people.run("bob", join())
    people.run("ada", models.KickUserFromRoom(room_id="room", target_user_id="bob", ban=True))

    assert "banned" == people.refused("bob", join())


def test_a_message_goes_to_the_others_and_says_who_sent_it(people):
    people.run("bob", join())
    people.session("s-ada-2", "ada")
    people.run("ada", join(), session="s-ada-2")

    people.run("ada", models.Play(room_id="room", message=[1]))

    assert [("Played", ("s-ada-2", "s-bob"))] == people.sent()
    assert ("ada", [1]) == (people.events()[0].user_id, people.events()[0].message)


def test_a_request_of_a_request_is_kept_per_session(waiting):
    waiting.session("s-bob-2", "bob")
    waiting.run("bob", join(), session="s-bob-2")

    assert JoinRequest(1, ("s-bob", "s-bob-2")) == waiting.world.rooms["room"].requests["bob"]
    waiting.run("ada", admit("bob"))
    assert ("s-bob", "s-bob-2") == waiting.world.rooms["room"].sessions_of("bob")
