"""Names that Yummy does not have, and fields that a model does not, found by reading."""

import pytest

from yummy.checking.references import unknown_names, walk
from yummy.checking.source import source_files
from yummy.hooks.revision import read_sources


@pytest.fixture
def read(folder):
    def found(text):
        (file,) = source_files(read_sources(folder(text)))
        return sorted(unknown_names(file, walk(file)), key=lambda problem: problem.where)

    return found


def told(problems):
    return [
        (problem.severity.value, problem.trouble.headline, problem.trouble.advice, problem.where[1])
        for problem in problems
    ]


def test_a_misspelt_name_of_the_api_is_an_error_with_what_was_meant(read):
    problems = read("""
        from yummy import constants, room as r
        import yummy
        import yummy.user as u
        LEVEL = constants.ROOM_META_ACCESS_SYSTM
        KIND = constants.UserType.ADMN
        def pre_play(model):
            r.get_rom_meta(model.room_id, "x")
            yummy.user.get_usr("x")
            u.get_user("x")
            yummy.rom
    """)

    assert told(problems) == [
        ("error", "yummy.constants has no ROOM_META_ACCESS_SYSTM", "did you mean ROOM_META_ACCESS_SYSTEM?", 4),
        ("error", "UserType has no ADMN", "did you mean ADMIN?", 5),
        ("error", "yummy.room has no get_rom_meta", "did you mean get_room_meta?", 7),
        ("error", "yummy.user has no get_usr", "did you mean get_user?", 8),
        ("error", "yummy has no rom", "did you mean room?", 10),
    ]


def test_the_place_is_the_name_itself_and_the_function_around_it(read):
    (problem,) = read("""
        from yummy import room
        class Lobby:
            def enter(self):
                é = (room.
                  get_rom("x"))
    """)

    place = problem.trouble.place
    assert (place.line, place.function, place.source[place.column : place.end]) == (5, "Lobby.enter", "get_rom")


def test_an_annotation_of_the_model_is_looked_up_outside_of_the_hook(read):
    problems = read("""
        from yummy import model
        def pre_play(model: model.Plya):
            return model.message
    """)

    assert told(problems) == [("error", "yummy.model has no Plya", "did you mean Play?", 2)]


def test_fields_of_the_model_are_checked_in_hooks_and_in_functions_inside(read):
    problems = read("""
        def pre_play(model):
            model.mesage = 1
            model.room_id = "x"
            model.get_mesage()
            return lambda: [model.mssage for _ in model.message]
        def post_play(m, success):
            m.message = 1
            m.set_message(1)
    """)

    cannot = "Play.room_id cannot be set: it says who and where, which is the server's"
    effect = "what a post hook sets on its model has no effect"
    assert told(problems) == [
        ("error", "Play has no field mesage", "did you mean message?", 2),
        ("error", cannot, "keep values of your own in variables, or in metadata", 3),
        ("error", "Play has no field get_mesage", "did you mean get_message?", 4),
        ("error", "Play has no field mssage", "did you mean message?", 5),
        ("warning", f"{effect} (message)", "set it in the pre hook", 7),
        ("warning", f"{effect} (set_message)", "set it in the pre hook", 8),
    ]


def test_where_the_error_is_caught_it_is_a_warning(read):
    problems = read("""
        from contextlib import suppress
        import contextlib
        from yummy import room
        def pre_play(model):
            try:
                room.newer("x")
            except (KeyError, AttributeError):
                pass
            try:
                room.newer("x")
            except:
                room.newer("x")
            with suppress(AttributeError), contextlib.suppress(Exception):
                model.newer
            with open("x"):
                model.newest = 1
            try:
                model.user_id = 1
            except Exception:
                pass
    """)

    assert [(severity, line) for severity, *_, line in told(problems)] == [
        ("warning", 6),
        ("warning", 10),
        ("error", 12),
        ("warning", 14),
        ("error", 16),
        ("warning", 18),
    ]


def test_a_function_in_a_try_is_called_outside_of_it(read):
    problems = read("""
        from yummy import room
        try:
            def pre_play(model):
                room.newer("x")
        except* AttributeError:
            pass
    """)

    assert [severity for severity, *_ in told(problems)] == ["error"]


@pytest.mark.parametrize(
    "text",
    [
        "def f(room): room.anything",
        "room = None\ndef f(): room.anything",
        "try:\n    from yummy import room\nexcept ImportError:\n    room = None\nroom.anything",
        "def f():\n    global room\n    room = 1\ndef g(): room.anything",
        "from rules import *\nroom.anything",
        "def f():\n    for room in []: room.anything",
        "def f():\n    [room.anything for room in room.get_room('x').members]",
        "def f():\n    with open('x') as room: room.anything",
        "def f(x):\n    match x:\n        case room: room.anything",
        "def f(x):\n    match x:\n        case [*room]: room.anything",
        "def f(x):\n    match x:\n        case {**room}: room.anything",
        "def f():\n    try: pass\n    except Exception as room: room.anything",
        "def f():\n    [(room := 1) for _ in ()]\n    room.anything",
        "def f():\n    def room(): pass\n    room.anything",
        "def f():\n    class room: pass\n    room.anything",
        "def f():\n    import other as room\n    room.anything",
        "def f(*room): room.anything",
        "lambda room: room.anything",
        "class A:\n    room = 1\n    room.anything",
        "import typing\nif typing.TYPE_CHECKING:\n    room.anything",
        "from yummy import nothing\nnothing.anything",
        "room.helper = 1",
        "import yummy\nyummy.server",
        "state.anything\nfail.anything\nconstants.UserType.ADMIN.anything",
        "def pre_play(model):\n    model = 1\n    model.anything",
        "@wrapped\ndef pre_play(model): model.anything",
        "def pre_play(model):\n    if hasattr(model, 'email'): model.email",
        "def pre_play(): pass",
        "def pre_pley(model): model.anything",
        "class A:\n    def pre_play(self): self.anything",
        "async def pre_play(model): model.anything",
        "def pre_play(model):\n    def f(model): model.anything",
        "def pre_play(model): model.__class__",
        "f()[0].anything",
    ],
)
def test_what_may_be_something_else_is_left_alone(read, text):
    assert read(f"from yummy import *\n{text}\n") == []


def test_names_of_a_class_are_not_seen_by_its_functions(read):
    problems = read("""
        from yummy import room
        class A:
            room = 1
            def f(self):
                room.newer("x")
    """)

    assert [line for *_, line in told(problems)] == [5]


def test_all_names_of_a_module_may_be_taken_at_once(read):
    problems = read("""
        from yummy import *
        from yummy.constants import *
        room.newer
        UserType.newer
    """)

    assert [line for *_, line in told(problems)] == [3, 4]


@pytest.mark.parametrize("name", ["hooks", "examples/tic_tac_toe/hooks"])
def test_the_project_s_own_scripts_have_no_slips(name, pytestconfig):
    for file in source_files(read_sources(pytestconfig.rootpath / name)):
        assert list(unknown_names(file, walk(file))) == []
