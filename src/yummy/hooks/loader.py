"""Loads scripts: compiles, runs them as modules, and swaps their hooks in. Runs inside the hook interpreter.

Owns which scripts serve and which hooks there are. A load has three steps, of which the first two leave everything as
it was, whatever interrupts them and whether or not they succeed: `Loader.prepare` compiles what changed,
`Loader.run` runs it and what imports it (`imports` says what that is, and what it cannot see), `Loader.swap` makes
the result the one that serves. Modules that are not run again go on as they are, with all they hold. A message that
began before a swap ends with the revision that it began with: `Loader.enter`.

Modules are made of the texts of one revision; the disk is not looked at, and no byte code is read or written.
"""

from collections.abc import Callable, Iterable, Iterator
from functools import partial
from types import ModuleType
from typing import Any

import attrs
from attrs import define, field, frozen

from yummy.hooks.compilation import compile_files
from yummy.hooks.finder import ScriptModule, load_module
from yummy.hooks.imports import affected_modules
from yummy.hooks.namespace import Namespace, Stage, folders
from yummy.hooks.report import Notice, Place, Trouble
from yummy.hooks.signatures import find_hooks
from yummy.hooks.traces import ScriptTexts, name_of, trouble_of

type Hooks = dict[str, tuple[Callable[..., object], ...]]


class BrokenScripts(Exception):  # noqa: N818  # it carries what is broken
    """Scripts that cannot serve.

    Attributes:
        troubles: What is wrong, at least one.
    """

    def __init__(self, *troubles: Trouble) -> None:
        super().__init__(*troubles)
        self.troubles = troubles


@frozen(eq=False)
class Prepared:
    """Scripts that compile.

    Attributes:
        namespace: All modules of the revision; those that are to be run have not been yet.
        affected: The names of those that are to be run, and of modules that are gone.
        notices: What looks like a slip in what changed.
        hidden: Folders whose name is another module's.
    """

    namespace: Namespace
    affected: frozenset[str]
    notices: tuple[Notice, ...]
    hidden: frozenset[str]


@frozen(eq=False)
class Script:
    """One script that has run; the same object in all revisions in which it was not run again.

    Attributes:
        path: Its path below the scripts folder.
        name: Its module's name.
        module: Its module.
        hooks: Its hooks that do something.
    """

    path: str
    name: str
    module: ModuleType
    hooks: dict[str, Callable[..., object]]


@frozen(eq=False)
class Loaded:
    """A revision that has run. It holds all that is needed to serve it, beside others.

    Attributes:
        scripts: The scripts, in the order in which their hooks run.
        hooks: The hooks that do something.
        notices: What looks like a slip in what was run for it.
        namespace: Its modules.
        hidden: Folders whose name is another module's.
    """

    scripts: tuple[Script, ...] = ()
    hooks: Hooks = field(factory=dict)
    notices: tuple[Notice, ...] = ()
    namespace: Namespace = field(factory=Namespace)
    hidden: frozenset[str] = frozenset()

    @property
    def texts(self) -> ScriptTexts:
        """What its lines are quoted from, whatever serves by then."""
        return self.namespace.texts


@define
class Loader:
    """The scripts of the hook interpreter.

    Attributes:
        texts: What lines of scripts are quoted from: those of the revision whose code runs.
        step: Told what is about to be run: a module's path, and ``import``, ``on_load`` or ``on_unload``.
        watched: Calls what runs code of scripts, under the deadline; gives what it returned and what it raised.
        loaded: The scripts that serve.
    """

    texts: ScriptTexts
    step: Callable[[str, str], None]
    watched: Callable[..., tuple[Any, BaseException | None]]
    loaded: Loaded = field(factory=Loaded)
    _stage: Stage = field(init=False)

    def __attrs_post_init__(self) -> None:
        self._stage = Stage(self.texts, self.loaded.namespace)

    def prepare(self, folder: str, files: tuple[tuple[str, bytes], ...]) -> Prepared:
        """Compile the scripts, and modules beside them, that are not as they are in what serves. None of them runs.

        Args:
            folder: The scripts folder, absolute.
            files: Each source file's path below the folder, and its bytes.

        Raises:
            BrokenScripts: Naming all that do not compile, or cannot bear their name.
        """
        served = self.loaded.namespace
        compiled = compile_files(folder, files, served.modules)
        if compiled.troubles:
            raise BrokenScripts(*compiled.troubles)
        modules = compiled.modules
        affected = _affected(served.modules, modules)
        namespace = Namespace.following(served, compiled.texts, modules, affected)
        hidden = {top: notice for top, notice in compiled.hidden.items() if top not in self.loaded.hidden}
        return Prepared(namespace, affected, (*hidden.values(), *compiled.notices), frozenset(compiled.hidden))

    def run(self, prepared: Prepared) -> Loaded:
        """Run the modules that are to be run, scripts in file-name order, and look for hooks in them.

        What serves stands in its place again when this ends, in whatever way.

        Raises:
            BrokenScripts: One of them failed.
        """
        served = self._stage.inside
        self._stage.finder.install()
        try:
            try:
                self._stage.enter(prepared.namespace)
                return self._run(prepared)
            finally:
                self._stage.enter(served)
        except BaseException:
            # An interrupt may have arrived in the line above; the next comes after a pause far longer than this takes.
            self._stage.enter(served)
            raise

    def swap(self, loaded: Loaded) -> Iterator[Trouble]:
        """Make scripts serve that have run, as `run` gave them.

        Gives what ``on_unload`` of the scripts that it replaces, and ``on_load`` of those that are new, raised; that
        undoes nothing.
        """
        before = self.loaded.scripts
        yield from self._call_all("on_unload", (script for script in before if script not in loaded.scripts))
        self.loaded = loaded
        self._stage.enter(loaded.namespace)
        yield from self._call_all("on_load", (script for script in loaded.scripts if script not in before))

    def enter(self, loaded: Loaded) -> None:
        """Have code of a revision import that revision's modules, and its lines quoted from its texts.

        For a message that began with a revision that serves no more; afterwards, enter `loaded` again. Not to be
        interrupted.
        """
        self._stage.enter(loaded.namespace)

    def unload(self) -> Iterator[Trouble]:
        """Call each script's ``on_unload``, as it ends; gives what they raised."""
        yield from self._call_all("on_unload", self.loaded.scripts)

    def _call_all(self, name: str, scripts: Iterable[Script]) -> Iterator[Trouble]:
        for script in scripts:
            function = vars(script.module).get(name)
            if callable(function):
                self.step(script.path, name)
                _, error = self.watched(function)
                if error is not None:
                    trouble = trouble_of(error, self.texts, hook=name)
                    yield trouble if trouble.place is not None else attrs.evolve(trouble, place=Place(script.path))

    def _run(self, prepared: Prepared) -> Loaded:
        finder = self._stage.finder
        finder.asked.clear()
        modules = prepared.namespace.modules
        again = {name: module for name, module in modules.items() if name in prepared.affected}
        ran = {name: self._import(module) for name, module in again.items() if module.is_script}
        for name, module in again.items():
            # What is in use, but is imported only while a hook runs: its errors shall show now, not then.
            if name not in finder.asked and self.loaded.namespace.has_run(name):
                self._import(module)
        scripts, notices = self._find([module for module in modules.values() if module.is_script], ran)
        hooks: dict[str, tuple[Callable[..., object], ...]] = {}
        for script in scripts:
            for hook, function in script.hooks.items():
                hooks[hook] = (*hooks.get(hook, ()), function)
        return Loaded(scripts, hooks, prepared.notices + notices, prepared.namespace, prepared.hidden)

    def _import(self, module: ScriptModule) -> ModuleType:
        self.step(module.path, "import")
        found, error = self.watched(load_module, module, self._stage.finder)
        if error is None and module.is_script and type(found) is not ModuleType:
            error = TypeError("it put something in its own place in sys.modules that is no module")
        if error is not None:
            raise BrokenScripts(_as_broken(trouble_of(error, self.texts, hook="import"), module))
        imported: ModuleType = found
        return imported

    def _find(
        self, modules: list[ScriptModule], ran: dict[str, ModuleType]
    ) -> tuple[tuple[Script, ...], tuple[Notice, ...]]:
        """The scripts of a revision: those that ran, and for the others what was found when they did."""
        known = {script.name: script for script in self.loaded.scripts}
        scripts: list[Script] = []
        notices: list[Notice] = []
        troubles: list[Trouble] = []
        names = {module.name for module in modules}
        for module in modules:
            if module.name not in ran:
                scripts.append(known[module.name])
                continue
            find = partial(find_hooks, strict=bool(known))
            result, error = self.watched(find, ran[module.name], module.path, names, self.texts)
            if error is not None:
                headline = f"the hooks of {module.path} cannot be looked at: {name_of(error)}"
                troubles.append(Trouble("broken", headline, Place(module.path)))
                continue
            notices += result.notices
            troubles += result.troubles
            scripts.append(Script(module.path, module.name, ran[module.name], result.hooks))
        if troubles:
            raise BrokenScripts(*troubles)
        return tuple(scripts), tuple(notices)


def _affected(served: dict[str, ScriptModule], modules: dict[str, ScriptModule]) -> frozenset[str]:
    changed = served.keys() ^ modules.keys() | folders(served) ^ folders(modules)
    changed |= {name for name, module in modules.items() if served.get(name) is not module}
    return affected_modules(changed, {name: module.imports for name, module in modules.items()})


def _as_broken(trouble: Trouble, module: ScriptModule) -> Trouble:
    """An error at import: where no line of a script is to blame, the script itself is."""
    headline = trouble.headline.replace("import failed", f"{module.path} cannot be imported", 1)
    kind = "broken" if trouble.kind == "error" else trouble.kind
    return attrs.evolve(trouble, kind=kind, headline=headline, place=trouble.place or Place(module.path))
