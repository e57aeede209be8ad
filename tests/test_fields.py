"""The kinds of fields: what each takes, what scripts may set, and what an error says."""

# ruff: noqa: RUF009  # these functions make attrs fields, not shared defaults

from enum import IntEnum

import attrs
import pytest

from yummy.fields import (
    accessors,
    data,
    flag,
    getter,
    identity,
    made,
    metadata,
    number,
    numbers,
    ranks,
    settable_fields,
    text,
    texts,
    wire_fields,
)


class Size(IntEnum):
    SMALL = 1
    LARGE = 2


@attrs.define(kw_only=True, eq=False)
class Sample:
    """One field of each kind."""

    who: str | None = made()
    where: str = identity(default="r")
    word: str = text(default="")
    secret: str | None = text(optional=True, secret=True)
    yes: bool = flag(default=False)
    size: int = number(default=1, choices=Size)
    count: int = number(default=0, minimum=0)
    inner: int | None = number(optional=True, wire=False)
    some: list[int] = numbers(factory=list)
    words: list[str] = texts(factory=list)
    people: dict[str, int] | None = ranks(optional=True)
    metas: dict[str, object] | None = metadata()
    anything: object = data(default=None)

    get_word, set_word = accessors(word)
    get_where = getter(where)


GOOD = [
    ("word", "ä"),
    ("secret", None),
    ("yes", True),
    ("size", 2),
    ("size", Size.SMALL),
    ("count", 0),
    ("inner", None),
    ("some", [1, 2**64 - 1]),
    ("words", ["a"]),
    ("people", {"u": 3}),
    ("people", None),
    ("metas", {"k": [1], "l": {"access": 1, "value": 2}}),
    ("anything", [b"x", {"a": None}]),
]

BAD_TYPES = [
    ("word", 5, "word: expected text, got int 5"),
    ("word", None, "word: expected text, got NoneType None"),
    ("word", b"x", "word: expected text, got bytes"),
    ("yes", 1, "yes: expected true or false, got int 1"),
    ("size", "1", "size: expected an integer, got str '1'"),
    ("size", True, "size: expected an integer, got bool True"),
    ("count", 1.0, "count: expected an integer, got float 1.0"),
    ("some", (1,), "some: expected a list of integers, got tuple"),
    ("some", [1.0], "some: expected a list of integers"),
    ("some", [2**64], "some: expected a list of integers"),
    ("words", ["\ud800"], "words: expected a list of texts"),
    ("people", {"u": None}, "people: expected a map from user ids to ranks"),
    ("people", {"\ud800": 1}, "people: expected a map from user ids to ranks"),
    ("metas", {1: 1}, "metas: expected a map with text keys"),
]

#: What is for the core to refuse when a client sends it, and at once when a script sets it.
BAD_VALUES = [
    ("size", 3, "size: 3 is none of 1 \\(small\\), 2 \\(large\\)"),
    ("count", -1, "count: -1 is less than 0"),
    ("metas", {"k": object()}, "metas: object is not plain data"),
    ("metas", {"k": b"x"}, "metas: bytes are not allowed here"),
    ("anything", float("nan"), "anything: nan is not a finite number"),
]


@pytest.mark.parametrize(("name", "value"), GOOD)
def test_what_fits_is_taken(name, value):
    sample = Sample(**{name: value})
    setattr(sample, name, value)

    assert value == getattr(sample, name)


@pytest.mark.parametrize(("name", "value", "problem"), BAD_TYPES)
def test_a_wrong_type_is_refused_when_made_and_when_set(name, value, problem):
    with pytest.raises(TypeError, match=problem):
        Sample(**{name: value})
    sample = Sample()
    before = getattr(sample, name)
    with pytest.raises(TypeError, match=problem):
        setattr(sample, name, value)
    assert before == getattr(sample, name)


@pytest.mark.parametrize(("name", "value", "problem"), BAD_VALUES)
def test_a_wrong_value_is_refused_when_a_script_sets_it(name, value, problem):
    Sample(**{name: value})
    with pytest.raises((TypeError, ValueError), match=problem):
        setattr(Sample(), name, value)


@pytest.mark.parametrize(("name", "value"), [("word", "\ud800"), ("count", 2**64), ("count", -(2**63) - 1)])
def test_what_cannot_be_encoded_is_refused(name, value):
    with pytest.raises(ValueError, match=name):
        Sample(**{name: value})


@pytest.mark.parametrize("name", ["who", "where"])
def test_who_and_where_are_read_only(name):
    with pytest.raises(AttributeError, match=f"{name} cannot be changed"):
        setattr(Sample(), name, "other")


def test_a_number_that_a_script_sets_by_name_is_a_plain_one():
    sample = Sample()
    sample.size = Size.LARGE

    assert int is type(sample.size)


@pytest.mark.parametrize("name", ["count", "some", "word", "who", "metas", "anything"])
def test_a_number_of_any_length_is_refused_by_its_field(name):
    value = {"k": 10**6000} if name == "metas" else 10**6000
    with pytest.raises((TypeError, ValueError, AttributeError), match=f"^{name}"):
        setattr(Sample(), name, value)
    if name == "some":
        with pytest.raises(TypeError, match=r"^some: expected a list of integers, got list$"):
            Sample().some = [10**6000]


def test_none_takes_the_default_where_it_means_left_out():
    @attrs.define(kw_only=True)
    class Lenient:
        count: int = number(default=3, minimum=0, none_is_default=True)
        words: list[str] = texts(factory=list, none_is_default=True)

    lenient = Lenient(count=5, words=["a"])
    lenient.count = lenient.words = None

    assert (3, []) == (lenient.count, lenient.words)
    with pytest.raises(TypeError, match="count: expected an integer, got NoneType"):
        Lenient(count=None)


def test_a_secret_is_shown_nowhere():
    with pytest.raises(TypeError) as caught:
        Sample(secret=123456)

    assert "123456" not in str(caught.value)
    assert "hush" not in repr(Sample(secret="hush"))


def test_a_long_value_is_cut_in_an_error():
    with pytest.raises(TypeError) as caught:
        Sample(word=["x" * 1000])

    assert len(str(caught.value)) < 120


def test_accessors_are_methods_with_a_name_and_a_text():
    sample = Sample()
    sample.set_word("x")

    assert ("x", "r") == (sample.get_word(), sample.get_where())
    assert ("set_word", "Sample.get_where", "Return ``word``.") == (
        Sample.set_word.__name__,
        Sample.get_where.__qualname__,
        Sample.get_word.__doc__,
    )
    with pytest.raises(TypeError, match="word: expected text"):
        sample.set_word(5)


def test_what_clients_send_and_what_scripts_set():
    everything = {field.name for field in attrs.fields(Sample)}

    assert everything - {"who", "inner"} == set(wire_fields(Sample))
    assert everything - {"who", "where"} == settable_fields(Sample)
