import pytest

from yummy.hooks import revision
from yummy.hooks.calls import ScriptsBroken
from yummy.hooks.revision import read_sources


def test_which_files_count(write_scripts):
    folder = write_scripts(
        {
            name: name
            for name in (
                "b.py", "a.py", "B.py", "_own.py", "test_a.py", "a_test.py", "conftest.py", "notes.txt", "my-game.py",
                "pkg/x.py", "pkg/data/x.py", "pkg/test_x.py", "data/x.py", ".git/x.py", "no-pkg/x.py",
                "__pycache__/x.py", "pkg/__pycache__/x.py",
            )
        }
    )  # fmt: skip
    (folder / "folder.py").mkdir()
    sources = read_sources(folder)
    assert ("B.py", "a.py", "b.py", "my-game.py") == sources.scripts
    assert {"_own.py", "pkg/x.py", "pkg/data/x.py", "pkg/test_x.py", *sources.scripts} == {
        path for path, _ in sources.texts
    }
    assert b"pkg/x.py" == dict(sources.texts)["pkg/x.py"]


def test_too_much_is_refused(write_scripts, monkeypatch):
    monkeypatch.setattr(revision, "SOURCE_FILES", 2)
    with pytest.raises(ScriptsBroken, match="more than 2 files"):
        read_sources(write_scripts(a="", b="", c=""))


def test_a_file_that_vanishes_while_the_folder_is_read_is_passed_over(write_scripts):
    folder = write_scripts(a="x = 1")
    (folder / "gone.py").symlink_to(folder / "nowhere.py")
    assert ("a.py",) == read_sources(folder).scripts


def test_the_hash_depends_on_names_and_content_alone(write_scripts, tmp_path):
    folder = write_scripts(a="1", b="2")
    first = read_sources(folder).revision(1)
    moved = folder.rename(tmp_path / "moved")
    assert first.content_hash == read_sources(moved).revision(2).content_hash
    (moved / "a.py").rename(moved / "c.py")
    assert first.content_hash != read_sources(moved).revision(3).content_hash
