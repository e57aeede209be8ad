"""One call and what comes of it. Hooks are functions of this file, run in this interpreter."""

import gc
import time

import pytest
import trio

from yummy import HookTimeout, fail, room
from yummy.hooks import context
from yummy.hooks.calls import HookLimits, Passed
from yummy.hooks.copies import COPIERS
from yummy.hooks.deadline import Deadline
from yummy.hooks.frames import CRASHED, FAILED, LOG, PASSED
from yummy.hooks.guard import Guard
from yummy.hooks.loader import Loaded
from yummy.hooks.output import Output
from yummy.hooks.report import Trouble
from yummy.hooks.runner import Runner, make_calls
from yummy.hooks.traces import ScriptTexts

#: Seconds.
SHORT = 0.005
LONG = 60.0


@pytest.fixture
def sent():
    """What went to the host besides the reply."""
    return []


@pytest.fixture
def runner(sent):
    texts = ScriptTexts()
    deadline = Deadline(lambda: None, lambda where: None)
    deadline.start(SHORT)
    made = Runner(
        HookLimits(timeout=LONG),
        texts,
        Output(sent.append, texts, 1000, 10),
        deadline,
        Guard(texts),
        lambda call_id, kind, subject_id: sent.append((call_id, kind, subject_id)),
        lambda trouble, call_id: sent.append((call_id, trouble)),
    )
    made.calibrate()
    yield made
    deadline.close()


def run(runner, *hooks, phase="pre", success=None, timeout=LONG, message="hi"):
    """The reply to a call of these functions."""
    runner.limits = HookLimits(timeout=timeout)
    call = make_calls()[phase, "play"]
    call.id, call.success, call.revision = 5, success, 2
    given = {"user_id": "u", "session_id": "s", "request_id": 7, "room_id": "r", "message": message}
    values = [given.get(field.name) for field in COPIERS["play"].fields]
    reply = runner.run(call, Loaded(hooks={call.hook: hooks}), values, (), ())
    assert runner.deadline._armed is None
    with pytest.raises(RuntimeError, match="only while a hook runs"):
        context.current("room.get_room")
    return reply


def trouble_of(reply):
    kind, call_id, plain = reply
    assert (CRASHED, 5) == (kind, call_id)
    return Trouble.from_plain(plain)


def late(reply):
    return "timeout" == trouble_of(reply).kind


def spin(*_arguments):
    while True:
        pass


def unfit(model):
    model.message.append(object())


async def coroutine(model):
    return model


def generator(model):
    yield model


class Spins:
    """Loops wherever it is looked at."""

    __str__ = __format__ = __iter__ = __len__ = __bool__ = spin


class TestReplies:
    def test_a_call_without_hooks_passes(self, runner):
        assert run(runner) is None

    def test_later_scripts_see_what_earlier_ones_set(self, runner):
        def first(model):
            model.message = [model.message, 1]

        def second(model):
            model.message.append(2)

        assert (PASSED, 5, {"message": ["hi", 1, 2]}, ()) == run(runner, first, second)

    def test_what_post_sets_has_no_effect(self, runner):
        def hook(model, success):
            model.message = success

        assert run(runner, hook, phase="post", success=True) is None

    def test_later_scripts_see_what_an_earlier_one_set_after_the_message(self, runner):
        seen = []

        def first(model, success):
            model.message = "set"

        def second(model, success):
            seen.append(model.message)

        assert run(runner, first, second, phase="post", success=True) is None
        assert ["set"] == seen

    def test_the_first_refusal_ends_the_call(self, runner):
        def refuse(model):
            fail(f"no {model.message}", "mine")

        assert (FAILED, 5, "no hi", "mine") == run(runner, refuse, spin)

    def test_an_error_ends_it_too_and_what_was_set_is_dropped(self, runner):
        def broken(model):
            model.message = "set"
            raise SystemExit

        assert "pre_play failed: SystemExit" in trouble_of(run(runner, broken, spin)).headline

    def test_what_is_printed_belongs_to_the_call(self, runner, sent):
        def hook(model):
            runner.output.line("info", "said")

        run(runner, hook)
        ((kind, call_id, level, text, *_, hook_name, revision),) = sent
        assert (LOG, 5, "info", "said", "pre_play", 2) == (kind, call_id, level, text, hook_name, revision)

    def test_what_is_not_carried_is_fetched_for_this_call(self, runner, sent):
        def hook(model):
            model.message = room.get_room("r9")

        assert {"message": None} == run(runner, hook)[2]
        assert (5, "room", "r9") in sent

    def test_a_fault_of_ours_costs_one_call(self, runner):
        call = make_calls()["pre", "play"]
        call.id = 5
        reply = runner.run(call, "no scripts", [], (), ())
        assert "Yummy's own fault" in trouble_of(reply).headline
        assert run(runner) is None


class TestDeadline:
    def test_a_hook_that_loops_is_late_and_the_next_one_does_not_run(self, runner):
        ran = []
        assert late(run(runner, spin, ran.append, timeout=SHORT))
        assert [] == ran

    def test_all_scripts_of_a_call_have_one_deadline(self, runner):
        def half(_model):
            time.sleep(0.6 * SHORT)

        assert late(run(runner, half, half, half, spin, timeout=SHORT))

    @pytest.mark.parametrize(
        "end", [lambda: None, lambda: fail("no"), lambda: 1 / 0], ids=["returns", "fails", "raises"]
    )
    def test_who_swallows_the_interrupt_is_late_however_it_ends(self, end, runner):
        def stubborn(model):
            try:
                spin()
            except HookTimeout:
                model.message = "swallowed"
            end()

        assert late(run(runner, stubborn, timeout=SHORT))

    def test_a_generator_that_loops_when_it_is_closed_is_late(self, runner):
        def generator():
            try:
                yield
            finally:
                spin()

        def hook(_model):
            made = generator()
            next(made)
            return made

        assert late(run(runner, hook, timeout=SHORT))

    def test_an_error_whose_text_loops_is_late(self, runner):
        def hook(_model):
            raise type("Odd", (ValueError,), {"__str__": spin, "__format__": spin, "__repr__": spin})

        assert late(run(runner, hook, timeout=SHORT))

    def test_a_failure_whose_text_loops_is_late(self, runner):
        assert late(run(runner, lambda _model: fail(Spins()), timeout=SHORT))

    def test_fields_that_loop_when_they_are_looked_at_are_late(self, runner):
        class Endless(dict):
            items = keys = values = __iter__ = __len__ = spin

        def hook(model):
            model.message = []
            model.message.append(Endless(a=1))

        assert late(run(runner, hook, timeout=SHORT))

    def test_the_next_call_has_its_own(self, runner):
        run(runner, spin, timeout=SHORT)
        assert run(runner, lambda _model: None) is None


class TestKept:
    def test_a_kept_model_fails_the_call(self, runner):
        kept = []
        assert "retained" == trouble_of(run(runner, kept.append)).kind

    def test_one_that_is_kept_by_a_hook_that_refuses_is_reported_instead(self, runner):
        kept = []

        def hook(model):
            kept.append(model)
            fail("no")

        assert "retained" == trouble_of(run(runner, hook)).kind

    def test_one_that_is_kept_by_a_hook_that_failed_is_reported_beside(self, runner, sent):
        kept = []

        def hook(model):
            kept.append(model)
            raise ValueError

        assert "pre_play failed: ValueError" in trouble_of(run(runner, hook)).headline
        ((call_id, trouble),) = sent
        assert (5, "retained") == (call_id, trouble.kind)

    def test_one_that_is_kept_by_a_hook_that_was_late_is_reported_beside(self, runner, sent):
        kept = []

        def hook(model):
            kept.append(model)
            spin()

        assert late(run(runner, hook, timeout=SHORT))
        assert ["retained"] == [trouble.kind for _, trouble in sent]

    @pytest.mark.parametrize("timeout", [SHORT, LONG])
    def test_errors_and_interrupts_keep_nothing(self, timeout, runner, sent):
        def broken(model):
            if timeout == SHORT:
                spin(model)
            raise ValueError(model)

        for _ in range(20):
            trouble = trouble_of(run(runner, broken, timeout=timeout))
            assert trouble.kind == ("timeout" if timeout == SHORT else "error")
        assert [] == sent

    @pytest.mark.parametrize(
        ("hook", "problem"),
        [
            (unfit, "left something in model.message"),
            (coroutine, "returned a coroutine"),
            (generator, "returned a generator"),
        ],
    )
    def test_what_is_wrong_with_a_model_or_a_result_keeps_nothing(self, hook, problem, runner, sent):
        assert problem in trouble_of(run(runner, hook, message=[])).headline
        assert ([], 0) == (sent, runner.guard.suspicious)

    def test_garbage_is_no_offence(self, runner):
        def hook(model):
            ring = [model]
            ring.append(ring)

        gc.disable()
        try:
            assert run(runner, hook) is None
        finally:
            gc.enable()


async def test_a_thread_that_prints_without_end_holds_up_no_call(serve_scripts, pre_play):
    script = """
import threading, time
over = False
def talk():
    while not over: print("x")
thread = threading.Thread(target=talk)
def pre_play(model):
    if not thread.ident: thread.start()
    end = time.monotonic() + 0.02
    while time.monotonic() < end: pass
def on_unload():
    global over
    over = True
    thread.join()
"""
    async with serve_scripts(script, limits=HookLimits(sandbox=False, timeout=LONG)) as host:
        with trio.fail_after(20):
            assert Passed({}, ()) == await host.call(pre_play())
