"""The table of errors."""

import re

import pytest

from yummy.protocol.errors import ErrorCode, Refusal, error_table

#: The protocol's table: code, and the text where the protocol fixes it.
PROMISED = {
    "wrong_format": "Wrong message format",
    "validation": None,
    "not_authenticated": "User token is not valid",
    "invalid_token": "User token is not valid",
    "invalid_credentials": "Email and/or password not valid",
    "not_logged_in": "User not logged in",
    "update_missing": "Update information missing",
    "email_fixed": "The user's email address cannot be changed.",
    "identity_taken": "{field}: already in use",
    "meta_limit": "Meta limit over to maximum",
    "meta_access": "'{key}' meta access level cannot be bigger than users access level",
    "user_not_found": "User not found",
    "room_not_found": "Room not found",
    "banned": "Banned from room",
    "room_full": "Room has max users",
    "already_in_room": "User already in room",
    "already_requested": "Already requested",
    "not_in_room": "User is not in the room",
    "not_waiting": "User is not waiting",
    "no_permission": "User does not have enough permission",
    "wrong_password": "Room password not valid",
    "not_supported": None,
    "busy": None,
    "rate_limited": None,
    "storage_failed": None,
    "internal": None,
    "hook_failed": None,
    "hook_error": None,
    "hook_timeout": None,
}


def test_the_codes_are_those_of_the_protocol():
    assert set(PROMISED) == {code.value for code in ErrorCode}


@pytest.mark.parametrize(("code", "text"), [(code, text) for code, text in PROMISED.items() if text])
def test_texts_that_clients_know_stay(code, text):
    assert text == ErrorCode(code).text


def test_the_documentation_s_table_has_a_row_for_each_code():
    rows = error_table().splitlines()

    assert ["| code | error |", "|---|---|"] == rows[:2]
    assert list(PROMISED) == [re.fullmatch(r"\| `(\w+)` \| .+ \|", row)[1] for row in rows[2:]]


def test_a_text_speaks_of_what_it_is_about():
    assert "email: already in use" == Refusal(ErrorCode.IDENTITY_TAKEN, field="email").error
    assert (
        "'k' meta access level cannot be bigger than users access level"
        == Refusal(ErrorCode.META_ACCESS, key="k").error
    )


def test_a_script_has_codes_and_texts_of_its_own():
    refusal = Refusal("not_your_turn", "Wait for {it}")

    assert ("not_your_turn", "Wait for {it}") == (refusal.code, refusal.error)
    assert (ErrorCode.HOOK_FAILED, ErrorCode.BUSY) == (refusal.row, Refusal(ErrorCode.BUSY).row)
