"""`python -m yummy new`: what it makes works at once, and where it cannot, nothing is made."""

import os
import re
import signal
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from click.testing import CliRunner

from yummy import starter
from yummy.cli import main
from yummy.starter import FILES, StarterError, make, package_name

ROOT = Path(__file__).parents[2]


def run(folder, *arguments):
    command = [sys.executable, "-m", *arguments]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=100, check=False)
    return done.returncode, done.stdout + done.stderr


def everything(folder):
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


@pytest.fixture(scope="module")
def game(tmp_path_factory):
    """A game that was just made."""
    folder = tmp_path_factory.mktemp("games") / "my game"
    result = CliRunner().invoke(main, ["new", str(folder), "--name", "My Game"])
    assert result.exit_code == 0, result.output
    assert result.stdout.startswith(f"Made in {folder}:\n  .gitignore\n")
    assert f"  cd '{folder}'\n" in result.stdout
    return folder


def test_its_files_are_there_with_its_name(game):
    assert everything(game) == sorted(FILES)
    project = tomllib.loads((game / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert (project["name"], project["dependencies"]) == ("my-game", ["yummy[testing]"])
    assert (game / "README.md").read_text(encoding="utf-8").startswith("# My Game\n")


def test_its_tests_pass(game):
    code, output = run(game, "pytest", "-p", "no:cacheprovider", "-W", "error")
    assert (code, re.findall(r"(\d+) passed", output)) == (0, ["6"]), output


def test_its_check_passes_strictly(game):
    code, output = run(game, "yummy", "check", "--run", "--strict")
    assert (code, output.splitlines()[-1]) == (0, "1 script, 6 hooks: nothing wrong"), output


def test_its_code_is_formatted_and_typed(game):
    for command in (
        ("ruff", "check", "--isolated", "--no-cache", "."),
        ("ruff", "format", "--isolated", "--no-cache", "--check", "."),
        ("mypy", "--strict", "--cache-dir", os.devnull, "hooks"),
    ):
        code, output = run(game, *command)
        assert code == 0, output


def test_its_server_starts(game):
    command = [sys.executable, "-m", "yummy", "--port", "0", "--database", ":memory:"]
    with subprocess.Popen(command, cwd=game, stderr=subprocess.PIPE, text=True) as server:
        lines = []
        for line in server.stderr:
            lines.append(line)
            if "listening" in line:
                break
        server.send_signal(signal.SIGTERM)
        lines += server.stderr
    assert (server.returncode, "game.py" in "".join(lines)) == (0, True), lines


def test_its_files_are_in_the_wheel(tmp_path):
    templates = ROOT / "src" / "yummy" / "starter" / "template"
    assert sorted(path.name for path in templates.iterdir()) == sorted(FILES.values())
    # What git ignores, the wheel leaves out; all else in the package is in it.
    names = [str(path.relative_to(ROOT)) for path in templates.iterdir()]
    ignored = subprocess.run(["git", "check-ignore", *names], cwd=ROOT, capture_output=True, text=True, check=False)  # noqa: S607  # as developers have it
    assert ignored.stdout == ""


def test_an_empty_folder_is_filled_and_stays_the_same_folder(tmp_path):
    before = tmp_path.stat().st_ino

    assert make(tmp_path) == tuple(FILES)

    assert everything(tmp_path) == sorted(FILES)
    assert tmp_path.stat().st_ino == before


@pytest.mark.parametrize("name", ["", "file"])
def test_what_is_there_already_is_left_alone(tmp_path, name):
    (tmp_path / "file").write_text("mine", encoding="utf-8")

    result = CliRunner().invoke(main, ["new", str(tmp_path / name)])

    assert (result.exit_code, result.stdout) == (2, "")
    assert "is there already, and is no empty folder" in result.stderr
    assert everything(tmp_path) == ["file"]


@pytest.mark.parametrize("there", [True, False])
def test_a_failure_leaves_nothing_half_made(tmp_path, monkeypatch, there):
    target = tmp_path / "deep" / "game"
    if there:
        target.mkdir(parents=True)
    rename = Path.rename

    def fail_late(path, to):
        if path.name in {"hooks", "game"}:
            rename(path, to) if there else None
            raise OSError(28, "No space left on device")
        return rename(path, to)

    monkeypatch.setattr(Path, "rename", fail_late)

    with pytest.raises(StarterError, match="cannot be made: No space left on device"):
        make(target)

    assert everything(tmp_path) == []
    assert target.exists() is there
    assert (tmp_path / "deep").exists() is there
    assert [*target.iterdir()] == [] if there else True


@pytest.mark.parametrize("name", ["", "  ", "a\nb"])
def test_what_is_no_name_is_refused(tmp_path, name):
    with pytest.raises(StarterError, match="is no name for a game"):
        make(tmp_path / "game", name)
    assert everything(tmp_path) == []


@pytest.mark.parametrize(
    ("title", "name"), [("Chess", "chess"), (" My  Game! 2", "my-game-2"), ("象棋", "game"), ("a$b_c", "a-b-c")]
)
def test_a_title_becomes_the_name_of_a_package(title, name):
    assert package_name(title) == name


def test_a_name_may_hold_what_templates_are_made_of(tmp_path):
    make(tmp_path / "game", "$title {x}")
    assert (tmp_path / "game" / "README.md").read_text(encoding="utf-8").startswith("# $title {x}\n")
    assert starter.package_name("$title") == "title"
