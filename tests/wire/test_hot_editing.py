"""Scripts that are edited on disk while players play: what takes effect, when, and what is never lost."""

import os
import shutil
from collections import Counter

import pytest
import trio
from attrs import define, field
from harness import PATIENCE, connected, logged_in, running, write_scripts

#: Says in a room's metadata which version of it ran before and after a message.
GAME = """
from yummy import room

VERSION = {version}

def pre_play(model):
    print("pre", VERSION)
    room.set_room_meta(model.room_id, "pre", VERSION, 0)

def post_play(model, success):
    room.set_room_meta(model.room_id, "post", VERSION, 0)
"""


def game(version):
    return GAME.format(version=version)


async def metas(player, room):
    """What the scripts leave in a room at a message."""
    await player.ok("Play", room_id=room, message="hi")
    return (await player.ok("GetRoom", room_id=room, members=[7]))["metas"]


async def test_a_save_takes_effect_while_players_play_on(tmp_path, encoding):
    folder = write_scripts(tmp_path / "hooks", game=game(1))
    async with (
        running(folder) as server,
        logged_in(server, "anna", encoding) as anna,
        logged_in(server, "bert", encoding) as bert,
    ):
        room = (await anna.ok("CreateRoom"))["room_id"]
        await bert.ok("JoinToRoom", room_id=room)
        await anna.event("JoinToRoom")
        assert await metas(anna, room) == {"pre": 1, "post": 1}
        write_scripts(folder, game=game(2))
        plays = 1
        with trio.fail_after(PATIENCE):
            # Every answer on the way is a success, of the one version or the other.
            while (found := await metas(anna, room)) == {"pre": 1, "post": 1}:
                plays += 1
        assert found == {"pre": 2, "post": 2}
        assert server.hooks.statistics().revision == 2
        # Nobody was sent away, and nobody missed anything.
        assert [(await bert.event("Play"))["message"] for _ in range(plays + 1)] == ["hi"] * (plays + 1)
        await anna.silent()


async def test_each_line_report_and_number_carries_the_revision(tmp_path, journal):
    fails = "\ndef pre_message_to_room(model):\n    raise ValueError\n"
    folder = write_scripts(tmp_path / "hooks", game=game(1) + fails)
    async with running(folder) as server, logged_in(server, "anna") as anna:
        room = (await anna.ok("CreateRoom"))["room_id"]
        revisions = []
        for version in (1, 2):
            if version == 2:
                write_scripts(folder, game=game(2) + fails)
            loaded = await journal.line("scripts loaded", after=version - 1)
            revision = server.hooks.revision
            revisions.append(str(revision))
            assert (revision.number, revision.files) == (version, ("game.py",))
            assert revision.content_hash in str(revision)
            assert loaded["revision"] == str(revision)
            await anna.ok("Play", room_id=room, message=1)
            await journal.line(f"pre {version}", revision=str(revision))
            assert await anna.refused("MessageToRoom", room_id=room, message=1) == "hook_error"
            report = server.hooks.reports.latest[-1]
            assert report.revision == str(revision)
            assert f"of revision {revision}" in report.text
            (line,) = journal.said("pre_message_to_room failed", revision=str(revision))
            assert line["event"] == report.text
            assert server.hooks.statistics().revision == version
        assert len(set(revisions)) == 2
        # The same place in another revision is a report of its own.
        assert [report.count for report in server.hooks.reports.latest] == [1, 1]


@pytest.mark.parametrize(
    ("broken", "says", "excerpt"),
    [
        (
            "x = 1\ndef pre_play(model)\n    pass\n",
            "expected ':'",
            ["2 | def pre_play(model)", "  |                    ^"],
        ),
        ("import nowhere\n", "No module named 'nowhere'", ["1 | import nowhere"]),
        ("kept = [1]\nkept[1 + 0] = 2\n", "IndexError", ["2 | kept[1 + 0] = 2", "  | ~^"]),
        ("async def pre_play(model):\n    pass\n", "async", ["1 | async def pre_play(model):"]),
        ("def pre_play():\n    print(1)\n", "pre_play", ["1 | def pre_play():"]),
    ],
    ids=["syntax", "import", "error", "async", "arguments"],
)
async def test_a_broken_edit_is_refused_with_its_line_and_the_old_code_serves_on(
    broken, says, excerpt, tmp_path, journal
):
    folder = write_scripts(tmp_path / "hooks", game=game(1), counts="played = []\ndef pre_play(m): played.append(1)")
    async with running(folder) as server, logged_in(server, "anna") as anna:
        room = (await anna.ok("CreateRoom"))["room_id"]
        assert await metas(anna, room) == {"pre": 1, "post": 1}
        (folder / "game.py").write_text(broken)
        await journal.line("the scripts were not taken; those before serve on", revision=str(server.hooks.revision))
        report = server.hooks.reports.latest[-1]
        assert (report.trouble.place.file, report.revision) == ("game.py", "2 (refused)")
        assert says in report.text
        lines = report.text.splitlines()
        assert excerpt[0] in lines
        if len(excerpt) > 1 and "^" in excerpt[1]:
            marks = lines[lines.index(excerpt[0]) + 1]
            assert set(marks.strip(" |")) <= {"^"}
            assert "^" in marks
        (logged,) = journal.said(report.text)
        assert (logged["level"], logged["file"]) == ("error", "game.py")
        assert await metas(anna, room) == {"pre": 1, "post": 1}
        statistics = server.hooks.statistics()
        assert (statistics.revision, statistics.loads, statistics.refused_loads) == (1, 1, 1)
        # The next good save wins.
        write_scripts(folder, game=game(3))
        await journal.line("scripts loaded", after=1)
        assert await metas(anna, room) == {"pre": 3, "post": 3}
        assert server.hooks.statistics().given_up == 0


async def test_each_load_tells_what_scripts_hold_and_how_the_process_grew(tmp_path, journal):
    folder = write_scripts(tmp_path / "hooks", game=game(1))
    async with running(folder) as server:
        before = server.hooks.statistics().live_objects
        write_scripts(folder, game=game(2) + "big = [[number] for number in range(50_000)]")
        line = await journal.line("scripts loaded", after=1)
        assert line["live_objects"] == server.hooks.statistics().live_objects
        assert line["live_objects"] - before >= 50_000
        assert line["process_growth_bytes"] > 0


async def test_an_edit_is_refused_as_a_whole(tmp_path, journal):
    folder = write_scripts(tmp_path / "hooks", game=game(1), other="def pre_play(model): pass")
    async with running(folder) as server, logged_in(server, "anna") as anna:
        room = (await anna.ok("CreateRoom"))["room_id"]
        write_scripts(folder, game=game(2), other="1 / 0")
        await journal.line("the scripts were not taken")
        assert await metas(anna, room) == {"pre": 1, "post": 1}
        write_scripts(folder, other="one = 1")
        await journal.line("scripts loaded", after=1)
        assert await metas(anna, room) == {"pre": 2, "post": 2}


class TestWaysToSave:
    async def test_by_rename_with_the_size_and_the_times_of_the_old_file(self, tmp_path, journal):
        folder = write_scripts(tmp_path / "hooks", game=game(1))
        async with running(folder) as server, logged_in(server, "anna") as anna:
            room = (await anna.ok("CreateRoom"))["room_id"]
            before = (folder / "game.py").stat()
            (tmp_path / "game.py.new").write_text(game(2))
            os.utime(tmp_path / "game.py.new", ns=(before.st_atime_ns, before.st_mtime_ns))
            (tmp_path / "game.py.new").rename(folder / "game.py")
            await journal.line("scripts loaded", after=1)
            assert await metas(anna, room) == {"pre": 2, "post": 2}

    async def test_the_folder_is_removed_and_made_again(self, tmp_path, journal):
        folder = write_scripts(tmp_path / "hooks", game=game(1))
        async with running(folder) as server, logged_in(server, "anna") as anna:
            room = (await anna.ok("CreateRoom"))["room_id"]
            shutil.rmtree(folder)
            await journal.line("the scripts folder is gone: the scripts go on until it is back")
            assert await metas(anna, room) == {"pre": 1, "post": 1}
            write_scripts(folder, game=game(2))
            await journal.line("scripts loaded", after=1)
            assert await metas(anna, room) == {"pre": 2, "post": 2}

    async def test_another_folder_takes_its_place(self, tmp_path, journal):
        folder = write_scripts(tmp_path / "hooks", game=game(1))
        async with running(folder) as server, logged_in(server, "anna") as anna:
            room = (await anna.ok("CreateRoom"))["room_id"]
            new = write_scripts(tmp_path / "new", game=game(2))
            folder.rename(tmp_path / "old")
            new.rename(folder)
            await journal.line("scripts loaded", after=1)
            assert await metas(anna, room) == {"pre": 2, "post": 2}

    async def test_a_burst_of_saves_ends_with_the_last_of_them(self, tmp_path, journal, until):
        folder = write_scripts(tmp_path / "hooks", game=game(1))
        async with running(folder) as server, logged_in(server, "anna") as anna:
            room = (await anna.ok("CreateRoom"))["room_id"]
            for version in range(2, 40):
                write_scripts(folder, game=game(version), other=f"x = {version}")
                assert set((await metas(anna, room)).values()) <= set(range(1, version + 1))
            await until(lambda: server.hooks.scripts == ("game.py", "other.py"))
            with trio.fail_after(PATIENCE):
                while await metas(anna, room) != {"pre": 39, "post": 39}:
                    pass
            assert server.hooks.statistics().reports == {}

    async def test_a_new_file_and_a_deleted_one(self, tmp_path, journal):
        folder = write_scripts(tmp_path / "hooks", game=game(1))
        late = """
            from yummy import room
            def post_play(model, success):
                room.set_room_meta(model.room_id, "late", room.get_room_meta(model.room_id, "post"), 0)
        """
        async with running(folder) as server, logged_in(server, "anna") as anna:
            room = (await anna.ok("CreateRoom"))["room_id"]
            write_scripts(folder, late=late)
            await journal.line("scripts loaded", after=1)
            assert server.hooks.scripts == ("game.py", "late.py")
            assert await metas(anna, room) == {"pre": 1, "post": 1, "late": 1}
            (folder / "game.py").unlink()
            await journal.line("scripts loaded", after=2)
            assert server.hooks.scripts == ("late.py",)
            room = (await anna.ok("CreateRoom"))["room_id"]
            assert await metas(anna, room) == {"late": None}
            (folder / "late.py").unlink()
            await journal.line("scripts loaded", after=3)
            before = server.hooks.statistics().calls
            assert await metas(anna, room) == {"late": None}
            assert server.hooks.statistics().calls == before

    @pytest.mark.parametrize("there", [False, True])
    async def test_a_server_without_scripts_gets_its_first(self, there, tmp_path, journal):
        folder = tmp_path / "hooks"
        if there:
            folder.mkdir()
        async with running(folder) as server, logged_in(server, "anna") as anna:
            room = (await anna.ok("CreateRoom"))["room_id"]
            assert await metas(anna, room) == {}
            # The first may be broken, too.
            write_scripts(folder, game="1 / 0")
            await journal.line("the scripts were not taken; messages run without hooks")
            assert await metas(anna, room) == {}
            write_scripts(folder, game=game(1))
            await journal.line("scripts loaded")
            assert await metas(anna, room) == {"pre": 1, "post": 1}
            assert server.hooks.revision.number == 1


class TestWhatGoesOn:
    async def test_only_what_is_edited_and_what_imports_it_starts_afresh(self, tmp_path, journal):
        lobby = "visits = []\nidentity = object()\n"
        second = """
            import lobby
            from yummy import room, state
            from rules import board
            known = lobby.identity
            mine = []
            def pre_play(model):
                lobby.visits.append(1)
                mine.append(1)
                state["plays"] = state.get("plays", 0) + 1
                same = known is lobby.identity
                found = [len(lobby.visits), len(mine), state["plays"], board.SIZE, same]
                room.set_room_meta(model.room_id, "found", found, 0)
        """
        folder = write_scripts(tmp_path / "hooks", lobby=lobby, second=second)
        write_scripts(folder / "rules", __init__="", board="SIZE = 3")
        async with running(folder) as server, logged_in(server, "anna") as anna:
            room = (await anna.ok("CreateRoom"))["room_id"]
            assert await metas(anna, room) == {"found": [1, 1, 1, 3, True]}
            # A helper in a package brings the script that imports it, and no other.
            write_scripts(folder / "rules", board="SIZE = 4")
            await journal.line("scripts loaded", after=1)
            assert await metas(anna, room) == {"found": [2, 1, 2, 4, True]}
            # A script that nobody imports starts afresh alone.
            write_scripts(folder, second=second.replace("mine = []", "mine, edited = [], True"))
            await journal.line("scripts loaded", after=2)
            assert await metas(anna, room) == {"found": [3, 1, 3, 4, True]}
            # One that is imported brings its importer.
            write_scripts(folder, lobby=lobby + "# edited")
            await journal.line("scripts loaded", after=3)
            assert await metas(anna, room) == {"found": [1, 1, 4, 4, True]}
            # A new one leaves both alone.
            write_scripts(folder, third="x = 1")
            await journal.line("scripts loaded", after=4)
            assert await metas(anna, room) == {"found": [2, 2, 5, 4, True]}

    async def test_on_unload_of_the_old_and_then_on_load_of_the_new_are_heard(self, tmp_path, journal):
        hears = "def on_load(): print('{0} loaded')\ndef on_unload(): print('{0} unloaded')\n"
        folder = write_scripts(tmp_path / "hooks", game=hears.format("game 1"), other=hears.format("other"))
        async with running(folder) as server:
            write_scripts(folder, game=hears.format("game 2") + "def on_load(): print('game 2 loaded'); 1 / 0\n")
            await journal.line("scripts loaded", after=1)
            report = server.hooks.reports.latest[-1]
            assert (report.trouble.hook, report.trouble.place.line) == ("on_load", 3)
            write_scripts(folder, game=hears.format("game 3"))
            await journal.line("scripts loaded", after=2)
            assert server.hooks.revision.number == 3
            heard = [line["event"] for line in journal.lines if line.get("hook") in {"on_load", "on_unload"}]
            assert [event for event in heard if event.endswith("loaded")] == [
                "game 1 loaded",
                "other loaded",
                "game 1 unloaded",
                "game 2 loaded",
                "game 2 unloaded",
                "game 3 loaded",
            ]


async def test_a_message_that_began_before_an_edit_ends_with_what_it_began_with(tmp_path, journal, hold_logins):
    script = """
import helper
VERSION = {version}

def pre_email_auth(model):
    print("pre", VERSION, helper.VERSION)

def post_email_auth(model, success):
    import helper as now
    print("post", VERSION, helper.VERSION, now.VERSION)
"""
    folder = write_scripts(tmp_path / "hooks", game=script.format(version=1), helper="VERSION = 1")

    async def log_in(player, name):
        await player.ok("AuthEmail", email=f"{name}@example.org", password="correct horse", create=True)

    async with running(folder) as server, connected(server) as anna, connected(server) as bert:
        held = hold_logins(server)
        first = str(server.hooks.revision)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(log_in, anna, "anna")
            await held.asked.wait()
            for version in (2, 3):
                write_scripts(folder, game=script.format(version=version), helper=f"VERSION = {version}")
                await journal.line("scripts loaded", after=version - 1)
            held.answer.set()
        await journal.line("pre 1 1", revision=first)
        await journal.line("post 1 1 1", revision=first)
        await log_in(bert, "bert")
        await journal.line("pre 3 3", revision=str(server.hooks.revision))
        await journal.line("post 3 3 3", revision=str(server.hooks.revision))
        assert server.hooks.statistics().reports == {}
        # Nothing of the older revisions is kept for ever.
        assert set(server.hooks._older) <= {0}


#: Fails a message that comes out of order, or whose halves are of two revisions.
STRICT = """
from yummy import state

VERSION = {version}

def pre_play(model):
    key = model.user_id
    assert state.get(key, 0) + 1 == model.message, (state.get(key, 0), model.message)
    state[key + " in"] = VERSION

def post_play(model, success):
    key = model.user_id
    assert success
    assert state.pop(key + " in") == VERSION
    state[key] = model.message
"""


@define
class Load:
    """Players who play as fast as they are answered, a few messages ahead, until they are told to stop."""

    ahead: int = 4
    enough: bool = False
    answers: Counter = field(factory=Counter)
    heard: dict = field(factory=dict)

    async def play(self, player, room):
        sent = done = 0
        heard = self.heard.setdefault(player.user_id, [])
        while done < sent or not self.enough:
            while sent < done + self.ahead and not self.enough:
                sent += 1
                await player.send(type="Play", room_id=room, request_id=sent, message=sent)
            message = await player.receive()
            if "status" in message:
                done += 1
                assert message["request_id"] == done
                assert message["status"] is True, message
                self.answers[player.user_id] += 1
            else:
                heard.append(message["message"])


async def test_under_load_edit_after_edit_costs_no_message_and_no_connection(tmp_path, journal):
    edits, pairs = 15, 10
    folder = write_scripts(tmp_path / "hooks", game=STRICT.format(version=1))
    load, leave = Load(), trio.Event()
    async with running(folder, hook_timeout=30.0) as server, trio.open_nursery() as connections:
        players, rooms = [], []

        async def stay(name, *, task_status):
            async with logged_in(server, name) as player:
                task_status.started(player)
                await leave.wait()

        for pair in range(pairs):
            anna, bert = [await connections.start(stay, f"{name}-{pair}") for name in ("anna", "bert")]
            room = (await anna.ok("CreateRoom"))["room_id"]
            await bert.ok("JoinToRoom", room_id=room)
            await anna.event("JoinToRoom")
            players += [anna, bert]
            rooms += [room, room]
        async with trio.open_nursery() as nursery:
            for player, room in zip(players, rooms, strict=True):
                nursery.start_soon(load.play, player, room)
            for edit in range(edits):
                # As fast as they are taken: about every 200 ms.
                write_scripts(folder, game=STRICT.format(version=edit + 2))
                loaded = await journal.line("scripts loaded", after=edit + 1)
                assert loaded["revision"].startswith(f"{edit + 2} (")
            load.enough = True
        statistics = server.hooks.statistics()
        assert statistics.revision == statistics.loads == edits + 1
        assert (statistics.crashed, statistics.given_up, statistics.reports) == (0, 0, {})
        assert len(load.answers) == 2 * pairs
        assert statistics.calls == 2 * load.answers.total()
        for anna, bert in zip(players[::2], players[1::2], strict=True):
            for one, other in ((anna, bert), (bert, anna)):
                heard = load.heard[one.user_id]
                while len(heard) < load.answers[other.user_id]:
                    heard.append((await one.event("Play"))["message"])
                assert heard == list(range(1, load.answers[other.user_id] + 1))
        leave.set()
