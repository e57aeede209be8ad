"""What a test is told of the server's log."""

import logging

import pytest
import structlog

from yummy.testing.journal import SHOWN_LINES, Journal


@pytest.fixture
def journal():
    journal = Journal()
    with journal.listening():
        yield journal


def test_lines_have_their_logger_level_and_fields_whatever_was_configured_before():
    structlog.configure(
        wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR),
        processors=[structlog.processors.JSONRenderer()],
    )
    try:
        configured = structlog.get_config()
        journal = Journal()
        with journal.listening():
            structlog.get_logger("yummy.scripts").debug("100 % sure", file="game.py", line=3)
        assert structlog.get_config() == configured
    finally:
        structlog.reset_defaults()
    (line,) = journal.lines
    assert (line.logger, line.level, line.text) == ("yummy.scripts", "debug", "100 % sure")
    assert (line.fields, line.is_report) == ({"file": "game.py", "line": 3}, False)
    assert not structlog.is_configured()


def test_lines_go_on_to_the_logging_of_the_test_runner(journal, caplog):
    with caplog.at_level(logging.DEBUG):
        structlog.get_logger("yummy.scripts").info("100 % sure", file="game.py")
        structlog.get_logger("yummy.hooks").error("a\nreport", file="game.py")
    assert [
        ("yummy.scripts", 20, "100 % sure file='game.py'"),
        ("yummy.hooks", 40, "a\nreport"),
    ] == caplog.record_tuples


def test_an_error_that_a_script_logs_itself_is_no_report(journal):
    structlog.get_logger("yummy.scripts").error("oh no")
    assert ([], ["oh no"]) == (journal.reports, journal.printed)
    journal.check(str)


def test_a_fault_of_the_server_is_a_report_with_its_traceback(journal):
    try:
        int("ours")
    except ValueError:
        structlog.get_logger("yummy.pipeline").exception("message_failed", type="Play")
    with pytest.raises(AssertionError, match=r"did not expect this(?s:.*)message_failed(?s:.*)ValueError: invalid"):
        journal.check(str)


def test_a_report_of_many_lines_may_stand_in_a_field_of_its_own(journal):
    structlog.get_logger("yummy.hooks").error("hook_failed", report="error: a\n  --> game.py:1", hook="pre_play")
    assert journal.expect_report("game.py:1").hook == "pre_play"
    journal.check(str)


def test_what_was_printed_last_is_told(journal):
    for number in range(SHOWN_LINES + 5):
        structlog.get_logger("yummy.scripts").info(f"line {number}")
    told = journal.told()
    assert told.startswith("\nwhat the scripts printed last:\n    line 5\n")
    assert told.endswith(f"line {SHOWN_LINES + 4}")
