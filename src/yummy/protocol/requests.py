"""Requests: from a map to the model that flows through the pipeline.

Each type on the wire is one row of `WIRE`: the model that it becomes, the names that differ, and whether it may
come before authentication.
"""

from collections.abc import Callable
from functools import partial
from typing import Any

import attrs

from yummy import model as models
from yummy.fields import text, wire_fields
from yummy.plain import PlainDataError, check_plain
from yummy.protocol.codec import Encoding, decode
from yummy.protocol.errors import WrongFormat


@attrs.define
class Request:
    """One request of a client. Not frozen: there is one for each message, and a frozen one takes longer to make.

    Attributes:
        type: The type on the wire; the answer repeats it.
        model: What hooks and core work with.
        request_id: The client's number for the request, echoed in the answer whatever a script sets.
        encoding: How the request came, and so how it is answered.
    """

    type: str
    model: models.Model
    request_id: int | None
    encoding: Encoding


@attrs.frozen
class Wire:
    """How a type on the wire becomes a model.

    The fields stand in pairs of the name on the wire and the name that `build` knows it by.

    Attributes:
        model: The model's class.
        anonymous: Whether it may come without authentication.
        build: Makes the model of its fields, which check themselves; raises a TypeError or ValueError that names one.
        required: Fields without which there is no model.
        optional: Fields that may be left out; null counts as left out.
        plain: Name on the wire of each field of plain data, and whether bytes may stand in it.
        own_names: The names that may stand in a map of which the model can be made as it is: those of its fields, and
            of the type. Empty if a field has another name on the wire.
    """

    model: type[models.Model]
    anonymous: bool
    build: Callable[..., models.Model]
    required: tuple[tuple[str, str], ...]
    optional: tuple[tuple[str, str], ...]
    plain: tuple[tuple[str, bool], ...]
    own_names: frozenset[str]


@attrs.define
class _GetUser:
    """The wire's ``GetUser``: its ``user_id`` is the user asked about, which no model lets a client set."""

    user_id: str = text()


def _get_user(*, user_id: str, request_id: int | None = None) -> models.GetUserInformation:
    asked = _GetUser(user_id)
    return models.GetUserInformation(query_type="User", user_id=asked.user_id, request_id=request_id)


def _wire(
    model: type[models.Model],
    names: dict[str, str] | None = None,
    *,
    anonymous: bool = False,
    sent: type[attrs.AttrsInstance] | None = None,
    build: Callable[..., models.Model] | None = None,
) -> Wire:
    """One row of the table.

    Args:
        model: The model's class.
        names: The model's field for each wire name that differs from it.
        anonymous: Whether it may come without authentication.
        sent: The class whose fields are sent, if that is not the model.
        build: Makes the model of what is sent, if its class does not.
    """
    wire_names = {field: wire for wire, field in (names or {}).items()}
    sent = sent or model
    fields = wire_fields(sent)
    attributes = attrs.fields_dict(sent)
    required = [name for name in fields if attributes[name].default is attrs.NOTHING]
    optional = [name for name in fields if name not in required]
    itself = not names and sent is model and build is None
    return Wire(
        model=model,
        anonymous=anonymous,
        build=build or model,
        required=tuple((wire_names.get(name, name), name) for name in required),
        optional=tuple((wire_names.get(name, name), name) for name in optional),
        plain=tuple((name, name == "message") for name in ("message", "metas") if name in fields),
        own_names=frozenset((*fields, "type", "request_id")) if itself else frozenset(),
    )


#: Every request of the protocol.
WIRE: dict[str, Wire] = {
    "AuthEmail": _wire(models.EmailAuth, {"create": "if_not_exist_create"}, anonymous=True),
    "AuthDeviceId": _wire(models.DeviceIdAuth, {"id": "device_id"}, anonymous=True),
    "AuthCustomId": _wire(models.CustomIdAuth, {"id": "custom_id"}, anonymous=True),
    "RefreshToken": _wire(models.RefreshToken, anonymous=True),
    "RestoreToken": _wire(models.RestoreToken, anonymous=True),
    "Logout": _wire(models.Logout, anonymous=True),
    "Me": _wire(models.GetUserInformation),
    "GetUser": _wire(models.GetUserInformation, sent=_GetUser, build=_get_user),
    "UpdateUser": _wire(models.UpdateUser),
    "CreateRoom": _wire(models.CreateRoom),
    "JoinToRoom": _wire(models.JoinToRoom),
    "WaitingRoomJoins": _wire(models.WaitingRoomJoins),
    "ProcessWaitingUser": _wire(models.ProcessWaitingUser, {"user_id": "target_user_id"}),
    "RoomDisconnect": _wire(models.DisconnectFromRoom),
    "KickUserFromRoom": _wire(models.KickUserFromRoom, {"user_id": "target_user_id"}),
    "BanUserFromRoom": _wire(
        models.KickUserFromRoom, {"user_id": "target_user_id"}, build=partial(models.KickUserFromRoom, ban=True)
    ),
    "MessageToRoom": _wire(models.MessageToRoom),
    "Play": _wire(models.Play),
    "RoomList": _wire(models.RoomListRequest),
    "GetRoom": _wire(models.GetRoomRequest),
    "UpdateRoom": _wire(models.UpdateRoom),
}


def parse(payload: bytes | str, *, max_depth: int) -> Request:
    """Make a request of one frame's payload.

    Args:
        payload: Bytes of a binary frame (msgpack) or the text of a text frame (JSON).
        max_depth: How deeply messages and metadata may be nested; 0 for the encoders' own bound.

    Raises:
        WrongFormat: With what is wrong, and the type and request id where they could be read.
    """
    document = decode(payload)
    encoding = Encoding.MSGPACK if type(payload) is bytes else Encoding.JSON
    type_: Any = document.get("type")
    wire = WIRE.get(type_) if type(type_) is str else None
    if wire is not None and wire.own_names.issuperset(document):
        try:
            _check_plain(wire, document, max_depth)
            del document["type"]
            model = wire.model(**document)
        except (TypeError, ValueError):
            # Perhaps only null for what may be left out; the other way knows, and what to say if it is wrong.
            pass
        else:
            return Request(type_, model, model.request_id, encoding)
    request_id: Any = document.get("request_id")
    if wire is None or not (request_id is None or type(request_id) is int):
        raise _not_addressed(type_, request_id)
    try:
        model = _make(wire, document, max_depth)
    except (TypeError, ValueError) as error:
        raise WrongFormat(str(error), type_=type_, request_id=_echo(request_id)) from None
    return Request(type_, model, request_id, encoding)


def _not_addressed(type_: Any, request_id: Any) -> WrongFormat:
    """What is wrong with a type or a request id."""
    if request_id is not None and type(request_id) is not int:
        # Compared and not looked up, as a list cannot be.
        return WrongFormat("request_id: expected an integer", type_=type_ if type_ in tuple(WIRE) else "")
    problem = "type: required" if type_ is None else f"type: no such request as {str(type_)[:60]!r}"
    return WrongFormat(problem, request_id=_echo(request_id))


def _check_plain(wire: Wire, document: dict[str, Any], max_depth: int) -> None:
    for name, allow_bytes in wire.plain:
        if name in document:
            try:
                check_plain(document[name], max_depth=max_depth, allow_bytes=allow_bytes)
            except PlainDataError as error:
                raise PlainDataError(f"{name}: {error}") from None


def _make(wire: Wire, document: dict[str, Any], max_depth: int) -> models.Model:
    """Make a model whose fields have other names on the wire, or of a map that says more than it must, or is wrong."""
    _check_plain(wire, document, max_depth)
    try:
        fields = {field: document[name] for name, field in wire.required}
    except KeyError:
        missing = [name for name, _ in wire.required if name not in document]
        raise ValueError("; ".join(f"{name}: required" for name in missing)) from None
    for name, field in wire.optional:
        value = document.get(name)
        if value is not None:
            fields[field] = value
    fields["request_id"] = document.get("request_id")
    try:
        return wire.build(**fields)
    except (TypeError, ValueError):
        # What is wrong with another field is said rather than that the number is out of range.
        wire.build(**{**fields, "request_id": None})
        raise


def _echo(request_id: Any) -> int | None:
    """A request id that both encodings can carry back, or None."""
    try:
        check_plain(request_id)
    except PlainDataError:
        return None
    return request_id if type(request_id) is int else None
