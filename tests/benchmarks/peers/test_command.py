"""The command from end to end, with those who need nothing to be installed."""

import json
import sys

import pytest
from benchmarks.cli import main
from benchmarks.peers import programs
from benchmarks.peers.contestants import BARE, HOOKED, YUMMY
from benchmarks.server import ServerFailed
from click.testing import CliRunner


def run(*arguments, code=0):
    result = CliRunner().invoke(main, ["peers", *map(str, arguments)], catch_exceptions=False)
    assert result.exit_code == code, result.output
    return result.output


def test_yummy_and_a_bare_server_are_compared(tmp_path):
    short = ("--rounds", 1, "--seconds", 0.1, "--workload", "W1", "--workload", "W2", "--out", tmp_path)
    output = run(*short, "--peer", "yummy", "--peer", "hooked", "--peer", "bare")
    assert "MAX_MESSAGES_PER_SECOND=0" in output
    assert "W2: 50 rooms of 4" in output
    told = json.loads((tmp_path / "peers.json").read_text())
    assert set(told["rounds"]["W1"]) == {YUMMY, HOOKED, BARE}
    assert [one["workload"] for one in told["floors"]] == ["W1", "W2", "W1"]


def test_the_parts_of_yummy_are_measured_by_themselves():
    short = ("--rounds", 1, "--seconds", 0.1, "--workload", "W3")
    output = run(*short, "--peer", "transport", "--peer", "protocol", "--peer", "bare")
    assert "\nYummy's transport, echo" in output
    assert "\nthe same, checked and answered" in output


def test_who_is_not_installed_is_named(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    output = run("--rounds", 1, "--seconds", 0.1, "--workload", "W1", "--peer", "colyseus", "--peer", "bare")
    assert "without      Colyseus: " in output
    assert programs.colyseus_version() == ""


def test_who_has_no_npm_cannot_install(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    assert "there is no npm on the PATH" in run("--install", code=1)
    assert programs.missing_colyseus() == "there is no Node (22 or later) on the PATH"


def test_packages_that_are_not_there_are_told_how_to_be_installed():
    assert programs.missing_packages("trio_websocket") == ""
    assert "--group peers" in programs.missing_packages("trio_websocket", "no_such_package")


def test_a_program_that_does_not_begin_says_why():
    command = [sys.executable, "-c", "raise SystemExit('there is no such thing')"]
    with pytest.raises(ServerFailed, match="there is no such thing"), programs.running(command):
        pass
