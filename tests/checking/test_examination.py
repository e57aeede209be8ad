"""Whole checks: scripts are read, loaded and called by the real engine, and each problem is told of once."""

import pytest
import structlog

from yummy.checking.problems import Severity


def test_scripts_with_nothing_wrong(check):
    found = check(
        {
            "a.py": "import b\ndef pre_play(model): model.message = b.shout(model.message)\n",
            "b.py": "def shout(text): return str(text).upper()\ndef post_play(model, success): print(success)\n",
        }
    )

    assert (found.ok, found.scripts, found.hooks, found.problems) == (
        True,
        ("a.py", "b.py"),
        ("pre_play", "post_play"),
        (),
    )
    assert found.summary == "2 scripts, 2 hooks: nothing wrong"


def test_a_folder_without_scripts_says_how_to_begin(check):
    found = check({"_own.py": ""})

    (problem,) = found.problems
    assert (found.ok, found.scripts, problem.trouble.kind) == (False, (), "empty")
    assert "python -m yummy new DIR" in problem.trouble.advice


def test_a_folder_that_cannot_be_read_is_told_of(check, folder):
    (folder() / "there.py").symlink_to(folder() / "there.py")

    found = check("")

    assert ["broken"] == [problem.trouble.kind for problem in found.problems]
    assert "there.py cannot be read" in found.problems[0].trouble.headline


def test_all_syntax_errors_are_told_of_with_their_carets(check, shown):
    found = check({"a.py": "x = (1\n", "b.py": "def pre_play(model)\n    pass\n", "random.py": ""})

    assert (found.ok, found.hooks) == (False, None)
    assert shown(found.problems) == [
        ("error", "broken", 1, "("),
        ("error", "broken", 1, ""),
        ("error", "broken", 0, ""),
    ]
    assert "bears the name of Python's own module" in found.problems[2].trouble.headline


def test_an_error_at_import_is_told_of_once_with_the_better_advice(check, shown):
    found = check("""
        from yummy import room
        import nowhere_at_all
        from json import loads
        def pre_play(model):
            room.get_rom("x")
            import jsonn
    """)

    assert shown(found.problems) == [
        ("error", "broken", 2, "import nowhere_at_all"),
        ("error", "name", 5, "get_rom"),
        ("warning", "import", 6, "jsonn"),
    ]
    assert "game.py cannot be imported" in found.problems[0].trouble.headline

    (problem,) = check("from yummy import rooom\n").problems
    assert (problem.trouble.kind, problem.trouble.advice) == ("broken", "did you mean room?")


def test_what_a_load_has_shown_to_work_is_not_called_wrong(check):
    found = check({"a.py": "import sys, types\nsys.modules['made_up'] = types\nimport made_up\n"})

    assert found.problems == ()


def test_in_a_module_that_was_not_run_it_is_wrong_all_the_same(check, shown):
    found = check({"a.py": "", "_own.py": "import nowhere_at_all\n"})

    assert shown(found.problems) == [("error", "import", 1, "nowhere_at_all")]


def test_what_only_looks_like_a_hook_is_a_warning_and_what_cannot_be_called_an_error(check, shown):
    found = check("""
        def pre_pley(model): print(model)
        def pre_play(model, success): print(model)
        post_play = 1
        message = "\\d"
    """)

    assert not found.ok
    assert shown(found.problems) == [
        ("warning", "slip", 0, ""),
        ("warning", "misspelt", 1, "pre_pley"),
        ("error", "signature", 2, "pre_play"),
        ("warning", "slip", 4, ""),
    ]
    assert found.problems[1].trouble.headline.endswith("did you mean pre_play?")


def test_an_async_hook_is_an_error(check, shown):
    found = check("async def pre_play(model): pass\n")

    assert shown(found.problems) == [("error", "broken", 1, "")]


def test_what_happens_at_load_and_unload_is_told_of(check, shown):
    found = check("""
        print("at import")
        def on_load(): 1 / 0
        def on_unload(): {}["x"]
    """)

    assert shown(found.problems) == [
        ("error", "error", 2, "1 / 0"),
        ("error", "error", 3, '{}["x"]'),
        ("info", "printed", 1, ""),
    ]


def test_a_violation_of_the_sandbox_at_import_is_told_of(check, shown):
    found = check("import socket\nsocket.socket()\n")

    assert [("error", "sandbox", 2, "socket.socket()")] == shown(found.problems)[:1]


def test_a_script_that_does_not_end_its_import_is_interrupted(check, shown):
    found = check("while True: pass\n", hook_load_timeout=0.2)

    assert shown(found.problems) == [("error", "timeout", 1, "True")]
    assert not found.stuck


def test_without_a_run_no_hook_is_called(check):
    assert check("def pre_play(model): 1 / 0\n").problems == ()


def test_logs_are_as_they_were_afterwards(check):
    before = structlog.get_config()
    check("")
    assert structlog.get_config() == before

    structlog.configure(context_class=dict)
    check("")
    assert structlog.is_configured()
    structlog.reset_defaults()


def test_an_engine_that_cannot_start_is_told_of(check, monkeypatch):
    def refuse():
        raise RuntimeError("hook scripts need CPython 3.13 or later")

    monkeypatch.setattr("yummy.hooks.peer.check_python", refuse)

    (problem,) = check("").problems

    assert (problem.severity, problem.trouble.headline) == (Severity.ERROR, "hook scripts need CPython 3.13 or later")


@pytest.mark.parametrize(("strict", "ok"), [(False, True), (True, False)])
def test_strictly_a_warning_is_wrong(check, strict, ok):
    assert check("def pre_pley(model): print(model)\n", strict=strict).ok is ok
