"""The copies of models that hooks get, and what scripts set on them. Runs inside the hook interpreter.

Owns the way from the fields of a message to a fresh model and back to the fields that a script changed, metadata's
two forms included: a client may send ``{"access": level, "value": value}`` where a script sees the value.
"""

from collections.abc import Callable, Sequence
from typing import Any

import attrs
from attrs import frozen

from yummy.fields import MUTABLE, SETTABLE
from yummy.hooks.calls import HookLimits
from yummy.hooks.frames import is_alike, plain_copy
from yummy.hooks.traces import name_of
from yummy.model import HOOK_MODELS, Model
from yummy.plain import check_plain, encoded_size, same, to_plain

#: The types of plain data that can be changed in place.
_CONTAINERS = (dict, list)
_METAS = "metas"
_MESSAGE = "message"


class UnfitFieldError(Exception):
    """A script left something in a field that does not belong there."""

    def __init__(self, field: str, problem: str) -> None:
        super().__init__(problem)
        self.field = field
        self.problem = problem


@frozen
class _Field:
    """What copying needs to know of a field of a model."""

    name: str
    attribute: "attrs.Attribute[Any]"
    mutable: bool


def _seen_metas(metas: dict[str, Any]) -> dict[str, Any]:
    """A copy of metadata as a script sees it."""
    return {key: _inner(meta) for key, meta in plain_copy(metas).items()}


def _inner(meta: Any) -> Any:
    """The value that a script sees of what a client sent for a key."""
    if type(meta) is dict and "value" in meta and meta.keys() <= {"access", "value"}:
        return meta["value"]
    return meta


def _copying(known: _Field) -> Callable[[Any], Any] | None:
    """What copies a field's value for a script, or None where nothing can be changed in place."""
    if not known.mutable:
        return None
    return _seen_metas if known.name == _METAS else plain_copy


@frozen
class Copier:
    """Makes models of one class, and looks at what became of them.

    Attributes:
        model: The class.
        fields: All of its fields, in order.
        settable: The places and fields that a script can set.
    """

    model: type[Model]
    fields: tuple[_Field, ...]
    settable: tuple[tuple[int, _Field], ...]
    # What puts each field into a fresh model, and what copies it if it can be changed in place; and what reads the
    # settable ones as they are kept, whatever a script made of the model's class.
    _put: tuple[tuple[int, Callable[[Model, Any], None], Callable[[Any], Any] | None], ...]
    _kept: tuple[tuple[int, Callable[[Model], Any]], ...]

    @classmethod
    def of(cls, model: type[Model]) -> "Copier":
        """The copier of a class."""
        fields = tuple(
            _Field(attribute.name, attribute, bool(attribute.metadata.get(MUTABLE)))
            for attribute in attrs.fields(model)
        )
        slots: list[Any] = [getattr(model, one.name) for one in fields]
        settable = tuple((place, one) for place, one in enumerate(fields) if one.attribute.metadata.get(SETTABLE))
        return cls(
            model,
            fields,
            settable,
            tuple((place, slots[place].__set__, _copying(one)) for place, one in enumerate(fields)),
            tuple((place, slots[place].__get__) for place, _ in settable),
        )

    def make(self, values: Sequence[Any]) -> Model:
        """A fresh model, independent of the values given.

        Args:
            values: The fields' values, in order; metadata as the client sent it.
        """
        # Not by the class's own __init__: its checks were made when the message was decoded.
        model = self.model.__new__(self.model)
        for place, put, copied in self._put:
            value = values[place]
            if copied is not None and type(value) in _CONTAINERS:
                value = copied(value)
            put(model, value)
        return model

    def changes(self, model: Model, given: Sequence[Any], limits: HookLimits) -> dict[int, Any]:
        """What a script set on a model.

        To look at it runs the script's own code, where it left objects of its own classes (a list with an
        ``__iter__``, for one); whatever these raise is a problem of the field that they stand in.

        Args:
            model: The model, after the hook.
            given: The values that it was made of.
            limits: The bounds of a message's depth and size.

        Returns:
            New values, independent of the model, by the place of their field.

        Raises:
            UnfitFieldError: What a field holds now is not what it can hold.
        """
        try:
            for place, kept in self._kept:
                value = kept(model)
                if value is not given[place] and not is_alike(value, given[place]):
                    break
            else:
                return {}  # all is certainly as it was, as after most hooks
        except BaseException:  # noqa: BLE001, S110  # objects of a script's own classes may raise anything; see below
            pass
        found: dict[int, Any] = {}
        for place, known in self.settable:
            for value in _change(model, known, given[place], limits):
                found[place] = value
        return found


#: The copier of each hook name.
COPIERS = {name: Copier.of(model) for name, model in HOOK_MODELS.items()}


def _outer(metas: dict[str, Any], before: dict[str, Any], sent: dict[str, Any]) -> dict[str, Any]:
    """Metadata as a client would send it: keys that a script left alone keep what the client said of their level."""
    return {key: sent[key] if key in before and same(value, before[key]) else value for key, value in metas.items()}


def _change(model: Model, known: _Field, given: Any, limits: HookLimits) -> tuple[Any, ...]:
    """The new value of a field, alone in a tuple, or () where a script left it as it was.

    Raises:
        UnfitFieldError: It is not what the field can hold.
    """
    before = given
    if known.name == _METAS and given is not None:
        before = {key: _inner(meta) for key, meta in given.items()}  # as the script saw it
    try:
        value = getattr(model, known.name)
        if same(value, before):
            return ()
        copy = to_plain(value, allow_bytes=known.name != _METAS)
    except BaseException as error:  # noqa: BLE001  # objects of a script's own classes may raise anything
        raise UnfitFieldError(known.name, name_of(error).removeprefix("TypeError: ")) from None
    # From here on it is plain data, and no code of a script runs.
    try:
        check_plain(copy, max_depth=limits.max_depth)
        if known.attribute.validator is not None:
            known.attribute.validator(model, known.attribute, copy)
    except (TypeError, ValueError) as error:
        raise UnfitFieldError(known.name, str(error)) from None
    if same(copy, before):
        return ()  # a tuple where a list was, and the like
    if known.name == _MESSAGE and encoded_size(copy) > limits.message_bytes:
        raise UnfitFieldError(known.name, f"it is larger than {limits.message_bytes} bytes, encoded")
    if known.name == _METAS and copy is not None:
        copy = _outer(copy, before or {}, given or {})
    return (copy,)
