"""Hooks called with sample models, by the real engine."""

import pytest


def test_each_hook_is_called_once_in_pre_and_twice_in_post(check):
    found = check(
        """
        def pre_play(model): print("pre", model.message["text"])
        def post_play(model, success): print("post", success)
        def pre_logout(model): print("bye")
        def post_create_room(model, success): print("made", model.room_id is not None)
        """,
        run=True,
    )

    printed = [problem.trouble.headline for problem in found.problems]
    assert found.ok
    assert printed == ["pre hello", "post False", "post True", "bye", "made False", "made True"]


def test_hooks_see_the_room_and_users_of_the_samples_and_what_others_wrote(check):
    found = check(
        """
        from yummy import room, user
        def post_create_room(model, success):
            room.set_room_meta(model.room_id, "moves", 0)
        def pre_play(model):
            assert room.get_room(model.room_id).ranks[model.user_id] == 3
            assert user.get_user(model.user_id).name == "Ada"
            assert room.get_room_meta(model.room_id, "moves") == 0
        def post_play(model, success):
            room.set_room_meta(model.room_id, "moves", room.get_room_meta(model.room_id, "moves") + 1)
        def pre_kick_user_from_room(model):
            assert room.get_room_meta(model.room_id, "moves") == 1, "a failed play leaves nothing"
            assert user.get_user(model.target_user_id).name == "Cem"
            assert user.get_user("nobody") is None
        """,
        run=True,
    )

    warnings = [problem.trouble.headline for problem in found.problems]
    assert warnings == [
        "warning: set_room_meta: room_id is None (in pre of a login or a creation there is none yet)",
        "warning: get_user: there is no user nobody",
    ]


def test_a_kept_model_is_an_error_with_its_holder(check, shown):
    found = check("kept = []\ndef pre_play(model):\n    kept.append(model)\n", run=True)

    assert shown(found.problems) == [("error", "retained", 3, "kept.append(model)")]
    assert "game.py: kept[0]" in found.problems[0].trouble.headline
    assert "message: sample Play" in found.problems[0].text


def test_what_the_engine_objects_to_is_an_error_and_what_a_script_raises_a_warning(check, shown):
    found = check(
        """
        import yummy
        def pre_play(model):
            model.message["cell"]
        def post_play(model, success):
            while True: pass
        def pre_logout(model):
            open("/tmp/yummy-check", "w")
        def pre_message_to_room(model):
            model.message = undefined
        def pre_update_user(model):
            model.metas["x"] = object()
        def pre_email_auth(model):
            return (one for one in ())
        def pre_create_room(model):
            model.anything
        """,
        run=True,
        hook_timeout=0.1,
    )

    problems = [problem for problem in found.problems if problem.severity != "info"]
    assert shown(problems) == [
        ("warning", "raised", 3, 'model.message["cell"]'),
        ("error", "timeout", 5, ""),
        ("error", "sandbox", 7, 'open("/tmp/yummy-check", "w")'),
        ("error", "raised", 9, "undefined"),
        ("error", "error", 10, ""),
        ("error", "error", 13, "(one for one in ())"[:0]),
        ("error", "raised", 15, "model.anything"),
    ]
    assert "a client may send anything" in problems[0].trouble.advice


def test_a_refusal_is_information(check, shown):
    found = check('from yummy import fail\ndef pre_play(model): fail("No", "no")\n', run=True, strict=True)

    (problem,) = found.problems
    assert (found.ok, problem.severity, problem.trouble.kind) == (True, "info", "refused")
    assert problem.trouble.headline == "pre_play: refused the sample: 'No' (code no)"


def test_a_hook_that_cannot_be_called_is_told_of_once(check, shown):
    found = check("def pre_play(): print(1)\n", run=True)

    assert shown(found.problems) == [("error", "signature", 1, "pre_play")]


@pytest.mark.parametrize(
    ("script", "severity", "text"),
    [
        (
            "def pre_create_room(model): model.metas = {str(n): n for n in range(3)}",
            "warning",
            "pre_create_room: the server would refuse it: ",
        ),
        (
            "def pre_play(model):\n    deep = 1\n    for _ in range(9): deep = [deep]\n    model.message = deep",
            "error",
            "pre_play left something in model.message that does not belong there: ",
        ),
    ],
)
def test_what_the_server_would_refuse_is_told_of(check, script, severity, text):
    found = check(script + "\n", run=True, max_room_meta=2, max_depth=8)

    (problem,) = (problem for problem in found.problems if problem.severity == severity)
    assert problem.trouble.headline.startswith(text)
