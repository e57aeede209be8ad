"""Finds the line of a script that most likely kept a model. Runs inside the hook interpreter.

Owns reading a script's syntax for this: which statements hand the bare model on (``messages['x'] = model``,
``kept.append([model])``, not ``model.email``), and which of them mention the variable that holds it. That is a
guess, since nothing watched the hook run; it is right wherever one statement of the hook names the variable, and else
as good as a reader's.
"""

import ast
from collections.abc import Iterator, Sequence
from types import CodeType

from attrs import define, field

from yummy.hooks.report import Place
from yummy.hooks.traces import ScriptTexts
from yummy.hooks.wording import Holder

#: Bytes of a script that are read for this; one that is larger has its hooks named instead.
SOURCE_BYTES = 128 * 1024

type _Function = ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda
_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)

#: Functions that look at what they are given, and keep nothing.
_LOOKING = frozenset(
    {"print", "isinstance", "id", "type", "str", "repr", "bool", "len", "hasattr", "getattr", "vars", "dir"}
)

# How well a statement fits, in a hook itself or in a function that it may call.
_NAMES_ROOT, _NAMES_PATH, _HANDS_ON, _ALIAS, _MENTIONS, _NAMED = 8.0, 6.0, 3.0, 2.0, 1.5, 1.0
_NAMES_KEY = 0.5
_ELSEWHERE = -1.0


@define
class _Claim:
    """A statement, or the head of one, and how well it fits."""

    score: float
    filename: str
    start: ast.stmt
    end: ast.AST
    function: str


@define
class Storing:
    """Reads scripts, and remembers what it read until they change.

    Attributes:
        texts: The scripts.
    """

    texts: ScriptTexts
    _trees: dict[str, tuple[bytes, ast.Module | None]] = field(factory=dict)

    def place(self, code: CodeType | None, holder: Holder | None) -> Place | None:
        """The line that most likely kept the model.

        Args:
            code: The hook's.
            holder: What holds the model, if that is known.

        Returns:
            The hook's definition where no line of it hands the model on; None if it is no script's.
        """
        claims = list(self._claims(code, holder or Holder("")))
        best = max(claims, key=lambda claim: claim.score, default=None)
        if best is not None:
            return self._place(best)
        return None if code is None else self.texts.definition(code)

    def parameter(self, code: CodeType | None) -> str:
        """What the hook calls the model."""
        return code.co_varnames[0] if code is not None and code.co_argcount else "model"

    def forget(self) -> None:
        """The scripts have changed."""
        self._trees.clear()

    def _claims(self, code: CodeType | None, holder: Holder) -> Iterator[_Claim]:
        called: set[str] = set()
        hook = None
        if code is not None:
            hook = _function_of(self._tree(code.co_filename), code)
            if hook is not None:
                reading = _Reading(code.co_filename, holder, code.co_qualname, {self.parameter(code)}, called)
                yield from reading.function(hook)
        if holder.names:
            own = None if code is None else code.co_filename
            for filename in dict.fromkeys(name for name in (own, holder.filename) if name is not None):
                yield from self._claims_elsewhere(filename, holder, hook, called)

    def _claims_elsewhere(
        self, filename: str, holder: Holder, hook: _Function | None, called: set[str]
    ) -> Iterator[_Claim]:
        """What other functions do with what they are given, if they mention the holder by its name."""
        tree = self._tree(filename)
        for node in ast.walk(tree) if tree is not None else ():
            if isinstance(node, _FUNCTIONS) and node is not hook:
                reading = _Reading(filename, holder, node.name, _parameters(node))
                for claim in reading.function(node):
                    if claim.score >= _NAMES_PATH:
                        claim.score += _ELSEWHERE + (_NAMES_KEY if node.name in called else 0.0)
                        yield claim

    def _tree(self, filename: str) -> ast.Module | None:
        text = self.texts.text(filename)
        if text is None or len(text) > SOURCE_BYTES:
            return None
        known = self._trees.get(filename)
        if known is None or known[0] is not text:
            try:
                known = (text, ast.parse(text))
            except (SyntaxError, ValueError, RecursionError, MemoryError):
                known = (text, None)
            self._trees[filename] = known
        return known[1]

    def _place(self, claim: _Claim) -> Place | None:
        line = claim.start.lineno
        place = self.texts.place(claim.filename, line, claim.function)
        if place is None:
            return None
        encoded = place.source.encode()  # Python counts columns in bytes
        column = len(encoded[: claim.start.col_offset].decode(errors="replace"))
        end = len(place.source.rstrip())
        if getattr(claim.end, "end_lineno", None) == line:
            end = len(encoded[: claim.end.end_col_offset].decode(errors="replace"))  # type: ignore[attr-defined]  # has lines, so columns
        return Place(place.file, line, place.source, column, end, place.function)


@define
class _Reading:
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

    def function(self, function: _Function) -> Iterator[_Claim]:
        """What claims to be the statement, in the order in which they stand."""
        if isinstance(function, ast.Lambda):
            return self._body([ast.copy_location(ast.Expr(function.body), function.body)])
        return self._body(function.body)

    def _body(self, body: Sequence[ast.stmt]) -> Iterator[_Claim]:
        for statement in body:
            if isinstance(statement, (*_FUNCTIONS, ast.ClassDef)):
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

    def _claim(self, statement: ast.stmt, head: list[ast.AST]) -> _Claim | None:
        hands = any(self._hands_on(part) for part in head)
        names = {name for part in head for name in _names(part)}
        names_root = bool(self.holder.names) and self.holder.names[0] in names
        if hands:
            self.called |= {name for part in head for name in _called(part)}
            if (self._renames(statement) or isinstance(statement, ast.Return)) and not names_root:
                return _Claim(_ALIAS, self.filename, statement, head[-1], self.name)
            score = _NAMES_ROOT if names_root else _HANDS_ON
            if not names_root and not names.isdisjoint(self.holder.names):
                score = _NAMES_PATH
        elif names_root:
            score = _NAMED if names.isdisjoint(self.carriers) else _MENTIONS
        else:
            return None
        if any(_is_key(node, self.holder.keys) for part in head for node in ast.walk(part)):
            score += _NAMES_KEY
        return _Claim(score, self.filename, statement, head[-1], self.name)

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


def _function_of(tree: ast.Module | None, code: CodeType) -> _Function | None:
    if tree is None:
        return None
    for node in ast.walk(tree):
        if isinstance(node, ast.Lambda) and code.co_name == "<lambda>" and node.lineno == code.co_firstlineno:
            return node
        if isinstance(node, _FUNCTIONS):
            first = min([node.lineno, *(decorator.lineno for decorator in node.decorator_list)])
            if node.name == code.co_name and first == code.co_firstlineno:
                return node
    return None


def _parameters(function: ast.FunctionDef | ast.AsyncFunctionDef) -> set[str]:
    arguments = function.args
    names = {argument.arg for argument in (*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs)}
    names |= {argument.arg for argument in (arguments.vararg, arguments.kwarg) if argument is not None}
    return names - {"self", "cls"}


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
