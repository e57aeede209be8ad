"""Accounts, sessions and tokens, as a client sees them."""

import argon2
import pytest
import trio
import trio.testing
from harness import connected, log_in, logged_in, promote, running

from yummy.core.work import SetPassword
from yummy.passwords import LANES, MEMORY, PASSES

EMAIL = {"email": "Anna@Example.org", "password": "correct horse"}
UUID_LENGTH = 36


async def test_an_account_is_made_by_email_and_then_logs_in_without_case(encoding):
    async with running() as server, connected(server, encoding) as anna:
        made = await anna.ok("AuthEmail", **EMAIL, create=True)
        assert {"token", "user_id", "session_id"} == made.keys()
        assert UUID_LENGTH == len(made["user_id"])
        again = await anna.ok("AuthEmail", email="ANNA@example.ORG", password=EMAIL["password"])
        assert made["user_id"] == again["user_id"]
        assert made["session_id"] != again["session_id"]


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"email": "nobody@example.org", "password": "correct horse"}, "invalid_credentials"),
        ({"email": "anna@example.org", "password": "wrong horse"}, "invalid_credentials"),
        ({"email": "anna@example.org", "password": "wrong horse", "create": True}, "invalid_credentials"),
        ({"email": "no address", "password": "correct horse"}, "validation"),
        ({"email": "anna@example.org", "password": "short"}, "validation"),
        ({"email": "anna@example.org"}, "wrong_format"),
        ({"email": "anna@example.org", "password": 12345678}, "wrong_format"),
    ],
)
async def test_a_login_by_email_is_refused(encoding, fields, code):
    async with running() as server, connected(server, encoding) as anna:
        await anna.ok("AuthEmail", **EMAIL, create=True)
        assert code == await anna.refused("AuthEmail", **fields)


async def test_unknown_address_and_wrong_password_are_answered_alike(encoding):
    async with running() as server, connected(server, encoding) as anna:
        await anna.ok("AuthEmail", **EMAIL, create=True)
        unknown = await anna.call("AuthEmail", email="nobody@example.org", password="wrong horse")
        wrong = await anna.call("AuthEmail", email=EMAIL["email"], password="wrong horse")
        assert (
            unknown
            == wrong
            == {
                "status": False,
                "error": "Email and/or password not valid",
                "code": "invalid_credentials",
            }
        )


async def test_guesses_at_once_are_as_few_as_one_after_another(encoding):
    async with running(login_failures_per_minute=2) as server, connected(server, encoding) as anna:
        await anna.ok("AuthEmail", **EMAIL, create=True)
        answers = []

        async def guess():
            async with connected(server, encoding) as player:
                answers.append(await player.call("AuthEmail", email=EMAIL["email"], password="wrong horse"))

        async with trio.open_nursery() as nursery:
            for _ in range(5):
                nursery.start_soon(guess)
        assert sorted(answer["code"] for answer in answers) == ["invalid_credentials"] * 2 + ["rate_limited"] * 3
        assert all(0 < answer["retry_after"] <= 60 for answer in answers if answer["code"] == "rate_limited")
        assert await anna.refused("AuthEmail", **EMAIL) == "rate_limited"


async def test_all_problems_of_a_login_are_named_one_a_line(encoding):
    async with running() as server, connected(server, encoding) as anna:
        answer = await anna.call("AuthEmail", email="x", password="y")
        assert answer["error"].splitlines() == [
            "email: Email address is not valid",
            "password: Length should be between 8 to 128 chars",
        ]


@pytest.mark.parametrize("type_", ["AuthDeviceId", "AuthCustomId"])
async def test_an_id_makes_an_account_at_first_sight(encoding, type_):
    async with running() as server, connected(server, encoding) as anna:
        first = await anna.ok(type_, id="some-device")
        second = await anna.ok(type_, id="some-device")
        assert first["user_id"] == second["user_id"]
        answer = await anna.call(type_, id="short")
        assert answer["error"] == "id: Length should be between 8 to 128 chars"


async def test_two_first_logins_at_once_make_one_account():
    async with running() as server, connected(server) as anna, connected(server) as bert:
        found = []

        async def enter(player):
            found.append((await player.ok("AuthDeviceId", id="the-same-device"))["user_id"])

        async with trio.open_nursery() as nursery:
            nursery.start_soon(enter, anna)
            nursery.start_soon(enter, bert)
        assert found[0] == found[1]


async def test_a_failed_login_leaves_the_session_as_it_was(encoding):
    async with running() as server, logged_in(server, "anna", encoding) as anna:
        room = (await anna.ok("CreateRoom"))["room_id"]
        assert await anna.refused("AuthEmail", email="a@b.cd", password="wrong horse") == "invalid_credentials"
        assert (await anna.ok("GetRoom", room_id=room, members=[4]))["user-length"] == 1


async def test_a_login_on_the_same_connection_ends_the_earlier_session(encoding):
    async with running() as server, logged_in(server, "anna") as anna, logged_in(server, "bert", encoding) as bert:
        room = (await anna.ok("CreateRoom"))["room_id"]
        await bert.ok("JoinToRoom", room_id=room)
        earlier = bert.user_id
        await log_in(bert, "carl")
        await anna.event("JoinToRoom")
        assert await anna.event("UserDisconnectedFromRoom") == {"user_id": earlier, "room_id": room}


@pytest.mark.parametrize(
    "type_",
    [
        "Me",
        "CreateRoom",
        "RoomList",
    ],
)
async def test_who_has_not_logged_in_is_refused(encoding, type_):
    async with running() as server, connected(server, encoding) as stranger:
        assert await stranger.refused(type_) == "not_authenticated"


async def test_a_token_is_refreshed_and_authenticates_nobody(encoding):
    async with running() as server, logged_in(server, "anna") as anna, connected(server, encoding) as other:
        fresh = (await other.ok("RefreshToken", token=anna.token))["token"]
        assert await other.refused("Me") == "not_authenticated"
        assert (await other.ok("RefreshToken", token=fresh)).keys() == {"token"}
        assert (await other.ok("RefreshToken", token=anna.token)).keys() == {"token"}
        assert await other.refused("RefreshToken", token="nonsense") == "invalid_token"


async def test_a_lost_session_is_restored_with_its_rooms(encoding):
    async with running() as server, logged_in(server, "anna") as anna:
        room = (await anna.ok("CreateRoom"))["room_id"]
        async with logged_in(server, "bert", encoding) as bert:
            await bert.ok("JoinToRoom", room_id=room)
            await anna.event("JoinToRoom")
        await trio.testing.wait_all_tasks_blocked(0.01)
        async with connected(server, encoding) as back:
            restored = await back.ok("RestoreToken", token=bert.token)
            assert restored.pop("token")
            assert restored == {
                "user_id": bert.user_id,
                "session_id": bert.session_id,
                "restored": True,
                "rooms": [room],
            }
            await anna.ok("MessageToRoom", room_id=room, message="still there?")
            assert (await back.event("MessageFromRoom"))["message"] == "still there?"
            await anna.silent()


async def test_after_the_window_a_new_session_begins(encoding):
    async with running(connection_restore_wait_timeout=0) as server, logged_in(server, "anna") as anna:
        room = (await anna.ok("CreateRoom"))["room_id"]
        async with logged_in(server, "bert", encoding) as bert:
            await bert.ok("JoinToRoom", room_id=room)
            await anna.event("JoinToRoom")
        assert await anna.event("UserDisconnectedFromRoom") == {"user_id": bert.user_id, "room_id": room}
        async with connected(server, encoding) as back:
            restored = await back.ok("RestoreToken", token=bert.token)
            assert restored["restored"] is False
            assert restored["rooms"] == []
            assert restored["session_id"] != bert.session_id
            assert (await back.ok("Me"))["id"] == bert.user_id


async def test_restoring_takes_a_session_over_from_a_connection_that_is_still_open(encoding):
    async with running() as server, logged_in(server, "anna", encoding) as anna, connected(server) as other:
        assert (await other.ok("RestoreToken", token=anna.token))["restored"] is True
        assert await anna.close_code() == 4003
        assert (await other.ok("Me"))["id"] == anna.user_id


async def test_restoring_ones_own_session_changes_nothing(encoding):
    async with running() as server, logged_in(server, "anna", encoding) as anna:
        restored = await anna.ok("RestoreToken", token=anna.token)
        assert (restored["restored"], restored["session_id"]) == (True, anna.session_id)
        assert (await anna.ok("Me"))["id"] == anna.user_id


async def test_logout_ends_session_and_token(encoding):
    async with running() as server, logged_in(server, "anna") as anna, logged_in(server, "bert", encoding) as bert:
        room = (await anna.ok("CreateRoom"))["room_id"]
        await bert.ok("JoinToRoom", room_id=room)
        assert await bert.ok("Logout") == {}
        await anna.event("JoinToRoom")
        await anna.event("UserDisconnectedFromRoom")
        assert await bert.refused("Logout") == "not_logged_in"
        assert await bert.refused("Me") == "not_authenticated"
        assert await bert.refused("RestoreToken", token=bert.token) == "invalid_token"
        assert await bert.refused("RefreshToken", token=bert.token) == "invalid_token"


async def test_tokens_of_a_logout_stay_dead_after_a_restart(tmp_path):
    database = {"database_path": tmp_path / "yummy.db"}
    async with running(**database) as server, logged_in(server, "anna") as anna:
        await anna.ok("Logout")
    async with running(**database) as server, connected(server) as back:
        assert await back.refused("RestoreToken", token=anna.token) == "invalid_token"


async def test_a_token_outlives_a_restart_of_the_server(tmp_path):
    database = {"database_path": tmp_path / "yummy.db"}
    async with running(**database) as server, logged_in(server, "anna") as anna:
        pass
    async with running(**database) as server, connected(server) as back:
        restored = await back.ok("RestoreToken", token=anna.token)
        assert (restored["user_id"], restored["restored"]) == (anna.user_id, False)


async def test_me_and_getuser_show_what_each_may_see(encoding):
    async with running() as server, logged_in(server, "anna", encoding) as anna, logged_in(server, "bert") as bert:
        await anna.ok(
            "UpdateUser",
            name="Anna",
            email="anna@example.org",
            password="correct horse",
            metas={"open": 1, "mine": {"access": 3, "value": [1.5, "x", True, None]}},
        )
        me = await anna.ok("Me")
        assert me.pop("insert_date") <= me.pop("last_login_date")
        assert me == {
            "id": anna.user_id,
            "name": "Anna",
            "email": "anna@example.org",
            "device_id": "device-of-anna",
            "custom_id": None,
            "metas": {"open": 1, "mine": [1.5, "x", True, None]},
            "user_type": 1,
            "online": True,
        }
        seen = await bert.ok("GetUser", user_id=anna.user_id)
        assert (seen["email"], seen["device_id"], seen["metas"]) == (None, None, {"open": 1})
        assert await bert.refused("GetUser", user_id="nobody") == "user_not_found"
        await promote(server, bert, 2)
        seen = await bert.ok("GetUser", user_id=anna.user_id)
        assert (seen["email"], seen["metas"]) == ("anna@example.org", me["metas"])


async def test_getuser_of_somebody_offline(encoding):
    async with running(connection_restore_wait_timeout=0) as server, logged_in(server, "anna", encoding) as anna:
        async with logged_in(server, "bert") as bert:
            await bert.ok("UpdateUser", name="Bert")
            await bert.ok("Logout")
        seen = await anna.ok("GetUser", user_id=bert.user_id)
        assert (seen["name"], seen["online"]) == ("Bert", False)


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({}, "update_missing"),
        ({"email": "no address"}, "validation"),
        ({"password": "short"}, "validation"),
        ({"device_id": "short"}, "validation"),
        ({"name": "n" * 65}, "validation"),
        ({"user_type": 3}, "no_permission"),
        ({"metas": {"k": {"access": 4, "value": 1}}}, "meta_access"),
        ({"metas": {str(n): n for n in range(11)}}, "meta_limit"),
        ({"metas": {"k": {"a": "map"}}}, "validation"),
        ({"metas": "none"}, "wrong_format"),
        ({"meta_action": 7}, "validation"),
    ],
)
async def test_an_update_is_refused(encoding, fields, code):
    async with running() as server, logged_in(server, "anna", encoding) as anna:
        assert code == await anna.refused("UpdateUser", **fields)


async def test_only_an_admin_changes_others_and_types(encoding):
    async with running() as server, logged_in(server, "anna", encoding) as anna, logged_in(server, "bert") as bert:
        assert await anna.refused("UpdateUser", target_user_id=bert.user_id, name="x") == "no_permission"
        await promote(server, anna, 3)
        await anna.ok("UpdateUser", target_user_id=bert.user_id, name="Bertram", user_type=2)
        me = await bert.ok("Me")
        assert (me["name"], me["user_type"]) == ("Bertram", 2)
        assert await anna.refused("UpdateUser", target_user_id="nobody", name="x") == "user_not_found"


async def test_names_of_accounts_are_unique_and_an_email_stays(encoding):
    async with running() as server, logged_in(server, "anna", encoding) as anna, logged_in(server, "bert") as bert:
        await bert.ok("UpdateUser", email="bert@example.org", custom_id="custom-of-bert")
        for fields in (
            {"email": "BERT@example.org"},
            {"custom_id": "custom-of-bert"},
            {"device_id": "device-of-bert"},
        ):
            answer = await anna.call("UpdateUser", **fields)
            assert answer["code"] == "identity_taken"
            assert answer["error"] == f"{next(iter(fields))}: already in use"
        assert await bert.refused("UpdateUser", email="other@example.org") == "email_fixed"
        assert await bert.refused("UpdateUser", email="") == "email_fixed"
        await bert.ok("UpdateUser", email="Bert@Example.org", custom_id="", name="")
        me = await bert.ok("Me")
        assert (me["email"], me["custom_id"], me["name"]) == ("bert@example.org", None, None)


async def test_metadata_of_users_is_added_replaced_and_removed(encoding):
    async with running() as server, logged_in(server, "anna", encoding) as anna:

        async def update(**fields):
            await anna.ok("UpdateUser", **fields)
            return (await anna.ok("Me"))["metas"]

        assert await update(metas={"a": 1, "b": 2}) == {"a": 1, "b": 2}
        assert await update(metas={"b": 3, "a": None}) == {"b": 3}
        assert await update(metas={"c": 4}, meta_action=1) == {"c": 4}
        assert await update(meta_action=2) == {}


async def test_a_new_password_ends_all_other_sessions(encoding):
    async with running() as server, connected(server, encoding) as anna, connected(server) as elsewhere:
        await anna.ok("AuthEmail", **EMAIL, create=True)
        other = await elsewhere.ok("AuthEmail", **EMAIL)
        await anna.ok("UpdateUser", password="another horse")
        assert await elsewhere.close_code() == 1008
        assert await anna.refused("RefreshToken", token=other["token"]) == "invalid_token"
        assert (await anna.ok("Me"))["email"] == EMAIL["email"].lower()
        await anna.ok("AuthEmail", email=EMAIL["email"], password="another horse")


async def test_a_login_renews_a_hash_of_old_parameters(encoding):
    old = argon2.PasswordHasher(time_cost=1, memory_cost=8, parallelism=1).hash(EMAIL["password"])
    async with running() as server, connected(server, encoding) as anna:
        user_id = (await anna.ok("AuthEmail", **EMAIL, create=True))["user_id"]
        await anna.ok("Logout")
        server.database.write([SetPassword(user_id, old)])

        def stored():
            return server.database.load_accounts([user_id])[0].password_hash

        assert await anna.refused("AuthEmail", email=EMAIL["email"], password="wrong horse") == "invalid_credentials"
        assert stored() == old
        await anna.ok("AuthEmail", **EMAIL)
        renewed = stored()
        parameters = argon2.extract_parameters(renewed)
        assert (parameters.time_cost, parameters.memory_cost, parameters.parallelism) == (PASSES, MEMORY, LANES)
        await anna.ok("AuthEmail", **EMAIL)
        assert stored() == renewed
        assert await anna.refused("AuthEmail", email=EMAIL["email"], password="wrong horse") == "invalid_credentials"


@pytest.mark.parametrize("by", ["oneself", "an admin"])
async def test_tokens_of_an_old_password_stay_dead_after_a_restart(tmp_path, by):
    database = {"database_path": tmp_path / "yummy.db"}
    async with running(**database) as server, connected(server) as anna, connected(server) as elsewhere:
        mine = await anna.ok("AuthEmail", **EMAIL, create=True)
        other = await elsewhere.ok("AuthEmail", **EMAIL)
        fresh = await elsewhere.ok("RefreshToken", token=other["token"])
        if by == "oneself":
            await anna.ok("UpdateUser", password="another horse")
            dead, alive = [other["token"], fresh["token"]], [mine["token"]]
        else:
            async with logged_in(server, "root") as root:
                await promote(server, root, 3)
                await root.ok("UpdateUser", target_user_id=mine["user_id"], password="another horse")
            dead, alive = [mine["token"], other["token"], fresh["token"]], []
        assert [await refusal_of(server, token) for token in dead] == ["invalid_token"] * len(dead)
    async with running(**database) as server:
        assert [await refusal_of(server, token) for token in dead] == ["invalid_token"] * len(dead)
        assert [await refusal_of(server, token) for token in alive] == [None] * len(alive)


async def refusal_of(server, token):
    """The code with which a token is refused; None if it works."""
    async with connected(server) as back:
        refreshed, restored = await back.call("RefreshToken", token=token), await back.call("RestoreToken", token=token)
        assert refreshed.get("code") == restored.get("code")
        return restored.get("code")


async def test_a_script_cannot_be_told_by_a_client_who_sent_a_message(encoding):
    async with running() as server, logged_in(server, "anna", encoding) as anna:
        me = await anna.ok("Me", user_id="somebody else", session_id="another")
        assert me["id"] == anna.user_id
