"""What players push and expect, and what a failed expectation says."""

import pytest

from yummy.testing import game

# Time stands still in these tests.
pytestmark = pytest.mark.yummy

ECHO = """
    from yummy import fail, room, user

    def pre_play(model):
        if model.message == "no":
            fail("Not this one", "not_this")

    def post_play(model, success):
        print("played", model.message)
        if model.message == "look":
            # A message that only looks like a reply.
            user.message_to_user(model.user_id, {"status": False, "request_id": 10**6, "type": "Play"})
            user.message_to_user(model.user_id, {"status": True, "request_id": "x", "type": "Play"})
            user.message_to_user(model.user_id, {"no": "type"})

    def post_message_to_room(model, success):
        room.message_to_room(model.room_id, {"echo": model.message, "details": {"by": model.user_id, "n": 1}})
"""


async def two(g, **options):
    """Two players in a room, who have heard everything; and its id."""
    ann, bob = await g.player("ann", **options), await g.player("bob", **options)
    room_id = (await ann.push("CreateRoom")).room_id
    await bob.push("JoinToRoom", room_id=room_id)
    await ann.expect_event("JoinToRoom", user_id=bob.user_id, room_id=room_id)
    return ann, bob, room_id


@pytest.mark.parametrize("encoding", ["msgpack", "json"])
async def test_a_push_is_awaited_for_a_success_and_its_fields(encoding):
    async with game(scripts={"game.py": ECHO}, encoding=encoding) as g:
        ann, bob, room_id = await two(g)
        reply = await ann.push("Play", room_id=room_id, message={"cell": 4, "text": "Grüße"})
        assert (reply.status, reply.type) == (True, "Play")
        event = await bob.expect_event("Play", message={"cell": 4})
        assert event == {
            "type": "Play",
            "user_id": ann.user_id,
            "room_id": room_id,
            "message": {"cell": 4, "text": "Grüße"},
        }


async def test_players_of_both_encodings_meet():
    async with game(scripts={"game.py": ECHO}) as g:
        ann, bob = await g.player("ann", encoding="msgpack"), await g.player("bob", encoding="json")
        room_id = (await ann.push("CreateRoom")).room_id
        await bob.push("JoinToRoom", room_id=room_id)
        await ann.expect_event("JoinToRoom")
        await ann.push("Play", room_id=room_id, message=b"abc")
        await bob.expect_event("Play", message="YWJj")
        await bob.push("Play", room_id=room_id, message="abc")
        await ann.expect_event("Play", message="abc")


async def test_an_awaited_push_that_is_refused_fails_and_an_expected_refusal_does_not():
    async with game(scripts={"game.py": ECHO}) as g:
        ann, _, room_id = await two(g)
        with pytest.raises(AssertionError) as failure:
            await ann.push("Play", room_id=room_id, message="no")
        assert str(failure.value).startswith(
            "ann expected that Play succeeds, but the reply is "
            "Play {'status': False, 'error': 'Not this one', 'code': 'not_this'}\n"
            "  - status: expected True, got False\n"
            "what ann heard, oldest first (* not looked at):\n"
        )
        ann.push("Play", room_id=room_id, message="no")
        assert (await ann.expect_failure("not_this", error="Not this one")).status is False
        with pytest.raises(AssertionError, match="  - code: expected 'other', got 'not_this'"):
            await ann.expect_failure("other")
        ann.push("Play", room_id=room_id, message="yes")
        with pytest.raises(
            AssertionError, match=r"ann expected that Play is refused, but the reply is Play \{'status'"
        ):
            await ann.expect_failure()


async def test_several_requests_are_on_their_way_and_each_has_its_reply():
    async with game(scripts={"game.py": ECHO}) as g:
        ann, bob, room_id = await two(g)
        requests = [ann.push("Play", room_id=room_id, message=number) for number in range(5)]
        wrong = ann.push("Play", room_id=room_id, message="no")
        last = ann.push("Play", room_id=room_id, message="last")
        await wrong.expect_failure("not_this")
        for request in requests:
            await request
        await ann.expect_reply()
        assert last.reply is not None
        heard = [event.message for event in await bob.events()]
        assert heard == [0, 1, 2, 3, 4, "last"]


async def test_events_are_expected_in_their_order_and_none_is_skipped():
    async with game(scripts={"game.py": ECHO}) as g:
        ann, bob, room_id = await two(g)
        for number in (1, 2):
            await ann.push("Play", room_id=room_id, message=number)
        with pytest.raises(AssertionError, match="message: expected 2, got 1"):
            await bob.expect_event("Play", message=2)
        await bob.expect_event("Play", message=1)
        assert (await bob.expect_event()).message == 2
        await bob.expect_no_event()


async def test_an_unexpected_event_is_shown_with_all_that_was_heard_and_names_in_place_of_ids():
    async with game(scripts={"game.py": ECHO}) as g:
        ann, bob, room_id = await two(g)
        await ann.push("MessageToRoom", room_id=room_id, message="hello")
        await bob.expect_event("MessageFromRoom", user_id=ann.user_id)
        with pytest.raises(AssertionError) as failure:
            await bob.expect_event("MessageFromRoom", message={"details": {"by": bob.user_id, "n": 1}})
        text = str(failure.value).replace(room_id, "ROOM")
        assert text == (
            "bob expected the event MessageFromRoom {'message': {'details': {'by': '<user_id of bob>', 'n': 1}}}, "
            "but the next event is MessageFromRoom {'room_id': 'ROOM', 'message': {'echo': 'hello', "
            "'details': {'by': '<user_id of ann>', 'n': 1}}}\n"
            "  - message.details.by: expected '<user_id of bob>', got '<user_id of ann>'\n"
            "what bob heard, oldest first (* not looked at):\n"
            "    reply AuthDeviceId {'status': True, 'user_id': '<user_id of bob>', "
            "'session_id': '<session_id of bob>'}\n"
            "    reply JoinToRoom {'status': True, 'room_id': 'ROOM', 'room_name': None, 'users': "
            "[{'user_id': '<user_id of ann>', 'name': None, 'type': 3}, "
            "{'user_id': '<user_id of bob>', 'name': None, 'type': 1}], 'metas': {}, 'result': 'Joined'}\n"
            "    event MessageFromRoom {'room_id': 'ROOM', 'message': 'hello', 'user_id': '<user_id of ann>'}\n"
            "  * event MessageFromRoom {'room_id': 'ROOM', 'message': {'echo': 'hello', "
            "'details': {'by': '<user_id of ann>', 'n': 1}}}"
        )


async def test_an_event_that_does_not_come_is_missed_with_what_was_printed_and_what_went_wrong():
    async with game(scripts={"game.py": "def post_play(model, success):\n    print('so far')\n    1 / 0\n"}) as g:
        ann, bob, room_id = await two(g)
        ann.push("Play", room_id=room_id, message=1)
        with pytest.raises(AssertionError) as failure:
            await bob.expect_event("Play")
        text = str(failure.value)
        assert text.startswith("bob expected the event Play {}, but heard no more events\n")
        assert "this went wrong meanwhile:\n    error: post_play failed: ZeroDivisionError" in text
        assert "--> game.py:3 in post_play" in text
        assert text.endswith("what the scripts printed:\n    so far")


async def test_an_event_too_many_is_shown():
    async with game(scripts={"game.py": ECHO}) as g:
        ann, bob, room_id = await two(g)
        await ann.push("Play", room_id=room_id, message=1)
        with pytest.raises(AssertionError, match=r"bob expected no more events, but heard\n  - Play {.*'message': 1"):
            await bob.expect_no_event()
        assert [event.message for event in await bob.events()] == [1]
        await bob.expect_no_event()


async def test_what_only_looks_like_a_reply_is_an_event():
    async with game(scripts={"game.py": ECHO}) as g:
        ann, _, room_id = await two(g)
        await ann.push("Play", room_id=room_id, message="look")
        await ann.expect_event("Play", status=False)
        await ann.expect_event("Play", status=True)
        await ann.expect_event(no="type")


async def test_expecting_a_reply_before_anything_was_pushed_is_an_error():
    async with game(scripts={"game.py": ECHO}) as g:
        guest = g.guest()
        with pytest.raises(RuntimeError, match="guest has pushed nothing yet"):
            await guest.expect_reply()
        guest.push("Me")
        await guest.expect_failure("not_authenticated")
        assert (guest.user_id, guest.session_id, guest.token) == ("", "", "")


async def test_a_guest_logs_in_by_what_it_pushes():
    async with game(scripts={"game.py": ECHO}) as g:
        guest = g.guest("eve")
        guest.push("AuthEmail", email="eve@example.com", password="long enough", create=True)
        reply = await guest.expect_reply()
        assert (guest.user_id, guest.session_id, guest.token) == (reply.user_id, reply.session_id, reply.token)
        again = g.guest("eve, again")
        again.push("AuthEmail", email="eve@example.com", password="not the same")
        await again.expect_failure("invalid_credentials")
        await guest.push("Logout")
        assert (guest.user_id, guest.token) == ("", "")


async def test_a_lost_connection_hears_nothing_and_cannot_push_until_it_is_restored():
    async with game(scripts={"game.py": ECHO}) as g:
        ann, bob, room_id = await two(g)
        session_id = bob.session_id
        await bob.drop()
        await bob.drop()
        with pytest.raises(RuntimeError, match=r"bob cannot push Me: the connection is lost; await restore\(\) first"):
            bob.push("Me")
        await ann.push("Play", room_id=room_id, message=1)
        restored = await bob.restore()
        assert (restored.restored, restored.rooms, bob.session_id) == (True, [room_id], session_id)
        await ann.push("Play", room_id=room_id, message=2)
        await bob.expect_event("Play", message=2)


async def test_what_was_on_its_way_when_the_connection_was_lost_happens_and_is_not_answered():
    async with game(scripts={"game.py": ECHO}) as g:
        ann, bob, room_id = await two(g)
        request = ann.push("Play", room_id=room_id, message=1)
        await ann.drop()
        await bob.expect_event("Play", message=1)
        with pytest.raises(AssertionError, match="expected that Play succeeds, but there was no reply"):
            await request


async def test_a_connection_whose_session_is_taken_over_is_closed():
    async with game(scripts={"game.py": ECHO}) as g:
        ann, other = await g.player("ann"), g.guest("other")
        await other.push("RestoreToken", token=ann.token)
        assert ann.closed is not None
        assert ann.closed.code == 4003
        with pytest.raises(RuntimeError, match="was closed by the server"):
            ann.push("Me")
        with pytest.raises(RuntimeError, match="there is no session to restore"):
            await g.guest().restore()
