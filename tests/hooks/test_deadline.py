"""Interrupts at the deadline, in real time: a plain interpreter, no scripts, tiny deadlines.

What is claimed here holds at whatever moment an interrupt comes, and however slow the machine is.
"""

import collections
import gc
import itertools
import random
import threading
import time
from contextlib import suppress

import pytest

from yummy.hooks import deadline as deadlines
from yummy.hooks.deadline import Deadline, sleep
from yummy.hooks.failure import HookTimeout

#: Seconds.
SHORT = 0.001
#: Seconds that no test comes near to.
LONG = 60.0


@pytest.fixture
def noticed():
    """Where the first interrupt of each run was."""
    return []


@pytest.fixture
def meanwhile():
    """The threads that looked after a script while it ran."""
    return []


@pytest.fixture
def deadline(noticed, meanwhile):
    made = Deadline(lambda: meanwhile.append(threading.get_ident()), noticed.append)
    made.start(SHORT)
    # Hypothesis watches collections of garbage; an interrupt that came while it does would end in its hands.
    gc.disable()
    yield made
    gc.enable()
    made.close()
    assert made._watchdog.is_done()


def spin(until=lambda: False):
    while not until():
        pass


def run(deadline, function, *arguments, seconds=SHORT):
    deadline.begin(seconds)
    return deadline.run(function, *arguments)


class TestRun:
    def test_what_a_function_returned_or_raised_is_given(self, deadline):
        error = ValueError()

        def fail():
            raise error

        assert (3, None) == run(deadline, int, "3", seconds=LONG)
        assert (None, error) == run(deadline, fail, seconds=LONG)
        assert not deadline.fired
        assert () == deadline.where

    def test_a_loop_is_interrupted_and_its_lines_are_known(self, deadline, noticed):
        result, error = run(deadline, spin)
        assert result is None
        assert isinstance(error, HookTimeout)
        assert deadline.fired
        functions = [function for _, _, function in deadline.where]
        assert "spin" in functions[:2]
        assert functions.index("spin") < functions.index("Deadline.run")
        assert [deadline.where] == noticed

    def test_where_it_was_has_a_bound(self, deadline):
        def dive(depth):
            spin() if not depth else dive(depth - 1)

        run(deadline, dive, 2 * deadlines.STACK_DEPTH)
        assert deadlines.STACK_DEPTH == len(deadline.where)

    def test_the_next_run_knows_nothing_of_an_interrupt(self, deadline):
        run(deadline, spin)
        assert (1, None) == run(deadline, int, 1, seconds=LONG)
        assert (False, ()) == (deadline.fired, deadline.where)

    def test_two_runs_have_one_deadline(self, deadline):
        deadline.begin(SHORT)
        deadline.run(spin)
        # Whatever is watched from then on is interrupted at once, until something else begins.
        _, error = deadline.run(spin)
        assert isinstance(error, HookTimeout)
        assert 0.0 == deadline.left

    def test_nothing_holds_the_arguments_when_it_has_ended(self, deadline):
        class Kept:
            gone = 0

            def __del__(self):
                Kept.gone += 1

        def fail(kept):
            raise ValueError(kept)

        def never(kept):
            spin()

        run(deadline, never, Kept())
        run(deadline, str, Kept(), seconds=LONG)
        run(deadline, fail, Kept(), seconds=LONG)
        assert 3 == Kept.gone

    def test_a_swallowed_interrupt_is_repeated(self, deadline, noticed):
        swallowed = []

        def stubborn():
            while len(swallowed) < 3:
                try:
                    spin()
                except HookTimeout:
                    swallowed.append(time.monotonic())
            return "done"

        assert ("done", None) == run(deadline, stubborn)
        assert deadline.fired
        assert [deadline.where] == noticed
        # Not at once: it may want to clean up.
        assert all(later - earlier > deadlines.AGAIN / 2 for earlier, later in itertools.pairwise(swallowed))

    def test_somebody_looks_after_things_while_it_runs_and_only_then(self, deadline, meanwhile):
        run(deadline, spin, lambda: len(meanwhile) > 2, seconds=LONG)
        seen = len(meanwhile)
        assert {deadline._watchdog.ident} == set(meanwhile)
        deadline.begin(LONG)
        deadline._look()  # as the watchdog does all the time
        assert seen == len(meanwhile)

    def test_who_is_told_of_an_interrupt_is_not_interrupted(self, deadline, noticed):
        # It sends a frame, which must go out whole, though the host may be slow to take it.
        def slow(where):
            end = time.monotonic() + 1.5 * deadlines.AGAIN
            spin(lambda: time.monotonic() > end)
            noticed.append(where)

        deadline.noticed = slow
        run(deadline, spin)
        assert [deadline.where] == noticed


class TestAside:
    def test_what_is_done_aside_is_not_interrupted(self, deadline):
        def send():
            end = time.monotonic() + 20 * SHORT
            spin(lambda: time.monotonic() > end)
            return "sent"

        sent = []
        _, error = run(deadline, lambda: sent.append(deadline.aside(send)) or spin())
        assert ["sent"] == sent
        assert isinstance(error, HookTimeout)

    def test_one_aside_in_another_watches_nothing(self, deadline):
        def outer():
            deadline.aside(int)
            return deadline._armed

        assert (None, None) == run(deadline, lambda: deadline.aside(outer), seconds=LONG)

    def test_what_it_raises_comes_through_and_the_script_is_watched_again(self, deadline):
        def script():
            with pytest.raises(ZeroDivisionError):
                deadline.aside(lambda: 1 / 0)
            spin()

        _, error = run(deadline, script)
        assert isinstance(error, HookTimeout)

    def test_outside_a_run_it_stays_unwatched(self, deadline):
        deadline.begin(SHORT)
        assert 0 == deadline.aside(int)
        assert deadline._armed is None

    def test_who_cleans_up_is_given_time_though_it_prints(self, deadline):
        def script():
            try:
                spin()
            except HookTimeout:
                begun = time.monotonic()
            try:
                spin(lambda: deadline.aside(int))
            except HookTimeout:
                return time.monotonic() - begun

        taken, error = run(deadline, script)
        assert error is None
        assert taken > deadlines.AGAIN / 2

    def test_an_interrupt_on_the_way_aside_leaves_the_script_watched(self, deadline):
        def script():
            for _ in range(3):
                with suppress(HookTimeout):
                    spin(lambda: deadline.aside(int))
            return "interrupted three times"

        assert ("interrupted three times", None) == run(deadline, script)


class TestExpire:
    def test_who_has_waited_in_vain_is_interrupted_from_within(self, deadline):
        _, error = run(deadline, deadline.expire, seconds=LONG)
        assert isinstance(error, HookTimeout)
        assert deadline.fired
        assert deadline.where


class TestSleep:
    def test_a_sleep_is_interrupted(self, deadline):
        begun = time.monotonic()
        _, error = run(deadline, sleep, LONG)
        assert isinstance(error, HookTimeout)
        assert time.monotonic() - begun < LONG / 2

    @pytest.mark.parametrize("seconds", [0, 0.001, 2.5 * deadlines.SLICE])
    def test_it_takes_as_long_as_it_was_told(self, seconds, monkeypatch):
        now = [100.0]
        slept = []

        def real_sleep(amount):
            slept.append(amount)
            now[0] += amount

        monkeypatch.setattr(deadlines, "_real_sleep", real_sleep)
        monkeypatch.setattr(deadlines.time, "monotonic", lambda: now[0])
        sleep(seconds)
        assert pytest.approx(seconds) == sum(slept)
        assert max(slept) <= deadlines.SLICE

    @pytest.mark.parametrize(("wrong", "kind"), [(-1, ValueError), (float("nan"), ValueError), ("1", TypeError)])
    def test_what_is_no_time_fails_as_in_python(self, wrong, kind):
        with pytest.raises(kind) as expected:
            time.sleep(wrong)
        with pytest.raises(kind) as found:
            sleep(wrong)
        assert str(expected.value) == str(found.value)


def test_thousands_of_runs_around_the_deadline_end_as_they_should(deadline):
    """No interrupt comes before the deadline, none escapes, and each is seen: at whichever line it arrives."""
    chance = random.Random(7)  # noqa: S311  # to be repeated, not secret
    seen = collections.Counter()

    def work(seconds, what):
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            if what == "prints":
                deadline.aside(int)
            if what == "swallows":
                try:
                    spin(lambda: time.monotonic() >= end)
                except HookTimeout:
                    seen["swallowed"] += 1
        if what == "fails":
            raise ValueError

    for _ in range(3000):
        what = chance.choice(["prints", "fails", "swallows", "works"])
        begun = time.monotonic()
        result, error = run(deadline, work, SHORT * chance.uniform(0.2, 1.5), what)
        assert result is None
        assert deadline._armed is None
        if isinstance(error, HookTimeout):
            assert deadline.fired
            assert time.monotonic() - begun >= SHORT
            seen["late"] += 1
        else:
            assert (what == "fails") == isinstance(error, ValueError)
            seen["in time"] += 1
    assert {"swallowed", "late", "in time"} <= set(seen)


async def test_scripts_do_not_see_the_watchdog(serve_scripts, pre_play):
    script = "import threading\ndef pre_play(model): model.message = len(threading.enumerate())"
    async with serve_scripts(script) as host:
        # Of the process's main thread Python tells in each interpreter; the hook's own thread is a stranger to it.
        assert (await host.call(pre_play())).changes["message"] <= 2
