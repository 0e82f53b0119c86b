"""What a department's node says of itself, and where its officers sign."""

import grpc
from typing_extensions import override

from yanmen.model.office import Waiting
from yanmen.wire import convert
from yanmen.wire.api import NodeApi
from yanmen.wire.authorisation import METHODS
from yanmen.wire.gate import CALLER
from yanmen.wire.v1 import department_pb2, department_pb2_grpc


class Abilities(department_pb2_grpc.AbilityServiceServicer):
    """The node's own record."""

    def __init__(self, api: NodeApi) -> None:
        """Hold the node."""
        self._api = api

    @override
    def GetAbilities(
        self, request: department_pb2.GetAbilitiesRequest, context: grpc.ServicerContext
    ) -> department_pb2.GetAbilitiesResponse:
        """Return the signed record."""
        token = self._api.abilities(tuple(METHODS))
        return department_pb2.GetAbilitiesResponse(abilities_jws=token.decode("ascii"))


class Offices(department_pb2_grpc.OfficeServiceServicer):
    """What waits for officers, and what they signed."""

    def __init__(self, api: NodeApi) -> None:
        """Hold the node."""
        self._api = api

    @override
    def ListWaiting(
        self, request: department_pb2.ListWaitingRequest, context: grpc.ServicerContext
    ) -> department_pb2.ListWaitingResponse:
        """List what waits."""
        found = self._api.waiting(CALLER.get())
        return department_pb2.ListWaitingResponse(waiting=[_waiting(each, overdue=late) for each, late in found])

    @override
    def RecordAct(
        self, request: department_pb2.RecordActRequest, context: grpc.ServicerContext
    ) -> department_pb2.RecordActResponse:
        """Take in an act."""
        receipt, contract = self._api.record_act(CALLER.get(), convert.ascii_bytes(request.act_jws))
        return department_pb2.RecordActResponse(receipt=convert.receipt(receipt), contract_status=contract.status.value)


def _waiting(waiting: Waiting, *, overdue: bool) -> department_pb2.WaitingContract:
    terms = waiting.contract.terms
    return department_pb2.WaitingContract(
        contract_id=terms.id,
        offer_sha256=waiting.contract.digest,
        important=waiting.important,
        turn=waiting.turn.value,
        due_ms=waiting.due_ms,
        overdue=overdue,
        scenario=terms.scenario.id,
        purpose=terms.scenario.text,
        legal_basis=terms.scenario.legal_basis,
        left_to_person=convert.left_to_person(waiting.left_to_person),
    )
