"""Contract negotiation of the Dataspace Protocol 2025-1, provider side: a signed offer comes in, a decision goes out.

The provider calls nobody back: a node opens no connection that somebody outside names. What it would send, the
consumer fetches.
"""

from http import HTTPStatus

from yanmen.formats import dataspace_offer, json_canonical, strategy
from yanmen.formats.dataspace import BASE
from yanmen.formats.json_canonical import Json
from yanmen.model.contract import Contract, ContractStatus
from yanmen.model.refusal import Detail, Reason, Refused
from yanmen.wire.api import NodeApi
from yanmen.wire.https import claims
from yanmen.wire.https.contracts import OVER, SERVICE
from yanmen.wire.https.dataspace import Connector
from yanmen.wire.https.entrance import Route, Visit

PLACE = f"{BASE}/negotiations"
ID_LENGTH = 32


class Negotiation:
    """The protocol's negotiations endpoint."""

    def __init__(self, api: NodeApi, me: Connector) -> None:
        """Hold the node."""
        self._api = api
        self._me = me

    def routes(self) -> tuple[Route, ...]:
        """Return what is answered where."""
        show = SERVICE + "GetContract"
        return (
            Route(
                "POST",
                f"{PLACE}/request",
                SERVICE + "RequestContract",
                "dsp-contract-request.schema.json",
                self.request,
                self._tell,
                HTTPStatus.CREATED,
            ),
            Route("GET", f"{PLACE}/:id", show, "", self.state, self._tell),
            Route("GET", f"{PLACE}/:id/agreement", show, "", self.agreement, self._tell),
        )

    def request(self, visit: Visit) -> Json:
        """Take in an offer, once the message says what its signed bytes say."""
        said = claims.part(visit.message, "offer")
        token = claims.text(said, dataspace_offer.SIGNED_OFFER)
        terms = claims.offered(token)
        # By their texts: to Python 1 and true are the same, to who signs they are not.
        written = (json_canonical.encode(each) for each in (said, dataspace_offer.offer(terms, token)))
        claims.require("offer", same=len(set(written)) == 1)
        claims.require("consumerPid", same=visit.message["consumerPid"] == said["@id"])
        held = self._api.request_contract(visit.party, claims.ascii_bytes(token))
        return dataspace_offer.negotiation(held.terms, dataspace_offer.STATES[held.status])

    def state(self, visit: Visit) -> Json:
        """Say how a negotiation stands."""
        held = self._held(visit)
        return dataspace_offer.negotiation(held.terms, dataspace_offer.STATES[held.status])

    def agreement(self, visit: Visit) -> Json:
        """Return the message by which the holder agreed."""
        held = self._held(visit)
        if held.status is ContractStatus.PENDING:
            raise Refused(Reason.CONTRACT_PENDING, Detail(visit.place))
        if held.status in OVER:
            raise Refused(OVER[held.status], Detail(visit.place))
        signed = (held.offer.decode("ascii"), held.acceptance.decode("ascii"))
        agreed = dataspace_offer.agreement(held.terms, *signed, strategy.moment(claims.accepted(held).time_ms))
        return dataspace_offer.agreement_message(held.terms, agreed, self._me.url + BASE)

    def _held(self, visit: Visit) -> Contract:
        prefix = dataspace_offer.provider_pid(self._me.id, "")
        if not visit.place.startswith(prefix):
            raise Refused(Reason.CONTRACT_UNKNOWN, Detail(visit.place))
        return self._api.contract(visit.party, visit.place.removeprefix(prefix))

    def _tell(self, told: dict[str, Json], place: str) -> Json:
        """Name both ids where the call names one: the consumer's follows from the provider's."""
        known = place.removeprefix(dataspace_offer.provider_pid(self._me.id, ""))
        consumer = dataspace_offer.consumer_pid(known) if known != place and len(known) == ID_LENGTH else ""
        return dataspace_offer.error(place, consumer, told)
