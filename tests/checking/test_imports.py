"""Imports that cannot succeed, found by reading."""

import sys
from importlib.machinery import ModuleSpec

import pytest

from yummy.checking.imports import unknown_imports
from yummy.checking.modules import Modules
from yummy.checking.references import walk
from yummy.checking.source import source_files
from yummy.hooks.revision import read_sources


@pytest.fixture
def read(folder):
    def found(files):
        sources = read_sources(folder(files))
        parsed = source_files(sources)
        modules = Modules.of(sources, parsed)
        problems = [problem for file in parsed for problem in unknown_imports(file, walk(file), modules)]
        return sorted(
            (problem.severity.value, problem.where[0], problem.where[1], problem.trouble.headline)
            for problem in problems
        )

    return found


def test_a_module_that_is_nowhere_is_an_error_where_it_is_imported_for_certain(read):
    found = read("""
        import nowhere_to_be_found, os.path, xml.dom.minidom, trio.lowlevel
        import os.pathh, trio.nowhere, json.decoder.deeper
        class A:
            import nowhere
        try:
            import nowhere
        finally:
            pass
    """)

    assert found == [
        ("error", "game.py", 1, "there is no module nowhere_to_be_found"),
        ("error", "game.py", 2, "there is no module json.decoder.deeper"),
        ("error", "game.py", 2, "there is no module os.pathh"),
        ("error", "game.py", 2, "there is no module trio.nowhere"),
        ("error", "game.py", 4, "there is no module nowhere"),
        ("error", "game.py", 6, "there is no module nowhere"),
    ]


def test_in_a_function_or_behind_a_test_or_caught_it_is_a_warning(read):
    found = read("""
        import sys
        from typing import TYPE_CHECKING
        try:
            import nowhere
        except ImportError:
            nowhere = None
        if sys.platform == "other":
            import nowhere
        def pre_play(model):
            from nowhere import something
        if TYPE_CHECKING:
            import nowhere
        else:
            import nowhere
        try:
            from yummy import newer
        except ModuleNotFoundError:
            pass
    """)

    assert [(severity, line) for severity, _, line, _ in found] == [
        ("error", 14),
        ("error", 16),
        ("warning", 4),
        ("warning", 8),
        ("warning", 10),
    ]


def test_names_that_yummy_does_not_have_are_errors(read, folder):
    found = read("""
        from yummy import nothing, room, testing
        from yummy.room import get_rom, get_room
        import yummy.usr
        from yummy.protocol import anything
    """)

    assert found == [
        ("error", "game.py", 1, "yummy has no nothing"),
        ("error", "game.py", 2, "yummy.room has no get_rom"),
        ("error", "game.py", 3, "there is no module yummy.usr"),
    ]


def test_modules_beside_the_scripts_are_known_with_their_names(read):
    found = read(
        {
            "game.py": """
                import lobby, maps.chess, _own
                from lobby import players, playres, maps, __doc__
                from maps import chess, ches
                from maps.chess import SIZE, SIZES
                from packed import inside, outside, chess
                from broken import anything
                from open_one import anything
                from star import anything
                import maps.go
                import game.deeper
            """,
            "lobby.py": "from maps import chess\nimport maps\nplayers = 1\n",
            "maps/chess.py": "SIZE = 8\n",
            "packed/__init__.py": "from . import inside\nfrom .inside import x\nfrom .. import y\nfrom .gone import z",
            "packed/inside.py": "from . import gone\n",
            "broken.py": "def (",
            "open_one.py": "def __getattr__(name): ...\n",
            "star.py": "from lobby import *\n",
            "_own.py": "from . import x\n",
        }
    )

    assert found == [
        ("error", "_own.py", 1, "a relative import from a script, which is in no package leads nowhere"),
        ("error", "game.py", 2, "lobby has no playres"),
        ("error", "game.py", 3, "maps has no ches"),
        ("error", "game.py", 4, "maps.chess has no SIZES"),
        ("error", "game.py", 5, "packed has no chess"),
        ("error", "game.py", 5, "packed has no outside"),
        ("error", "game.py", 9, "there is no module maps.go"),
        ("error", "game.py", 10, "there is no module game.deeper"),
        ("error", "packed/__init__.py", 2, "packed.inside has no x"),
        ("error", "packed/__init__.py", 3, "a relative import from the package packed leads nowhere"),
        ("error", "packed/__init__.py", 4, "there is no module packed.gone"),
        ("error", "packed/inside.py", 1, "packed has no gone"),
    ]


def test_a_folder_with_the_name_of_an_installed_module_hides_nothing(read):
    assert read({"game.py": "from yummy import room\nimport trio\n", "trio/own.py": ""}) == []


def test_the_advice_is_the_likeliest_name(folder):
    sources = read_sources(
        folder(
            {"lobby.py": "", "maps/chess.py": "", "game.py": "import lobbby, jsonn, maps.ches, qqqqqqq, maps.zzzz\n"}
        )
    )
    files = source_files(sources)
    modules = Modules.of(sources, files)

    (game,) = (file for file in files if file.path == "game.py")
    advice = [problem.trouble.advice for problem in unknown_imports(game, walk(game), modules)]

    assert advice == [
        "did you mean lobby?",
        "did you mean json?",
        "did you mean chess?",
        "correct the name, or install the module where the server's Python finds it",
        "correct the name",
    ]


def test_the_place_is_the_name_of_the_module(folder):
    sources = read_sources(folder("from nowhere import something\n"))
    (file,) = source_files(sources)

    (problem,) = unknown_imports(file, walk(file), Modules.of(sources, (file,)))

    place = problem.trouble.place
    assert place.source[place.column : place.end] == "nowhere"


def test_what_other_finders_find_is_installed(read, monkeypatch):
    class Finder:
        def find_spec(self, name, path=None, target=None):
            if name == "raising":
                raise RuntimeError("a finder of somebody's")
            return ModuleSpec(name, None) if name == "virtual" else None

    monkeypatch.setattr(sys, "meta_path", [Finder(), *sys.meta_path])

    found = read("import virtual, raising\n")

    assert found == [("error", "game.py", 1, "there is no module raising")]
