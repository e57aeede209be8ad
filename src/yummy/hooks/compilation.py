"""Makes code of the texts of a revision. Runs inside the hook interpreter.

Owns what is found before anything runs: names that are taken, syntax errors, Python's own warnings. It changes
nothing, and has no part in what serves but that it takes over the code of files that did not change.
"""

import ast
import warnings
from collections.abc import Mapping

from attrs import define, field

from yummy.hooks.finder import ScriptModule, module_name, taken_names
from yummy.hooks.imports import imported_names
from yummy.hooks.report import Notice, Place, Trouble
from yummy.hooks.traces import ScriptTexts, syntax_trouble


@define
class Compilation:
    """What came of the texts of a revision.

    Attributes:
        texts: The texts, to quote from.
        modules: Each module by its name, in the order of the files.
        troubles: What keeps them from serving.
        notices: What looks like a slip, in what was compiled.
        hidden: Folders that cannot be imported, since their name is another module's, and what to say of it.
    """

    texts: ScriptTexts = field(factory=ScriptTexts)
    modules: dict[str, ScriptModule] = field(factory=dict)
    troubles: list[Trouble] = field(factory=list)
    notices: list[Notice] = field(factory=list)
    hidden: dict[str, Notice] = field(factory=dict)


def compile_files(folder: str, files: tuple[tuple[str, bytes], ...], known: Mapping[str, ScriptModule]) -> Compilation:
    """Compile scripts and the packages beside them; all are looked at, whatever is wrong with one.

    Args:
        folder: The scripts folder, absolute.
        files: Each source file's path below the folder, and its bytes.
        known: Modules by name; where file and text are the same, that very module is taken.
    """
    found = Compilation()
    taken = taken_names(folder, {path for path, _ in files})
    for path, text in files:
        filename = f"{folder}/{path}"
        found.texts.add(filename, path, text)
        name, _ = module_name(path)
        refusal = _refusal(path, name, found.modules, taken)
        top = path.partition("/")[0]
        if refusal is not None:
            found.troubles.append(refusal)
        elif "/" in path and top in taken:
            found.hidden[top] = _out_of_reach(top, taken[top])
        else:
            module = known.get(name)
            if module is None or (module.filename, module.text) != (filename, text):
                module = _compile(found, path, filename, text)
            if module is not None:
                found.modules[name] = module
    return found


def _compile(found: Compilation, path: str, filename: str, text: bytes) -> ScriptModule | None:
    name, is_package = module_name(path)
    package = name if is_package else name.rpartition(".")[0] if "/" in path else ""
    try:
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            tree = ast.parse(text, filename)
            code = compile(tree, filename, "exec", dont_inherit=True)
    except SyntaxError as error:
        found.troubles.append(syntax_trouble(error, found.texts, path))
        return None
    except (ValueError, RecursionError, MemoryError) as error:
        found.troubles.append(Trouble("broken", f"cannot be compiled: {error}", Place(path)))
        return None
    found.notices += [Notice(path, warning.lineno, str(warning.message)) for warning in caught]
    return ScriptModule(name, path, filename, code, text, is_package, imported_names(tree, package))


def _refusal(path: str, name: str, modules: dict[str, ScriptModule], taken: dict[str, str]) -> Trouble | None:
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


def _out_of_reach(top: str, owner: str) -> Notice:
    return Notice(f"{top}/", 0, f"bears the name of {owner} and cannot be imported; rename it to use it")
