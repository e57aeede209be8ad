import socket
import sys

import pytest

from yummy.hooks import interpreter
from yummy.hooks.calls import HookLimits
from yummy.hooks.host import open_hooks
from yummy.hooks.interpreter import HookThread, check_python, run_isolated


def test_another_interpreter_has_its_own_modules():
    told = []
    run_isolated("import sys; sys.modules['marked by test'] = 1", told.append)
    assert [None] == told
    assert "marked by test" not in sys.modules


@pytest.mark.parametrize(
    ("source", "problem"),
    [
        ("1 / 0", "ZeroDivisionError: division by zero"),
        ("raise SystemExit(3)", "SystemExit: 3"),
        ("raise KeyboardInterrupt", "KeyboardInterrupt"),
    ],
)
def test_what_it_raises_is_told(source, problem):
    told = []
    run_isolated(source, told.append)
    (text,) = told
    assert problem in text


def test_an_old_python_is_refused(monkeypatch):
    check_python()
    monkeypatch.setattr(sys, "version_info", (3, 12, 9))
    with pytest.raises(RuntimeError, match=r"need CPython 3\.13 or later"):
        check_python()


def test_the_thread_ends_with_the_other_end_of_its_socket():
    near, far = socket.socketpair()
    thread = HookThread(far)
    thread.start()
    near.close()
    thread.join()
    assert thread.problem is None
    assert far.fileno() == -1


async def test_an_interpreter_that_does_not_start_is_explained(monkeypatch, write_scripts):
    monkeypatch.setattr(interpreter, "_BOOT", "raise OSError('no room for an interpreter')")
    with pytest.raises(RuntimeError, match=r"did not start: (.|\n)*no room for an interpreter"):
        async with open_hooks(write_scripts(a="x = 1"), HookLimits()):
            pass
