"""What scripts may not do, and what they say, in a whole server."""

import pytest
from harness import logged_in, running, write_scripts

OUTSIDE = """
    import os, pathlib, subprocess, threading

    def pre_play(model):
        print("about to", model.message)
        if model.message == "write":
            (pathlib.Path(__file__).parent.parent / "outside").write_text("x")
        if model.message == "run":
            subprocess.run(["true"])
        if model.message == "start":
            thread = threading.Thread(target=print, args=["from a thread"])
            thread.start()
            thread.join()
        if model.message == "data":
            (pathlib.Path(__file__).parent / "data" / "kept").write_text("x")
"""


@pytest.mark.parametrize(("what", "line"), [("write", 7), ("run", 9), ("start", 12)])
async def test_a_violation_fails_its_message_and_the_log_names_the_setting(what, line, tmp_path, encoding, journal):
    async with (
        running(write_scripts(tmp_path / "hooks", game=OUTSIDE)) as server,
        logged_in(server, "anna", encoding) as anna,
    ):
        room = (await anna.ok("CreateRoom"))["room_id"]
        answer = await anna.call("Play", room_id=room, message=what)
        assert (answer["status"], answer["code"]) == (False, "hook_error")
        assert "SANDBOX" not in answer["error"]
        (report,) = journal.said("sandbox: pre_play failed: ")
        assert "HOOK_SANDBOX" in report["event"]
        assert (report["kind"], report["file"], report["line"]) == ("sandbox", "game.py", line)
        assert report["revision"] == str(server.hooks.revision)
        assert server.hooks.statistics().reports == {"sandbox": 1}
        assert not (tmp_path / "outside").exists()
        await anna.ok("Play", room_id=room, message="data")
        assert (tmp_path / "hooks" / "data" / "kept").read_text() == "x"


@pytest.mark.parametrize("what", ["write", "start"])
async def test_with_the_sandbox_off_it_is_permitted(what, tmp_path, journal):
    async with (
        running(write_scripts(tmp_path / "hooks", game=OUTSIDE), hook_sandbox=False) as server,
        logged_in(server, "anna") as anna,
    ):
        room = (await anna.ok("CreateRoom"))["room_id"]
        await anna.ok("Play", room_id=room, message=what)
        assert (tmp_path / "outside").exists() == (what == "write")
        if what == "start":
            await journal.line("from a thread")
        assert server.hooks.statistics().reports == {}


async def test_the_api_refuses_other_threads_when_the_sandbox_lets_them_be(tmp_path, journal):
    scripts = """
        import threading
        from yummy import room
        found = []

        def look():
            try:
                room.get_room_metas("r1")
            except BaseException as error:
                found.append(str(error))

        def pre_play(model):
            thread = threading.Thread(target=look)
            thread.start()
            thread.join()
            print("found:", *found)
    """
    async with (
        running(write_scripts(tmp_path / "hooks", game=scripts), hook_sandbox=False) as server,
        logged_in(server, "anna") as anna,
    ):
        room = (await anna.ok("CreateRoom"))["room_id"]
        await anna.ok("Play", room_id=room, message=1)
        line = await journal.line("found: ")
        assert "thread" in line["event"]


async def test_what_scripts_print_and_log_stands_in_the_log_with_its_place(tmp_path, journal):
    scripts = """
        import logging, sys
        print("imported")

        def pre_play(model):
            print("a move:", model.message)
            print("without an end", end="", file=sys.stderr)
            logging.getLogger("game").error("odd move %s", model.message)
    """
    async with (
        running(write_scripts(tmp_path / "hooks", game=scripts)) as server,
        logged_in(server, "anna") as anna,
    ):
        room = (await anna.ok("CreateRoom"))["room_id"]
        await anna.ok("Play", room_id=room, message=7)
        await journal.line("imported", level="info", file="game.py", line=3, hook="import")
        revision = str(server.hooks.revision)
        place = {"file": "game.py", "hook": "pre_play", "revision": revision}
        await journal.line("a move: 7", level="info", line=6, **place)
        await journal.line("odd move 7", level="error", line=8, **place)
        await journal.line("without an end", level="warning", hook="pre_play", revision=revision)
        assert server.hooks.statistics().lines == 4
