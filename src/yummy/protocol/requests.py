"""Requests: from a map to the model that flows through the pipeline.

Each type on the wire is one row of `WIRE`: the model that it becomes, the names that differ, and whether it may
come before authentication.
"""

from collections.abc import Callable, Mapping
from typing import Any

import attrs
from cattrs import Converter
from cattrs.errors import ClassValidationError
from cattrs.gen import make_dict_structure_fn, override

from yummy import model as models
from yummy.fields import text, wire_fields
from yummy.plain import PlainDataError, check_plain
from yummy.protocol.codec import Encoding, decode
from yummy.protocol.errors import WrongFormat

_converter = Converter(detailed_validation=True)


@attrs.frozen
class Request:
    """One request of a client.

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

    Attributes:
        model: The model's class.
        names: The model's field for each wire name that differs from it.
        anonymous: Whether it may come without authentication.
        structure: Makes the model of a map; raises a cattrs error that names each problem.
        optional: Wire names whose null counts as left out.
        plain: Wire name of each field of plain data, and whether bytes may stand in it.
    """

    model: type[models.Model]
    structure: Callable[[Mapping[str, Any], Any], models.Model]
    anonymous: bool
    optional: frozenset[str]
    plain: dict[str, bool]


@attrs.define
class _GetUser:
    """The wire's ``GetUser``: its ``user_id`` is the user asked about, which no model lets a client set."""

    user_id: str = text()


def _wire(
    model: type[models.Model],
    names: dict[str, str] | None = None,
    *,
    anonymous: bool = False,
    build: Callable[[Mapping[str, Any]], models.Model] | None = None,
    **fixed: Any,
) -> Wire:
    wire_names = {field: wire for wire, field in (names or {}).items()}
    sent = wire_fields(model)
    structure = _structure_fn(model, sent, wire_names)

    def make(document: Mapping[str, Any], kind: Any) -> models.Model:
        made: models.Model = structure(document, kind)
        for name, value in fixed.items():
            setattr(made, name, value)
        return made

    attributes = attrs.fields_dict(model)
    optional = [wire_names.get(name, name) for name in sent if attributes[name].default is not attrs.NOTHING]
    return Wire(
        model=model,
        structure=(lambda document, _kind: build(document)) if build else make if fixed else structure,
        anonymous=anonymous,
        optional=frozenset(optional),
        plain={name: name == "message" for name in ("message", "metas") if name in sent},
    )


def _structure_fn(model: type[Any], sent: tuple[str, ...], wire_names: dict[str, str]) -> Any:
    overrides = {
        field.name: override(rename=wire_names.get(field.name), struct_hook=_as_it_is)
        if field.name in sent
        else override(omit=True)
        for field in attrs.fields(model)
    }
    return make_dict_structure_fn(model, _converter, **overrides)  # type: ignore[arg-type]  # names to overrides


def _as_it_is(value: Any, _type: Any) -> Any:
    """Left to itself the converter would make "5" of 5; the models' own checks are stricter and name the field."""
    return value


_get_user_fields = _structure_fn(_GetUser, ("user_id",), {})


def _get_user(document: Mapping[str, Any]) -> models.GetUserInformation:
    asked = _get_user_fields(document, _GetUser)
    return models.GetUserInformation(query_type="User", user_id=asked.user_id)


#: Every request of the protocol.
WIRE: dict[str, Wire] = {
    "AuthEmail": _wire(models.EmailAuth, {"create": "if_not_exist_create"}, anonymous=True),
    "AuthDeviceId": _wire(models.DeviceIdAuth, {"id": "device_id"}, anonymous=True),
    "AuthCustomId": _wire(models.CustomIdAuth, {"id": "custom_id"}, anonymous=True),
    "RefreshToken": _wire(models.RefreshToken, anonymous=True),
    "RestoreToken": _wire(models.RestoreToken, anonymous=True),
    "Logout": _wire(models.Logout, anonymous=True),
    "Me": _wire(models.GetUserInformation),
    "GetUser": _wire(models.GetUserInformation, build=_get_user),
    "UpdateUser": _wire(models.UpdateUser),
    "CreateRoom": _wire(models.CreateRoom),
    "JoinToRoom": _wire(models.JoinToRoom),
    "WaitingRoomJoins": _wire(models.WaitingRoomJoins),
    "ProcessWaitingUser": _wire(models.ProcessWaitingUser, {"user_id": "target_user_id"}),
    "RoomDisconnect": _wire(models.DisconnectFromRoom),
    "KickUserFromRoom": _wire(models.KickUserFromRoom, {"user_id": "target_user_id"}),
    "BanUserFromRoom": _wire(models.KickUserFromRoom, {"user_id": "target_user_id"}, ban=True),
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
    request_id = document.get("request_id")
    type_ = document.get("type")
    if request_id is not None and type(request_id) is not int:
        raise WrongFormat("request_id: expected an integer", type_=type_ if type_ in tuple(WIRE) else "")
    if not isinstance(type_, str) or type_ not in WIRE:
        problem = "type: required" if type_ is None else f"type: no such request as {str(type_)[:60]!r}"
        raise WrongFormat(problem, request_id=_echo(request_id))
    wire = WIRE[type_]
    try:
        made = _make(wire, document, max_depth)
        if request_id is not None:
            models.number_request(made, request_id)
    except ClassValidationError as error:
        problems = "; ".join(_problem(part) for part in error.exceptions)
        raise WrongFormat(problems, type_=type_, request_id=_echo(request_id)) from None
    except (PlainDataError, ValueError, TypeError) as error:
        raise WrongFormat(str(error), type_=type_, request_id=_echo(request_id)) from None
    encoding = Encoding.MSGPACK if isinstance(payload, bytes) else Encoding.JSON
    return Request(type=type_, model=made, request_id=request_id, encoding=encoding)


def _make(wire: Wire, document: dict[str, Any], max_depth: int) -> models.Model:
    for name in wire.optional & document.keys():
        if document[name] is None:
            del document[name]
    for name, allow_bytes in wire.plain.items():
        if name in document:
            try:
                check_plain(document[name], max_depth=max_depth, allow_bytes=allow_bytes)
            except PlainDataError as error:
                raise PlainDataError(f"{name}: {error}") from None
    return wire.structure(document, wire.model)


def _echo(request_id: Any) -> int | None:
    """A request id that both encodings can carry back, or None."""
    try:
        check_plain(request_id)
    except PlainDataError:
        return None
    return request_id if type(request_id) is int else None


def _problem(error: Exception) -> str:
    return f"{error.args[0]}: required" if isinstance(error, KeyError) else str(error)
