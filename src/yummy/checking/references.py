"""Reads the texts of scripts for names that Yummy does not have, and for fields that a hook's model does not.

Owns the walk through a syntax tree: which scope a node stands in, what is caught around it, and whether it may not
run. Each node is handed on with that; `imports` looks at some of them, too.
"""

import ast
from collections.abc import Iterable, Iterator

from attrs import evolve, frozen

from yummy.checking.problems import Problem, Severity
from yummy.checking.scopes import (
    COMPREHENSIONS,
    FUNCTIONS,
    Scope,
    class_scope,
    comprehension_scope,
    function_scope,
    module_scope,
)
from yummy.checking.source import SourceFile
from yummy.checking.vocabulary import MISSING, HookModel, member, missing, public_names, suggestion
from yummy.hooks.report import Place, Trouble

#: What also catches what the key names.
_WIDER = {
    "ImportError": frozenset({"ImportError", "Exception", "BaseException"}),
    "ModuleNotFoundError": frozenset({"ModuleNotFoundError", "ImportError", "Exception", "BaseException"}),
    "AttributeError": frozenset({"AttributeError", "Exception", "BaseException"}),
}


@frozen(eq=False)
class Context:
    """Where a node stands.

    Attributes:
        scope: The scope.
        in_function: Whether it runs when a function is called, and not at import.
        is_conditional: Whether a test decides whether it runs.
        caught: The names of the exceptions that are caught around it.
    """

    scope: Scope
    in_function: bool = False
    is_conditional: bool = False
    caught: frozenset[str] = frozenset()

    def catches(self, exception: str) -> bool:
        """Whether an exception that is raised here is caught, be it as one of a wider class."""
        return not self.caught.isdisjoint(_WIDER[exception])


type Step = tuple[ast.AST, Context]


def walk(file: SourceFile) -> Iterator[Step]:
    """All nodes that may run, and where they stand; not by recursion, since a script may nest deep."""
    queue: list[Step] = [(file.tree, Context(module_scope(file.tree, file.package)))]
    while queue:
        node, context = queue.pop()
        yield node, context
        queue += _children(node, context, file.package)


def unknown_names(file: SourceFile, steps: Iterable[Step]) -> Iterator[Problem]:
    """What is used of Yummy and of models, and is not there, or not a script's to set.

    Args:
        file: The file.
        steps: Its nodes.
    """
    for node, context in steps:
        if not isinstance(node, ast.Attribute):
            continue
        owner = context.scope.resolve(node.value)
        if isinstance(owner, HookModel):
            yield from _of_model(file, node, context, owner)
        elif isinstance(node.ctx, ast.Load) and member(owner, node.attr) is MISSING:
            yield _unknown(file, node, context, owner, "name")


def _unknown(file: SourceFile, node: ast.Attribute, context: Context, owner: object, kind: str) -> Problem:
    advice = suggestion(node.attr, public_names(owner))
    return Problem(
        _severity(context), Trouble(kind, missing(owner, node.attr), _place(file, node, context), (), advice)
    )


def _of_model(file: SourceFile, node: ast.Attribute, context: Context, owner: HookModel) -> Iterator[Problem]:
    name, place = node.attr, _place(file, node, context)
    sets = not isinstance(node.ctx, ast.Load)
    if member(owner, name) is MISSING:
        yield _unknown(file, node, context, owner, "model")
    elif sets and name not in owner.settable:
        headline = f"{owner.kind.__name__}.{name} cannot be set: it says who and where, which is the server's"
        advice = "keep values of your own in variables, or in metadata"
        yield Problem(_severity(context), Trouble("model", headline, place, (), advice))
    elif owner.phase == "post" and (sets or name.startswith("set_")):
        headline = f"what a post hook sets on its model has no effect ({name})"
        yield Problem(Severity.WARNING, Trouble("model", headline, place, (), "set it in the pre hook"))


def _severity(context: Context) -> Severity:
    return Severity.WARNING if context.catches("AttributeError") else Severity.ERROR


def _place(file: SourceFile, node: ast.Attribute, context: Context) -> Place:
    """Where the last name of an attribute stands: at its end, whatever line it begins on."""
    last = ast.Name(node.attr)
    last.lineno, last.end_lineno = node.end_lineno or node.lineno, node.end_lineno
    last.end_col_offset = node.end_col_offset or 0
    last.col_offset = max(last.end_col_offset - len(node.attr.encode()), 0)
    return file.place(last, context.scope.name)


def _children(node: ast.AST, context: Context, package: str) -> Iterator[Step]:
    """The parts of a node that may run, and where they stand: some not where the node does."""
    if isinstance(node, COMPREHENSIONS):
        context = evolve(context, scope=comprehension_scope(node, context.scope))
    inner = _inner(node, context, package)
    for name, value in ast.iter_fields(node):
        inside = inner.get(name, context)
        parts = value if isinstance(value, list) else [value]
        if inside is not None:
            yield from ((part, inside) for part in parts if isinstance(part, ast.AST))


def _inner(node: ast.AST, context: Context, package: str) -> dict[str, Context | None]:
    """Where the parts stand that do not stand where the node does; None for what never runs."""
    inner: dict[str, Context | None] = {}
    if isinstance(node, FUNCTIONS):
        # Decorators, defaults and annotations belong to the scope around. What is caught there is not around a call.
        inner["body"] = Context(function_scope(node, context.scope, package), in_function=True)
        return inner
    match node:
        case ast.ClassDef():
            inner["body"] = evolve(context, scope=class_scope(node, context.scope, package))
        case ast.Try() | ast.TryStar():
            caught = frozenset(name for handler in node.handlers for name in _names(handler.type))
            inner["body"] = evolve(context, caught=context.caught | caught)
        case ast.With():
            caught = frozenset(name for item in node.items for name in _suppressed(item.context_expr))
            inner["body"] = evolve(context, caught=context.caught | caught)
        case ast.If(test=ast.Name(id="TYPE_CHECKING") | ast.Attribute(attr="TYPE_CHECKING")):
            inner["body"] = None
        case ast.If() | ast.For() | ast.AsyncFor() | ast.While() | ast.Match():
            perhaps = evolve(context, is_conditional=True)
            inner |= {"body": perhaps, "orelse": perhaps, "cases": perhaps}
    return inner


def _names(node: ast.expr | None) -> Iterator[str]:
    """The names of exceptions that an ``except`` names; without any it catches all."""
    if node is None:
        yield "BaseException"
        return
    for part in node.elts if isinstance(node, ast.Tuple) else [node]:
        match part:
            case ast.Name(id=name) | ast.Attribute(attr=name):
                yield name


def _suppressed(node: ast.expr) -> Iterator[str]:
    match node:
        case ast.Call(func=ast.Name(id="suppress") | ast.Attribute(attr="suppress"), args=exceptions):
            for exception in exceptions:
                yield from _names(exception)
