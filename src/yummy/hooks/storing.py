"""Finds the line of a script that most likely kept a model. Runs inside the hook interpreter.

Owns which functions are read, and what counts more. That is a guess, since nothing watched the hook run; it is right
wherever one statement of the hook names the variable, and else as good as a reader's.
"""

import ast
from collections.abc import Iterator
from types import CodeType

from attrs import define, field

from yummy.hooks.handing import FUNCTIONS, NAMES_KEY, NAMES_PATH, Claim, Function, Reading
from yummy.hooks.report import Place
from yummy.hooks.traces import ScriptTexts
from yummy.hooks.wording import Holder

#: Bytes of a script that are read for this; one that is larger has its hooks named instead.
SOURCE_BYTES = 128 * 1024

#: What a claim of another function than the hook's is worth less.
_ELSEWHERE = -1.0


@define
class Storing:
    """Reads scripts, and remembers what it read until they change.

    Attributes:
        texts: The scripts.
    """

    texts: ScriptTexts
    _trees: dict[str, tuple[bytes, ast.Module | None]] = field(factory=dict)
    _places: dict[tuple[str, int, str], Place | None] = field(factory=dict)

    def place(self, code: CodeType | None, holder: Holder | None) -> Place | None:
        """The line that most likely kept the model.

        Args:
            code: The hook's.
            holder: What holds the model, if that is known.

        Returns:
            The hook's definition where no line of it hands the model on; None if it is no script's.
        """
        if holder is not None or code is None:
            return self._find(code, holder)
        # There may be many models in a second whose holder is not looked for.
        key = (code.co_filename, code.co_firstlineno, code.co_qualname)
        if key not in self._places:
            self._places[key] = self._find(code, None)
        return self._places[key]

    def _find(self, code: CodeType | None, holder: Holder | None) -> Place | None:
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
        self._places.clear()

    def _claims(self, code: CodeType | None, holder: Holder) -> Iterator[Claim]:
        called: set[str] = set()
        hook = None
        if code is not None:
            hook = _function_of(self._tree(code.co_filename), code)
            if hook is not None:
                reading = Reading(code.co_filename, holder, code.co_qualname, {self.parameter(code)}, called)
                yield from reading.function(hook)
        if holder.names:
            own = None if code is None else code.co_filename
            for filename in dict.fromkeys(name for name in (own, holder.filename) if name is not None):
                yield from self._claims_elsewhere(filename, holder, hook, called)

    def _claims_elsewhere(
        self, filename: str, holder: Holder, hook: Function | None, called: set[str]
    ) -> Iterator[Claim]:
        """What other functions do with what they are given, if they mention the holder by its name."""
        tree = self._tree(filename)
        for node in ast.walk(tree) if tree is not None else ():
            if isinstance(node, FUNCTIONS) and node is not hook:
                reading = Reading(filename, holder, node.name, _parameters(node))
                for claim in reading.function(node):
                    if claim.score >= NAMES_PATH:
                        claim.score += _ELSEWHERE + (NAMES_KEY if node.name in called else 0.0)
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

    def _place(self, claim: Claim) -> Place | None:
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


def _function_of(tree: ast.Module | None, code: CodeType) -> Function | None:
    if tree is None:
        return None
    for node in ast.walk(tree):
        if isinstance(node, ast.Lambda) and code.co_name == "<lambda>" and node.lineno == code.co_firstlineno:
            return node
        if isinstance(node, FUNCTIONS):
            first = min([node.lineno, *(decorator.lineno for decorator in node.decorator_list)])
            if node.name == code.co_name and first == code.co_firstlineno:
                return node
    return None


def _parameters(function: ast.FunctionDef | ast.AsyncFunctionDef) -> set[str]:
    arguments = function.args
    names = {argument.arg for argument in (*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs)}
    names |= {argument.arg for argument in (arguments.vararg, arguments.kwarg) if argument is not None}
    return names - {"self", "cls"}
