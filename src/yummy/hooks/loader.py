"""Loads scripts: compiles all, runs them as modules, and swaps their hooks in. Runs inside the hook interpreter.

Owns which module bears which name and which hooks there are. A load has three steps, of which the first two leave
everything as it was when they fail: `Loader.prepare` compiles, `Loader.run` runs the modules, `Loader.swap` makes
their hooks the ones that serve. Modules are made of the texts of one revision; the disk is not looked at, and no
byte code is read or written.
"""

import sys
import warnings
from collections.abc import Callable, Iterator
from types import CodeType, ModuleType
from typing import Any

import attrs
from attrs import define, field, frozen

from yummy.hooks.failure import HookFailure
from yummy.hooks.finder import ScriptFinder, ScriptModule, load_module, module_name, taken_names
from yummy.hooks.report import Notice, Place, Trouble
from yummy.hooks.signatures import find_hooks
from yummy.hooks.traces import ScriptTexts, name_of, syntax_trouble, trouble_of

type Hooks = dict[str, tuple[Callable[..., object], ...]]


class BrokenScripts(Exception):  # noqa: N818  # it carries what is broken
    """Scripts that cannot serve.

    Attributes:
        troubles: What is wrong, at least one.
    """

    def __init__(self, *troubles: Trouble) -> None:
        super().__init__(*troubles)
        self.troubles = troubles


@frozen
class Prepared:
    """Scripts that compile.

    Attributes:
        modules: Every module of the revision, by its name.
        notices: What looks like a slip.
    """

    modules: dict[str, ScriptModule]
    notices: tuple[Notice, ...]


@frozen
class Loaded:
    """Scripts that have run.

    Attributes:
        paths: The scripts' paths, in the order in which their hooks run.
        modules: Their modules, in the same order.
        hooks: The hooks that do something.
        notices: What looks like a slip.
    """

    paths: tuple[str, ...] = ()
    modules: tuple[ModuleType, ...] = ()
    hooks: Hooks = field(factory=dict)
    notices: tuple[Notice, ...] = ()


@define
class Loader:
    """The scripts of the hook interpreter.

    Attributes:
        texts: What lines of scripts are quoted from.
        importing: Told the path of each script before it is imported, and before its ``on_load``.
        loaded: The scripts that serve.
    """

    texts: ScriptTexts
    importing: Callable[[str], None]
    loaded: Loaded = field(factory=Loaded)
    _finder: ScriptFinder = field(factory=ScriptFinder)

    def prepare(self, folder: str, files: tuple[tuple[str, bytes], ...]) -> Prepared:
        """Compile all scripts and the packages beside them.

        Args:
            folder: The scripts folder, absolute.
            files: Each source file's path below the folder, and its bytes.

        Raises:
            BrokenScripts: Naming all that do not compile, or cannot bear their name.
        """
        troubles: list[Trouble] = []
        notices: list[Notice] = []
        modules: dict[str, ScriptModule] = {}
        taken = taken_names(folder, {path for path, _ in files})
        for path, text in files:
            filename = f"{folder}/{path}"
            self.texts.add(filename, path, text)
            name, is_package = module_name(path)
            refusal = _refusal(path, name, modules, taken)
            if refusal is not None:
                troubles.append(refusal)
                continue
            if not _reachable(path, taken, notices):
                continue
            code = self._compile(text, filename, path, troubles, notices)
            if code is not None:
                modules[name] = ScriptModule(name, path, filename, code, text, is_package)
        if troubles:
            raise BrokenScripts(*troubles)
        return Prepared(modules, tuple(notices))

    def run(self, prepared: Prepared) -> Loaded:
        """Run the scripts as modules, in file-name order, and look for hooks in them.

        Raises:
            BrokenScripts: One of them failed; none of them stays behind.
        """
        before = set(sys.modules)
        served = self._finder.modules
        self._finder.modules = prepared.modules
        self._finder.install()
        scripts = [module for module in prepared.modules.values() if module.is_script]
        try:
            modules = tuple(self._import(script) for script in scripts)
            hooks, notices = self._find(scripts, modules)
        except BaseException:
            self._finder.modules = served
            for name in set(sys.modules) - before:
                if name in prepared.modules:
                    del sys.modules[name]
            raise
        return Loaded(tuple(script.path for script in scripts), modules, hooks, prepared.notices + notices)

    def swap(self, loaded: Loaded) -> Iterator[Trouble]:
        """Make scripts serve that have run; gives what ``on_unload`` and ``on_load`` raised, which undoes nothing."""
        yield from self.unload()
        self.loaded = loaded
        yield from self._call_all("on_load")

    def unload(self) -> Iterator[Trouble]:
        """Call each script's ``on_unload``, as it ends; gives what they raised."""
        yield from self._call_all("on_unload")

    def _call_all(self, name: str) -> Iterator[Trouble]:
        for path, module in zip(self.loaded.paths, self.loaded.modules, strict=True):
            function = vars(module).get(name)
            if callable(function):
                self.importing(path)
                try:
                    function()
                except BaseException as error:  # noqa: BLE001  # whatever a script raises, the others have their turn
                    trouble = trouble_of(error, self.texts, hook=name)
                    yield trouble if trouble.place is not None else attrs.evolve(trouble, place=Place(path))

    def _compile(
        self, text: bytes, filename: str, path: str, troubles: list[Trouble], notices: list[Notice]
    ) -> CodeType | None:
        try:
            with warnings.catch_warnings(record=True) as caught:
                warnings.simplefilter("always")
                code: CodeType = compile(text, filename, "exec", dont_inherit=True)
        except SyntaxError as error:
            troubles.append(syntax_trouble(error, self.texts, path))
            return None
        except (ValueError, RecursionError, MemoryError) as error:
            troubles.append(Trouble("broken", f"cannot be compiled: {error}", Place(path)))
            return None
        notices += [Notice(path, warning.lineno, str(warning.message)) for warning in caught]
        return code

    def _import(self, script: ScriptModule) -> ModuleType:
        self.importing(script.path)
        try:
            module = load_module(script.name, self._finder)
            if type(module) is not ModuleType:
                raise TypeError("it put something in its own place in sys.modules that is no module")  # noqa: TRY301
            return module  # noqa: TRY300
        except HookFailure as error:
            trouble = trouble_of(error, self.texts, hook="import")
            raise BrokenScripts(
                _as_broken(trouble, script, "call fail() in a hook, where there is a message")
            ) from None
        except BaseException as error:  # noqa: BLE001  # SystemExit and the like are a script's errors, too
            raise BrokenScripts(_as_broken(trouble_of(error, self.texts, hook="import"), script)) from None

    def _find(self, scripts: list[ScriptModule], modules: tuple[ModuleType, ...]) -> tuple[Hooks, tuple[Notice, ...]]:
        found: dict[str, list[Callable[..., object]]] = {}
        notices: list[Notice] = []
        troubles: list[Trouble] = []
        names = {script.name for script in scripts}
        for script, module in zip(scripts, modules, strict=True):
            try:
                result = find_hooks(module, script.path, names, self.texts)
            except BaseException as error:  # noqa: BLE001  # objects of scripts may answer any question by an error
                headline = f"the hooks of {script.path} cannot be looked at: {name_of(error)}"
                troubles.append(Trouble("broken", headline, Place(script.path)))
                continue
            notices += result.notices
            troubles += result.troubles
            for hook, function in result.hooks.items():
                found.setdefault(hook, []).append(function)
        if troubles:
            raise BrokenScripts(*troubles)
        return {hook: tuple(functions) for hook, functions in found.items()}, tuple(notices)


def _refusal(path: str, name: str, modules: dict[str, Any], taken: dict[str, str]) -> Trouble | None:
    if "/" not in path and name in taken:
        return Trouble(
            "broken",
            f"{path} bears the name of {taken[name]}, so that one of them could not be imported",
            Place(path),
            advice=f"rename it, for example to my_{path}",
        )
    if name in modules:
        other = modules[name].path
        return Trouble("broken", f"{path} and {other} are the same module, {name}", Place(path), advice="rename one")
    return None


def _reachable(path: str, taken: dict[str, str], notices: list[Notice]) -> bool:
    top = path.split("/", 1)[0]
    if "/" not in path or top not in taken:
        return True
    notice = Notice(f"{top}/", 0, f"bears the name of {taken[top]} and cannot be imported; rename it to use it")
    if notice not in notices:
        notices.append(notice)
    return False


def _as_broken(trouble: Trouble, script: ScriptModule, advice: str = "") -> Trouble:
    """An error at import: where no line of a script is to blame, the script itself is."""
    headline = trouble.headline.replace("import failed", f"{script.path} cannot be imported", 1)
    return Trouble(
        "broken", headline, trouble.place or Place(script.path), trouble.path, trouble.advice or advice, "import"
    )
