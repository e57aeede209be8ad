"""Reads a function of a script for the statements that hand a model on. Runs inside the hook interpreter.

Owns what that means in Python's syntax: ``messages['x'] = model`` and ``kept.append([model])``, and not
``model.email``. It knows which variable holds the model, and says how well each statement fits.
"""

import ast
from collections.abc import Iterator, Sequence

from attrs import define, field

from yummy.hooks.wording import Holder

type Function = ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda
FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)

#: Functions that look at what they are given, and keep nothing.
_LOOKING = frozenset(
    {"print", "isinstance", "id", "type", "str", "repr", "bool", "len", "hasattr", "getattr", "vars", "dir"}
)

# How well a statement fits, in a hook itself or in a function that it may call.
_NAMES_ROOT, NAMES_PATH, _HANDS_ON, _ALIAS, _MENTIONS, _NAMED = 8.0, 6.0, 3.0, 2.0, 1.5, 1.0
NAMES_KEY = 0.5


@define
class Claim:
    """A statement, or the head of one, and how well it fits."""

    score: float
    filename: str
    start: ast.stmt
    end: ast.AST
    function: str


@define
class Reading:
    """One function, read for the statements that hand a model on.

    Attributes:
        filename: Where it stands.
        holder: What holds the model.
        name: The function's name.
        carriers: Variables that are the model, or hold it.
        called: Gets the names of functions that are given one of them.
    """

    filename: str
    holder: Holder
    name: str
    carriers: set[str]
    called: set[str] = field(factory=set)

    def function(self, function: Function) -> Iterator[Claim]:
        """What claims to be the statement, in the order in which they stand."""
        if isinstance(function, ast.Lambda):
            return self._body([ast.copy_location(ast.Expr(function.body), function.body)])
        return self._body(function.body)

    def _body(self, body: Sequence[ast.stmt]) -> Iterator[Claim]:
        for statement in body:
            if isinstance(statement, (*FUNCTIONS, ast.ClassDef)):
                yield from self._body(statement.body)
                if self._captures(statement):
                    self.carriers.add(statement.name)
                continue
            head = _head(statement)
            claim = self._claim(statement, head) if head else None
            if claim is not None:
                yield claim
            for inner in _bodies(statement):
                if isinstance(inner, ast.ExceptHandler) and inner.name is not None:
                    self.carriers.add(inner.name)  # its traceback holds the frame, and so the model
                yield from self._body(inner.body)

    def _claim(self, statement: ast.stmt, head: list[ast.AST]) -> Claim | None:
        hands = any(self._hands_on(part) for part in head)
        names = {name for part in head for name in _names(part)}
        names_root = bool(self.holder.names) and self.holder.names[0] in names
        if hands:
            self.called |= {name for part in head for name in _called(part)}
            if (self._renames(statement) or isinstance(statement, ast.Return)) and not names_root:
                return Claim(_ALIAS, self.filename, statement, head[-1], self.name)
            score = _NAMES_ROOT if names_root else _HANDS_ON
            if not names_root and not names.isdisjoint(self.holder.names):
                score = NAMES_PATH
        elif names_root:
            score = _NAMED if names.isdisjoint(self.carriers) else _MENTIONS
        else:
            return None
        if any(_is_key(node, self.holder.keys) for part in head for node in ast.walk(part)):
            score += NAMES_KEY
        return Claim(score, self.filename, statement, head[-1], self.name)

    def _renames(self, statement: ast.stmt) -> bool:
        """Whether a statement only gives the model another name, which then carries it, too."""
        targets: list[ast.expr] = []
        if isinstance(statement, ast.Assign):
            targets = statement.targets
        elif isinstance(statement, ast.AnnAssign | ast.AugAssign | ast.For):
            targets = [statement.target]
        elif isinstance(statement, ast.With):
            targets = [item.optional_vars for item in statement.items if item.optional_vars is not None]
        names = {node.id for target in targets for node in ast.walk(target) if isinstance(node, ast.Name)}
        if not targets or not all(isinstance(target, ast.Name) for target in targets):
            return False
        self.carriers |= names
        return True

    def _hands_on(self, node: ast.AST) -> bool:
        """Whether an expression or simple statement passes on what carries the model, not merely a value of it."""
        match node:
            case ast.Name():
                found = node.id in self.carriers and isinstance(node.ctx, ast.Load)
            case ast.Attribute(value=ast.Name(id=name), attr=attribute):
                # A method that is not called is bound to the model.
                found = name in self.carriers and attribute.startswith(("get_", "set_"))
            case ast.Call(func=ast.Attribute(value=ast.Name())):
                found = any(map(self._hands_on, [*node.args, *node.keywords]))
            case ast.Compare() | ast.JoinedStr() | ast.UnaryOp() | ast.Delete() | ast.Assert():
                found = False
            case ast.Lambda():
                found = self._captures(node)
            case _:
                looks = isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in _LOOKING
                found = not looks and any(map(self._hands_on, ast.iter_child_nodes(node)))
        return found

    def _captures(self, function: ast.AST) -> bool:
        """Whether a function mentions what carries the model: then it holds it as long as itself is held."""
        return any(isinstance(node, ast.Name) and node.id in self.carriers for node in ast.walk(function))


def _head(statement: ast.stmt) -> list[ast.AST]:
    """What a statement does itself: all of a simple one, and of one with a body what stands before it."""
    match statement:
        case ast.If() | ast.While():
            return [statement.test]
        case ast.For() | ast.AsyncFor():
            return [statement.iter]
        case ast.With() | ast.AsyncWith():
            return [*statement.items[:-1], statement.items[-1].context_expr]
        case ast.Match():
            return [statement.subject]
        case ast.Try() | ast.TryStar():
            return []
        case _:
            return [statement]


@define
class _Body:
    """The statements of a branch that has no syntax of its own."""

    body: list[ast.stmt]


def _bodies(statement: ast.stmt) -> "list[_Body | ast.ExceptHandler | ast.match_case]":
    """What stands within a statement, in order."""
    first = [_Body(getattr(statement, "body", []))]
    middle = [*getattr(statement, "handlers", []), *getattr(statement, "cases", [])]
    last = [_Body(getattr(statement, name, [])) for name in ("orelse", "finalbody")]
    return [*first, *middle, *last]


def _names(node: ast.AST) -> Iterator[str]:
    for part in ast.walk(node):
        if isinstance(part, ast.Name):
            yield part.id
        elif isinstance(part, ast.Attribute):
            yield part.attr


def _called(node: ast.AST) -> Iterator[str]:
    for part in ast.walk(node):
        if isinstance(part, ast.Call):
            yield from (name for name in _names(part.func))


def _is_key(node: ast.AST, keys: tuple[object, ...]) -> bool:
    if not isinstance(node, ast.Constant) or type(node.value) not in {str, int}:
        return False
    return any(type(key) is type(node.value) and key == node.value for key in keys)
