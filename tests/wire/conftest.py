"""Fixtures of the tests over real sockets: everything runs in both encodings."""

import pytest


@pytest.fixture(params=["msgpack", "json"])
def encoding(request):
    return request.param
