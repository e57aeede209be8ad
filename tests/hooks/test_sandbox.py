"""What scripts may not do, each row in a real hook interpreter, and what has to go on working there."""

import os

import pytest
import structlog.testing
import trio

from yummy import model
from yummy.hooks.calls import HookCall, HookLimits, ScriptsBroken
from yummy.hooks.opening import open_hooks
from yummy.hooks.sandbox import DENIED_EVENTS, DENIED_FUNCTIONS

#: Tries every statement of a table and makes a list of what came of each: "", or the class and text of the error.
SCRIPT = """
import os, pathlib
HERE = os.path.dirname(__file__)
DATA = HERE + "/data"
OUTSIDE = os.path.dirname(HERE) + "/outside"

def attempt(statement):
    try:
        exec(statement, dict(globals()))
        return ""
    except BaseException as error:
        return f"{type(error).__name__}: {error}"

def pre_play(model):
    model.message = [attempt(statement) for statement in model.message]
"""


def attempt(folder, statements, *, sandbox=True):
    """What came of each statement, run in one hook."""
    (folder / "hooks").mkdir()
    (folder / "hooks" / "game.py").write_text(SCRIPT)
    (folder / "outside").mkdir()
    (folder / "outside" / "file").write_text("as it was")
    (folder / "outside" / "inner").mkdir()
    play = model.Play(user_id="u1", session_id="s1", request_id=7, room_id="r1", message=list(statements))

    async def run():
        async with open_hooks(folder / "hooks", HookLimits(sandbox=sandbox, timeout=60)) as host:
            return await host.call(HookCall("pre", "play", play))

    result = trio.run(run)
    return dict(zip(statements, result.changes["message"], strict=True))


#: A statement, and what the error calls it.
DENIED = [
    # programs
    ("os.execv('/bin/true', ['true'])", "os.execv"),
    ("os.execlp('true', 'true')", "os.execv"),
    ("os.fork()", "os.fork"),
    ("os.forkpty()", "os.forkpty"),
    ("os.spawnv(os.P_WAIT, '/bin/true', ['true'])", "os.fork"),
    ("os.posix_spawn('/bin/true', ['true'], {})", "os.posix_spawn"),
    ("os.system('true')", "os.system"),
    ("os.popen('true')", "subprocess.Popen"),
    ("import subprocess; subprocess.run(['true'])", "subprocess.Popen"),
    ("import multiprocessing as m; m.get_context('fork').Process(target=print).start()", "os.fork"),
    ("import multiprocessing.util as m; m.spawnv_passfds(b'/bin/true', ['true'], [])", "_posixsubprocess.fork_exec"),
    # signals, and the end of the process
    ("os.kill(os.getpid(), 0)", "os.kill"),
    ("os.killpg(os.getpgrp(), 0)", "os.killpg"),
    ("import signal; signal.signal(signal.SIGUSR1, signal.SIG_IGN)", "signal.signal"),
    ("import signal; signal.raise_signal(signal.SIGTERM)", "signal.raise_signal"),
    ("import signal; signal.alarm(1)", "signal.alarm"),
    ("import signal; signal.setitimer(signal.ITIMER_REAL, 1)", "signal.setitimer"),
    ("import signal; signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTERM])", "signal.pthread_sigmask"),
    ("import signal, threading; signal.pthread_kill(threading.get_ident(), 0)", "signal.pthread_kill"),
    ("import signal; signal.sigwait([signal.SIGUSR1])", "signal.sigwait"),
    ("import _thread; _thread.interrupt_main()", "_thread.interrupt_main"),
    ("os.abort()", "os.abort"),
    ("os._exit(0)", "os._exit"),
    # threads
    ("import threading; threading.Thread(target=print).start()", "_thread.start_joinable_thread"),
    ("import threading; threading.Timer(0, print).start()", "_thread.start_joinable_thread"),
    ("import _thread; _thread.start_new_thread(print, ())", "_thread.start_new_thread"),
    ("from concurrent import futures as f; f.ThreadPoolExecutor().submit(print)", "_thread.start_joinable_thread"),
    # network
    ("import socket; socket.socket()", "socket.socket"),
    ("import socket; socket.socketpair()", "socket.socket"),
    ("import socket; socket.create_connection(('127.0.0.1', 1))", "socket.getaddrinfo"),
    ("import socket; socket.gethostbyname('localhost')", "socket.gethostbyname"),
    ("import http.client as h; h.HTTPConnection('127.0.0.1:1').connect()", "socket.getaddrinfo"),
    ("import asyncio; asyncio.new_event_loop()", "socket.socket"),
    # native code, other interpreters
    ("import ctypes", "import: 'ctypes'"),
    ("import importlib; importlib.import_module('ctypes')", "import: '_ctypes'"),
    ("import _interpreters", "import: '_interpreters'"),
    # writing
    ("open(OUTSIDE + '/new', 'w')", "open"),
    ("open(OUTSIDE + '/file', 'a')", "open"),
    ("open(OUTSIDE + '/file', 'r+b')", "open"),
    ("open(OUTSIDE.encode() + b'/new', 'x')", "open"),
    ("pathlib.Path(OUTSIDE, 'new').write_text('x')", "open"),
    ("os.open(OUTSIDE + '/file', os.O_WRONLY)", "open"),
    ("os.open(OUTSIDE + '/file', os.O_RDONLY | os.O_TRUNC)", "open"),
    ("os.open(OUTSIDE + '/new', os.O_RDONLY | os.O_CREAT)", "open"),
    ("open(HERE + '/game.py', 'a')", "open"),
    ("open(DATA + '/../new', 'w')", "open"),
    ("open(DATA + 'base', 'w')", "open"),
    ("open('surely not in the working directory', 'w')", "open"),
    ("os.symlink(OUTSIDE, DATA + '/link'); open(DATA + '/link/new', 'w')", "open"),
    ("os.symlink(OUTSIDE + '/new', DATA + '/link2'); open(DATA + '/link2', 'w')", "open"),
    ("import logging; logging.FileHandler(OUTSIDE + '/log')", "open"),
    ("import shutil; shutil.copyfile(OUTSIDE + '/file', OUTSIDE + '/copy')", "open"),
    ("import sqlite3; sqlite3.connect(OUTSIDE + '/file')", "sqlite3.connect"),
    ("import sqlite3; sqlite3.connect('file:' + OUTSIDE + '/file?mode=rwc', uri=True)", "sqlite3.connect"),
    ("import sqlite3; sqlite3.connect('file:' + OUTSIDE + '/file?mode=ro&mode=rw', uri=True)", "sqlite3.connect"),
    ("import sqlite3; sqlite3.connect('file:' + DATA + '/%2e%2e/new', uri=True)", "sqlite3.connect"),
    # changing what is there
    ("os.rename(OUTSIDE + '/file', DATA + '/file')", "os.rename"),
    ("open(DATA + '/a', 'w').close(); os.replace(DATA + '/a', OUTSIDE + '/file')", "os.rename"),
    ("os.link(OUTSIDE + '/file', DATA + '/file')", "os.link"),
    ("os.symlink('file', OUTSIDE + '/link')", "os.symlink"),
    ("os.remove(OUTSIDE + '/file')", "os.remove"),
    ("pathlib.Path(OUTSIDE, 'file').unlink()", "os.remove"),
    ("os.remove('file', dir_fd=os.open(OUTSIDE, os.O_RDONLY))", "os.remove"),
    ("os.mkdir(OUTSIDE + '/folder')", "os.mkdir"),
    ("os.makedirs(HERE + '/package/inner')", "os.mkdir"),
    ("os.rmdir(OUTSIDE + '/inner')", "os.rmdir"),
    ("os.rmdir(DATA)", "os.rmdir"),
    ("os.rename(DATA, DATA + '2')", "os.rename"),
    ("import shutil; shutil.rmtree(OUTSIDE)", "os.remove"),
    ("os.chmod(OUTSIDE + '/file', 0o600)", "os.chmod"),
    ("os.fchmod(os.open(OUTSIDE + '/file', os.O_RDONLY), 0o600)", "os.chmod"),
    ("os.chown(OUTSIDE + '/file', -1, -1)", "os.chown"),
    ("os.truncate(OUTSIDE + '/file', 0)", "os.truncate"),
    ("os.utime(OUTSIDE + '/file')", "os.utime"),
    ("os.setxattr(OUTSIDE + '/file', 'user.x', b'')", "os.setxattr"),
    ("os.removexattr(OUTSIDE + '/file', 'user.x')", "os.removexattr"),
    ("os.mkfifo(DATA + '/fifo')", "os.mkfifo"),
    ("os.mknod(DATA + '/node')", "os.mknod"),
    # the whole process
    ("os.environ['YUMMY_X'] = '1'", "os.putenv"),
    ("os.environ.pop('PATH')", "os.unsetenv"),
    ("os.chdir('.')", "os.chdir"),
    ("os.fchdir(os.open('.', os.O_RDONLY))", "os.chdir"),
    ("os.umask(0)", "os.umask"),
    ("os.nice(1)", "os.nice"),
    ("os.setuid(os.getuid())", "os.setuid"),
    ("os.closerange(3, 4)", "os.closerange"),
    ("import resource as r; r.setrlimit(r.RLIMIT_CORE, r.getrlimit(r.RLIMIT_CORE))", "resource.setrlimit"),
    ("import locale; locale.setlocale(locale.LC_ALL, 'C')", "locale.setlocale"),
    ("import sys; sys.addaudithook(print)", "sys.addaudithook"),
    # objects that try to be something else
    ("class T(str):\n  startswith = __str__ = __repr__ = __fspath__ = 0\nopen(T(OUTSIDE + '/new'), 'w')", "open"),
    ("class T(str):\n  __eq__ = lambda s, o: True\n  __hash__ = None\nos.remove(T(OUTSIDE + '/file'))", "os.remove"),
    ("class B(bytes):\n  decode = __bytes__ = None\nopen(B(OUTSIDE.encode() + b'/new'), 'w')", "open"),
    ("class P:\n  def __fspath__(self): return DATA + '/x'\nimport io; io.FileIO(P(), 'w')", "open"),
    ("class P:\n  def __fspath__(self): raise SystemExit\nimport sqlite3; sqlite3.connect(P())", "sqlite3.connect"),
    ("os.truncate(987654, 0)", "os.truncate"),
]  # fmt: skip

#: What honest scripts do.
PERMITTED = [
    "open(__file__).read()",
    "pathlib.Path(OUTSIDE, 'file').read_text()",
    "os.listdir(OUTSIDE), os.stat(OUTSIDE), list(os.walk(HERE)), list(pathlib.Path(HERE).glob('*'))",
    "os.mkdir(DATA) if not os.path.exists(DATA) else None",
    "os.makedirs(DATA + '/deep/er', exist_ok=True); pathlib.Path(DATA).mkdir(exist_ok=True)",
    "with open(DATA + '/a', 'w') as f: f.write('x'); f.truncate(0)",
    "pathlib.Path(DATA, 'b').write_bytes(b'x'); pathlib.Path(DATA, 'b').touch()",
    "open(DATA + '/c', 'w').close(); os.replace(DATA + '/c', DATA + '/d'); os.chmod(DATA + '/d', 0o600)",
    "open(DATA + '/e', 'w').close(); os.utime(DATA + '/e'); os.truncate(DATA + '/e', 1); os.remove(DATA + '/e')",
    "os.symlink(OUTSIDE + '/file', DATA + '/link'); open(DATA + '/link').read(); os.unlink(DATA + '/link')",
    "os.makedirs(DATA + '/tree/x'); import shutil; shutil.rmtree(DATA + '/tree')",
    "open(os.path.relpath(DATA) + '/f', 'w').close()",
    "open(os.devnull, 'w').close()",
    "import tempfile; tempfile.TemporaryFile(dir=DATA).close(); tempfile.NamedTemporaryFile(dir=DATA).close()",
    "import tempfile; tempfile.TemporaryDirectory(dir=DATA).cleanup()",
    "import sqlite3; c = sqlite3.connect(DATA + '/s.db'); c.execute('create table t (x)'); c.commit(); c.close()",
    "import sqlite3; c = sqlite3.connect(pathlib.Path(DATA, 's.db')); c.execute('delete from t'); c.commit()",
    "import sqlite3; sqlite3.connect(':memory:').execute('select 1').fetchall()",
    "import sqlite3; sqlite3.connect('file:' + DATA + '/u.db?mode=rwc', uri=True).execute('create table t (x)')",
    "import sqlite3; sqlite3.connect('file:' + DATA + '/s.db?mode=ro', uri=True).execute('select * from t').fetchall()",
    "import gzip, shelve; gzip.open(DATA + '/g.gz', 'w').close()",
    "import logging; logging.getLogger('game').info('x'); logging.FileHandler(DATA + '/log').close()",
    "import json, random, re, decimal, dataclasses, functools, statistics, enum, collections, heapq, bisect, typing",
    "import datetime, zoneinfo; datetime.datetime.strptime('2026-01-02', '%Y-%m-%d'); zoneinfo.ZoneInfo('UTC')",
    "import uuid; uuid.uuid4(); uuid.uuid1()",
    "import secrets, hashlib, hmac; secrets.token_hex(); hashlib.sha256(b'').hexdigest(); os.urandom(4)",
    "import urllib.parse, html, csv, base64, zlib, struct, array, string, textwrap, itertools, copy, pickle",
    "import importlib; importlib.import_module('xml.etree.ElementTree'); importlib.import_module('unittest.mock')",
    "import time; time.sleep(0.001); time.monotonic(); time.strftime('%c')",
    "import traceback, warnings, inspect, gc; traceback.format_stack(); gc.collect(); gc.get_objects()",
    "import locale, platform; locale.getlocale(); platform.platform(); platform.processor()",
    "import resource, signal; resource.getrlimit(resource.RLIMIT_NOFILE); resource.prlimit(0, 7); signal.getsignal(15)",
    "import threading; threading.Lock().acquire(); threading.local(); threading.current_thread()",
    "import attrs, msgpack.fallback; attrs.make_class('C', ['x'])(1)",
    "import enum; enum.Enum('E', 'A B'); import collections; collections.namedtuple('N', 'a b')(1, 2)",
    "import subprocess, socket, multiprocessing, asyncio, selectors, ssl",
    "import weakref, contextlib, contextvars, operator, math, cmath, fractions, numbers, graphlib, queue, sched",
    "os.environ['PATH'], os.getcwd(), os.getpid(), os.cpu_count()",
]

#: What is denied and harmless, so that it can be shown to be possible without the sandbox.
HARMLESS = [
    "os.system('true')",
    "import subprocess; subprocess.run(['true'])",
    "os.kill(os.getpid(), 0)",
    "import signal; signal.alarm(0)",
    "import threading; t = threading.Thread(target=int); t.start(); t.join()",
    "import socket; socket.socket().close()",
    "import ctypes; ctypes.CDLL(None)",
    "open(OUTSIDE + '/new', 'w').close()",
    "os.rename(OUTSIDE + '/new', OUTSIDE + '/newer'); os.remove(OUTSIDE + '/newer')",
    "import sqlite3; sqlite3.connect(OUTSIDE + '/new.db').execute('create table t (x)')",
    "os.putenv('YUMMY_TEST_OF_SANDBOX', '1'); os.unsetenv('YUMMY_TEST_OF_SANDBOX')",
    "os.chdir(os.getcwd())",
    "os.umask(os.umask(0o22))",
]


@pytest.fixture(scope="module")
def denied(tmp_path_factory):
    return attempt(tmp_path_factory.mktemp("denied"), [statement for statement, _ in DENIED])


@pytest.fixture(scope="module")
def permitted(tmp_path_factory):
    return attempt(tmp_path_factory.mktemp("permitted"), PERMITTED)


@pytest.fixture(scope="module")
def trusted(tmp_path_factory):
    return attempt(tmp_path_factory.mktemp("trusted"), HARMLESS, sandbox=False)


@pytest.mark.parametrize(("statement", "name"), DENIED)
def test_a_script_may_not(denied, statement, name):
    outcome = denied[statement]
    assert outcome.startswith("SandboxError: a hook script may not ")
    assert f"({name}" in outcome
    assert "HOOK_SANDBOX=off" in outcome


@pytest.mark.parametrize("statement", PERMITTED)
def test_a_script_may(permitted, statement):
    assert "" == permitted[statement]


@pytest.mark.parametrize("statement", HARMLESS)
def test_a_script_may_without_the_sandbox(trusted, statement):
    assert "" == trusted[statement]


def test_nothing_of_what_is_denied_happens(tmp_path):
    statements = [statement for statement, _ in DENIED]
    environment, umask = dict(os.environ), os.umask(0o22)
    attempt(tmp_path, statements)
    assert {"file", "inner"} == {path.name for path in (tmp_path / "outside").iterdir()}
    assert "as it was" == (tmp_path / "outside" / "file").read_text()
    assert {"game.py", "data"} == {path.name for path in (tmp_path / "hooks").iterdir()}
    assert SCRIPT == (tmp_path / "hooks" / "game.py").read_text()
    assert environment == dict(os.environ)
    assert 0o22 == os.umask(umask)


def test_the_table_in_the_docs_names_everything(pytestconfig):
    page = (pytestconfig.rootpath / "docs" / "sandbox.md").read_text(encoding="utf-8")
    functions = {name for names in DENIED_FUNCTIONS.values() for name in names.split()}
    events = {name for names in DENIED_EVENTS.values() for name in names.split() if "/" not in name}
    assert [] == sorted(name for name in functions | events if name.replace("__new__", "socket") not in page)


class TestReports:
    async def test_a_violation_is_reported_as_such_with_its_line_and_the_setting(self, serve_scripts, pre_play):
        async with serve_scripts("import socket\ndef pre_play(model):\n    socket.socket()") as host:
            result = await host.call(pre_play())
        assert result.text.startswith("sandbox: pre_play failed: ")
        assert "--> game.py:3" in result.text
        assert "HOOK_SANDBOX=off" in result.text
        assert "to do: keep files in the scripts folder's data/" in result.text

    async def test_one_that_a_script_swallows_is_told_once(self, serve_scripts, pre_play):
        script = """
import os
def pre_play(model):
    try:
        os.system("true")
    except PermissionError:
        pass
"""
        with structlog.testing.capture_logs() as logs:
            async with serve_scripts(script) as host:
                for _ in range(3):
                    await host.call(pre_play())
        (line,) = [entry for entry in logs if "os.system" in entry["event"]]
        assert ("game.py", 5, "warning") == (line["file"], line["line"], line["log_level"])

    async def test_imports_are_under_it_too(self, write_scripts):
        with pytest.raises(ScriptsBroken, match="may not start programs"):
            async with open_hooks(write_scripts(a="import os\nos.system('true')"), HookLimits()):
                pass

    async def test_a_path_of_a_hostile_class_runs_none_of_its_code(self, serve_scripts, pre_play):
        script = """
calls = []
class Path(str):
    def __getattribute__(self, name):
        calls.append(name)
        return str.__getattribute__(self, name)
    def __eq__(self, other):
        calls.append("eq")
        return True
    def __hash__(self):
        calls.append("hash")
        return 0
    def __repr__(self):
        calls.append("repr")
        return "nothing"
    __str__ = __format__ = __repr__
def pre_play(model):
    try:
        open(Path("/nowhere/x"), "w")
    except PermissionError as error:
        model.message = [str(error), list(calls)]
"""
        async with serve_scripts(script) as host:
            text, calls = (await host.call(pre_play())).changes["message"]
        assert "'/nowhere/x'" in text
        assert "__fspath__" not in calls
        assert not {"eq", "hash", "repr"} & set(calls)


async def test_a_link_that_the_operator_made_of_data_is_followed(serve_scripts, write_scripts, pre_play, tmp_path):
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (write_scripts() / "data").symlink_to(elsewhere)
    script = """
import pathlib
def pre_play(model):
    (pathlib.Path(__file__).parent / "data" / "x").write_text("kept")
"""
    async with serve_scripts(script) as host:
        await host.call(pre_play())
    assert "kept" == await trio.Path(elsewhere, "x").read_text()
