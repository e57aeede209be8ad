import pytest

from yummy.hooks.calls import HookLimits
from yummy.hooks.keep import State, StateWatch


@pytest.fixture
def state():
    opened = State()
    opened.open()
    return opened


def test_a_copy_brings_back_what_is_plain(state):
    state.update(a=[1, {"b": (2, None)}], c={"x", "y"}, thing=object(), f=print)
    copy = state.copied(1000)
    assert ("thing", "f") == copy.left_out
    again = State()
    again.open(copy.data)
    assert {"a": [1, {"b": (2, None)}], "c": {"x", "y"}} == dict(again)


def test_a_copy_keeps_to_its_bound(state):
    state.update(a="x" * 400, b="x" * 400, c="x" * 400, d=1)
    copy = state.copied(900)
    assert ("c",) == copy.left_out
    assert len(copy.data) <= 900


def test_an_empty_state_has_an_empty_copy(state):
    assert b"" == state.copied(100).data


def test_things_that_contain_themselves_do_no_harm(state):
    ring = []
    ring.append(ring)
    state["ring"] = ring
    copy = state.copied(1000)
    again = State()
    again.open(copy.data)
    assert copy.left_out == ("ring",) or again["ring"][0] is again["ring"]


def test_copies_are_made_when_something_ran_and_not_too_often(state):
    watch = StateWatch(pause=1.0)
    assert watch.wait(10.0) is None
    assert watch.take(state, 100, 10.0) is None
    state["a"] = 1
    assert watch.ran(10.0)
    assert 0.0 == watch.wait(10.0)
    assert watch.take(state, 100, 10.0) is not None
    assert watch.wait(10.5) is None
    assert not watch.ran(10.5)
    assert 0.5 == watch.wait(10.5)
    assert watch.take(state, 100, 10.5) is None
    # Nothing has changed, so nothing is sent.
    assert watch.take(state, 100, 11.0) is None
    assert watch.wait(11.0) is None


async def test_the_host_gets_a_copy_when_idle_and_a_new_interpreter_gets_it_back(serve_scripts, pre_play):
    script = """
from yummy import state
def pre_play(model):
    state[model.message] = [model.message]
    state["file"] = object()
"""
    async with serve_scripts(script, limits=HookLimits(state_bytes=2000)) as host:
        await host.call(pre_play("a"))
        # Closing the interpreter is what comes after the copy, which comes after the reply.
        await host.close()
    assert host.statistics().state_bytes > 0
    again = State()
    again.open(host._dispatch.state)
    assert {"a": ["a"]} == dict(again)
