"""What becomes of a model that a script kept: every use of it is an error that says so. Runs inside the interpreter.

Owns the classes that such models change to. It knows neither why a model was kept nor where.
"""

from types import MemberDescriptorType
from typing import TYPE_CHECKING, Any, NoReturn

from yummy.model import HOOK_NAMES, Model

if TYPE_CHECKING:
    from collections.abc import Callable

_set_class = vars(object)["__class__"].__set__
_get_class = vars(object)["__class__"].__get__
# The object's own report stands where its user's id stood: a table by object would have to ask the object.
_report = vars(Model)["user_id"]

#: Methods that would read or change a model, each of which Python looks up in the class, past `__getattribute__`.
#: Comparing and hashing are left as they are: they go by identity, and a script must be able to clear away what it
#: kept in a set.
_METHODS = (
    "__setattr__",
    "__delattr__",
    "__repr__",
    "__str__",
    "__format__",
    "__dir__",
    "__sizeof__",
    "__copy__",
    "__deepcopy__",
    "__getstate__",
    "__setstate__",
    "__reduce__",
    "__reduce_ex__",
    "__replace__",
)


class RetainedModelError(Exception):
    """A script used a model after the hook that it was given to had ended.

    The text says where the model was kept, and what to do instead.
    """


def revoke(model: Model, text: str) -> bool:
    """Make every later use of a model a `RetainedModelError`, and let go of what it holds.

    Args:
        model: The model; a script may have changed its class.
        text: What the error says.

    Returns:
        Whether it could be done; not if a script gave it a class of another shape.
    """
    revoked = _revoked_class(_kind_of(model))
    if revoked is None:
        return False
    try:
        _set_class(model, revoked)
    except TypeError:
        return False
    for slot in _SLOTS[revoked]:
        try:
            slot.__delete__(model)
        except AttributeError:  # it was empty
            continue
    _report.__set__(model, text)
    return True


def is_revoked(model: object) -> bool:
    """Whether an object is a model that was revoked."""
    return any(type(model) is kind for kind in _SLOTS)


def model_class(model: object) -> type[Model]:
    """The class of `yummy.model` that an object is a model of, whatever became of it since."""
    kind = _kind_of(model)
    return Model if kind is None else kind


def _kind_of(model: object) -> type[Model] | None:
    for kind in _mro_of(type(model)):
        if type(kind) is type and kind in _REVOKED:  # the hash of another is its metaclass's
            return kind
    return None


def _revoked_class(kind: type[Model] | None) -> type | None:
    return None if kind is None else _REVOKED[kind]


def _refuse(self: Any, *_: object, **__: object) -> NoReturn:
    raise RetainedModelError(_report.__get__(self))


def _read(self: Any, name: str) -> Any:
    if name == "__class__":
        return _get_class(self)  # `isinstance` asks for it
    _refuse(self)


def _make(kind: type[Model]) -> type:
    methods: dict[str, Callable[..., object]] = dict.fromkeys(_METHODS, _refuse)
    return type(
        f"Revoked{kind.__name__}",
        (kind,),
        {
            "__slots__": (),
            "__module__": __name__,
            "__doc__": f"{kind.__name__} that a script kept beyond its hook.",
            "__getattribute__": _read,
            **methods,
        },
    )


def _slots(kind: type) -> tuple[MemberDescriptorType, ...]:
    return tuple(slot for base in _mro_of(kind) for slot in vars(base).values() if type(slot) is MemberDescriptorType)


_mro_of = vars(type)["__mro__"].__get__
_REVOKED: dict[type, type] = {kind: _make(kind) for kind in HOOK_NAMES}
_SLOTS: dict[type, tuple[MemberDescriptorType, ...]] = {kind: _slots(kind) for kind in _REVOKED.values()}
