"""A server in a process of its own, that tests may kill."""

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from threading import Event, Thread
from typing import Any

import attrs

PATIENCE = 100.0
"""Seconds for a process to begin or to end."""


@attrs.define(eq=False)
class ServerProcess:
    """A running server.

    Attributes:
        process: The process.
        said: The lines of its log, as they come.
    """

    process: subprocess.Popen[str]
    said: list[dict[str, Any]] = attrs.field(factory=list)
    _heard: Event = attrs.field(factory=Event)
    _reader: Thread = attrs.field(init=False)

    def __attrs_post_init__(self) -> None:
        # A log that nobody reads would fill its pipe and hold the server up.
        self._reader = Thread(target=self._read, daemon=True)
        self._reader.start()

    @classmethod
    def start(cls, folder: Path, environment: Mapping[str, str] | None = None, **options: Any) -> "ServerProcess":
        """Start a server in a folder and wait until it listens; options are those of `subprocess.Popen`."""
        kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
        process = subprocess.Popen(
            [sys.executable, "-m", "yummy", "--port", "0", "--log-format", "json"],
            env={**kept, "MAX_MESSAGES_PER_SECOND": "0", **(environment or {})},
            cwd=folder,
            stderr=subprocess.PIPE,
            text=True,
            **options,
        )
        server = cls(process)
        server.wait_for("listening")
        return server

    @property
    def url(self) -> str:
        """Where it listens."""
        return str(self.wait_for("listening")["address"])

    def wait_for(self, event: str) -> dict[str, Any]:
        """The first line of its log about an event, once it has been said."""
        while True:
            self._heard.clear()
            found = next((line for line in self.said if line["event"] == event), None)
            if found is not None:
                return found
            ended = not self._reader.is_alive()
            assert not ended, f"the server ended without {event!r}: {self.said}"
            assert self._heard.wait(PATIENCE), f"no {event!r} in {self.said}"

    def kill(self) -> None:
        """Kill it as it stands, if it still runs."""
        self.process.kill()
        self.process.wait(PATIENCE)
        self._reader.join(PATIENCE)

    def stop(self) -> int:
        """Let it end in order; gives the exit code."""
        self.process.terminate()
        code = self.process.wait(PATIENCE)
        self._reader.join(PATIENCE)
        return code

    def _read(self) -> None:
        assert self.process.stderr is not None
        with self.process.stderr as lines:
            for line in lines:
                try:
                    self.said.append(json.loads(line))
                except ValueError:
                    self.said.append({"event": "no line of a log", "text": line})
                self._heard.set()
        self._heard.set()
