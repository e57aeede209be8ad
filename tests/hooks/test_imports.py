import ast

import pytest

from yummy.hooks.imports import affected_modules, imported_names


def imports(text, package=""):
    return set(imported_names(ast.parse(text), package))


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("import a", {"a"}),
        ("import a.b.c as d, e", {"a", "a.b", "a.b.c", "e"}),
        ("from a.b import c", {"a", "a.b", "a.b.c"}),
        ("from a import *", {"a", "a.*"}),
        ("def f():\n    async def g():\n        import a", {"a"}),
        ("try:\n    import a\nexcept ImportError:\n    import b", {"a", "b"}),
        ("class C:\n    if x:\n        from a import b", {"a", "a.b"}),
        ("match x:\n    case 1:\n        import a", {"a"}),
        ("import importlib\nx = importlib.import_module('a.b')", {"importlib", "a", "a.b"}),
        ("from importlib import import_module as load\nload('a')", {"importlib", "importlib.import_module"}),
        ("__import__('a')", {"a"}),
        ("__import__(name)\nimport_module()\nimport_module(3)", set()),
        ("if TYPE_CHECKING:\n    import a\nelse:\n    import b", {"b"}),
        ("if typing.TYPE_CHECKING:\n    import a", set()),
        ("from . import a", set()),
        ("from .a import b", set()),
        ("x = 'import a'  # import b", set()),
    ],
)
def test_imports_count_wherever_they_run(text, names):
    assert names == imports(text)


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("x = 1", {"a", "a.b"}),
        ("from . import c", {"a", "a.b", "a.b.c"}),
        ("from .c import d", {"a", "a.b", "a.b.c", "a.b.c.d"}),
        ("from .. import c", {"a", "a.b", "a.c"}),
        ("from ..c.d import e", {"a", "a.b", "a.c", "a.c.d", "a.c.d.e"}),
        ("from ... import c", {"a", "a.b"}),
        ("from .... import c", {"a", "a.b"}),
        ("import_module('..c', __package__)", {"a", "a.b", "a.c"}),
    ],
)
def test_within_a_package_relative_names_are_resolved_and_the_packages_around_count(text, names):
    assert names == imports(text, "a.b")


def test_an_edit_reaches_importers_of_importers_and_no_others():
    found = {"a": {"b"}, "b": {"c"}, "c": set(), "d": {"a"}, "e": {"x"}, "x": set()}
    assert {"a", "b", "c", "d"} == affected_modules(["c"], found)
    assert {"d"} == affected_modules(["d"], found)


def test_a_ring_is_run_again_as_a_whole():
    assert {"a", "b", "c"} == affected_modules(["b"], {"a": {"b"}, "b": {"a"}, "c": {"a"}, "d": set()})


def test_importers_of_what_is_gone_or_new_are_reached():
    assert {"gone", "a"} == affected_modules(["gone"], {"a": {"gone"}, "b": set()})


def test_a_star_may_import_each_module_of_the_package():
    found = {"game": {"maps", "maps.*"}, "maps": set(), "maps.town": {"maps"}, "maps.deep.cave": {"maps"}}
    assert {"maps.town", "game"} == affected_modules(["maps.town"], found)
    assert {"maps.deep.cave"} == affected_modules(["maps.deep.cave"], found)


def test_deeply_nested_code_is_read():
    text = "x = " + "(" * 90 + "1" + ")" * 90 + "\n" + "".join(f"{' ' * i}if x:\n" for i in range(90)) + " " * 90
    assert {"a"} == imports(text + "import a")
