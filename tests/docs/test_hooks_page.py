"""The guide for authors of scripts: what it says to write is written, and what it shows is what the server says.

Each section's scripts run in a real hook interpreter, with real messages; its reports are compared with those that
come of it, but for ids and hashes, which differ every time.
"""

import re
import subprocess
import sys
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import trio
from harness import PATIENCE, running, write_scripts

from yummy.hooks.revision import read_sources
from yummy.testing import game

PAGE = Path(__file__).parents[2] / "docs" / "hooks.md"

_TEXT = PAGE.read_text(encoding="utf-8")
_ID = re.compile(r"\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b")
_REVISION = re.compile(r"\b\d+ \(([0-9a-f]{12}|refused)\)")
_REQUEST = re.compile(r"request_id \d+")


def section(heading):
    """The text of a section of the page."""
    _, found, rest = _TEXT.partition(f"\n## {heading}\n")
    assert found, heading
    return rest.partition("\n## ")[0]


def blocks(heading, language):
    """The code blocks of a section, in order."""
    return re.findall(rf"```{language}\n(.*?)```", section(heading), re.DOTALL)


def scripts(*headings, but=()):
    """The scripts of some sections by file name, as they lie in the folder in the end, without wrong ones."""
    found = {}
    for heading in headings:
        for block in blocks(heading, "python"):
            name = re.match(r"# hooks/(\w+\.py)\n", block)
            if name and name[1] not in but:
                found[name[1]] = block
    return found


def numbered(heading, place):
    """One script of a section alone."""
    block = blocks(heading, "python")[place]
    return {re.match(r"# hooks/(\w+\.py)", block)[1]: block}


def plain(report):
    """A report without what differs every time."""
    return _REQUEST.sub("request_id N", _REVISION.sub("REVISION", _ID.sub("ID", report))).strip()


@asynccontextmanager
async def edited(files, **settings):
    """A game, and what saves scripts in its folder as an author does, while it runs."""
    async with game(scripts=files, settings=settings) as found:
        hooks = found.parts.hooks
        folder = Path(found.parts.settings.default_python_files_path)

        async def save(files):
            for name, text in files.items():
                (folder / name).write_text(text, encoding="utf-8")
            await hooks.reload(await trio.to_thread.run_sync(read_sources, folder))

        yield found, save


async def table(found, name="ann"):
    """A player in a room of their own."""
    player = await found.player(name)
    return player, (await player.push("CreateRoom")).room_id


async def written_to(found, name):
    """What scripts have written to a file of theirs."""
    return await trio.Path(found.parts.settings.default_python_files_path, "data", name).read_text(encoding="utf-8")


ALL = [heading for heading in re.findall(r"^## (.*)$", _TEXT, re.MULTILINE) if "```python" in section(heading)]


@pytest.mark.yummy
class TestScripts:
    async def test_every_script_is_taken_over_when_it_is_saved(self):
        first, *rest = [
            {name[1]: block}
            for heading in ALL
            for block in blocks(heading, "python")
            if (name := re.match(r"# hooks/(\w+\.py)( \(wrong\))?\n", block))
        ]
        async with edited(first) as (found, save):
            for number, edit in enumerate(rest, 2):
                await save(edit)
                assert number == found.parts.hooks.revision.number, edit
            assert [] == [line for line in found.log if line.level in {"warning", "error"}]

    async def test_the_first_hook_prints_the_move(self):
        async with game(scripts=scripts("The first hook")) as found:
            ann, room_id = await table(found)
            await ann.push("Play", room_id=room_id, message=42)
            assert ["a move: 42"] == found.printed
            assert " a move: 42 [yummy.scripts] file=guess.py hook=pre_play line=2 " in section("The first hook")

    async def test_the_second_one_serves_who_is_connected(self):
        async with edited(scripts("The first hook")) as (found, save):
            ann, room_id = await table(found)
            await save(numbered("Save, and it runs", 0))
            (heard,) = [text for text in blocks("Save, and it runs", "text") if text.startswith("  refused:")]
            for message, line in zip(("abc", 200), heard.splitlines(), strict=True):
                ann.push("Play", room_id=room_id, message=message)
                reply = await ann.expect_failure(re.search(r"\((\w+)\)", line)[1])
                assert f"  refused: {reply.error} ({reply.code})" == line

    async def test_messages_are_changed(self):
        async with game(scripts=scripts("Change a message")) as found:
            ann, room_id = await table(found)
            room = await found.room(room_id)
            assert (2, "A game without a name", "guess") == (room.max_user, room.name, room.metas["game"])
            bob = await found.player("bob")
            await bob.push("JoinToRoom", room_id=room_id)
            await ann.push("MessageToRoom", room_id=room_id, message="  hello ")
            await bob.expect_event("MessageFromRoom", message="hello")
            ann.push("MessageToRoom", room_id=room_id, message=5)
            await ann.expect_failure("no_text")

    async def test_a_value_that_does_not_fit_is_refused_at_its_line(self):
        error = re.search(r"`(ValueError: .*?)`", section("Change a message"))[1]
        async with game(scripts={"a.py": "def pre_create_room(model):\n    model.max_user = -1"}) as found:
            ann = await found.player("ann")
            ann.push("CreateRoom")
            await ann.expect_failure("hook_error")
            assert "a.py:2" in (await found.expect_report(error)).text

    async def test_what_lasts_is_written_down(self):
        async with edited(scripts("What lasts")) as (found, save):
            ann, room_id = await table(found)
            await save({"rounds.py": scripts("What lasts")["rounds.py"] + "\n"})
            second = (await ann.push("CreateRoom")).room_id
            written = await written_to(found, "rounds.txt")
            assert f"1 {room_id}\n2 {second}\n" == written

    async def test_a_season_outlives_an_edit(self):
        async with edited(scripts("Hot editing")) as (found, save):
            ann, room_id = await table(found)
            await ann.push("Play", room_id=room_id, message=1)
            await save({"season.py": scripts("Hot editing")["season.py"] + "\n"})
            await ann.push("Play", room_id=room_id, message=1)
            await save({"season.py": scripts("Hot editing")["season.py"]})
            written = await written_to(found, "season.json")
            assert '{"moves": 2}' == written

    async def test_a_name_that_only_looks_like_a_hook_is_warned_of(self):
        async with game(scripts={"a.py": "def pre_plya(model): print(model)"}) as found:
            (warning,) = [line for line in found.log if line.level == "warning"]
            assert f"{warning.text}\n" in blocks("Several files", "text")


@pytest.mark.yummy
class TestReports:
    """The reports on the page are those that an author gets."""

    async def shown(self, found, heading, text):
        report = await found.expect_report(text)
        folder = found.parts.settings.default_python_files_path
        text = report.text.replace(str(folder), "/srv/game/hooks")
        assert plain(text) in map(plain, blocks(heading, "text")), text

    async def test_of_a_broken_edit(self):
        heading = "Save, and it runs"
        async with edited(numbered(heading, 0)) as (found, save):
            ann, room_id = await table(found)
            (broken,) = [block for block in blocks(heading, "python") if "(broken)" in block]
            await save({"guess.py": broken})
            await self.shown(found, heading, "SyntaxError")
            ann.push("Play", room_id=room_id, message="abc")
            await ann.expect_failure("no_number")

    async def test_of_an_error(self):
        heading = "When a hook goes wrong"
        files = scripts("Keep data, tell players", "Several files") | numbered(heading, 0)
        async with game(scripts=files) as found:
            ann, room_id = await table(found)
            secret = (await found.room(room_id)).metas["secret"]
            ann.push("Play", room_id=room_id, message=secret)
            await ann.expect_failure("hook_error")
            await self.shown(found, heading, "TypeError")
            assert secret == (await found.room(room_id)).metas["secret"]
            await ann.expect_no_event()

    async def test_of_what_scripts_may_not_do(self):
        heading = "When a hook goes wrong"
        async with game(scripts=scripts(heading, but=("scores.py",))) as found:
            ann = await found.player("ann")
            ann.push("CreateRoom")
            await ann.expect_failure("hook_error")
            await self.shown(found, heading, "sandbox")

    async def test_of_a_kept_model(self):
        heading = "Never keep a model"
        wrong, right = blocks(heading, "python")
        async with edited({"history.py": wrong}) as (found, save):
            ann, room_id = await table(found)
            ann.push("Play", room_id=room_id, message=1)
            await ann.expect_failure("hook_error")
            await self.shown(found, heading, "retained")
            await save({"history.py": right})
            await ann.push("Play", room_id=room_id, message=1)

    async def test_of_a_hook_that_takes_too_long(self):
        heading = "Hooks that take too long"
        async with game(scripts=scripts(heading), settings={"hook_timeout": 0.2}) as found:
            ann, room_id = await table(found)
            ann.push("Play", room_id=room_id, message=1)
            await ann.expect_failure("hook_timeout")
            await self.shown(found, heading, "timeout")


async def test_the_client_on_the_page_plays(tmp_path):
    _, client = blocks("The first hook", "python")
    folder = write_scripts(tmp_path / "hooks", guess=numbered("Save, and it runs", 0)["guess.py"])
    async with running(folder) as server:
        program = client.replace("ws://127.0.0.1:9090", server.url)
        with trio.fail_after(PATIENCE):
            done = await trio.run_process([sys.executable, "-c", program], stdin=b"42\nabc\n\n", capture_stdout=True)
    assert "  refused: Guess a number (no_number)" == done.stdout.decode().strip("\n")


def test_the_test_on_the_page_passes(tmp_path):
    files = scripts("Change a message", "Keep data, tell players", "Several files", "What lasts", "Hot editing")
    (test,) = [block for block in blocks("Check and test", "python") if block.startswith("# tests/")]
    for name, text in files.items():
        (tmp_path / "hooks").mkdir(exist_ok=True)
        (tmp_path / "hooks" / name).write_text(text, encoding="utf-8")
    (tmp_path / "test_guess.py").write_text(test, encoding="utf-8")
    (tmp_path / "pytest.ini").write_text("[pytest]\nyummy_hooks = hooks\n", encoding="utf-8")
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (0, True) == (done.returncode, "1 passed" in done.stdout), done.stdout
