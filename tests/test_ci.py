"""`.ci/setup` on machines that lack something, played by commands that only note how they were called."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

SETUP = Path(__file__).parent.parent / ".ci" / "setup"
RUN = SETUP.with_name("run")

PYTHON = """\
echo "python3 $*" >>"$CALLS"
case "$*" in
    "-m uv --version") [ -e "$PLACE/uv" ] ;;
    "-m pip --version") [ -e "$PLACE/pip" ] ;;
    "-m pip install --quiet uv")
        [ ! -e "$PLACE/managed" ] || { echo "error: externally-managed-environment" >&2; exit 1; }
        [ ! -e "$PLACE/offline" ] || { echo "no network" >&2; exit 1; }
        touch "$PLACE/uv" ;;
    "-m pip install --quiet --user --break-system-packages uv") touch "$PLACE/uv" ;;
    *) exit 9 ;;
esac
"""
APT = """\
echo "apt-get $*" >>"$CALLS"
[ ! -e "$PLACE/offline" ] || { echo "no mirror" >&2; exit 100; }
case "$*" in
    *python3-pip) touch "$PLACE/pip" ;;
    *chromium) cp "$0" "$(dirname "$0")/chromium" ;;
esac
"""


@pytest.fixture
def machine(tmp_path):
    """A machine with nothing but the commands written here, run by root unless told otherwise."""
    commands = tmp_path / "bin"
    commands.mkdir()
    for name in ("env", "touch", "cp", "dirname"):
        found = shutil.which(name)
        assert found is not None
        (commands / name).symlink_to(found)

    def write(name, text):
        (commands / name).write_text(f"#!/bin/sh\n{text}", encoding="utf-8")
        (commands / name).chmod(0o755)

    def setup(*args, has=(), user=0, without=()):
        for name in has:
            (tmp_path / name).touch()
        for name, text in (("python3", PYTHON), ("apt-get", APT), ("id", f"echo {user}\n")):
            if name not in without:
                write(name, text)
        if "chromium" in has:
            write("chromium", "")
        environment = {**os.environ, "PATH": str(commands), "PLACE": str(tmp_path), "CALLS": str(tmp_path / "calls")}
        result = subprocess.run(  # our own script
            ["/bin/sh", str(SETUP), *args], env=environment, capture_output=True, text=True, timeout=60, check=False
        )
        calls = tmp_path / "calls"
        noted = calls.read_text(encoding="utf-8").splitlines() if calls.exists() else []
        return result, [call for call in noted if not call.endswith("--version")]

    return setup


UPDATE = "apt-get update -q"
GET = "apt-get install -q -y --no-install-recommends"


def test_a_machine_that_has_everything_is_left_alone(machine):
    result, calls = machine(has=("uv", "chromium"))

    assert (result.returncode, result.stdout, result.stderr, calls) == (0, "", "", [])


def test_a_fresh_machine_gets_everything_quietly(machine):
    result, calls = machine()

    assert (result.returncode, result.stdout, result.stderr) == (0, "", "")
    assert calls == [UPDATE, f"{GET} python3-pip", "python3 -m pip install --quiet uv", f"{GET} chromium"]


def test_a_second_run_does_nothing_more(machine):
    _result, first = machine(has=("pip",))
    _result, both = machine()

    assert both == first


def test_a_python_of_the_system_s_gets_uv_for_the_user(machine):
    result, calls = machine("--no-browser", has=("pip", "managed"))

    assert (result.returncode, result.stderr) == (0, "")
    assert calls[-1] == "python3 -m pip install --quiet --user --break-system-packages uv"


def test_without_a_browser_chromium_is_left_out(machine):
    assert machine("--no-browser", has=("uv",))[1] == []


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"has": ("pip", "offline")}, "no network\n.ci/setup: pip could not install uv\n"),
        ({"has": ("uv", "offline")}, "no mirror\n.ci/setup: install Chromium (Debian: apt-get install chromium)"),
        ({"has": ("uv",), "user": 1000}, ".ci/setup: install Chromium (Debian: apt-get install chromium)"),
        ({"has": ("uv",), "without": ("apt-get",)}, ".ci/setup: install Chromium"),
        ({"without": ("apt-get",)}, ".ci/setup: python3 has no pip: install it"),
        ({"without": ("python3",)}, ".ci/setup: install Python 3 first"),
    ],
)
def test_what_cannot_be_done_is_said(machine, options, expected):
    result, _calls = machine(**options)

    assert result.returncode != 0
    assert result.stderr.startswith(expected)


def test_an_unknown_option_is_refused(machine):
    result, calls = machine("--browser")

    assert (result.returncode, calls) == (1, [])
    assert "unknown option --browser" in result.stderr


def test_run_is_sound_and_holds_the_test_command():
    text = RUN.read_text(encoding="utf-8")
    syntax = subprocess.run(["/bin/bash", "-n", str(RUN)], capture_output=True, check=False)  # our own

    assert syntax.returncode == 0
    assert os.access(RUN, os.X_OK)
    assert "\nsh .ci/setup && python3 -m uv run --locked pytest\n" in text
