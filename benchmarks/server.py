"""A server as a process of its own, with its scripts and its log in a folder that goes with it."""

import json
import os
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from attrs import define

from benchmarks.kernel import Usage, usage
from benchmarks.wire import Where, Wire

KEY = "YummyYummy"
#: Seconds for a server to begin, and to end.
PATIENCE = 60.0
_POLL = 0.02

#: What all servers of the benchmarks are run with: no limit, no ping and no disk comes between.
SETTINGS: Mapping[str, str] = {
    "BIND_PORT": "0",
    "DATABASE_PATH": ":memory:",
    "LOG_FORMAT": "json",
    "SALT_KEY": "only-for-benchmarks-" * 3,
    "MAX_MESSAGES_PER_SECOND": "0",
    "HEARTBEAT_INTERVAL": "0",
    "HEARTBEAT_TIMEOUT": "0",
}
_QUIET = {"BIND_PORT", "LOG_FORMAT", "SALT_KEY"}


class ServerFailed(Exception):  # noqa: N818  # a sentence for whoever runs a benchmark
    """A server did not begin, or has ended."""


@define(eq=False)
class Server:
    """A running server.

    Attributes:
        process: Its process.
        port: Where it listens, on loopback.
        scripts: The folder of its scripts.
    """

    process: "subprocess.Popen[bytes]"
    port: int
    scripts: Path
    _log: Path

    def usage(self) -> Usage:
        """What it has used so far, and holds.

        Raises:
            ServerFailed: It has ended.
        """
        if self.process.poll() is not None:
            raise ServerFailed(f"the server ended with code {self.process.returncode}:\n{_tail(self._log)}")
        return usage(self.process.pid)

    def player(self, name: str) -> Wire:
        """Connect a player and log it in."""
        wire = Wire.connect(Where.local(self.port, KEY))
        wire.ask("AuthDeviceId", id=f"benchmark-{name}")
        return wire

    def pair(self, name: str) -> tuple[str, Wire, Wire]:
        """Connect two players and put them into a room of their own; its id, and both."""
        one, other = self.player(f"{name}-a"), self.player(f"{name}-b")
        room_id = one.ask("CreateRoom", name=name)["room_id"]
        other.ask("JoinToRoom", room_id=room_id)
        return room_id, one, other

    def save(self, name: str, text: str, *, rename: bool = True) -> None:
        """Save a script, as editors do: by renaming a new file over the old one, or in place."""
        path = self.scripts / name
        if rename:
            draft = path.with_suffix(".draft")
            draft.write_text(text)
            draft.replace(path)
        else:
            path.write_text(text)

    def log(self) -> Iterator[dict[str, Any]]:
        """What it has logged so far."""
        with self._log.open() as lines:
            for line in lines:
                try:
                    yield json.loads(line)
                except ValueError:
                    yield {"event": line.strip(), "level": "error"}

    def complaints(self) -> Counter[str]:
        """How often it has logged what is more than information, by the beginning of its text."""
        return Counter(
            f"{line.get('level')}: {str(line.get('event')).splitlines()[0][:80]}"
            for line in self.log()
            if line.get("level") not in {"info", "debug"} and "development mode" not in str(line.get("event"))
        )


@contextmanager
def serving(scripts: Mapping[str, str], **settings: str) -> Iterator[Server]:
    """Run a server for the length of a block.

    Args:
        scripts: The text of each script, by its file name; none gives a server without hooks.
        settings: Beside `SETTINGS`.

    Raises:
        ServerFailed: It does not begin.
    """
    with tempfile.TemporaryDirectory(prefix="yummy-benchmark-") as home:
        folder, log = Path(home) / "hooks", Path(home) / "log"
        folder.mkdir()
        for name, text in scripts.items():
            (folder / name).write_text(text)
        kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
        with log.open("wb") as errors:
            process = subprocess.Popen(
                [sys.executable, "-m", "yummy"],
                cwd=home,
                env={**kept, **SETTINGS, **settings},
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=errors,
            )
        try:
            yield Server(process, _listening(process, log), folder, log)
        finally:
            end(process)


def end(process: "subprocess.Popen[bytes]") -> None:
    """Have a process end: by asking it, and then by the kernel."""
    process.terminate()
    try:
        process.wait(PATIENCE)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _listening(process: "subprocess.Popen[bytes]", log: Path) -> int:
    deadline = time.monotonic() + PATIENCE
    while process.poll() is None and time.monotonic() < deadline:
        for line in log.read_text().splitlines():
            if '"listening"' in line:
                return int(json.loads(line)["address"].rpartition(":")[2])
        time.sleep(_POLL)
    raise ServerFailed(f"the server did not begin:\n{_tail(log)}")


def _tail(log: Path) -> str:
    return "\n".join(log.read_text().splitlines()[-20:])


def limits_text(**settings: str) -> str:
    """One line on what servers were run with."""
    shown = {**{name: value for name, value in SETTINGS.items() if name not in _QUIET}, **settings}
    return "server       " + " ".join(f"{name}={value}" for name, value in shown.items()) + "; else its defaults"
