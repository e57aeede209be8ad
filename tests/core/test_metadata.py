"""Metadata: who may read and write which keys, and how much of it there may be."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from yummy.constants import MetaAction
from yummy.core.metadata import read_meta, room_rules, update, user_rules, visible
from yummy.core.values import Meta
from yummy.protocol.errors import Refusal

STORED = {"open": Meta(1, 0), "own": Meta(2, 3), "secret": Meta(3, 6)}
ME = 3


def changed(given, *, action=MetaAction.ADD_OR_UPDATE, level=ME, limit=10, scripted=(), stored=STORED):
    return update(stored, given, action=action, level=level, rules=user_rules(limit), scripted=frozenset(scripted))


def refusal(given, **options):
    with pytest.raises(Refusal) as caught:
        changed(given, **options)
    return caught.value


@pytest.mark.parametrize(
    ("level", "keys"), [(0, {"open"}), (2, {"open"}), (3, {"open", "own"}), (5, {"open", "own"}), (6, set(STORED))]
)
def test_one_reads_what_is_at_or_below_one_s_level(level, keys):
    assert keys == set(visible(STORED, level))


@pytest.mark.parametrize(
    ("given", "becomes"),
    [
        ({"new": 5}, {**STORED, "new": Meta(5, 0)}),
        ({"own": 5}, {**STORED, "own": Meta(5, 0)}),
        ({"own": {"access": 3, "value": [1, [None]]}}, {**STORED, "own": Meta([1, [None]], 3)}),
        ({"own": None}, {"open": STORED["open"], "secret": STORED["secret"]}),
        ({"absent": None}, STORED),
        ({"own": {"access": 1, "value": None}}, {**STORED, "own": Meta(None, 1)}),
        ({}, STORED),
        (None, STORED),
    ],
)
def test_what_is_named_is_added_updated_or_removed(given, becomes):
    assert becomes == changed(given)


@pytest.mark.parametrize(
    ("action", "given", "left"),
    [
        (MetaAction.REMOVE_UNUSED, {"open": 9}, {"open", "secret"}),
        (MetaAction.REMOVE_UNUSED, {}, {"secret"}),
        (MetaAction.REMOVE_UNUSED, {"open": None}, {"secret"}),
        (MetaAction.REMOVE_ALL, {}, {"secret"}),
        (MetaAction.REMOVE_ALL, {"new": 1}, {"secret"}),
    ],
)
def test_removing_leaves_higher_keys_alone(action, given, left):
    assert left == set(changed(given, action=action))


@pytest.mark.parametrize("value", [5, None, {"access": 0, "value": 5}])
@pytest.mark.parametrize("action", [MetaAction.ADD_OR_UPDATE, MetaAction.REMOVE_UNUSED])
def test_a_key_above_one_s_level_is_out_of_reach(value, action):
    error = refusal({"secret": value}, action=action)

    assert ("meta_access", True) == (error.code, error.error.startswith("'secret' meta access level"))


def test_nobody_writes_at_a_level_above_their_own():
    assert "meta_access" == refusal({"new": {"access": 4, "value": 1}}).code
    assert Meta(1, 4) == changed({"new": {"access": 4, "value": 1}}, level=4)["new"]


def test_what_a_script_set_may_have_any_level():
    given = {"secret": {"access": 6, "value": 9}, "new": {"access": 6, "value": 1}}

    becomes = changed(given, scripted={"secret", "new"})

    assert (Meta(9, 6), Meta(1, 6)) == (becomes["secret"], becomes["new"])
    assert "meta_access" == refusal(given, scripted={"new"}).code


def test_more_keys_than_allowed_are_refused_and_higher_ones_count():
    assert 3 == len(changed({"open": 5}, limit=3))
    assert "meta_limit" == refusal({"new": 1}, limit=3).code
    assert 3 == len(changed({"own": None, "new": 1}, limit=3))
    assert "meta_limit" == refusal({"a": 1, "b": 1, "c": 1}, action=MetaAction.REMOVE_UNUSED, limit=3).code
    assert 13 == len(changed({f"k{number}": 1 for number in range(10)}, limit=0))


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("k", {"value": 1}),
        ("k", {"access": 1}),
        ("k", {"access": 1, "value": 1, "more": 1}),
        ("k", {"access": "1", "value": 1}),
        ("k", {"access": True, "value": 1}),
        ("k", {"access": 7, "value": 1}),
        ("k", {"access": -1, "value": 1}),
        ("k", {"access": 1, "value": {}}),
        ("k", [1, [{}]]),
        ("k", b"bytes"),
        ("k", float("inf")),
        ("k", 2**64),
        ("k", "x" * 4095),
        ("ä" * 33, 1),
    ],
)
def test_a_value_that_is_none_is_refused_by_name(key, value):
    error = refusal({key: value})

    assert "validation" == error.code
    assert error.error.startswith(f"metas: '{key[:20]}")


@pytest.mark.parametrize(
    ("key", "value"), [("ä" * 32, "x" * 4094), ("k", 2**64 - 1), ("k", -(2**63)), ("k", 1.5), ("", True)]
)
def test_the_largest_values_fit(key, value):
    stored = read_meta(key, value, user_rules(10)).value

    assert (value, type(value)) == (stored, type(stored))


def test_rooms_have_levels_of_their_own():
    assert 5 == read_meta("k", {"access": 5, "value": 1}, room_rules(10)).access
    with pytest.raises(Refusal, match="none of 0 to 5"):
        read_meta("k", {"access": 6, "value": 1}, room_rules(10))


META = st.builds(Meta, st.integers(0, 3), st.integers(0, 6))
KEYS = st.sampled_from("abcdef")


@given(
    st.dictionaries(KEYS, META),
    st.dictionaries(
        KEYS,
        st.none()
        | st.builds(lambda value, access: {"access": access, "value": value}, st.integers(0, 3), st.integers(0, 6)),
    ),
    st.sampled_from(MetaAction),
    st.integers(0, 6),
)
def test_no_client_ever_changes_what_is_above_its_level(stored, given, action, level):
    try:
        becomes = changed(given, action=action, level=level, stored=stored, limit=0)
    except Refusal as refused:
        assert "meta_access" == refused.code  # noqa: PT017  # only if it is refused
        return
    above = {key: meta for key, meta in stored.items() if meta.access > level}
    assert above == {key: meta for key, meta in becomes.items() if meta.access > level}
