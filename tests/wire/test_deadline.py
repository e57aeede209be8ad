"""Hooks that run too long, in a whole server: interrupted, given up, and what the other players notice of it."""

import pytest
import trio
from attrs import define, field
from harness import connected, logged_in, running, write_scripts

#: Interrupts soon, and gives up late: what reacts must not be given up where the machine is busy.
INTERRUPTS = {"hook_timeout": 0.2, "hook_abandon_after": 30.0, "hook_host_calls": 10**9}
#: Gives up soon.
GIVES_UP = {"hook_timeout": 0.3, "hook_abandon_after": 0.3}

#: What a hook does for too long: the line that it is interrupted in, first of all.
TOO_LONG = {
    "a loop": """
        while True: pass  # here
    """,
    "a sleep": """
        time.sleep(3600)  # here
    """,
    "a loop of calls of the host": """
        for number in itertools.count(): room.get_room(f"no room {number}")  # here
    """,
    "an interrupt that is swallowed": """
        try:
            while True: pass  # here
        except BaseException: pass
    """,
    "interrupts that are swallowed again and again": """
        for _ in range(3):
            try:
                while True: pass  # here
            except BaseException: pass
    """,
    "an interrupt in a broad except": """
        try:
            while True: pass  # here
        except Exception: print("swallowed")
    """,
    "an interrupt that becomes a refusal": """
        try:
            while True: pass  # here
        except BaseException: fail("I am never late")
    """,
}
HOOK = """
import itertools, time
from yummy import fail, room
calls = []

def pre_message_to_room(model):
    calls.append(model.message)
    room.set_room_meta(model.room_id, "calls", calls, 0)
    if model.message == "too long":
"""
#: Counts in a variable and in `yummy.state`, and hangs when told to in a call that nothing interrupts.
HANGS = """
import os
from yummy import room, state

count = 0

def pre_message_to_room(model):
    global count
    count += 1
    state["count"] = state.get("count", 0) + 1
    print(model.message, "begins")
    if model.message == "hang":
        os.read({reads}, 1)
    room.set_room_meta(model.room_id, "seen", [model.message, count, state["count"]], 0)
"""


async def metas(player, room):
    """What the scripts have left in a room."""
    return (await player.ok("GetRoom", room_id=room, members=[7]))["metas"]


def line_of(text, mark="# here"):
    """The number of the line that is marked."""
    return next(number for number, line in enumerate(text.splitlines(), 1) if mark in line)


@define
class HeldStore:
    """A store that lets look-ups of accounts wait."""

    _store: object
    asked: trio.Event = field(factory=trio.Event)
    answer: trio.Event = field(factory=trio.Event)

    def __getattr__(self, name):
        return getattr(self._store, name)

    async def load_accounts(self, ids):
        self.asked.set()
        await self.answer.wait()
        return await self._store.load_accounts(ids)


class TestInterrupt:
    @pytest.mark.parametrize("body", TOO_LONG.values(), ids=TOO_LONG)
    async def test_what_takes_too_long_ends_as_hook_timeout_with_its_line(self, body, tmp_path, journal):
        script = HOOK + body
        async with (
            running(write_scripts(tmp_path / "hooks", game=script), **INTERRUPTS) as server,
            logged_in(server, "anna") as anna,
        ):
            room = (await anna.ok("CreateRoom"))["room_id"]
            assert await anna.refused("MessageToRoom", room_id=room, message="too long") == "hook_timeout"
            assert await metas(anna, room) == {}
            # The same interpreter goes on, with its variables.
            await anna.ok("MessageToRoom", room_id=room, message="hi")
            assert await metas(anna, room) == {"calls": ["too long", "hi"]}
            statistics = server.hooks.statistics()
            assert (statistics.timeouts, statistics.crashed, statistics.given_up) == (1, 1, 0)
            line = await journal.line("timeout: pre_message_to_room was interrupted: it has run for too long")
            assert (line["kind"], line["file"], line["line"]) == ("timeout", "game.py", line_of(script))
            assert "(HOOK_TIMEOUT)" in line["event"]
            assert line["revision"] == str(server.hooks.revision)
            assert server.hooks.reports.latest[-1].text == line["event"]

    async def test_a_look_up_that_does_not_come_ends_with_the_deadline_and_its_answer_is_dropped(
        self, tmp_path, journal
    ):
        scripts = """
            from yummy import room, user

            def pre_play(model):
                name = user.get_user_meta(model.message, "name")
                room.set_room_meta(model.room_id, "found", name, 0)
        """
        async with (
            running(write_scripts(tmp_path / "hooks", game=scripts), **INTERRUPTS) as server,
            logged_in(server, "anna") as anna,
        ):
            room = (await anna.ok("CreateRoom"))["room_id"]
            async with logged_in(server, "bert") as bert:
                await bert.ok("UpdateUser", metas={"name": {"access": 0, "value": "Bert"}})
                await bert.ok("Logout")
            store = server.chain.store
            server.chain.store = held = HeldStore(store)
            assert await anna.refused("Play", room_id=room, message="nobody") == "hook_timeout"
            assert held.asked.is_set()
            line = await journal.line("timeout: pre_play was interrupted")
            assert (line["file"], line["line"]) == ("game.py", 5)
            # The answer comes now, when nobody waits for it, and is not taken for that to the next question.
            held.answer.set()
            await anna.ok("Play", room_id=room, message=bert.user_id)
            assert await metas(anna, room) == {"found": "Bert"}
            assert server.hooks.statistics().given_up == 0

    async def test_the_deadline_counts_from_the_start_of_a_call_not_from_its_queueing(self, tmp_path, pipe, until):
        script = f"""
            import os

            def pre_play(model):
                if model.message == "wait":
                    os.read({pipe.reads}, 1)
        """
        timeout = 1.0
        results = {}

        async def play(player, room, message):
            results[message] = await player.call("Play", room_id=room, message=message)

        async with (
            running(
                write_scripts(tmp_path / "hooks", game=script), hook_timeout=timeout, hook_abandon_after=60
            ) as server,
            logged_in(server, "anna") as anna,
            logged_in(server, "bert") as bert,
            logged_in(server, "carl") as carl,
        ):
            rooms = [(await player.ok("CreateRoom"))["room_id"] for player in (anna, bert, carl)]
            async with trio.open_nursery() as nursery:
                nursery.start_soon(play, anna, rooms[0], "wait")
                await until(lambda: server.hooks.statistics().waiting == 1)
                nursery.start_soon(play, bert, rooms[1], "b")
                nursery.start_soon(play, carl, rooms[2], "c")
                await until(lambda: server.hooks.statistics().waiting == 3)
                queued = trio.current_time()
                await until(lambda: trio.current_time() >= queued + timeout)
                pipe.let_go()
            # The first was late itself.
            assert [results[message]["status"] for message in ("b", "c")] == [True, True]

    async def test_a_post_hook_that_takes_too_long_drops_what_core_did(self, tmp_path):
        scripts = "def post_update_room(model, success):\n    while success: pass\n"
        async with (
            running(write_scripts(tmp_path / "hooks", game=scripts), **INTERRUPTS) as server,
            logged_in(server, "anna") as anna,
        ):
            room = (await anna.ok("CreateRoom", name="before"))["room_id"]
            assert await anna.refused("UpdateRoom", room_id=room, name="after") == "hook_timeout"
            assert await anna.ok("GetRoom", room_id=room, members=[0]) == {"id": room, "name": "before"}

    async def test_a_hook_that_computes_keeps_nobody_waiting_whose_messages_have_none(self, tmp_path, journal):
        scripts = "def pre_play(model):\n    print('begins')\n    while True: pass\n"
        order = []

        async def play(player, room):
            order.append(await player.refused("Play", room_id=room, message=1))

        async with (
            running(write_scripts(tmp_path / "hooks", game=scripts), hook_timeout=1.0) as server,
            logged_in(server, "anna") as anna,
            logged_in(server, "bert") as bert,
        ):
            room = (await anna.ok("CreateRoom"))["room_id"]
            async with trio.open_nursery() as nursery:
                nursery.start_soon(play, anna, room)
                await journal.line("begins")
                for _ in range(10):
                    await bert.ok("Me")
                order.append("ten answers")
            assert order == ["ten answers", "hook_timeout"]

    async def test_messages_of_one_room_go_on_in_their_order(self, tmp_path):
        script = HOOK + TOO_LONG["a loop"]
        async with (
            running(write_scripts(tmp_path / "hooks", game=script), **INTERRUPTS) as server,
            logged_in(server, "anna") as anna,
            logged_in(server, "bert") as bert,
        ):
            room = (await anna.ok("CreateRoom"))["room_id"]
            await bert.ok("JoinToRoom", room_id=room)
            await anna.event("JoinToRoom")
            for message in ("a", "too long", "b"):
                await anna.send(type="MessageToRoom", room_id=room, message=message)
            assert [(await anna.receive())["status"] for _ in range(3)] == [True, False, True]
            assert [(await bert.event("MessageFromRoom"))["message"] for _ in range(2)] == ["a", "b"]


class TestGivenUp:
    async def test_the_server_lives_on_and_each_call_has_its_place(self, tmp_path, journal, pipe, until, all_ended):
        """The running call fails, those behind it run in order, those without hooks have been answered before."""
        folder = write_scripts(tmp_path / "hooks", game=HANGS.format(reads=pipe.reads))
        order = []

        async def say(player, room, message):
            answer = await player.call("MessageToRoom", room_id=room, message=message)
            order.append((message, answer.get("code", "ok")))

        async with (
            running(folder, **GIVES_UP) as server,
            logged_in(server, "anna") as anna,
            logged_in(server, "bert") as bert,
            logged_in(server, "carl") as carl,
            logged_in(server, "dora") as dora,
        ):
            rooms = [(await player.ok("CreateRoom"))["room_id"] for player in (anna, bert, carl)]
            await anna.ok("MessageToRoom", room_id=rooms[0], message="hi")
            await until(lambda: server.hooks.statistics().state_bytes > 0)
            async with trio.open_nursery() as nursery:
                nursery.start_soon(say, anna, rooms[0], "hang")
                await journal.line("hang begins")
                nursery.start_soon(say, bert, rooms[1], "b")
                await until(lambda: server.hooks.statistics().waiting == 2)
                nursery.start_soon(say, carl, rooms[2], "c")
                for _ in range(3):
                    await dora.ok("Me")
                order.append(("me", "ok"))
            assert order[:2] == [("me", "ok"), ("hang", "hook_timeout")]
            assert sorted(order[2:]) == [("b", "ok"), ("c", "ok")]
            # Variables are lost and `state` is back, as it was when it was copied last.
            seen = [await metas(player, room) for player, room in zip((anna, bert, carl), rooms, strict=True)]
            assert seen == [{"seen": ["hi", 1, 1]}, {"seen": ["b", 1, 2]}, {"seen": ["c", 2, 3]}]

            statistics = server.hooks.statistics()
            assert (statistics.given_up, statistics.spinning, statistics.timeouts) == (1, 1, 1)
            report = server.hooks.reports.latest[-1]
            assert "pre_message_to_room did not react to its interrupt and was given up" in report.text
            assert "HOOK_ABANDON_AFTER" in report.text
            # Inside a call of C nobody sees the line; the hook is known.
            assert str(report.trouble.place) == f"game.py:{line_of(HANGS, 'def pre_message_to_room')}"
            (loud,) = journal.said("the hook interpreter was given up: all variables of scripts are lost")
            assert loud["level"] == "critical"
            assert journal.said("a new hook interpreter serves", revision=str(server.hooks.revision))

            # The old loop wakes, finds that nobody waits for it, and runs nothing of what it had been sent.
            pipe.let_go()
            await all_ended(server)
            for begun in ("b begins", "c begins"):
                assert len(journal.said(begun)) == 1
            await anna.ok("MessageToRoom", room_id=rooms[0], message="later")
            assert await metas(anna, rooms[0]) == {"seen": ["later", 3, 4]}

    async def test_a_script_that_swallows_every_interrupt_is_given_up_with_its_line(self, tmp_path, pipe, all_ended):
        script = f"""
import select

def stopped():
    return select.select([{pipe.reads}], [], [], 0)[0]

def pre_play(model):
    while not stopped():
        try:
            while not stopped(): pass
        except BaseException: pass
"""
        async with (
            running(write_scripts(tmp_path / "hooks", game=script), **GIVES_UP) as server,
            logged_in(server, "anna") as anna,
        ):
            room = (await anna.ok("CreateRoom"))["room_id"]
            assert await anna.refused("Play", room_id=room, message=1) == "hook_timeout"
            trouble = server.hooks.reports.latest[-1].trouble
            assert "was given up" in trouble.headline
            assert (trouble.place.file, trouble.place.line) in {("game.py", line) for line in (5, 8, 10, 11)}
            await anna.ok("MessageToRoom", room_id=room, message="hi")
            assert server.hooks.statistics().given_up == 1
            pipe.let_go()
            await all_ended(server)

    @pytest.mark.parametrize("call", ["re.match(r'(a+)+$', 'a' * 23 + 'b')", "3 ** 3_000_000"])
    async def test_a_long_call_into_c_is_given_up_and_ends_by_itself(self, call, tmp_path, journal, all_ended):
        script = f"import re\nseen = []\ndef pre_play(model):\n    {call}\n    print('woke up')\n"
        async with (
            running(write_scripts(tmp_path / "hooks", game=script), hook_timeout=0.1, hook_abandon_after=0.1) as server,
            logged_in(server, "anna") as anna,
        ):
            room = (await anna.ok("CreateRoom"))["room_id"]
            assert await anna.refused("Play", room_id=room, message=1) == "hook_timeout"
            assert "a regular expression" in server.hooks.reports.latest[-1].trouble.advice
            await anna.ok("MessageToRoom", room_id=room, message="hi")
            await all_ended(server)
            assert not journal.said("woke up")
            assert server.hooks.statistics().given_up == 1

    @pytest.mark.parametrize("edited", [False, True])
    async def test_a_message_whose_pre_ran_before_has_its_post_in_the_new_interpreter(
        self, edited, tmp_path, journal, pipe, hold_logins, all_ended
    ):
        script = f"""
import os
begun = []

def pre_email_auth(model):
    begun.append(model.email)

def post_email_auth(model, success):
    print("post", success, begun)

def pre_play(model):
    os.read({pipe.reads}, 1)
"""
        folder = write_scripts(tmp_path / "hooks", game=script)
        answers = {}

        async def log_in(player):
            email = {"email": "eve@example.org", "password": "correct horse", "create": True}
            answers["eve"] = await player.call("AuthEmail", **email)

        async with (
            running(folder, **GIVES_UP) as server,
            logged_in(server, "anna") as anna,
            connected(server) as eve,
        ):
            room = (await anna.ok("CreateRoom"))["room_id"]
            held = hold_logins(server)
            async with trio.open_nursery() as nursery:
                nursery.start_soon(log_in, eve)
                await held.asked.wait()
                if edited:
                    write_scripts(folder, game=script + "# edited\n")
                    await journal.line("scripts loaded", after=1)
                assert await anna.refused("Play", room_id=room, message=1) == "hook_timeout"
                await journal.line("a new hook interpreter serves")
                held.answer.set()
            if edited:
                # What it began with has ended, and nobody mixes revisions.
                assert answers["eve"]["code"] == "hook_error"
                assert "revision 1 of the scripts, which has ended" in server.hooks.reports.latest[-1].text
            else:
                assert answers["eve"]["status"] is True
                await journal.line("post True []")
            pipe.let_go()
            await all_ended(server)

    async def test_what_serves_again_is_the_accepted_revision_not_what_lies_on_disk(
        self, tmp_path, journal, pipe, all_ended
    ):
        script = HANGS.format(reads=pipe.reads)
        folder = write_scripts(tmp_path / "hooks", game=script)
        async with running(folder, **GIVES_UP) as server, logged_in(server, "anna") as anna:
            room = (await anna.ok("CreateRoom"))["room_id"]
            write_scripts(folder, game="def pre_message_to_room(model)\n    broken")
            await journal.line("the scripts were not taken; those before serve on")
            assert await anna.refused("MessageToRoom", room_id=room, message="hang") == "hook_timeout"
            await anna.ok("MessageToRoom", room_id=room, message="hi")
            assert (await metas(anna, room))["seen"][:2] == ["hi", 1]
            assert server.hooks.revision.number == 1
            pipe.let_go()
            await all_ended(server)

    async def test_what_does_not_load_again_fails_its_messages_until_an_edit_does(
        self, tmp_path, journal, pipe, until, all_ended
    ):
        script = HANGS.format(reads=pipe.reads)
        folder = write_scripts(tmp_path / "hooks", game=script + "\nassert not state, 'only once'\n")
        async with running(folder, **GIVES_UP) as server, logged_in(server, "anna") as anna:
            room = (await anna.ok("CreateRoom"))["room_id"]
            await anna.ok("MessageToRoom", room_id=room, message="hi")
            await until(lambda: server.hooks.statistics().state_bytes > 0)
            assert await anna.refused("MessageToRoom", room_id=room, message="hang") == "hook_timeout"
            line = await journal.line("the scripts that served cannot be loaded again")
            assert (line["level"], "only once" in line["problem"]) == ("critical", True)
            assert await anna.refused("MessageToRoom", room_id=room, message="hi") == "hook_error"
            await anna.ok("Play", room_id=room, message=1)
            write_scripts(folder, game=script)
            await journal.line("scripts loaded", after=1)
            await anna.ok("MessageToRoom", room_id=room, message="again")
            assert await metas(anna, room) == {"seen": ["again", 1, 2]}
            pipe.let_go()
            await all_ended(server)

    async def test_of_the_state_comes_back_what_is_plain_and_has_room(self, tmp_path, journal, pipe, until, all_ended):
        script = f"""
import os
from yummy import room, state

def pre_play(model):
    state.update(small=[1, {{"a": 2}}], object=object(), large="x" * 1000)
    print("kept", sorted(state))

def pre_message_to_room(model):
    os.read({pipe.reads}, 1)

def post_create_room(model, success):
    room.set_room_meta(model.room_id, "kept", sorted(state), 0)
"""
        async with (
            running(write_scripts(tmp_path / "hooks", game=script), **GIVES_UP, hook_state_bytes=200) as server,
            logged_in(server, "anna") as anna,
        ):
            room = (await anna.ok("CreateRoom"))["room_id"]
            await anna.ok("Play", room_id=room, message=1)
            await journal.line("kept ['large', 'object', 'small']")
            await until(lambda: server.hooks.statistics().state_bytes > 0)
            for key in ("object", "large"):
                line = await journal.line(f"yummy.state['{key}'] is no plain data, or too large (HOOK_STATE_BYTES)")
                assert line["level"] == "warning"
            assert await anna.refused("MessageToRoom", room_id=room, message=1) == "hook_timeout"
            room = (await anna.ok("CreateRoom"))["room_id"]
            assert await metas(anna, room) == {"kept": ["small"]}
            pipe.let_go()
            await all_ended(server)

    async def test_with_one_too_many_the_server_is_told_to_end_and_calls_fail(self, tmp_path, pipe, all_ended):
        folder = write_scripts(tmp_path / "hooks", game=HANGS.format(reads=pipe.reads))
        async with (
            running(folder, **GIVES_UP, hook_max_abandoned=1) as server,
            logged_in(server, "anna") as anna,
        ):
            room = (await anna.ok("CreateRoom"))["room_id"]
            assert await anna.refused("MessageToRoom", room_id=room, message="hang") == "hook_timeout"
            await anna.ok("MessageToRoom", room_id=room, message="hi")
            assert not server.hooks.exhausted.is_set()
            assert await anna.refused("MessageToRoom", room_id=room, message="hang") == "hook_timeout"
            with trio.fail_after(10):
                await server.hooks.exhausted.wait()
            # Until its end, what needs no hook is answered.
            assert await anna.refused("MessageToRoom", room_id=room, message="hi") == "hook_timeout"
            await anna.ok("Play", room_id=room, message=1)
            pipe.let_go()
            await all_ended(server)


class TestQueue:
    async def test_a_full_queue_answers_busy_and_drops_nobody(self, tmp_path, journal, pipe, until):
        script = HANGS.format(reads=pipe.reads)
        results = {}

        async def say(player, room, message):
            results[message] = await player.call("MessageToRoom", room_id=room, message=message)

        async with (
            running(write_scripts(tmp_path / "hooks", game=script), hook_queue=2, hook_timeout=60.0) as server,
            logged_in(server, "anna") as anna,
            logged_in(server, "bert") as bert,
            logged_in(server, "carl") as carl,
        ):
            rooms = [(await player.ok("CreateRoom"))["room_id"] for player in (anna, bert, carl)]
            async with trio.open_nursery() as nursery:
                nursery.start_soon(say, anna, rooms[0], "hang")
                await journal.line("hang begins")
                nursery.start_soon(say, bert, rooms[1], "b")
                await until(lambda: server.hooks.statistics().waiting == 2)
                assert await carl.refused("MessageToRoom", room_id=rooms[2], message="c") == "busy"
                await carl.ok("Play", room_id=rooms[2], message=1)
                pipe.let_go()
            assert [results[message]["status"] for message in ("hang", "b")] == [True, True]
            assert not journal.said("c begins")
            await carl.ok("MessageToRoom", room_id=rooms[2], message="c")
            assert (server.hooks.statistics().refused, server.hooks.statistics().most_waiting) == (1, 2)

    async def test_a_message_type_without_hooks_never_visits_the_hook_thread(self, tmp_path, journal, pipe):
        script = HANGS.format(reads=pipe.reads)
        async with (
            running(write_scripts(tmp_path / "hooks", game=script), hook_timeout=60.0) as server,
            logged_in(server, "anna") as anna,
            logged_in(server, "bert") as bert,
        ):
            room = (await anna.ok("CreateRoom"))["room_id"]
            mine = (await bert.ok("CreateRoom"))["room_id"]
            assert server.hooks.statistics().calls == 0
            await anna.send(type="MessageToRoom", room_id=room, message="hang")
            await journal.line("hang begins")
            for number in range(50):
                await bert.ok("Play", room_id=mine, message=number)
                await bert.ok("Me")
            assert (server.hooks.statistics().calls, server.hooks.statistics().waiting) == (1, 1)
            pipe.let_go()
            assert (await anna.receive())["status"] is True


class TestLoad:
    @pytest.mark.parametrize("text", ["while True: pass", "import time\n\ntime.sleep(3600)"])
    async def test_an_edit_that_does_not_end_is_refused_and_the_old_one_goes_on(self, text, tmp_path, journal):
        script = HOOK + "        pass\n"
        folder = write_scripts(tmp_path / "hooks", game=script)
        async with (
            running(folder, hook_load_timeout=0.5, hook_abandon_after=30.0) as server,
            logged_in(server, "anna") as anna,
        ):
            room = (await anna.ok("CreateRoom"))["room_id"]
            await anna.ok("MessageToRoom", room_id=room, message="a")
            write_scripts(folder, game=f"{text}\n")
            line = await journal.line("timeout: import was interrupted")
            assert (line["file"], line["line"]) == ("game.py", len(text.splitlines()))
            assert "(HOOK_LOAD_TIMEOUT)" in line["event"]
            await anna.ok("MessageToRoom", room_id=room, message="b")
            assert await metas(anna, room) == {"calls": ["a", "b"]}
            statistics = server.hooks.statistics()
            assert (statistics.revision, statistics.refused_loads, statistics.given_up) == (1, 1, 0)

    async def test_an_edit_that_does_not_react_costs_the_variables_and_no_more(
        self, tmp_path, journal, pipe, all_ended
    ):
        script = HOOK + "        pass\n"
        folder = write_scripts(tmp_path / "hooks", game=script)
        async with (
            running(folder, hook_load_timeout=0.3, hook_abandon_after=0.3) as server,
            logged_in(server, "anna") as anna,
        ):
            room = (await anna.ok("CreateRoom"))["room_id"]
            await anna.ok("MessageToRoom", room_id=room, message="a")
            write_scripts(folder, game=f"import os\nos.read({pipe.reads}, 1)\n")
            line = await journal.line("timeout: the scripts were not loaded within 0.3 s (HOOK_LOAD_TIMEOUT)")
            assert line["file"] == "game.py"
            await anna.ok("MessageToRoom", room_id=room, message="b")
            assert await metas(anna, room) == {"calls": ["b"]}
            assert server.hooks.statistics().given_up == 1
            # The next good save wins.
            write_scripts(folder, game=script.replace("calls = []", "calls = ['new']"))
            await journal.line("scripts loaded", after=1)
            await anna.ok("MessageToRoom", room_id=room, message="c")
            assert await metas(anna, room) == {"calls": ["new", "c"]}
            pipe.let_go()
            await all_ended(server)

    @pytest.mark.parametrize("hook", ["on_load", "on_unload"])
    async def test_on_load_and_on_unload_are_bounded_and_undo_nothing(self, hook, tmp_path, journal):
        script = HOOK + f"        pass\n\ndef {hook}():\n    while True: pass  # here\n"
        first, second = (HOOK + "        pass\n", script) if hook == "on_load" else (script, HOOK + "        pass\n")
        folder = write_scripts(tmp_path / "hooks", game=first)
        async with (
            running(folder, hook_load_timeout=0.3, hook_abandon_after=30.0) as server,
            logged_in(server, "anna") as anna,
        ):
            room = (await anna.ok("CreateRoom"))["room_id"]
            write_scripts(folder, game=second)
            line = await journal.line(f"timeout: {hook} was interrupted")
            assert (line["file"], line["line"]) == ("game.py", line_of(script))
            await journal.line("scripts loaded", after=1)
            await anna.ok("MessageToRoom", room_id=room, message="b")
            assert await metas(anna, room) == {"calls": ["b"]}
            assert server.hooks.revision.number == 2
