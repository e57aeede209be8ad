"""Tasks of the pipeline are counted, and none of them takes the others down."""

import trio
import trio.testing

from yummy.pipeline.tasks import Tasks


async def test_it_waits_for_all_and_survives_those_that_fail():
    ended = []
    go_on = trio.Event()

    async def fail():
        await go_on.wait()
        raise ValueError("its own fault")

    async def work():
        await go_on.wait()
        ended.append("work")

    async with trio.open_nursery() as nursery:
        tasks = Tasks(nursery)
        await tasks.wait_idle()
        tasks.start(fail)
        tasks.start(work)
        assert tasks.running == 2
        nursery.start_soon(tasks.wait_idle)
        await trio.testing.wait_all_tasks_blocked()
        go_on.set()
        await tasks.wait_idle()
    assert ended == ["work"]
    assert tasks.running == 0
