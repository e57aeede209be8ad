import structlog.testing

from yummy.hooks.journal import log_script_line, log_trouble
from yummy.hooks.report import Place, Trouble


def test_a_trouble_is_logged_as_its_report_with_what_can_be_searched_for():
    about = {"type": "Play", "event": "odd", "level": 3, "line": "odd", "user": "u1"}
    with structlog.testing.capture_logs() as logs:
        trouble = Trouble("error", "it failed", Place("a.py", 3), hook="pre_play")
        log_trouble(trouble, "1 (abc)", about, text="the report")
    assert logs == [
        {
            "event": "the report",
            "log_level": "error",
            "kind": "error",
            "file": "a.py",
            "line": 3,
            "hook": "pre_play",
            "revision": "1 (abc)",
            "type": "Play",
            "user": "u1",
        }
    ]


def test_percent_signs_of_scripts_are_their_own():
    with structlog.testing.capture_logs() as logs:
        log_script_line("debug", "100 %s", file="a.py", line=1, hook="pre_play", revision="1")
    assert logs[0]["event"] == "100 %s"
