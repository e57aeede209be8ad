"""The servers beside Yummy as processes, and whether they are installed."""

import importlib.metadata
import importlib.util
import json
import os
import select
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from attrs import frozen

from benchmarks.server import PATIENCE, ServerFailed, end

_HERE = Path(__file__).parent
_COLYSEUS = _HERE / "colyseus"
#: What Node programs are told where they serve in earnest.
_PRODUCTION = {"NODE_ENV": "production"}


@frozen
class Program:
    """A running server.

    Attributes:
        pid: Its process.
        port: Where it listens, on loopback.
    """

    pid: int
    port: int


@contextmanager
def running(command: Sequence[str]) -> Iterator[Program]:
    """Run a program, which prints its port, for the length of a block.

    Raises:
        ServerFailed: It does not begin.
    """
    with tempfile.TemporaryFile() as errors:
        process = subprocess.Popen(  # noqa: S603  # a program of this folder
            command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=errors, env={**os.environ, **_PRODUCTION}
        )
        try:
            yield Program(process.pid, _port(process))
        except ServerFailed as error:
            errors.seek(0)
            raise ServerFailed(f"{error}\n{errors.read().decode(errors='replace')[-2000:]}") from None
        finally:
            end(process)
            if process.stdout is not None:
                process.stdout.close()


def _port(process: "subprocess.Popen[bytes]") -> int:
    out = process.stdout
    if out is None:
        raise ServerFailed(f"{process.args!r} has no output")
    begun = select.poll()
    begun.register(out)
    if not begun.poll(PATIENCE * 1000):
        raise ServerFailed(f"{process.args!r} did not begin within {PATIENCE:g} s")
    line = out.readline()
    try:
        return int(line)
    except ValueError:
        raise ServerFailed(f"{process.args!r} did not begin: {line!r}") from None


def python_program(name: str, *arguments: str) -> list[str]:
    """The command of a program of this folder."""
    return [sys.executable, str(_HERE / f"{name}.py"), *arguments]


def missing_packages(*names: str) -> str:
    """What there is to be done before these packages of Python are there; "" if they are."""
    if all(importlib.util.find_spec(name) for name in names):
        return ""
    return "not installed: python3 -m uv run --group peers python -m benchmarks peers"


def version_of(package: str) -> str:
    """The version of an installed package, by the name that it is installed by."""
    return importlib.metadata.version(package)


def colyseus_folder() -> Path:
    """Where Colyseus is installed, outside of any repository."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "yummy-benchmarks" / "colyseus"


def missing_colyseus() -> str:
    """What there is to be done before Colyseus is there; "" if it is."""
    if shutil.which("node") is None:
        return "there is no Node (22 or later) on the PATH"
    if colyseus_version() != _wanted()["@colyseus/core"]:
        return f"not installed: python -m benchmarks peers --install puts it into {colyseus_folder()}"
    return ""


def colyseus_version() -> str:
    """The version that is installed; "" if none is."""
    try:
        package = json.loads((colyseus_folder() / "node_modules" / "@colyseus" / "core" / "package.json").read_text())
    except (OSError, ValueError):
        return ""
    version: str = package["version"]
    return version


def _wanted() -> dict[str, str]:
    packages: dict[str, str] = json.loads((_COLYSEUS / "package.json").read_text())["dependencies"]
    return packages


def install_colyseus() -> None:
    """Install Colyseus from npm.

    Raises:
        ServerFailed: There is no npm, or it failed.
    """
    npm = shutil.which("npm")
    if npm is None:
        raise ServerFailed("there is no npm on the PATH, which comes with Node")
    folder = colyseus_folder()
    folder.mkdir(parents=True, exist_ok=True)
    shutil.copy(_COLYSEUS / "package.json", folder)
    done = subprocess.run(  # noqa: S603  # the user's own npm
        [npm, "install", "--no-package-lock", "--no-audit", "--no-fund"],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise ServerFailed(f"npm could not install Colyseus:\n{done.stderr[-2000:]}")


def colyseus_program() -> list[str]:
    """The command of the Colyseus server, which has to stand beside its packages."""
    return ["node", str(shutil.copy(_COLYSEUS / "server.mjs", colyseus_folder()))]


def node_version() -> str:
    """The version of Node that is on the PATH."""
    return subprocess.run(["node", "--version"], capture_output=True, text=True, check=True).stdout.strip()  # noqa: S607  # the user's own
