"""Loading scripts: names, imports, load-time checks and their reports, on_load and on_unload."""

import sys

import pytest
import structlog.testing

from yummy.hooks.calls import HookLimits, ScriptsBroken
from yummy.hooks.opening import open_hooks
from yummy.hooks.revision import read_sources


@pytest.fixture
def broken(write_scripts):
    """The report of scripts that cannot be loaded."""

    async def load(files=None, /, **scripts):
        folder = write_scripts(files, **scripts)
        with pytest.raises(ScriptsBroken) as caught:
            async with open_hooks(folder, HookLimits()):
                pass
        assert not caught.value.stuck
        return caught.value.report

    return load


@pytest.fixture
def notices(serve_scripts):
    """What the log warns of when scripts are loaded: file, line, text."""

    async def load(game=None, /, **options):
        with structlog.testing.capture_logs() as logs:
            async with serve_scripts(game, **options):
                pass
        return [(line["file"], line["line"], line["event"]) for line in logs if line["log_level"] == "warning"]

    return load


class TestBroken:
    async def test_a_syntax_error_has_a_caret(self, broken):
        report = await broken(ok="x = 1", game="import ok\n\ndef pre_play(model)\n    pass\n")
        assert [
            "broken: SyntaxError: expected ':'",
            "  --> game.py:3",
            "  |",
            "3 | def pre_play(model)",
            "  |                    ^",
            "  = to do: correct the marked place and save",
        ] == report.splitlines()

    async def test_all_scripts_that_do_not_compile_are_named(self, broken):
        report = await broken({"pkg/deep.py": "x = ("}, a="x = =", b="def f(:", fine="x = 1", nul=b"x = '\0'")
        for place in ("a.py:1", "b.py:1", "pkg/deep.py:1", "nul.py"):
            assert place in report
        assert "fine.py" not in report

    async def test_an_error_at_import_shows_the_way_there(self, broken):
        report = await broken(game="import lib\n", lib="def f():\n    return undefined\nf()\n")
        assert [
            "broken: game.py cannot be imported: NameError: name 'undefined' is not defined",
            "  --> lib.py:2 in f",
            "  |",
            "2 |     return undefined",
            "  |            ^^^^^^^^^",
            "  = hook: import",
            "  = called by way of:",
            "      game.py:1 in <module>: import lib",
            "      lib.py:3 in <module>: f()",
            "      lib.py:2 in f: return undefined",
        ] == report.splitlines()

    @pytest.mark.parametrize(
        ("text", "says"),
        [
            ("raise SystemExit", "cannot end the server"),
            ("from yummy import fail; fail('x')", "call fail() in a hook"),
            ("from yummy import room; room.get_room('x')", "get_room() works only while a hook runs"),
            ("import numbers_of_nobody", "install the module"),
            ("import _testsinglephase", "cannot be used in hooks"),
            ("async def pre_play(model): pass", "pre_play is an async function"),
            ("def post_play(model, success):\n    yield 1", "post_play is an async function or a generator"),
            ("async def pre_play(model):\n    yield 1", "write it as a plain def"),
            (
                "class Odd:\n    def __getattr__(self, name): 1 / 0\npre_play = Odd()",
                "hooks of game.py cannot be looked at",
            ),
        ],
    )
    async def test_what_cannot_serve_says_what_to_do(self, text, says, broken):
        report = await broken(game=text)
        assert says in report
        assert "--> game.py" in report

    @pytest.mark.parametrize(
        ("name", "says"),
        [("random", "Python's own module"), ("_json", "Python's own module"), ("trio", "installed module")],
    )
    async def test_a_name_that_is_taken_is_refused(self, name, says, broken):
        report = await broken(**{name: "x = 1", "game": "x = 1"})
        assert f"{name}.py bears the name of" in report
        assert says in report
        assert f"my_{name}.py" in report

    async def test_a_script_and_a_package_of_one_name_are_refused(self, broken):
        report = await broken({"lobby.py": "", "lobby/__init__.py": ""})
        assert "are the same module, lobby" in report

    async def test_an_interpreter_that_loaded_broken_scripts_ends(self, broken):
        assert "1 / 0" in await broken(a="1 / 0")


class TestImports:
    async def test_packages_serve_as_helpers_and_hold_no_hooks(self, serve_scripts, pre_play, tmp_path):
        files = {
            "rules/__init__.py": "from .deep.chess import moves\ndef pre_logout(model): 1 / 0",
            "rules/deep/chess.py": "moves = 5",
            "_own.py": "def pre_logout(model): 1 / 0\nmoves = 6",
            "data/not_code.py": "1 / 0",
            "no-package/x.py": "1 / 0",
            ".hidden/x.py": "1 / 0",
            "my-game.py": """
import rules, _own
def pre_play(model): model.message = [rules.moves, _own.moves, __name__]
""",
        }
        async with serve_scripts(files=files) as host:
            assert ("my-game.py",) == host.scripts
            assert not host.serving.wants("pre", "logout")
            assert {"message": [5, 6, "my-game"]} == (await host.call(pre_play())).changes
        assert [] == list(tmp_path.rglob("*.pyc"))
        assert [] == list(tmp_path.rglob("__pycache__"))

    async def test_byte_code_beside_a_script_is_not_read(self, serve_scripts, write_scripts, pre_play):
        folder = write_scripts({f"__pycache__/game.{sys.implementation.cache_tag}.pyc": "rubbish"})
        async with serve_scripts("def pre_play(model): model.message = __file__") as host:
            assert {"message": f"{folder}/game.py"} == (await host.call(pre_play())).changes

    async def test_names_that_are_no_identifiers_load(self, serve_scripts):
        files = {"1st.py": "def pre_play(model): print()", "a.b.py": "def pre_logout(model): print()", "class.py": ""}
        async with serve_scripts(files=files) as host:
            assert ("1st.py", "a.b.py", "class.py") == host.scripts
            assert host.serving.wants("pre", "play")
            assert host.serving.wants("pre", "logout")

    async def test_scripts_may_import_each_other_in_a_ring(self, serve_scripts, pre_play):
        a = "import b\ndef pre_play(model): model.message = b.f()"
        b = "import a\ndef f(): return a.__name__"
        async with serve_scripts(a=a, b=b) as host:
            assert {"message": "a"} == (await host.call(pre_play())).changes

    async def test_a_hook_imported_from_another_script_runs_once(self, serve_scripts, pre_play):
        a = "from b import *\nfrom helpers import pre_play as pre_logout\n"
        b = "def pre_play(model): model.message += 1"
        helpers = {"helpers/__init__.py": "def pre_play(model): print()"}
        async with serve_scripts(files=helpers, a=a, b=b) as host:
            assert {"message": 2} == (await host.call(pre_play(1))).changes
            assert host.serving.wants("pre", "logout")

    async def test_declared_encodings_and_marks_are_understood(self, serve_scripts, pre_play):
        latin = "# coding: latin-1\ntext = 'é'\n".encode("latin-1")
        game = b"\xef\xbb\xbfimport latin\ndef pre_play(model): model.message = latin.text"
        async with serve_scripts(files={"latin.py": latin, "game.py": game}) as host:
            assert {"message": "é"} == (await host.call(pre_play())).changes

    async def test_tools_that_read_source_see_the_text(self, serve_scripts, pre_play):
        script = "import inspect\ndef pre_play(model): model.message = inspect.getsource(pre_play)"
        async with serve_scripts(script) as host:
            assert script.splitlines()[1] in (await host.call(pre_play())).changes["message"]

    async def test_the_revision_names_files_and_content(self, serve_scripts, write_scripts):
        async with serve_scripts(b="x = 1", a="y = 1") as host:
            first = host.revision
        async with serve_scripts(b="x = 1", a="y = 1") as host:
            assert first.content_hash == host.revision.content_hash
        async with serve_scripts(b="x = 1", a="y = 2") as host:
            assert first.content_hash != host.revision.content_hash
        assert (1, ("a.py", "b.py")) == (first.number, first.files)
        assert f"1 ({first.content_hash})" == str(first)


class TestNotices:
    @pytest.mark.parametrize(
        ("text", "says"),
        [
            ("def pre_email_aut(model): print()", "did you mean pre_email_auth?"),
            ("def post_pley(model, success): print()", "did you mean post_play?"),
            ("def pre_compute_everything_xyz(a): print()", "should begin otherwise"),
            ("def post_play(model): print()", "post_play(model) cannot be called as post_play(model, success)"),
            ("def pre_play(): print()", "cannot be called as pre_play(model)"),
            ("pre_play = 5", "pre_play is no function"),
            ("x = '\\d'", "invalid escape sequence"),
        ],
    )
    async def test_slips_are_noticed_with_their_place(self, text, says, notices):
        (notice,) = await notices("\n" + text)
        assert "game.py" == notice[0]
        assert notice[1] in {0, 2}
        assert says in notice[2]

    async def test_fitting_hooks_in_any_form_pass_without_a_word(self, notices):
        script = """
import functools
def pre_play(model, more=None): print()
def post_play(*arguments): print()
pre_logout = functools.partial(lambda x, model: print(), 1)
class Rules:
    def __call__(self, model, success): print()
post_logout = Rules()
def prepare(model): pass
def post(model): pass
pre_ = post_ = 3
"""
        assert [] == await notices(script)

    async def test_a_package_with_a_taken_name_is_said_to_be_out_of_reach(self, notices):
        ((file, _, text),) = await notices("x = 1", files={"json/__init__.py": "", "json/a.py": ""})
        assert "json/" == file
        assert "cannot be imported" in text


class TestEmptyHooks:
    async def test_hooks_that_do_nothing_count_as_absent(self, serve_scripts):
        script = """
def pre_play(model): pass
def post_play(model, success):
    '''Say something.'''
def pre_logout(model): ...
def post_logout(model, success) -> None:
    '''Say something.'''
    pass
pre_create_room = lambda model: None
def pre_update_room(model): return
"""
        async with serve_scripts(script) as host:
            assert {} == host.serving.places

    async def test_hooks_that_do_something_count(self, serve_scripts):
        script = """
def pre_play(model): model
def post_play(model, success): raise
def pre_logout(model): x
def post_logout(model, success): x = 1
"""
        async with serve_scripts(script) as host:
            assert 4 == len(host.serving.places)


class TestReload:
    """What `test_reload` shows of the loader, in the interpreter that it is made for."""

    async def test_a_refused_edit_that_is_taken_back_makes_no_new_revision(
        self, serve_scripts, write_scripts, pre_play
    ):
        good, broken = "def pre_play(model): model.message = 1", "def pre_play(model) model.message = 2"
        async with serve_scripts(good) as host:
            await host.reload(read_sources(write_scripts(game=broken)))
            assert ["broken"] == [report.trouble.kind for report in host.reports.latest]
            await host.reload(read_sources(write_scripts(game=good)))
            assert (1, 1) == (host.revision.number, host.statistics().loads)
            assert {"message": 1} == (await host.call(pre_play())).changes

    async def test_an_edit_runs_again_what_it_touches_and_state_survives(self, serve_scripts, write_scripts, pre_play):
        count = "from yummy import state\nstate['n'] = state.get('n', 0) + 1\n"
        game = count + "import lobby\ndef pre_play(model):\n    lobby.n += 1\n"
        game += "    model.message = [lobby.n, state['n'], %d]"
        async with serve_scripts(game % 1, lobby="n = 0") as host:
            assert {"message": [1, 1, 1]} == (await host.call(pre_play())).changes
            await host.load(read_sources(write_scripts(game=game % 2)))
            assert {"message": [2, 2, 2]} == (await host.call(pre_play())).changes
            await host.load(read_sources(write_scripts(lobby="n = 10")))
            assert {"message": [11, 3, 2]} == (await host.call(pre_play())).changes
            assert 3 == host.revision.number

    async def test_a_broken_edit_is_told_with_its_caret_and_the_old_code_goes_on(
        self, serve_scripts, write_scripts, pre_play
    ):
        async with serve_scripts("def pre_play(model): model.message = 1 / model.message") as host:
            served = host.revision
            with pytest.raises(ScriptsBroken) as caught:
                await host.load(read_sources(write_scripts(game="def pre_play(model)")))
            assert ["1 | def pre_play(model)", "  |                    ^"] == caught.value.report.splitlines()[3:5]
            assert served is host.revision
            assert "1 | def pre_play(model): model.message = 1 / model.message" in (await host.call(pre_play(0))).text
            await host.load(read_sources(write_scripts(game="def pre_play(model): model.message = 3")))
            assert {"message": 3} == (await host.call(pre_play(0))).changes


class TestLoadAndUnload:
    async def test_on_load_and_on_unload_are_called_in_file_order(self, serve_scripts):
        text = "def on_load(): print('load', __name__)\ndef on_unload(): print('unload', __name__)"
        with structlog.testing.capture_logs() as logs:
            async with serve_scripts(a=text, b=text):
                pass
        said = [(line["hook"], line["event"]) for line in logs if "hook" in line]
        assert [
            ("on_load", "load a"),
            ("on_load", "load b"),
            ("on_unload", "unload a"),
            ("on_unload", "unload b"),
        ] == said

    async def test_errors_in_them_are_reported_and_undo_nothing(self, serve_scripts, pre_play):
        a = "from yummy import user\ndef on_load(): user.get_user('x')\ndef on_unload(): raise SystemExit"
        b = """
def on_load(): global ready; ready = 1
def on_unload(): print('bye')
def pre_play(model): model.message = ready
"""
        with structlog.testing.capture_logs() as logs:
            async with serve_scripts(a=a, b=b) as host:
                assert {"message": 1} == (await host.call(pre_play())).changes
        errors = [(line["file"], line["hook"]) for line in logs if line["log_level"] == "error"]
        assert [("a.py", "on_load"), ("a.py", "on_unload")] == errors
        assert any("bye" == line["event"] for line in logs)

    async def test_an_on_load_that_takes_too_long_is_interrupted_and_named(self, write_scripts):
        slow = "def on_load():\n    while True: pass"
        folder = write_scripts(a=slow, b="def on_load(): print('b is there')")
        with structlog.testing.capture_logs() as logs:
            async with open_hooks(folder, HookLimits(load_timeout=0.2)) as host:
                (report,) = host.reports.latest
        assert ("timeout", "on_load", "a.py", 2) == (
            report.trouble.kind, report.trouble.hook, report.trouble.place.file, report.trouble.place.line,
        )  # fmt: skip
        assert "HOOK_LOAD_TIMEOUT" in report.text
        assert any(line["event"] == "b is there" for line in logs)

    async def test_a_thread_that_a_script_leaves_running_is_said_so(self, serve_scripts, tmp_path):
        flag = tmp_path / "stop"
        script = f"""
import os, threading
def spin():
    while not os.path.exists({str(flag)!r}): pass
threading.Thread(target=spin).start()
"""
        async with serve_scripts(script, limits=HookLimits(sandbox=False)) as host:
            pass
        assert host.stuck
        flag.touch()
