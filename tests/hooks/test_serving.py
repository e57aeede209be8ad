from yummy import model
from yummy.hooks.calls import HookCall, Passed
from yummy.hooks.revision import NO_SCRIPTS
from yummy.hooks.serving import NOBODY, Serving


def serving(released=print, **places):
    return Serving(NO_SCRIPTS, places, None, released)


def test_it_knows_which_halves_have_hooks():
    one = serving(pre_play=None, post_play=None, post_user_connected=None)
    assert one.wants("pre", "play")
    assert one.wants("post", "user_connected")
    assert not one.wants("pre", "user_connected")
    assert {"play", "user_connected"} == one.names


def test_the_last_message_that_ends_releases_it_and_a_later_one_does_again():
    released = []
    one = serving(released.append)
    one.users = 2
    one.release()
    assert [] == released
    one.release()
    assert [one] == released
    one.users += 1
    one.release()
    assert [one, one] == released


def test_its_calls_are_asked_for_by_itself():
    asked = []
    one = Serving(NO_SCRIPTS, {}, lambda *what: asked.append(what), print)
    call = HookCall("pre", "logout", model.Logout())
    one.ask(call, print)
    assert [(call, one, print)] == asked


def test_nobody_wants_nothing_and_lets_everything_pass():
    assert not NOBODY.names
    results = []
    NOBODY.ask(HookCall("pre", "logout", model.Logout()), results.append)
    assert [Passed({}, ())] == results
    users = NOBODY.users
    NOBODY.users += 1
    NOBODY.release()
    assert users == NOBODY.users
