"""The processes of a load: what ends them, and what is said then."""

import pytest
import trio
from attrs import evolve
from benchmarks.histogram import Histogram
from benchmarks.load import Hand, LoadFailed, Tick, loading
from benchmarks.plan import Plan, split
from benchmarks.record import Record
from benchmarks.wire import Where
from harness import KEY, PATIENCE, running

from yummy.client.address import parse_address


def plan_for(server, rate=100.0):
    address = parse_address(server.url, KEY)
    where = Where(address.host, address.port, address.secure, address.resource)
    return Plan("ask", where, 0, 4, rate, 64, 0.0, 600.0)


async def failing(server, when_it_runs, processes=1, rate=100.0):
    """Why a load ended to which this was done after its first second."""
    going = trio.Event()
    failed = []

    def load():
        plans = split(plan_for(server, rate), processes, 1)
        with loading(plans, None, lambda _line: trio.from_thread.run_sync(going.set)) as running_load:
            hands.append(running_load)
            running_load.prepare()
            with pytest.raises(LoadFailed) as error:
                running_load.play()
            failed.append(str(error.value))

    hands = []
    async with trio.open_nursery() as nursery:
        nursery.start_soon(trio.to_thread.run_sync, load)
        with trio.fail_after(30):
            await going.wait()
            await when_it_runs(hands[0])
    assert all(hand.process.returncode is not None for hand in hands[0].hands)
    return failed[0]


async def test_a_server_that_goes_away_ends_the_load():
    async with running() as server:
        # So few that nobody sends twice before it sees that the server has gone.
        text = await failing(server, lambda _load: server.transport.drain(PATIENCE), rate=0.5)
    assert text == "The server has closed all connections.\nThe server is stopping."


async def test_a_process_that_dies_ends_the_load_and_the_other_processes():
    async def kill(load):
        load.hands[0].process.kill()

    async with running() as server:
        assert await failing(server, kill, processes=2) == "A process of the generator has ended with code -9."


async def test_no_process_outlives_a_load_that_was_left():
    async with running() as server:
        with loading([plan_for(server)], None, print) as load:
            load.hands.append(Hand.start())
        assert load.hands[0].process.returncode is not None


def test_a_line_of_progress_has_rate_latency_errors_and_the_generator():
    record = Record(latency=Histogram.of([0.001] * 99 + [0.25]))
    record.refused["busy"] += 2
    tick = Tick(3, 2.0, record, [0.5, 1.0], 8)
    assert str(tick) == "    3 s        50/s  p50 1.00 ms  p99 1.00 ms  errors 2  generator 50%"
    assert str(evolve(tick, cpu=[1.9])).endswith("generator 95%  THE GENERATOR IS THE BOTTLENECK")


def test_players_who_do_nothing_are_counted_at_least():
    assert str(Tick(1, 1.0, Record(), [0.01], 8)) == "    1 s  8 players  errors 0  generator 1%"
