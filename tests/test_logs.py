"""What log lines look like, and what never appears in them."""

import io
import json
import logging
import warnings

import pytest
import structlog

from yummy.logs import REDACTED, TEXT_MAX, configure
from yummy.settings import LogFormat, LogLevel


class Terminal(io.StringIO):
    def isatty(self):
        return True


@pytest.fixture(autouse=True)
def restored():
    root, own = logging.getLogger(), logging.getLogger("yummy")
    handlers, levels = root.handlers[:], (root.level, own.level)
    yield
    root.handlers[:] = handlers
    root.setLevel(levels[0])
    own.setLevel(levels[1])
    logging.captureWarnings(capture=False)
    structlog.reset_defaults()


@pytest.fixture
def lines():
    """Configure JSON on a stream, and give the function that reads what was written so far."""
    stream = io.StringIO()
    configure(LogLevel.INFO, LogFormat.JSON, server_name="here", stream=stream)
    return lambda: [json.loads(line) for line in stream.getvalue().splitlines()]


@pytest.fixture
def console():
    """Configure plain lines for people, and give the function that reads what was written so far."""
    stream = io.StringIO()
    configure(LogLevel.DEBUG, LogFormat.CONSOLE, stream=stream)
    return stream.getvalue


def test_json_is_one_object_a_line(lines):
    structlog.get_logger("yummy.test").info("two\nlines", number=1, data={"list": [1, 2.5, None, True]})

    (line,) = lines()
    assert line.pop("timestamp").endswith("Z")
    assert line == {
        "event": "two\nlines",
        "level": "info",
        "logger": "yummy.test",
        "server": "here",
        "number": 1,
        "data": {"list": [1, 2.5, None, True]},
    }


def test_values_that_json_has_no_word_for_are_shown(lines):
    structlog.get_logger("yummy").info("x", value={("a", 1): float("nan"), "b": b"\x00", "c": {3}, "d": "\udcff"})

    assert lines()[0]["value"] == {"('a', 1)": "nan", "b": "b'\\x00'", "c": [3], "d": "\udcff"}


def test_an_object_whose_repr_fails_does_not_fail_the_line(lines):
    class Broken:
        def __repr__(self):
            raise RuntimeError

    structlog.get_logger("yummy").info("x", value=Broken())

    assert lines()[0]["value"] == "<Broken>"


def test_values_are_bounded(lines):
    deep = []
    deep.append(deep)

    structlog.get_logger("yummy").info("x", long="y" * (TEXT_MAX + 1), deep=deep)

    (line,) = lines()
    assert line["long"].endswith(f"... ({TEXT_MAX + 1} characters)")
    assert len(line["long"]) < TEXT_MAX + 40
    assert "..." in json.dumps(line["deep"])


def test_lines_below_the_level_are_left_out(lines):
    log = structlog.get_logger("yummy.test")
    log.debug("no")
    logging.getLogger("yummy.other").debug("no")
    log.warning("yes")

    assert [line["event"] for line in lines()] == ["yes"]


def test_dependencies_go_the_same_way_but_never_down_to_debug(console):
    logging.getLogger("trio-websocket").debug("bytes of a message")
    logging.getLogger("trio-websocket").info("%s connected", "somebody")
    structlog.get_logger("yummy.test").debug("ours")

    assert "bytes of a message" not in console()
    assert "somebody connected" in console()
    assert "ours" in console()


def test_a_second_configuration_replaces_the_first(lines, console):
    structlog.get_logger("yummy.test").info("once")

    assert lines() == []
    assert console().count("once") == 1


def test_warnings_go_the_same_way(lines):
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        warnings.warn("old ways", DeprecationWarning, stacklevel=1)

    assert "old ways" in lines()[0]["event"]


@pytest.mark.parametrize(
    "name",
    ["password", "new_password", "token", "accessToken", "INTEGRATION_KEY", "api_key", "x-yummy-api", "Authorization"],
)
def test_secrets_are_redacted(lines, name):
    structlog.get_logger("yummy").info("x", **{name: "hush"}, inside=[{"fields": {name: ["hush"]}}])

    (line,) = lines()
    assert line[name] == REDACTED
    assert line["inside"] == [{"fields": {name: REDACTED}}]


@pytest.mark.parametrize("name", ["monkey", "keyboard", "tokenizer", "passenger"])
def test_names_that_only_look_like_secrets_are_shown(lines, name):
    structlog.get_logger("yummy").info("x", **{name: "shown"})

    assert lines()[0][name] == "shown"


def fail_with_a_secret():
    hidden = "hush" + str(len("hush"))
    raise RuntimeError("failed as planned" if hidden else "")


@pytest.mark.parametrize("log_format", list(LogFormat))
@pytest.mark.parametrize("stream_type", [io.StringIO, Terminal])
def test_tracebacks_have_no_local_variables(log_format, stream_type):
    stream = stream_type()
    configure(LogLevel.INFO, log_format, stream=stream)

    try:
        fail_with_a_secret()
    except RuntimeError:
        structlog.get_logger("yummy").exception("it failed")

    written = stream.getvalue()
    assert "it failed" in written
    assert "fail_with_a_secret" in written
    assert "failed as planned" in written
    assert "hush4" not in written


def test_a_traceback_in_json_stays_on_its_line(lines):
    try:
        fail_with_a_secret()
    except RuntimeError:
        structlog.get_logger("yummy").exception("it failed")

    (line,) = lines()
    assert line["exception"][0]["exc_value"] == "failed as planned"


def test_only_a_terminal_gets_colours(console, monkeypatch):
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm")
    structlog.get_logger("yummy").info("plain")
    assert "\x1b" not in console()

    terminal = Terminal()
    configure(LogLevel.INFO, LogFormat.CONSOLE, stream=terminal)
    structlog.get_logger("yummy").info("coloured")
    assert "\x1b[" in terminal.getvalue()

    monkeypatch.setenv("NO_COLOR", "1")
    terminal = Terminal()
    configure(LogLevel.INFO, LogFormat.CONSOLE, stream=terminal)
    structlog.get_logger("yummy").info("plain")
    assert "\x1b" not in terminal.getvalue()


def test_text_from_outside_neither_forges_lines_nor_steers_the_terminal(console):
    structlog.get_logger("yummy").info("a\x1b[2J\nb\r", name="c\x1b[31m", other="d\u202e")
    try:
        raise RuntimeError("e\x1b[0m")  # noqa: TRY301  # the line is about the traceback
    except RuntimeError:
        structlog.get_logger("yummy").exception("f")

    written = console()
    assert "\x1b" not in written
    assert "\r" not in written
    assert "\u202e" not in written
    assert "\n    b" in written
    assert "e\\x1b[0m" in written


def test_a_report_stands_below_its_line(console):
    structlog.get_logger("yummy").error("hook kept its model", report="where:\n  auth.py", hook="pre_play")

    first, *below = console().splitlines()
    assert "hook kept its model" in first
    assert "hook=pre_play" in first
    assert [line.strip() for line in below] == ["where:", "auth.py"]
    assert all(line.startswith("    ") for line in below)


def test_context_is_part_of_the_line(lines):
    with structlog.contextvars.bound_contextvars(connection=7):
        structlog.get_logger("yummy").info("x")

    assert lines()[0]["connection"] == 7
