"""Which modules stand under the scripts' names, and the change from one revision's to another's.

Runs inside the hook interpreter. Owns what a revision puts into `sys.modules`, and the attributes by which a package
knows its parts. To load scripts, to give up a load, to make new ones serve, and to end a message with the revision
that it began with, are all the same act: `Stage.enter`. What two revisions share is one `Run` in both, and is not
touched by going from one to the other.

An interrupt may arrive at any line while scripts are imported, so `Stage.enter` can be called again after it was cut
off anywhere, and then completes the change.
"""

import sys
from collections.abc import Mapping
from types import ModuleType
from typing import Any, Final

from attrs import define, field

from yummy.hooks.finder import ScriptFinder, ScriptModule
from yummy.hooks.traces import ScriptTexts

#: Nothing stands there.
_ABSENT: Final = object()
#: It is not known what stands there, since the module has not been imported yet.
_UNKNOWN: Final = object()

# Read as Python keeps it, whatever a package makes of its own class.
_attributes_of = vars(ModuleType)["__dict__"].__get__


@define(eq=False)
class Run:
    """One run of a module: revisions in which the module is not run again have the same.

    Attributes:
        module: What is run; None for a folder without ``__init__.py``, or what is none of the revision's.
        parent: The package around it, or nothing.
        entry: What stood in `sys.modules` when its revision was left.
        attribute: What stood under its name in the package around it then.
    """

    module: ScriptModule | None
    parent: str
    entry: Any = _ABSENT
    attribute: Any = _UNKNOWN


@define(eq=False)
class Namespace:
    """The modules of one revision.

    Attributes:
        texts: What its lines are quoted from.
        modules: Every module that can be imported, by its name, in the order of the files.
        runs: Their runs, and those of folders that are packages only by what is in them.
        strangers: What stood, when this was left, under names that only the namespace that came has.
    """

    texts: ScriptTexts = field(factory=ScriptTexts)
    modules: dict[str, ScriptModule] = field(factory=dict)
    runs: dict[str, Run] = field(factory=dict)
    strangers: dict[str, Run] = field(factory=dict)

    @classmethod
    def following(
        cls, before: "Namespace", texts: ScriptTexts, modules: dict[str, ScriptModule], affected: frozenset[str]
    ) -> "Namespace":
        """The namespace of a new revision, none of whose affected modules has run.

        Args:
            before: The namespace that it comes after.
            texts: Its texts.
            modules: Its modules.
            affected: Names of the modules that do not go on as they are.
        """
        fresh = {name: Run(module, module.parent) for name, module in modules.items()}
        fresh |= {name: Run(None, name.rpartition(".")[0]) for name in folders(modules)}
        runs = {name: run if name in affected else before.runs.get(name, run) for name, run in fresh.items()}
        return cls(texts, modules, runs)

    def has_run(self, name: str) -> bool:
        """Whether a module had been imported by the time that this was left."""
        run = self.runs.get(name)
        return run is not None and run.entry is not _ABSENT

    def at(self, name: str) -> Run | None:
        """What stands under a name."""
        return self.runs.get(name) or self.strangers.get(name)


@define(eq=False)
class Stage:
    """What is in force in this interpreter.

    Attributes:
        texts: The texts of the namespace in force, for whoever quotes lines.
        inside: The namespace in force.
        finder: Finds its modules.
    """

    texts: ScriptTexts
    inside: Namespace = field(factory=Namespace)
    finder: ScriptFinder = field(factory=ScriptFinder)
    _touched: set[str] = field(factory=set)
    _is_whole: bool = True

    def enter(self, target: Namespace) -> None:
        """Put a namespace in force.

        Cut off by an interrupt, it has to be called again before scripts run, for the same or another namespace.
        """
        left = self.inside
        if self._is_whole:
            if target is left:
                return
            self._keep(left, target)
        touched = self._touched
        names = left.runs.keys() | target.runs.keys()
        touched |= {name for name in names if left.at(name) is not target.at(name)}
        untouched: set[str] = set()
        # From here on what stands in `sys.modules` is a mixture, of which nothing is kept.
        self._is_whole = False
        for name in touched:
            run = target.at(name)
            if run is None or run.entry is _ABSENT:
                sys.modules.pop(name, None)
            else:
                sys.modules[name] = run.entry
        for name in touched:
            _put_attribute(name, left.at(name), target.at(name), touched)
        self.finder.modules = target.modules
        self.texts.restore(target.texts)
        # No call is made between these, so no interrupt arrives between them.
        self.inside = target
        self._touched = untouched
        self._is_whole = True

    @staticmethod
    def _keep(left: Namespace, target: Namespace) -> None:
        """Take down what stands under the names of the namespace that is left, and of the one that comes."""
        left.strangers = {name: Run(None, target.runs[name].parent) for name in target.runs.keys() - left.runs.keys()}
        for name, run in (*left.runs.items(), *left.strangers.items()):
            run.entry = sys.modules.get(name, _ABSENT)
            run.attribute = _attribute(name, run.parent)


def folders(modules: Mapping[str, ScriptModule]) -> set[str]:
    """The packages that have no ``__init__.py``."""
    found = set()
    for module in modules.values():
        parent = module.parent
        while parent:
            if parent not in modules:
                found.add(parent)
            parent = parent.rpartition(".")[0]
    return found


def _attributes(package: str) -> dict[str, Any]:
    """The attributes of a package; nothing where there is none."""
    module = sys.modules.get(package)
    return _attributes_of(module) if issubclass(type(module), ModuleType) else {}


def _attribute(name: str, parent: str) -> Any:
    return _attributes(parent).get(name.rpartition(".")[2], _ABSENT) if parent else _ABSENT


def _put_attribute(name: str, left: Run | None, target: Run | None, touched: set[str]) -> None:
    """Make the package around a module know it, or no more; a package that changes, too, brings what it knows."""
    run = target or left
    if run is None or not run.parent or run.parent in touched:
        return
    attributes = _attributes(run.parent)
    last = name.rpartition(".")[2]
    if target is None or target.attribute is _UNKNOWN:
        # The module that leaves is forgotten. What bears its name but is something else is the package's own.
        if left is not None and left.entry is not _ABSENT and attributes.get(last) is left.entry:
            attributes.pop(last, None)
    elif target.attribute is _ABSENT:
        attributes.pop(last, None)
    else:
        attributes[last] = target.attribute
