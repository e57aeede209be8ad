"""Problems and findings, as people and as programs read them."""

import pytest

from yummy.checking.problems import Findings, Problem, Severity
from yummy.hooks.report import Place, Trouble

STEP = Place("game.py", 5, "help(model)", 0, 11, "pre_play")
PLACE = Place("lib/help.py", 3, "    kept = model", 4, 16, "help")
PROBLEM = Problem(
    Severity.ERROR,
    Trouble("retained", "pre_play kept its model", PLACE, (STEP, PLACE), "copy the values", "pre_play"),
    {"sample": "Play"},
)
WARNING = Problem(Severity.WARNING, Trouble("empty", "nothing is here"))
INFO = Problem(Severity.INFO, Trouble("printed", "hello", Place("game.py", 3)))


def test_a_problem_reads_like_a_report_of_the_engine_with_its_severity():
    assert PROBLEM.text.splitlines() == [
        "error[retained]: pre_play kept its model",
        "  --> lib/help.py:3 in help",
        "  |",
        "3 |     kept = model",
        "  |     ^^^^^^^^^^^^",
        "  = hook: pre_play",
        "  = message: sample Play",
        "  = called by way of:",
        "      game.py:5 in pre_play: help(model)",
        "      lib/help.py:3 in help: kept = model",
        "  = to do: copy the values",
    ]
    assert Problem(Severity.ERROR, Trouble("error", "on_load failed")).text == "error: on_load failed"


def test_for_programs_lines_and_columns_begin_at_one():
    plain = PROBLEM.to_plain()

    assert plain.pop("path") == [
        {
            "file": "game.py",
            "line": 5,
            "column": 1,
            "end_column": 12,
            "source": "help(model)",
            "function": "pre_play",
        },
        {
            "file": "lib/help.py",
            "line": 3,
            "column": 5,
            "end_column": 17,
            "source": "    kept = model",
            "function": "help",
        },
    ]
    assert plain == {
        "severity": "error",
        "kind": "retained",
        "message": "pre_play kept its model",
        "file": "lib/help.py",
        "line": 3,
        "column": 5,
        "end_column": 17,
        "source": "    kept = model",
        "hook": "pre_play",
        "advice": "copy the values",
    }


def test_what_is_not_known_is_null_for_programs():
    plain = WARNING.to_plain()

    assert plain.pop("path") == []
    assert {plain.pop(name) for name in ("severity", "kind", "message")} == {"warning", "empty", "nothing is here"}
    assert set(plain.values()) == {None}
    assert (INFO.to_plain()["line"], INFO.to_plain()["column"]) == (3, None)


@pytest.mark.parametrize(
    ("problems", "ok", "strictly"),
    [((), True, True), ((INFO,), True, True), ((WARNING, INFO), True, False), ((WARNING, PROBLEM), False, False)],
)
def test_only_strictly_are_warnings_wrong(problems, ok, strictly):
    assert Findings((), (), problems).ok is ok
    assert Findings((), (), problems, strict=True).ok is strictly


@pytest.mark.parametrize(
    ("findings", "summary"),
    [
        (Findings(("a.py",), ("pre_play",), ()), "1 script, 1 hook: nothing wrong"),
        (Findings(("a.py", "b.py"), (), (INFO,)), "2 scripts, 0 hooks: nothing wrong"),
        (Findings((), None, (PROBLEM, WARNING, WARNING)), "0 scripts, not loaded: 1 error, 2 warnings"),
    ],
)
def test_the_summary_counts_what_was_found(findings, summary):
    assert findings.summary == summary


def test_findings_for_programs_hold_everything():
    plain = Findings(("a.py",), None, (WARNING,), strict=True).to_plain()

    assert plain == {"ok": False, "scripts": ["a.py"], "hooks": [], "problems": [WARNING.to_plain()]}
