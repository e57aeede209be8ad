import fcntl
import resource
import socket

import pytest
from attrs import define

from yummy.hooks import channel as channels
from yummy.hooks.channel import Channel, ChannelClosed
from yummy.hooks.frames import CALL, FAILED, FETCHED, PASSED, QUIET, FrameBuffer, encode

#: Seconds: long enough for what is there already.
SOON = 0.001
#: Of the clock that replies are timed with, in seconds.
NOW = 100.0


@define
class Host:
    """The other end."""

    end: socket.socket

    def say(self, *frames):
        self.end.sendall(b"".join(map(encode, frames)))

    def heard(self):
        """The frames that have come, which are there already if they are there at all."""
        try:
            return list(FrameBuffer().feed(self.end.recv(1 << 20)))
        except BlockingIOError:
            return []


@pytest.fixture
def ends():
    near, far = socket.socketpair()
    near.settimeout(0)
    with near, far:
        yield near, far


@pytest.fixture
def host(ends):
    return Host(ends[0])


@pytest.fixture
def channel(ends):
    return Channel(ends[1])


def left():
    return SOON


class TestNext:
    def test_frames_come_in_order_however_they_were_cut(self, host, channel):
        data = encode((CALL, 1)) + encode((CALL, 2)) + encode((CALL, 3))
        host.end.sendall(data[:5])
        assert channel.next(SOON) is None
        host.end.sendall(data[5:])
        assert [(CALL, 1), (CALL, 2), (CALL, 3)] == [channel.next() for _ in range(3)]
        assert channel.next(SOON) is None

    def test_what_was_said_before_the_end_is_still_there(self, host, channel):
        host.say((CALL, 1))
        host.end.close()
        assert (CALL, 1) == channel.next()
        assert not channel.closed
        with pytest.raises(ChannelClosed):
            channel.next()
        assert channel.closed

    def test_a_descriptor_that_a_script_has_closed_is_the_end(self, channel):
        channel._socket.close()
        with pytest.raises(ChannelClosed):
            channel.next()
        assert channel.closed

    def test_it_works_beyond_a_thousand_descriptors(self, host, channel):
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        if hard < 1500:
            pytest.skip("this system permits too few descriptors")
        resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, 1500), hard))
        try:
            with socket.socket(fileno=fcntl.fcntl(channel._socket, fcntl.F_DUPFD, 1400)) as high:
                assert high.fileno() >= 1400
                host.say((CALL, 1))
                assert (CALL, 1) == Channel(high).next(SOON)
        finally:
            resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


class TestReplies:
    def test_they_wait_for_company_while_there_is_more_to_do(self, host, channel):
        host.say((CALL, 1), (CALL, 2))
        for number in (1, 2):
            channel.next()
            channel.reply((number,), NOW)
            assert [] == host.heard()
        channel.next(SOON)
        assert [(1,), (2,)] == host.heard()

    def test_they_do_not_wait_for_ever(self, host, channel):
        channel.reply((1,), NOW)
        channel.reply((2,), NOW + channels.REPLY_DELAY)
        assert [(1,), (2,)] == host.heard()
        # The next one has company to wait for again.
        channel.reply((3,), NOW + channels.REPLY_DELAY)
        assert [] == host.heard()

    def test_what_is_sent_at_once_comes_after_them(self, host, channel):
        channel.reply((1,), NOW)
        channel.send((2,))
        assert [(1,), (2,)] == host.heard()

    def test_one_that_cannot_be_sent_leaves_nothing_behind(self, host, channel):
        with pytest.raises(ValueError, match="unmarshallable"):
            channel.reply((object(),), NOW)
        channel.reply((1,), NOW)
        channel.flush()
        channel.flush()
        assert [(1,)] == host.heard()

    def test_calls_that_passed_and_want_nothing_share_a_frame(self, host, channel):
        channel.passed(1, NOW)
        channel.passed(2, NOW)
        channel.reply((PASSED, 3, {"message": 1}, ()), NOW)
        channel.passed(4, NOW)
        channel.reply((FAILED, 5, "no", ""), NOW)
        channel.reply((PASSED, 6, {}, ((0, "r"),)), NOW)
        channel.passed(7, NOW)
        channel.send((1,))
        channel.passed(8, NOW)
        channel.flush()
        assert [
            (QUIET, (1, 2)),
            (PASSED, 3, {"message": 1}, ()),
            (QUIET, (4,)),
            (FAILED, 5, "no", ""),
            (PASSED, 6, {}, ((0, "r"),)),
            (QUIET, (7,)),
            (1,),
            (QUIET, (8,)),
        ] == host.heard()

    def test_those_wait_for_company_no_longer_than_others(self, host, channel):
        channel.passed(1, NOW)
        assert [] == host.heard()
        channel.passed(2, NOW + channels.REPLY_DELAY)
        assert [(QUIET, (1, 2))] == host.heard()

    def test_a_host_that_is_gone_is_the_end(self, host, channel):
        host.end.close()
        with pytest.raises(ChannelClosed):
            channel.send((1,))
        assert channel.closed

    def test_a_finalizer_that_prints_in_the_midst_of_a_send_cuts_no_frame(self, ends, host):
        @define
        class Interrupted:
            end: socket.socket
            printed: bool = False

            def fileno(self):
                return self.end.fileno()

            def sendall(self, data):
                if not self.printed:
                    self.printed = True
                    channel.send(("printed",))
                self.end.sendall(data)

        channel = Channel(Interrupted(ends[1]))
        channel.reply((1,), NOW)
        channel.reply((2,), NOW)
        channel.send((3,))
        assert [(1,), (2,), (3,), ("printed",)] == sorted(host.heard(), key=lambda frame: str(frame[0]))


class TestFetched:
    def test_frames_that_come_before_the_answer_stay_in_line(self, host, channel):
        host.say((CALL, 1), (CALL, 2), (FETCHED, 7, (), None), (CALL, 3))
        assert (FETCHED, 7, (), None) == channel.fetched(7, left)
        assert [(CALL, 1), (CALL, 2), (CALL, 3)] == [channel.next() for _ in range(3)]

    def test_an_answer_that_comes_late_is_not_taken_for_another(self, host, channel):
        assert channel.fetched(1, left) is None
        host.say((CALL, 1), (FETCHED, 1, ("old",), None), (CALL, 2), (FETCHED, 2, ("new",), None))
        assert (FETCHED, 2, ("new",), None) == channel.fetched(2, left)
        assert [(CALL, 1), (CALL, 2)] == [channel.next() for _ in range(2)]
        assert channel.next(SOON) is None

    def test_an_answer_that_was_read_before_is_found(self, host, channel):
        host.say((CALL, 1), (CALL, 2), (FETCHED, 1, (), None))
        channel.next()
        host.end.close()
        assert (FETCHED, 1, (), None) == channel.fetched(1, left)

    def test_who_waits_for_a_host_that_is_gone_hears_of_it(self, host, channel):
        host.end.close()
        with pytest.raises(ChannelClosed):
            channel.fetched(1, left)

    def test_a_finalizer_that_looks_something_up_takes_no_other_s_answer(self, host, channel):
        host.say((FETCHED, 1, ("of the hook",), None))

        def finalizer_runs():
            with pytest.raises(RuntimeError, match="finalizer"):
                channel.fetched(2, left)
            return SOON

        assert (FETCHED, 1, ("of the hook",), None) == channel.fetched(1, finalizer_runs)
        assert channel.fetched(3, left) is None
