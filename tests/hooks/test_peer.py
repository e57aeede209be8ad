"""An interpreter as the host sees it. Its thread is a plain fake here, so that each moment can be chosen."""

import socket
import time

import pytest
import structlog.testing
import trio
import trio.testing
from attrs import define, field

from yummy.hooks import frames
from yummy.hooks import peer as peers
from yummy.hooks.calls import HookLimits, ScriptsBroken
from yummy.hooks.frames import FrameBuffer, encode
from yummy.hooks.peer import LOADING, LoadNotBegun, Peer
from yummy.hooks.report import Place, Trouble
from yummy.hooks.revision import Sources

SCRIPTS = Sources("/hooks", (("game.py", b""),))
PLACE = ("game.py", 3, "loop()", 1, 4, "pre_play")


@define(eq=False)
class Interpreter:
    """The far end, which says what the test tells it to."""

    end: socket.socket
    confined_to: str | None
    begun: int = 0
    problem: str | None = None
    confinement: None = None
    alive: bool = False
    buffer: FrameBuffer = field(factory=FrameBuffer)

    def start(self):
        self.alive = True
        self.end.settimeout(0)
        self.say((frames.READY,))

    def is_alive(self):
        return self.alive

    def join(self, _timeout):
        pass

    def say(self, *said):
        self.end.sendall(b"".join(map(encode, said)))

    def heard(self):
        """The frames that have come."""
        return list(self.buffer.feed(self.end.recv(1 << 20)))

    def end_itself(self, problem=None):
        self.problem = problem
        self.alive = False
        self.end.close()


@pytest.fixture
def handled():
    """The frames that are not about the interpreter itself."""
    return []


@pytest.fixture
async def peer(monkeypatch, nursery, handled):
    """An interpreter that has started; no deadline passes but by `pass_deadline`."""
    monkeypatch.setattr(peers, "HookThread", Interpreter)
    made = Peer(HookLimits(timeout=1000, load_timeout=1000, abandon_after=1000), "/hooks", handled.append)
    await made.start(nursery, b"state")
    interpreter = made._thread
    ((kind, limits, state),) = interpreter.heard()
    assert (frames.HELLO, 1000, b"state") == (kind, limits["timeout"], state)
    yield made
    made.give_up()
    interpreter.end.close()


def pass_deadline(peer):
    peer._since -= 10_000
    peer.look_at_clock()


async def settle():
    await trio.testing.wait_all_tasks_blocked()


@define
class Loading:
    """A load in a task of its own."""

    peer: Peer
    scope: trio.CancelScope = field(factory=trio.CancelScope)
    loaded: object = None
    broken: ScriptsBroken | None = None
    unbegun: bool = False

    async def run(self, number):
        with self.scope:
            try:
                self.loaded = await self.peer.load(number, SCRIPTS)
            except ScriptsBroken as broken:
                self.broken = broken
            except LoadNotBegun:
                self.unbegun = True


async def begin_load(peer, nursery, number):
    loading = Loading(peer)
    nursery.start_soon(loading.run, number)
    await settle()
    return loading


def loaded(number, live=7):
    return (frames.LOADED, number, (("pre_play", PLACE), ("post_play", None)), (("game.py", 1, "slip"),), live)


class TestStart:
    async def test_one_that_ends_at_once_says_why(self, monkeypatch, nursery):
        monkeypatch.setattr(peers, "HookThread", Interpreter)
        monkeypatch.setattr(Interpreter, "start", lambda self: self.end_itself("ImportError: no"))
        peer = Peer(HookLimits(), "/hooks", print)
        with pytest.raises(RuntimeError, match="did not start: ImportError: no"):
            await peer.start(nursery, b"")
        peer.give_up()

    async def test_one_that_says_nothing_is_waited_for_in_vain(self, monkeypatch, nursery):
        monkeypatch.setattr(peers, "HookThread", Interpreter)
        monkeypatch.setattr(Interpreter, "start", lambda self: None)
        monkeypatch.setattr(peers, "START_TIMEOUT", 0.01)
        peer = Peer(HookLimits(), "/hooks", print)
        with pytest.raises(RuntimeError, match=r"did not answer within 0\.01 s"):
            await peer.start(nursery, b"")
        peer.give_up()
        peer._thread.end.close()

    async def test_the_sandbox_confines_it_to_the_folder(self, monkeypatch):
        monkeypatch.setattr(peers, "HookThread", Interpreter)
        for sandbox, folder in ((True, "/hooks"), (False, None)):
            peer = Peer(HookLimits(sandbox=sandbox), "/hooks", print)
            assert folder == peer._thread.confined_to
            peer._link._socket.close()
            peer._thread.end.close()

    async def test_a_server_without_descriptors_cannot_start_one(self, monkeypatch):
        def socketpair():
            raise OSError(24, "Too many open files")

        monkeypatch.setattr(peers.socket, "socketpair", socketpair)
        with pytest.raises(RuntimeError, match="Too many open files"):
            Peer(HookLimits(), "/hooks", print)


class TestLoad:
    async def test_it_gives_what_was_loaded(self, peer, nursery):
        loading = await begin_load(peer, nursery, 3)
        assert [(frames.LOAD, 3, "/hooks", SCRIPTS.texts)] == peer._thread.heard()
        assert LOADING == peer.running
        peer._thread.say(loaded(3))
        await settle()
        assert {"pre_play": Place(*PLACE), "post_play": None} == loading.loaded.hooks
        assert 7 == loading.loaded.live_objects
        assert peer.running is None

    async def test_broken_scripts_are_told(self, peer, nursery):
        loading = await begin_load(peer, nursery, 3)
        trouble = Trouble("broken", "no", Place(*PLACE))
        peer._thread.say((frames.BROKEN, 3, (trouble.to_plain(),)))
        await settle()
        assert (trouble,) == loading.broken.troubles
        assert not peer.over.is_set()

    async def test_one_that_ends_in_the_midst_is_told_with_the_script(self, peer, nursery):
        loading = await begin_load(peer, nursery, 3)
        peer._thread.say((frames.STEP, "game.py", "import"))
        peer._thread.end_itself("SystemExit: 3")
        await settle()
        (trouble,) = loading.broken.troubles
        assert ("broken", "game.py") == (trouble.kind, trouble.place.file)
        assert "ended while it loaded the scripts: SystemExit: 3" in trouble.headline
        assert peer.over.is_set()

    async def test_one_that_hangs_is_told_with_its_step(self, peer, nursery):
        loading = await begin_load(peer, nursery, 3)
        peer._thread.say((frames.STEP, "game.py", "on_load"))
        await settle()
        pass_deadline(peer)
        await settle()
        (trouble,) = loading.broken.troubles
        assert ("timeout", "game.py", "on_load") == (trouble.kind, trouble.place.file, trouble.hook)
        assert peer.overdue

    async def test_each_round_of_a_load_has_the_time_of_one(self, peer, nursery):
        loading = await begin_load(peer, nursery, 3)
        peer._since -= 1500
        peer._thread.say((frames.STEP, "game.py", "on_load"))
        await settle()
        peer._since -= 1500
        peer.look_at_clock()
        assert not peer.over.is_set()
        peer._thread.say(loaded(3))
        await settle()
        assert loading.loaded is not None

    async def test_the_answer_to_a_cancelled_load_is_not_taken_for_another_s(self, peer, nursery):
        first = await begin_load(peer, nursery, 3)
        first.scope.cancel()
        await settle()
        second = await begin_load(peer, nursery, 3)
        peer._thread.say(loaded(3, live=1))
        await settle()
        assert second.loaded is None
        peer._thread.say((frames.BROKEN, 3, ()))
        await settle()
        assert second.loaded is None
        assert second.broken is not None
        assert peer.running is None

    async def test_one_that_has_ended_before_loads_nothing(self, peer, nursery):
        peer._thread.end_itself()
        await settle()
        loading = await begin_load(peer, nursery, 3)
        assert loading.unbegun

    async def test_a_call_that_hangs_is_not_blamed_on_the_load_behind_it(self, peer, nursery):
        peer.ask(5, (frames.CALL, 5))
        loading = await begin_load(peer, nursery, 3)
        pass_deadline(peer)
        await settle()
        assert loading.unbegun
        assert 5 == peer.running


class TestLine:
    async def test_the_first_in_line_runs(self, peer):
        for call_id in (5, 6, 7):
            peer.ask(call_id, (frames.CALL, call_id))
        await settle()
        assert [(frames.CALL, 5), (frames.CALL, 6), (frames.CALL, 7)] == peer._thread.heard()
        assert 5 == peer.running

    async def test_replies_that_were_withheld_do_not_hide_which_call_runs(self, peer, handled):
        for call_id in (5, 6, 7):
            peer.ask(call_id, (frames.CALL, call_id))
        peer._thread.begun = 6
        assert 6 == peer.running
        reply = (frames.PASSED, 5, {}, ())
        peer._thread.say(reply, (frames.FAILED, 6, "no", "code"))
        await settle()
        assert [reply, (frames.FAILED, 6, "no", "code")] == handled
        # The one that began last has been answered, so it is the next that may be running.
        assert 7 == peer.running

    async def test_one_frame_may_answer_many(self, peer, handled):
        for call_id in (5, 6, 7):
            peer.ask(call_id, (frames.CALL, call_id))
        peer._thread.say((frames.QUIET, (5, 6)))
        await settle()
        assert [(frames.QUIET, (5, 6))] == handled
        assert 7 == peer.running

    async def test_what_was_late_is_forgotten_with_its_answer(self, peer):
        peer.ask(5, (frames.CALL, 5))
        peer._thread.say((frames.LATE, PLACE))
        await settle()
        assert Place(*PLACE) == peer.late
        peer._thread.say((frames.CRASHED, 5, ()))
        await settle()
        assert peer.late is None

    async def test_what_cannot_be_sent_stands_in_no_line(self, peer):
        with pytest.raises(ValueError, match="unmarshallable"):
            peer.ask(5, (frames.CALL, object()))
        assert peer.running is None

    async def test_only_the_first_in_line_is_timed(self, peer):
        peer.ask(5, (frames.CALL, 5))
        peer.ask(6, (frames.CALL, 6))
        peer._since -= 1999
        peer._thread.say((frames.PASSED, 5, {}, ()))
        await settle()
        peer._since -= 1999
        peer.look_at_clock()
        assert not peer.over.is_set()
        pass_deadline(peer)
        assert peer.over.is_set()
        assert peer.overdue

    async def test_an_answer_that_is_there_counts_though_the_server_stood_still(self, peer, handled):
        peer.ask(5, (frames.CALL, 5))
        peer._thread.say((frames.PASSED, 5, {}, ()))
        pass_deadline(peer)
        assert [(frames.PASSED, 5, {}, ())] == handled
        assert not peer.over.is_set()

    async def test_looking_at_the_clock_finds_nothing_where_nothing_runs(self, peer):
        pass_deadline(peer)
        assert not peer.over.is_set()

    async def test_the_clock_is_looked_at_by_itself(self, monkeypatch, nursery):
        monkeypatch.setattr(peers, "HookThread", Interpreter)
        peer = Peer(HookLimits(timeout=0.01, abandon_after=0.01), "/hooks", print)
        await peer.start(nursery, b"")
        begun = time.monotonic()
        peer.ask(5, (frames.CALL, 5))
        with trio.fail_after(10):
            await peer.over.wait()
        assert time.monotonic() - begun >= 0.02
        assert peer.overdue
        peer.give_up()
        peer._thread.end.close()


class TestEnd:
    async def test_who_is_given_up_is_not_listened_to_any_more(self, peer, handled):
        peer.ask(5, (frames.CALL, 5))
        peer._thread.say((frames.PASSED, 5, {}, ()))
        peer.give_up()
        await settle()
        assert [] == handled
        assert 5 == peer.running
        peer.send((frames.RETIRE, 1))
        peer.ask(6, (frames.CALL, 6))

    async def test_closing_says_so_and_waits(self, peer, nursery):
        done = []

        async def close():
            done.append(await peer.close())

        peer.ask(5, (frames.CALL, 5))
        nursery.start_soon(close)
        await settle()
        assert [(frames.CALL, 5), (frames.BYE,)] == peer._thread.heard()
        assert [] == done
        peer._thread.end_itself()
        with trio.fail_after(10):
            while not done:
                await trio.lowlevel.checkpoint()
        assert [True] == done

    async def test_closing_one_that_does_not_react_ends_too(self, peer, nursery):
        done = []

        async def close():
            done.append(await peer.close())

        nursery.start_soon(close)
        await settle()
        pass_deadline(peer)
        with trio.fail_after(10):
            while not done:
                await trio.lowlevel.checkpoint()
        assert [False] == done

    @pytest.mark.parametrize("drained", [True, False], ids=["drained", "read"])
    async def test_rubbish_ends_it(self, drained, peer):
        peer.ask(5, (frames.CALL, 5))
        peer._thread.end.sendall(b"\x02\x00\x00\x00??")
        with structlog.testing.capture_logs() as logs:
            if drained:
                pass_deadline(peer)
            await settle()
        assert peer.over.is_set()
        assert ["the hook interpreter sent what is no frame"] == [entry["event"] for entry in logs]

    async def test_an_answer_to_what_nobody_asked_is_rubbish(self, peer):
        with structlog.testing.capture_logs():
            peer._thread.say((frames.PASSED, 5, {}, ()))
            await settle()
        assert peer.over.is_set()
