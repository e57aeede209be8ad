"""Time stands still while anything runs, and passes from deadline to deadline when a test lets it."""

import math

import pytest
import trio
from trio.testing import MockClock

from yummy.testing import StuckError, game, run

SLOW = """
    import time

    def pre_play(model):
        end = time.monotonic() + 0.1  # of real time
        while time.monotonic() < end:
            pass
        print("played")

    def post_user_disconnected(model, success):
        print("gone")
"""


@pytest.mark.yummy
async def test_no_time_passes_while_a_hook_runs():
    async with game(scripts={"game.py": SLOW}) as g:
        ann, bob = await g.player("ann"), await g.player("bob")
        room_id = (await ann.push("CreateRoom")).room_id
        began = g.now
        await bob.drop()
        ann.push("Play", room_id=room_id, message=1)
        await g.settle()
        assert (g.now, g.printed) == (began, ["played"])
        ann.push("Play", room_id=room_id, message=1)
        await g.advance(10)
        assert g.now == began + 10
        assert g.printed == ["played", "played", "gone"]


@pytest.mark.yummy
async def test_nothing_is_cut_short_while_sql_and_hashing_are_on_their_way():
    async with game(scripts={}) as g:
        guests = [g.guest(str(number)) for number in range(10)]
        with trio.fail_after(0.001):
            for guest in guests:
                guest.push("AuthEmail", email=f"{guest.name}@example.com", password="long enough", create=True)
            for guest in guests:
                await guest.expect_reply()


@pytest.mark.yummy
async def test_timers_go_off_one_after_another_and_what_they_start_ends_in_between():
    script = """
        def post_user_disconnected(model, success):
            print("gone")
    """
    times = []
    async with game(scripts={"game.py": script}) as g, trio.open_nursery() as nursery:
        players = [await g.player(name) for name in ("ann", "bob", "cem")]
        began = g.now

        async def note(seconds):
            await trio.sleep(seconds)
            times.append((g.now - began, len(g.printed)))

        for seconds in (12.5, 10.5, 11.5):
            nursery.start_soon(note, seconds)
        for player in players:
            await player.drop()
            await g.advance(1)
        assert times == []
        await g.advance(9)
        assert times == [(10.5, 1), (11.5, 2)]
        await g.advance(100)
        assert times == [(10.5, 1), (11.5, 2), (12.5, 3)]
        assert g.now == began + 112


@pytest.mark.yummy
async def test_a_window_ends_on_the_second_and_not_before():
    async with game(scripts={}, settings={"connection_restore_wait_timeout": 3}) as g:
        ann = await g.player("ann")
        await ann.drop()
        await g.advance(3 - 2**-20)
        assert (await g.user(ann.user_id)).online
        await g.advance(2**-20)
        assert not (await g.user(ann.user_id)).online
        assert (await ann.restore()).restored is False


@pytest.mark.yummy
async def test_a_token_ends_when_its_time_is_over():
    async with game(scripts={}, settings={"token_lifetime": 60}) as g:
        ann = await g.player("ann")
        await g.advance(59)
        await ann.push("RefreshToken", token=ann.token)
        await g.advance(60)
        ann.push("RefreshToken", token=ann.token)
        await ann.expect_failure("invalid_token")


@pytest.mark.yummy
async def test_time_does_not_go_back():
    async with game(scripts={}) as g:
        with pytest.raises(ValueError, match="time does not go back"):
            await g.advance(-1)
        await g.advance(0)


async def test_on_a_real_clock_all_works_but_time_cannot_be_advanced():
    async with game(scripts={}) as g:
        ann = await g.player("ann")
        await ann.drop()
        assert (await ann.restore()).restored is True
        with pytest.raises(RuntimeError, match="time passes by itself here"):
            await g.advance(1)


@pytest.mark.parametrize("clock", [MockClock(autojump_threshold=0), MockClock(rate=1)], ids=["jumping", "running"])
def test_a_clock_that_moves_by_itself_is_refused(clock):
    async def play():
        async with game(scripts={}):
            pass

    with pytest.raises(RuntimeError, match="this clock moves by itself, also while a hook runs"):
        trio.run(play, clock=clock)


def test_without_pytest_a_test_is_run_with_time_standing_still():
    async def play(seconds):
        async with game(scripts={}) as g:
            await g.advance(seconds)
            return g.now

    assert run(play, 5) == 1_893_456_005


@pytest.mark.yummy
async def test_a_server_that_does_not_come_to_rest_is_named_instead_of_waited_for(tmp_path):
    script = f"""
        import os

        def pre_play(model):
            while not os.path.exists({str(tmp_path / "enough")!r}):
                pass
    """

    async def play():
        async with game(scripts={"game.py": script}, patience=0.2) as g:
            ann = await g.player("ann")
            room_id = (await ann.push("CreateRoom")).room_id
            ann.push("Play", room_id=room_id, message=1)
            try:
                await ann.expect_reply()
            finally:
                (tmp_path / "enough").touch()

    with pytest.raises(StuckError, match=r"within 0.2 s \(chains running: 1, hook calls waiting: 1\). Does a"):
        await play()


@pytest.mark.yummy
@pytest.mark.parametrize("seconds", [1, math.inf])
async def test_a_test_that_sleeps_is_told_that_time_stands_still(seconds):
    with pytest.raises(StuckError, match=r"nothing has happened for 0.2 s.*await game.advance"):
        async with game(scripts={}, patience=0.2):
            await trio.sleep(seconds)
