"""The hook stages: what is sent along with a call, and how often a message goes to the scripts."""

from trio.testing import wait_all_tasks_blocked

from yummy.testing import game as whole_game

READING = """
from yummy import room, user

def pre_play(model):
    room.get_room(model.room_id).members
    user.get_user(model.user_id).name

def post_play(model, success):
    room.get_room_metas(model.room_id)
    user.get_user_metas(model.user_id)
"""


async def test_a_message_with_both_hooks_goes_to_the_scripts_twice_if_they_read_what_they_probably_will():
    async with whole_game(scripts={"game.py": READING}) as game:
        ada = await game.player("ada")
        room_id = (await ada.push("CreateRoom"))["room_id"]
        before = game.parts.hooks.statistics()
        await ada.push("Play", room_id=room_id, message=1)
        after = game.parts.hooks.statistics()

    assert (2, 0) == (after.calls - before.calls, after.fetches - before.fetches)


async def test_post_hooks_see_what_others_have_changed_since_the_pre_hooks(game):
    ada, bob, room_id = await game.players("ada", "bob")
    gate, seen = game.hold("pre_play"), []
    game.hooks["post_play"] = lambda call: seen.append(call.rooms[0].members)
    play = ada.tell("Play", room_id=room_id, message=1)
    await wait_all_tasks_blocked()
    await bob.ok("UpdateUser", name="Bob")
    gate.set()
    await ada.quiet()

    assert ada.answer(play)["status"]
    assert [None, "Bob"] == [name for _, name, _ in seen[0]]
