"""Turns exceptions of scripts into troubles that name the script's own lines. Runs inside the hook interpreter.

Owns the texts of the scripts as they were loaded, since the files may have changed by the time a line is quoted.
Frames of Yummy and of libraries are left out: an author can change none of them.

An exception may be of a script's own class, each of whose attributes and methods may raise anything, `SystemExit`
too. So it is asked as what Python itself made it, and what only the class can answer (its text) may fail.
"""

import traceback
from types import CodeType, TracebackType

from attrs import define, field

from yummy.hooks.failure import HookFailure, HookTimeout
from yummy.hooks.report import Place, Trouble
from yummy.hooks.sandbox import SandboxError

# Read as Python keeps them, whatever properties of that name a script's class has.
_traceback_of = vars(BaseException)["__traceback__"].__get__
_cause_of = vars(BaseException)["__cause__"].__get__
_context_of = vars(BaseException)["__context__"].__get__
_is_context_hidden = vars(BaseException)["__suppress_context__"].__get__
_class_name = vars(type)["__name__"].__get__

#: What to do about an exception, the first that fits.
_ADVICE: tuple[tuple[tuple[type[BaseException], ...], str], ...] = (
    ((ModuleNotFoundError,), "correct the name, or install the module where the server's Python finds it"),
    ((SandboxError,), "keep files in the scripts folder's data/, and let another program do what scripts may not do"),
    (
        (PermissionError,),
        "the system refuses this to the server, or the kernel refuses it to its scripts, which HOOK_SANDBOX=off lifts",
    ),
    ((RecursionError,), "a function calls itself without end: look for the missing end condition"),
    (
        (SystemExit, KeyboardInterrupt),
        "a script cannot end the server: to refuse a message, call fail() from yummy",
    ),
)


@define
class ScriptTexts:
    """The source texts of the scripts, by the file name that their code bears."""

    _files: dict[str, tuple[str, bytes]] = field(factory=dict)
    _lines: dict[str, list[str]] = field(factory=dict)

    def add(self, filename: str, path: str, text: bytes) -> None:
        """Remember a text.

        Args:
            filename: What code objects made of it call their file.
            path: Its path below the scripts folder.
            text: Its bytes.
        """
        self._files[filename] = (path, text)
        self._lines.pop(filename, None)

    def copy(self) -> "ScriptTexts":
        """A copy to go back to, should the texts that are added next come to nothing."""
        return ScriptTexts(dict(self._files), dict(self._lines))

    def restore(self, copy: "ScriptTexts") -> None:
        """Go back to what a copy holds."""
        self._files, self._lines = copy._files, copy._lines  # noqa: SLF001  # of the same class

    def path(self, filename: str) -> str | None:
        """The path below the scripts folder, or None for code that is no script's."""
        known = self._files.get(filename)
        return None if known is None else known[0]

    def text(self, filename: str) -> bytes | None:
        """The whole text, or None for code that is no script's."""
        known = self._files.get(filename)
        return None if known is None else known[1]

    def line(self, filename: str, number: int) -> str:
        """A line of a script, counted from 1; empty where there is none."""
        lines = self._lines.get(filename)
        if lines is None:
            lines = _decoded(self._files.get(filename, ("", b""))[1]).splitlines()
            self._lines[filename] = lines
        return lines[number - 1] if 0 < number <= len(lines) else ""

    def place(self, filename: str, line: int, function: str = "") -> Place | None:
        """A line of a script as a place, or None for code that is no script's."""
        path = self.path(filename)
        if path is None:
            return None
        return Place(path, line, self.line(filename, line), function=function)

    def definition(self, code: CodeType) -> Place | None:
        """Where a function of a script is defined."""
        return self.place(code.co_filename, code.co_firstlineno)


def _decoded(text: bytes) -> str:
    # A declared encoding is worth nothing but wrong letters in a quoted line; that needs no more care.
    return text.decode("utf-8-sig", "replace")


def trouble_of(error: BaseException, texts: ScriptTexts, *, hook: str) -> Trouble:
    """Describe an exception that left a script.

    Args:
        error: What was raised.
        texts: The scripts.
        hook: The function that was called, or what else ran.
    """
    path = _script_frames(_traceback_of(error), texts)
    if issubclass(type(error), HookTimeout):
        return late_trouble(hook, tuple(path))
    cause = _cause_of(error)
    if cause is None and not _is_context_hidden(error):
        cause = _context_of(error)
    headline = f"{hook} failed: {name_of(error)}"
    if cause is not None:
        headline += f" (while handling {name_of(cause)})"
    kind = "sandbox" if issubclass(type(error), SandboxError) else "error"
    return Trouble(kind, headline, path[-1] if path else None, tuple(path), _advice(error, hook), hook)


def late_trouble(hook: str, path: tuple[Place, ...]) -> Trouble:
    """Describe the interrupt of what has run too long.

    Args:
        hook: What ran.
        path: Where it was, outermost first.
    """
    setting = "HOOK_LOAD_TIMEOUT" if hook in {"import", "on_load", "on_unload"} else "HOOK_TIMEOUT"
    return Trouble(
        "timeout",
        f"{hook} was interrupted: it has run for too long ({setting})",
        path[-1] if path else None,
        path,
        "look for a loop without end, and do long work in another program: all players wait for each call of a hook",
        hook,
    )


def syntax_trouble(error: SyntaxError, texts: ScriptTexts, path: str) -> Trouble:
    """Describe a syntax error in a script."""
    filename = error.filename or ""
    line = error.lineno or 0
    source = texts.line(filename, line) or (error.text or "").rstrip("\n")
    # Python counts columns from 1, and ends them at 0 or before the start where it does not know.
    column = max((error.offset or 1) - 1, 0)
    same_line = error.end_lineno in {None, line}
    end = max((error.end_offset or 0) - 1, column + 1) if same_line else len(source)
    place = Place(path, line, source, column, end)
    return Trouble(
        "broken",
        f"{type(error).__name__}: {error.msg}",
        place,
        advice="correct the marked place and save",
    )


def name_of(error: BaseException) -> str:
    """An exception's type and text on one line, with Python's own suggestions."""
    try:
        # No stack is wanted, so none is looked up: that would read files.
        lines = traceback.TracebackException(
            type(error), error, _traceback_of(error), limit=0, lookup_lines=False
        ).format_exception_only()
        return " ".join("".join(lines).split()) or kind_of(error)
    except BaseException:  # noqa: BLE001  # the text comes from a script's class, which may raise anything
        return f"{kind_of(error)} (its text cannot be shown)"


def kind_of(value: object) -> str:
    """The name of a value's class, whatever a script made of that class."""
    return str.__str__(_class_name(type(value)))


def _script_frames(start: TracebackType | None, texts: ScriptTexts) -> list[Place]:
    places = []
    step = start
    while step is not None:
        code = step.tb_frame.f_code
        place = texts.place(code.co_filename, step.tb_lineno, code.co_qualname)
        if place is not None:
            places.append(_with_columns(place, code, step.tb_lasti))
        step = step.tb_next
    return places


def _with_columns(place: Place, code: CodeType, instruction: int) -> Place:
    positions = list(code.co_positions())
    index = instruction // 2
    if not 0 <= index < len(positions):
        return place
    line, end_line, column, end = positions[index]
    if column is None or end is None or line != place.line:
        return place
    encoded = place.source.encode()  # Python counts these columns in bytes
    first = len(encoded[:column].decode(errors="replace"))
    last = len(encoded[:end].decode(errors="replace")) if end_line == line else len(place.source)
    return Place(place.file, place.line, place.source, first, last, place.function)


def _advice(error: BaseException, hook: str) -> str:
    kind = type(error)  # by its class: `isinstance` would ask the exception itself
    if issubclass(kind, ImportError) and "subinterpreter" in name_of(error):
        return "this library cannot be used in hooks: it does not support Python's subinterpreters"
    if issubclass(kind, HookFailure) and hook == "import":
        return "call fail() in a hook, where there is a message"
    return next((advice for causes, advice in _ADVICE if issubclass(kind, causes)), "")
