import pytest

from yummy.hooks.traces import ScriptTexts, name_of, syntax_trouble, trouble_of

SOURCE = """\
def outer(f):
    try:
        return inner(f)
    except KeyError as error:
        raise ValueError("no") from error

def inner(f):
    return f(é := 1)
"""


@pytest.fixture
def texts():
    found = ScriptTexts()
    found.add("/x/a.py", "a.py", SOURCE.encode())
    return found


@pytest.fixture
def script():
    names = {}
    exec(compile(SOURCE, "/x/a.py", "exec"), names)  # noqa: S102  # a script
    return names


def error_of(function, *arguments):
    try:
        function(*arguments)
    except BaseException as error:  # noqa: BLE001  # what scripts raise
        return error


def test_only_lines_of_scripts_are_named(texts, script):
    trouble = trouble_of(error_of(script["outer"], lambda _: 1 / 0), texts, hook="pre_play")
    assert trouble.headline == "pre_play failed: ZeroDivisionError: division by zero"
    assert [(step.file, step.line, step.function) for step in trouble.path] == [
        ("a.py", 3, "outer"),
        ("a.py", 8, "inner"),
    ]
    assert trouble.place.source[trouble.place.column : trouble.place.end] == "f(é := 1)"


def test_the_cause_is_named(texts, script):
    trouble = trouble_of(error_of(script["outer"], lambda _: {}["key"]), texts, hook="pre_play")
    assert trouble.headline == "pre_play failed: ValueError: no (while handling KeyError: 'key')"


def test_code_that_is_no_script_has_no_place(texts):
    trouble = trouble_of(error_of(lambda: 1 / 0), texts, hook="pre_play")
    assert trouble.place is None
    assert trouble.path == ()


def test_lines_are_those_that_were_loaded(texts):
    copy = texts.copy()
    texts.add("/x/a.py", "a.py", b"new\n")
    assert texts.line("/x/a.py", 1) == "new"
    texts.restore(copy)
    assert texts.line("/x/a.py", 1) == "def outer(f):"
    assert texts.line("/x/a.py", 99) == ""
    assert texts.line("/x/b.py", 1) == ""
    assert texts.path("/x/b.py") is None


@pytest.mark.parametrize(
    ("text", "marked"),
    [("x = = 1", "="), ("f(", "("), ("if 1:\nx", "x"), ("'abc", "'"), ("a b", "b"), ("é = ü ö", "ö")],
)
def test_syntax_errors_are_marked(text, marked):
    texts = ScriptTexts()
    texts.add("/x/b.py", "b.py", text.encode())
    error = error_of(compile, text, "/x/b.py", "exec")
    place = syntax_trouble(error, texts, "b.py").place
    assert place.source[place.column : place.end] == marked


def test_errors_that_cannot_be_shown_are_named_all_the_same():
    class Odd(Exception):  # noqa: N818  # a script's
        def __str__(self):
            raise ValueError

    assert name_of(Odd()).split(":")[0].endswith("Odd")
    assert name_of(AttributeError("x", name="a", obj=object())).startswith("AttributeError: x")
