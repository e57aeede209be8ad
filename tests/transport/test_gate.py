import hmac

import pytest

from yummy.transport.gate import Crowd, Gate, choose_subprotocol

GATE = Gate(key="Öl+Essig", allowed_origins=("https://game.example", "null"))
TARGET = "/v1/socket?x-yummy-api=%C3%96l%2BEssig"


def status(gate=GATE, target=TARGET, headers=(), crowd=None):
    refusal = gate.refuse(target, headers, crowd or Crowd())
    return None if refusal is None else refusal.status.value


@pytest.mark.parametrize(
    ("target", "headers"),
    [
        (TARGET, []),
        ("/v1/socket?other=1&x-yummy-api=wrong&x-yummy-api=%C3%96l%2BEssig", []),
        ("/v1/socket", [(b"x-yummy-api", "Öl+Essig".encode())]),
        ("/v1/socket?x-yummy-api=wrong", [(b"x-yummy-api", "Öl+Essig".encode())]),
    ],
)
def test_the_key_comes_in_the_query_or_in_a_header(target, headers):
    assert status(target=target, headers=headers) is None


@pytest.mark.parametrize(
    "target",
    [
        "/v1/socket",
        "/v1/socket?",
        "/v1/socket?x-yummy-api",
        "/v1/socket?x-yummy-api=",
        "/v1/socket?x-yummy-api=Essig",
        "/v1/socket?X-Yummy-Api=%C3%96l%2BEssig",
        "/v1/socket?x-yummy-api=%ff%fe",
        "/v1/socket?x-yummy-api=\ud800",
        "/v1/socket?" + "&".join(["a=1"] * 1000) + "&x-yummy-api=%C3%96l%2BEssig",
    ],
)
def test_without_the_key_nobody_comes_in(target):
    assert 401 == status(target=target)


def test_each_key_that_is_given_is_compared_whole_in_constant_time(monkeypatch):
    compared = []
    constant_time = hmac.compare_digest

    def compare(key, given):
        compared.append(given)
        return constant_time(key, given)

    monkeypatch.setattr(hmac, "compare_digest", compare)

    assert status(target=f"{TARGET}&x-yummy-api=wrong", headers=[(b"x-yummy-api", b"another")]) is None
    assert [b"another", "Öl+Essig".encode(), b"wrong"] == compared


def test_an_empty_query_is_no_key_even_if_the_key_were_empty_text():
    assert 401 == status(gate=Gate(key="k"), target="/v1/socket?x-yummy-api=")


def test_the_name_of_the_key_can_be_chosen():
    gate = Gate(key="k", key_name="X-My-Game")
    assert status(gate, "/v1/socket?X-My-Game=k") is None
    assert status(gate, "/v1/socket", [(b"x-my-game", b"k")]) is None
    assert 401 == status(gate, "/v1/socket?x-yummy-api=k")


@pytest.mark.parametrize("path", ["/", "/v1/socket/", "/v1/Socket", "//v1/socket", "http://x/v1/socket", ""])
def test_there_is_one_path(path):
    assert 404 == status(target=path + "?x-yummy-api=%C3%96l%2BEssig")


def test_pages_of_other_origins_stay_out():
    assert status(headers=[(b"origin", b"https://game.example")]) is None
    assert status(headers=[(b"origin", b"HTTPS://GAME.example")]) is None
    assert status(headers=[(b"origin", b"null")]) is None
    assert 403 == status(headers=[(b"origin", b"https://game.example.evil")])
    assert 403 == status(headers=[(b"origin", b"https://game.example"), (b"origin", b"https://evil")])
    assert 403 == status(headers=[(b"origin", b"")])


def test_who_is_no_browser_has_no_origin():
    assert status() is None


def test_any_origin_is_allowed_unless_some_are_named():
    assert status(Gate(key="k"), "/v1/socket?x-yummy-api=k", [(b"origin", b"https://anywhere")]) is None


def test_reasons_come_in_the_order_of_the_protocol():
    evil = [(b"origin", b"https://evil")]
    assert 503 == status(target="/", headers=evil, crowd=Crowd(full=True, full_of_address=True))
    assert 429 == status(target="/", headers=evil, crowd=Crowd(full_of_address=True))
    assert 404 == status(target="/", headers=evil)
    assert 401 == status(target="/v1/socket", headers=evil)
    assert 403 == status(headers=evil)


def test_the_key_is_in_no_text():
    assert "Essig" not in repr(GATE)
    refusal = GATE.refuse("/v1/socket?x-yummy-api=guess", [], Crowd())
    assert refusal is not None
    assert "Essig" not in refusal.text
    assert "guess" not in refusal.text


@pytest.mark.parametrize(
    ("offered", "chosen"),
    [
        ([], None),
        (["chat"], None),
        (["yummy.json"], "yummy.json"),
        (["yummy.json", "yummy.msgpack"], "yummy.msgpack"),
        (["mqtt", "yummy.json"], "yummy.json"),
        (["YUMMY.JSON"], None),
    ],
)
def test_the_best_subprotocol_that_both_speak_is_chosen(offered, chosen):
    assert chosen == choose_subprotocol(offered)
