"""The command line: what it reads, what it hands over, and what it says when it cannot."""

import logging
import subprocess
import sys
from pathlib import Path

import pytest
import structlog
from attrs import define, field
from click.testing import CliRunner

from yummy import server
from yummy.cli import main
from yummy.parts import StartupError
from yummy.settings import LogFormat, LogLevel, Settings
from yummy.version import __version__


@pytest.fixture(autouse=True)
def place(tmp_path, monkeypatch):
    """An empty working directory; and logs as they were, afterwards."""
    root, own = logging.getLogger(), logging.getLogger("yummy")
    handlers, levels = root.handlers[:], (root.level, own.level)
    monkeypatch.chdir(tmp_path)
    yield tmp_path
    root.handlers[:] = handlers
    root.setLevel(levels[0])
    own.setLevel(levels[1])
    logging.captureWarnings(capture=False)
    structlog.reset_defaults()


@define
class Served:
    """Stands where the server would run: notes the settings that it was run with; its outcome can be chosen."""

    settings: list[Settings] = field(factory=list)
    outcome: int | StartupError = 0

    def run(self, settings):
        self.settings.append(settings)
        if isinstance(self.outcome, StartupError):
            raise self.outcome
        return self.outcome


@pytest.fixture
def served(monkeypatch):
    fake = Served()
    monkeypatch.setattr(server, "run", fake.run)
    return fake


def call(*args):
    return CliRunner().invoke(main, args, prog_name="yummy")


@pytest.mark.parametrize("args", [(), ("serve",)])
def test_serving_is_what_it_does_by_default(served, place, args):
    result = call(*args)

    assert (result.exit_code, result.stdout) == (0, "")
    (settings,) = served.settings
    assert (settings.bind_ip, settings.bind_port) == (Settings().bind_ip, Settings().bind_port)
    assert settings.salt_key == (place / "yummy.db.salt").read_text(encoding="utf-8").strip()


@pytest.mark.parametrize("word", [(), ("serve",)])
def test_options_win_over_the_environment(served, monkeypatch, word):
    monkeypatch.setenv("BIND_PORT", "1234")
    monkeypatch.setenv("DATABASE_URL", "sqlite:///other.db")

    result = call(
        *word,
        *("--hooks", "scripts", "--host", "::1", "--port", "0", "--database", "game.db"),
        *("--log-level", "debug", "--log-format", "json"),
    )

    assert result.exit_code == 0, result.output
    (settings,) = served.settings
    assert (settings.bind_ip, settings.bind_port) == ("::1", 0)
    assert (settings.log_level, settings.log_format) == (LogLevel.DEBUG, LogFormat.JSON)
    assert settings.default_python_files_path == Path("scripts")
    assert settings.sqlite_file == Path("game.db")


def test_the_database_may_be_told_as_a_url(served):
    assert call("--database", "sqlite:///:memory:").exit_code == 0
    assert served.settings[0].sqlite_file is None


def test_development_mode_says_so_on_standard_error(served):
    result = call("--database", ":memory:")

    assert "development mode" in result.stderr
    assert result.stdout == ""


def test_production_does_not_speak_of_development(served, monkeypatch):
    for name, value in (("YUMMY_ENV", "production"), ("SALT_KEY", "s" * 32), ("INTEGRATION_KEY", "own-key")):
        monkeypatch.setenv(name, value)

    result = call("--host", "0.0.0.0")  # noqa: S104  # not bound: the server is a fake

    assert (result.exit_code, result.stderr) == (0, "")


def test_the_server_s_exit_code_is_the_command_s(served):
    served.outcome = 70

    assert call("--database", ":memory:").exit_code == 70


def test_a_server_that_cannot_start_is_reported_without_a_traceback(served):
    served.outcome = StartupError("127.0.0.1:9090 is in use\nchoose another with --port", 69)

    result = call("--database", ":memory:", "--log-level", "error")

    assert result.exit_code == 69
    assert result.stderr.splitlines() == [
        "Yummy cannot start:",
        "  127.0.0.1:9090 is in use",
        "  choose another with --port",
    ]


def test_settings_that_are_not_usable_are_all_reported(served, monkeypatch):
    monkeypatch.setenv("HOOK_TIMEOT", "1")
    long = "x" * 200

    result = call("--port", "abc", "--log-level", "[loud]", "--host", long + "!")

    assert result.exit_code == 2
    assert served.settings == []
    title, *lines = result.stderr.splitlines()
    assert title == "The settings are not usable:"
    assert lines == [
        "  HOOK_TIMEOT (environment): no such setting; did you mean HOOK_TIMEOUT?",
        "  LOG_LEVEL (command line): '[loud]' is not usable: expected debug or info or warning or error",
        f"  BIND_IP (command line): '{long}!' is not usable: expected an IP address or a host name",
        "  BIND_PORT (command line): 'abc' is not usable: expected a whole number",
    ]


def test_a_reachable_address_is_refused_without_secrets(served):
    result = call("--host", "0.0.0.0")  # noqa: S104  # not bound: it is refused

    assert result.exit_code == 2
    assert "INTEGRATION_KEY (default): with BIND_IP=0.0.0.0 it must be set" in result.stderr
    assert "SALT_KEY (default): with BIND_IP=0.0.0.0 it must be set" in result.stderr
    assert served.settings == []


def test_a_misspelt_command_is_refused(served):
    result = call("sevre")

    assert result.exit_code == 2
    assert "No such command 'sevre'" in result.stderr
    assert served.settings == []


@pytest.mark.parametrize("args", [("--port", "0", "--help"), ("serve", "--help")])
def test_help_of_serve_names_its_options(served, args):
    result = call(*args)

    assert result.exit_code == 0
    for option in ("--hooks", "--host", "--port", "--database", "--log-level", "--log-format"):
        assert option in result.stdout
    assert served.settings == []


def python(*args):
    return subprocess.run(  # our own interpreter
        [sys.executable, *args], capture_output=True, text=True, timeout=60, check=False
    )


def test_the_module_shows_its_version():
    result = python("-m", "yummy", "--version")

    assert (result.returncode, result.stdout, result.stderr) == (0, f"yummy, version {__version__}\n", "")


def test_the_module_shows_its_help():
    result = python("-m", "yummy", "--help")

    assert (result.returncode, result.stderr) == (0, "")
    assert result.stdout.startswith("Usage: python -m yummy ")
    assert "serve" in result.stdout


def test_the_module_reports_bad_settings_on_standard_error():
    result = python("-m", "yummy", "--port", "abc")

    assert (result.returncode, result.stdout) == (2, "")
    assert "BIND_PORT (command line): 'abc' is not usable: expected a whole number" in result.stderr


def test_help_does_not_wait_for_heavy_imports():
    code = "import sys, yummy.cli; print(*{'trio', 'sqlalchemy', 'structlog', 'cattrs', 'rich'} & {*sys.modules})"

    result = python("-c", code)

    assert (result.returncode, result.stdout) == (0, "\n")


def test_a_check_that_is_interrupted_ends_at_once(place, monkeypatch):
    codes = []

    def interrupt(*_arguments, **_options):
        raise KeyboardInterrupt

    def leave(code):
        codes.append(code)
        raise SystemExit(code)

    (place / "hooks").mkdir()
    monkeypatch.setattr("yummy.checking.examination.examine", interrupt)
    monkeypatch.setattr("yummy.ending.exit_at_once", leave)

    assert call("check").exit_code == 130
    assert codes == [130]
