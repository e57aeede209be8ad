"""The protocol's page says what the code says."""

from pathlib import Path

from yummy.protocol.errors import error_table
from yummy.protocol.messages import Event
from yummy.protocol.requests import WIRE

PAGE = (Path(__file__).parents[2] / "docs" / "protocol.md").read_text(encoding="utf-8")


def test_the_page_has_the_table_of_errors():
    assert error_table() in PAGE


def test_the_page_names_every_request_and_event():
    events = {event.TYPE for event in Event.__value__.__args__ if event.TYPE}
    for name in {*WIRE, *events}:
        assert f"`{name}`" in PAGE or f"`{name}," in PAGE, name
