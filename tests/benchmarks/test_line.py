"""A player on one connection in a loop, with a test at the other end of it."""

import itertools
import os
import select
import socket
from contextlib import contextmanager

import pytest
from benchmarks.frames import Kind, frame, request_frame
from benchmarks.generator import generating
from benchmarks.line import Line, in_turn
from benchmarks.record import Record
from benchmarks.wire import ConnectionLost, Wire

from yummy.protocol.codec import Encoding, encode
from yummy.protocol.errors import ErrorCode, Refusal
from yummy.protocol.messages import Done, answer_document, failure_document
from yummy.transport.frames import frame_binary, frame_close, frame_ping

ANSWER = frame_binary(encode(answer_document("Me", None, Done()), Encoding.MSGPACK))
REFUSED = frame_binary(encode(failure_document("Me", None, Refusal(ErrorCode.BUSY)), Encoding.MSGPACK))
ME = request_frame("Me")


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
