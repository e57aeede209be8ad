"""What a message is answered with."""

import pytest

from yummy.model import Logout
from yummy.pipeline.message import success_frame
from yummy.pipeline.switchboard import encode_frame
from yummy.protocol.codec import Encoding
from yummy.protocol.messages import Done, RoomCreated, answer_document
from yummy.protocol.requests import WIRE, Request


@pytest.mark.parametrize("number", [None, 0, 1, -1, 127, 128, 1 << 16, 2**64 - 1, -(2**63)])
@pytest.mark.parametrize("encoding", Encoding)
@pytest.mark.parametrize("answer", [Done(), RoomCreated("r")])
def test_an_answer_made_of_a_ready_one_is_the_same(number, encoding, answer):
    for type_ in WIRE:
        request = Request(type_, Logout(), number, encoding)

        assert encode_frame(answer_document(type_, number, answer), encoding) == success_frame(request, answer)
