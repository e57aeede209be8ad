"""Checks of single values."""

import pytest

from yummy.core.validation import email_problem, excess_problem, length_problem, normal_email, refuse_problems
from yummy.protocol.errors import Refusal


@pytest.mark.parametrize(
    "email", ["a@b.io", "A.b+c@sub.example.com", "o'neil@x-y.org", f"{'a' * 242}@example.com", "1@1.1"]
)
def test_addresses_that_are_accepted(email):
    assert email_problem(email) is None


@pytest.mark.parametrize(
    "email",
    ["", "a", "a@b", "@b.io", "a@", "a@b..io", "a@-b.io", "a@b-.io", "a b@c.io", "a@b.io\n", "ä@b.io", "a@b.io ",
     "a@@b.io", f"{'a' * 243}@example.com", f"a@{'b' * 64}.io"],
)  # fmt: skip
def test_addresses_that_are_not(email):
    assert "email: Email address is not valid" == email_problem(email)


@pytest.mark.parametrize(("length", "fits"), [(7, False), (8, True), (128, True), (129, False)])
def test_lengths_are_in_characters(length, fits):
    problem = length_problem("password", "ä" * length, 8, 128)

    assert (None if fits else "password: Length should be between 8 to 128 chars") == problem


@pytest.mark.parametrize(
    ("text", "most", "fits"),
    [("ä" * 64, 64, True), ("ä" * 65, 64, False), ("", 64, True), (None, 64, True), ("ä" * 999, 0, True)],
)
def test_a_text_has_at_most_so_many_characters(text, most, fits):
    problem = excess_problem("name", text, most)

    assert (None if fits else "name: Length should be at most 64 chars") == problem


def test_all_problems_are_said_one_a_line():
    refuse_problems((None, None))
    with pytest.raises(Refusal) as caught:
        refuse_problems(("a: wrong", None, "b: wrong"))

    assert ("validation", "a: wrong\nb: wrong") == (caught.value.code, caught.value.error)


@pytest.mark.parametrize(
    "email",
    [" ada@example.com", "ada@example.com ", "\tada@example.com", "\u00e4da@example.com", "a\u0308da@example.com",
     "\uff41da@example.com", "ada@example\u3002com", "ada@ex\u200bample.com", "ada@\u212a.com", "\u0130@example.com"],
)  # fmt: skip
def test_only_ascii_is_accepted_so_that_no_address_has_two_spellings_but_for_case(email):
    assert email_problem(email) is not None


def test_addresses_compare_without_case():
    assert "ada@example.com" == normal_email("Ada@EXAMPLE.com")
