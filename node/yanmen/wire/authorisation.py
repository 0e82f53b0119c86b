"""Who may call what: every method of every service, one line each. What is not listed is denied.

The roles say who may knock; whose contract, job or receipt it is, the node decides.
"""

from yanmen.model.party import OFFICERS, Party, PartyRole
from yanmen.model.refusal import Detail, Reason, Refused

_EVERYONE = frozenset(PartyRole)
_CONSUMERS = frozenset({PartyRole.DEVELOPER, PartyRole.OPERATOR})

METHODS: dict[str, frozenset[PartyRole]] = {
    "/yanmen.wire.v1.AbilityService/GetAbilities": _EVERYONE,
    "/yanmen.wire.v1.OfficeService/ListWaiting": OFFICERS,
    "/yanmen.wire.v1.OfficeService/RecordAct": OFFICERS,
    "/yanmen.wire.v1.CatalogueService/ListDatasets": _EVERYONE,
    "/yanmen.wire.v1.CatalogueService/GetDataset": _EVERYONE,
    "/yanmen.wire.v1.ContractService/RequestContract": _CONSUMERS,
    "/yanmen.wire.v1.ContractService/Act": _EVERYONE,
    "/yanmen.wire.v1.ContractService/GetContract": _EVERYONE,
    "/yanmen.wire.v1.ContractService/ListContracts": _EVERYONE,
    "/yanmen.wire.v1.ContractService/GetBalance": _CONSUMERS,
    "/yanmen.wire.v1.ContractService/ListReleased": _CONSUMERS,
    "/yanmen.wire.v1.ContractService/ListTemplates": _EVERYONE,
    "/yanmen.wire.v1.QueryService/Explain": _CONSUMERS,
    "/yanmen.wire.v1.QueryService/Submit": _CONSUMERS,
    "/yanmen.wire.v1.QueryService/Fetch": _CONSUMERS,
    "/yanmen.wire.v1.QueryService/Cancel": _CONSUMERS,
    "/yanmen.wire.v1.QueryService/Finish": _CONSUMERS,
    "/yanmen.wire.v1.FederationService/Deposit": _CONSUMERS,
    "/yanmen.wire.v1.FederationService/DealNoise": _CONSUMERS,
    "/yanmen.wire.v1.FederationService/Certify": _CONSUMERS,
    "/yanmen.wire.v1.FederationService/Open": _CONSUMERS,
    "/yanmen.wire.v1.JoinService/State": _CONSUMERS,
    "/yanmen.wire.v1.JoinService/Blind": _CONSUMERS,
    "/yanmen.wire.v1.JoinService/GetPart": _CONSUMERS,
    "/yanmen.wire.v1.MatchService/Hand": _CONSUMERS,
    "/yanmen.wire.v1.MatchService/GetPlaces": _CONSUMERS,
    "/yanmen.wire.v1.MatchService/Match": _CONSUMERS,
    "/yanmen.wire.v1.MatchService/Gather": _CONSUMERS,
    "/yanmen.wire.v1.LogService/GetCheckpoint": _EVERYONE,
    "/yanmen.wire.v1.LogService/GetReceipt": _EVERYONE,
    "/yanmen.wire.v1.LogService/GetConsistency": _EVERYONE,
    "/yanmen.wire.v1.LogService/Acknowledge": _CONSUMERS,
    "/yanmen.wire.v1.LogService/Object": _EVERYONE,
    "/arrow.flight.protocol.FlightService/Handshake": _CONSUMERS,
    "/arrow.flight.protocol.FlightService/ListFlights": _CONSUMERS,
    "/arrow.flight.protocol.FlightService/GetFlightInfo": _CONSUMERS,
    "/arrow.flight.protocol.FlightService/PollFlightInfo": _CONSUMERS,
    "/arrow.flight.protocol.FlightService/GetSchema": _CONSUMERS,
    "/arrow.flight.protocol.FlightService/DoGet": _CONSUMERS,
    "/arrow.flight.protocol.FlightService/DoPut": _CONSUMERS,
    "/arrow.flight.protocol.FlightService/DoExchange": _CONSUMERS,
    "/arrow.flight.protocol.FlightService/DoAction": _CONSUMERS,
    "/arrow.flight.protocol.FlightService/ListActions": _CONSUMERS,
    "/grpc.health.v1.Health/Check": _EVERYONE,
    "/grpc.health.v1.Health/List": _EVERYONE,
    "/grpc.health.v1.Health/Watch": _EVERYONE,
    "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo": _EVERYONE,
}


def authorise(party: Party, method: str) -> None:
    """Return when the role of `party` may call `method`."""
    roles = METHODS.get(method)
    if roles is None:
        raise Refused(Reason.METHOD_NOT_LISTED)
    if party.role not in roles:
        raise Refused(Reason.ROLE_NOT_ALLOWED, Detail(subject=party.role.value))
