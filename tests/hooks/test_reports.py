import pytest
import structlog.testing
from attrs import evolve

from yummy.hooks import reports
from yummy.hooks.report import Place, Trouble
from yummy.hooks.reports import LOGGED, WINDOW, ReportBook

TROUBLE = Trouble("error", "pre_play failed", Place("game.py", 3), hook="pre_play")


@pytest.fixture
def now():
    """Seconds, to be changed."""
    return [1000.0]


@pytest.fixture
def book(now):
    return ReportBook(clock=lambda: now[0], wall_clock=lambda: now[0] + 1e9)


@pytest.fixture
def logs():
    with structlog.testing.capture_logs() as logs:
        yield logs


def at(line):
    return evolve(TROUBLE, place=Place("game.py", line))


def test_a_report_is_logged_counted_and_kept(book, logs):
    report = book.record(TROUBLE, "1 (abc)", {"user": "u1"})
    assert (report,) == book.latest
    assert (1, 1e9 + 1000.0, {"user": "u1"}) == (report.count, report.time, report.about)
    assert {"error": 1} == book.counts
    (line,) = logs
    assert report.text == line["event"]
    assert ("game.py", 3, "u1", "error") == (line["file"], line["line"], line["user"], line["log_level"])


def test_the_same_trouble_is_one_report_that_counts(book, now):
    for number in range(5):
        now[0] += 1
        book.record(TROUBLE, "1", {"number": number})
    (report,) = book.latest
    assert (5, 4, 1e9 + 1005.0) == (report.count, report.about["number"], report.time)
    assert {"error": 5} == book.counts


@pytest.mark.parametrize(
    "other",
    [
        evolve(TROUBLE, kind="timeout"),
        evolve(TROUBLE, hook="post_play"),
        at(4),
        evolve(TROUBLE, place=Place("more.py", 3)),
        evolve(TROUBLE, place=None),
    ],
)
def test_another_trouble_is_another_report(book, other):
    book.record(TROUBLE, "1", {})
    book.record(other, "1", {})
    book.record(TROUBLE, "1", {})
    assert [(other, 1), (TROUBLE, 2)] == [(report.trouble, report.count) for report in book.latest]


def test_an_edit_begins_anew(book):
    book.record(TROUBLE, "1", {})
    book.record(TROUBLE, "2", {})
    assert [("1", 1), ("2", 1)] == [(report.revision, report.count) for report in book.latest]


def test_the_log_is_not_filled_with_one_and_the_same(book, now, logs):
    for _ in range(1000):
        now[0] += WINDOW / 1001
        book.record(TROUBLE, "1", {})
    assert LOGGED == len(logs)
    # Another place is another matter.
    book.record(at(9), "1", {})
    assert LOGGED + 1 == len(logs)
    now[0] += WINDOW
    book.record(TROUBLE, "1", {})
    told, whole = logs[LOGGED + 1 :]
    assert f"{1000 - LOGGED} more of the report that follows, in 20 s" in told["event"]
    assert "pre_play failed" in whole["event"]


def test_a_window_without_silence_says_nothing_of_it(book, now, logs):
    for _ in range(2):
        now[0] += WINDOW
        book.record(TROUBLE, "1", {})
    assert 2 == len(logs)


def test_there_is_a_bound_to_what_is_kept_and_it_is_the_latest(book):
    for line in range(1, reports.KEPT + 11):
        book.record(at(line), "1", {})
        book.record(at(1), "1", {})
    assert reports.KEPT == len(book.latest)
    assert reports.KEPT == len(book._windows)
    assert at(1) == book.latest[-1].trouble
    assert reports.KEPT + 11 == book.latest[-1].count
    assert 2 * reports.KEPT + 20 == book.counts["error"]


def test_all_are_logged_where_all_are_wanted(now, logs):
    book = ReportBook(logged=float("inf"), clock=lambda: now[0])
    for _ in range(10):
        book.record(TROUBLE, "1", {})
    assert 10 == len(logs)


def test_what_a_message_says_of_itself_does_not_hide_where_it_was(book, logs):
    book.record(TROUBLE, "1", {"file": "mine", "event": "mine", "revision": "mine", "level": "mine", "room": "r"})
    (line,) = logs
    assert ("game.py", "1", "r") == (line["file"], line["revision"], line["room"])
