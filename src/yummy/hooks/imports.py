"""Which modules a module imports, and whom a change reaches. Pure: it reads syntax trees and runs nothing.

Owns the rule by which an edit decides what is run again. An import counts wherever it stands: at the top, in a
function, in a ``try``; but not below ``if TYPE_CHECKING:``, which never runs. Too much may be found (a name taken
from a package may be a module or a mere value), which costs a module its variables. Too little is found only where
the name of a module is computed (``importlib.import_module(f"maps.{name}")``), or where a module is reached through
another that imported it (``import rules`` and then ``rules.chess``, though only another script imports that): who does
so and keeps a value of it keeps the old one until edited itself.
"""

import ast
from collections.abc import Iterable, Iterator, Mapping

#: Stands for all modules directly in a package: ``from maps import *`` may import those that its ``__all__`` names.
ALL = "*"


def imported_names(tree: ast.Module, package: str) -> frozenset[str]:
    """The names that a module may import modules by, the packages around each of them included.

    Args:
        tree: The module's syntax tree.
        package: The package that the module is, or stands in; empty for a script. What happens to the packages around
            a module reaches the module, so they count as imported.
    """
    names = set(_with_parents(package))
    for node in _nodes(tree):
        for name in _imported_by(node, package):
            names.update(_with_parents(name))
    return frozenset(names)


def affected_modules(changed: Iterable[str], imports: Mapping[str, frozenset[str]]) -> frozenset[str]:
    """The modules that changed, and those that import one of them, directly or by way of others.

    Args:
        changed: Names of modules that are new, different or gone.
        imports: What each module of the new revision imports.
    """
    importers: dict[str, list[str]] = {}
    for module, names in imports.items():
        for name in names:
            importers.setdefault(name, []).append(module)
    affected = set(changed)
    queue = list(affected)
    while queue:
        name = queue.pop()
        for key in (name, f"{name.rpartition('.')[0]}.{ALL}"):
            found = [module for module in importers.get(key, ()) if module not in affected]
            affected.update(found)
            queue += found
    return frozenset(affected)


def _nodes(tree: ast.Module) -> Iterator[ast.AST]:
    """All nodes of a tree that may run; not by recursion, since a script may nest as deep as Python lets it."""
    queue: list[ast.AST] = [tree]
    while queue:
        node = queue.pop()
        yield node
        if isinstance(node, ast.If) and _is_for_checkers(node.test):
            queue += node.orelse
        else:
            queue += ast.iter_child_nodes(node)


def _is_for_checkers(test: ast.expr) -> bool:
    match test:
        case ast.Name(id="TYPE_CHECKING") | ast.Attribute(attr="TYPE_CHECKING"):
            return True
    return False


def _imported_by(node: ast.AST, package: str) -> Iterator[str]:
    match node:
        case ast.Import(names=aliases):
            yield from (alias.name for alias in aliases)
        case ast.ImportFrom(module=module, names=aliases, level=level):
            base = _resolved(module or "", level, package)
            if base:
                yield base
                yield from (f"{base}.{alias.name}" for alias in aliases)
        case ast.Call(
            func=ast.Name(id="import_module" | "__import__") | ast.Attribute(attr="import_module" | "__import__"),
            args=[ast.Constant(value=str(name)), *_],
        ):
            bare = name.lstrip(".")
            base = _resolved(bare, len(name) - len(bare), package)
            if base:
                yield base


def _resolved(name: str, level: int, package: str) -> str:
    """The absolute name that a relative one means; empty where it leads out of the outermost package."""
    if not level:
        return name
    around = package.split(".") if package else []
    if level > len(around):
        return ""
    return ".".join([*around[: len(around) - level + 1], *([name] if name else [])])


def _with_parents(name: str) -> Iterator[str]:
    while name:
        yield name
        name = name.rpartition(".")[0]
