"""What clients were answered with is counted by the codes of the table."""

from yummy.hooks.calls import Failed
from yummy.pipeline.failures import Failures
from yummy.protocol.errors import ErrorCode, Refusal, WrongFormat


def test_failures_are_counted_by_code():
    failures = Failures()
    assert {} == failures.statistics()

    for refusal in (Refusal(ErrorCode.BUSY), WrongFormat("what"), Refusal(ErrorCode.BUSY, "another text")):
        failures.count(refusal)

    assert {ErrorCode.BUSY: 2, ErrorCode.WRONG_FORMAT: 1} == failures.statistics()


def test_the_codes_of_scripts_share_one_counter_whatever_they_are():
    failures = Failures()

    for code in ("not_your_turn", "busy", "hook_failed", *map(str, range(100))):
        failures.count(Refusal(code, "a script's own"))

    assert {ErrorCode.HOOK_FAILED: 103} == failures.statistics()


async def test_each_failure_that_a_client_hears_is_counted_once(game):
    ada = await game.player("ada")
    game.hooks["pre_play"] = lambda call: Failed("not now", "not_your_turn")

    assert "wrong_format" == await ada.refused("Nope")
    assert "room_not_found" == await ada.refused("GetRoom", room_id="none")
    assert "not_your_turn" == await ada.refused("Play", room_id="none", message=1)
    game.store.broken = True
    assert "storage_failed" == await ada.refused("UpdateUser", name="Ada")
    assert "not_authenticated" == await game.connect().refused("Me")
    await ada.ok("RoomList")

    codes = ["wrong_format", "room_not_found", "hook_failed", "storage_failed", "not_authenticated"]
    assert dict.fromkeys(codes, 1) == game.chain.failures.statistics()


async def test_what_fails_without_a_client_to_hear_it_is_not_counted(game):
    ada = await game.player("ada")
    game.hooks["pre_user_disconnected"] = lambda call: Failed("stay", "no")

    await game.run(game.chain.end_session(ada.session_id, "operator"))

    assert {} == game.chain.failures.statistics()


async def test_an_answer_that_cannot_be_written_counts_as_what_is_sent_instead(game, monkeypatch):
    ada = await game.player("ada")
    # Larger than any integer of either encoding.
    monkeypatch.setattr("yummy.pipeline.message.answer_document", lambda *_: {"x": 2**64})

    ada.intake.receive(b"\x81\xa4type\xa2Me")

    assert ["internal"] == [answer["code"] for answer in ada.connection.out[-1:]]
    assert {ErrorCode.INTERNAL: 1} == game.chain.failures.statistics()
