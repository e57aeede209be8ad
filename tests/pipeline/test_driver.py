"""Chains go on when what they wait for has come; they and tasks are counted, and none takes the others down."""

import pytest
import structlog
import trio
from trio.testing import wait_all_tasks_blocked

from yummy.pipeline.driver import AT_ONCE_MAX, TURN, Driver
from yummy.pipeline.steps import awaited


@pytest.fixture
def driver(nursery):
    driver = Driver(nursery)
    nursery.start_soon(driver.run)
    return driver


class Bell:
    """Something to wait for."""

    def __init__(self):
        self.waiters = []

    def __call__(self, waiter):
        self.waiters.append(waiter)


def ring_twice(bell, heard):
    heard.append((yield bell))
    try:
        yield bell
    except ValueError as error:
        heard.append(str(error))
    return "end"


async def test_a_chain_goes_on_with_what_came_of_its_wait(driver):
    bell, heard, ended = Bell(), [], []

    assert not driver.begin(ring_twice(bell, heard), ended.append)
    bell.waiters[0].resume("first")
    assert [] == heard  # never within the call
    await wait_all_tasks_blocked()
    bell.waiters[1].throw(ValueError("second"))
    await wait_all_tasks_blocked()

    assert (["first", "second"], ["end"], 0) == (heard, ended, driver.running)


async def test_a_chain_that_waits_for_nothing_ends_within_the_call(driver):
    def chain():
        done.append("all")
        yield from ()

    done, ended = [], []

    assert driver.begin(chain(), ended.append)
    assert (["all"], [], 0) == (done, ended, driver.running)


async def test_what_cannot_be_waited_for_is_raised_in_the_chain(driver):
    def refuse(_waiter):
        raise ValueError("busy")

    def chain():
        try:
            yield refuse
        except ValueError as error:
            heard.append(str(error))

    heard = []

    assert driver.begin(chain())
    assert ["busy"] == heard


@pytest.mark.parametrize("at_once", [True, False], ids=["at once", "later"])
async def test_a_chain_that_fails_ends_alone(driver, at_once):
    def fail():
        if not at_once:
            yield bell
        yield from ()
        raise RuntimeError("its own fault")

    bell, ended, heard = Bell(), [], []

    with structlog.testing.capture_logs() as logs:
        assert at_once is driver.begin(fail(), ended.append)
        driver.begin(ring_twice(bell, heard))
        for waiter in bell.waiters:
            waiter.resume(1)
        await wait_all_tasks_blocked()

    assert ["chain_failed"] == [line["event"] for line in logs]
    assert ([] if at_once else [None], [1], 1) == (ended, heard, driver.running)


async def test_async_work_has_a_task_and_its_outcome_is_the_chains(driver):
    async def work(outcome):
        await trio.lowlevel.checkpoint()
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    def chain():
        heard.append((yield awaited(driver.start, work("done"))))
        try:
            yield awaited(driver.start, work(ValueError("no")))
        except ValueError as error:
            heard.append(str(error))

    heard = []

    driver.begin(chain())
    await driver.wait_idle()

    assert ["done", "no"] == heard


async def test_a_launched_chain_begins_soon_and_counts_from_now_on(driver):
    def chain():
        done.append("all")
        yield from ()

    done = []

    driver.launch(chain())
    assert ([], 1) == (done, driver.running)
    await driver.wait_idle()
    assert ["all"] == done


async def test_it_waits_for_all_tasks_and_survives_those_that_fail(driver):
    async def fail():
        await go_on.wait()
        raise ValueError("its own fault")

    async def work():
        await go_on.wait()
        ended.append("work")

    ended, go_on = [], trio.Event()

    await driver.wait_idle()
    with structlog.testing.capture_logs() as logs:
        driver.start(fail)
        driver.start(work)
        assert 2 == driver.running
        go_on.set()
        await driver.wait_idle()

    assert (["work"], ["task_failed"], 0) == (ended, [line["event"] for line in logs], driver.running)


async def test_others_run_between_many_steps(driver):
    def step(number):
        steps.append(number)
        if number < 3 * AT_ONCE_MAX:
            driver.soon(step, number + 1)

    steps, seen = [], []

    driver.soon(step, 1)
    while len(steps) < 3 * AT_ONCE_MAX:
        await trio.lowlevel.checkpoint()
        seen.append(len(steps))

    assert len(seen) > 3
    assert max(after - before for before, after in zip([0, *seen], seen, strict=False)) <= AT_ONCE_MAX


async def test_others_run_between_steps_that_take_long(driver, nursery, mock_clock):
    seen, turns = [], 0

    def step():
        mock_clock.jump(TURN * 2)
        seen.append(turns)

    for _ in range(AT_ONCE_MAX):
        driver.soon(step)
    while len(seen) < AT_ONCE_MAX:
        turns += 1
        await trio.lowlevel.checkpoint()

    # Of two tasks that are ready, either may be the first.
    assert seen[0] < seen[-1]


async def test_a_step_that_fails_keeps_no_other_from_being_done(driver):
    def fail():
        raise RuntimeError("a fault")

    done = []

    with structlog.testing.capture_logs() as logs:
        driver.soon(fail)
        driver.soon(done.append, "next")
        await wait_all_tasks_blocked()

    assert (["next"], ["step_failed"]) == (done, [line["event"] for line in logs])


async def test_chains_that_wait_are_closed_with_the_server():
    def chain():
        try:
            yield bell
        finally:
            done.append("let go")

    bell, done = Bell(), []

    async with trio.open_nursery() as server:
        driver = Driver(server)
        server.start_soon(driver.run)
        driver.begin(chain(), done.append)
        await wait_all_tasks_blocked()
        server.cancel_scope.cancel()

    assert (["let go", None], 0) == (done, driver.running)
    assert driver.begin(chain())
    driver.launch(chain())
    driver.soon(done.append, "nothing")
    assert (["let go", None], 0) == (done, driver.running)
