"""Which modules a script can import: those beside it, Python's own, and those that are installed.

It looks for them without importing any: a check must not run what a library does at import. What a library does to
the ways of importing, only a load can tell.
"""

import pkgutil
import sys
from collections.abc import Iterable, Sequence
from importlib.machinery import ModuleSpec, PathFinder

from attrs import frozen

from yummy.checking.scopes import ANY, bindings
from yummy.checking.source import SourceFile
from yummy.checking.vocabulary import suggestion
from yummy.hooks.finder import module_name, taken_names
from yummy.hooks.revision import Sources

#: How like a module's name has to be to be suggested, 0 to 1; there are many, and short names are like many.
_LIKENESS = 0.8

_ADVICE = "correct the name, or install the module where the server's Python finds it"


@frozen(eq=False)
class Modules:
    """The modules of one scripts folder, and what is outside it.

    Attributes:
        own: The names of modules and folders in it that can be imported.
        files: Of those that could be read, each file by its module's name.
    """

    own: frozenset[str]
    files: dict[str, SourceFile]

    @classmethod
    def of(cls, sources: Sources, files: Iterable[SourceFile]) -> "Modules":
        """The modules of a scripts folder."""
        paths = [path for path, _ in sources.texts]
        taken = taken_names(sources.folder, set(paths))
        names = {module_name(path)[0] for path in paths if path.partition("/")[0].removesuffix(".py") not in taken}
        around = {name[:end] for name in names for end, letter in enumerate(name) if letter == "."}
        return cls(frozenset(names | around), {file.module: file for file in files})

    def missing(self, name: str) -> str:
        """The part of a module's dotted name, from its beginning, that is not there; nothing if all of it is."""
        parts = name.split(".")
        own = parts[0] in self.own
        for number in range(1, len(parts) + 1):
            whole = ".".join(parts[:number])
            if whole not in self.own if own else not _is_installed(whole):
                return whole
        return ""

    def lacks(self, module: str, name: str) -> bool:
        """Whether a module beside the scripts is known not to have a name, be it a module's or a variable's."""
        if module not in self.own or f"{module}.{name}" in self.own:
            return False
        file = self.files.get(module)
        if file is None:
            # A folder without code of its own; or a file that cannot be read, of which nothing is known.
            return any(one.startswith(f"{module}.") for one in self.own) and f"{module}.__init__" not in self.own
        bound = {found for found, _ in bindings(file.tree.body, file.package)}
        return bound.isdisjoint({name, ANY, "__getattr__"}) and not name.startswith("__")

    def advice(self, name: str) -> str:
        """What to do about a module that is not there."""
        base, _, last = name.rpartition(".")
        if base:
            known = [one[len(base) + 1 :] for one in self.own if one.startswith(f"{base}.")]
            return suggestion(last, known) or "correct the name"
        everywhere = [*self.own, *sys.stdlib_module_names, *(module.name for module in pkgutil.iter_modules())]
        return suggestion(name, everywhere, _LIKENESS) or _ADVICE

    def names_of(self, module: str) -> list[str]:
        """The names that a module beside the scripts binds."""
        file = self.files.get(module)
        below = [one[len(module) + 1 :] for one in self.own if one.startswith(f"{module}.")]
        return below if file is None else [*below, *(name for name, _ in bindings(file.tree.body, file.package))]


def _is_installed(name: str) -> bool:
    top, _, rest = name.partition(".")
    if name in sys.modules or (not rest and top in sys.stdlib_module_names):
        return True
    spec = _found(top, None)
    for part in rest.split(".") if rest else ():
        if spec is None or spec.submodule_search_locations is None:
            return False
        spec = _found(f"{spec.name}.{part}", list(spec.submodule_search_locations))
    return spec is not None


def _found(name: str, places: Sequence[str] | None) -> ModuleSpec | None:
    if places is not None:
        return PathFinder.find_spec(name, places)
    for finder in sys.meta_path:
        try:
            spec = finder.find_spec(name, None)
        except Exception:  # noqa: BLE001  # a finder of a library's, whatever it does
            spec = None
        if spec is not None:
            return spec
    return None
