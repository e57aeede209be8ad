"""Each command runs from end to end, with as little as possible; what it measures is of no interest here."""

import os

import msgpack
import pytest
from benchmarks import kernel
from benchmarks.cli import COMMANDS, main
from benchmarks.edits import Editor
from benchmarks.hooks import ADDITION, BARE, LIGHT, Measured, is_met
from benchmarks.soak_hooks import CODES, SHARES, Bounds, Plan, kind
from click.testing import CliRunner


def run(*arguments, code=0):
    result = CliRunner().invoke(main, list(map(str, arguments)), catch_exceptions=False)
    assert result.exit_code == code, result.output
    return result.output


def test_every_measurement_is_a_command():
    text = run("--help")
    for command in COMMANDS:
        assert f"\n  {command} " in text
        assert "Usage" in run(command, "--help")
    assert "No such command" in run("ask", code=2)


def test_hooks_are_compared_with_none():
    output = run("hooks", "--connections", 4, "--rounds", 1, "--seconds", 0.2)
    assert "no hooks" in output
    assert "a light game" in output
    assert "12000 messages/s with hooks" in output


def test_a_spinning_hook_is_compared_with_an_idle_server():
    output = run("spin", "--connections", 2, "--rate", 100, "--rounds", 1, "--seconds", 0.3)
    assert "given up" in output
    assert "within 2 times of idle" in output


def test_edits_lose_nothing():
    output = run("edits", "--rooms", 2, "--rate", 100, "--spells", 1, "--seconds", 0.5)
    assert ", 0 failed, 0 not answered" in output
    assert "revisions only rise: met" in output


def test_a_soak_counts_every_call():
    output = run("soak-hooks", "--calls", 400, "--reloads", 2, "--rooms", 2, "--timeout", 1)
    assert "no call was lost: met" in output


def test_a_soak_that_does_not_end_in_time_fails():
    assert "did not end in time" in run("soak-hooks", "--calls", 10**9, "--reloads", 0, "--limit", 1, code=1)


def test_each_kind_of_trouble_has_its_share_of_the_messages():
    kinds = [kind(number) for number in range(10_000)]
    for what, share in SHARES.items():
        assert kinds.count((what, "pre")) == kinds.count((what, "post")) == share // 2
    assert kind(10_000 + 3) == kind(3)


def test_a_plan_knows_the_calls_and_the_answers_that_must_come():
    plan = Plan()
    plan.sent.update({("", "pre"): 10, ("fail", "pre"): 2, ("fail", "post"): 1, ("keep", "post"): 1})
    assert plan.calls == 2 * 10 + 1 * 2 + 2 + 2
    assert plan.answers() == {CODES["fail"]: 3, CODES["keep"]: 1}


def test_bounds_name_what_has_grown():
    warm = kernel.Usage(0, 0, 100 * kernel.MIB, 5, 20)
    grown = kernel.Usage(0, 0, 117 * kernel.MIB, 6, 21)
    assert Bounds(16 * kernel.MIB).broken(warm, grown) == ["resident", "descriptors"]
    assert Bounds(16 * kernel.MIB).broken(warm, warm) == []


def test_revisions_that_fall_are_a_problem_but_not_between_two_connections():
    editor = Editor(None, 0.2)
    for user, revision in (("a", 2), ("b", 1), ("b", 2), ("b", 1)):
        event = {"type": "Play", "room_id": "r", "user_id": user, "message": {"revision": revision}}
        editor.hear(msgpack.packb(event), 0.0)
    assert editor.problems == {"messages with an older revision than the one before": 1}


def test_an_edit_that_was_overtaken_has_its_effect_with_the_next_one():
    editor = Editor(None, 0.2, saved=[0.0, 10.0, 10.2, 10.4], heard={0: 0.0, 2: 10.5})
    # The first was never heard of, but the second was; the third has had no effect yet.
    assert editor.effects() == pytest.approx([0.3, 0.5])


def test_a_target_is_met_by_rate_or_by_ratio_and_by_both_scripts():
    def rounds(rate):
        return [Measured(rate, 0, 0, 0, 0)]

    assert is_met({BARE: rounds(1000), ADDITION: rounds(500), LIGHT: rounds(400)})
    assert is_met({BARE: rounds(90_000), ADDITION: rounds(12_500), LIGHT: rounds(12_000)})
    assert not is_met({BARE: rounds(1000), ADDITION: rounds(500), LIGHT: rounds(399)})


def test_the_kernel_knows_this_process():
    usage = kernel.usage(os.getpid())
    assert usage.cpu > 0
    assert usage.threads >= 1
    assert usage.descriptors >= 3
    assert usage.resident > kernel.MIB
    assert kernel.raise_descriptors(3) == 3
