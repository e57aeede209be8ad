"""What names mean that scripts take from Yummy, and what one may have meant by a wrong one.

Owns which modules and classes are known so well that a name which they do not have is a slip: the package itself,
`room`, `user`, `model` and `constants` with its enumerations, and the model of a hook. It knows no syntax.
"""

import difflib
from collections.abc import Iterable
from enum import Enum, EnumType
from importlib.machinery import PathFinder
from types import ModuleType
from typing import Any, Final

from attrs import fields, frozen

import yummy
from yummy import constants, model, room, user
from yummy.fields import settable_fields
from yummy.model import Model

KNOWN_MODULES: Final = {module.__name__: module for module in (yummy, constants, model, room, user)}


class Nothing(Enum):
    """What a name can mean beside something."""

    UNKNOWN = 0
    """Something that is not known here."""
    MISSING = 1
    """There is no such name."""


UNKNOWN: Final = Nothing.UNKNOWN
MISSING: Final = Nothing.MISSING


@frozen
class HookModel:
    """The parameter of a hook that is its model.

    Attributes:
        kind: The model's class.
        phase: ``pre`` or ``post``.
    """

    kind: type[Model]
    phase: str

    @property
    def fields(self) -> frozenset[str]:
        """The names of its fields."""
        return frozenset(field.name for field in fields(self.kind))

    @property
    def settable(self) -> frozenset[str]:
        """The names of the fields that a script may set."""
        return settable_fields(self.kind)


def member(owner: Any, name: str) -> Any:
    """What an attribute means: something known, `UNKNOWN`, or `MISSING`."""
    match owner:
        case HookModel(kind=kind):
            return UNKNOWN if hasattr(kind, name) else MISSING
        case EnumType():
            return UNKNOWN if hasattr(owner, name) else MISSING
        case ModuleType(__name__=module) if module in KNOWN_MODULES:
            if name in vars(owner):
                return _known(vars(owner)[name])
            return UNKNOWN if owner is yummy and _is_submodule(name) else MISSING
    return UNKNOWN


def module_named(name: str) -> Any:
    """What an imported module means: one of `KNOWN_MODULES`, or `UNKNOWN`."""
    return KNOWN_MODULES.get(name, UNKNOWN)


def public_names(owner: Any) -> list[str]:
    """The names that a script may want of something known."""
    match owner:
        case HookModel(kind=kind):
            return [name for name in dir(kind) if not name.startswith("_")]
        case EnumType():
            return list(owner.__members__)
        case ModuleType() if owner is yummy:
            return list(yummy.__all__)
        case ModuleType():
            return [name for name, value in vars(owner).items() if name[0] != "_" and _is_own(owner, value)]
    return []


def missing(owner: Any, name: str) -> str:
    """A sentence that says that there is no such name."""
    if isinstance(owner, HookModel):
        return f"{owner.kind.__name__} has no field {name}"
    return f"{owner.__name__} has no {name}"


def suggestion(name: str, names: Iterable[str], likeness: float = 0.6) -> str:
    """What may have been meant, as a question; or nothing.

    Args:
        name: The wrong name.
        names: The right ones.
        likeness: How like it has to be, 0 to 1.
    """
    close = difflib.get_close_matches(name, list(names), n=1, cutoff=likeness)
    return f"did you mean {close[0]}?" if close else ""


def _known(value: object) -> Any:
    if isinstance(value, ModuleType):
        return module_named(value.__name__)
    return value if isinstance(value, EnumType) else UNKNOWN


def _is_own(owner: ModuleType, value: object) -> bool:
    return isinstance(value, Enum) or getattr(value, "__module__", None) == owner.__name__


def _is_submodule(name: str) -> bool:
    return PathFinder.find_spec(f"yummy.{name}", yummy.__path__) is not None
