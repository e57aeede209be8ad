"""Tables of the hooks for the documentation, made from the models themselves.

The page for authors holds what `reference_table` gives, and a test holds the two together.
"""

import types
from typing import Any, get_type_hints

import attrs

from yummy.fields import SETTABLE
from yummy.model import HOOK_MODELS, Model


def reference_table() -> str:
    """All hooks, their models and fields, as a Markdown table; fields that a script may set are bold."""
    common = {field.name for field in attrs.fields(Model)}
    rows = ["| hooks | model | fields beside `user_id`, `session_id`, **`request_id`** |", "|---|---|---|"]
    for name, model in HOOK_MODELS.items():
        hints = get_type_hints(model)
        fields = [_shown(field, hints[field.name]) for field in attrs.fields(model) if field.name not in common]
        rows.append(f"| `pre_{name}`, `post_{name}` | `{model.__name__}` | {', '.join(fields)} |")
    return "\n".join(rows)


def _shown(field: "attrs.Attribute[Any]", hint: Any) -> str:
    name = f"`{field.name}`"
    kind = _kind(hint).replace("|", "\\|")
    return f"{f'**{name}**' if field.metadata.get(SETTABLE) else name} {kind}"


def _kind(hint: Any) -> str:
    if hasattr(hint, "__value__"):
        return _kind(hint.__value__)
    if isinstance(hint, types.UnionType):
        parts = [part for part in hint.__args__ if part is not types.NoneType]
        return " | ".join(map(_kind, parts)) + " or None"
    if isinstance(hint, types.GenericAlias):
        return str(hint).replace("typing.", "")
    return "anything" if hint is Any else str(hint.__name__)
