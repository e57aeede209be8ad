"""Curves as tables, as plain data, and as a page."""

import json

import click
import pytest
from benchmarks.growth.command import judge
from benchmarks.growth.curve import Curve, Figure
from benchmarks.growth.logins import Logins
from benchmarks.growth.page import page, plots
from benchmarks.peers.crowd import Measured

EACH, ALL = Figure("us", "for each delivery"), Figure("us", "for each message", allowed=1.0)
MEMORY, SHOWN = Figure("KiB", "for each connection"), Figure("ms", "a second", allowed=None)


def curve(*figures, **rounds):
    sizes = {int(size[1:]): values for size, values in rounds.items()}
    return Curve("room-size", "receivers", "one <speaks>", figures, sizes)


LINEAR = curve(
    EACH,
    ALL,
    MEMORY,
    SHOWN,
    _1=[{EACH: 10.0, ALL: 10.0, SHOWN: 1.0}],
    _10=[{EACH: 9.0, ALL: 90.0, MEMORY: 20.0, SHOWN: 9.0}, {EACH: 11.0, ALL: 110.0, MEMORY: 20.0, SHOWN: 11.0}],
    _100=[{EACH: 10.0, ALL: 1000.0, MEMORY: 20.0, SHOWN: 100.0}],
)
SQUARE = curve(ALL, _1=[{ALL: 1.0}], _10=[{ALL: 100.0}], _100=[{ALL: 10_000.0}])
LOGINS = Logins(16, 2, 0.025, {"device": [Measured(300, 1.0, 0.9, 0.1)], "email": [Measured(60, 1.0, 1.8, 0.05)]})


def test_a_curve_is_a_table_with_its_exponents_in_words():
    text = LINEAR.text()
    head, _, middle, _ = LINEAR.rows()
    assert head[:3] == ["receivers", "us for each delivery", "us for each message"]
    assert middle[:3] == ["10", "10.0 (9.0 to 11.0)", "100.0 (90.0 to 110.0)"]
    assert "us for each delivery: constant (exponent +0.00" in text
    assert "us for each message: linear in receivers (exponent +1.00" in text
    assert "100.00 times from 1 to 100" in text
    assert "ms a second:" not in text


def test_what_could_not_be_measured_is_left_out():
    assert LINEAR.rows()[1][3] == "-"
    assert "1.00 times from 10 to 100" in LINEAR.text()
    assert curve(EACH, _1=[{EACH: 0.0}], _10=[{EACH: 1.0}]).fit(EACH) is None


def test_what_grows_faster_than_it_may_is_named_and_fails(capsys):
    assert LINEAR.worse() == []
    assert SQUARE.worse() == ["us for each message (room-size)"]
    judge([LINEAR])
    with pytest.raises(click.exceptions.Exit) as caught:
        judge([LINEAR, SQUARE])
    assert caught.value.exit_code == 1
    assert "grows too fast: us for each message (room-size)" in capsys.readouterr().out


def test_a_curve_is_plain_data_with_every_round():
    plain = json.loads(json.dumps(LINEAR.plain()))
    assert plain["figures"]["us for each delivery"]["rounds"]["10"] == [9.0, 11.0]
    assert plain["figures"]["us for each message"]["fit"]["slope"] == pytest.approx(1)
    assert plain["figures"]["ms a second"]["fit"] is None


def test_logins_are_told_with_the_bound_of_the_hash():
    assert "25.0 ms of a core, so that 2 cores bear at most 80 logins by password a second" in LOGINS.text()
    device, email = LOGINS.rows()[1:]
    assert device == ["device id", "300 (300 to 300)", "3000 (3000 to 3000)", "-", "-", "10%"]
    assert email[3:5] == ["80 a second", "75%"]
    assert LOGINS.plain()["bound"] == 80


def test_each_unit_has_a_plot_from_the_least_to_the_most():
    first, second, third = plots(LINEAR)
    assert [line.name for line in first.lines] == ["us for each delivery", "us for each message"]
    assert [line.name for line in (*second.lines, *third.lines)] == ["KiB for each connection", "ms a second"]
    assert first.right == 2
    assert first.marks == [(0.0, "1"), (1.0, "10"), (2.0, "100")]
    assert "10 receivers\nus for each delivery: 10.0 us" in first.hints[1][2]


def test_the_page_needs_nothing_from_elsewhere_and_escapes_texts():
    text = page(["machine <b>"], [LINEAR, SQUARE], LOGINS)
    assert text.count("<figure>") == 4
    assert "one &lt;speaks&gt;" in text
    assert "machine &lt;b&gt;" in text
    assert text.count('<p class="note">') == 1
    assert "prefers-color-scheme: dark" in text
    assert "<script" not in text
    assert "<h2>logins</h2>" in text
    assert "<h2>logins</h2>" not in page([], [LINEAR], None)
