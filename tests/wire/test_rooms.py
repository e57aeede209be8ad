"""Rooms, as a client sees them: every request, every event, and the rules."""

import pytest
import trio
from harness import connected, logged_in, promote, running

ALL_PARTS = {
    "name",
    "description",
    "users",
    "max-user",
    "user-length",
    "access-type",
    "tags",
    "metas",
    "insert-date",
    "join-request",
}


async def test_a_room_is_made_joined_talked_in_and_left(encoding):
    async with running() as server, logged_in(server, "anna", encoding) as anna, logged_in(server, "bert") as bert:
        await anna.ok("UpdateUser", name="Anna")
        made = await anna.ok("CreateRoom", name="chess", description="slow", metas={"round": 1}, tags=["x", "x", "y"])
        assert made.keys() == {"room_id"}
        room = made["room_id"]
        joined = await bert.ok("JoinToRoom", room_id=room)
        assert joined == {
            "result": "Joined",
            "room_id": room,
            "room_name": "chess",
            "users": [
                {"user_id": anna.user_id, "name": "Anna", "type": 3},
                {"user_id": bert.user_id, "name": None, "type": 1},
            ],
            "metas": {"round": 1},
        }
        assert await anna.event("JoinToRoom") == {"user_id": bert.user_id, "room_id": room}
        assert await bert.ok("MessageToRoom", room_id=room, message={"hello": [1, None]}) == {}
        said = {"room_id": room, "message": {"hello": [1, None]}, "user_id": bert.user_id}
        assert await anna.event("MessageFromRoom") == said
        await anna.ok("Play", room_id=room, message="e4")
        assert await bert.event("Play") == {"room_id": room, "message": "e4", "user_id": anna.user_id}
        assert await bert.ok("RoomDisconnect", room_id=room) == {}
        assert await anna.event("UserDisconnectedFromRoom") == {"user_id": bert.user_id, "room_id": room}
        assert await bert.refused("MessageToRoom", room_id=room, message=1) == "not_in_room"
        assert await bert.refused("RoomDisconnect", room_id=room) == "not_in_room"
        await anna.ok("RoomDisconnect", room_id=room)
        assert await anna.refused("GetRoom", room_id=room) == "room_not_found"
        await anna.silent()
        await bert.silent()


@pytest.mark.parametrize(
    ("type_", "fields"),
    [
        ("JoinToRoom", {}),
        ("WaitingRoomJoins", {}),
        ("ProcessWaitingUser", {"user_id": "x", "status": True}),
        ("RoomDisconnect", {}),
        ("KickUserFromRoom", {"user_id": "x"}),
        ("BanUserFromRoom", {"user_id": "x"}),
        ("MessageToRoom", {"message": 1}),
        ("Play", {"message": 1}),
        ("GetRoom", {}),
        ("UpdateRoom", {"name": "x"}),
    ],
)
async def test_a_room_that_is_not_there(encoding, type_, fields):
    async with running() as server, logged_in(server, "anna", encoding) as anna:
        assert await anna.refused(type_, room_id="nowhere", **fields) == "room_not_found"
        assert await anna.refused(type_, **fields) == "wrong_format"


async def test_nobody_joins_as_owner_and_only_moderators_of_the_server_as_moderator(encoding):
    async with running() as server, logged_in(server, "anna") as anna, logged_in(server, "bert", encoding) as bert:
        room = (await anna.ok("CreateRoom"))["room_id"]
        joined = await bert.ok("JoinToRoom", room_id=room, room_user_type=3)
        assert joined["users"][1]["type"] == 1
        await promote(server, bert, 2)
        joined = await bert.ok("JoinToRoom", room_id=room, room_user_type=3)
        assert joined["users"][1]["type"] == 2
        assert await bert.refused("JoinToRoom", room_id=room) == "already_in_room"
        assert await anna.refused("JoinToRoom", room_id=room, room_user_type=9) == "validation"


async def test_a_private_room_asks_for_its_password(encoding):
    async with running() as server, logged_in(server, "anna", encoding) as anna, logged_in(server, "bert") as bert:
        made = await anna.ok("CreateRoom", access_type=1)
        assert len(made["password"]) == 4
        room = made["room_id"]
        assert await bert.refused("JoinToRoom", room_id=room) == "wrong_password"
        assert await bert.refused("JoinToRoom", room_id=room, password="nope") == "wrong_password"
        assert await bert.refused("GetRoom", room_id=room) == "no_permission"
        await bert.ok("JoinToRoom", room_id=room, password=made["password"])
        assert (await bert.ok("GetRoom", room_id=room, members=[5]))["access-type"] == 1
        assert await anna.refused("CreateRoom", access_type=2) == "not_supported"
        assert await anna.refused("CreateRoom", access_type=5) == "validation"
        assert await anna.refused("CreateRoom", max_user=-1) == "validation"


async def test_a_full_room_is_full(encoding):
    async with running() as server, logged_in(server, "anna") as anna, logged_in(server, "bert", encoding) as bert:
        room = (await anna.ok("CreateRoom", max_user=1))["room_id"]
        assert await bert.refused("JoinToRoom", room_id=room) == "room_full"
        await anna.ok("UpdateRoom", room_id=room, max_user=2)
        await bert.ok("JoinToRoom", room_id=room)


async def test_who_asks_to_join_waits_and_is_let_in_or_not(encoding):
    async with (
        running() as server,
        logged_in(server, "anna", encoding) as anna,
        logged_in(server, "bert", encoding) as bert,
        logged_in(server, "carl") as carl,
    ):
        room = (await anna.ok("CreateRoom", join_request=True, max_user=2, name="club"))["room_id"]
        assert await bert.ok("JoinToRoom", room_id=room) == {"result": "Requested", "room_id": room}
        assert await anna.event("NewJoinRequest") == {"room_id": room, "user_id": bert.user_id, "user_type": 1}
        assert await bert.refused("JoinToRoom", room_id=room) == "already_requested"
        assert await bert.refused("MessageToRoom", room_id=room, message=1) == "not_in_room"
        await carl.ok("JoinToRoom", room_id=room)
        assert await bert.refused("WaitingRoomJoins", room_id=room) == "not_in_room"
        waiting = await anna.ok("WaitingRoomJoins", room_id=room)
        assert waiting == {"room_id": room, "users": {bert.user_id: 1, carl.user_id: 1}}
        await anna.event("NewJoinRequest")
        admit_bert = {"room_id": room, "user_id": bert.user_id, "status": True}
        assert await bert.refused("ProcessWaitingUser", **admit_bert) == "not_in_room"
        assert await anna.ok("ProcessWaitingUser", **admit_bert) == {}
        assert await bert.event("JoinToRoom") == {
            "result": "Joined",
            "room_id": room,
            "room_name": "club",
            "users": [
                {"user_id": anna.user_id, "name": None, "type": 3},
                {"user_id": bert.user_id, "name": None, "type": 1},
            ],
            "metas": {},
        }
        # The room is full now: the request stays.
        admit_carl = {"room_id": room, "user_id": carl.user_id, "status": True}
        assert await anna.refused("ProcessWaitingUser", **admit_carl) == "room_full"
        assert (await anna.ok("WaitingRoomJoins", room_id=room))["users"] == {carl.user_id: 1}
        await anna.ok("ProcessWaitingUser", room_id=room, user_id=carl.user_id, status=False)
        assert await carl.event("JoinToRoom") == {"result": "Declined", "room_id": room}
        assert await anna.refused("ProcessWaitingUser", **admit_carl) == "not_waiting"
        await anna.silent()


async def test_a_request_to_join_ends_with_its_session(encoding):
    async with running() as server, logged_in(server, "anna") as anna, logged_in(server, "bert", encoding) as bert:
        room = (await anna.ok("CreateRoom", join_request=True))["room_id"]
        await bert.ok("JoinToRoom", room_id=room)
        await bert.ok("Logout")
        assert (await anna.ok("WaitingRoomJoins", room_id=room))["users"] == {}


async def test_who_waits_for_a_room_that_ends_is_told(encoding):
    async with running() as server, logged_in(server, "anna") as anna, logged_in(server, "bert", encoding) as bert:
        room = (await anna.ok("CreateRoom", join_request=True))["room_id"]
        await bert.ok("JoinToRoom", room_id=room)
        await anna.ok("RoomDisconnect", room_id=room)
        assert await bert.event("JoinToRoom") == {"result": "Declined", "room_id": room}


async def test_kick_and_ban(encoding):
    async with running() as server, logged_in(server, "anna") as anna, logged_in(server, "bert", encoding) as bert:
        room = (await anna.ok("CreateRoom"))["room_id"]
        assert await anna.refused("KickUserFromRoom", room_id=room, user_id=bert.user_id) == "not_in_room"
        await bert.ok("JoinToRoom", room_id=room)
        assert await bert.refused("KickUserFromRoom", room_id=room, user_id=anna.user_id) == "no_permission"
        assert await anna.ok("KickUserFromRoom", room_id=room, user_id=bert.user_id) == {}
        assert await bert.event("DisconnectedFromRoom") == {"room_id": room}
        await bert.ok("JoinToRoom", room_id=room)
        await anna.ok("BanUserFromRoom", room_id=room, user_id=bert.user_id)
        await bert.event("DisconnectedFromRoom")
        assert await bert.refused("JoinToRoom", room_id=room) == "banned"
        seen = await anna.ok("GetRoom", room_id=room, members=[10])
        assert seen == {"id": room, "banned-users": [bert.user_id]}
        assert "banned-users" not in await bert.ok("GetRoom", room_id=room)


async def test_who_waits_can_be_banned_but_not_kicked(encoding):
    async with running() as server, logged_in(server, "anna") as anna, logged_in(server, "bert", encoding) as bert:
        room = (await anna.ok("CreateRoom", join_request=True))["room_id"]
        await bert.ok("JoinToRoom", room_id=room)
        assert await anna.refused("KickUserFromRoom", room_id=room, user_id=bert.user_id) == "not_in_room"
        assert await anna.ok("BanUserFromRoom", room_id=room, user_id=bert.user_id) == {}
        assert await bert.event("JoinToRoom") == {"result": "Declined", "room_id": room}
        assert await bert.refused("JoinToRoom", room_id=room) == "banned"
        assert (await anna.ok("WaitingRoomJoins", room_id=room))["users"] == {}
        await anna.event("NewJoinRequest")
        await anna.silent()


async def test_waiting_and_banned_users_of_a_room_are_bounded(encoding):
    async with (
        running(max_requests_per_room=1, max_bans_per_room=1) as server,
        logged_in(server, "anna", encoding) as anna,
        logged_in(server, "bert") as bert,
        logged_in(server, "carl", encoding) as carl,
    ):
        room = (await anna.ok("CreateRoom", join_request=True))["room_id"]
        await bert.ok("JoinToRoom", room_id=room)
        assert await carl.refused("JoinToRoom", room_id=room) == "busy"
        await anna.ok("BanUserFromRoom", room_id=room, user_id=bert.user_id)
        await carl.ok("JoinToRoom", room_id=room)
        assert await anna.refused("BanUserFromRoom", room_id=room, user_id=carl.user_id) == "busy"
        await anna.ok("ProcessWaitingUser", room_id=room, user_id=carl.user_id, status=False)
        assert await carl.event("JoinToRoom") == {"result": "Declined", "room_id": room}


async def test_others_hear_of_a_kick_and_equals_cannot_kick_each_other(encoding):
    async with (
        running() as server,
        logged_in(server, "anna") as anna,
        logged_in(server, "bert", encoding) as bert,
        logged_in(server, "carl", encoding) as carl,
    ):
        room = (await anna.ok("CreateRoom"))["room_id"]
        await bert.ok("JoinToRoom", room_id=room)
        await carl.ok("JoinToRoom", room_id=room)
        await anna.ok("UpdateRoom", room_id=room, user_permission={bert.user_id: 2, carl.user_id: 2})
        assert await bert.refused("KickUserFromRoom", room_id=room, user_id=carl.user_id) == "no_permission"
        await bert.event("JoinToRoom")
        await anna.ok("KickUserFromRoom", room_id=room, user_id=carl.user_id)
        assert await bert.event("UserDisconnectedFromRoom") == {"user_id": carl.user_id, "room_id": room}


async def test_when_the_owner_leaves_a_moderator_or_the_longest_standing_member_follows(encoding):
    async with (
        running() as server,
        logged_in(server, "anna", encoding) as anna,
        logged_in(server, "bert") as bert,
        logged_in(server, "carl") as carl,
    ):
        room = (await anna.ok("CreateRoom"))["room_id"]
        await bert.ok("JoinToRoom", room_id=room)
        await carl.ok("JoinToRoom", room_id=room)
        await anna.ok("UpdateRoom", room_id=room, user_permission={carl.user_id: 2})
        await anna.ok("RoomDisconnect", room_id=room)
        ranks = {one["user_id"]: one["type"] for one in (await bert.ok("GetRoom", room_id=room, members=[2]))["users"]}
        assert ranks == {bert.user_id: 1, carl.user_id: 3}
        await carl.ok("RoomDisconnect", room_id=room)
        users = (await bert.ok("GetRoom", room_id=room, members=[2]))["users"]
        assert users == [{"user_id": bert.user_id, "name": None, "type": 3}]


async def test_a_room_is_handed_over(encoding):
    async with running() as server, logged_in(server, "anna", encoding) as anna, logged_in(server, "bert") as bert:
        room = (await anna.ok("CreateRoom"))["room_id"]
        await bert.ok("JoinToRoom", room_id=room)
        give = {bert.user_id: 3}
        assert await bert.refused("UpdateRoom", room_id=room, user_permission=give) == "no_permission"
        assert await anna.refused("UpdateRoom", room_id=room, user_permission={anna.user_id: 1}) == "validation"
        assert await anna.refused("UpdateRoom", room_id=room, user_permission={"nobody": 2}) == "not_in_room"
        await anna.ok("UpdateRoom", room_id=room, user_permission=give)
        users = (await anna.ok("GetRoom", room_id=room, members=[2]))["users"]
        assert [(one["user_id"], one["type"]) for one in users] == [(anna.user_id, 2), (bert.user_id, 3)]


async def test_update_room(encoding):
    async with running() as server, logged_in(server, "anna", encoding) as anna:
        room = (await anna.ok("CreateRoom", metas={"a": 1, "gone": None}))["room_id"]
        assert await anna.refused("UpdateRoom", room_id=room) == "update_missing"
        fields = {"name": "n", "description": "d", "join_request": True, "max_user": 7, "tags": ["t"]}
        assert await anna.ok("UpdateRoom", room_id=room, **fields, metas={"b": {"access": 3, "value": 2}}) == {}
        seen = await anna.ok("GetRoom", room_id=room)
        assert seen.keys() == {"id", "banned-users"} | ALL_PARTS
        assert (seen["name"], seen["description"], seen["join-request"], seen["max-user"], seen["tags"]) == (
            "n",
            "d",
            True,
            7,
            ["t"],
        )
        assert seen["metas"] == {"a": 1, "b": 2}
        code = await anna.refused("UpdateRoom", room_id=room, metas={"c": {"access": 5, "value": 1}})
        assert code == "meta_access"
        assert "password" in await anna.ok("UpdateRoom", room_id=room, access_type=1)


async def test_texts_of_a_room_are_bounded(encoding):
    async with running() as server, logged_in(server, "anna", encoding) as anna:
        answer = await anna.call("CreateRoom", name="n" * 65, tags=["t" * 65])
        assert answer["code"] == "validation"
        assert answer["error"].splitlines() == [
            "name: Length should be at most 64 chars",
            "tags: Length of each should be at most 64 chars",
        ]
        room = (await anna.ok("CreateRoom", name="n" * 64))["room_id"]
        assert await anna.refused("UpdateRoom", room_id=room, description="d" * 1025) == "validation"


async def test_a_list_of_large_rooms_comes_by_small_pages(encoding):
    async with running(max_room_meta=0) as server, logged_in(server, "anna", encoding) as anna:
        metas = {f"k{number}": "x" * 4000 for number in range(15)}
        made = [(await anna.ok("CreateRoom", metas=metas))["room_id"] for _ in range(10)]
        seen, page = [], {"cursor": None}
        while "cursor" in page:
            page = await anna.ok("RoomList", cursor=page["cursor"])
            assert len(page["rooms"]) <= 4
            seen += [one["id"] for one in page["rooms"]]
        assert seen == made[::-1]


async def test_metadata_of_rooms_is_read_by_rank(encoding):
    async with (
        running() as server,
        logged_in(server, "anna") as anna,
        logged_in(server, "bert", encoding) as bert,
        logged_in(server, "carl", encoding) as carl,
    ):
        metas = {f"level-{level}": {"access": level, "value": level} for level in range(4)}
        room = (await anna.ok("CreateRoom", metas=metas))["room_id"]
        assert (await bert.ok("JoinToRoom", room_id=room))["metas"] == {"level-0": 0, "level-1": 1}
        await anna.ok("UpdateRoom", room_id=room, user_permission={bert.user_id: 2})

        async def levels(player):
            return sorted((await player.ok("GetRoom", room_id=room, members=[7]))["metas"].values())

        assert await levels(anna) == [0, 1, 2, 3]
        assert await levels(bert) == [0, 1, 2]
        assert await levels(carl) == [0, 1]
        await promote(server, carl, 2)
        assert await levels(carl) == [0, 1, 2]
        assert await bert.refused("UpdateRoom", room_id=room, metas={"level-3": 0}) == "meta_access"
        # Keys above one's level are left alone by the sweeping actions too.
        await bert.ok("UpdateRoom", room_id=room, meta_action=2)
        assert await levels(anna) == [3]


async def test_the_list_of_rooms_is_paged_newest_first(encoding):
    async with running() as server, logged_in(server, "anna", encoding) as anna:
        made = [(await anna.ok("CreateRoom", tags=["even" if n % 2 == 0 else "odd"]))["room_id"] for n in range(6)]
        await anna.ok("CreateRoom", access_type=1)
        newest = made[::-1]
        listed = await anna.ok("RoomList")
        assert [one["id"] for one in listed["rooms"]] == newest
        assert "cursor" not in listed
        assert listed["rooms"][0].keys() == {"id"} | ALL_PARTS
        page = await anna.ok("RoomList", limit=4, members=[4])
        assert page["rooms"] == [{"id": room, "user-length": 1} for room in newest[:4]]
        rest = await anna.ok("RoomList", limit=4, members=[4], cursor=page["cursor"])
        assert [one["id"] for one in rest["rooms"]] == newest[4:]
        assert [one["id"] for one in (await anna.ok("RoomList", tag="odd"))["rooms"]] == newest[::2]
        assert await anna.refused("RoomList", limit=0) == "validation"
        assert await anna.refused("RoomList", limit=101) == "validation"
        assert await anna.refused("RoomList", members=[11]) == "validation"


async def test_two_sessions_of_a_user_are_one_member(encoding):
    async with (
        running() as server,
        logged_in(server, "anna", encoding) as anna,
        logged_in(server, "bert", encoding) as phone,
        logged_in(server, "bert", encoding) as desk,
    ):
        room = (await anna.ok("CreateRoom"))["room_id"]
        await phone.ok("JoinToRoom", room_id=room)
        assert (await desk.ok("JoinToRoom", room_id=room))["result"] == "Joined"
        await anna.event("JoinToRoom")
        await anna.silent()
        await phone.ok("MessageToRoom", room_id=room, message=1)
        assert (await desk.event("MessageFromRoom"))["user_id"] == phone.user_id
        await anna.event("MessageFromRoom")
        await phone.ok("RoomDisconnect", room_id=room)
        await anna.silent()
        await desk.ok("Logout")
        assert await anna.event("UserDisconnectedFromRoom") == {"user_id": desk.user_id, "room_id": room}


async def test_global_moderators_and_admins_have_rights_in_every_room(encoding):
    async with running() as server, logged_in(server, "anna") as anna, logged_in(server, "bert", encoding) as bert:
        room = (await anna.ok("CreateRoom"))["room_id"]
        assert await bert.refused("UpdateRoom", room_id=room, name="x") == "not_in_room"
        await promote(server, bert, 2)
        await bert.ok("UpdateRoom", room_id=room, name="x")
        assert await bert.refused("UpdateRoom", room_id=room, user_permission={anna.user_id: 3}) == "no_permission"
        await promote(server, bert, 3)
        await bert.ok("UpdateRoom", room_id=room, user_permission={anna.user_id: 3})


async def test_all_members_see_a_rooms_events_in_the_same_order():
    async with running() as server, trio.open_nursery() as nursery:
        stop = trio.Event()

        async def come(name, task_status):
            async with logged_in(server, name) as player:
                task_status.started(player)
                await stop.wait()

        players = [await nursery.start(come, name) for name in ("anna", "bert", "carl", "dora")]
        room = (await players[0].ok("CreateRoom"))["room_id"]
        for player in players[1:]:
            await player.ok("JoinToRoom", room_id=room)
        silent = players[3]

        async def chat(player):
            for number in range(50):
                await player.ok("MessageToRoom", room_id=room, message=number)

        async with trio.open_nursery() as talkers:
            for player in players[:3]:
                talkers.start_soon(chat, player)
        for player in players:
            await player.ok("RoomList", limit=1)
        heard = [(one["user_id"], one["message"]) for one in silent.events if one["type"] == "MessageFromRoom"]
        assert len(heard) == 150
        for player in players[:3]:
            own = [(one["user_id"], one["message"]) for one in player.events if one["type"] == "MessageFromRoom"]
            assert own == [one for one in heard if one[0] != player.user_id]
        stop.set()


async def test_bytes_reach_msgpack_as_bytes_and_json_as_base64():
    async with (
        running() as server,
        logged_in(server, "anna") as anna,
        logged_in(server, "bert") as bert,
        logged_in(server, "carl", "json") as carl,
    ):
        room = (await anna.ok("CreateRoom"))["room_id"]
        await bert.ok("JoinToRoom", room_id=room)
        await carl.ok("JoinToRoom", room_id=room)
        await anna.ok("MessageToRoom", room_id=room, message={"raw": b"\x00\xff"})
        await bert.event("JoinToRoom")
        assert (await bert.event("MessageFromRoom"))["message"] == {"raw": b"\x00\xff"}
        assert (await carl.event("MessageFromRoom"))["message"] == {"raw": "AP8="}


async def test_an_event_comes_in_the_encoding_of_the_last_frame_read():
    async with running() as server, logged_in(server, "anna") as anna, connected(server, "json") as bert:
        room = (await anna.ok("CreateRoom"))["room_id"]
        await bert.ok("AuthDeviceId", id="device-of-bert")
        await bert.ok("JoinToRoom", room_id=room)
        await anna.ok("MessageToRoom", room_id=room, message=1)
        await bert.event("MessageFromRoom")
        bert.encoding = "msgpack"
        await bert.ok("RoomList")
        await anna.ok("MessageToRoom", room_id=room, message=2)
        assert (await bert.event("MessageFromRoom"))["message"] == 2
