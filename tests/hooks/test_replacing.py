"""What becomes of calls, state and revisions when an interpreter is given up, through the real host."""

import os

import pytest
import structlog.testing
import trio
import trio.testing
from attrs import define, field

from yummy.hooks import host as hosts
from yummy.hooks import peer as peers
from yummy.hooks.calls import Crashed, HookCall, HookLimits, Passed, ScriptsBroken
from yummy.hooks.opening import open_hooks
from yummy.hooks.revision import read_sources

#: Bounds under which a call that cannot be interrupted is soon given up.
SOON = HookLimits(timeout=0.1, load_timeout=0.5, abandon_after=0.1, debug=True)

#: Hangs at "hang", in a call that nothing interrupts; else counts the calls, of which it says when they began.
GAME = """
import os
from yummy import state
count = 0
def pre_play(model):
    global count
    if model.message == "hang": os.read({reads}, 1)
    count += 1
    state["last"] = model.message
    model.message = [model.message, count]
"""


@pytest.fixture(autouse=True)
def no_pause(monkeypatch):
    """Nothing waits before it is tried again."""
    monkeypatch.setattr(hosts, "REPLACE_PAUSE", 0.0)
    monkeypatch.setattr(hosts, "RETRY_PAUSE", 0.0)


@define
class Calls:
    """Calls in flight, each in a task of its own, sent in the order in which they were begun."""

    host: object
    nursery: trio.Nursery
    results: dict = field(factory=dict)

    async def begin(self, call, serving=None):
        sent = self.host.statistics().calls
        self.nursery.start_soon(self._run, call, serving or self.host.serving)
        while self.host.statistics().calls == sent:
            await trio.lowlevel.checkpoint()

    async def _run(self, call, serving):
        self.results[call.model.message] = await self.host.call(call, serving)


async def ended(host):
    """Until no given-up thread runs any more."""
    for peer in host._given_up:
        await trio.to_thread.run_sync(peer._thread.join)


@pytest.fixture
def hangs(pipe):
    return GAME.format(reads=pipe.reads)


async def test_the_call_that_hangs_fails_and_those_behind_it_run_in_order(serve_scripts, pre_play, hangs, pipe):
    with structlog.testing.capture_logs() as logs:
        async with serve_scripts(hangs, limits=SOON) as host:
            async with trio.open_nursery() as nursery:
                calls = Calls(host, nursery)
                for message in ("a", "hang", "b", "c"):
                    await calls.begin(pre_play(message))
            late = calls.results["hang"]
            assert "hook_timeout" == late.code
            assert "game.py" in late.text
            found = [calls.results[message].changes["message"] for message in "bc"]
            assert [["b", 1], ["c", 2]] == found
            # It had run before, but whether its reply had left the interpreter is a matter of chance.
            assert "a" == calls.results["a"].changes["message"][0]
            assert (1, 0) == (host.statistics().given_up, host.statistics().waiting)
            pipe.let_go()
            await ended(host)
    assert not host.stuck
    (entry,) = [entry for entry in logs if entry["log_level"] == "critical"]
    assert "all variables of scripts are lost" in entry["event"]
    assert any("a new hook interpreter serves" == entry["event"] for entry in logs)


async def test_a_thread_that_comes_back_after_it_was_given_up_runs_nothing_more(serve_scripts, pre_play, pipe):
    reads, writes = os.pipe()
    script = f"""
import os
def pre_play(model):
    if model.message == "hang": os.read({pipe.reads}, 1)
    os.write({writes}, model.message.encode())
def on_unload(): os.write({writes}, b"unloaded")
"""
    async with serve_scripts(script, limits=SOON) as host:
        async with trio.open_nursery() as nursery:
            calls = Calls(host, nursery)
            for message in ("hang", "behind"):
                await calls.begin(pre_play(message))
        assert isinstance(calls.results["behind"], Passed)
        # The call behind lies in its socket, too, when it wakes.
        pipe.let_go()
        await ended(host)
        assert Passed({}, ()) == await host.call(pre_play("last"))
    os.close(writes)
    assert b"behindlastunloaded" == os.read(reads, 100)
    os.close(reads)


async def test_state_comes_back_and_variables_do_not(serve_scripts, pre_play, hangs, pipe):
    script = hangs + "def post_play(model, success): assert state['last'] == 'kept' and count == 0, (state, count)"
    async with serve_scripts(script, limits=SOON) as host:
        await host.call(pre_play("kept"))
        while not host.statistics().state_bytes:
            await trio.lowlevel.checkpoint()
        assert isinstance(await host.call(pre_play("hang")), Crashed)
        assert Passed({}, ()) == await host.call(HookCall("post", "play", pre_play().model, success=True))
        pipe.let_go()
        await ended(host)


async def test_a_caller_who_was_cancelled_is_not_missed(serve_scripts, pre_play, hangs, pipe):
    async with serve_scripts(hangs, limits=SOON) as host:
        async with trio.open_nursery() as nursery:
            calls = Calls(host, nursery)
            await calls.begin(pre_play("hang"))
            async with trio.open_nursery() as impatient:
                for message in ("b", "c"):
                    await Calls(host, impatient).begin(pre_play(message))
                impatient.cancel_scope.cancel()
        # They were sent, so they have run.
        assert {"message": ["d", 3]} == (await host.call(pre_play("d"))).changes
        assert 0 == host.statistics().waiting
        pipe.let_go()
        await ended(host)


async def test_a_message_of_an_older_revision_ends_with_that_revision(
    serve_scripts, pre_play, hangs, pipe, write_scripts
):
    async with serve_scripts(hangs, limits=SOON) as host:
        old = host.pin()
        await host.load(read_sources(write_scripts(game=hangs + "# edited")))
        new = host.pin()
        async with trio.open_nursery() as nursery:
            calls = Calls(host, nursery)
            await calls.begin(pre_play("hang"))
            await calls.begin(pre_play("old"), old)
            await calls.begin(pre_play("new"), new)
        assert "hook_error" == calls.results["old"].code
        assert "its message began with scripts that ended with their interpreter" in calls.results["old"].text
        assert ["new", 1] == calls.results["new"].changes["message"]
        # Its other half comes later, to an interpreter that has never had its scripts.
        assert "which has ended" in (await host.call(pre_play("later"), old)).text
        old.release()
        new.release()
        assert {} == host._older
        assert ["x", 2] == (await host.call(pre_play("x"))).changes["message"]
        pipe.let_go()
        await ended(host)


class TestLoads:
    async def test_an_edit_that_waits_behind_a_call_that_hangs_is_taken(
        self, serve_scripts, pre_play, hangs, pipe, write_scripts
    ):
        async with serve_scripts(hangs, limits=SOON) as host:
            async with trio.open_nursery() as nursery:
                calls = Calls(host, nursery)
                await calls.begin(pre_play("hang"))
                await host.load(read_sources(write_scripts(game="def pre_play(model): model.message = 'mended'")))
            assert "hook_timeout" == calls.results["hang"].code
            assert 2 == host.revision.number
            assert (1, 0) == (host.statistics().given_up, host.statistics().refused_loads)
            assert {"message": "mended"} == (await host.call(pre_play("hang"))).changes
            pipe.let_go()
            await ended(host)

    async def test_an_edit_that_hangs_is_refused_and_those_before_serve_again(
        self, serve_scripts, pre_play, hangs, pipe, write_scripts
    ):
        async with serve_scripts(hangs, limits=SOON) as host:
            broken = read_sources(write_scripts(game=f"import os\nos.read({pipe.reads}, 1)"))
            with pytest.raises(ScriptsBroken, match="HOOK_LOAD_TIMEOUT"):
                await host.load(broken)
            assert ["a", 1] == (await host.call(pre_play("a"))).changes["message"]
            assert (1, 1) == (host.revision.number, host.statistics().refused_loads)
            pipe.let_go()
            await ended(host)

    async def test_an_edit_that_finds_an_interpreter_that_has_just_ended_is_taken(
        self, serve_scripts, pre_play, hangs, write_scripts
    ):
        async with serve_scripts(hangs, limits=SOON) as host:
            host._peer._thread._end.shutdown(2)  # as when it ends by itself
            await host._peer.over.wait()
            with trio.fail_after(20):
                await host.load(read_sources(write_scripts(game="def pre_play(model): model.message = 'mended'")))
            assert {"message": "mended"} == (await host.call(pre_play("hang"))).changes

    async def test_scripts_that_cannot_be_loaded_again_fail_their_messages_until_they_can(
        self, serve_scripts, pre_play, tmp_path, hangs, pipe
    ):
        # The second load of them fails, as long as a file is there.
        script = (
            f"""
import os
if os.path.exists({str(tmp_path / "barred")!r}): raise ValueError("not now")
"""
            + hangs
        )
        with structlog.testing.capture_logs() as logs:
            async with serve_scripts(script, limits=SOON) as host:
                (tmp_path / "barred").touch()
                assert "hook_timeout" == (await host.call(pre_play("hang"))).code
                while host._dispatch.refusal is None:
                    await trio.lowlevel.checkpoint()
                result = await host.call(pre_play("a"))
                assert "hook_error" == result.code
                assert "cannot be loaded again" in result.text
                (tmp_path / "barred").unlink()
                while host._dispatch.peer is None:
                    await trio.lowlevel.checkpoint()
                assert ["b", 1] == (await host.call(pre_play("b"))).changes["message"]
                # All tries went to the one interpreter that had taken the place of the first.
                assert 1 == host.statistics().given_up
                pipe.let_go()
                await ended(host)
        assert any("cannot be loaded again" in entry["event"] for entry in logs)

    async def test_an_edit_mends_scripts_that_cannot_be_loaded_again(
        self, serve_scripts, pre_play, tmp_path, hangs, pipe, write_scripts, monkeypatch
    ):
        monkeypatch.setattr(hosts, "RETRY_PAUSE", 1000.0)
        script = f"import os\nif os.path.exists({str(tmp_path / 'barred')!r}): raise ValueError\n" + hangs
        async with serve_scripts(script, limits=SOON) as host:
            (tmp_path / "barred").touch()
            await host.call(pre_play("hang"))
            while host._dispatch.refusal is None:
                await trio.lowlevel.checkpoint()
            await host.load(read_sources(write_scripts(game="def pre_play(model): model.message = 'mended'")))
            assert {"message": "mended"} == (await host.call(pre_play())).changes
            pipe.let_go()
            await ended(host)

    async def test_an_interpreter_that_hangs_while_it_replaces_another_is_not_forgotten(
        self, serve_scripts, pre_play, tmp_path, hangs, pipe, monkeypatch
    ):
        monkeypatch.setattr(hosts, "RETRY_PAUSE", 1000.0)
        script = f"import os\nif os.path.exists({str(tmp_path / 'barred')!r}): os.read({pipe.reads}, 1)\n" + hangs
        async with serve_scripts(script, limits=SOON) as host:
            (tmp_path / "barred").touch()
            await host.call(pre_play("hang"))
            while host._dispatch.refusal is None:
                await trio.lowlevel.checkpoint()
            await trio.testing.wait_all_tasks_blocked()
            # Nothing is tried before its time.
            assert (2, 2) == (host.statistics().given_up, host.statistics().spinning)
            assert host._peer is None
            assert not host._changing.locked()
            pipe.let_go()
            await ended(host)
            assert not host.stuck


class TestExhausted:
    async def test_one_more_that_spins_than_permitted_ends_the_engine(self, serve_scripts, pre_play, hangs, pipe):
        limits = HookLimits(timeout=0.1, load_timeout=0.5, abandon_after=0.1, max_abandoned=1, debug=True)
        with structlog.testing.capture_logs() as logs:
            async with serve_scripts(hangs, limits=limits) as host:
                async with trio.open_nursery() as nursery:
                    for message in ("hang", "hang", "behind"):
                        await Calls(host, nursery).begin(pre_play(message))
                    with trio.fail_after(20):
                        await host.exhausted.wait()
                assert 2 == host.statistics().spinning
                assert "too many interpreters" in (await host.call(pre_play())).text
                with pytest.raises(RuntimeError, match="too many interpreters"):
                    await host.load(host._sources)
                assert host.stuck
                pipe.let_go()
                await ended(host)
        assert any("HOOK_MAX_ABANDONED" in entry["event"] for entry in logs)


class TestClosing:
    async def test_while_another_interpreter_starts(self, serve_scripts, pre_play, hangs, pipe, monkeypatch):
        starting = trio.Event()
        start = peers.Peer.start

        async def observed(self, nursery, state):
            starting.set()
            await start(self, nursery, state)

        async with trio.open_nursery() as nursery, serve_scripts(hangs, limits=SOON) as host:
            calls = Calls(host, nursery)
            await calls.begin(pre_play("hang"))
            await calls.begin(pre_play("behind"))
            monkeypatch.setattr(peers.Peer, "start", observed)
            await starting.wait()
            pipe.let_go()
        assert "the server ends" in calls.results["behind"].text
        assert "hook_timeout" == calls.results["hang"].code
        # Of the two given up, the one that was just starting has been waited for.
        assert [True, False] == [peer.overdue for peer in host._given_up]
        assert not host._given_up[1].alive
        await ended(host)

    async def test_while_scripts_load(self, serve_scripts, pre_play, hangs, pipe, write_scripts):
        async with trio.open_nursery() as nursery, serve_scripts(hangs, limits=HookLimits()) as host:
            edited = read_sources(write_scripts(game=f"import os\nos.read({pipe.reads}, 1)"))
            nursery.start_soon(host.reload, edited)
            await trio.testing.wait_all_tasks_blocked()
            pipe.let_go()
        assert not host.stuck
        assert 2 == host.revision.number

    async def test_while_a_call_waits_for_an_interpreter(self, write_scripts, pre_play, hangs, pipe):
        results = []

        async def call(host):
            results.append(await host.call(pre_play("waits")))

        async with (
            trio.open_nursery() as nursery,
            open_hooks(write_scripts(game=hangs), SOON) as host,
            host._changing,  # so that nothing takes the place of the one that is given up
        ):
            await host.call(pre_play("a"))
            host._let_go(host._peer)
            nursery.start_soon(call, host)
            await trio.testing.wait_all_tasks_blocked()
            assert 1 == host.statistics().waiting
            host._closing = True
        assert ["hook_error"] == [result.code for result in results]
