"""Nothing is left of a connection: no task, no descriptor, no object."""

import gc
import weakref
from pathlib import Path

import trio
from tests.transport.conftest import BINARY, CLOSE, Echo, head, masked
from trio.testing import wait_all_tasks_blocked

SAID = [
    b"",
    b"GET ",
    b"garbage\r\n\r\n",
    head(host=b"\xff"),
    head("/nowhere"),
    head(),
    head() + masked(BINARY, b"x"),
    head() + masked(BINARY, b"x") + masked(CLOSE),
    head() + masked(BINARY, bytes(70_000)),
    head() + b"\x82\x01x",
    head() + masked(0x02, b"never finished"),
]


def _tasks() -> int:
    def count(task: trio.lowlevel.Task) -> int:
        return 1 + sum(count(child) for nursery in task.child_nurseries for child in nursery.child_tasks)

    root = trio.lowlevel.current_root_task()
    assert root is not None
    return count(root)


def _descriptors() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


async def _visit(house) -> None:
    for said in SAID:
        for end in ("leave", "reset"):
            client = await house.connect()
            await client.send(said)
            await wait_all_tasks_blocked()
            if end == "reset":
                client.reset()
            else:
                await client.leave()
    await house.assert_serves()
    await house.wait_alone()
    await wait_all_tasks_blocked()


async def test_no_task_and_no_descriptor_is_left(house):
    await _visit(house)
    before = _tasks(), _descriptors()
    await _visit(house)
    assert before == (_tasks(), _descriptors())
    registry = house.running._registry
    assert (0, 0, 0) == (len(registry.conversations), len(registry.greetings), len(registry._of_address))
    assert [] == house.running._hub._marked


async def test_no_object_is_left(open_house):
    seen: list[weakref.ref[Echo]] = []

    class Weak(Echo):
        def __init__(self, connection):
            super().__init__(connection)
            seen.append(weakref.ref(self))

    house = await open_house(Weak)
    await _visit(house)
    house.peers.clear()
    gc.collect()
    assert len(seen) > 5
    assert [None] * len(seen) == [one() for one in seen]
