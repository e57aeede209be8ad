"""Calls on their way to whichever interpreter serves; these are plain fakes here, which note what they are sent."""

import attrs
import pytest
import structlog.testing
import trio
import trio.testing
from attrs import define, field

from yummy import model
from yummy.hooks import frames
from yummy.hooks.calls import Crashed, Failed, HookCall, HookLimits, HooksBusy, Passed, RoomSnapshot
from yummy.hooks.dispatch import Dispatch
from yummy.hooks.report import Place, Trouble
from yummy.hooks.reports import ReportBook
from yummy.hooks.revision import Sources
from yummy.hooks.serving import Serving
from yummy.hooks.statistics import Counts

TROUBLE = Trouble("error", "pre_play failed", Place("game.py", 3), hook="pre_play")
ROOM = RoomSnapshot("r", "Hall", None, 0, join_request=False, max_user=0)


@define(eq=False)
class Interpreter:
    """Notes what it is sent."""

    asked: list = field(factory=list)
    sent: list = field(factory=list)

    def ask(self, call_id, frame):
        frames.encode(frame)
        self.asked.append((call_id, frame))

    def send(self, frame):
        frames.encode(frame)
        self.sent.append(frame)

    @property
    def ids(self):
        """The calls that it was asked for, in order."""
        return [call_id for call_id, _ in self.asked]


@pytest.fixture
def dispatch(nursery):
    made = Dispatch(HookLimits(queue=5, debug=True), ReportBook(), Counts(), str, nursery=nursery)
    made.serve(Interpreter(), 1)
    return made


def serving(dispatch, number=1):
    revision = Sources("/hooks", (("game.py", b""),)).revision(number)
    return Serving(revision, {"pre_play": None, "post_play": None}, dispatch.ask, print)


def pre_play(message="hi", **options):
    return HookCall("pre", "play", model.Play(user_id="u", room_id="r", message=message), **options)


@define
class Caller:
    """A message that waits for its hooks."""

    result: object = None
    scope: trio.CancelScope = field(factory=trio.CancelScope)

    async def run(self, dispatch, call, one):
        with self.scope:
            self.result = await dispatch.call(call, one)


@pytest.fixture
def begin(dispatch, nursery):
    """Call a hook in a task of its own."""

    async def begin(call=None, number=1):
        caller = Caller()
        nursery.start_soon(caller.run, dispatch, call or pre_play(), serving(dispatch, number))
        await trio.testing.wait_all_tasks_blocked()
        return caller

    return begin


@pytest.fixture
def replace(dispatch):
    """Give the interpreter up and let another one serve."""

    def replace(known=1):
        dispatch.peer = None
        dispatch.serve(Interpreter(), known)
        return dispatch.peer

    return replace


class TestCalls:
    async def test_each_reply_goes_to_its_caller(self, dispatch, begin):
        callers = [await begin() for _ in range(3)]
        first, second, third = dispatch.peer.ids
        dispatch.take((frames.FAILED, second, "no", "code"))
        dispatch.take((frames.PASSED, first, {"message": 1}, ((0, "r", "k", 1, 5),)))
        with structlog.testing.capture_logs():
            dispatch.take((frames.CRASHED, third, TROUBLE.to_plain()))
        await trio.testing.wait_all_tasks_blocked()
        passed, failed, crashed = [caller.result for caller in callers]
        assert ({"message": 1}, 1) == (passed.changes, len(passed.writes))
        assert Failed("no", "code") == failed
        assert ("hook_error", True) == (crashed.code, "pre_play failed" in crashed.text)
        counts = dispatch.counts
        assert (3, 1, 1, 1, 0) == (counts.calls, counts.passed, counts.failed, counts.crashed, counts.timeouts)
        assert 0 == dispatch.waiting

    async def test_many_may_be_answered_by_one_frame(self, dispatch, begin):
        callers = [await begin() for _ in range(3)]
        first, second, third = dispatch.peer.ids
        callers[1].scope.cancel()
        await trio.testing.wait_all_tasks_blocked()
        dispatch.take((frames.QUIET, (first, second, third)))
        await trio.testing.wait_all_tasks_blocked()
        assert [Passed({}, ()), None, Passed({}, ())] == [caller.result for caller in callers]
        assert (3, 0) == (dispatch.counts.passed, dispatch.waiting)

    async def test_what_no_script_wants_is_not_sent(self, dispatch):
        call = HookCall("pre", "logout", model.Logout())
        assert Passed({}, ()) == await dispatch.call(call, serving(dispatch))
        assert [] == dispatch.peer.ids

    async def test_who_was_cancelled_before_sends_nothing(self, dispatch):
        with trio.CancelScope() as scope:
            scope.cancel()
            await dispatch.call(pre_play(), serving(dispatch))
        assert [] == dispatch.peer.ids
        assert 0 == dispatch.waiting

    async def test_the_reply_to_who_was_cancelled_later_is_dropped(self, dispatch, begin):
        caller, other = await begin(), await begin()
        caller.scope.cancel()
        await trio.testing.wait_all_tasks_blocked()
        assert 2 == dispatch.waiting
        first, second = dispatch.peer.ids
        dispatch.take((frames.PASSED, first, {}, ()))
        dispatch.take((frames.PASSED, second, {}, ()))
        await trio.testing.wait_all_tasks_blocked()
        assert (None, Passed({}, ())) == (caller.result, other.result)
        assert 0 == dispatch.waiting

    async def test_those_who_were_cancelled_count_until_their_hooks_have_run(self, dispatch, begin):
        for _ in range(5):
            (await begin()).scope.cancel()
        await trio.testing.wait_all_tasks_blocked()
        with pytest.raises(HooksBusy):
            await dispatch.call(pre_play(), serving(dispatch))
        assert (1, 5) == (dispatch.counts.refused, dispatch.counts.most_waiting)

    async def test_what_cannot_be_sent_fails_its_own_caller_only(self, dispatch, begin):
        with pytest.raises(TypeError):
            await dispatch.call(pre_play(object()), serving(dispatch))
        assert 0 == dispatch.waiting
        other = await begin()
        dispatch.take((frames.PASSED, dispatch.peer.ids[-1], {}, ()))
        await trio.testing.wait_all_tasks_blocked()
        assert Passed({}, ()) == other.result

    async def test_a_late_call_is_told_as_such(self, dispatch, begin):
        caller = await begin()
        with structlog.testing.capture_logs():
            dispatch.fail(dispatch.peer.ids[0], Trouble("timeout", "too long", hook="pre_play"))
        dispatch.fail(99, TROUBLE)
        await trio.testing.wait_all_tasks_blocked()
        assert "hook_timeout" == caller.result.code
        assert (1, 1) == (dispatch.counts.crashed, dispatch.counts.timeouts)


class TestReplacing:
    async def test_what_has_no_answer_goes_to_the_next_interpreter_in_its_place(self, dispatch, begin, replace):
        callers = [await begin(pre_play(number)) for number in range(4)]
        ids = dispatch.peer.ids
        dispatch.take((frames.PASSED, ids[0], {}, ()))
        with structlog.testing.capture_logs():
            dispatch.fail(ids[1], Trouble("timeout", "hung"))
        callers[2].scope.cancel()
        again = replace()
        assert ids[2:] == again.ids
        assert [2, 3] == [frame[4][-1] for _, frame in again.asked]
        dispatch.take((frames.PASSED, ids[2], {}, ()))
        dispatch.take((frames.PASSED, ids[3], {}, ()))
        await trio.testing.wait_all_tasks_blocked()
        assert [Passed, Crashed, type(None), Passed] == [type(caller.result) for caller in callers]
        assert 0 == dispatch.waiting

    async def test_calls_wait_while_there_is_none(self, dispatch, begin, replace):
        dispatch.peer = None
        caller = await begin()
        (call_id,) = replace().ids
        dispatch.take((frames.PASSED, call_id, {}, ()))
        await trio.testing.wait_all_tasks_blocked()
        assert Passed({}, ()) == caller.result

    async def test_what_began_with_other_scripts_fails(self, dispatch, begin, replace):
        old, new = await begin(number=1), await begin(number=2)
        with structlog.testing.capture_logs():
            again = replace(known=2)
        await trio.testing.wait_all_tasks_blocked()
        assert ("hook_error", None) == (old.result.code, new.result)
        assert 1 == len(again.ids)

    async def test_a_call_that_cannot_be_sent_does_not_keep_the_others_from_it(self, dispatch, begin, replace):
        dispatch.peer = None
        odd, other = await begin(pre_play(object())), await begin()
        with structlog.testing.capture_logs():
            again = replace()
        await trio.testing.wait_all_tasks_blocked()
        assert "hook_error" == odd.result.code
        assert 1 == len(again.ids)
        assert other.result is None

    async def test_where_none_will_serve_all_calls_fail_at_once_until_one_does(self, dispatch, begin, replace):
        waits = await begin()
        with structlog.testing.capture_logs():
            dispatch.fail_all(Trouble("error", "out of order"))
            comes = await begin()
        assert all("out of order" in caller.result.text for caller in (waits, comes))
        assert "hook: pre_play" in comes.result.text
        assert [] == replace().ids
        assert (await begin()).result is None
        assert 1 == len(dispatch.peer.ids)


class TestFetch:
    @pytest.fixture
    def gate(self):
        return trio.Event()

    @pytest.fixture
    def fetch(self, gate):
        async def fetch(kind, subject_id):
            await gate.wait()
            if subject_id == "broken":
                raise OSError("disk on fire")
            if subject_id == "odd":
                return attrs.evolve(ROOM, name=object())
            return ROOM if subject_id == "r" else None

        return fetch

    @pytest.mark.parametrize(
        ("subject_id", "found", "error"),
        [
            ("r", frames.room_fields(ROOM), None),
            ("x", (), None),
            ("broken", (), "the server could not read it"),
            ("odd", (), "the server could not send it"),
        ],
    )
    async def test_it_is_answered(self, subject_id, found, error, dispatch, begin, fetch, gate):
        await begin(pre_play(fetch=fetch))
        with structlog.testing.capture_logs():
            dispatch.take((frames.FETCH, 8, dispatch.peer.ids[0], "room", subject_id))
            gate.set()
            await trio.testing.wait_all_tasks_blocked()
        assert [(frames.FETCHED, 8, found, error)] == dispatch.peer.sent

    async def test_for_who_was_cancelled_nothing_is_looked_up(self, dispatch, begin, fetch):
        caller = await begin(pre_play(fetch=fetch))
        caller.scope.cancel()
        await trio.testing.wait_all_tasks_blocked()
        dispatch.take((frames.FETCH, 8, dispatch.peer.ids[0], "room", "r"))
        dispatch.take((frames.FETCH, 9, 99, "room", "r"))
        assert [(8, "the message was given up"), (9, "the message was given up")] == [
            (frame[1], frame[3]) for frame in dispatch.peer.sent
        ]

    async def test_an_answer_that_comes_late_goes_to_who_asked(self, dispatch, begin, fetch, gate, replace):
        await begin(pre_play(fetch=fetch))
        asked = dispatch.peer
        dispatch.take((frames.FETCH, 8, asked.ids[0], "room", "r"))
        again = replace()
        gate.set()
        await trio.testing.wait_all_tasks_blocked()
        assert [8] == [frame[1] for frame in asked.sent]
        assert [] == again.sent


class TestOtherFrames:
    async def test_lines_state_and_reports(self, dispatch, begin):
        await begin(pre_play(about=lambda: {"user": "u"}))
        with structlog.testing.capture_logs() as logs:
            dispatch.take((frames.LOG, 0, "info", "said", "game.py", 3, "pre_play", 1))
            dispatch.take((frames.REPORT, dispatch.peer.ids[0], TROUBLE.to_plain(), 1))
            dispatch.take((frames.REPORT, 0, TROUBLE.to_plain(), 1))
            dispatch.take((frames.STATE, b"copy"))
            dispatch.take((99, "unknown"))
        assert [("said", "info"), ("a frame of an unknown kind", "error")] == [
            (logs[number]["event"], logs[number]["log_level"]) for number in (0, -1)
        ]
        assert (b"copy", 1) == (dispatch.state, dispatch.counts.lines)
        (report,) = dispatch.reports.latest
        assert (2, {}) == (report.count, report.about)
        assert "u" == logs[1]["user"]

    async def test_the_hook_of_a_call_is_known_while_it_is_in_flight(self, dispatch, begin):
        await begin()
        (call_id,) = dispatch.peer.ids
        assert "pre_play" == dispatch.hook_of(call_id)[0]
        dispatch.take((frames.PASSED, call_id, {}, ()))
        assert dispatch.hook_of(call_id) is None
