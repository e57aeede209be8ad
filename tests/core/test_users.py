"""Looking at users and changing them."""

import pytest

from yummy import model as models
from yummy.constants import UserType
from yummy.core.rules import RULES
from yummy.core.users import UpdateFacts
from yummy.core.values import IdentityKind, Meta
from yummy.core.work import EndSession, RevokeSessions, SetUserType
from yummy.protocol.errors import Refusal


@pytest.fixture
def people(scene):
    """Ada and Bob are users, Mod a moderator, Root an admin."""
    metas = {"open": Meta(1, 1), "own": Meta(2, 3), "staff": Meta(3, 4), "game": Meta(4, 6)}
    scene.user("ada", email="ada@b.io", device_id="device-01", custom_id="custom-01", metas=metas)
    scene.user("bob")
    scene.user("mod", UserType.MODERATOR)
    scene.user("root", UserType.ADMIN)
    return scene


def look(scene, who, whom):
    model = models.GetUserInformation(user_id=whom, query_type="User", requester_user_id=who)
    return scene.run(who, model)


@pytest.mark.parametrize(
    ("who", "keys", "intimate"),
    [
        ("ada", {"open", "own"}, True),
        ("bob", {"open"}, False),
        ("mod", {"open", "own", "staff"}, True),
        ("root", {"open", "own", "staff"}, True),
    ],
)
def test_one_sees_of_a_user_what_one_may(people, who, keys, intimate):
    seen = look(people, who, "ada")

    assert keys == set(seen.metas)
    assert (("ada@b.io", "device-01", "custom-01") if intimate else (None, None, None)) == (
        seen.email,
        seen.device_id,
        seen.custom_id,
    )
    assert ("Ada", True, 1) == (seen.name, seen.online, seen.user_type)


def test_an_unknown_user_is_said_to_be_so(people):
    assert "user_not_found" == people.refused("ada", models.GetUserInformation(user_id="nobody", query_type="User"))


def update(scene, who, facts=None, **fields):
    scene.run(who, models.UpdateUser(**fields), facts=facts or UpdateFacts())
    return scene.world.accounts[fields.get("target_user_id", who)]


def test_an_update_changes_what_it_names_and_an_empty_text_clears(people):
    ada = update(people, "ada", name="", device_id="", custom_id="custom-02", metas={"own": None, "new": 1})

    assert (None, None, "custom-02", "ada@b.io") == (ada.name, ada.device_id, ada.custom_id, ada.email)
    assert {"open", "staff", "game", "new"} == set(ada.metas)


def test_an_address_can_be_set_once(people):
    assert "bob@b.io" == update(people, "bob", email="BOB@b.io").email
    assert "bob@b.io" == update(people, "bob", email="bob@B.io").email

    def change(email):
        return people.refused("bob", models.UpdateUser(email=email), facts=UpdateFacts())

    assert ("email_fixed", "email_fixed") == (change("else@b.io"), change(""))


@pytest.mark.parametrize("kind", IdentityKind)
def test_a_name_of_somebody_else_s_is_taken(people, kind):
    model = models.UpdateUser(**{kind.value: "bob@b.io"})

    assert "identity_taken" == people.refused("bob", model, facts=UpdateFacts(taken=frozenset({kind})))


async def test_a_name_has_a_bound(people):
    work = people.begin("ada")
    model = models.UpdateUser(name="ä" * 65, email="no address")
    with pytest.raises(Refusal) as caught:
        await RULES[models.UpdateUser].prepare(work, model, None)

    lines = ["name: Length should be at most 64 chars", "email: Email address is not valid"]
    assert ("validation", lines) == (caught.value.code, caught.value.error.splitlines())


def test_a_new_password_ends_the_other_sessions(people):
    people.session("s-ada-2", "ada")

    assert "hash" == update(people, "ada", UpdateFacts("hash"), password="12345678").password_hash
    assert [RevokeSessions("ada", but="s-ada")] == people.staged(RevokeSessions)
    assert [EndSession("s-ada-2", "password")] == people.staged(EndSession)

    update(people, "root", UpdateFacts("hash"), password="12345678", target_user_id="ada")
    assert [RevokeSessions("ada", but=None)] == people.staged(RevokeSessions)
    assert ["s-ada", "s-ada-2"] == [end.session_id for end in people.staged(EndSession)]


def test_an_admin_changes_others_and_their_types(people):
    bob = update(people, "root", target_user_id="bob", user_type=2, metas={"k": {"access": 5, "value": 1}})

    assert (2, Meta(1, 5)) == (bob.user_type, bob.metas["k"])
    assert [SetUserType("bob", 2)] == people.staged(SetUserType)
