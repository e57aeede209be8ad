"""The loop and its beat: what is due when, what waits, and when it counts from."""

import itertools
import os
import select
import socket
from contextlib import contextmanager

import pytest
from attrs import define, field
from benchmarks.frames import Kind, frame, request_frame
from benchmarks.generator import Beat, Generator, Line, Record, generating, in_turn
from benchmarks.wire import ConnectionLost, Wire

from yummy.protocol.codec import Encoding, encode
from yummy.protocol.errors import ErrorCode, Refusal
from yummy.protocol.messages import Done, answer_document, failure_document
from yummy.transport.frames import frame_binary, frame_close, frame_ping

ANSWER = frame_binary(encode(answer_document("Me", None, Done()), Encoding.MSGPACK))
REFUSED = frame_binary(encode(failure_document("Me", None, Refusal(ErrorCode.BUSY)), Encoding.MSGPACK))
ME = request_frame("Me")


@define(eq=False)
class Fake:
    """Has at most so many requests in flight, and notes when each was due."""

    ahead: int
    begun: list[float] = field(factory=list)
    waiting: int = 0
    freed: object = None
    lost: bool = False

    @property
    def free(self):
        return self.waiting < self.ahead

    def begin(self, due):
        self.begun.append(due)
        self.waiting += 1

    def end(self):
        self.waiting -= 1
        self.freed()


def test_players_take_turns_at_a_fixed_rate():
    players = [Fake(100), Fake(100)]
    beat = Beat(players, 0.25)
    assert beat(10.0) == 10.25
    assert beat(10.1) == 10.25
    assert beat(11.0) == 11.25
    assert [player.begun for player in players] == [[10.0, 10.5, 11.0], [10.25, 10.75]]
    assert (beat.sent, list(beat.overdue(11.0))) == (5, [])


def test_the_rate_does_not_drift_however_often_it_is_looked_at():
    player = Fake(10_000)
    beat = Beat([player], 0.001)
    for step in range(1, 1001):
        beat(1 + step * 0.001003)
    assert player.begun[:3] == pytest.approx([1.001003, 1.002003, 1.003003])
    assert player.begun[-1] == pytest.approx(player.begun[0] + 0.001 * (len(player.begun) - 1))


def test_what_a_busy_player_cannot_send_is_sent_as_soon_as_it_can_and_counts_from_when_it_was_due():
    busy, other = Fake(1), Fake(1)
    beat = Beat([busy, other], 1.0)
    for now in range(10, 16):
        beat(float(now))
    assert (busy.begun, other.begun) == ([10.0], [11.0])
    busy.end()
    assert busy.begun == [10.0, 12.0]
    busy.end()
    busy.end()
    assert busy.begun == [10.0, 12.0, 14.0]
    # Who has caught up is in time again.
    beat(16.0)
    assert busy.begun[-1] == 16.0
    # A busy player does not make the others late.
    assert other.begun == [11.0]
    assert beat.sent == 5


def test_the_generator_is_late_only_by_its_own_doing():
    player = Fake(1)
    beat = Beat([player], 1.0)
    beat(10.0)
    beat(14.0)
    player.end()
    assert beat.late == 0.0
    while beat.sent < 5:
        player.end()
    player.end()
    beat(15.75)
    assert beat.late == 0.75


def test_what_is_overdue_is_told_by_its_age():
    players = [Fake(1), Fake(1)]
    beat = Beat(players, 0.5)
    beat(10.0)
    beat(12.0)
    # The first was due at 10, 11 and 12, the other at 10.5 and 11.5.
    assert list(beat.overdue(12.0)) == [(1.0, 0.0, 2), (0.5, 0.5, 1)]


@contextmanager
def a_line(**options):
    """A line in a loop, and the other end of its connection."""
    ours, theirs = socket.socketpair()
    theirs.settimeout(5)
    with generating() as generator, theirs:
        line = Line(Wire(ours), in_turn(itertools.repeat(ME)), Record(tolerant=True), **options)
        generator.add([line])
        yield generator, line, theirs


def until(generator, enough):
    generator.turn(enough, float("inf"))


def test_a_closed_loop_sends_as_many_as_were_answered():
    with a_line(repeats=True) as (generator, line, theirs):
        line.send(2)
        assert theirs.recv(1000) == ME * 2
        theirs.sendall(ANSWER * 2)
        until(generator, lambda: line.record.latency.count == 2)
        assert theirs.recv(1000) == ME * 2
        assert (line.record.latency.count, line.waiting) == (2, 2)


def test_a_latency_counts_from_when_the_request_was_due():
    with a_line() as (generator, line, theirs):
        line.begin(due=-1000.0)
        theirs.sendall(ANSWER)
        until(generator, lambda: not line.waiting)
        assert line.record.latency.most > 1000


def test_a_refusal_has_no_latency():
    with a_line() as (generator, line, theirs):
        line.send(2)
        theirs.sendall(REFUSED + ANSWER)
        until(generator, lambda: not line.waiting)
        assert (line.record.latency.count, line.record.refused) == (1, {"busy": 1})


def test_a_ping_is_answered_between_two_messages():
    with a_line() as (generator, line, theirs):
        line.send()
        theirs.sendall(frame_ping() + ANSWER)
        until(generator, lambda: not line.waiting)
        assert theirs.recv(1000)[len(ME)] == Kind.PONG


def test_a_lost_connection_is_counted_by_what_ended_it_and_sends_no_more():
    with a_line(repeats=True) as (generator, line, theirs):
        line.send()
        theirs.sendall(frame_close(4004, "too many"))
        until(generator, lambda: line.lost)
        line.send()
        line.begin(0.0)
        assert line.record.lost == {"closed 4004": 1}
        assert not line.free
        assert generator.waiting == 0


def test_a_lost_connection_ends_everything_if_nobody_counts_it():
    with a_line() as (generator, line, theirs):
        line.record.tolerant = False
        theirs.close()
        with pytest.raises(ConnectionLost):
            until(generator, lambda: False)


def test_what_does_not_fit_is_sent_when_there_is_room():
    large = frame(Kind.BINARY, os.urandom(300_000), os.urandom(4))
    ours, theirs = socket.socketpair()
    ours.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
    with generating() as generator, theirs:
        line = Line(Wire(ours), in_turn([large, ME]), Record(tolerant=True))
        generator.add([line])
        line.send()
        line.send()
        received = bytearray()
        generator.wait(theirs.fileno(), select.EPOLLIN, lambda: received.extend(theirs.recv(1 << 16)))
        until(generator, lambda: len(received) == len(large) + len(ME))
        assert received == large + ME


def test_settling_ends_closed_loops_and_beats():
    with a_line(repeats=True) as (generator, line, theirs):
        line.send()
        theirs.sendall(ANSWER)
        generator.settle(5)
        assert (line.waiting, line.record.latency.count) == (0, 1)


def test_a_record_that_was_taken_begins_anew():
    record = Record(events=2)
    record.latency.record(1.0)
    record.refused["busy"] += 1
    taken = record.take()
    assert (taken.events, taken.latency.count, taken.refused) == (2, 1, {"busy": 1})
    assert (record.events, record.latency.count, record.refused) == (0, 0, {})
    record.add(taken)
    record.add(taken)
    assert (record.events, record.latency.count, record.refused) == (4, 2, {"busy": 2})


def test_an_empty_loop_ends_in_time():
    Generator().turn(lambda: False, 0.0)
