"""Hot editing as the loader does it: what is run again, what goes on, and what a broken edit leaves behind."""

import gc
import sys
import weakref

import pytest

from yummy.hooks.loader import BrokenScripts, Loader
from yummy.hooks.namespace import Namespace
from yummy.hooks.traces import ScriptTexts, trouble_of

FOLDER = "/scripts"
#: Modules of the scripts below, of which a load that failed leaves no trace.
NAMES = ("a", "b", "game", "gone", "lobby", "new", "_shared", "pkg", "pkg.sub", "pkg.new")


def unwatched(function, *arguments):
    """What `Deadline.run` does, without a deadline."""
    try:
        return function(*arguments), None
    except BaseException as error:  # noqa: BLE001  # as scripts raise anything
        return None, error


class Scripts:
    """Scripts that are edited, and what the loader makes of them."""

    def __init__(self):
        self.texts = {}
        self.ran = []
        self.troubles = []
        self.loader = Loader(ScriptTexts(), lambda path, _step: self.ran.append(path), unwatched)

    def prepare(self, files=None, /, *, without=(), **scripts):
        edits = {**(files or {}), **{f"{name}.py": text for name, text in scripts.items()}}
        self.texts.update((path, text.encode()) for path, text in edits.items())
        for path in without:
            del self.texts[path]
        self.ran.clear()
        order = sorted(self.texts.items(), key=lambda item: ("/" in item[0], item[0]))
        return self.loader.prepare(FOLDER, tuple(order))

    def save(self, files=None, /, **edits):
        """Save files and have them loaded."""
        loaded = self.loader.run(self.prepare(files, **edits))
        ran = list(self.ran)
        self.troubles = list(self.loader.swap(loaded))
        self.ran[:] = ran
        return loaded

    def refused(self, files=None, /, **edits):
        """Save files, which have to be refused; gives the troubles, and takes the edit back."""
        texts, before = dict(self.texts), self.world()
        with pytest.raises(BrokenScripts) as caught:
            self.save(files, **edits)
        assert before == self.world()
        self.texts = texts
        return caught.value.troubles

    def world(self):
        """All that a load which failed must not change."""
        modules = {name: sys.modules[name] for name in NAMES if name in sys.modules}
        attributes = {name: set(vars(module)) for name, module in modules.items()}
        parts = {part: vars(modules["pkg"]).get(part) for part in ("sub", "new")} if "pkg" in modules else {}
        finder = self.loader._stage.finder
        return modules, attributes, parts, dict(finder.modules), dict(self.loader.texts._files), self.loader.loaded

    def hook(self, name="pre_play", **values):
        """Call all hooks of a name; gives what they returned."""
        return [function(*values.values()) for function in self.loader.loaded.hooks.get(name, ())]


@pytest.fixture
def scripts():
    scripts = Scripts()
    yield scripts
    scripts.loader._stage.enter(Namespace())
    sys.meta_path[:] = [finder for finder in sys.meta_path if finder is not scripts.loader._stage.finder]
    assert [] == [name for name in NAMES if name in sys.modules]


class TestWhatRunsAgain:
    def test_the_edited_script_and_no_other(self, scripts):
        scripts.save(lobby="players = []", game="seen = []\ndef pre_play(model=None): return seen")
        lobby, game = sys.modules["lobby"], sys.modules["game"]
        lobby.players.append("Ada")
        game.seen.append(1)
        scripts.save(game="seen = []\ndef pre_play(model=None): return ('new', seen)")
        assert ["game.py"] == scripts.ran
        assert lobby is sys.modules["lobby"]
        assert ["Ada"] == lobby.players
        assert game is not sys.modules["game"]
        assert [("new", [])] == scripts.hook()

    def test_scripts_that_import_it_by_way_of_others_too(self, scripts):
        scripts.save(a="import b", b="import c", c="x = 1", d="x = 1")
        scripts.save(c="x = 2")
        assert ["a.py", "b.py", "c.py"] == sorted(scripts.ran)
        assert 2 == sys.modules["a"].b.c.x

    @pytest.mark.parametrize(
        "importer",
        [
            "from lobby import players",
            "from lobby import *",
            "import lobby\nplayers = lobby.players",
            "try:\n    from lobby import players\nexcept ImportError: pass",
            "import importlib\nplayers = importlib.import_module('lobby').players",
            "def find():\n    import lobby\n    return lobby.players\nplayers = find()",
        ],
    )
    def test_no_stale_copy_of_what_was_imported_survives(self, importer, scripts):
        scripts.save(lobby="players = ['old']", game=f"{importer}\ndef pre_play(model=None): return players")
        scripts.save(lobby="players = ['new']")
        assert [["new"]] == scripts.hook()
        assert sys.modules["lobby"].players is sys.modules["game"].players

    def test_a_ring_of_imports_as_a_whole(self, scripts):
        scripts.save(a="import b\nx = 1", b="import a\nx = 1")
        old = sys.modules["a"], sys.modules["b"]
        scripts.save(b="import a\nx = 2")
        a, b = sys.modules["a"], sys.modules["b"]
        assert (2, a, b) == (a.b.x, b.a, a.b)
        assert a not in old

    def test_what_saves_the_same_text_runs_nothing(self, scripts):
        scripts.save(game="x = 1")
        game = sys.modules["game"]
        scripts.save(game="x = 1")
        assert [] == scripts.ran
        assert game is sys.modules["game"]

    def test_importers_of_a_script_that_is_new(self, scripts):
        scripts.save(game="try:\n    import extra\nexcept ImportError:\n    extra = None", other="x = 1")
        scripts.save(extra="x = 5")
        assert ["extra.py", "game.py"] == scripts.ran
        assert 5 == sys.modules["game"].extra.x

    def test_scripts_run_in_file_name_order_and_their_hooks_too(self, scripts):
        text = "def pre_play(model=None): return __name__, version\nversion = 1"
        scripts.save(a=text, b=text, c=text)
        scripts.save(b=text.replace("1", "2"))
        assert [("a", 1), ("b", 2), ("c", 1)] == scripts.hook()
        scripts.save(a=text.replace("1", "3"), c=text.replace("1", "3"))
        assert ["a.py", "c.py"] == scripts.ran
        assert [("a", 3), ("b", 2), ("c", 3)] == scripts.hook()

    def test_hooks_that_are_taken_out_serve_no_more(self, scripts):
        scripts.save(
            game="def pre_play(model=None): return int(1)\ndef pre_logout(model): return int(1)",
            b="def pre_play(model=None): return int(2)",
        )
        loaded = scripts.save(game="def pre_logout(model): return int(1)")
        assert [2] == scripts.hook()
        assert {"pre_play", "pre_logout"} == set(loaded.hooks)
        scripts.save(without=["b.py"])
        assert {"pre_logout"} == set(scripts.loader.loaded.hooks)
        assert "b" not in sys.modules

    def test_all_scripts_may_be_deleted_and_come_back(self, scripts):
        scripts.save(game="def pre_play(model=None): return int(1)")
        loaded = scripts.save(without=["game.py"])
        assert ((), {}) == (loaded.scripts, loaded.hooks)
        assert "game" not in sys.modules
        scripts.save(game="def pre_play(model=None): return int(2)")
        assert [2] == scripts.hook()

    def test_a_renamed_script_is_a_new_one(self, scripts):
        scripts.save(old_name="def pre_play(model=None): return __name__")
        scripts.save(new="def pre_play(model=None): return __name__", without=["old_name.py"])
        assert ["new"] == scripts.hook()
        assert "old_name" not in sys.modules

    def test_a_script_whose_name_is_no_identifier_runs_again(self, scripts):
        scripts.save({"a.b.py": "x = 1", "1st.py": "x = 1", "a.py": "b = 5"})
        scripts.save({"a.b.py": "x = 2"})
        assert ["a.b.py"] == scripts.ran
        assert (2, 5) == (sys.modules["a.b"].x, sys.modules["a"].b)

    def test_a_script_that_put_another_module_in_its_place_keeps_that(self, scripts):
        text = "import sys, types\nme = types.ModuleType(__name__)\nme.x = {}\nsys.modules[__name__] = me"
        scripts.save(game=text.format(1), other="x = 1")
        game = sys.modules["game"]
        scripts.save(other="import game\nx = game.x")
        assert ["other.py"] == scripts.ran
        assert (game, 1) == (sys.modules["game"], sys.modules["other"].x)
        scripts.save(game=text.format(2))
        assert ["game.py", "other.py"] == scripts.ran
        assert 2 == sys.modules["other"].x

    def test_a_folder_elsewhere_is_loaded_afresh(self, scripts):
        scripts.save(game="where = __file__")
        loaded = scripts.loader.run(scripts.loader.prepare("/elsewhere", tuple(scripts.texts.items())))
        assert [] == list(scripts.loader.swap(loaded))
        assert "/elsewhere/game.py" == sys.modules["game"].where


class TestPackages:
    def test_a_helper_brings_its_importers(self, scripts):
        scripts.save({"pkg/__init__.py": "", "pkg/sub.py": "x = 1"}, game="from pkg.sub import x", other="import pkg")
        package = sys.modules["pkg"]
        scripts.save({"pkg/sub.py": "x = 2"})
        assert ["game.py"] == scripts.ran
        assert 2 == sys.modules["game"].x
        assert package is sys.modules["pkg"]
        assert sys.modules["pkg.sub"] is package.sub

    def test_a_package_brings_its_parts_and_their_importers(self, scripts):
        scripts.save({"pkg/__init__.py": "x = 1", "pkg/sub.py": "from . import x"}, game="import pkg.sub", other="")
        sub = sys.modules["pkg.sub"]
        scripts.save({"pkg/__init__.py": "x = 2"})
        assert ["game.py"] == scripts.ran
        assert sub is not sys.modules["pkg.sub"]
        assert (2, 2) == (sys.modules["game"].pkg.x, sys.modules["pkg.sub"].x)

    def test_a_module_beside_the_scripts(self, scripts):
        scripts.save(_shared="x = 1", game="import _shared", other="x = 1")
        scripts.save(_shared="x = 2")
        assert ["game.py"] == scripts.ran
        assert 2 == sys.modules["game"]._shared.x

    def test_a_folder_without_init(self, scripts):
        scripts.save(
            {"pkg/sub.py": "x = 1", "pkg/deep/low.py": "x = 1"}, game="from pkg import sub\nimport pkg.deep.low"
        )
        package, low = sys.modules["pkg"], sys.modules["pkg.deep.low"]
        scripts.save({"pkg/sub.py": "x = 2"})
        assert (2, 2) == (sys.modules["game"].sub.x, package.sub.x)
        assert (package, low) == (sys.modules["pkg"], sys.modules["pkg.deep.low"])
        scripts.save({"pkg/__init__.py": "x = 3"})
        assert (3, 2) == (sys.modules["game"].pkg.x, sys.modules["pkg"].sub.x)
        assert package is not sys.modules["pkg"]

    def test_a_part_that_is_new_is_found(self, scripts):
        game = "import pkg\ntry:\n    from pkg import new\nexcept ImportError: new = None"
        scripts.save({"pkg/__init__.py": ""}, game=game)
        package = sys.modules["pkg"]
        scripts.save({"pkg/new.py": "x = 5"})
        assert 5 == sys.modules["game"].new.x
        scripts.save(without=["pkg/new.py"])
        assert sys.modules["game"].new is None
        assert package is sys.modules["pkg"]
        assert not hasattr(package, "new")

    def test_a_package_keeps_its_own_value_that_bears_the_name_of_a_part(self, scripts):
        scripts.save({"pkg/__init__.py": "sub = 5", "pkg/sub.py": "x = 1"}, game="import pkg")
        scripts.save({"pkg/sub.py": "x = 2", "pkg/new.py": ""})
        assert 5 == sys.modules["pkg"].sub
        scripts.refused({"pkg/sub.py": "x = 3"}, game="import pkg.sub\n1 / 0")
        assert 5 == sys.modules["pkg"].sub

    def test_a_script_becomes_a_package(self, scripts):
        scripts.save(pkg="x = 1", game="import pkg")
        scripts.save({"pkg/__init__.py": "x = 2", "pkg/sub.py": ""}, without=["pkg.py"])
        assert ["game.py"] == scripts.ran
        assert 2 == sys.modules["game"].pkg.x

    def test_a_star_import_of_parts(self, scripts):
        scripts.save({"pkg/__init__.py": "__all__ = ['sub']", "pkg/sub.py": "x = 1"}, game="from pkg import *")
        scripts.save({"pkg/sub.py": "x = 2"})
        assert 2 == sys.modules["game"].sub.x

    def test_what_is_imported_while_a_hook_runs_runs_again_at_the_save(self, scripts):
        game = "def pre_play(model=None):\n    from pkg import sub\n    return sub.x"
        scripts.save({"pkg/__init__.py": "", "pkg/sub.py": "x = 1"}, game=game)
        assert "pkg.sub" not in sys.modules
        assert [1] == scripts.hook()
        (trouble,) = scripts.refused({"pkg/sub.py": "x = undefined"})
        assert ("pkg/sub.py", 1) == (trouble.place.file, trouble.place.line)
        assert "pkg/sub.py cannot be imported: NameError" in trouble.headline
        assert [1] == scripts.hook()
        scripts.save({"pkg/sub.py": "x = 2"})
        assert [2] == scripts.hook()

    def test_what_a_script_does_without_may_fail(self, scripts):
        game = "try:\n    import _fast as fast\nexcept ImportError:\n    fast = None"
        scripts.save(_fast="x = 1", game=game)
        scripts.save(_fast="raise ImportError")
        assert sys.modules["game"].fast is None

    def test_a_package_whose_class_answers_nothing(self, scripts):
        odd = "import sys, types\nclass Odd(types.ModuleType):\n    __dict__ = property(lambda self: 1 / 0)\n"
        odd += "sys.modules[__name__].__class__ = Odd"
        scripts.save({"pkg/__init__.py": odd, "pkg/sub.py": "x = 1"}, game="import pkg.sub")
        scripts.save({"pkg/sub.py": "x = 2"})
        assert 2 == sys.modules["game"].pkg.sub.x

    def test_a_module_that_a_script_made_by_itself_comes_back(self, scripts):
        scripts.save(game="import sys, types\nsys.modules['new'] = types.ModuleType('new')")
        made = sys.modules["new"]
        scripts.refused(new="1 / 0")
        assert made is sys.modules["new"]
        scripts.save(other="x = 1")
        assert made is sys.modules["new"]
        scripts.save(new="x = 1")
        assert 1 == sys.modules["new"].x


class TestRefused:
    def test_all_syntax_errors_are_told_with_their_carets(self, scripts):
        scripts.save(a="x = 1", b="x = 1", c="def pre_play(model=None): return int(1)")
        first, second = scripts.refused(a="x = =", b="def f(:", c="1 / 0")
        assert ("a.py", 1, "x = =", 4) == (first.place.file, first.place.line, first.place.source, first.place.column)
        assert ("b.py", "def f(:") == (second.place.file, second.place.source)
        assert [] == scripts.ran
        assert [1] == scripts.hook()

    @pytest.mark.parametrize(
        ("text", "says"),
        [
            ("1 / 0", "game.py cannot be imported: ZeroDivisionError"),
            ("raise SystemExit", "game.py cannot be imported: SystemExit"),
            ("import nowhere_to_be_found", "ModuleNotFoundError"),
            ("from yummy import fail; fail('x')", "game.py cannot be imported: yummy.HookFailure"),
            ("def pre_play(): print()", "pre_play() cannot be called as pre_play(model)"),
            ("async def pre_play(model): print()", "pre_play is an async function"),
            ("import sys; sys.modules[__name__] = 5", "is no module"),
            ("import sys; del sys.modules[__name__]", "game.py cannot be imported"),
            ("import _shared; _shared.x.y = 1", "AttributeError"),
        ],
    )
    def test_the_old_ones_go_on_as_they_were(self, text, says, scripts):
        files = {"pkg/__init__.py": "", "pkg/sub.py": "x = 1", "_shared.py": "x = 1"}
        game = "def pre_play(model=None): return lobby.n\nimport lobby, pkg.sub, _shared"
        scripts.save(files, lobby="n = 1", game=game)
        sys.modules["lobby"].n = 7
        troubles = scripts.refused({"pkg/sub.py": "x = 2"}, lobby="n = 2", game=f"import lobby, pkg.sub\n{text}")
        assert says in troubles[0].headline
        assert "game.py" == troubles[0].place.file
        assert [7] == scripts.hook()
        assert 1 == sys.modules["pkg"].sub.x
        scripts.save(game=game + "\nx = 1")
        assert ["game.py"] == scripts.ran
        assert [7] == scripts.hook()

    def test_what_an_import_did_to_others_is_not_undone(self, scripts):
        scripts.save(lobby="players = []", game="import lobby")
        scripts.refused(game="import lobby\nlobby.players.append('Ada')\n1 / 0")
        assert ["Ada"] == sys.modules["lobby"].players

    def test_a_script_that_is_still_imported_cannot_be_deleted(self, scripts):
        scripts.save(lobby="x = 1", game="x = 1\nimport lobby")
        (trouble,) = scripts.refused(without=["lobby.py"])
        assert "game.py cannot be imported: ModuleNotFoundError: No module named 'lobby'" in trouble.headline
        assert ("game.py", 2, "import lobby") == (trouble.place.file, trouble.place.line, trouble.place.source)

    def test_an_importer_that_breaks_refuses_the_edit_of_what_it_imports(self, scripts):
        scripts.save(lobby="players = 1", game="from lobby import players")
        (trouble,) = scripts.refused(lobby="people = 1")
        assert "cannot import name 'players'" in trouble.headline
        assert "game.py" == trouble.place.file

    def test_a_taken_name(self, scripts):
        scripts.save(game="x = 1")
        (trouble,) = scripts.refused(random="x = 1")
        assert "random.py bears the name of Python's own module random" in trouble.headline

    def test_the_first_load_warns_of_a_hook_that_cannot_be_called(self, scripts):
        loaded = scripts.save(game="def pre_play(): return int(1)")
        assert "pre_play() cannot be called" in loaded.notices[0].text
        loaded = scripts.save(other="x = 1")
        assert () == loaded.notices
        (trouble,) = scripts.refused(game="def pre_play(): return int(2)")
        assert "write it as def pre_play(model)" == trouble.advice

    def test_a_misspelt_hook_stays_a_warning(self, scripts):
        scripts.save(game="x = 1")
        loaded = scripts.save(game="def pre_pley(model): return 1")
        assert "did you mean pre_play?" in loaded.notices[0].text

    def test_warnings_are_said_once(self, scripts):
        scripts.save({"json/x.py": ""}, game="x = '\\d'", other="x = 1")
        assert 2 == len(scripts.loader.loaded.notices)
        assert () == scripts.save(other="x = 2").notices

    def test_what_a_refused_edit_said_is_quoted_from_it_and_later_reports_are_not(self, scripts):
        scripts.save(game="def pre_play(model=None): 1 / 0")
        (trouble,) = scripts.refused(game="\n1 / 0  # new")
        assert "1 / 0  # new" == trouble.place.source
        with pytest.raises(ZeroDivisionError) as caught:
            scripts.hook()
        place = trouble_of(caught.value, scripts.loader.texts, hook="pre_play").place
        assert "def pre_play(model=None): 1 / 0" == place.source


class TestLoadAndUnload:
    TEXT = "def on_load(): said.append(('load', __name__, 1))\ndef on_unload(): said.append(('unload', __name__, 1))\n"

    @pytest.fixture
    def said(self, monkeypatch):
        said = []
        monkeypatch.setattr("builtins.said", said, raising=False)
        return said

    def test_only_those_that_are_replaced_hear_of_it(self, said, scripts):
        scripts.save(a=self.TEXT, b=self.TEXT, c=self.TEXT, d=self.TEXT, e="import a\n" + self.TEXT)
        said.clear()
        scripts.save(a=self.TEXT.replace("1", "2"), new=self.TEXT, without=["c.py"])
        assert [
            ("unload", "a", 1),
            ("unload", "c", 1),
            ("unload", "e", 1),
            ("load", "a", 2),
            ("load", "e", 1),
            ("load", "new", 1),
        ] == said

    def test_a_refused_edit_is_heard_by_nobody(self, said, scripts):
        scripts.save(a=self.TEXT, b="x = 1")
        said.clear()
        scripts.refused(a=self.TEXT.replace("1", "2"), b="1 / 0")
        assert [] == said

    def test_each_lives_in_its_own_world(self, said, scripts):
        text = "def on_load():\n    import b\n    said.append(b.x)\n"
        scripts.save(a=text + text.replace("load", "unload"), b="x = 1")
        scripts.save(b="x = 2")
        assert [1, 1, 2] == said

    def test_errors_in_them_are_told_and_undo_nothing(self, scripts):
        scripts.save(game="x = 1\ndef on_unload(): raise SystemExit")
        scripts.save(game="x = 2\n\ndef on_load(): 1 / 0")
        unload, load = scripts.troubles
        assert ("on_unload", 2, "def on_unload(): raise SystemExit") == (
            unload.hook,
            unload.place.line,
            unload.place.source,
        )
        assert ("on_load", 3, "def on_load(): 1 / 0") == (load.hook, load.place.line, load.place.source)
        assert 2 == sys.modules["game"].x

    def test_what_serves_hears_of_the_end(self, said, scripts):
        scripts.save(a=self.TEXT, b="x = 1")
        scripts.save(b=self.TEXT)
        said.clear()
        assert [] == list(scripts.loader.unload())
        assert [("unload", "a", 1), ("unload", "b", 1)] == said


class TestRevisionsSideBySide:
    def test_an_older_one_runs_its_own_code_and_quotes_its_own_lines(self, scripts):
        text = "def pre_play(model=None):\n    import lobby\n    return __name__, lobby.x\n"
        text += "def pre_logout(model):\n    1 / 0 # old"
        old = scripts.save(game=text, lobby="x = 'old'", other="x = []")
        scripts.save(game=text.replace("old", "new") + "\n", lobby="x = 'new'")
        new = scripts.loader.loaded
        assert [("game", "new")] == [function() for function in new.hooks["pre_play"]]
        scripts.loader.enter(old)
        assert [("game", "old")] == [function() for function in old.hooks["pre_play"]]
        assert "x = 'old'" == scripts.loader.texts.line(f"{FOLDER}/lobby.py", 1)
        scripts.loader.enter(new)
        assert [("game", "new")] == [function() for function in new.hooks["pre_play"]]
        with pytest.raises(ZeroDivisionError) as caught:
            old.hooks["pre_logout"][0](None)
        assert "    1 / 0 # old" == trouble_of(caught.value, old.texts, hook="pre_logout").place.source
        assert "    1 / 0 # new" == scripts.loader.texts.line(f"{FOLDER}/game.py", 5)

    def test_they_share_what_did_not_run_again(self, scripts):
        old = scripts.save(
            {"pkg/sub.py": "x = []"}, a="x = 1", b="def pre_play(model=None):\n    from pkg import sub\n    return sub"
        )
        scripts.save(a="x = 2")
        (late,) = scripts.hook()
        scripts.loader.enter(old)
        assert [late] == scripts.hook()
        scripts.loader.enter(scripts.loader.loaded)
        scripts.save(a="x = 3")
        assert [late] == scripts.hook()
        scripts.save({"pkg/sub.py": "x = [1]"})
        assert [late] != scripts.hook()
        scripts.loader.enter(old)
        assert [late] == scripts.hook()

    def test_edits_while_an_older_one_is_in_force(self, scripts):
        old = scripts.save(game="x = 1\ndef pre_play(model=None): return x")
        scripts.save(game="x = 2\ndef pre_play(model=None): return x")
        scripts.loader.enter(old)
        scripts.save(game="x = 3\ndef pre_play(model=None): return x")
        assert [3] == scripts.hook()
        assert 3 == sys.modules["game"].x

    def test_an_old_one_is_garbage_once_it_is_dropped(self, scripts):
        files = {"pkg/__init__.py": "", "pkg/sub.py": "x = 1"}
        old = scripts.save(
            files, lobby="x = 1", game="import lobby, pkg.sub\nx = 1\ndef pre_play(model=None): return x"
        )
        modules = [weakref.ref(sys.modules[name]) for name in ("game", "lobby", "pkg.sub")]
        kept = weakref.ref(sys.modules["pkg"])
        scripts.save({"pkg/sub.py": "x = 2"}, lobby="x = 2")
        gc.collect()
        assert None not in [module() for module in modules]
        assert [1] == [function() for function in old.hooks["pre_play"]]
        del old
        gc.collect()
        assert [None, None, None] == [module() for module in modules]
        assert kept() is sys.modules["pkg"]

    def test_what_was_refused_is_garbage_at_once(self, scripts):
        scripts.save(game="x = 1")
        seen = []
        sys.modules["game"].seen = seen
        text = "import weakref, sys\nimport lobby\n1 / 0"
        lobby = "import weakref, sys\nsys.seen_by_a_test = weakref.ref(sys.modules[__name__])"
        scripts.refused(game=text, lobby=lobby)
        try:
            gc.collect()
            assert sys.seen_by_a_test() is None
        finally:
            del sys.seen_by_a_test


class InterruptError(BaseException):
    """What a watchdog raises in the middle of a load."""


def interrupted(function, number):
    """Call a function, and interrupt it at the line of that number, of the loader's or a script's.

    Returns:
        Whether it has so many lines.
    """
    lines = 0

    def trace(frame, event, _):
        nonlocal lines
        name = frame.f_code.co_filename
        if not name.startswith(FOLDER) and not name.endswith(("hooks/loader.py", "hooks/namespace.py")):
            return None
        if event == "line":
            lines += 1
            if lines == number:
                raise InterruptError
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        function()
    except (BrokenScripts, InterruptError):
        return True
    finally:
        sys.settrace(before)
    assert lines < number
    return False


class TestInterrupts:
    def test_one_at_any_line_of_a_load_leaves_everything_as_it_was(self, scripts):
        files = {"pkg/__init__.py": "", "pkg/sub.py": "x = 1", "_shared.py": "x = 1"}
        scripts.save(
            files, lobby="n = 1", game="import lobby, pkg.sub, _shared\ndef pre_play(model): return int(1)", gone=""
        )
        texts, before = dict(scripts.texts), scripts.world()
        number = 1
        while True:
            edit = {
                "pkg/sub.py": "x = 2",
                "pkg/new.py": "x = 1",
                "new.py": "import pkg.new\nx = 1",
                "lobby.py": "n = 2",
            }
            scripts.texts = dict(texts)
            prepared = scripts.prepare(edit, without=["gone.py"])
            if not interrupted(lambda prepared=prepared: scripts.loader.run(prepared), number):
                break
            scripts.texts = dict(texts)
            assert before == scripts.world(), f"interrupted at line {number}"
            number += 1
        assert number > 100
        scripts.texts = dict(texts)
        assert before == scripts.world()
        scripts.save(edit, without=["gone.py"])
        assert (2, 1) == (sys.modules["pkg"].sub.x, sys.modules["new"].x)
