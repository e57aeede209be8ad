"""The table of rules: what the pipeline runs for each model."""

from yummy import model as models
from yummy.core import accounts, room_admin, room_view, rooms, sessions, users
from yummy.core.work import Rule

RULES: dict[type[models.Model], Rule] = {
    models.EmailAuth: accounts.EMAIL_AUTH,
    models.DeviceIdAuth: accounts.DEVICE_ID_AUTH,
    models.CustomIdAuth: accounts.CUSTOM_ID_AUTH,
    models.RefreshToken: sessions.REFRESH_TOKEN,
    models.RestoreToken: sessions.RESTORE_TOKEN,
    models.Logout: sessions.LOGOUT,
    models.UserDisconnected: sessions.USER_DISCONNECTED,
    models.GetUserInformation: users.GET_USER_INFORMATION,
    models.UpdateUser: users.UPDATE_USER,
    models.CreateRoom: rooms.CREATE_ROOM,
    models.UpdateRoom: room_admin.UPDATE_ROOM,
    models.JoinToRoom: rooms.JOIN_TO_ROOM,
    models.ProcessWaitingUser: room_admin.PROCESS_WAITING_USER,
    models.KickUserFromRoom: room_admin.KICK_USER_FROM_ROOM,
    models.DisconnectFromRoom: rooms.DISCONNECT_FROM_ROOM,
    models.MessageToRoom: rooms.MESSAGE_TO_ROOM,
    models.Play: rooms.PLAY,
    models.RoomListRequest: room_view.ROOM_LIST_REQUEST,
    models.WaitingRoomJoins: room_admin.WAITING_ROOM_JOINS,
    models.GetRoomRequest: room_view.GET_ROOM_REQUEST,
}
