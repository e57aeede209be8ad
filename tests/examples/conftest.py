"""The example's files as modules, and the real server with its script as a process of its own."""

import importlib.util
import os
import re
import subprocess
import sys
import threading
from pathlib import Path
from queue import Empty, SimpleQueue

import pytest
from attrs import define, field

EXAMPLE = Path(__file__).parents[2] / "examples" / "tic_tac_toe"
START_SECONDS = 30.0
STOP_SECONDS = 15.0
#: How long the server keeps the seat of a player whose connection is lost. Long enough for a client to come back.
RESTORE_SECONDS = 5


def load(path: Path):
    """Import a file that is in no package."""
    spec = importlib.util.spec_from_file_location(f"example_{path.stem}", path)
    module = importlib.util.module_from_spec(spec)
    # Where dataclasses and attrs look for the names in annotations.
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="session")
def script():
    return load(EXAMPLE / "hooks" / "tic_tac_toe.py")


@pytest.fixture(scope="session")
def bot():
    # The example's programs find `table` beside them, as Python runs them; here nobody else does.
    sys.modules["table"] = load(EXAMPLE / "table.py")
    yield load(EXAMPLE / "bot.py")
    del sys.modules["table"]


@define
class Server:
    """A server process and what it has written so far."""

    process: subprocess.Popen[str]
    reader: threading.Thread | None = None
    url: str = ""
    log: list[str] = field(factory=list)

    @property
    def problems(self) -> list[str]:
        """Lines that tell of an error in the script or the server."""
        return [line for line in self.log if re.search(r"\berror\b|Traceback", line, re.IGNORECASE)]


def start_server(folder: Path, **settings: str) -> Server:
    environment = {key: value for key, value in os.environ.items() if key in ("PATH", "HOME", "LANG", "TMPDIR")}
    process = subprocess.Popen(  # our own server with our own arguments
        [sys.executable, "-m", "yummy", "--hooks", EXAMPLE / "hooks", "--port", "0", "--database", ":memory:"],
        cwd=folder,  # where there is neither .env nor yummy.toml
        env={**environment, "CONNECTION_RESTORE_WAIT_TIMEOUT": str(RESTORE_SECONDS), **settings},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    server = Server(process)
    lines: SimpleQueue[str] = SimpleQueue()

    def read():
        # Reads on until the end, or the server would one day wait for room in the pipe.
        for line in process.stdout:
            server.log.append(line)
            lines.put(line)
        lines.put("")

    server.reader = threading.Thread(target=read, daemon=True)
    server.reader.start()
    try:
        while not server.url:
            line = lines.get(timeout=START_SECONDS)
            if not line:
                pytest.fail("the server ended instead of starting:\n" + "".join(server.log))
            if found := re.search(r"ws://127\.0\.0\.1:[1-9]\d*", line):
                server.url = found[0]
    except Empty:
        stop_server(server)
        pytest.fail(f"the server named no address within {START_SECONDS} s:\n" + "".join(server.log))
    return server


def stop_server(server: Server) -> int:
    server.process.terminate()
    try:
        code = server.process.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        server.process.kill()
        server.process.wait()
        raise
    finally:
        server.reader.join()
        server.process.stdout.close()
    return code


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    running = start_server(tmp_path_factory.mktemp("server"))
    yield running
    code = stop_server(running)
    assert (code, running.problems) == (0, [])
