import socket
import sys
import sysconfig

import pytest

from yummy.hooks import interpreter
from yummy.hooks.calls import HookLimits
from yummy.hooks.interpreter import HookThread, check_python, run_isolated, shared_gil
from yummy.hooks.opening import open_hooks


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


def test_a_free_threaded_python_is_refused(monkeypatch):
    monkeypatch.setattr(sysconfig, "get_config_var", {"Py_GIL_DISABLED": 1}.get)
    with pytest.raises(RuntimeError, match="free-threaded build"):
        check_python()


def test_an_interpreter_has_a_gil_of_its_own():
    told = []
    run_isolated("import _interpreters as i; assert i.get_config(i.get_current()[0]).gil == 'own'", told.append)
    assert [None] == told


@pytest.mark.skipif(sys.version_info >= (3, 14), reason="the public interface makes none that shares")
def test_an_interpreter_that_shares_the_gil_runs_nothing(monkeypatch):
    create = interpreter._interpreters.create
    monkeypatch.setattr(interpreter._interpreters, "create", lambda *_, **options: create("legacy", **options))
    told = []
    run_isolated("import sys; sys.exit('it ran')", told.append)
    (text,) = told
    assert text.startswith("its GIL is not its own (shared)")


def test_an_interpreter_of_which_nothing_is_known_is_refused():
    assert "(unknown)" in shared_gil(object())


def test_the_thread_is_confined_before_its_interpreter_runs(tmp_path):
    near, far = socket.socketpair()
    thread = HookThread(far, str(tmp_path))
    with near:
        thread.start()
        assert near.recv(1)  # it is ready
        assert thread.confinement is not None
    thread.join()
    assert thread.problem is None


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
