"""Players who count, over a socket pair instead of a server."""

import socket

import pytest
from benchmarks.generator import generating
from benchmarks.peers.talker import Talker
from benchmarks.peers.workloads import Words
from benchmarks.wire import ConnectionLost, Wire

WORDS = Words(b"a request", b"answered", b"told you")


@pytest.fixture
def ends():
    ours, theirs = socket.socketpair()
    ours.settimeout(5)
    theirs.settimeout(5)
    yield ours, theirs
    ours.close()
    theirs.close()


def test_asking_waits_for_the_answer(ends):
    ours, theirs = ends
    theirs.sendall(b"-told you-answered-")
    talker = Talker(Wire(ours), WORDS)
    talker.ask()
    assert theirs.recv(100) == WORDS.request
    assert (talker.said, talker.answers, talker.heard, talker.waiting) == (1, 1, 1, 0)


def test_what_came_with_the_handshake_counts(ends):
    talker = Talker(Wire(ends[0], b"answered"), WORDS)
    talker.ask()
    assert talker.answers == 1


@pytest.mark.parametrize("place", range(1, 24))
def test_a_mark_in_two_parts_counts_once(ends, place):
    ours, theirs = ends
    data = b"told youansweredtold you"
    talker = Talker(Wire(ours), WORDS)
    for part in (data[:place], data[place:]):
        theirs.sendall(part)
        talker.receive()
    assert (talker.answers, talker.heard) == (1, 2)


def test_what_is_not_listened_for_does_not_count(ends):
    ours, theirs = ends
    theirs.sendall(b"answeredtold you")
    talker = Talker(Wire(ours), Words(b"a request", b"answered"))
    talker.receive()
    assert (talker.answers, talker.heard) == (1, 0)


def test_who_repeats_says_one_more_for_each_answer(ends):
    ours, theirs = ends
    with generating() as generator:
        talker = Talker(Wire(ours), WORDS)
        generator.add([talker])
        talker.repeats = True
        talker.say(3)
        theirs.sendall(b"answered, answered")
        generator.turn(lambda: talker.answers == 2, float("inf"))
        assert theirs.recv(1000) == WORDS.request * 5
        theirs.sendall(WORDS.answer * 3)
        generator.drain()
        assert (talker.said, talker.answers) == (5, 5)


def test_a_lost_connection_ends_everything(ends):
    ours, theirs = ends
    theirs.close()
    with pytest.raises(ConnectionLost):
        Talker(Wire(ours), WORDS).receive()


def test_who_does_not_repeat_tells_that_it_is_free(ends):
    ours, theirs = ends
    talker, freed = Talker(Wire(ours), WORDS), []
    talker.freed = lambda: freed.append(talker.free)
    talker.begin(0.0)
    theirs.sendall(b"told you")
    talker.receive()
    theirs.sendall(b"answered")
    talker.receive()
    assert freed == [True]
