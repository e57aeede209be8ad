"""What the kernel keeps a hook thread from; the process of the tests goes on without it."""

import errno
import os
import platform
import socket
import struct
import subprocess
import sys
import threading
from pathlib import Path

import pytest
import structlog.testing

from yummy.hooks import confinement
from yummy.hooks.calls import HookLimits
from yummy.hooks.confinement import Confinement, confine_thread
from yummy.hooks.seccomp import filter_program


def in_thread(function):
    """What a function returns, or the error's number that it raises, in a thread that ends with it."""
    answers = []

    def run():
        try:
            answers.append(function())
        except OSError as error:
            answers.append(errno.errorcode[error.errno])

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    return answers[0]


@pytest.fixture
def folder(tmp_path):
    place = tmp_path / "hooks"
    place.mkdir()
    return place


@pytest.fixture(scope="module")
def kernel(tmp_path_factory):
    """What this machine's kernel can do."""
    return in_thread(lambda: confine_thread(str(tmp_path_factory.mktemp("hooks"))))


@pytest.fixture
def landlock(kernel):
    if not kernel.landlock:
        pytest.skip(kernel.reason)


@pytest.fixture
def seccomp(kernel):
    if not kernel.seccomp:
        pytest.skip(kernel.reason)


def confined(folder, function):
    """What a function does in a thread that is confined."""

    def run():
        confine_thread(str(folder))
        return function()

    return in_thread(run)


def test_both_layers_or_a_reason(kernel):
    assert (kernel.landlock > 0 and kernel.seccomp) == (not kernel.reason)


@pytest.mark.usefixtures("landlock")
class TestFiles:
    CHANGES = {  # noqa: RUF012  # a table of the tests
        "make a file": lambda folder: (folder / "new").touch(),
        "write": lambda folder: (folder / "game.py").write_text(""),
        "remove": lambda folder: (folder / "game.py").unlink(),
        "move away": lambda folder: (folder / "game.py").rename(folder / "data" / "game.py"),
        "truncate": lambda folder: os.truncate(folder / "game.py", 0),
        "make a folder": lambda folder: (folder.parent / "new").mkdir(),
        "make a pipe": lambda folder: os.mkfifo(folder / "fifo"),
        "by descriptor": lambda folder: os.open("new", os.O_WRONLY | os.O_CREAT, dir_fd=os.open(folder, os.O_RDONLY)),
    }

    @pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
    def test_it_writes_nowhere_else(self, folder, change):
        (folder / "game.py").write_text("x = 1")
        assert confined(folder, lambda: change(folder)) in {"EACCES", "EXDEV"}
        assert {"game.py", "data"} == {path.name for path in folder.iterdir()}
        assert "x = 1" == (folder / "game.py").read_text()

    def test_it_writes_in_data(self, folder):
        def write():
            data = folder / "data"
            (data / "deep" / "er").mkdir(parents=True)
            (data / "a").write_text("x")
            (data / "a").rename(data / "deep" / "er" / "b")
            os.truncate(data / "deep" / "er" / "b", 0)
            (data / "deep" / "er" / "b").unlink()
            with open(os.devnull, "w") as nothing:  # noqa: PTH123  # as scripts do
                nothing.write("x")
            return "written"

        assert "written" == confined(folder, write)

    def test_it_reads_everywhere(self, folder):
        here = Path(__file__)
        assert here.read_text() == confined(folder, here.read_text)
        assert list(here.parent.iterdir()) == confined(folder, lambda: list(here.parent.iterdir()))

    def test_without_a_folder_it_writes_nothing(self, tmp_path):
        nowhere = tmp_path / "nowhere"
        assert "EACCES" == confined(nowhere, (tmp_path / "new").touch)
        assert not nowhere.exists()


@pytest.mark.usefixtures("seccomp")
class TestCalls:
    CALLS = {  # noqa: RUF012  # a table of the tests
        "socket": socket.socket,
        "kill": lambda: os.kill(os.getpid(), 0),
        "chdir": lambda: os.chdir("."),
        "spawn": lambda: os.posix_spawn("/bin/true", ["true"], {}),
        "subprocess": lambda: subprocess.run(["/bin/true"], check=True),
        "pidfd": lambda: os.pidfd_open(os.getpid()),
    }

    @pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
    def test_it_may_not(self, folder, call):
        assert "EPERM" == confined(folder, call)

    def test_it_may_start_threads_which_are_confined_too(self, folder):
        assert "EPERM" == confined(folder, lambda: in_thread(socket.socket))

    def test_its_end_of_a_socketpair_works(self, folder):
        near, far = socket.socketpair()

        def talk():
            with socket.socket(fileno=os.dup(far.fileno())) as own:
                own.sendall(b"hello")
                return own.recv(5)

        near.sendall(b"there")
        with near, far:
            assert b"there" == confined(folder, talk)
            assert b"hello" == near.recv(5)


def test_the_rest_of_the_process_is_free(folder, kernel):
    assert kernel == in_thread(lambda: confine_thread(str(folder)))
    socket.socket().close()
    (folder / "new").touch()
    subprocess.run([sys.executable, "-c", ""], check=True)
    assert "free" == in_thread(lambda: socket.socket().close() or "free")


def test_threads_are_confined_one_after_another(tmp_path, kernel):
    for number in range(20):  # more than Landlock would stack in one thread
        folder = tmp_path / str(number)
        folder.mkdir()
        assert kernel == in_thread(lambda folder=folder: confine_thread(str(folder)))


def test_a_system_without_either_is_named(monkeypatch, folder):
    monkeypatch.setattr(platform, "machine", lambda: "riscv64")
    found = confine_thread(str(folder))
    assert (0, False) == (found.landlock, found.seccomp)
    assert "not supported on" in found.reason
    assert "riscv64" in found.reason


def test_layers_that_the_system_forbids_are_named(monkeypatch, folder):
    monkeypatch.setattr(platform, "machine", lambda: "x86_64")
    monkeypatch.setattr(sys, "platform", "linux")

    def forbidden(*_):
        raise PermissionError(errno.EPERM, "Operation not permitted")

    monkeypatch.setattr(confinement, "_call", forbidden)
    reason = "Landlock: Operation not permitted; seccomp: Operation not permitted"
    assert Confinement(0, seccomp=False, reason=reason) == in_thread(lambda: confine_thread(str(folder)))


@pytest.mark.parametrize(
    ("limits", "said"), [(HookLimits(), True), (HookLimits(sandbox=False), False)], ids=["on", "off"]
)
async def test_what_is_in_force_is_logged_once(serve_scripts, pre_play, kernel, limits, said):
    with structlog.testing.capture_logs() as logs:
        async with serve_scripts("def pre_play(model): model.message = 1", limits=limits) as host:
            assert {"message": 1} == (await host.call(pre_play())).changes
    lines = [(line["landlock"], line["seccomp"], line["reason"]) for line in logs if "landlock" in line]
    assert lines == ([(kernel.landlock, kernel.seccomp, kernel.reason)] if said else [])


@pytest.mark.usefixtures("landlock")
async def test_what_python_does_not_report_the_kernel_refuses(serve_scripts, pre_play, tmp_path):
    script = """
import os, sqlite3
def pre_play(model):
    heard = []
    try:
        sqlite3.connect(":memory:").execute("attach ? as other", [OUTSIDE + "/other.db"])
    except sqlite3.OperationalError as error:
        heard.append(str(error))
    model.message = heard
"""
    async with serve_scripts(f"OUTSIDE = {str(tmp_path)!r}\n{script}") as host:
        heard = (await host.call(pre_play())).changes["message"]
    (text,) = heard
    assert text.startswith("unable to open database")
    assert not (tmp_path / "other.db").exists()


class TestFilter:
    """The program is run here as the kernel would, so that both processors are tested on either."""

    CODES = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}  # noqa: RUF012  # a table of the tests

    def run(self, machine, number, first_argument=0, code=None):
        words = struct.pack("<iIQ6Q", number, code or self.CODES[machine], 0, first_argument, *[0] * 5)
        program = list(struct.iter_unpack("<HBBI", filter_program(machine)))
        accumulator = place = 0
        while True:
            operation, if_true, if_false, value = program[place]
            place += 1
            match operation:
                case 0x20:
                    (accumulator,) = struct.unpack_from("<I", words, value)
                case 0x06:
                    return value
                case 0x15:
                    place += if_true if accumulator == value else if_false
                case 0x35:
                    place += if_true if accumulator >= value else if_false
                case 0x45:
                    place += if_true if accumulator & value else if_false

    @pytest.mark.parametrize(
        ("machine", "numbers"),
        # read, write, sendto, recvfrom, futex, mmap, exit_group, close, rt_sigprocmask, setuid
        [
            ("x86_64", [0, 1, 44, 45, 202, 9, 231, 3, 14, 105]),
            ("aarch64", [63, 64, 206, 207, 98, 222, 94, 57, 135, 146]),
        ],
    )
    def test_what_python_needs_is_allowed(self, machine, numbers):
        assert {0x7FFF0000} == {self.run(machine, number) for number in numbers}

    @pytest.mark.parametrize(
        ("machine", "numbers"),
        # execve, execveat, ptrace, kill, tgkill, socket, connect, chdir, io_uring_setup, bpf, mount
        [
            ("x86_64", [59, 322, 101, 62, 234, 41, 42, 80, 425, 321, 165, 57, 58]),
            ("aarch64", [221, 281, 117, 129, 131, 198, 203, 49, 425, 280, 40]),
        ],
    )
    def test_what_no_hook_needs_is_refused(self, machine, numbers):
        assert {0x50000 | errno.EPERM} == {self.run(machine, number) for number in numbers}

    @pytest.mark.parametrize(("machine", "clone"), [("x86_64", 56), ("aarch64", 220)])
    def test_clone_makes_threads_only(self, machine, clone):
        assert 0x7FFF0000 == self.run(machine, clone, 0x3D0F00)  # as pthread_create asks
        assert 0x50000 | errno.EPERM == self.run(machine, clone, 0x1200011)  # as fork does
        assert 0x50000 | errno.ENOSYS == self.run(machine, 435)

    def test_calls_of_another_kind_are_refused(self):
        assert 0x50000 | errno.EPERM == self.run("x86_64", 0x4000_0000 | 1)
        assert 0x50000 | errno.EPERM == self.run("x86_64", 1, code=0x4000_0003)

    def test_an_unknown_processor_has_none(self):
        assert filter_program("riscv64") is None
