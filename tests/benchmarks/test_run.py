"""The command as people use it: processes, progress, tables, files, codes."""

import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import trio
from benchmarks.cli import main
from benchmarks.outcome import Outcome
from benchmarks.scenarios import SCENARIOS
from click.testing import CliRunner
from harness import running, write_scripts
from tests.benchmarks.conftest import OUTCOME

ROOT = Path(__file__).parents[2]
SILENCE = """
    from yummy import fail

    def pre_message_to_room(model):
        fail("Nobody speaks now", "not_now")
"""


def invoke(*arguments, code=0):
    result = CliRunner().invoke(main, list(map(str, arguments)), catch_exceptions=False)
    assert result.exit_code == code, result.output
    return result


async def load(server, *arguments, code=0):
    url = ("--url", server if isinstance(server, str) else server.url)
    short = ("--connections", 4, "--duration", 0.3, "--warm-up", 0)
    return await trio.to_thread.run_sync(lambda: invoke("run", *arguments[:1], *url, *short, *arguments[1:], code=code))


async def test_a_load_is_told_on_the_terminal_and_kept_in_files(tmp_path):
    async with running() as server:
        result = await load(
            server, "relay", "--rate", 200, "--processes", 2, "--server-pid", os.getpid(), "--out", tmp_path / "one"
        )
        assert "1 s" in result.stderr
        assert "generator" in result.stderr
        assert "4 connections, rooms of 4, 200 requests/s" in result.stdout
        outcome = Outcome.read(tmp_path / "one" / "report.json")
        assert outcome.latency.count == pytest.approx(60, abs=3)
        assert outcome.server.before > 0
        assert outcome.limits is not None
        assert len(outcome.points) == 1
        again = await load(server, "relay", "--closed-loop", "--compare", tmp_path / "one")
    assert "B/A" in again.stdout
    assert "A and B differ in closed loop: False / True" in again.stdout
    page = (tmp_path / "one" / "index.html").read_text()
    assert "Latency by percentile" in page


async def test_several_processes_share_the_players(tmp_path):
    async with running() as server:
        await load(server, "ask", "--closed-loop", "--processes", 2, "--out", tmp_path)
    outcome = Outcome.read(tmp_path / "report.json")
    assert len(outcome.generator) == 2
    assert outcome.latency.count > 0


async def test_neither_key_nor_secrets_come_into_a_report(tmp_path, monkeypatch):
    async with running(integration_key="not-for-everybody") as server:
        await load(server, "ask", "--rate", 50, "--key", "not-for-everybody", "--out", tmp_path)
    assert "not-for-everybody" not in (tmp_path / "report.json").read_text()
    assert "not-for-everybody" not in (tmp_path / "index.html").read_text()


async def test_a_limit_of_the_rate_is_recognised_and_says_which_setting_it_is(tmp_path):
    async with running(max_messages_per_second=5) as server:
        result = await load(server, "ask", "--rate", 1000, code=1)
    assert "MAX_MESSAGES_PER_SECOND=0" in result.output
    assert "Traceback" not in result.output


async def test_refused_requests_are_told_by_their_code_and_fail(tmp_path):
    hooks = write_scripts(tmp_path / "hooks", silence=SILENCE)
    async with running(hooks) as server:
        result = await load(server, "relay", "--rate", 20, "--out", tmp_path / "report", code=1)
    assert re.search(r"refused +\d+ not_now", result.stdout)
    outcome = Outcome.read(tmp_path / "report" / "report.json")
    assert outcome.refused.keys() == {"not_now"}
    assert outcome.answered == 0


async def test_a_server_that_lets_nobody_in_says_why():
    async with running() as server:
        refused = await load(server, "ask", "--rate", 1, "--key", "x", code=1)
        assert "name its INTEGRATION_KEY by --key" in refused.stderr
    gone = await load(server, "ask", "--rate", 1, code=1)
    assert "Connection refused" in gone.stderr


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--url", "http://x", "--rate", 1), "is no server address"),
        ((), "Say either --rate or --closed-loop"),
        (("--rate", 1, "--closed-loop"), "Say either --rate or --closed-loop"),
        (("--rate", 0), "Invalid value for '--rate'"),
        (("--rate", 1, "--connections", 100_000), "use more --processes"),
        (("--rate", 1, "--server-pid", 2**22 + 1), "cannot be looked at"),
        (("--rate", 1, "--compare", "nothing.json"), "does not exist"),
    ],
)
def test_options_that_do_not_go_together_are_explained(arguments, words):
    result = invoke("run", "ask", *arguments, code=2)
    assert words in result.stderr.replace("\n", " ")


def test_a_folder_that_cannot_be_is_said_before_the_load(tmp_path):
    (tmp_path / "file").write_text("")
    result = invoke("run", "ask", "--rate", 1, "--out", tmp_path / "file" / "report", code=1)
    assert "cannot be written to: Not a directory" in result.stderr.replace("\n", " ")


def test_two_players_sit_at_a_table():
    assert "has to be a multiple of 2" in invoke("run", "play", "--rate", 1, "--connections", 3, code=2).stderr


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_each_scenario_says_what_it_does_and_what_it_needs(scenario):
    text = " ".join(invoke("run", scenario, "--help").stdout.split())
    assert " ".join(SCENARIOS[scenario].summary.split()) in text
    assert SCENARIOS[scenario].needs in text
    assert "MAX_MESSAGES_PER_SECOND=0" in text


async def test_ctrl_c_ends_a_load_with_its_report(tmp_path):
    async with running() as server:
        options = ["--url", server.url, "--rate", "50", "--warm-up", "0", "--duration", "600", "--out", str(tmp_path)]
        command = [sys.executable, "-m", "benchmarks", "run", "ask", *options]
        pipe = subprocess.PIPE
        # A shell has its background jobs ignore Ctrl-C, and these whatever they start.
        inherited = signal.signal(signal.SIGINT, signal.default_int_handler)
        try:
            process = await trio.lowlevel.open_process(command, cwd=ROOT, stderr=pipe, stdout=subprocess.DEVNULL)
        finally:
            signal.signal(signal.SIGINT, inherited)
        with trio.fail_after(30):
            told = b""
            while b"1 s" not in told:
                told += await process.stderr.receive_some()
            process.send_signal(signal.SIGINT)
            async for part in process.stderr:
                told += part
            assert await process.wait() == 0
    assert b"Stopping" in told
    assert Outcome.read(tmp_path / "report.json").answered > 0


def test_a_comparison_of_two_files_says_what_they_are(tmp_path):
    OUTCOME.write(tmp_path / "report.json")
    result = invoke("compare", tmp_path, tmp_path / "report.json", "--out", tmp_path / "both")
    assert "latency p99" in result.stdout
    assert "1.00" in result.stdout
    assert "Compared" in (tmp_path / "both" / "index.html").read_text()
    (tmp_path / "other.json").write_text("{}")
    assert "is no report.json" in invoke("compare", tmp_path, tmp_path / "other.json", code=1).stderr
