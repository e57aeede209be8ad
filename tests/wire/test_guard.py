"""Models that scripts keep, in a whole server: what the client hears, what the log says, and that it lives on."""

import itertools
import re

import pytest
from guarded import CLEAN, KEPT
from harness import connected, logged_in, running, write_scripts

from yummy.hooks.guard import SEARCHES_A_SECOND
from yummy.hooks.reports import LOGGED
from yummy.hooks.revision import Sources

KEEPER = """
    from yummy import fail, room

    messages = {}

    def pre_message_to_room(model):
        room.set_room_meta(model.room_id, "pre", 1, 0)
        room.message_to_room(model.room_id, "from pre")
        if model.message == "keep in pre":
            messages["pre_auth"] = model
        if model.message == "keep and fail":
            messages["pre_auth"] = model
            fail("no", "no")
        if model.message == "keep and crash":
            messages["pre_auth"] = model
            raise ValueError(model)

    def post_message_to_room(model, success):
        room.set_room_meta(model.room_id, "post", 1, 0)
        if model.message == "keep in post":
            messages["post_auth"] = model

    def pre_play(model):
        room.message_to_room(model.room_id, messages["pre_auth"].message)
"""
KEEPS_ALWAYS = """
    kept = []

    def pre_play(model):
        kept.append(model)
"""
#: As many ways to keep a model at a time as are looked for in a second.
KINDS = [*itertools.batched(KEPT, SEARCHES_A_SECOND, strict=False)]
#: Undoes what a script of `guarded` did to the interpreter. Threads are let go, not waited for: Yummy has one there.
ENDS = """
def on_unload():
    if "done" in globals(): done.set()
    elif "clean_up" in globals(): clean_up()
"""


@pytest.mark.parametrize("message", ["keep in pre", "keep in post", "keep and fail", "keep and crash"])
async def test_a_message_whose_model_was_kept_fails_with_all_its_effects(message, tmp_path, journal):
    async with (
        running(write_scripts(tmp_path / "hooks", game=KEEPER)) as server,
        logged_in(server, "anna") as anna,
        logged_in(server, "bert") as bert,
    ):
        room = (await anna.ok("CreateRoom"))["room_id"]
        await bert.ok("JoinToRoom", room_id=room)
        answer = await anna.call("MessageToRoom", room_id=room, message=message)
        assert (answer["status"], answer["code"]) == (False, "hook_error")
        assert "messages" not in answer["error"]
        assert (await bert.ok("GetRoom", room_id=room, members=[7]))["metas"] == {}
        assert bert.events == []
        # The server lives on, and so does the script.
        await anna.ok("MessageToRoom", room_id=room, message="hello")
        assert [(await bert.event("MessageFromRoom"))["message"] for _ in range(2)] == ["from pre", "hello"]
        assert server.hooks.statistics().reports["retained"] == 1
        assert server.hooks.statistics().given_up == 0
    assert len(journal.said("retained: ")) == 1
    # What ended the hook first is reported, too.
    assert len(journal.said("error: pre_message_to_room failed: ValueError")) == (message == "keep and crash")


async def test_a_login_whose_model_was_kept_makes_no_account(tmp_path):
    scripts = """
        messages = {}

        def post_deviceid_auth(model, success):
            messages["auth"] = model
    """
    async with running(write_scripts(tmp_path / "hooks", game=scripts)) as server, connected(server) as anna:
        assert await anna.refused("AuthDeviceId", id="device-of-anna", create=True) == "hook_error"
        assert await anna.refused("Me") == "not_authenticated"
        assert server.database.load_accounts([]) == []
        (report,) = server.hooks.reports.latest
        assert "post_deviceid_auth of game.py kept the DeviceIdAuth that it was given" in report.text
        assert "model.device_id" in report.trouble.advice


@pytest.mark.parametrize("debug", [False, True])
async def test_the_report_says_what_where_in_which_line_for_whom_and_what_to_do(debug, tmp_path, journal):
    async with (
        running(write_scripts(tmp_path / "hooks", game=KEEPER), debug_hooks=debug) as server,
        logged_in(server, "anna") as anna,
    ):
        room = (await anna.ok("CreateRoom"))["room_id"]
        answer = await anna.call("MessageToRoom", room_id=room, message="keep in pre")
        revision = server.hooks.revision
        assert revision.number == 1
        text = "\n".join(
            [
                (
                    "retained: pre_message_to_room of game.py kept the MessageToRoom that it was given; "
                    "it is still held by game.py: messages['pre_auth']"
                ),
                "  --> game.py:10 in pre_message_to_room",
                "   |",
                '10 |         messages["pre_auth"] = model',
                "   |         ^^^^^^^^^^^^^^^^^^^^^^^^^^^^",
                f"  = hook: pre_message_to_room of revision 1 ({revision.content_hash})",
                f"  = message: type MessageToRoom, user {anna.user_id}, room {room}",
                (
                    "  = to do: copy the values that you need (model.message, for example) and keep those: "
                    "a model ends with its hook"
                ),
            ]
        )
        (line,) = journal.said("retained: ")
        assert re.sub(r", request_id \d+|, request \d+|, session [^,\n]+", "", line["event"]) == text
        assert (line["level"], line["kind"]) == ("error", "retained")
        assert (line["file"], line["line"], line["hook"]) == ("game.py", 10, "pre_message_to_room")
        assert (line["revision"], line["user"], line["room"]) == (str(revision), anna.user_id, room)
        (report,) = server.hooks.reports.latest
        assert (report.text, report.count) == (line["event"], 1)
        assert (line["event"] in answer["error"]) == debug


@pytest.mark.parametrize("kinds", KINDS, ids=", ".join)
async def test_every_way_to_keep_a_model_is_named_with_its_line(kinds, tmp_path):
    folder = str(tmp_path / "hooks")
    found = {}
    # Without the sandbox, so that some may use threads.
    settings = {"hook_sandbox": False, "hook_timeout": 30}
    async with running(write_scripts(tmp_path / "hooks"), **settings) as server, logged_in(server, "anna") as anna:
        room = (await anna.ok("CreateRoom"))["room_id"]
        for kind in kinds:
            source = f"{KEPT[kind][0]}{ENDS}".replace("'r1'", repr(room))
            await server.hooks.load(Sources(folder, (("auth.py", source.encode()),)))
            code = await anna.refused("Play", room_id=room, message="hi")
            trouble = server.hooks.reports.latest[-1].trouble
            place = trouble.place
            marked = place.source[place.column : place.end]
            headline = trouble.headline.replace(repr(room), "'r1'")
            found[kind] = code, KEPT[kind][1] in headline or headline, place.line, marked
    assert {kind: ("hook_error", True, *KEPT[kind][2:]) for kind in kinds} == found


async def test_a_hook_that_keeps_nothing_is_never_accused(tmp_path):
    folder = str(tmp_path / "hooks")
    failing = {"raises", "raises with the model", "chains exceptions", "leaves a model that holds itself"}
    async with running(write_scripts(tmp_path / "hooks")) as server, logged_in(server, "anna") as anna:
        room = (await anna.ok("CreateRoom"))["room_id"]
        for name, text in CLEAN.items():
            source = f"{text}{ENDS}"
            await server.hooks.load(Sources(folder, (("auth.py", source.encode()),)))
            for _ in range(3):
                answer = await anna.call("Play", room_id=room, message="hi")
                assert answer["status"] == (name not in failing), name
            assert "retained" not in server.hooks.statistics().reports, name
        assert server.hooks.statistics().loads == len(CLEAN)


async def test_a_script_whose_every_call_leaves_a_cycle_is_not_accused(tmp_path):
    scripts = """
        class Node:
            pass

        def pre_play(model):
            node = Node()
            node.node, node.model = node, model
    """
    async with running(write_scripts(tmp_path / "hooks", game=scripts)) as server, logged_in(server, "anna") as anna:
        room = (await anna.ok("CreateRoom"))["room_id"]
        for number in range(100):
            await anna.ok("Play", room_id=room, message=number)
        assert server.hooks.statistics().reports == {}


async def test_what_a_later_hook_does_with_a_kept_model_fails_and_repeats_the_report(tmp_path, encoding, journal):
    async with (
        running(write_scripts(tmp_path / "hooks", game=KEEPER)) as server,
        logged_in(server, "anna", encoding) as anna,
        logged_in(server, "bert", encoding) as bert,
    ):
        room = (await anna.ok("CreateRoom"))["room_id"]
        await bert.ok("JoinToRoom", room_id=room)
        assert await anna.refused("MessageToRoom", room_id=room, message="keep in pre") == "hook_error"
        # So the data of anna's message is never taken for that of bert's.
        assert await bert.refused("Play", room_id=room, message=1) == "hook_error"
        line = await journal.line("RetainedModelError")
        assert (line["kind"], line["file"], line["line"]) == ("error", "game.py", 24)
        headline = line["event"].splitlines()[0]
        assert "pre_message_to_room of game.py kept the MessageToRoom" in line["event"]
        assert "held by game.py: messages['pre_auth']" in headline
        assert "copy the values that you need (model.message, for example)" in line["event"]
        assert server.hooks.statistics().reports == {"retained": 1, "error": 1}


async def test_values_of_a_model_may_be_kept_and_are_copies(tmp_path):
    scripts = """
        from yummy import room

        metas = []
        messages = {}

        def pre_create_room(model):
            metas.append(model.metas)

        def post_play(model, success):
            messages.setdefault(model.user_id, []).append(model.message)
            model.message["by"] = "the script"
            metas[0]["more"] = 1
            room.message_to_room(model.room_id, [messages[model.user_id], metas[0]])
    """
    async with running(write_scripts(tmp_path / "hooks", game=scripts)) as server, logged_in(server, "anna") as anna:
        room = (await anna.ok("CreateRoom", metas={"board": {"access": 0, "value": [1, 2]}}))["room_id"]
        for move in (1, 2):
            await anna.ok("Play", room_id=room, message={"move": move})
        # What the players have is what they sent.
        assert (await anna.ok("GetRoom", room_id=room, members=[7]))["metas"] == {"board": [1, 2]}
        heard = [event["message"] for event in anna.events if event["type"] == "MessageFromRoom"]
        moves = [{"move": 1, "by": "the script"}, {"move": 2, "by": "the script"}]
        assert heard == [[moves[:1], {"board": [1, 2], "more": 1}], [moves, {"board": [1, 2], "more": 1}]]
        assert server.hooks.statistics().reports == {}


async def test_an_attribute_on_a_dict_gets_the_error_that_it_deserves_and_no_accusation(tmp_path, journal):
    scripts = """
        messages = {}

        def pre_email_auth(model):
            messages.pre_auth = model
    """
    async with running(write_scripts(tmp_path / "hooks", auth=scripts)) as server, connected(server) as anna:
        email = {"email": "anna@example.org", "password": "correct horse", "create": True}
        assert await anna.refused("AuthEmail", **email) == "hook_error"
        line = await journal.line("AttributeError: 'dict' object has no attribute 'pre_auth'")
        assert (line["kind"], line["file"], line["line"]) == ("error", "auth.py", 5)
        assert "5 |     messages.pre_auth = model" in line["event"].splitlines()
        assert "retained" not in line["event"]
        assert server.hooks.statistics().reports == {"error": 1}
        # Other ways to log in are as open as before.
        await anna.ok("AuthDeviceId", id="device-of-anna")


async def test_the_same_report_again_and_again_is_counted_but_not_logged(tmp_path, journal):
    times = 4 * LOGGED
    async with (
        running(write_scripts(tmp_path / "hooks", game=KEEPS_ALWAYS)) as server,
        logged_in(server, "anna") as anna,
    ):
        room = (await anna.ok("CreateRoom"))["room_id"]
        for number in range(times):
            assert await anna.refused("Play", room_id=room, message=number) == "hook_error"
        assert len(journal.said("retained: pre_play")) <= 2 * LOGGED  # twice where that took longer than the window
        (report,) = server.hooks.reports.latest
        assert (report.count, report.trouble.place.line) == (times, 5)
        statistics = server.hooks.statistics()
        assert (statistics.reports["retained"], statistics.crashed) == (times, times)
