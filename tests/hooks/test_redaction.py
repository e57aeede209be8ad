"""Secrets of a message are taken out of what its scripts say."""

import pytest

from yummy import model as models
from yummy.hooks.redaction import redacted, secrets_of, without
from yummy.hooks.report import Place, Trouble

PASSWORD = 'it\'s \\ a "horse"\n'


@pytest.mark.parametrize(
    ("model", "secrets"),
    [
        (models.EmailAuth(email="a@b.io", password="correct horse"), {"correct horse"}),
        (models.RestoreToken(token="a.b.c"), {"a.b.c"}),
        (models.UpdateUser(password="correct horse", name="Ada"), {"correct horse"}),
        (models.JoinToRoom(room_id="room", password="ABCD"), {"ABCD"}),
        (models.JoinToRoom(room_id="room", password="ABC"), set()),
        (models.UpdateUser(name="Ada"), set()),
        (models.Play(room_id="room", message="correct horse"), set()),
        (models.EmailAuth(email="a@b.io", password=PASSWORD), {PASSWORD, repr(PASSWORD)[1:-1], PASSWORD[:-1]}),
    ],
)
def test_the_secrets_of_a_message_are_known(model, secrets):
    assert secrets == set(secrets_of(model))


def test_they_are_taken_out_of_text_however_python_writes_them():
    secrets = secrets_of(models.EmailAuth(email="a@b.io", password=PASSWORD))

    said = without(f"{PASSWORD}, {PASSWORD!r}, {[PASSWORD]}", secrets)
    assert "horse" not in said
    assert said.count("[redacted]") == 3


def test_a_report_keeps_its_place():
    trouble = Trouble("error", "it failed: 'correct horse'", Place("a.py", 3, "int('correct horse')"), hook="pre_play")

    safe = redacted(trouble, ("correct horse",))
    assert ("it failed: '[redacted]'", trouble.place) == (safe.headline, safe.place)
    assert trouble is redacted(trouble, ())
