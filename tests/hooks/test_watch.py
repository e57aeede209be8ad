"""Edits of a real folder, noticed by a watch whose looks the test takes itself."""

import os
import shutil

import pytest
import structlog.testing
import trio

from yummy.hooks import watch as watching
from yummy.hooks.calls import ScriptsBroken
from yummy.hooks.report import Trouble
from yummy.hooks.revision import read_sources, source_signature
from yummy.hooks.watch import SourceWatch, watch_sources


class Seen:
    """What a watch has handed on."""

    def __init__(self):
        self.texts = []
        self.reports = []
        self.came = trio.Event()
        self.raises = None

    async def changed(self, sources):
        await trio.lowlevel.checkpoint()
        self.texts.append({path: text.decode() for path, text in sources.texts})
        self.came.set()
        if self.raises:
            raise self.raises

    def broken(self, error):
        self.reports.append(error.report)

    def take(self):
        texts, self.texts = self.texts, []
        return texts


@pytest.fixture
def seen():
    return Seen()


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "hooks"


@pytest.fixture
def watch(folder, seen):
    """Begin to watch the folder; what it holds by then is what serves."""

    async def begin(**options):
        tried = read_sources(folder) if folder.is_dir() else None
        watch = SourceWatch(folder, tried, seen.changed, seen.broken, settle=0, **options)
        await watch.look()
        assert [] == seen.texts
        return watch

    return begin


class TestEdits:
    async def test_a_save_is_handed_on_once_with_all_texts(self, watch, write_scripts, seen):
        write_scripts({"pkg/sub.py": "x = 1"}, game="x = 1")
        watch = await watch()
        write_scripts(game="x = 2")
        for _ in range(3):
            await watch.look()
        assert [{"game.py": "x = 2", "pkg/sub.py": "x = 1"}] == seen.take()
        write_scripts({"pkg/sub.py": "x = 2"})
        await watch.look()
        assert [{"game.py": "x = 2", "pkg/sub.py": "x = 2"}] == seen.take()

    async def test_an_edit_between_the_start_of_the_server_and_the_first_look_counts(self, write_scripts, folder, seen):
        tried = read_sources(write_scripts(game="x = 1"))
        write_scripts(game="x = 2")
        await SourceWatch(folder, tried, seen.changed, seen.broken, settle=0).look()
        assert [{"game.py": "x = 2"}] == seen.take()

    async def test_new_deleted_and_renamed_files_are_edits(self, watch, write_scripts, folder, seen):
        write_scripts(a="1", b="2")
        watch = await watch()
        write_scripts({"_own.py": "3"})
        await watch.look()
        (folder / "a.py").unlink()
        await watch.look()
        (folder / "b.py").rename(folder / "c.py")
        await watch.look()
        assert [
            {"a.py": "1", "b.py": "2", "_own.py": "3"},
            {"b.py": "2", "_own.py": "3"},
            {"c.py": "2", "_own.py": "3"},
        ] == seen.take()

    async def test_a_save_by_rename_with_the_old_times_and_size(self, watch, write_scripts, folder, seen):
        write_scripts(game="x = 1")
        watch = await watch(young=0)
        old = (folder / "game.py").stat()
        draft = folder / ".game.py.swp"
        draft.write_text("x = 2")
        os.utime(draft, ns=(old.st_atime_ns, old.st_mtime_ns))
        draft.rename(folder / "game.py")
        await watch.look()
        assert [{"game.py": "x = 2"}] == seen.take()

    async def test_a_file_that_is_saved_in_place_is_not_read_while_it_is_empty(
        self, watch, write_scripts, folder, seen, monkeypatch
    ):
        write_scripts({"pkg/__init__.py": ""}, game="x = 1")
        watch = await watch()
        looks = []

        def save(found):
            looks.append(found)
            if len(looks) == 5:  # it has been the same for long enough to be read, were it not empty
                write_scripts(game="x = 2")
            return source_signature(found)

        write_scripts(game="")
        monkeypatch.setattr(watching, "source_signature", save)
        await watch.look()
        assert [{"game.py": "x = 2", "pkg/__init__.py": ""}] == seen.take()

    async def test_nor_is_one_that_was_emptied_since_the_folder_was_looked_at(
        self, watch, write_scripts, seen, monkeypatch
    ):
        write_scripts(game="x = 1")
        watch = await watch()

        def look_before_save(found):
            signature = source_signature(found)
            monkeypatch.undo()
            write_scripts(game="")
            return signature

        monkeypatch.setattr(watching, "source_signature", look_before_save)
        await watch.look()
        assert [] == seen.take()
        write_scripts(game="x = 2")
        await watch.look()
        assert [{"game.py": "x = 2"}] == seen.take()

    async def test_a_file_that_stays_empty_is_believed_in_the_end(self, watch, write_scripts, seen):
        write_scripts(game="x = 1")
        watch = await watch()
        write_scripts(game="")
        await watch.look()
        assert [{"game.py": ""}] == seen.take()

    async def test_touching_a_file_or_others_beside_it_is_no_edit(self, watch, write_scripts, folder, seen):
        write_scripts(game="x = 1")
        watch = await watch()
        (folder / "game.py").touch()
        await watch.look()
        write_scripts({"data/x.py": "", "notes.txt": "", "test_game.py": "", "__pycache__/x.py": ""})
        await watch.look()
        assert [] == seen.take()

    async def test_what_is_taken_back_is_handed_on_again(self, watch, write_scripts, seen):
        write_scripts(game="x = 1")
        watch = await watch()
        write_scripts(game="x = ")
        seen.raises = ScriptsBroken(Trouble("broken", "it is"))
        await watch.look()
        seen.raises = None
        write_scripts(game="x = 1")
        await watch.look()
        assert [{"game.py": "x = "}, {"game.py": "x = 1"}] == seen.take()
        assert ["broken: it is"] == seen.reports

    async def test_a_burst_of_saves_is_waited_for_and_not_for_ever(self, watch, write_scripts, folder, seen):
        write_scripts(game="0")
        watch = await watch()
        count = 0

        async def save_on_and_on():
            nonlocal count
            while True:
                count += 1
                write_scripts(game="#" * count)
                await trio.lowlevel.checkpoint()

        async with trio.open_nursery() as nursery:
            nursery.start_soon(save_on_and_on)
            with trio.fail_after(30):
                while not seen.texts:
                    await watch.look()
            nursery.cancel_scope.cancel()
        await watch.look()
        assert {"game.py": "#" * count} == seen.take()[-1]

    async def test_a_file_that_changes_while_it_is_read_is_read_again(self, watch, write_scripts, seen, monkeypatch):
        folder = write_scripts(a="1", b="1")
        watch = await watch()

        def read_slowly(path):
            sources = read_sources(path)
            if edits:
                write_scripts(b=edits.pop())
            return sources

        edits = ["2" * 9]
        monkeypatch.setattr(watching, "read_sources", read_slowly)
        write_scripts(a="2")
        await watch.look()
        assert [{"a.py": "2", "b.py": "2" * 9}] == seen.take()
        edits = ["4" * 4, "3" * 3, "2" * 2]
        write_scripts(a="3")
        await watch.look()
        assert [] == seen.take()
        await watch.look()
        assert [{"a.py": "3", "b.py": "4444"}] == seen.take()
        assert folder.is_dir()


class TestFolder:
    async def test_removed_and_made_again_it_is_loaded_as_it_then_is(self, watch, write_scripts, folder, seen):
        write_scripts(game="x = 1", b="x = 1")
        watch = await watch()
        shutil.rmtree(folder)
        with structlog.testing.capture_logs() as logs:
            for _ in range(3):
                await watch.look()
        assert ["the scripts folder is gone: the scripts go on until it is back"] == [line["event"] for line in logs]
        assert [] == seen.take()
        write_scripts(game="x = 2")
        await watch.look()
        assert [{"game.py": "x = 2"}] == seen.take()

    async def test_back_as_it_was_nothing_is_loaded(self, watch, write_scripts, folder, seen):
        write_scripts(game="x = 1")
        watch = await watch()
        folder.rename(folder.with_name("away"))
        await watch.look()
        folder.with_name("away").rename(folder)
        await watch.look()
        assert [] == seen.take()

    async def test_empty_it_means_that_all_scripts_were_deleted(self, watch, write_scripts, folder, seen):
        write_scripts(game="x = 1")
        watch = await watch()
        (folder / "game.py").unlink()
        await watch.look()
        assert [{}] == seen.take()

    async def test_made_after_the_start_it_is_noticed(self, watch, write_scripts, folder, seen):
        with structlog.testing.capture_logs() as logs:
            watch = await watch()
            folder.mkdir()
            await watch.look()
            assert [] == seen.take()
            write_scripts(game="x = 1")
            await watch.look()
        assert [{"game.py": "x = 1"}] == seen.take()
        assert [] == logs

    async def test_a_link_that_is_pointed_elsewhere_is_an_edit(self, watch, folder, tmp_path, seen):
        for name in ("one", "two"):
            (tmp_path / name).mkdir()
            (tmp_path / name / "game.py").write_text(name)
        folder.symlink_to(tmp_path / "one")
        watch = await watch()
        (tmp_path / "next").symlink_to(tmp_path / "two")
        (tmp_path / "next").rename(folder)
        await watch.look()
        assert [{"game.py": "two"}] == seen.take()
        assert str(folder) == read_sources(folder).folder

    async def test_what_cannot_be_read_is_told_once_and_ends_nothing(self, watch, write_scripts, folder, seen):
        write_scripts(game="x = 1")
        watch = await watch()
        loop = folder / "loop.py"
        loop.symlink_to(loop)
        for _ in range(3):
            await watch.look()
        (report,) = seen.reports
        assert "loop.py cannot be read" in report
        loop.unlink()
        await watch.look()
        assert [] == seen.take()
        loop.symlink_to(loop)
        await watch.look()
        assert 2 == len(seen.reports)

    async def test_a_file_in_its_place_is_told(self, watch, write_scripts, folder, seen):
        write_scripts(game="x = 1")
        watch = await watch()
        shutil.rmtree(folder)
        folder.write_text("")
        await watch.look()
        (report,) = seen.reports
        assert "the scripts folder cannot be read: Not a directory" in report


class TestWatching:
    async def test_edits_are_handed_on_until_it_is_cancelled(self, write_scripts, folder, seen):
        tried = read_sources(write_scripts(game="x = 1"))
        with trio.fail_after(30):
            async with trio.open_nursery() as nursery:
                nursery.start_soon(lambda: watch_sources(folder, tried, seen.changed, seen.broken, poll=0.001))
                for text in ("x = 2", "x = 3", "x = 4"):
                    write_scripts(game=text)
                    await seen.came.wait()
                    seen.came = trio.Event()
                    assert {"game.py": text} == seen.texts[-1]
                nursery.cancel_scope.cancel()

    async def test_an_error_of_who_loads_ends_nothing(self, write_scripts, folder, seen):
        tried = read_sources(write_scripts(game="x = 1"))
        seen.raises = RuntimeError("odd")
        with structlog.testing.capture_logs() as logs, trio.fail_after(30):
            async with trio.open_nursery() as nursery:
                nursery.start_soon(lambda: watch_sources(folder, tried, seen.changed, seen.broken, poll=0.001))
                for text in ("x = 2", "x = 3"):
                    write_scripts(game=text)
                    await seen.came.wait()
                    seen.came = trio.Event()
                nursery.cancel_scope.cancel()
        assert "an edit of the scripts could not be taken over" == logs[0]["event"]


class TestSignature:
    def test_it_differs_with_every_file(self, write_scripts, folder):
        assert source_signature(folder) is None
        write_scripts({"pkg/deep/sub.py": "1"}, game="1")
        first = source_signature(folder)
        assert ("game.py", "pkg/deep/sub.py") == tuple(stamp[0] for stamp in first)
        write_scripts({"pkg/deep/sub.py": "12"})
        assert first != source_signature(folder)

    def test_what_cannot_be_looked_at_has_its_error(self, write_scripts, folder):
        write_scripts(game="1")
        (folder / "loop.py").symlink_to(folder / "loop.py")
        assert 2 == len(source_signature(folder)[1])
        assert 1 == len(source_signature(folder / "game.py"))
