"""What to do about what a server answers names what there is."""

import re

import attrs
from benchmarks.advice import ADVICE, POINTLESS, with_advice

from yummy.protocol.errors import ErrorCode
from yummy.settings import Settings


def test_every_setting_that_is_named_is_one():
    settings = {field.name.upper() for field in attrs.fields(Settings)}
    named = set(re.findall(r"\b[A-Z]+(?:_[A-Z]+)+\b", " ".join(ADVICE.values())))
    assert "MAX_MESSAGES_PER_SECOND" in named
    assert named <= settings


def test_every_code_is_one_that_a_server_answers():
    plain = {code for code in ADVICE if not code.startswith(("http ", "closed "))}
    assert plain <= {code.value for code in ErrorCode}
    assert ADVICE.keys() >= POINTLESS


def test_an_advice_is_given_once_and_none_where_there_is_none():
    assert with_advice("Too many.", ["rate_limited", "closed 4004"]).count("MAX_MESSAGES_PER_SECOND") == 1
    assert with_advice("Strange.", ["no_such_cell"]) == "Strange."
