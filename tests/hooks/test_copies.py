import pytest
from hypothesis import given
from hypothesis import strategies as st

from yummy import model
from yummy.hooks.calls import HookLimits
from yummy.hooks.copies import COPIERS, UnfitFieldError
from yummy.hooks.frames import plain_copy

plain = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
finite = plain.filter(lambda value: "inf" not in repr(value))
sent_metas = st.dictionaries(
    st.text(max_size=3), finite | st.fixed_dictionaries({"access": st.integers(0, 6), "value": finite}), max_size=4
)


def values(message):
    return [getattr(message, field.name) for field in COPIERS["create_room"].fields]


@given(st.none() | sent_metas)
def test_a_copy_that_nobody_touched_has_no_changes(metas):
    given_values = values(model.CreateRoom(metas=metas))
    copier = COPIERS["create_room"]
    assert {} == copier.changes(copier.make(given_values), given_values, HookLimits())


@given(sent_metas, finite)
def test_a_changed_key_changes_nothing_else(metas, value):
    given_values = values(model.CreateRoom(metas=plain_copy(metas)))
    copier = COPIERS["create_room"]
    made = copier.make(given_values)
    made.metas["new key"] = value
    (changed,) = copier.changes(made, given_values, HookLimits(max_depth=64)).values()
    assert {**metas, "new key": value} == changed
    assert metas == given_values[[field.name for field in copier.fields].index("metas")]


def test_a_copy_shares_nothing_with_what_it_was_made_of():
    copier = COPIERS["play"]
    message = {"a": [1]}
    given_values = [None, None, 1, "r", message]
    made = copier.make(given_values)
    made.message["a"].append(2)
    changes = copier.changes(made, given_values, HookLimits())
    assert {4: {"a": [1, 2]}} == changes
    made.message["a"].append(3)
    assert {4: {"a": [1, 2]}} == changes
    assert {"a": [1]} == message


@pytest.mark.parametrize(
    ("change", "field", "problem"),
    [
        (lambda room: room.tags.append(5), "tags", "expected a list of texts"),
        (lambda room: room.metas.update(x=b"y"), "metas", "bytes are not allowed"),
        (lambda room: room.metas.update({5: 1}), "metas", "not text"),
        (lambda room: room.metas.update(x=room.metas), "metas", "nested too deeply"),
        (lambda room: room.metas.update(x=[[[[[]]]]]), "metas", "^nested too deeply$"),
        (lambda room: room.metas.update(x={object()}), "metas", "set is not plain data"),
    ],
)
def test_what_was_spoilt_in_place_is_named(change, field, problem):
    copier = COPIERS["create_room"]
    given_values = values(model.CreateRoom(metas={}, tags=["a"]))
    made = copier.make(given_values)
    change(made)
    with pytest.raises(UnfitFieldError, match=problem) as caught:
        copier.changes(made, given_values, HookLimits(max_depth=4))
    assert field == caught.value.field


def test_who_gave_the_model_another_class_has_set_what_stands_in_it():
    copier = COPIERS["play"]
    given_values = [None, None, None, "r", {"a": 1}]
    made = copier.make(given_values)
    made.message = {"a": 2}
    made.__class__ = type("Sly", (model.Play,), {"__slots__": ()})
    assert {4: {"a": 2}} == copier.changes(made, given_values, HookLimits())


def test_tuples_in_place_of_lists_are_no_change():
    copier = COPIERS["play"]
    made = copier.make([None, None, None, "r", {"a": [1]}])
    made.message["a"] = (1,)
    assert {} == copier.changes(made, [None, None, None, "r", {"a": [1]}], HookLimits())
