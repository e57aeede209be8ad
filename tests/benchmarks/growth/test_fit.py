"""The arithmetic of exponents, and what they are called."""

import pytest
from benchmarks.growth.fit import Fit, exponent

SIZES = [10, 100, 500, 2000, 5000]


def costs(power, base=0.0):
    return [base + size**power for size in SIZES]


@pytest.mark.parametrize("power", [-1, 0, 0.5, 1, 2])
def test_the_exponent_of_a_power_is_that_power(power):
    assert exponent(SIZES, costs(power)) == pytest.approx(power)
    fit = Fit.of(SIZES, costs(power))
    assert (fit.slope, fit.end) == (pytest.approx(power), pytest.approx(power))
    assert fit.times == pytest.approx(500**power)


def test_noise_leaves_an_exponent_nearly_as_it_is():
    assert Fit.of(SIZES, [100, 130, 100, 130, 120]).slope == pytest.approx(0, abs=0.05)


def test_what_grows_late_shows_in_the_upper_half():
    fit = Fit.of(SIZES, costs(2, base=1e6))
    assert fit.slope < 1
    assert fit.end > 1
    assert fit.exceeds(0.5)
    assert not Fit.of(SIZES, costs(1, base=1e6)).exceeds(1)


def test_two_points_have_no_upper_half():
    fit = Fit.of([10, 40], [1, 2])
    assert fit.slope == fit.end == pytest.approx(0.5)


@pytest.mark.parametrize(
    ("power", "words"),
    [
        (-0.5, "less, the more rooms"),
        (0, "constant"),
        (0.5, "less than linear in rooms"),
        (1, "linear in rooms"),
        (1.5, "worse than linear in rooms"),
    ],
)
def test_an_exponent_is_told_in_words(power, words):
    assert Fit.of(SIZES, costs(power)).words("rooms") == words


@pytest.mark.parametrize(
    ("power", "allowed", "exceeds"), [(0.2, 0, False), (0.3, 0, True), (1.2, 1, False), (2, 1, True)]
)
def test_an_exponent_exceeds_what_is_allowed_only_if_it_clearly_does(power, allowed, exceeds):
    assert Fit.of(SIZES, costs(power)).exceeds(allowed) is exceeds
