"""Makes modules of the texts of a revision. Runs inside the hook interpreter.

Owns the importing of scripts and of the packages beside them: names, the finder on `sys.meta_path`, the loader. It
never touches the disk, but for looking whether a script's name is taken by a module installed elsewhere.
"""

import importlib
import sys
from collections.abc import Sequence
from importlib.abc import InspectLoader, MetaPathFinder
from importlib.machinery import BuiltinImporter, FrozenImporter, ModuleSpec, PathFinder
from importlib.util import decode_source, module_from_spec, spec_from_loader
from pathlib import Path
from types import CodeType, ModuleType
from typing import override

from attrs import define, field, frozen

from yummy.hooks.revision import is_script

#: Names of modules that come with Python; the second is what the interpreter itself was started with.
_OWN_NAMES = sys.stdlib_module_names | {"__main__"}


@frozen
class ScriptModule:
    """A script, or a part of a package beside the scripts, compiled.

    Attributes:
        name: The module's name.
        path: Its path below the scripts folder.
        filename: Its absolute path.
        code: What it runs.
        text: Its source.
        is_package: Whether other modules stand below it.
        imports: The names that it may import modules by.
    """

    name: str
    path: str
    filename: str
    code: CodeType
    text: bytes
    is_package: bool
    imports: frozenset[str]

    @property
    def is_script(self) -> bool:
        """Whether it may hold hooks."""
        return is_script(self.path)

    @property
    def parent(self) -> str:
        """The package that it stands in; empty at the top, where a point in a name separates nothing."""
        return self.name.rpartition(".")[0] if "/" in self.path else ""


@define(eq=False)
class ScriptFinder(MetaPathFinder):
    """Finds the modules of one revision, before Python looks anywhere else.

    Attributes:
        modules: The modules that can be found, by name.
        asked: Which of them have been asked for, since somebody emptied this.
    """

    modules: dict[str, ScriptModule] = field(factory=dict)
    asked: set[str] = field(factory=set)

    def install(self) -> None:
        """Put it in the place where Python asks."""
        if self not in sys.meta_path:
            sys.meta_path.insert(0, self)

    @override
    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        known = self.modules.get(fullname)
        if known is not None:
            self.asked.add(fullname)
            spec = spec_from_loader(fullname, ScriptLoader(known), origin=known.filename, is_package=known.is_package)
            if spec is not None:
                spec.has_location = True  # gives the module its __file__
                if known.is_package:
                    spec.submodule_search_locations = [str(Path(known.filename).parent)]
            return spec
        if any(f"{module.parent}.".startswith(f"{fullname}.") for module in self.modules.values()):
            # A folder without __init__.py: an empty package.
            return ModuleSpec(fullname, None, is_package=True)
        return None


@frozen(eq=False)
class ScriptLoader(InspectLoader):
    """Runs one module."""

    module: ScriptModule

    @override
    def exec_module(self, module: ModuleType) -> None:
        exec(self.module.code, vars(module))  # noqa: S102  # running scripts is what all this is for

    @override
    def is_package(self, fullname: str) -> bool:
        return self.module.is_package

    @override
    def get_code(self, fullname: str) -> CodeType:
        return self.module.code

    @override
    def get_source(self, fullname: str) -> str:
        return decode_source(self.module.text)


def module_name(path: str) -> tuple[str, bool]:
    """The name of the module that a file makes, and whether it is a package."""
    stem = path.removesuffix(".py")
    package = stem.removesuffix("/__init__")
    return package.replace("/", ".") if "/" in path else stem, package != stem


def load_module(script: ScriptModule, finder: ScriptFinder) -> ModuleType:
    """Import a module, unless another has done so already.

    A script whose name is no identifier is imported, too, though no statement can name it.
    """
    name = script.name
    if not (script.is_script and "." in name):
        return importlib.import_module(name)
    # Python would look for a package of the first part's name.
    spec = finder.find_spec(name, None)
    if spec is None or spec.loader is None:
        raise ModuleNotFoundError(f"there is no script {name}")
    module = module_from_spec(spec)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[name]
        raise
    return module


def taken_names(folder: str, paths: set[str]) -> dict[str, str]:
    """The names at the top of a scripts folder that are a standard or installed module's, and whose.

    Args:
        folder: The scripts folder, absolute.
        paths: The paths of the source files below it.
    """
    # The working directory and the folder itself may stand on the path: what lies there is no installed module.
    own = {"", ".", str(Path.cwd()), folder}
    real = Path(folder).resolve()
    places = [place for place in sys.path if place not in own and Path(place).resolve() != real]
    taken = {}
    for name in {path.split("/", 1)[0].removesuffix(".py") for path in paths}:
        if name in _OWN_NAMES or BuiltinImporter.find_spec(name) or FrozenImporter.find_spec(name):
            taken[name] = f"Python's own module {name}"
        elif "." not in name:
            spec = PathFinder.find_spec(name, places)
            # Without an origin it is a mere folder somewhere, which nobody imports by chance.
            if spec is not None and spec.origin is not None:
                taken[name] = f"the installed module {name}"
    return taken
