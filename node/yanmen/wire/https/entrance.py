"""What every JSON call passes, in the gate's own order.

who -> may it -> not stopping -> pace -> parse -> SERVICE -> log line -> reply or error
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus

from yanmen.formats import json_message
from yanmen.formats.json_canonical import Json
from yanmen.formats.json_schema import Schemas
from yanmen.formats.malformed import Malformed
from yanmen.model.party import Party
from yanmen.model.refusal import Detail, Fault, FaultCode, Reason, Refused
from yanmen.wire import errors
from yanmen.wire.gate import UNLISTED, Call, Gate, note_fault, note_refusal, where
from yanmen.wire.https import telling
from yanmen.wire.https.exchange import BODY_BYTES, Asked, Reply

Tell = Callable[[dict[str, Json], str], Json]
Telling = Callable[[dict[str, Json]], Json]
"""Puts what is told of an error, about what the path names, into the shape of a protocol's own error."""


@dataclass(frozen=True, slots=True)
class Visit:
    """A call that was let in: who makes it, the message that its schema describes, what its path names."""

    party: Party
    message: Mapping[str, Json]
    place: str
    address: str


@dataclass(frozen=True, slots=True)
class Route:
    """One interface: its path (`:id` stands for a name), its row in the role table, its schema, its service."""

    verb: str
    path: str
    method: str
    schema: str
    answer: Callable[[Visit], Json]
    tell: Tell
    status: HTTPStatus = HTTPStatus.OK
    content_type: str = "application/json"


class Entrance:
    """Answers requests by its routes, through the same gate as gRPC."""

    def __init__(self, gate: Gate, schemas: Schemas, routes: Sequence[Route]) -> None:
        """Hold the gate and what is behind it."""
        self._gate = gate
        self._schemas = schemas
        self._routes = [(route, re.compile(_pattern(route.path), re.ASCII)) for route in routes]

    def answer(self, asked: Asked) -> Reply:
        """Return what is answered; whatever goes wrong is told in the called interface's own shape."""
        route, place = self._find(asked)
        call = self._gate.begin(UNLISTED if route is None else route.method, asked.address)
        call.notes["over"] = "https"
        told = plain if route is None else route.tell

        def tell(said: dict[str, Json]) -> Json:
            return told(said, place)

        reply = self._answered(asked, call, (route, place), tell)
        try:
            self._gate.write(call)
        except Fault as fault:
            return _broken(call, fault.code, fault.note, tell)
        return reply

    def _answered(self, asked: Asked, call: Call, found: tuple[Route | None, str], tell: Telling) -> Reply:
        route, place = found
        try:
            party = self._gate.let_in(call, asked.certificate_pem)
            if route is None:
                raise Refused(Reason.METHOD_NOT_LISTED)
            with self._gate.pace(call, party):
                message = self._read(route, asked.body)
                said = route.answer(Visit(party, message, place, asked.address))
            return Reply(route.status, json_message.encode(said), route.content_type)
        except Refused as refused:
            return _refused(call, refused, tell)
        except Malformed as error:
            return _refused(call, Refused(Reason.REQUEST_MALFORMED, Detail(str(error))), tell)
        except Fault as fault:
            return _broken(call, fault.code, fault.note, tell)
        except Exception as error:  # noqa: BLE001 - the edge: an exception's text might quote a value
            return _broken(call, FaultCode.INTERNAL, where(error), tell)

    def _find(self, asked: Asked) -> tuple[Route | None, str]:
        for route, pattern in self._routes:
            match = pattern.fullmatch(asked.path)
            if match is not None and route.verb == asked.verb:
                return route, match["id"] if "id" in pattern.groupindex else ""
        return None, ""

    def _read(self, route: Route, body: bytes) -> Mapping[str, Json]:
        if not route.schema:
            return {}
        value = json_message.decode(body, BODY_BYTES)
        self._schemas.check(route.schema, value)
        if not isinstance(value, Mapping):
            raise Malformed("not an object")
        return value


def plain(told: dict[str, Json], _: str = "") -> Json:
    """Return what is told as it is: of a path that nothing is at."""
    return {"error": told}


def no_request(status: HTTPStatus) -> Reply:
    """Return what is answered to bytes that are no request."""
    return Reply(status, json_message.encode(plain(telling.no_request(status))))


def _pattern(path: str) -> str:
    return re.escape(path).replace(":id", "(?P<id>[A-Za-z0-9._~:*-]{1,200})")


def _refused(call: Call, refused: Refused, tell: Callable[[dict[str, Json]], Json]) -> Reply:
    note_refusal(call, refused)
    status = telling.HTTP_STATUS[errors.REASON_STATUS[refused.reason]]
    return Reply(status, json_message.encode(tell(telling.refusal(refused, call.request_id))))


def _broken(call: Call, code: FaultCode, note: str, tell: Callable[[dict[str, Json]], Json]) -> Reply:
    note_fault(call, code, note)
    status = telling.HTTP_STATUS[errors.FAULT_STATUS[code]]
    return Reply(status, json_message.encode(tell(telling.fault(code, call.request_id))))
