"""A minute of soak of the real server; another time by ``SOAK_SECONDS``, the seconds of coming and going."""

import os
import re
import sys

import pytest
from benchmarks import soak
from benchmarks.churn import Pair
from benchmarks.cli import main
from benchmarks.server import serving
from benchmarks.soak import Census
from click.testing import CliRunner

SOAK_SECONDS = float(os.environ.get("SOAK_SECONDS", "60"))


def run(*arguments, code=0):
    result = CliRunner().invoke(main, ["soak", *map(str, arguments)], catch_exceptions=False)
    assert result.exit_code == code, result.output
    return result.output


@pytest.mark.timeout(SOAK_SECONDS + 120)
def test_nothing_is_left_of_players_who_came_and_went():
    output = run("--duration", SOAK_SECONDS, "--pairs", 4)
    sys.stdout.write(output)
    assert "nothing is left of players who came and went: met" in output
    assert output.count("at rest") == 3
    for what in ("logins", "rooms", "messages", "restores"):
        assert int(re.search(rf"(\d+) {what}\b", output.partition("done")[2])[1]) > 0
    # The last revision that was saved is not the first one.
    assert int(output.partition("done")[0].split("\n")[-3].split()[5]) > 0


def test_sessions_that_outlive_their_players_fail_the_soak(monkeypatch):
    monkeypatch.setitem(soak.SETTINGS, "CONNECTION_RESTORE_WAIT_TIMEOUT", "600")
    monkeypatch.setattr(soak, "REST", 0.0)
    output = run("--duration", 1, "--pairs", 2, code=1)
    assert re.search(r"problem +\d+ sessions have not ended", output)
    assert "sessions could be taken up after their window" in output
    assert "came and went: MISSED" in output


def test_a_move_that_is_not_answered_as_it_must_be_is_a_problem():
    with serving({}) as server:
        pair = Pair.of(server, 0)
        # Without a script, no move is refused.
        pair.live(soak.clock() + 1)
    assert set(pair.problems) <= {"the move fail was answered by success", "the move error was answered by success"}
    assert pair.problems


@pytest.mark.parametrize(
    ("census", "problems"),
    [
        (Census(7, 9, 0, 0), []),
        (Census(6, 9, 0, 0), ["revision 6 serves, not 7"]),
        (Census(7, 9, 2, 1), ["2 sessions have not ended", "1 rooms are left"]),
        (Census(7, 9, -1, 0), ["1 sessions ended twice"]),
    ],
)
def test_a_census_names_who_is_left(census, problems):
    assert census.remains(7) == problems
