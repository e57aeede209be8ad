"""The fixture and the marker, in a project of their own."""

import subprocess
import sys

import pytest

PASSING = """
import pytest


async def test_the_projects_scripts(yummy_game):
    await yummy_game.advance(5)
    assert yummy_game.printed == ["the project's"]


@pytest.mark.yummy(hooks=".")
async def test_those_beside_the_test(yummy_game):
    assert yummy_game.printed == ["beside"]


@pytest.mark.yummy(hooks="nowhere", settings={"max_room_meta": 3}, encoding="json")
class TestItsOwn:
    @pytest.mark.yummy(scripts={"own.py": "print('its own')"}, settings={"max_room_meta": 4})
    async def test_its_own(self, yummy_game):
        assert yummy_game.printed == ["its own"]
        assert yummy_game.parts.settings.max_room_meta == 4
        assert yummy_game.guest().format == "json"
"""
FAILING = """
import pytest
import trio


async def test_wrong(yummy_game):
    ann = await yummy_game.player("ann")
    ann.push("Play", room_id="nowhere", message=1)
    await ann.expect_reply()


async def test_left_over(yummy_game):
    ann = await yummy_game.player("ann")
    room_id = (await ann.push("CreateRoom")).room_id
    ann.push("Play", room_id=room_id, message=1)


@pytest.mark.yummy(hooks="nowhere")
async def test_no_scripts(yummy_game):
    pass


@pytest.mark.yummy(patience=0.2)
async def test_asleep(yummy_game):
    await trio.sleep(1)


def test_in_no_loop(yummy_game):
    pass
"""


@pytest.fixture
def pytest_in(tmp_path):
    """Run pytest in a folder with these files; gives its exit code and what it says."""

    def run(*arguments, **files):
        for name, text in files.items():
            file = tmp_path / name.replace("__", "/").replace("_dot_", ".")
            file.parent.mkdir(exist_ok=True)
            file.write_text(text, encoding="utf-8")
        command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "--strict-markers", *arguments]
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
        return done.returncode, done.stdout + done.stderr

    return run


def test_games_have_the_scripts_that_the_closest_marker_names_also_where_trio_runs_all_tests(pytest_in):
    # Where it does not, the tests of docs/testing.md run.
    code, output = pytest_in(
        pytest_dot_ini="[pytest]\ntrio_mode = true\n",
        hooks__game_dot_py="""print("the project's")""",
        tests__beside_dot_py="print('beside')",
        tests__test_game_dot_py=PASSING,
    )
    assert (code, "3 passed" in output) == (0, True), output


def test_failures_show_the_line_of_the_test_and_the_report(pytest_in):
    code, output = pytest_in(
        pytest_dot_ini="[pytest]\n",
        hooks__game_dot_py="def post_play(model, success):\n    if success:\n        1 / 0\n",
        tests__test_game_dot_py=FAILING,
    )
    assert (code, "4 failed, 1 error" in output) == (1, True), output
    assert ">       await ann.expect_reply()" in output
    assert "AssertionError: ann expected that Play succeeds, but the reply is Play {'status': False" in output
    assert "AssertionError: the test did not expect this" in output
    assert "game.py:3 in post_play" in output
    assert "StuckError: nothing has happened for 0.2 s" in output
    assert "tests/nowhere to take scripts from" in output
    assert "'test_in_no_loop' requested an async fixture 'yummy_game'" in output


def test_without_pytest_trio_the_test_says_what_to_install(pytest_in):
    code, output = pytest_in(
        "-p", "no:trio", pytest_dot_ini="[pytest]\n", tests__test_game_dot_py="async def test_it(yummy_game): pass\n"
    )
    assert (code, "needs pytest-trio: install yummy[testing]" in output) == (4, True), output
