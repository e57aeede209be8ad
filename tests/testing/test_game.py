"""What a test sees of its game beside the players: what is stored, printed, logged, and what went wrong."""

import pytest
import structlog

from yummy.constants import RoomUserType, UserType
from yummy.parts import StartupError
from yummy.protocol.errors import Refusal
from yummy.testing import EPOCH, game

pytestmark = pytest.mark.yummy

SCORE = """
    import logging

    from yummy import room, user

    def post_create_room(model, success):
        room.set_room_meta(model.room_id, "score", [0, 0])

    def post_play(model, success):
        print("a move")
        logging.getLogger(__name__).warning("it was %s", model.message)
        user.set_user_meta(model.user_id, "moves", (user.get_user_meta(model.user_id, "moves") or 0) + 1)
"""
BROKEN = """
    def pre_play(model):
        model.message["x"]
"""


async def moved(g):
    """A player who has played in a room of their own; and its id."""
    ann = await g.player("ann")
    room_id = (await ann.push("CreateRoom", name="Hall", tags=["a"])).room_id
    ann.push("Play", room_id=room_id, message={"cell": 4})
    return ann, room_id


async def test_a_room_is_shown_as_a_script_sees_it():
    async with game(scripts={"score.py": SCORE}) as g:
        ann, room_id = await moved(g)
        room = await g.room(room_id)
        assert (room.name, room.tags, room.metas) == ("Hall", ("a",), {"score": [0, 0]})
        assert room.ranks == {ann.user_id: RoomUserType.OWNER}
        assert await g.room("no-such-room") is None


async def test_a_user_is_shown_as_a_script_sees_it_also_when_offline():
    async with game(scripts={"score.py": SCORE}) as g:
        ann, _ = await moved(g)
        user = await g.user(ann.user_id)
        assert (user.online, user.metas, user.device_id) == (True, {"moves": 1}, "device-of-ann")
        assert user.insert_date == EPOCH
        await g.advance(60)
        user_id = ann.user_id
        await ann.push("Logout")
        user = await g.user(user_id)
        assert (user.online, user.metas) == (False, {"moves": 1})
        assert await g.user("no-such-user") is None


async def test_what_scripts_print_and_log_is_there_line_by_line():
    async with game(scripts={"score.py": SCORE}) as g:
        await moved(g)
        await g.settle()
        assert g.printed == ["a move", "it was {'cell': 4}"]
        line = g.log[-1]
        assert (line.logger, line.level, line.hook, line.fields["file"]) == (
            "yummy.scripts",
            "warning",
            "post_play",
            "score.py",
        )
        assert g.reports == []


async def test_players_can_be_admins_and_have_metadata_from_before():
    script = """
        from yummy import user

        def post_user_connected(model, success):
            print(user.get_user_meta(model.user_id, "coins"))
    """
    async with game(scripts={"game.py": script}) as g:
        eve = await g.player("eve", user_type=UserType.ADMIN, metas={"coins": 5})
        assert g.printed == ["5"]
        me = await eve.push("Me")
        assert (me.user_type, (await g.user(eve.user_id)).metas) == (UserType.ADMIN, {"coins": 5})
        assert "coins" not in (await (await g.player("ann")).push("GetUser", user_id=eve.user_id)).metas
        with pytest.raises(ValueError, match="eve has an account already"):
            await g.player("eve", user_type=UserType.MODERATOR)
        with pytest.raises(Refusal):
            await g.player("fay", metas={"bag": {"no": "maps"}})


async def test_the_same_name_is_another_session_of_the_same_account():
    async with game(scripts={}) as g:
        phone, desk = await g.player("ann"), await g.player("ann")
        assert phone.user_id == desk.user_id
        assert phone.session_id != desk.session_id
        assert [phone, desk] == g.players


async def test_a_login_that_a_hook_refuses_fails_the_test_that_wanted_a_player():
    script = """
        from yummy import fail

        def pre_user_connected(model):
            fail("Not today", "closed")
    """
    async with game(scripts={"game.py": script}) as g:
        with pytest.raises(AssertionError, match=r"ann expected that AuthDeviceId succeeds, but the reply.*'closed'"):
            await g.player("ann")


async def test_an_error_of_a_hook_fails_the_test_that_did_not_expect_it():
    async def play():
        async with game(scripts={"game.py": BROKEN}) as g:
            ann, _ = await moved(g)
            await ann.expect_failure("hook_error")

    with pytest.raises(AssertionError) as failure:
        await play()
    assert str(failure.value).startswith(
        "the test did not expect this (if it should: await game.expect_report(...)):\n\n"
        "error: pre_play failed: KeyError: 'x'\n  --> game.py:3 in pre_play"
    )


async def test_also_one_that_nobody_waited_for():
    with pytest.raises(AssertionError, match="did not expect this"):
        async with game(scripts={"game.py": BROKEN}) as g:
            await moved(g)


async def test_and_one_after_the_last_player_has_gone():
    script = """
        def on_unload():
            1 / 0
    """
    with pytest.raises(AssertionError, match="on_unload failed: ZeroDivisionError"):
        async with game(scripts={"game.py": script}):
            pass


async def test_an_expected_error_is_none_and_is_expected_once():
    async with game(scripts={"game.py": BROKEN}) as g:
        with pytest.raises(AssertionError, match="expected a report with 'KeyError', but nothing went wrong"):
            await g.expect_report("KeyError")
        ann, _ = await moved(g)
        await ann.expect_failure("hook_error")
        report = await g.expect_report("KeyError: 'x'")
        assert (report.hook, report.fields["file"], report.fields["line"]) == ("pre_play", "game.py", 3)
        assert g.reports == [report]
        with pytest.raises(AssertionError, match="nothing went wrong"):
            await g.expect_report()


async def test_another_error_than_the_expected_one_is_shown():
    async with game(scripts={"game.py": BROKEN}) as g:
        await moved(g)
        with pytest.raises(AssertionError, match=r"a report with 'TypeError', but the next one is:\nerror: pre_play"):
            await g.expect_report("TypeError")


async def test_a_test_that_fails_otherwise_fails_for_that_with_the_report_as_a_note():
    async def play():
        async with game(scripts={"game.py": BROKEN}) as g:
            await moved(g)
            await g.settle()
            raise ValueError("mine")

    with pytest.raises(ValueError, match="mine") as failure:
        await play()
    (note,) = failure.value.__notes__
    assert note.startswith("this went wrong meanwhile:\nerror: pre_play failed: KeyError: 'x'")


async def test_an_error_that_a_failed_expectation_has_shown_is_not_told_again():
    async def play():
        async with game(scripts={"game.py": BROKEN}) as g:
            ann, _ = await moved(g)
            await ann.expect_reply()

    with pytest.raises(AssertionError, match="expected that Play succeeds") as failure:
        await play()
    assert str(failure.value).count("KeyError") == 1
    assert not hasattr(failure.value, "__notes__")


async def test_settings_are_those_of_a_server_but_for_what_is_given():
    script = """
        from yummy import room

        def post_create_room(model, success):
            print([room.set_room_meta(model.room_id, key, 1) for key in "abcd"])
    """
    async with game(scripts={"game.py": script}, settings={"max_room_meta": 3}) as g:
        ann = await g.player("ann")
        await ann.push("CreateRoom")
        assert g.printed[-1] == "[True, True, True, False]"
        assert g.parts.settings.max_user_meta == 10


async def test_scripts_come_from_a_folder_or_from_texts_with_their_helpers(tmp_path):
    (tmp_path / "game.py").write_text("print('from the folder')", encoding="utf-8")
    async with game(hooks=tmp_path) as g:
        assert g.printed == ["from the folder"]
    async with game(hooks=str(tmp_path)) as g:
        assert g.printed == ["from the folder"]
    texts = {"game.py": "from lib import words\nprint(words.HELLO)", "lib/__init__.py": "", "lib/words.py": "HELLO = 1"}
    async with game(scripts=texts) as g:
        assert g.printed == ["1"]


async def test_a_game_without_scripts_has_to_be_meant(tmp_path):
    with pytest.raises(ValueError, match="name the folder of the scripts"):
        async with game():
            pass
    with pytest.raises(ValueError, match="name the folder of the scripts"):
        async with game(hooks=tmp_path, scripts={}):
            pass
    with pytest.raises(FileNotFoundError, match=r"there is no folder .*nowhere to take scripts from"):
        async with game(hooks=tmp_path / "nowhere"):
            pass


async def test_broken_scripts_fail_with_their_report():
    with pytest.raises(StartupError, match=r"game.py:1"):
        async with game(scripts={"game.py": "def pre_play(model)\n    pass\n"}):
            pass


async def test_the_log_is_as_it_was_when_the_game_is_over():
    before = structlog.get_config()
    async with game(scripts={}):
        assert structlog.get_config() != before
    assert structlog.get_config() == before


async def test_two_games_know_nothing_of_each_other():
    async with game(scripts={"game.py": "print('first')"}) as one:
        async with game(scripts={"game.py": "print('second')"}) as other:
            ann, same = await one.player("ann"), await other.player("ann")
            assert ann.user_id != same.user_id
            assert other.printed == ["second"]
        assert one.printed[0] == "first"
