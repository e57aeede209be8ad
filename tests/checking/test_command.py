"""`python -m yummy check`, as a program: its exit codes, what it writes where, and that it ends."""

import json
import os
import subprocess
import sys

import pytest

STUCK = """
def pre_play(model):
    while True:
        try:
            while True: pass
        except BaseException: pass
def post_play(model, success): print("post", success)
"""


@pytest.fixture
def yummy(tmp_path):
    """Run a command of Yummy's in an empty folder."""

    def run(*arguments, **environment):
        return subprocess.run(
            [sys.executable, "-m", "yummy", *arguments],
            cwd=tmp_path,
            env={**os.environ, **environment},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    return run


def test_scripts_with_nothing_wrong_give_exit_code_0(yummy, folder):
    folder("def pre_play(model): print(model.message['text'])\n")

    done = yummy("check", "--run", "--strict")

    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines() == [
        "info[printed]: hello",
        "  --> game.py:1",
        "  = hook: pre_play",
        "",
        "1 script, 1 hook: nothing wrong",
    ]


def test_problems_give_exit_code_1_and_a_report(yummy, folder):
    folder("def pre_play(model): model.mesage = '\x1b[2J'\n")

    done = yummy("check", "hooks")

    assert (done.returncode, done.stderr) == (1, "")
    assert done.stdout.splitlines()[:4] == [
        "error[model]: Play has no field mesage",
        "  --> game.py:1 in pre_play",
        "  |",
        "1 | def pre_play(model): model.mesage = '\\x1b[2J'",
    ]
    assert done.stdout.endswith("\n1 script, 1 hook: 1 error\n")


def test_no_such_folder_gives_exit_code_2(yummy):
    done = yummy("check", "nowhere")

    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "Nothing was checked:\n  there is no folder nowhere\n"


def test_for_programs_there_is_one_json_object_and_a_stuck_script_ends_with_it(yummy, folder):
    folder(STUCK)

    done = yummy("check", "--run", "--format", "json", HOOK_TIMEOUT="0.2", HOOK_ABANDON_AFTER="0.2")

    found = json.loads(done.stdout)
    assert (done.returncode, done.stderr, found["ok"]) == (1, "", False)
    assert (found["scripts"], found["hooks"]) == (["game.py"], ["pre_play", "post_play"])
    assert [(one["severity"], one["kind"], one["message"]) for one in found["problems"][1:]] == [
        ("info", "printed", "post False"),
        ("info", "printed", "post True"),
    ]
    assert (found["problems"][0]["kind"], found["problems"][0]["file"]) == ("timeout", "game.py")
    assert "did not react to its interrupt" in found["problems"][0]["message"]


def test_a_script_that_is_stuck_at_import_ends_with_the_check(yummy, folder):
    folder(STUCK.replace("def pre_play(model):", "for _ in [1]:"))

    done = yummy("check", HOOK_LOAD_TIMEOUT="0.2", HOOK_ABANDON_AFTER="0.2")

    assert (done.returncode, done.stderr) == (1, "")
    assert done.stdout.startswith("error[timeout]: the scripts were not loaded within 0.2 s (HOOK_LOAD_TIMEOUT)")


def test_too_many_stuck_hooks_end_the_run(yummy, folder):
    loop = STUCK.partition("def post")[0]
    folder(loop + loop.replace("play", "email_auth") + "def pre_logout(model): print('bye')\n")

    done = yummy("check", "--run", HOOK_TIMEOUT="0.2", HOOK_ABANDON_AFTER="0.2", HOOK_MAX_ABANDONED="1")

    assert done.returncode == 1
    assert "the hooks from kick_user_from_room on were not tried" in done.stdout
    assert "bye" not in done.stdout
