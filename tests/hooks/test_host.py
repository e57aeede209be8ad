"""Calls through the host: what scripts get, what comes back, and what happens when things go wrong."""

import pytest
import structlog.testing
import trio
import trio.testing

from yummy import model
from yummy.constants import RoomAccessType
from yummy.hooks.calls import (
    Crashed,
    Failed,
    HookCall,
    HookLimits,
    HooksBusy,
    MessageToRoom,
    Passed,
    RoomSnapshot,
    ScriptsBroken,
    SetUserMeta,
)
from yummy.hooks.opening import open_hooks


class TestWithoutScripts:
    @pytest.mark.parametrize("kind", ["none", "missing", "empty", "only tests and helpers"])
    async def test_a_host_without_scripts_wants_nothing_and_starts_nothing(self, kind, tmp_path):
        folder = None if kind == "none" else tmp_path / "hooks"
        if kind in {"empty", "only tests and helpers"}:
            folder.mkdir()
        if kind == "only tests and helpers":
            for name in ("_helper.py", "test_game.py", "game_test.py", "conftest.py", "notes.txt"):
                (folder / name).write_text("raise Exception('not to be run')")
        with structlog.testing.capture_logs() as logs:
            async with open_hooks(folder, HookLimits()) as host:
                assert not host.serving.wants("pre", "play")
                assert not host.wants_either("play")
                assert () == host.scripts
                assert Passed({}, ()) == await host.call(HookCall("pre", "play", model.Play(room_id="r", message=1)))
                assert host._peer is None
        assert "put .py files" in logs[0]["event"]

    async def test_a_file_in_the_folder_s_place_is_refused(self, tmp_path):
        (tmp_path / "hooks").write_text("")
        with pytest.raises(ScriptsBroken, match="is no folder"):
            async with open_hooks(tmp_path / "hooks", HookLimits()):
                pass


class TestCalls:
    async def test_only_what_a_script_set_comes_back(self, serve_scripts):
        script = """
def pre_create_room(model):
    model.name = model.get_name().title()
    model.set_max_user(2)
    model.tags.append("new")
    model.description = model.description
    return "ignored"
def post_create_room(model, success):
    model.name = "without effect"
    assert success is True and model.room_id == "r1", (success, model.room_id)
"""
        async with serve_scripts(script) as host:
            assert host.serving.wants("pre", "create_room")
            assert host.serving.wants("post", "create_room")
            assert host.wants_either("create_room")
            assert not host.wants_either("update_room")
            sent = model.CreateRoom(user_id="u1", name="hall", description="x", tags=["a"])
            result = await host.call(HookCall("pre", "create_room", sent))
            assert Passed({"name": "Hall", "max_user": 2, "tags": ["a", "new"]}, ()) == result
            assert "hall" == sent.name
            done = model.CreateRoom(user_id="u1", name="hall", room_id="r1")
            assert Passed({}, ()) == await host.call(HookCall("post", "create_room", done, success=True))

    async def test_every_file_s_hook_runs_in_file_name_order_on_a_fresh_copy(self, serve_scripts):
        first = """
kept = []
def pre_play(model):
    kept.append(model.message)
    model.message.append("a")
    model.set_request_id(9)
"""
        second = """
import a
def pre_play(model):
    assert model.request_id == 9
    assert model.message is not a.kept[-1]
    model.message.append("b")
def post_play(model, success):
    if model.message == "stop": raise SystemExit
"""
        third = """
from yummy import fail
def pre_play(model):
    model.message.append("c")
    if len(model.message) > 4: fail("too long", "long")
"""
        fourth = "ran = []\ndef pre_play(model): ran.append(1); model.message.append(len(ran))"
        async with serve_scripts(d=fourth, a=first, c=third, b=second) as host:
            assert ("a.py", "b.py", "c.py", "d.py") == host.scripts
            play = model.Play(user_id="u", room_id="r", message=[0])
            result = await host.call(HookCall("pre", "play", play))
            assert Passed({"request_id": 9, "message": [0, "a", "b", "c", 1]}, ()) == result
            # The first failure keeps the rest from running.
            play = model.Play(user_id="u", room_id="r", message=[0, 0])
            assert Failed("too long", "long") == await host.call(HookCall("pre", "play", play))
            play = model.Play(user_id="u", room_id="r", message=[0])
            result = await host.call(HookCall("pre", "play", play))
            assert [0, "a", "b", "c", 2] == result.changes["message"]

    async def test_writes_come_back_in_order_and_in_post_too(self, serve_scripts, room, user):
        script = """
from yummy import room, user
def post_play(model, success):
    room.message_to_room(model.room_id, {"ok": success})
    user.set_user_meta(model.user_id, "score", user.get_user_meta(model.user_id, "score") + 1, 1)
"""
        async with serve_scripts(script) as host:
            play = model.Play(user_id="u1", room_id="r1", message=0)
            call = HookCall("post", "play", play, success=False, rooms=(room,), users=(user,))
            result = await host.call(call)
            assert Passed({}, (MessageToRoom("r1", {"ok": False}), SetUserMeta("u1", "score", 4, 1))) == result

    async def test_variables_of_scripts_are_one_namespace(self, serve_scripts, pre_play):
        lobby = "players = set()"
        game = "import lobby\ndef pre_play(model): lobby.players.add(model.message); model.message = len(lobby.players)"
        async with serve_scripts(game, lobby=lobby) as host:
            counts = [(await host.call(pre_play(name))).changes["message"] for name in ("x", "y", "x")]
            assert [1, 2, 2] == counts

    async def test_calls_in_flight_keep_their_order(self, serve_scripts, pre_play):
        script = "n = 0\ndef pre_play(model):\n    global n\n    n += 1\n    model.message = [model.message, n]"
        found = {}
        order = []

        async def play(host, number):
            order.append(number)
            found[number] = (await host.call(pre_play(number))).changes["message"]

        async with serve_scripts(script) as host, trio.open_nursery() as nursery:
            for number in range(500):
                nursery.start_soon(play, host, number)
        assert {number: [number, order.index(number) + 1] for number in range(500)} == found

    async def test_large_frames_pass(self, serve_scripts, pre_play):
        script = """
from yummy import room
def pre_play(model):
    model.message = [len(room.get_room(model.room_id).members), model.message]
"""
        members = tuple((f"user {number}", "n" * 100, 1) for number in range(1000))
        large = RoomSnapshot("r1", None, None, 0, join_request=False, max_user=0, members=members)
        message = "x" * 65536
        async with serve_scripts(script) as host:
            result = await host.call(pre_play(message, rooms=(large,)))
            assert {"message": [1000, message]} == result.changes

    async def test_enumerations_from_the_server_are_sent_as_numbers(self, serve_scripts):
        script = "def pre_create_room(model): model.max_user = type(model.access_type) is int and model.access_type"
        async with serve_scripts(script) as host:
            sent = model.CreateRoom(access_type=RoomAccessType.PRIVATE)
            assert {"max_user": 1} == (await host.call(HookCall("pre", "create_room", sent))).changes

    async def test_a_full_queue_refuses(self, serve_scripts, pre_play):
        looked = trio.Event()
        answer = trio.Event()

        async def fetch(_kind, _id):
            looked.set()
            await answer.wait()

        script = "from yummy import room\ndef pre_play(model): room.get_room(model.message)"
        async with serve_scripts(script, limits=HookLimits(queue=2)) as host, trio.open_nursery() as nursery:
            nursery.start_soon(host.call, pre_play("r", fetch=fetch))
            await looked.wait()
            nursery.start_soon(host.call, pre_play(None))
            await trio.testing.wait_all_tasks_blocked()
            with pytest.raises(HooksBusy, match="HOOK_QUEUE"):
                await host.call(pre_play(None))
            answer.set()
        assert (2, 2, 1, 0, 2, 1) == (
            host.statistics().calls,
            host.statistics().passed,
            host.statistics().refused,
            host.statistics().waiting,
            host.statistics().most_waiting,
            host.statistics().fetches,
        )


class TestFetch:
    async def test_what_was_not_carried_is_fetched_once(self, serve_scripts, pre_play, room):
        asked = []

        async def fetch(kind, subject_id):
            asked.append((kind, subject_id))
            await trio.lowlevel.checkpoint()
            return room if subject_id == "r1" else None

        script = """
from yummy import room, user
def pre_play(model):
    model.message = [room.get_room_meta("r1", "board"), room.get_room("r1").name, user.get_user("nobody"),
                     user.get_user_metas("nobody")]
"""
        async with serve_scripts(script) as host:
            result = await host.call(pre_play(fetch=fetch))
            assert {"message": [[1, [2]], "Hall", None, None]} == result.changes
            assert [("room", "r1"), ("user", "nobody")] == asked

    async def test_calls_that_arrive_meanwhile_wait_in_line(self, serve_scripts, pre_play):
        looked, answer = trio.Event(), trio.Event()

        async def fetch(_kind, _id):
            looked.set()
            await answer.wait()

        script = """
from yummy import room
n = 0
def pre_play(model):
    global n
    if model.message == "look": room.get_room("x")
    n += 1
    model.message = n
"""
        found = []

        async def play(host, call):
            found.append((await host.call(call)).changes["message"])

        async with serve_scripts(script) as host, trio.open_nursery() as nursery:
            nursery.start_soon(play, host, pre_play("look", fetch=fetch))
            await looked.wait()
            for _ in range(3):
                nursery.start_soon(play, host, pre_play())
            await trio.testing.wait_all_tasks_blocked()
            assert [] == found
            answer.set()
        assert [1, 2, 3, 4] == sorted(found)

    async def test_a_look_up_that_fails_is_an_error_of_the_hook(self, serve_scripts, pre_play):
        async def fetch(_kind, _id):
            raise OSError("disk on fire")

        script = "from yummy import user\ndef pre_play(model):\n    user.get_user('x')"
        with structlog.testing.capture_logs() as logs:
            async with serve_scripts(script) as host:
                result = await host.call(pre_play(fetch=fetch))
                assert Passed({}, ()) == await host.call(pre_play(users=(), fetch=_nobody))
        assert "could not be looked up" in result.text
        assert "disk on fire" not in result.text
        assert any("a hook's look-up failed" == line["event"] for line in logs)

    async def test_a_cancelled_caller_s_hook_still_ends(self, serve_scripts, pre_play):
        script = """
seen = []
def pre_play(model):
    seen.append(model.message)
    model.message = seen
"""

        async def given_up_before(host):
            with trio.CancelScope() as scope:
                scope.cancel()
                await host.call(pre_play("never sent"))

        async def given_up_later(host, message, sent):
            # The call is sent before anything waits, so it is on its way once another task sees the event.
            sent.set()
            await host.call(pre_play(message))

        async with serve_scripts(script) as host:
            await given_up_before(host)
            sent = [trio.Event(), trio.Event()]
            async with trio.open_nursery() as nursery:
                for number, event in enumerate(sent):
                    nursery.start_soon(given_up_later, host, number, event)
                for event in sent:
                    await event.wait()
                nursery.cancel_scope.cancel()
            seen = (await host.call(pre_play(2))).changes["message"]
            assert sorted(seen) == [0, 1, 2]
            assert host.statistics().waiting == 0


async def _nobody(_kind, _id):
    return None


class TestFailures:
    async def test_fail_stops_even_where_exceptions_are_swallowed(self, serve_scripts, pre_play):
        script = """
import yummy
def pre_play(model):
    try:
        if model.message == 1: yummy.fail("no")
        if model.message == 2: yummy.fail(message="no", code="mine")
        if model.message == 3: raise yummy.YummyValidationError("old")
        if model.message == 4: yummy.fail(42, "")
        if model.message == 5: yummy.fail("\\ud800" + "x" * 10000)
        if model.message == 6:
            class Own(yummy.HookFailure):
                def __init__(self): self.code = object
            raise Own
    except Exception:
        pass
"""
        async with serve_scripts(script) as host:
            results = [await host.call(pre_play(number)) for number in range(1, 7)]
        assert [
            Failed("no", "hook_failed"),
            Failed("no", "mine"),
            Failed("old", "hook_failed"),
            Failed("42", "hook_failed"),
        ] == results[:4]
        assert results[4].message.startswith("\\ud800xxx")
        assert len(results[4].message) < 5000
        assert isinstance(results[5], Failed)

    @pytest.mark.parametrize(
        ("line", "says"),
        [
            ("1 / 0", "ZeroDivisionError"),
            ("raise SystemExit(3)", "cannot end the server"),
            ("raise KeyboardInterrupt", "KeyboardInterrupt"),
            ("exit()", "SystemExit"),
            ("raise GeneratorExit", "GeneratorExit"),
            ("raise BaseExceptionGroup('many', [ValueError(1), SystemExit()])", "BaseExceptionGroup"),
            ("f = lambda: f(); f()", "calls itself without end"),
            ("model.user_id = 'me'", "user_id cannot be changed"),
            ("model.colour = 1", "colour"),
            ("model.set_request_id('x')", "request_id: expected an integer, got str 'x'"),
            ("model.message = object()", "object is not plain data"),
            ("model.message['x'] = object()", "pre_play left something in model.message"),
            ("model.message['x'] = model.message", "nested too deeply"),
            ("model.message['x'] = float('nan')", "not a finite number"),
            ("model.message[1] = 1", "not text"),
            ("input()", "lost sys.stdin"),
            ("class E(Exception):\n        __str__ = None\n    raise E", "E"),
            ("raise type('E', (Exception,), {'__str__': lambda self: 1 / 0})", "E"),
            ("import no_such_module", "install the module"),
        ],
    )
    async def test_any_other_error_is_a_hook_error_and_the_loop_lives_on(self, line, says, serve_scripts, pre_play):
        script = f"def pre_play(model):\n    if model.message == 1: return\n    {line}\n"
        with structlog.testing.capture_logs() as logs:
            async with serve_scripts(script) as host:
                result = await host.call(pre_play({}))
                assert isinstance(result, Crashed)
                assert "hook_error" == result.code
                assert says in result.text
                assert "game.py:" in result.text
                assert Passed({}, ()) == await host.call(pre_play(1))
        (logged,) = [entry for entry in logs if entry["log_level"] == "error"]
        assert ("game.py", "pre_play", "Play", "u1", "r1") == tuple(
            logged[key] for key in ("file", "hook", "type", "user", "room")
        )

    @pytest.mark.parametrize(
        ("top", "line"),
        [
            ("class S(str):\n    def __str__(self): raise SystemExit", "model.message['x'] = S('a')"),
            ("class D(dict):\n    def items(self): raise SystemExit", "model.message['x'] = D(a=1)"),
            ("class L(list):\n    def __iter__(self): raise KeyboardInterrupt", "model.message['x'] = L([1])"),
            ("class C:\n    @property\n    def __class__(self): raise SystemExit", "model.message['x'] = C()"),
            ("", "del model.message"),
            ("", "model.message['x'] = 10 ** 6000"),
            ("", "model.message[10 ** 6000] = 1"),
            ("", "model.message = 10 ** 6000"),
            ("", "object.__setattr__(model, 'request_id', object())"),
            ("class E(Exception):\n    @property\n    def __cause__(self): raise SystemExit", "raise E"),
            ("class E(Exception):\n    @property\n    def __traceback__(self): raise SystemExit", "raise E"),
            ("class E(Exception):\n    @property\n    def __class__(self): raise SystemExit", "raise E"),
            ("class E(ImportError):\n    def __str__(self): raise SystemExit", "raise E"),
            ("class E(RuntimeError):\n    def __str__(self): raise KeyboardInterrupt", "raise KeyError from E()"),
            (
                (
                    "class M(type):\n    @property\n    def __name__(cls): raise SystemExit\n"
                    "class E(Exception, metaclass=M):\n    def __str__(self): raise SystemExit"
                ),
                "raise E",
            ),
            (
                (
                    "import yummy\nclass B:\n    def __str__(self): raise SystemExit\n"
                    "class F(yummy.HookFailure):\n    def __init__(self): self.message = B()"
                ),
                "raise F",
            ),
            ("from yummy.hooks.channel import ChannelClosed", "raise ChannelClosed"),
            ("class S(str):\n    def __radd__(self, other): return self\n    __len__ = exit", "print(S('a')); 1 / 0"),
            ("from yummy.hooks.copies import UnfitFieldError", "raise UnfitFieldError('a', 'b')"),
        ],
    )
    async def test_code_that_runs_when_a_hook_has_returned_costs_one_message(self, top, line, serve_scripts, pre_play):
        script = f"{top}\ndef pre_play(model):\n    if model.message == 1: return\n    {line}\n"
        with structlog.testing.capture_logs() as logs:
            async with serve_scripts(script) as host:
                result = await host.call(pre_play({}))
                assert isinstance(result, Crashed)
                assert "hook_error" == result.code
                assert "= hook: pre_play" in result.text
                assert "--> game.py:" in result.text
                assert "own fault" not in result.text
                assert Passed({}, ()) == await host.call(pre_play(1))
        assert ["error"] == [entry["log_level"] for entry in logs if entry["log_level"] not in {"info", "warning"}]

    async def test_the_places_where_scripts_end_and_begin_are_guarded_too(self, serve_scripts, pre_play):
        script = """
import sys
from yummy.hooks.channel import ChannelClosed
class Name:
    def __format__(self, spec): raise SystemExit
class Bytes:
    def __buffer__(self, flags): raise SystemExit
class Key:
    __hash__ = object.__hash__
    def __str__(self): raise SystemExit
__name__ = Name()
def on_load(): raise ChannelClosed
def pre_play(model):
    from yummy import state
    state["x"] = Bytes()
    state[Key()] = Bytes()
    state["kept"] = 1
"""
        with structlog.testing.capture_logs() as logs:
            async with serve_scripts(script) as host:
                assert Passed({}, ()) == await host.call(pre_play())
                assert Passed({}, ()) == await host.call(pre_play())
                while not host.statistics().state_bytes:
                    await trio.lowlevel.checkpoint()
        assert any("on_load failed" in entry["event"] for entry in logs)
        assert not any("critical" == entry["log_level"] for entry in logs)

    @pytest.mark.parametrize("text", ["pre_play = Odd()", "raise ChannelClosed", "sys.modules[__name__] = Odd()"])
    async def test_scripts_that_cannot_be_looked_at_are_broken(self, text, write_scripts):
        script = f"""
import sys
from yummy.hooks.channel import ChannelClosed
class Odd:
    def __getattribute__(self, name): raise SystemExit
{text}
"""
        with pytest.raises(ScriptsBroken, match=r"game\.py"):
            async with open_hooks(write_scripts(game=script), HookLimits()):
                pass

    @pytest.mark.parametrize(
        ("top", "made", "what"),
        [
            ("async def late(): print()", "late()", "a coroutine"),
            ("def late(): yield", "late()", "a generator"),
            ("async def late(): yield", "late()", "an async generator"),
        ],
    )
    async def test_a_hook_that_gives_back_what_was_not_run_is_an_error(self, top, made, what, serve_scripts, pre_play):
        script = f"{top}\ndef pre_play(model): return {made} if model.message else None"
        with structlog.testing.capture_logs() as logs:
            async with serve_scripts(script) as host:
                result = await host.call(pre_play())
                assert f"pre_play returned {what}" in result.text
                assert "--> game.py:1" in result.text
                assert Passed({}, ()) == await host.call(pre_play(0))
        assert not any("never awaited" in entry["event"] for entry in logs)

    async def test_a_message_that_a_script_made_too_large_is_named(self, serve_scripts, pre_play):
        script = "def pre_play(model): model.message = ['x' * model.message]"
        async with serve_scripts(script, limits=HookLimits(message_bytes=100, debug=True)) as host:
            assert Passed({"message": ["x" * 96]}, ()) == await host.call(pre_play(96))
            result = await host.call(pre_play(97))
        assert "model.message" in result.text
        assert "100 bytes" in result.text
        assert "--> game.py:1" in result.text

    async def test_an_interpreter_that_ends_by_an_error_says_why(self, serve_scripts, pre_play):
        script = """
import yummy.hooks.loop
def broken(self, frame): raise SystemExit("out of order")
def pre_play(model): yummy.hooks.loop.Loop._call = broken
"""
        with structlog.testing.capture_logs() as logs:
            async with serve_scripts(script) as host:
                await host.call(pre_play())
                assert "has ended: " in (await host.call(pre_play())).text
                assert isinstance(await host.call(pre_play()), Passed)
        (entry,) = [entry for entry in logs if entry["log_level"] == "critical"]
        assert "SystemExit: out of order" in entry["why"]

    async def test_the_report_reads_like_a_compiler_s(self, serve_scripts, pre_play):
        rules = "def check(message):\n    return message['score'] / 0\n"
        game = "import rules\ndef pre_play(model):\n    rules.check(model.message)\n"
        async with serve_scripts(game, rules=rules) as host:
            result = await host.call(pre_play({"score": 1}))
            assert [
                "error: pre_play failed: ZeroDivisionError: division by zero",
                "  --> rules.py:2 in check",
                "  |",
                "2 |     return message['score'] / 0",
                "  |            ~~~~~~~~~~~~~~~~^^~~".replace("~", "^"),
                f"  = hook: pre_play of revision {host.revision}",
                "  = message: type Play, user u1, room r1",
                "  = called by way of:",
                "      game.py:3 in pre_play: rules.check(model.message)",
                "      rules.py:2 in check: return message['score'] / 0",
            ] == result.text.splitlines()

    async def test_without_debug_the_client_gets_no_text(self, serve_scripts, pre_play):
        async with serve_scripts("def pre_play(model): 1 / 0", limits=HookLimits()) as host:
            assert Crashed("hook_error", "") == await host.call(pre_play())

    async def test_a_hook_with_the_wrong_arguments_fails_each_call(self, serve_scripts, pre_play):
        with structlog.testing.capture_logs() as logs:
            async with serve_scripts("\ndef pre_play(model, success): pass;  print(1)") as host:
                assert host.serving.wants("pre", "play")
                result = await host.call(pre_play())
        assert "missing 1 required positional argument" in result.text
        assert "game.py:2" in result.text
        (warning,) = [entry for entry in logs if entry["log_level"] == "warning"]
        assert ("game.py", 2) == (warning["file"], warning["line"])
        assert "cannot be called as pre_play(model)" in warning["event"]

    async def test_a_failed_hook_s_writes_and_changes_are_dropped(self, serve_scripts, pre_play, room):
        script = """
from yummy import room
def pre_play(model):
    room.message_to_room("r1", "x")
    model.message = 3
    raise ValueError
"""
        async with serve_scripts(script) as host:
            assert isinstance(await host.call(pre_play(rooms=(room,))), Crashed)

    async def test_an_interpreter_that_is_lost_fails_its_call_and_is_replaced(self, serve_scripts, pre_play):
        script = """
import socket, sys
from yummy.hooks.loop import Loop
def loop():
    frame = sys._getframe()
    while type(frame.f_locals.get("self")) is not Loop: frame = frame.f_back
    return frame.f_locals["self"]
def pre_play(model):
    # What only a hostile script does.
    if model.message == "end": loop()._channel._socket.shutdown(socket.SHUT_RDWR)
"""
        with structlog.testing.capture_logs() as logs:
            async with serve_scripts(script) as host:
                result = await host.call(pre_play("end"))
                assert "hook_error" == result.code
                assert "has ended" in result.text
                assert isinstance(await host.call(pre_play()), Passed)
        assert not host.stuck
        assert any("critical" == entry["log_level"] for entry in logs)

    async def test_rubbish_on_the_socket_ends_the_interpreter_only(self, serve_scripts, pre_play):
        script = """
import sys
from yummy.hooks.loop import Loop
def loop():
    frame = sys._getframe()
    while type(frame.f_locals.get("self")) is not Loop: frame = frame.f_back
    return frame.f_locals["self"]
def pre_play(model):
    if model.message == "rubbish": loop()._channel._socket.sendall(b"\\x02\\x00\\x00\\x00??")
"""
        async with serve_scripts(script) as host:
            assert "has ended" in (await host.call(pre_play("rubbish"))).text
            assert isinstance(await host.call(pre_play()), Passed)
        assert not host.stuck


class TestMetas:
    @pytest.fixture
    def sent(self):
        return {"plain": 1, "levelled": {"access": 3, "value": [1]}, "level only": {"value": "x"}, "odd": {"a": 1}}

    @pytest.mark.parametrize(
        ("line", "expected"),
        [
            ("pass; str()", None),
            ("m['plain'] = 1", None),
            ("m['levelled'] = [1]; m['plain'] = 1", None),
            ("m['plain'] = True", {"plain": True}),
            ("m['levelled'].append(2)", {"levelled": [1, 2]}),
            ("m['levelled'] = {'access': 6, 'value': [1]}", {"levelled": {"access": 6, "value": [1]}}),
            ("m['new'] = (1, constants.USER_TYPE_ADMIN)", {"new": [1, 3]}),
            ("m['plain'] = None", {"plain": None}),
            (
                "model.set_metas({**m, 'levelled': {'access': constants.ROOM_META_ACCESS_USER, 'value': (1, 2)}})",
                {"levelled": {"access": 1, "value": [1, 2]}},
            ),
            ("assert m == {'plain': 1, 'levelled': [1], 'level only': 'x', 'odd': {'a': 1}}; m['new'] = 0", {"new": 0}),
        ],
    )
    async def test_a_script_sees_values_and_keys_left_alone_keep_their_level(self, line, expected, sent, serve_scripts):
        script = f"from yummy import constants\ndef pre_create_room(model):\n    m = model.metas\n    {line}"
        async with serve_scripts(script) as host:
            result = await host.call(HookCall("pre", "create_room", model.CreateRoom(metas=sent)))
        assert ({} if expected is None else {"metas": {**sent, **expected}}) == result.changes

    async def test_removing_and_replacing(self, sent, serve_scripts):
        script = """
BASE = {"board": [[0, 0], [0, 0]]}
def pre_create_room(model):
    if model.name == "del": del model.metas["plain"]
    if model.name == "none": model.set_metas(None)
    if model.name == "set":
        metas = BASE.copy()
        model.set_metas(metas)
"""
        async with serve_scripts(script) as host:

            async def changes(name, metas):
                call = HookCall("pre", "create_room", model.CreateRoom(name=name, metas=metas))
                return (await host.call(call)).changes

            left = {key: value for key, value in sent.items() if key != "plain"}
            assert {"metas": left} == await changes("del", sent)
            assert {"metas": None} == await changes("none", sent)
            assert {} == await changes("none", None)
            assert {"metas": {"board": [[0, 0], [0, 0]]}} == await changes("set", sent)
            assert {"metas": {"board": [[0, 0], [0, 0]]}} == await changes("set", None)

    async def test_later_files_see_earlier_values_and_levels_live_on(self, sent, serve_scripts):
        first = "def pre_create_room(model): model.metas['plain'] = {'access': 5, 'value': 2}"
        second = "def pre_create_room(model): assert model.metas['plain'] == 2; model.metas['more'] = 1"
        async with serve_scripts(a=first, b=second) as host:
            result = await host.call(HookCall("pre", "create_room", model.CreateRoom(metas=sent)))
        assert {"metas": {**sent, "plain": {"access": 5, "value": 2}, "more": 1}} == result.changes


class TestLife:
    async def test_the_thread_ends_and_on_unload_is_heard(self, serve_scripts):
        script = "def on_unload(): print('bye')\ndef pre_play(model): print(model)"
        with structlog.testing.capture_logs() as logs:
            async with serve_scripts(script) as host:
                thread = host._peer._thread
                assert "yummy-hooks" == thread.name
                assert not thread.daemon
        assert not thread.is_alive()
        assert not host.stuck
        assert ["bye"] == [entry["event"] for entry in logs if entry.get("hook") == "on_unload"]

    async def test_an_error_of_the_block_comes_out_as_it_is(self, serve_scripts):
        with pytest.raises(ZeroDivisionError):
            async with serve_scripts("def pre_play(model): print()"):
                raise ZeroDivisionError

    async def test_cancelling_the_block_ends_the_interpreter(self, serve_scripts):
        with trio.CancelScope() as scope:
            async with serve_scripts("def pre_play(model): print()") as host:
                scope.cancel()
                await trio.lowlevel.checkpoint()
        assert scope.cancelled_caught
        assert not host._peer._thread.is_alive()

    async def test_a_script_that_cannot_be_interrupted_is_left_behind_and_said_so(self, serve_scripts, pre_play, pipe):
        script = f"import os\ndef pre_play(model): os.read({pipe.reads}, 1)"
        limits = HookLimits(timeout=0.2, abandon_after=0.1)
        with structlog.testing.capture_logs() as logs:
            async with serve_scripts(script, limits=limits) as host, trio.open_nursery() as nursery:
                nursery.start_soon(host.call, pre_play())
                await trio.testing.wait_all_tasks_blocked()
                nursery.cancel_scope.cancel()
        assert host.stuck
        assert any("has to be ended by force" in entry["event"] for entry in logs)
        pipe.let_go()
        for peer in host._given_up:
            await trio.to_thread.run_sync(peer._thread.join)
        assert not host.stuck

    async def test_scripts_that_load_too_long_are_named(self, write_scripts):
        folder = write_scripts(a="x = 1", slow="while True: pass")
        with pytest.raises(ScriptsBroken, match="HOOK_LOAD_TIMEOUT") as caught:
            async with open_hooks(folder, HookLimits(load_timeout=0.2)):
                pass
        assert "--> slow.py:1" in caught.value.report
        assert not caught.value.stuck

    async def test_scripts_that_load_too_long_and_do_not_react_are_named_too(self, write_scripts, pipe):
        folder = write_scripts(a="x = 1", slow=f"import os\nos.read({pipe.reads}, 1)")
        with pytest.raises(ScriptsBroken, match="HOOK_LOAD_TIMEOUT") as caught:
            async with open_hooks(folder, HookLimits(load_timeout=0.2, abandon_after=0.1)):
                pass
        assert "--> slow.py" in caught.value.report
        assert caught.value.stuck

    async def test_hosts_do_not_share_anything(self, tmp_path, pre_play):
        for number in (1, 2):
            (tmp_path / str(number)).mkdir()
            (tmp_path / str(number) / "game.py").write_text(
                f"from yummy import state\ndef pre_play(model): model.message = [{number}, len(state)]; state['x'] = 1"
            )
        async with (
            open_hooks(tmp_path / "1", HookLimits()) as first,
            open_hooks(tmp_path / "2", HookLimits()) as second,
        ):
            assert [1, 0] == (await first.call(pre_play())).changes["message"]
            assert [2, 0] == (await second.call(pre_play())).changes["message"]
