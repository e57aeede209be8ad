"""What the reference for authors of scripts says beyond what types and docstrings tell: fields in words, and notes.

Owns words only; `reference_page` puts them beside what it reads from the code, and a test holds the two together.
"""

from typing import Final

#: What a field holds, by ``Model.field`` or, where it is the same in all models, by ``field``.
FIELDS: Final[dict[str, str]] = {
    "user_id": "who sent the message; see [who a login is](#who-a-login-is)",
    "session_id": "the session that it came on",
    "request_id": "the client's number of the request; changing it changes what later hooks read, not the answer",
    "room_id": "the room",
    "CreateRoom.room_id": "the new room; in post, with success",
    "target_user_id": "the user whom it is about",
    "UpdateUser.target_user_id": "the account that changes; None is the sender's own",
    "email": "the e-mail address",
    "UpdateUser.email": "the new e-mail address",
    "password": "the password as the client typed it; never logged, never stored",
    "UpdateUser.password": "the new password; it ends all other sessions of the user",
    "JoinToRoom.password": "the room's password, where it has one",
    "if_not_exist_create": "whether to make the account if there is none",
    "device_id": "the id of the device",
    "UpdateUser.device_id": "the new id of a device",
    "custom_id": "the id that the game chose",
    "UpdateUser.custom_id": "the new id of the game's own",
    "token": "the token",
    "send_message": "whether the rooms are told; False keeps them from it",
    "rooms": "the rooms that the session has just left",
    "reason": "why the session has ended",
    "query_type": '`"Me"`, `"User"`, or `"UserViaSystem"`',
    "GetUserInformation.user_id": "the user asked about",
    "requester_user_id": 'who asks; None with `"Me"`',
    "value": "the user asked about, and who asks",
    "UpdateUser.name": "the user's new name",
    "name": "the room's name",
    "UpdateRoom.name": "the room's new name",
    "description": "the room's description",
    "user_type": "the account's new type, one of `constants.USER_TYPE_*`",
    "meta_action": "what happens to keys that `metas` does not name, one of `constants.META_ACTION_*`",
    "metas": "metadata as plain values; see [metadata in a model](#metadata-in-a-model)",
    "join_request": "whether members have to be let in",
    "access_type": "who may find and enter the room, one of `constants.ROOM_ACCESS_TYPE_*`",
    "max_user": "how many members the room may have; 0 means any number",
    "tags": "texts by which the room can be found",
    "user_permission": "new ranks, one of `constants.ROOM_USER_TYPE_*` by user id",
    "room_user_type": "the rank that the user wants, one of `constants.ROOM_USER_TYPE_*`",
    "result": '`"Joined"` or `"Requested"`; in post, with success',
    "status": "whether the waiting user is let in",
    "ban": "whether the user may not come back",
    "message": "any plain data that the client sent; check it before you use it",
    "tag": "the tag that rooms must have; None lists all",
    "members": "the parts of a room that are asked for, of `constants.ROOM_INFO_TYPE_*`; none means all",
    "limit": "how many rooms to list",
    "cursor": "where the last listing ended",
}

#: What types cannot tell of models.
ABOUT_MODELS: Final = """\
### Who a login is

On a connection without a session, `user_id` and `session_id` are None in the pre hooks of a login (`email_auth`,
`deviceid_auth`, `customid_auth`, `restore_token`), and in post too if it was refused. A connection that is logged in
already can log in again: then they are those of its *earlier* session in pre, and in post if the login was refused.
Once the server has logged in, they are the new user's: in both halves of `user_connected`, and in the login's post
hook with `success` true. So pre cannot know from `user_id` who logs in.

`user_connected` runs within the login: a failure in it refuses the login. `user_disconnected` runs after a session
has ended, when nothing can be refused any more. A session that is taken up again (`restore_token`) runs neither.

### Metadata in a model

`metas` may be changed in place or set as a whole. A key that is left alone keeps the level that the client gave. One
that is changed or added gets level 0, or another by `{"access": constants.ROOM_META_ACCESS_OWNER, "value": 5}`. None
removes the key.

### None in a field

A field that has a default and is set to None takes the default, as if the client had left it out: `join_request`,
`access_type`, `max_user` and `tags` of `create_room`, and `meta_action`.
"""

#: What is called in a script besides hooks.
ABOUT_LOADING: Final = """\
## `on_load` and `on_unload`

| function | called |
|---|---|
| `on_load()` | when scripts begin to serve: at the start, and after an edit in the files that were run again |
| `on_unload()` | before an edit replaces the file, in the old module; and when the server ends |

Rooms and users cannot be used there, as there is no message. An error is reported and undoes nothing.
"""

#: What holds of all functions of `yummy.room` and `yummy.user`.
ABOUT_FUNCTIONS: Final = """\
Outside of a hook (at import, in `on_load` and `on_unload`, in another thread, outside the server) each function of
`yummy.room` and `yummy.user` raises `RuntimeError`, as does one call too many of the same hook (`HOOK_HOST_CALLS`).
*Plain data* is None, booleans, numbers, texts, bytes, lists, and dicts with text keys; a tuple becomes a list, a
constant its number.
"""

#: What the reports of each kind are about, and the code that the client is answered with.
REPORTS: Final[dict[str, tuple[str, str]]] = {
    "error": ("something was raised that is not `fail`, or a field was left with what does not fit", "hook_error"),
    "timeout": ("a hook, a load, `on_load` or `on_unload` took too long", "hook_timeout"),
    "retained": ("a hook kept the model that it was given", "hook_error"),
    "sandbox": ("a script did what scripts may not do", "hook_error"),
    "broken": ("scripts cannot be loaded; those before serve on", ""),
}
