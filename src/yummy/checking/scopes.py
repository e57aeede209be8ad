"""Which names a scope of a script binds, and what they mean: Python's rules of scopes, as far as a check needs them.

Owns the doubt: a name that is bound more than once, or from afar, may be anything, and nothing is said of it. What a
script takes from Yummy is known, and so is the model of a hook.
"""

import ast
from collections.abc import Iterable, Iterator
from importlib.util import resolve_name
from typing import Any

from attrs import define

import yummy
from yummy.checking.vocabulary import MISSING, UNKNOWN, HookModel, member, module_named
from yummy.hooks.signatures import HOOK_ARGUMENTS
from yummy.model import HOOK_MODELS

type Function = ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda
type Comprehension = ast.ListComp | ast.SetComp | ast.DictComp | ast.GeneratorExp
type Binding = tuple[str, Any]

FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)
COMPREHENSIONS = (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)

#: Stands for all names: ``from rules import *`` may bind any.
ANY = "*"


@define(eq=False)
class Scope:
    """Names and what they mean.

    Attributes:
        meanings: Of each name that is bound here.
        around: The scope around it; None for a module.
        name: The function, as reports name it; empty for a module.
        is_class: Whether functions in it do not see its names.
        volatile: Names that functions bind in scopes around them.
    """

    meanings: dict[str, Any]
    around: "Scope | None" = None
    name: str = ""
    is_class: bool = False
    volatile: frozenset[str] = frozenset()

    def meaning(self, name: str) -> Any:
        """What a name means in this scope; `UNKNOWN` where that depends on what runs."""
        scope: Scope | None = self
        while scope is not None:
            if name in scope.volatile or ANY in scope.meanings:
                return UNKNOWN
            if name in scope.meanings and (scope is self or not scope.is_class):
                return scope.meanings[name]
            scope = scope.around
        return UNKNOWN

    def resolve(self, node: ast.expr) -> Any:
        """What an expression means: a name, or attributes of one."""
        names: list[str] = []
        while isinstance(node, ast.Attribute):
            names.append(node.attr)
            node = node.value
        found = self.meaning(node.id) if isinstance(node, ast.Name) else UNKNOWN
        for name in reversed(names):
            found = member(found, name)
            if found is MISSING:
                return UNKNOWN  # that is said where it is missing
        return found


def module_scope(tree: ast.Module, package: str) -> Scope:
    """The scope of a module."""
    volatile: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Global | ast.Nonlocal):
            volatile.update(node.names)
    return Scope(_merged(bindings(tree.body, package)), volatile=frozenset(volatile))


def function_scope(function: Function, around: Scope, package: str) -> Scope:
    """The scope of a function; of a hook, the model is known."""
    body = [ast.Expr(function.body)] if isinstance(function, ast.Lambda) else function.body
    own = getattr(function, "name", "<lambda>")
    name = f"{around.name}.{own}" if around.name else own
    bound = _merged([*((argument.arg, UNKNOWN) for argument in _arguments(function)), *bindings(body, package)])
    if around.around is None and isinstance(function, ast.FunctionDef):
        found = _hook_model(function)
        if found is not None and not any(name == found[0] for name, _ in bindings(body, package)):
            bound[found[0]] = found[1]
    return Scope(bound, around, name)


def class_scope(node: ast.ClassDef, around: Scope, package: str) -> Scope:
    """The scope of a class's body."""
    name = f"{around.name}.{node.name}" if around.name else node.name
    return Scope(_merged(bindings(node.body, package)), around, name, is_class=True)


def comprehension_scope(node: Comprehension, around: Scope) -> Scope:
    """The scope of a comprehension. Its first iterable stands outside in truth; here less is known of it, at worst."""
    names = (
        name.id
        for generator in node.generators
        for name in ast.walk(generator.target)
        if isinstance(name, ast.Name) and isinstance(name.ctx, ast.Store)
    )
    return Scope(dict.fromkeys(names, UNKNOWN), around, around.name)


def bindings(statements: Iterable[ast.AST], package: str) -> Iterator[Binding]:
    """The names that statements bind in the scope that they stand in, and what each means then."""
    queue = list(statements)
    while queue:
        node = queue.pop()
        match node:
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
                yield name, UNKNOWN
                continue
            case ast.Lambda():
                continue
            case ast.ListComp() | ast.SetComp() | ast.DictComp() | ast.GeneratorExp():
                inner = (part.target for part in ast.walk(node) if isinstance(part, ast.NamedExpr))
                yield from ((target.id, UNKNOWN) for target in inner)
                continue
            case ast.Import() | ast.ImportFrom():
                yield from _imported(node, package)
            case ast.Name(id=name, ctx=ast.Store() | ast.Del()):
                yield name, UNKNOWN
            case ast.ExceptHandler(name=str(name)) | ast.MatchAs(name=str(name)) | ast.MatchStar(name=str(name)):
                yield name, UNKNOWN
            case ast.MatchMapping(rest=str(name)):
                yield name, UNKNOWN
        queue += ast.iter_child_nodes(node)


def absolute(node: ast.ImportFrom, package: str) -> str:
    """The module that names are imported from; empty where that leads out of the outermost package."""
    try:
        return resolve_name("." * node.level + (node.module or ""), package)
    except ImportError:
        return ""


def _imported(node: ast.Import | ast.ImportFrom, package: str) -> Iterator[Binding]:
    if isinstance(node, ast.Import):
        for alias in node.names:
            name = alias.name if alias.asname else alias.name.partition(".")[0]
            yield alias.asname or name, module_named(name)
        return
    base = absolute(node, package)
    source = module_named(base)
    for alias in node.names:
        if alias.name == ANY and source is yummy:
            yield from ((name, member(yummy, name)) for name in yummy.__all__)
        elif alias.name == ANY and source is not UNKNOWN:
            yield from ((name, member(source, name)) for name in vars(source) if not name.startswith("_"))
        else:
            meaning = module_named(f"{base}.{alias.name}")
            yield alias.asname or alias.name, member(source, alias.name) if meaning is UNKNOWN else meaning


def _merged(bound: Iterable[Binding]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, meaning in bound:
        found[name] = UNKNOWN if meaning is MISSING or found.get(name, meaning) is not meaning else meaning
    return found


def _arguments(function: Function) -> Iterator[ast.arg]:
    arguments = function.args
    yield from (*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs)
    yield from (one for one in (arguments.vararg, arguments.kwarg) if one is not None)


def _hook_model(function: ast.FunctionDef) -> tuple[str, HookModel] | None:
    """The parameter that is the model, if the function is called as it stands and does not ask what it was given."""
    parameters = [*function.args.posonlyargs, *function.args.args]
    if function.name not in HOOK_ARGUMENTS or function.decorator_list or not parameters:
        return None
    name = parameters[0].arg
    for node in ast.walk(function):
        match node:
            case ast.Call(func=ast.Name(id="hasattr" | "isinstance"), args=[ast.Name(id=asked), *_]) if asked == name:
                return None
    phase, _, hook = function.name.partition("_")
    return name, HookModel(HOOK_MODELS[hook], phase)
