"""The page of all settings, ``docs/settings.md``, made from their declarations.

``python -m yummy.settings_page > docs/settings.md`` writes it anew; a test holds the two together.
"""

import sys
from enum import StrEnum
from pathlib import Path
from typing import Any

import attrs

from yummy.setting import DOC
from yummy.settings import KIB, MIB, Settings

_INTRODUCTION = """\
# Settings

Each setting can be given, from the strongest to the weakest,

1. on the command line, where `python -m yummy serve --help` shows an option for it,
2. in the environment (`BIND_PORT=9091`),
3. in a file `.env` in the working directory (a line `BIND_PORT=9091`),
4. in a file `yummy.toml` in the working directory (a line `bind_port = 9091`, at the top or under `[yummy]`),
5. by its default.

An empty value in the environment or in `.env` counts as not given. A value that is not usable, a misspelt name in
`yummy.toml`, and a name in the environment or in `.env` that is close to a setting's are reported all at once, and
the server does not start. Times are in seconds and may have decimals; sizes are in bytes.

Without settings the server runs in development mode, for this machine only. Before others can connect (another
`BIND_IP` than loopback) and with `YUMMY_ENV=production`, it wants an `INTEGRATION_KEY` and a `SALT_KEY` of your own.
`python3 -c 'import secrets; print(secrets.token_urlsafe(48))'` makes one.
"""

#: Each section of the page begins with a field.
_SECTIONS = {
    "yummy_env": "Running",
    "bind_ip": "Listening",
    "heartbeat_interval": "Connections",
    "salt_key": "Accounts and sessions",
    "max_rooms_per_user": "Rooms",
    "database_path": "Storage",
    "default_python_files_path": "Hook scripts",
}


def settings_page() -> str:
    """The page, in Markdown."""
    lines = [_INTRODUCTION]
    for field in attrs.fields(Settings):
        if field.name in _SECTIONS:
            start = "" if len(lines) == 1 else "\n"
            lines.append(f"{start}## {_SECTIONS[field.name]}\n\n| setting | default | meaning |\n|---|---|---|\n")
        lines.append(f"| `{field.name.upper()}` | {_shown(field)} | {field.metadata[DOC]} |\n")
    return "\n".join(lines[:1]) + "\n" + "".join(lines[1:])


def _shown(field: "attrs.Attribute[Any]") -> str:
    """A default as one would write it down."""
    match field.default:
        case "" | () | None:
            return ""
        case bool():
            return "`on`" if field.default else "`off`"
        case int() if field.default % MIB == 0 and field.default:
            return f"`{field.default}` ({field.default // MIB} MiB)"
        case int() if field.default % KIB == 0 and field.name.endswith("bytes"):
            return f"`{field.default}` ({field.default // KIB} KiB)"
        case float():
            return f"`{field.default:g}`"
        case StrEnum() | Path() | str() | int():
            return f"`{field.default}`"
        case other:
            raise TypeError(f"{field.name}: say here how a {type(other).__name__} is shown")


if __name__ == "__main__":
    sys.stdout.write(settings_page())
