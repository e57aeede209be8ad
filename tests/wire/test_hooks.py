"""Hook scripts in a whole server: what becomes of a message's effects, in what order, and what the client hears."""

import pytest
from harness import connected, log_in, logged_in, running, write_scripts

# Leaves a trace of every stage, and fails where it is told to by the message.
TRACER = """
    from yummy import fail, room, user

    def pre_message_to_room(model):
        room.set_room_meta(model.room_id, "pre", 1, 0)
        room.message_to_room(model.room_id, "from pre")
        if "fail in pre" in model.message:
            fail("pre says no", "pre_no")
        if "crash in pre" in model.message:
            raise ZeroDivisionError

    def post_message_to_room(model, success):
        room.set_room_meta(model.room_id, "post", success, 0)
        room.message_to_room(model.room_id, "from post")
        if "fail in post" in model.message:
            fail("post says no", "post_no")
"""


async def trace(server, message, *, refused=False):
    """Send a message; give the answer, the room's metadata then, and the messages that somebody else heard."""
    async with (
        logged_in(server, "anna") as anna,
        logged_in(server, "bert") as bert,
        logged_in(server, "carl") as carl,
    ):
        room = (await anna.ok("CreateRoom"))["room_id"]
        await bert.ok("JoinToRoom", room_id=room)
        # An outsider's message is refused by core.
        answer = await (carl if refused else anna).call("MessageToRoom", room_id=room, message=message)
        metas = (await bert.ok("GetRoom", room_id=room, members=[7]))["metas"]
        heard = [event["message"] for event in bert.events if event["type"] == "MessageFromRoom"]
        return answer.get("code", "ok"), metas, heard


@pytest.mark.parametrize(
    ("message", "refused", "code", "metas", "heard"),
    [
        ("hello", False, "ok", {"pre": 1, "post": True}, ["from pre", "hello", "from post"]),
        ("fail in pre", False, "pre_no", {}, []),
        ("crash in pre", False, "hook_error", {}, []),
        ("hello", True, "not_in_room", {"pre": 1, "post": False}, ["from pre", "from post"]),
        ("fail in post", False, "post_no", {}, []),
        ("fail in post", True, "post_no", {}, []),
    ],
)
async def test_the_effects_of_a_message_happen_together_or_not_at_all(tmp_path, message, refused, code, metas, heard):
    async with running(write_scripts(tmp_path / "hooks", tracer=TRACER)) as server:
        assert (code, metas, heard) == await trace(server, message, refused=refused)


async def test_when_the_durable_write_fails_nothing_has_happened(tmp_path):
    scripts = """
        from yummy import room, user

        def post_play(model, success):
            user.set_user_meta(model.user_id, "moves", 1, 0)
            room.set_room_meta(model.room_id, "moves", 1, 0)
            room.message_to_room(model.room_id, "moved")
    """
    async with (
        running(write_scripts(tmp_path / "hooks", game=scripts), database_path=tmp_path / "yummy.db") as server,
        logged_in(server, "anna") as anna,
        logged_in(server, "bert") as bert,
    ):
        room = (await anna.ok("CreateRoom"))["room_id"]
        await bert.ok("JoinToRoom", room_id=room)
        await anna.event("JoinToRoom")
        with server.database.engine.connect() as connection:
            connection.exec_driver_sql("DROP TABLE accounts")
            connection.commit()
        assert await anna.refused("Play", room_id=room, message=1) == "storage_failed"
        assert (await anna.ok("GetRoom", room_id=room, members=[7]))["metas"] == {}
        await anna.silent()
        await bert.silent()


async def test_what_pre_sets_is_what_core_works_with_and_what_post_sees(tmp_path, encoding):
    scripts = """
        from yummy import constants

        def pre_create_room(model):
            model.set_name(model.get_name().upper())
            model.max_user = 2
            model.tags.append("scripted")
            model.metas = {"hidden": {"access": constants.ROOM_META_ACCESS_SYSTEM, "value": 1}, **(model.metas or {})}

        def post_create_room(model, success):
            from yummy import room
            room.set_room_meta(model.room_id, "seen", [model.name, model.max_user, success], 0)
    """
    async with (
        running(write_scripts(tmp_path / "hooks", game=scripts)) as server,
        logged_in(server, "anna", encoding) as anna,
    ):
        made = await anna.ok("CreateRoom", name="chess", metas={"mine": {"access": 3, "value": 7}})
        seen = await anna.ok("GetRoom", room_id=made["room_id"], members=[0, 3, 6, 7])
        assert seen == {
            "id": made["room_id"],
            "name": "CHESS",
            "max-user": 2,
            "tags": ["scripted"],
            "metas": {"mine": 7, "seen": ["CHESS", 2, True]},
        }
        # The client cannot touch what the script keeps at a higher level.
        code = await anna.refused("UpdateRoom", room_id=made["room_id"], metas={"hidden": None})
        assert code == "meta_access"


async def test_values_that_pre_made_wrong_are_refused_by_core(tmp_path):
    scripts = """
        def pre_create_room(model):
            model.metas = {str(number): number for number in range(11)}
    """
    async with running(write_scripts(tmp_path / "hooks", game=scripts)) as server, logged_in(server, "anna") as anna:
        assert await anna.refused("CreateRoom") == "meta_limit"


@pytest.mark.parametrize("debug", [False, True])
async def test_an_error_of_a_script_is_told_in_full_only_when_debugging(tmp_path, debug):
    scripts = "def pre_create_room(model):\n    raise ValueError('secret')\n"
    async with (
        running(write_scripts(tmp_path / "hooks", game=scripts), debug_hooks=debug) as server,
        logged_in(server, "anna") as anna,
    ):
        answer = await anna.call("CreateRoom")
        assert answer["code"] == "hook_error"
        assert ("secret" in answer["error"]) == debug
        assert "room_id" not in answer
        assert (await anna.ok("RoomList"))["rooms"] == []


async def test_scripts_share_state_and_import_one_another(tmp_path):
    lobby = """
        visits = []
        def post_create_room(model, success):
            visits.append("lobby")
    """
    second = """
        import lobby
        from yummy import room, state
        def post_create_room(model, success):
            lobby.visits.append("second")
            state["rooms"] = state.get("rooms", 0) + 1
            room.set_room_meta(model.room_id, "visits", [*lobby.visits, state["rooms"]], 0)
    """
    folder = write_scripts(tmp_path / "hooks", lobby=lobby, second=second)
    async with running(folder) as server, logged_in(server, "anna") as anna:
        await anna.ok("CreateRoom")
        room = (await anna.ok("CreateRoom"))["room_id"]
        metas = (await anna.ok("GetRoom", room_id=room, members=[7]))["metas"]
        assert metas == {"visits": ["lobby", "second", "lobby", "second", 2]}


async def test_the_hooks_of_connecting_run_within_the_login_and_may_refuse_it(tmp_path):
    scripts = """
        from yummy import fail, user
        order = []
        def pre_deviceid_auth(model):
            order.append("pre_auth")
        def pre_user_connected(model):
            order.append("pre_connected")
            user.set_user_meta(model.user_id, "tries", order.count("pre_connected"), 0)
            if order.count("pre_connected") == 1:
                fail("The game is closed", "closed")
        def post_user_connected(model, success):
            order.append("post_connected")
        def post_deviceid_auth(model, success):
            order.append("post_auth")
            user.set_user_meta(model.user_id, "order", order, 0)
    """
    async with running(write_scripts(tmp_path / "hooks", game=scripts)) as server, connected(server) as anna:
        answer = await anna.call("AuthDeviceId", id="device-of-anna")
        assert (answer["code"], answer["error"]) == ("closed", "The game is closed")
        assert await anna.refused("Me") == "not_authenticated"
        await log_in(anna, "anna")
        order = ["pre_auth", "pre_connected", "pre_auth", "pre_connected", "post_connected", "post_auth"]
        assert (await anna.ok("Me"))["metas"] == {"tries": 2, "order": order}


async def test_the_hooks_of_disconnecting_run_after_a_logout_and_may_keep_it_silent(tmp_path):
    scripts = """
        from yummy import room
        def pre_user_disconnected(model):
            if model.reason == "logout":
                model.send_message = False
        def post_user_disconnected(model, success):
            for room_id in model.rooms:
                room.message_to_room(room_id, [model.user_id, model.reason, success])
    """
    async with (
        running(write_scripts(tmp_path / "hooks", game=scripts)) as server,
        logged_in(server, "anna") as anna,
        logged_in(server, "bert") as bert,
    ):
        room = (await anna.ok("CreateRoom"))["room_id"]
        await bert.ok("JoinToRoom", room_id=room)
        await anna.event("JoinToRoom")
        await bert.ok("Logout")
        assert await anna.event("MessageFromRoom") == {"room_id": room, "message": [bert.user_id, "logout", True]}
        await anna.silent()


async def test_a_failing_hook_of_disconnecting_loses_its_own_effects_only(tmp_path):
    scripts = """
        from yummy import room
        def pre_user_disconnected(model):
            model.send_message = False
            room.message_to_room(model.rooms[0], "from pre")
            raise ValueError
        def post_user_disconnected(model, success):
            room.message_to_room(model.rooms[0], "from post")
    """
    async with (
        running(write_scripts(tmp_path / "hooks", game=scripts)) as server,
        logged_in(server, "anna") as anna,
        logged_in(server, "bert") as bert,
    ):
        room = (await anna.ok("CreateRoom"))["room_id"]
        await bert.ok("JoinToRoom", room_id=room)
        await anna.event("JoinToRoom")
        await bert.ok("Logout")
        assert await anna.event("UserDisconnectedFromRoom") == {"user_id": bert.user_id, "room_id": room}
        assert (await anna.event("MessageFromRoom"))["message"] == "from post"


async def test_between_pre_and_post_no_other_message_of_the_room_runs(tmp_path):
    scripts = """
        from yummy import room
        running = {}
        def pre_play(model):
            assert model.room_id not in running, "two at once"
            running[model.room_id] = model.user_id
            room.get_room("somewhere else")  # a trip to the server, in which others could run
        def post_play(model, success):
            assert running.pop(model.room_id) == model.user_id
    """
    async with (
        running(write_scripts(tmp_path / "hooks", game=scripts)) as server,
        logged_in(server, "anna") as anna,
        logged_in(server, "bert") as bert,
    ):
        room = (await anna.ok("CreateRoom"))["room_id"]
        await bert.ok("JoinToRoom", room_id=room)
        for number in range(40):
            await anna.send(type="Play", room_id=room, message=number)
            await bert.send(type="Play", room_id=room, message=number)
        for player in (anna, bert):
            answers = []
            while len(answers) < 40:
                message = await player.receive()
                if "status" in message:
                    answers.append(message["status"])
            assert answers == [True] * 40


async def test_a_hook_reaches_rooms_and_users_other_than_its_own(tmp_path):
    scripts = """
        from yummy import room, user
        def post_play(model, success):
            other_room, other_user = model.message
            found = room.get_room(other_room)
            room.set_room_meta(other_room, "members", len(found.members), 0)
            room.message_to_room(other_room, "hello")
            user.set_user_meta(other_user, "mark", user.get_user(other_user).name, 1)
            user.message_to_user(other_user, {"type": "Mark"})
            room.kick(other_room, other_user)
    """
    async with (
        running(write_scripts(tmp_path / "hooks", game=scripts)) as server,
        logged_in(server, "anna") as anna,
        logged_in(server, "bert") as bert,
        logged_in(server, "carl") as carl,
    ):
        await bert.ok("UpdateUser", name="Bert")
        here = (await anna.ok("CreateRoom"))["room_id"]
        there = (await carl.ok("CreateRoom"))["room_id"]
        await bert.ok("JoinToRoom", room_id=there)
        await anna.ok("Play", room_id=here, message=[there, bert.user_id])
        assert await bert.event("MessageFromRoom") == {"room_id": there, "message": "hello"}
        assert await bert.event("Mark") == {}
        assert await bert.event("DisconnectedFromRoom") == {"room_id": there}
        assert (await carl.ok("GetRoom", room_id=there, members=[4, 7])) == {
            "id": there,
            "user-length": 1,
            "metas": {"members": 2},
        }
        assert (await bert.ok("Me"))["metas"] == {"mark": "Bert"}


async def test_a_message_type_without_hooks_never_visits_the_scripts(tmp_path):
    async with (
        running(write_scripts(tmp_path / "hooks", game="def pre_play(model):\n    1 / 0\n")) as server,
        logged_in(server, "anna") as anna,
    ):
        room = (await anna.ok("CreateRoom"))["room_id"]
        await anna.ok("MessageToRoom", room_id=room, message=1)
        assert await anna.refused("Play", room_id=room, message=1) == "hook_error"


async def test_every_hook_of_a_request_is_called_with_its_model(tmp_path):
    scripts = """
        from yummy import model as models
        from yummy import state
        state["called"] = []
        def _hook(phase, name):
            def pre(model):
                assert type(model) is models.__dict__[CLASSES[name]], model
                state["called"].append(name)
                print("called", phase, name)
            def post(model, success):
                assert type(model) is models.__dict__[CLASSES[name]], model
                state["called"].append(name)
                print("called", phase, name)
            return pre if phase == "pre" else post
        CLASSES = {name: cls.__name__ for name, cls in models.HOOK_MODELS.items()}
        for name in CLASSES:
            for phase in ("pre", "post"):
                globals()[f"{phase}_{name}"] = _hook(phase, name)
        def pre_room_list_request(model):
            from yummy import fail
            missing = sorted(set(CLASSES) - set(state["called"]))
            fail(",".join(missing), "missing")
    """
    async with (
        running(write_scripts(tmp_path / "hooks", game=scripts)) as server,
        connected(server) as anna,
        logged_in(server, "bert") as bert,
    ):
        await anna.ok("AuthCustomId", id="custom-of-anna")
        await anna.ok("AuthEmail", email="anna@example.org", password="correct horse", create=True)
        answer = await anna.ok("AuthDeviceId", id="device-of-anna")
        token, anna.user_id = answer["token"], answer["user_id"]
        await anna.ok("RefreshToken", token=token)
        await anna.ok("RestoreToken", token=token)
        await anna.ok("Me")
        await anna.ok("UpdateUser", name="Anna")
        room = (await anna.ok("CreateRoom", join_request=True))["room_id"]
        await bert.ok("JoinToRoom", room_id=room)
        await anna.ok("WaitingRoomJoins", room_id=room)
        await anna.ok("ProcessWaitingUser", room_id=room, user_id=bert.user_id, status=True)
        await anna.ok("MessageToRoom", room_id=room, message=1)
        await anna.ok("Play", room_id=room, message=1)
        await anna.ok("GetRoom", room_id=room)
        await anna.ok("UpdateRoom", room_id=room, name="x")
        await anna.ok("KickUserFromRoom", room_id=room, user_id=bert.user_id)
        await anna.ok("RoomDisconnect", room_id=room)
        await anna.ok("Logout")
        answer = await bert.call("RoomList")
        assert (answer["code"], answer["error"]) == ("missing", "room_list_request")


async def test_scripts_for_yummys_earlier_server_run_unchanged(tmp_path):
    scripts = """
        import yummy
        from yummy import constants, model, room, user
        import random

        BOARD = [["-", "-"], ["-", "-"]]

        def pre_customid_auth(model: model.CustomIdAuth):
            assert model.get_user_id() is None and model.get_session_id() is None
            assert yummy.user.get_user_meta(model.get_user_id(), "anything") is None
            model.set_request_id(123)
            model.set_custom_id(model.get_custom_id().lower())

        def post_customid_auth(model: model.CustomIdAuth, success: bool):
            assert model.get_request_id() == 123
            me = model.get_user_id()
            assert user.set_user_meta(me, "key", "motorola", constants.USER_META_ACCESS_MOD)
            assert user.set_user_meta(me, "key", [123, True, 321.123, "test"])
            assert user.get_user_meta(me, "key") == [123, True, 321.123, "test"]
            assert user.get_user_meta_access(me, "key") == constants.USER_META_ACCESS_SYSTEM
            assert user.set_user_meta(me, "none", None)
            assert user.get_user_metas(me) == {"key": [123, True, 321.123, "test"], "none": None}
            user.remove_user_meta(me, "none")
            assert user.remove_user_metas(me)
            assert user.get_user_metas(me) == {}

        def pre_create_room(model: model.CreateRoom):
            model.set_max_user(2)
            model.set_access_type(constants.ROOM_ACCESS_TYPE_PUBLIC)
            metas = model.get_metas()
            if metas is None:
                metas = {}
            metas["X"] = model.get_user_id()
            metas["O"] = ""
            metas["board"] = BOARD.copy()
            model.set_metas(metas)

        def post_create_room(model: model.CreateRoom, success: bool):
            print("ROOM CREATED")
            model.set_metas({"has": "no effect"})

        def pre_update_user(model: model.UpdateUser):
            assert model.get_meta_action() == constants.META_ACTION_ONLY_ADD_OR_UPDATE
            if model.get_user_type() is not None:
                yummy.fail("Not here")

        def post_join_to_room(model: model.JoinToRoom, success: bool):
            if success:
                metas = room.get_room_metas(model.get_room_id())
                room.set_room_meta(model.get_room_id(), "O", model.get_user_id(), constants.ROOM_META_ACCESS_USER)
                room.message_to_room_user(model.get_room_id(), metas["X"], {"start": metas["board"]})
                room.raw_message_to_room_user(model.get_room_id(), {"type": "Started", "by": model.get_user_id()})
                assert room.get_room_meta("no room", "O") is None
                assert room.get_room_metas("no room") is None
                assert room.remove_room_meta(model.get_room_id(), "X")
                assert constants.ROOM_TYPE_TYPE_OWNER == constants.ROOM_USER_TYPE_OWNER == 3

        def pre_get_user_information(model: model.GetUserInformation):
            assert model.get_query_type() == "User"
            assert model.get_value() == (model.get_user_id(), model.get_requester_user_id())
    """
    folder = write_scripts(tmp_path / "hooks", tictactoe=scripts)
    async with (
        running(folder) as server,
        connected(server) as anna,
        logged_in(server, "bert") as bert,
    ):
        anna.user_id = (await anna.ok("AuthCustomId", id="CUSTOM-OF-ANNA"))["user_id"]
        room = (await anna.ok("CreateRoom", max_user=50))["room_id"]
        joined = await bert.ok("JoinToRoom", room_id=room)
        assert joined["metas"] == {"X": anna.user_id, "O": "", "board": [["-", "-"], ["-", "-"]]}
        assert await bert.event("Started") == {"by": bert.user_id}
        await anna.event("JoinToRoom")
        assert (await anna.event("MessageFromRoom"))["message"] == {"start": [["-", "-"], ["-", "-"]]}
        await anna.event("Started")
        seen = await anna.ok("GetRoom", room_id=room, members=[3, 7])
        assert (seen["max-user"], seen["metas"]) == (2, {"O": bert.user_id, "board": [["-", "-"], ["-", "-"]]})
        answer = await anna.call("UpdateUser", user_type=1)
        assert (answer["code"], answer["error"]) == ("hook_failed", "Not here")
        assert (await anna.ok("GetUser", user_id=bert.user_id))["id"] == bert.user_id
