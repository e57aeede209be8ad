"""Every hook that there is, with its types. None of them does anything, and so none of them costs anything.

Copy what you need into a file of your own beside this one: it takes its place among the hooks of all files, in
file-name order. What ``model`` holds stands in `yummy.model`; ``success`` says whether the server did what was asked.
"""

# ruff: noqa: INP001  # scripts lie in a plain folder

from yummy import model


def pre_email_auth(model: model.EmailAuth) -> None:
    """A user logs in by e-mail address and password."""


def post_email_auth(model: model.EmailAuth, success: bool) -> None:
    """The login has succeeded or not; with success, ``model.user_id`` is set."""


def pre_deviceid_auth(model: model.DeviceIdAuth) -> None:
    """A user logs in by the id of a device."""


def post_deviceid_auth(model: model.DeviceIdAuth, success: bool) -> None:
    """The login has succeeded or not; with success, ``model.user_id`` is set."""


def pre_customid_auth(model: model.CustomIdAuth) -> None:
    """A user logs in by an id that the game chose."""


def post_customid_auth(model: model.CustomIdAuth, success: bool) -> None:
    """The login has succeeded or not; with success, ``model.user_id`` is set."""


def pre_refresh_token(model: model.RefreshToken) -> None:
    """A client asks for a fresh token."""


def post_refresh_token(model: model.RefreshToken, success: bool) -> None:
    """The token was made or not."""


def pre_restore_token(model: model.RestoreToken) -> None:
    """A client takes its session up again on a new connection."""


def post_restore_token(model: model.RestoreToken, success: bool) -> None:
    """The session was restored or begun anew, or neither."""


def pre_logout(model: model.Logout) -> None:
    """A user logs out."""


def post_logout(model: model.Logout, success: bool) -> None:
    """The session has ended."""


def pre_user_connected(model: model.UserConnected) -> None:
    """A session is about to begin; to fail refuses the login."""


def post_user_connected(model: model.UserConnected, success: bool) -> None:
    """A session has begun."""


def pre_user_disconnected(model: model.UserDisconnected) -> None:
    """A session has ended; ``send_message = False`` keeps the rooms from being told."""


def post_user_disconnected(model: model.UserDisconnected, success: bool) -> None:
    """The rooms that the session has left were told, if they were to be."""


def pre_get_user_information(model: model.GetUserInformation) -> None:
    """Somebody looks at a user; see ``model.query_type``."""


def post_get_user_information(model: model.GetUserInformation, success: bool) -> None:
    """The user was found or not."""


def pre_update_user(model: model.UpdateUser) -> None:
    """An account is about to change."""


def post_update_user(model: model.UpdateUser, success: bool) -> None:
    """The account has changed or not."""


def pre_create_room(model: model.CreateRoom) -> None:
    """A room is about to be made."""


def post_create_room(model: model.CreateRoom, success: bool) -> None:
    """The room was made or not; with success, ``model.room_id`` is set."""


def pre_update_room(model: model.UpdateRoom) -> None:
    """A room is about to change."""


def post_update_room(model: model.UpdateRoom, success: bool) -> None:
    """The room has changed or not."""


def pre_join_to_room(model: model.JoinToRoom) -> None:
    """A user wants to enter a room."""


def post_join_to_room(model: model.JoinToRoom, success: bool) -> None:
    """The user is in, or waits (``model.result``), or neither."""


def pre_process_waiting_user(model: model.ProcessWaitingUser) -> None:
    """A moderator lets a waiting user in, or sends them away."""


def post_process_waiting_user(model: model.ProcessWaitingUser, success: bool) -> None:
    """That was done or not."""


def pre_kick_user_from_room(model: model.KickUserFromRoom) -> None:
    """A moderator removes a user, for good if ``model.ban``."""


def post_kick_user_from_room(model: model.KickUserFromRoom, success: bool) -> None:
    """The user was removed or not."""


def pre_disconnect_from_room(model: model.DisconnectFromRoom) -> None:
    """A user wants to leave a room."""


def post_disconnect_from_room(model: model.DisconnectFromRoom, success: bool) -> None:
    """The user has left or not."""


def pre_message_to_room(model: model.MessageToRoom) -> None:
    """A user says something in a room."""


def post_message_to_room(model: model.MessageToRoom, success: bool) -> None:
    """The others will hear it or not."""


def pre_play(model: model.Play) -> None:
    """A user makes a move in a room."""


def post_play(model: model.Play, success: bool) -> None:
    """The others will hear of it or not."""


def pre_room_list_request(model: model.RoomListRequest) -> None:
    """A user asks for the public rooms."""


def post_room_list_request(model: model.RoomListRequest, success: bool) -> None:
    """The list was made or not."""


def pre_waiting_room_joins(model: model.WaitingRoomJoins) -> None:
    """A moderator asks who waits to be let in."""


def post_waiting_room_joins(model: model.WaitingRoomJoins, success: bool) -> None:
    """The list was made or not."""


def pre_get_room_request(model: model.GetRoomRequest) -> None:
    """A user looks at a room."""


def post_get_room_request(model: model.GetRoomRequest, success: bool) -> None:
    """The room was found and may be seen, or not."""
