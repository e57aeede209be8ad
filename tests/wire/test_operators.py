"""Operators change accounts while the server runs and their users are in it."""

from contextlib import asynccontextmanager

import pytest
import trio
from harness import PATIENCE, connected, log_in, logged_in, running

from yummy.store.operator import delete_user, set_disabled, set_password, set_user_type

EMAIL = {"email": "anna@example.org", "password": "correct horse"}


@pytest.fixture
def file(tmp_path):
    """A database that operators can reach."""
    return {"database_path": tmp_path / "yummy.db"}


@asynccontextmanager
async def inside(server):
    """Anna, who has an address, a device and a room; and Bert, who is in that room."""
    async with logged_in(server, "anna") as anna, logged_in(server, "bert") as bert:
        await anna.ok("UpdateUser", **EMAIL)
        room = (await anna.ok("CreateRoom"))["room_id"]
        await bert.ok("JoinToRoom", room_id=room)
        await anna.event("JoinToRoom")
        yield anna, bert, room


ENDING = {
    "disable": lambda settings, user: set_disabled(settings, user, disabled=True),
    "password": lambda settings, user: set_password(settings, user, "another horse"),
    "delete": delete_user,
}


@pytest.mark.parametrize("ends", ENDING.values(), ids=ENDING)
async def test_whoever_is_inside_is_closed_soon_and_the_rooms_are_told(file, ends):
    async with running(**file) as server, inside(server) as (anna, bert, room):
        ends(server.settings, anna.user_id)

        assert await anna.close_code() == 1008
        assert await bert.event("UserDisconnectedFromRoom") == {"user_id": anna.user_id, "room_id": room}
        assert (await bert.ok("GetRoom", room_id=room, members=[4]))["user-length"] == 1
        assert (await bert.call("GetUser", user_id=anna.user_id)).get("online", False) is False


@pytest.mark.parametrize("ends", ENDING.values(), ids=ENDING)
async def test_tokens_stop_at_once_and_for_good(file, ends):
    async with running(**file) as server, inside(server) as (anna, _, _):
        ends(server.settings, anna.user_id)
        async with connected(server) as other:
            assert await other.refused("RefreshToken", token=anna.token) == "invalid_token"
            assert await other.refused("RestoreToken", token=anna.token) == "invalid_token"
        await anna.close_code()
    async with running(**file) as server, connected(server) as other:
        assert await other.refused("RefreshToken", token=anna.token) == "invalid_token"
        assert await other.refused("RestoreToken", token=anna.token) == "invalid_token"


async def test_a_session_that_waits_for_its_client_is_ended_too(file):
    async with running(**file, connection_restore_wait_timeout=600) as server, logged_in(server, "bert") as bert:
        async with logged_in(server, "anna") as anna:
            room = (await anna.ok("CreateRoom"))["room_id"]
            await bert.ok("JoinToRoom", room_id=room)
        set_disabled(server.settings, anna.user_id, disabled=True)

        assert await bert.event("UserDisconnectedFromRoom") == {"user_id": anna.user_id, "room_id": room}


async def test_who_is_disabled_cannot_log_in_until_enabled_again(file, encoding):
    async with running(**file) as server, inside(server) as (anna, _, _), connected(server, encoding) as other:
        unknown = await other.call("AuthEmail", email="nobody@example.org", password="correct horse")
        set_disabled(server.settings, anna.user_id, disabled=True)

        assert await other.call("AuthEmail", **EMAIL) == unknown
        assert await other.call("AuthEmail", **EMAIL, create=True) == unknown
        assert await other.call("AuthEmail", email=EMAIL["email"], password="wrong horse") == unknown
        assert await other.refused("AuthDeviceId", id="device-of-anna") == "no_permission"
        await anna.close_code()

        set_disabled(server.settings, anna.user_id, disabled=False)
        assert (await other.ok("AuthEmail", **EMAIL))["user_id"] == anna.user_id
        assert await other.refused("RefreshToken", token=anna.token) == "invalid_token"


async def test_a_new_password_is_the_only_one_that_fits(file):
    async with running(**file) as server, inside(server) as (anna, _, _), connected(server) as other:
        set_password(server.settings, EMAIL["email"], "another horse")
        assert await other.refused("AuthEmail", **EMAIL) == "invalid_credentials"
        await anna.close_code()
        assert (await other.ok("AuthEmail", email=EMAIL["email"], password="another horse"))["user_id"] == anna.user_id


async def test_nobody_sets_a_password_in_the_last_moment_of_a_revoked_session(file):
    async with running(**file) as server, inside(server) as (anna, _, _):
        set_password(server.settings, anna.user_id, "another horse")
        await anna.send(type="UpdateUser", request_id=77, password="thieving horse")
        assert await anna.close_code() == 1008
        async with connected(server) as other:
            assert await other.refused("AuthEmail", email=EMAIL["email"], password="thieving horse") == (
                "invalid_credentials"
            )
            await other.ok("AuthEmail", email=EMAIL["email"], password="another horse")


async def test_the_names_of_a_deleted_account_make_a_new_one(file):
    async with running(**file) as server, inside(server) as (anna, _, _):
        delete_user(server.settings, anna.user_id)
        await anna.close_code()
        async with connected(server) as other:
            made = await other.ok("AuthEmail", **EMAIL, create=True)
            assert made["user_id"] != anna.user_id
            assert await other.refused("GetUser", user_id=anna.user_id) == "user_not_found"
            await other.ok("UpdateUser", device_id="device-of-anna")


async def test_what_a_deleted_user_still_does_does_not_bring_the_account_back(file):
    async with running(**file) as server, inside(server) as (anna, _, _):
        delete_user(server.settings, anna.user_id)
        await anna.send(type="UpdateUser", request_id=77, name="Anna Again")
        await anna.close_code()

        assert server.database.load_accounts([anna.user_id]) == []


async def test_a_type_that_is_lowered_while_its_user_is_inside_counts_soon(file):
    async with running(**file) as server, inside(server) as (anna, bert, room):
        set_user_type(server.settings, anna.user_id, 3)
        await anna.ok("Logout")
        await log_in(anna, "anna")
        await anna.ok("UpdateRoom", room_id=room, name="an admin was here")
        set_user_type(server.settings, anna.user_id, 1)

        with trio.fail_after(PATIENCE):
            while (await anna.ok("Me"))["user_type"] != 1:
                pass  # the server looks once a second; there is no event to wait for
        assert await anna.refused("UpdateRoom", room_id=room, name="x") == "not_in_room"
        assert await anna.refused("UpdateUser", target_user_id=bert.user_id, name="x") == "no_permission"
        assert (await anna.ok("GetUser", user_id=bert.user_id))["device_id"] is None
