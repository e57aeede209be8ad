"""The reference for authors of scripts, ``docs/reference.md``, made from the models and the API themselves.

``python -m yummy.reference_page > docs/reference.md`` writes it anew; a test holds the two together. Owns the layout;
the words that no type tells are in `reference_notes`.
"""

import inspect
import re
import sys
import types
from collections.abc import Callable, Iterator
from enum import IntEnum
from types import ModuleType
from typing import Any, get_type_hints

import attrs

import yummy
from yummy import constants, room, user
from yummy.fields import SETTABLE
from yummy.hooks.calls import KIB, MIB, HookLimits
from yummy.hooks.failure import CODE_LENGTH, MESSAGE_LENGTH
from yummy.hooks.keep import State
from yummy.hooks.signatures import HOOK_ARGUMENTS
from yummy.model import HOOK_MODELS, Model
from yummy.reference_notes import ABOUT_FUNCTIONS, ABOUT_LOADING, ABOUT_MODELS, FIELDS, REPORTS

_INTRODUCTION = """\
# Reference for hook scripts

Every hook, model, function, error and constant. How they belong together is told by the [guide](hooks.md).

```python
from yummy import constants, fail, model, room, state, user
```

These are real modules with types: an editor completes them, and a type checker checks a script that says
`def pre_play(model: model.Play)`.
"""

_ABOUT_FIELDS = """\
Each field is an attribute and has accessors: `model.name`, `model.get_name()`, `model.set_name(...)`. What pre can set
is marked; the rest says who and where, or is made by the server, and cannot be set. A value that does not fit raises
`TypeError` or `ValueError`, which names the field.
"""

_ABOUT_ANSWERS = """\
`fail` is no report: the client hears its code, `hook_failed` if none is given. Where too many hook calls wait
(`HOOK_QUEUE`), the client hears `busy`, and nothing was run.
"""

#: Bounds that no setting changes, as fields of `HookLimits`.
_FIXED = ("meta_key_bytes", "meta_value_bytes", "message_bytes", "log_line_bytes", "log_lines")


def reference_page() -> str:
    """The page, in Markdown."""
    return "\n".join(
        [
            _INTRODUCTION,
            *_hooks(),
            ABOUT_MODELS,
            ABOUT_LOADING,
            ABOUT_FUNCTIONS,
            *_module(room),
            *_module(user),
            *_failures(),
            *_constants(),
            *_reports(),
            *_bounds(),
        ]
    )


def _hooks() -> Iterator[str]:
    yield "## Hooks and their models\n\n| hooks | model |\n|---|---|"
    for name, model in HOOK_MODELS.items():
        title = model.__name__
        yield f"| `pre_{name}`, `post_{name}` | [`{title}`](#{title.lower()}) |"
    yield f"\n{_ABOUT_FIELDS}"
    yield "### Every model\n"
    yield from _fields(Model, inherited=True)
    for name, model in HOOK_MODELS.items():
        yield f"### {model.__name__}\n\n{_call(f'pre_{name}')}, {_call(f'post_{name}')}. {_markdown(_doc(model))}\n"
        yield from _fields(model, inherited=False)


def _call(hook: str) -> str:
    return f"`{hook}({', '.join(HOOK_ARGUMENTS[hook])})`"


def _fields(model: type[Model], *, inherited: bool) -> Iterator[str]:
    common = {field.name for field in attrs.fields(Model)}
    hints = get_type_hints(model)
    accessors = _accessors(model)
    rows = []
    for field in attrs.fields(model):
        words = FIELDS.get(f"{model.__name__}.{field.name}")
        if field.name in common and not inherited and words is None:
            continue
        settable = "yes" if field.metadata.get(SETTABLE) else ""
        methods = ", ".join(f"`{method}`" for method in accessors[field.name])
        kind = _kind(hints[field.name]).replace("|", "\\|")
        rows.append(f"| `{field.name}` | {kind} | {settable} | {words or FIELDS[field.name]} | {methods} |")
    if rows:
        yield "| field | type | set by pre | what it holds | accessors |\n|---|---|---|---|---|"
        yield from rows
        yield ""


def _accessors(model: type[Model]) -> dict[str, list[str]]:
    """The methods of each field; each says in its docstring which field it is for."""
    found: dict[str, list[str]] = {field.name: [] for field in attrs.fields(model)}
    for base in reversed(model.__mro__):
        for name, method in vars(base).items():
            named = re.match(r"(?:Return|Set) ``(\w+)``", getattr(method, "__doc__", None) or "")
            if name.startswith(("get_", "set_")) and named:
                found[named[1]].append(name)
    return found


def _kind(hint: Any) -> str:
    """A type as one would say it."""
    if hasattr(hint, "__value__"):
        return _kind(hint.__value__)
    if isinstance(hint, types.UnionType):
        parts = [part for part in hint.__args__ if part is not types.NoneType]
        return " | ".join(map(_kind, parts)) + " or None"
    if isinstance(hint, types.GenericAlias):
        return str(hint).replace("typing.", "")
    return "anything" if hint is Any else str(hint.__name__)


def _module(module: ModuleType) -> Iterator[str]:
    """The functions of a module of the API, and what they give."""
    yield f"## `{module.__name__}`\n\n{_markdown(_doc(module))}\n"
    own = [value for value in vars(module).values() if getattr(value, "__module__", None) == module.__name__]
    for value in own:
        if inspect.isfunction(value) and not value.__name__.startswith("_"):
            yield from _function(value, f"{module.__name__.rpartition('.')[2]}.")
    for value in own:
        if attrs.has(value):
            yield from _record(value)


def _function(function: Callable[..., Any], prefix: str = "") -> Iterator[str]:
    yield f"### `{prefix}{function.__name__}`\n\n```python\n{function.__name__}{_signature(function)}\n```\n"
    yield _markdown(_doc(function)) + "\n"


def _signature(function: Callable[..., Any]) -> str:
    signature = inspect.signature(function)
    parameters = [
        f"{parameter.name}: {_annotation(parameter.annotation)}"
        + ("" if parameter.default is parameter.empty else f" = {_default(parameter.default)}")
        for parameter in signature.parameters.values()
    ]
    return f"({', '.join(parameters)}) -> {_annotation(signature.return_annotation)}"


def _annotation(annotation: Any) -> str:
    return re.sub(r"\b(typing|yummy\.\w+)\.", "", inspect.formatannotation(annotation))


def _default(value: Any) -> str:
    if isinstance(value, IntEnum):
        return f"constants.{_names_of(value)[0]}"
    return f'"{value}"' if isinstance(value, str) else repr(value)


def _record(kind: type[attrs.AttrsInstance]) -> Iterator[str]:
    """What a function gives, with its fields and properties."""
    summary, sections = _parts(_doc(kind))
    words = dict(_entries(sections.get("Attributes", "")))
    yield f"### `{kind.__name__}`\n\n{_markdown(summary)}\n\n| field | type | |\n|---|---|---|"
    hints = get_type_hints(kind)
    for field in attrs.fields(kind):
        shown = _annotation(hints[field.name]).replace("|", "\\|")
        yield f"| `{field.name}` | {shown} | {_line(words.get(field.name, ''))} |"
    for name, value in vars(kind).items():
        if isinstance(value, property):
            shown = _annotation(get_type_hints(value.fget)["return"])
            yield f"| `{name}` | {shown} | {_line(_doc(value))} |"
    yield ""


def _failures() -> Iterator[str]:
    yield "## `fail`, `state` and exceptions\n"
    yield from _function(yummy.fail)
    yield f"At most {MESSAGE_LENGTH} characters of the message and {CODE_LENGTH} of the code reach the client.\n"
    yield f"### `state`\n\n{_markdown(_doc(State))}\n"
    for error in (yummy.HookFailure, yummy.HookTimeout, yummy.RetainedModelError, yummy.SandboxError):
        base = error.__bases__[0].__name__
        yield f"### `{error.__name__}`\n\nA `{base}`. {_markdown(_doc(error))}\n"
    yield "`YummyValidationError` is another name of `HookFailure`; `MetaType` is the type of a metadata value.\n"


def _constants() -> Iterator[str]:
    yield f"## `{constants.__name__}`\n"
    kinds = [value for value in vars(constants).values() if inspect.isclass(value) and issubclass(value, IntEnum)]
    for kind in kinds:
        if kind is IntEnum:
            continue
        yield f"{_markdown(_doc(kind))}\n\n| constant | value | other names |\n|---|---|---|"
        for member in kind:
            name, *others = _names_of(member)
            yield f"| `{name}` | {member.value} | {', '.join(f'`{other}`' for other in others)} |"
        yield ""


def _names_of(member: IntEnum) -> list[str]:
    """The names of a constant at the top of the module, the first one first."""
    return [name for name, value in vars(constants).items() if value is member]


def _reports() -> Iterator[str]:
    yield "## Reports\n\n| kind | what happened | the client hears |\n|---|---|---|"
    for kind, (words, code) in REPORTS.items():
        yield f"| `{kind}` | {words} | {f'`{code}`' if code else 'nothing'} |"
    yield f"\n{_ABOUT_ANSWERS}"


def _bounds() -> Iterator[str]:
    _, sections = _parts(_doc(HookLimits))
    words = dict(_entries(sections["Attributes"]))
    yield "## Bounds\n\nThese are fixed; the others are [settings](settings.md#hook-scripts).\n\n| | bound |\n|---|---|"
    for field in attrs.fields(HookLimits):
        if field.name in _FIXED:
            yield f"| {_line(words[field.name])} | {_size(field.default)} |"


def _size(number: Any) -> str:
    for unit, name in ((MIB, "MiB"), (KIB, "KiB")):
        if number % unit == 0:
            return f"{number // unit} {name}"
    return str(number)


def _doc(thing: Any) -> str:
    return inspect.getdoc(thing) or ""


def _parts(doc: str) -> tuple[str, dict[str, str]]:
    """A docstring's text, and its sections by their titles."""
    text, *rest = re.split(r"^(Args|Attributes|Returns|Raises):\n", doc, flags=re.MULTILINE)
    return text.strip(), {title: inspect.cleandoc(body) for title, body in zip(rest[::2], rest[1::2], strict=True)}


def _entries(body: str) -> Iterator[tuple[str, str]]:
    """The entries of a section, ``name: what is said of it``; what is indented goes on."""
    for entry in re.split(r"\n(?=\S)", body):
        name, _, words = entry.partition(": ")
        if words:
            yield name, " ".join(words.split())


def _markdown(doc: str) -> str:
    text, sections = _parts(doc)
    paragraphs = [_line(paragraph) for paragraph in text.split("\n\n")]
    for title, body in sections.items():
        entries = [f"- `{name}`: {_line(words)}" for name, words in _entries(body)]
        if title in {"Args", "Attributes"}:
            paragraphs.append("\n".join(entries))
        elif title == "Raises":
            paragraphs.append("Raises\n\n" + "\n".join(entries))
        else:
            paragraphs.append(f"Returns {_lower(_line(body))}")
    return "\n\n".join(paragraphs)


def _line(text: str) -> str:
    return " ".join(text.split()).replace("``", "`")


def _lower(text: str) -> str:
    return text[:1].lower() + text[1:]


if __name__ == "__main__":
    sys.stdout.write(reference_page())
