"""The commands ``python -m yummy user ...``: operators look after accounts, on the database itself."""
# ruff: noqa: PLC0415  # imports stay inside the commands, as in `yummy.cli`

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import click

from yummy.cli_parts import complain, database_option, database_setting, load

if TYPE_CHECKING:
    from yummy.core.values import Account

_USER_TYPES = {"user": 1, "moderator": 2, "admin": 3, "1": 1, "2": 2, "3": 3}
#: Characters of one cell of a table; what is longer is cut.
_CELL_MAX = 40

_TYPE = click.Choice(list(_USER_TYPES), case_sensitive=False)
_format_option = click.option(
    "--format", "form", type=click.Choice(["text", "json"]), default="text", help="For people or programs."
)
_user_argument = click.argument("user", metavar="USER")


@click.group()
def user() -> None:
    """Look after accounts.

    USER is an id, an e-mail address, a device id or a custom id. All of it works on the database itself, whether a
    server runs or not; a running server follows within a second or two.
    """


@user.command("list")
@click.option("--type", "user_type", metavar="TYPE", type=_TYPE, help="Only user, moderator or admin (or 1, 2, 3).")
@click.option("--text", metavar="TEXT", help="Only users in whose id, name, e-mail, device or custom id it occurs.")
@click.option("--limit", default=50, show_default=True, type=click.IntRange(1, 1000), help="Users of one page.")
@click.option("--page", default=1, show_default=True, type=click.IntRange(1), help="Which page.")
@_format_option
@database_option
def list_(*, user_type: str | None, text: str | None, limit: int, page: int, form: str, database: str | None) -> None:
    """List users, the newest first."""
    settings = load(database_setting(database))

    from yummy.store.operator import list_users

    kind = None if user_type is None else _USER_TYPES[user_type]
    with _complaints("Nothing was listed"):
        found = list_users(settings, user_type=kind, text=text, limit=limit, page=page)
    if form == "json":
        pages = {"total": found.total, "page": page, "limit": limit}
        click.echo(json.dumps({**pages, "users": [_fields(account) for account in found.users]}, indent=2))
        return
    if found.users:
        click.echo(_table([_row(account) for account in found.users]))
    last = max(1, -(-found.total // limit))
    click.echo(f"{found.total} user{'s' * (found.total != 1)}, page {page} of {last}")


@user.command()
@_user_argument
@_format_option
@database_option
def show(*, user: str, form: str, database: str | None) -> None:
    """Show all that is known of USER, but the password's hash."""
    settings = load(database_setting(database))

    from yummy.store.operator import show_user

    with _complaints("Nothing was found"):
        shown = show_user(settings, user)
    fields = _fields(shown.account) | {"sessions": shown.sessions}
    if form == "json":
        click.echo(json.dumps(fields, indent=2))
        return
    width = max(map(len, fields))
    for name, value in fields.items():
        click.echo(f"{name:{width}}  {_readable(name, value)}")


@user.command("set-type")
@_user_argument
@click.argument("user_type", metavar="TYPE", type=_TYPE)
@database_option
def set_type(*, user: str, user_type: str, database: str | None) -> None:
    """Make USER a TYPE: user, moderator or admin (or 1, 2, 3). It makes the first admin of all."""
    settings = load(database_setting(database))

    from yummy.constants import UserType
    from yummy.store.operator import set_user_type

    kind = UserType(_USER_TYPES[user_type])
    with _complaints():
        user_id = set_user_type(settings, user, kind.value)
    click.echo(f"{user_id} is now: {kind.name.lower()}")


@user.command("set-password")
@_user_argument
@database_option
def set_password(*, user: str, database: str | None) -> None:
    """Give USER a new password, and end all sessions of USER.

    It is asked for twice; or, where standard input is no terminal, it is the first line of that. It is no argument,
    since others on this machine can see those.
    """
    settings = load(database_setting(database))

    from yummy.store.operator import set_password, show_user

    with _complaints():
        show_user(settings, user)  # before anybody types a password in vain
        account = set_password(settings, user, _new_password())
    click.echo(f"{account.id} has a new password; all sessions have ended")
    if account.email is None:
        click.echo("The account has no e-mail address yet, so nobody can log in by that password.")


@user.command()
@_user_argument
@database_option
def disable(*, user: str, database: str | None) -> None:
    """Keep USER from logging in, and end all sessions of USER. Nothing is deleted."""
    _set_disabled(user, database, disabled=True)


@user.command()
@_user_argument
@database_option
def enable(*, user: str, database: str | None) -> None:
    """Let USER log in again."""
    _set_disabled(user, database, disabled=False)


@user.command()
@_user_argument
@click.option("--yes", is_flag=True, help="Do not ask.")
@database_option
def delete(*, user: str, yes: bool, database: str | None) -> None:
    """Delete the account of USER for good, and end all sessions. Its names are free for others then."""
    settings = load(database_setting(database))

    from yummy.store.operator import delete_user, show_user

    with _complaints():
        account = show_user(settings, user).account
        if not yes:
            names = ", ".join(f"{name} {_cell(value)}" for name, value in _names(account).items() if value)
            click.confirm(f"Delete {account.id} ({names or 'without a name'})?", abort=True)
        delete_user(settings, account.id)
    click.echo(f"{account.id} is deleted")


def _set_disabled(user: str, database: str | None, *, disabled: bool) -> None:
    settings = load(database_setting(database))

    from yummy.store.operator import set_disabled

    with _complaints():
        user_id = set_disabled(settings, user, disabled=disabled)
    click.echo(f"{user_id} is now: {'disabled' if disabled else 'enabled'}")


def _new_password() -> str:
    if sys.stdin.isatty():
        typed: str = click.prompt("New password", hide_input=True, confirmation_prompt="The same again")
        return typed
    return sys.stdin.readline().removesuffix("\n").removesuffix("\r")


@contextmanager
def _complaints(title: str = "Nothing was changed") -> Iterator[None]:
    """Report what cannot be done, without a traceback, and end with 1."""
    from yummy.store.database import DatabaseError

    try:
        yield
    except (LookupError, ValueError, DatabaseError) as error:
        complain(title, [str(error.args[0] if error.args else error)])
        raise SystemExit(1) from None


def _names(account: "Account") -> dict[str, str | None]:
    return {
        "name": account.name,
        "email": account.email,
        "device_id": account.device_id,
        "custom_id": account.custom_id,
    }


def _fields(account: "Account") -> dict[str, Any]:
    """What programs are told of an account."""
    return {
        "id": account.id,
        "user_type": int(account.user_type),
        "disabled": account.disabled,
        **_names(account),
        "has_password": account.password_hash is not None,
        "insert_date": account.insert_date,
        "last_login_date": account.last_login_date,
        "metas": {key: {"access": int(meta.access), "value": meta.value} for key, meta in account.metas.items()},
    }


def _row(account: "Account") -> dict[str, str]:
    """What a line of the table says of an account."""
    kind = _readable("user_type", account.user_type)
    return {
        "id": account.id,
        "type": f"{kind} (disabled)" if account.disabled else kind,
        **{name: _cell(value) for name, value in _names(account).items()},
        "last login": _readable("last_login_date", account.last_login_date),
    }


def _table(rows: list[dict[str, str]]) -> str:
    widths = {name: max(len(name), *(len(row[name]) for row in rows)) for name in rows[0]}
    lines = [{name: name.replace("_", " ") for name in widths}, *rows]
    return "\n".join("  ".join(f"{row[name]:{width}}" for name, width in widths.items()).rstrip() for row in lines)


def _readable(name: str, value: Any) -> str:
    """A field for people."""
    if value is None:
        return "-"
    if name == "user_type":
        return {1: "user", 2: "moderator", 3: "admin"}.get(value, str(value))
    if name.endswith("_date"):
        return f"{datetime.fromtimestamp(value, UTC):%Y-%m-%d %H:%M:%S} UTC"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return _printable(value if isinstance(value, str) else json.dumps(value, ensure_ascii=False))


def _cell(text: str | None) -> str:
    shown = _printable(text or "-")
    return shown if len(shown) <= _CELL_MAX else f"{shown[: _CELL_MAX - 3]}..."


def _printable(text: str) -> str:
    """A text of a user's in which nothing steers the terminal or forges a line."""
    return "".join(sign if sign.isprintable() else sign.encode("unicode_escape").decode() for sign in text)
