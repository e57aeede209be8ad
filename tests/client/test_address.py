import pytest

from yummy.client.address import parse_address


@pytest.mark.parametrize(
    ("url", "text", "resource"),
    [
        ("ws://127.0.0.1:9090", "ws://127.0.0.1:9090/v1/socket", "/v1/socket?x-yummy-api=key%26"),
        ("ws://127.0.0.1:9090/", "ws://127.0.0.1:9090/v1/socket", "/v1/socket?x-yummy-api=key%26"),
        ("wss://example.org", "wss://example.org:443/v1/socket", "/v1/socket?x-yummy-api=key%26"),
        ("ws://[::1]/game", "ws://[::1]:80/game", "/game?x-yummy-api=key%26"),
        ("ws://h/?x-yummy-api=own&a=", "ws://h:80/v1/socket", "/v1/socket?x-yummy-api=own&a="),
    ],
)
def test_path_port_and_key_are_added_where_they_are_missing(url, text, resource):
    address = parse_address(url, "key&")
    assert (str(address), address.resource) == (text, resource)


def test_the_key_can_be_left_out_or_renamed():
    assert parse_address("ws://h", None).resource == "/v1/socket"
    assert parse_address("ws://h", "k", "api").resource == "/v1/socket?api=k"


@pytest.mark.parametrize("url", ["127.0.0.1:9090", "http://h", "ws://", "ws:///path", "ws://h:port"])
def test_what_is_no_address_is_refused(url):
    with pytest.raises(ValueError, match=r"write it like ws://|Port could not be cast"):
        parse_address(url, None)
