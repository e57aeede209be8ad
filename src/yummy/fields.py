"""The kinds of fields that models have, and the accessors that scripts may use for them.

A model's class body reads as a table: ``email: str = text()`` declares the field, and
``get_email, set_email = accessors(email)`` the two methods. Types are checked whenever a model is made or changed;
values (ranges, choices) when a script sets them, since for clients those are the core's to refuse, after the hooks.
Each kind takes the options of `_field`: ``optional`` fields can hold None; with ``none_is_default`` a script may set
None to say "left out", as scripts written for Yummy's earlier Rust server do, and the field takes its default.
The hook interpreter imports this module too; it knows nothing of the server.
"""

from collections.abc import Callable
from enum import IntEnum
from typing import TYPE_CHECKING, Any, overload

import attrs

from yummy.plain import INT_MAX, INT_MIN, is_unicode, to_plain

type Check = Callable[[Any, "attrs.Attribute[Any]", Any], None]

#: In a field's metadata: the client may send it.
WIRE = "wire"
#: In a field's metadata: a script may set it.
SETTABLE = "settable"
#: In a field's metadata: plain data that a script may change in place.
MUTABLE = "mutable"


def text(*, optional: bool = False, secret: bool = False, **options: Any) -> Any:
    """A field that holds valid Unicode text."""
    return _field(_text, optional=optional, repr=not secret, **options)


def flag(**options: Any) -> Any:
    """A field that holds a boolean."""
    return _field(_flag, **options)


def number(*, choices: type[IntEnum] | None = None, minimum: int | None = None, **options: Any) -> Any:
    """A field that holds an integer; scripts can set only the given choices, or at least the minimum."""

    def in_range(_model: object, field: "attrs.Attribute[Any]", value: Any) -> Any:
        if value is not None and choices is not None and value not in list(choices):
            known = ", ".join(f"{member.value} ({member.name.lower()})" for member in choices)
            raise ValueError(f"{field.name}: {value!r} is none of {known}")
        if value is not None and minimum is not None and value < minimum:
            raise ValueError(f"{field.name}: {value!r} is less than {minimum}")
        return int(value) if isinstance(value, IntEnum) else value

    return _field(_number, on_set=(in_range,), **options)


def numbers(**options: Any) -> Any:
    """A field that holds a list of integers."""
    return _field(_numbers, mutable=True, **options)


def texts(**options: Any) -> Any:
    """A field that holds a list of texts."""
    return _field(_texts, mutable=True, **options)


def ranks(**options: Any) -> Any:
    """A field that holds a map from user ids to room ranks."""
    return _field(_ranks, mutable=True, **options)


def metadata(**options: Any) -> Any:
    """A field that holds metadata: a map with text keys. Its values are checked when set, and by the core."""

    def plain(_model: object, field: "attrs.Attribute[Any]", value: Any) -> Any:
        _plain(field, value, allow_bytes=False)
        return value

    return _field(_metadata, on_set=(plain,), mutable=True, optional=True, **options)


def data(**options: Any) -> Any:
    """A field that holds any plain data. What clients send is checked by the codec, which knows the depth limit."""

    def plain(_model: object, field: "attrs.Attribute[Any]", value: Any) -> Any:
        _plain(field, value, allow_bytes=True)
        return value

    return _field(None, on_set=(plain,), mutable=True, **options)


def identity(**options: Any) -> Any:
    """A read-only text that a client names (a room, a target user)."""
    return _field(_text, readonly=True, **options)


def made(**options: Any) -> Any:
    """A read-only value that the server makes: ids of the caller, of a new room, a result."""
    return attrs.field(default=options.pop("default", None), on_setattr=_refuse_change, **options)


def wire_fields(model: type[attrs.AttrsInstance]) -> tuple[str, ...]:
    """The names of the fields that a client may send."""
    return tuple(field.name for field in attrs.fields(model) if field.metadata.get(WIRE))


def settable_fields(model: type[attrs.AttrsInstance]) -> frozenset[str]:
    """The names of the fields that a script may set."""
    return frozenset(field.name for field in attrs.fields(model) if field.metadata.get(SETTABLE))


def _field(
    check: Check | None,
    *,
    optional: bool = False,
    readonly: bool = False,
    settable: bool = True,
    mutable: bool = False,
    wire: bool = True,
    none_is_default: bool = False,
    on_set: tuple[Callable[..., Any], ...] = (),
    **options: Any,
) -> Any:
    if optional:
        options.setdefault("default", None)
        check = None if check is None else _or_none(check)
    first = (_default_for_none,) if none_is_default else ()
    return attrs.field(
        validator=check,
        on_setattr=_refuse_change if readonly else [*first, attrs.setters.validate, *on_set],
        metadata={WIRE: wire, SETTABLE: settable and not readonly, MUTABLE: mutable},
        **options,
    )


def _or_none(check: Check) -> Check:
    """As `attrs.validators.optional`, whose validator is an object with a call, and twice as slow for None."""

    def check_unless_none(model: object, field: "attrs.Attribute[Any]", value: Any) -> None:
        if value is not None:
            check(model, field, value)

    return check_unless_none


def _default_for_none(_model: object, field: "attrs.Attribute[Any]", value: Any) -> Any:
    """What a script sets, or what the field holds when the client leaves it out."""
    if value is not None:
        return value
    default: Any = field.default
    return default.factory() if isinstance(default, attrs.Factory) else default  # type: ignore[arg-type]  # a class


def _refuse_change(_model: object, field: "attrs.Attribute[Any]", value: Any) -> Any:
    raise AttributeError(
        f"{field.name} cannot be changed (to {_shown(field, value)}): it says who and where, which is the server's"
    )


def _text(_model: object, field: "attrs.Attribute[Any]", value: Any) -> None:
    if type(value) is not str:
        raise TypeError(f"{field.name}: expected text, got {_shown(field, value)}")
    if not (value.isascii() or is_unicode(value)):
        raise ValueError(f"{field.name}: text with a lone surrogate is not valid Unicode")


def _flag(_model: object, field: "attrs.Attribute[Any]", value: Any) -> None:
    if type(value) is not bool:
        raise TypeError(f"{field.name}: expected true or false, got {_shown(field, value)}")


def _number(_model: object, field: "attrs.Attribute[Any]", value: Any) -> None:
    if not (type(value) is int or isinstance(value, IntEnum)):
        raise TypeError(f"{field.name}: expected an integer, got {_shown(field, value)}")
    if not INT_MIN <= value <= INT_MAX:
        raise ValueError(f"{field.name}: the integer is out of range (-2^63 to 2^64-1)")


def _numbers(_model: object, field: "attrs.Attribute[Any]", value: Any) -> None:
    if type(value) is not list or not all(map(_fits_wire, value)):
        raise TypeError(f"{field.name}: expected a list of integers, got {_shown(field, value)}")


def _texts(_model: object, field: "attrs.Attribute[Any]", value: Any) -> None:
    if type(value) is not list or not all(map(_is_text, value)):
        raise TypeError(f"{field.name}: expected a list of texts, got {_shown(field, value)}")


def _ranks(_model: object, field: "attrs.Attribute[Any]", value: Any) -> None:
    if type(value) is not dict or not all(_is_text(key) and _fits_wire(rank) for key, rank in value.items()):
        raise TypeError(f"{field.name}: expected a map from user ids to ranks, got {_shown(field, value)}")


def _metadata(_model: object, field: "attrs.Attribute[Any]", value: Any) -> None:
    if type(value) is not dict or not all(map(_is_text, value)):
        raise TypeError(f"{field.name}: expected a map with text keys, got {_shown(field, value)}")


def _fits_wire(value: object) -> bool:
    return (type(value) is int or isinstance(value, IntEnum)) and INT_MIN <= value <= INT_MAX


def _is_text(value: object) -> bool:
    return type(value) is str and (value.isascii() or is_unicode(value))


def _plain(field: "attrs.Attribute[Any]", value: Any, *, allow_bytes: bool) -> None:
    """Refuse what cannot become plain data. It is made so when the hook returns: until then it is the script's own."""
    try:
        to_plain(value, allow_bytes=allow_bytes)
    except TypeError as error:
        raise TypeError(f"{field.name}: {error}") from None


def _shown(field: "attrs.Attribute[Any]", value: object) -> str:
    """A value as an error text shows it: short, and never a secret."""
    kind = type(value).__name__
    if not field.repr:
        return kind
    try:
        shown = repr(value)
    except Exception:  # noqa: BLE001  # a script's value may have no text; Python writes out no very large integer
        return kind
    return f"{kind} {shown}" if len(shown) <= 60 else f"{kind} {shown[:57]}..."


class Getter[T]:
    """What the type checker sees of a ``get_…`` method; at run time a plain function takes its place."""

    def __init__(self, field: T) -> None:
        self._field = field

    def __set_name__(self, owner: type, name: str) -> None:
        field = _name_of(owner, self._field)

        def get(self: object) -> Any:
            return getattr(self, field)

        _install(owner, name, get, f"Return ``{field}``.")

    if TYPE_CHECKING:

        @overload
        def __get__(self, model: None, owner: type) -> Callable[[object], T]: ...
        @overload
        def __get__(self, model: object, owner: type) -> Callable[[], T]: ...
        def __get__(self, model: object, owner: type) -> Any: ...


class Setter[T]:
    """What the type checker sees of a ``set_…`` method; at run time a plain function takes its place."""

    def __init__(self, field: T) -> None:
        self._field = field

    def __set_name__(self, owner: type, name: str) -> None:
        field = _name_of(owner, self._field)

        def set_(self: object, value: Any) -> None:
            setattr(self, field, value)

        _install(owner, name, set_, f"Set ``{field}``; the model checks the value.")

    if TYPE_CHECKING:

        @overload
        def __get__(self, model: None, owner: type) -> Callable[[object, T], None]: ...
        @overload
        def __get__(self, model: object, owner: type) -> Callable[[T], None]: ...
        def __get__(self, model: object, owner: type) -> Any: ...


def getter[T](field: T) -> Getter[T]:
    """The ``get_…`` method of a read-only field of the class body that calls this."""
    return Getter(field)


def accessors[T](field: T) -> tuple[Getter[T], Setter[T]]:
    """The ``get_…`` and ``set_…`` methods of a field of the class body that calls this."""
    return Getter(field), Setter(field)


def _name_of(owner: type, field: object) -> str:
    return next(name for name, value in vars(owner).items() if value is field)


def _install(owner: type, name: str, method: Callable[..., Any], doc: str) -> None:
    method.__name__ = name
    method.__qualname__ = f"{owner.__qualname__}.{name}"
    method.__module__ = owner.__module__
    method.__doc__ = doc
    setattr(owner, name, method)
