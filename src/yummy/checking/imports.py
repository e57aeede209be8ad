"""Reads the texts of scripts for imports that cannot succeed.

Owns how bad each is: where it runs at import, the scripts cannot be loaded; in a function, behind a test, or where
the error is caught, it may be meant.
"""

import ast
from collections.abc import Iterable, Iterator

from attrs import evolve

from yummy.checking.modules import Modules
from yummy.checking.problems import Problem, Severity
from yummy.checking.references import Context, Step
from yummy.checking.scopes import ANY, absolute
from yummy.checking.source import SourceFile
from yummy.checking.vocabulary import KNOWN_MODULES, MISSING, member, missing, public_names, suggestion
from yummy.hooks.report import Trouble

KIND = "import"


def unknown_imports(file: SourceFile, steps: Iterable[Step], modules: Modules) -> Iterator[Problem]:
    """What is imported and is not there.

    Args:
        file: The file.
        steps: Its nodes.
        modules: What there is.
    """
    for node, context in steps:
        match node:
            case ast.Import(names=aliases):
                for alias in aliases:
                    yield from _of_module(file, alias, alias.name, context, modules)
            case ast.ImportFrom():
                yield from _of_names(file, node, context, modules)


def _of_module(
    file: SourceFile, node: ast.alias | ast.ImportFrom, name: str, context: Context, modules: Modules
) -> Iterator[Problem]:
    lost = modules.missing(name)
    if lost:
        yield _problem(file, node, context, f"there is no module {lost}", modules.advice(lost), "ModuleNotFoundError")


def _of_names(file: SourceFile, node: ast.ImportFrom, context: Context, modules: Modules) -> Iterator[Problem]:
    base = absolute(node, file.package)
    if not base:
        around = f"from the package {file.package}" if file.package else "from a script, which is in no package"
        headline = f"a relative import {around} leads nowhere"
        advice = "name the module without leading points"
        yield _problem(file, node, context, headline, advice, "ImportError")
        return
    if modules.missing(base):
        yield from _of_module(file, node, base, context, modules)
        return
    known = KNOWN_MODULES.get(base)
    for alias in node.names:
        if alias.name == ANY:
            continue
        if known is not None and member(known, alias.name) is MISSING:
            headline, names = missing(known, alias.name), public_names(known)
        elif known is None and modules.lacks(base, alias.name):
            headline, names = f"{base} has no {alias.name}", modules.names_of(base)
        else:
            continue
        yield _problem(file, alias, context, headline, suggestion(alias.name, names), "ImportError")


def _problem(
    file: SourceFile, node: ast.alias | ast.ImportFrom, context: Context, headline: str, advice: str, error: str
) -> Problem:
    perhaps = context.in_function or context.is_conditional or context.catches(error)
    place = file.place(node, context.scope.name)
    if isinstance(node, ast.ImportFrom) and node.module and f" {node.module}" in place.source:
        start = place.source.index(f" {node.module}") + 1
        place = evolve(place, column=start, end=start + len(node.module))
    return Problem(Severity.WARNING if perhaps else Severity.ERROR, Trouble(KIND, headline, place, (), advice))
