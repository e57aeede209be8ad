"""Each scenario against the real server: its players do what it says, and count what they should."""

import os
from pathlib import Path

import pytest
import trio
from attrs import evolve
from benchmarks import worker
from benchmarks.generator import clock
from benchmarks.plan import Plan
from benchmarks.record import Record
from benchmarks.scenarios import SCENARIOS
from benchmarks.wire import Where
from benchmarks.worker import Ear, record_of, work
from harness import KEY, running

from yummy.client.address import parse_address

ROOT = Path(__file__).parents[2]
TIC_TAC_TOE = ROOT / "examples" / "tic_tac_toe" / "hooks"
SPINNING = ROOT / "benchmarks" / "spinning_hooks"


def plan_for(server, scenario, **changes):
    address = parse_address(server.url, KEY)
    where = Where(address.host, address.port, address.secure, address.resource)
    return evolve(Plan(scenario, where, 0, 4, None, 1, 0.0, 0.3, room_size=2), **changes)


def told_by(plan, *, when_ready=lambda _told: None, is_over=lambda _told: False):
    """What a worker tells, which works in this process, begins as soon as it is ready and may end before its time."""
    reads, writes = os.pipe()
    told, hearing = [], Ear(reads, [plan.plain()])

    def tell(one):
        told.append(one)
        if one["kind"] == "ready":
            when_ready(one)
            hearing.told.append({"begin": clock()})
        elif is_over(one):
            hearing.told.append({"end": True})

    try:
        work(hearing, tell)
    finally:
        os.close(reads)
        os.close(writes)
    return told


def play(server, scenario, **changes):
    """One worker's work: what it measured, added up, and all that it told."""
    told = told_by(plan_for(server, scenario, **changes))
    return added_up(told), told


def added_up(told):
    """All that was measured from the beginning to the end."""
    assert [told[0]["kind"], told[-1]["kind"]] == ["ready", "end"], told
    record = Record()
    for one in told[1:]:
        record.add(record_of(one))
    return record


async def played(scenario, hooks=None, settings=None, **changes):
    async with running(hooks, **(settings or {})) as server:
        return await trio.to_thread.run_sync(lambda: play(server, scenario, **changes))


@pytest.mark.parametrize("pace", [{"rate": 100.0, "ahead": 64}, {"rate": None}])
@pytest.mark.parametrize("scenario", ["ask", "pipelined", "relay", "broadcast", "slow-readers", "reconnect"])
async def test_a_scenario_is_answered_whatever_its_pace(scenario, pace):
    record, told = await played(scenario, **pace)
    assert record.latency.count
    assert (record.refused, record.lost) == ({}, {})
    assert told[-1]["unanswered"] == 0


async def test_in_an_open_loop_as_much_is_asked_as_is_wanted():
    record, _ = await played("ask", rate=100.0, ahead=64)
    assert record.latency.count == pytest.approx(30, abs=1)


async def test_players_in_a_room_hear_the_others_and_when():
    record, _ = await played("relay", rate=100.0, ahead=64, room_size=4, message_bytes=1000)
    # Of the last messages, the answers are waited for, but not that everybody has heard them.
    assert 0 < record.heard.count <= 3 * record.latency.count
    assert record.events >= record.heard.count
    assert 0 < record.heard.most < 10


async def test_in_a_big_room_one_talks_and_all_others_hear():
    record, told = await played("broadcast", rate=50.0, connections=8)
    assert 0 < record.heard.count <= 7 * record.latency.count
    assert set(told[0]["shared"]) == {"room_id"}


async def test_of_several_processes_all_are_in_the_big_room_of_the_first():
    async with running() as server:
        heard = []

        def other(ready):
            plan = {"first": 2, "connections": 3, "rate": 20.0, "shared": ready["shared"]}
            heard.append(play(server, "broadcast", **plan)[0].latency.count)

        first = plan_for(server, "broadcast", connections=2, rate=20.0)
        told = await trio.to_thread.run_sync(lambda: told_by(first, when_ready=other))
    # The two players of the first process heard all that the other one's talker said while they waited.
    assert sum(record_of(one).heard.count for one in told[1:]) >= 2 * heard[0] > 0


async def test_those_who_read_nothing_are_dropped_and_not_counted(monkeypatch):
    # Whether the server has dropped somebody is looked at as often.
    monkeypatch.setattr(worker, "TICK", 0.05)
    async with running(outbox_bytes=20_000, outbox_grace=0.01) as server:
        plan = plan_for(server, "slow-readers", room_size=4, message_bytes=30_000, duration=60.0)

        def is_over(_told):
            return server.transport.statistics().connections < 4

        told = await trio.to_thread.run_sync(lambda: told_by(plan, is_over=is_over))
    assert told[-1]["notes"] == {"slow readers": 1, "slow readers dropped": 1}
    record = added_up(told)
    assert record.lost == {}
    assert record.latency.count


async def test_bots_play_whole_games(monkeypatch):
    monkeypatch.setattr(worker, "TICK", 0.05)
    async with running(TIC_TAC_TOE) as server:
        plan = plan_for(server, "play", duration=60.0)
        told = await trio.to_thread.run_sync(lambda: told_by(plan, is_over=lambda one: one["notes"]["games"] > 0))
    record = added_up(told)
    assert record.refused == {}
    assert told[-1]["notes"]["games"] >= 1
    # A game has five to nine moves, and two wishes for the next one.
    assert record.latency.count >= 5 * told[-1]["notes"]["games"]


async def test_bots_play_at_a_rate():
    record, _ = await played("play", TIC_TAC_TOE, rate=50.0, ahead=64, duration=0.5)
    assert record.refused == {}
    assert record.latency.count == pytest.approx(25, abs=1)


@pytest.mark.parametrize("by", ["device", "email"])
async def test_players_log_in_again_and_again(by):
    record, _ = await played("login", by=by, connections=2)
    assert record.latency.count
    assert (record.refused, record.lost) == ({}, {})


async def test_a_session_that_had_ended_counts_as_refused():
    async with running(connection_restore_wait_timeout=0) as server:

        async def end_all():
            for connection in server.transport.connections:
                connection.close(1001)
            while server.chain.world.sessions:
                await trio.lowlevel.checkpoint()

        plan = plan_for(server, "reconnect", rate=20.0)
        told = await trio.to_thread.run_sync(
            lambda: told_by(plan, when_ready=lambda _told: trio.from_thread.run(end_all))
        )
    assert added_up(told).refused.keys() == {"not_restored"}


async def test_players_who_are_idle_only_are_there():
    record, told = await played("idle")
    assert (record.latency.count, record.events, record.lost) == (0, 0, {})
    assert [one["kind"] for one in told] == ["ready", "tick", "end"]


async def test_a_spinning_hook_runs_out_of_time_beside_those_who_ask():
    record, told = await played("spin", SPINNING, settings={"hook_timeout": 0.05}, rate=100.0, ahead=64)
    assert told[-1]["notes"]["spins that ran out of time"] >= 1
    assert record.refused == {}


@pytest.mark.parametrize(
    ("scenario", "words"),
    [("play", "--hooks examples/tic_tac_toe/hooks"), ("spin", "--hooks benchmarks/spinning_hooks")],
)
async def test_a_scenario_without_its_script_says_which_one_it_needs(scenario, words):
    async with running() as server:
        plan = plan_for(server, scenario, connections=2)
        told = await trio.to_thread.run_sync(lambda: told_by(plan))
    assert told[-1]["kind"] == "trouble"
    assert words in told[-1]["text"]
    assert words in SCENARIOS[scenario].needs


async def test_an_overloaded_player_counts_what_it_never_could_send():
    # One request in flight at a time, and hooks that take their time: nine tenths of it are never sent.
    record, told = await played("play", TIC_TAC_TOE, connections=2, rate=20_000.0, ahead=64, duration=0.3)
    assert told[-1]["overdue"] > 1000
    assert record.latency.count == pytest.approx(6000, abs=20)
    assert record.latency.most > 0.2
