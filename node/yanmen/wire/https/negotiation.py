"""Contract negotiation of the Dataspace Protocol 2025-1, provider side: signed documents come in, decisions go out.

The provider calls nobody back: a node opens no connection that somebody outside names. What it would send, the
consumer fetches.
"""

from http import HTTPStatus

from yanmen.crypto import agreements
from yanmen.formats import amending, dataspace_offer, json_canonical, strategy
from yanmen.formats.dataspace import BASE
from yanmen.formats.json_canonical import Json
from yanmen.model.contract import Contract, ContractStatus
from yanmen.model.negotiation import ActKind, NegotiationState, missing, state
from yanmen.model.refusal import Detail, Reason, Refused
from yanmen.wire.api import NodeApi
from yanmen.wire.https import claims
from yanmen.wire.https.contracts import NOT_YET, OVER, SERVICE
from yanmen.wire.https.dataspace import Connector
from yanmen.wire.https.entrance import Route, Visit

PLACE = f"{BASE}/negotiations"
ONE = f"{PLACE}/:id"
ID_LENGTH = 32


class Negotiation:
    """The protocol's negotiations endpoint."""

    def __init__(self, api: NodeApi, me: Connector) -> None:
        """Hold the node."""
        self._api = api
        self._me = me

    def routes(self) -> tuple[Route, ...]:
        """Return what is answered where."""
        offers, show, acts = (SERVICE + name for name in ("RequestContract", "GetContract", "Act"))
        first, later = "dsp-contract-request.schema.json", "dsp-contract-round.schema.json"
        event, verified = "dsp-negotiation-event.schema.json", "dsp-agreement-verification.schema.json"
        ended = "dsp-negotiation-termination.schema.json"
        return (
            Route("POST", f"{PLACE}/request", offers, first, self.request, self._tell, HTTPStatus.CREATED),
            Route("POST", f"{ONE}/request", offers, later, self.next_round, self._tell),
            Route("POST", f"{ONE}/events", offers, event, self.accept, self._tell),
            Route("POST", f"{ONE}/agreement/verification", acts, verified, self.verify, self._tell),
            Route("POST", f"{ONE}/termination", acts, ended, self.terminate, self._tell),
            Route("GET", ONE, show, "", self.stands, self._tell),
            Route("GET", f"{ONE}/offers", show, "", self.counter, self._tell),
            Route("GET", f"{ONE}/agreement", show, "", self.agreement, self._tell),
            Route("GET", f"{ONE}/events", show, "", self.finalized, self._tell),
            Route("GET", f"{ONE}/termination", show, "", self.terminated, self._tell),
        )

    # What the consumer sends ----------------------------------------------------------------------

    def request(self, visit: Visit) -> Json:
        """Take in an offer, once the message says what its signed bytes say."""
        said = claims.part(visit.message, "offer")
        token = claims.text(said, dataspace_offer.SIGNED_OFFER)
        terms = claims.offered(token)
        # By their texts: to Python 1 and true are the same, to who signs they are not.
        written = (json_canonical.encode(each) for each in (said, dataspace_offer.offer(terms, token)))
        claims.require("offer", same=len(set(written)) == 1)
        claims.require("consumerPid", same=visit.message["consumerPid"] == said["@id"])
        return self._told(self._api.request_contract(visit.party, claims.ascii_bytes(token)))

    def next_round(self, visit: Visit) -> Json:
        """Take in the consumer's next round of a negotiation that is under way."""
        held = self._named(visit)
        terms = claims.offered(claims.text(claims.part(visit.message, "offer"), dataspace_offer.SIGNED_OFFER))
        claims.require("offer", same=terms.id == held.terms.id)
        return self.request(visit)

    def accept(self, visit: Visit) -> Json:
        """Take in the consumer's signature under the holder's counter-offer."""
        held = self._named(visit)
        token = claims.text(visit.message, dataspace_offer.SIGNED_OFFER)
        if held.status is not ContractStatus.OFFERED:
            raise Refused(Reason.NEGOTIATION_OUT_OF_TURN, Detail(visit.place))
        same = amending.same(claims.offered(token), agreements.peek_terms(held.counter))
        claims.require(dataspace_offer.SIGNED_OFFER, same=same)
        return self._told(self._api.request_contract(visit.party, claims.ascii_bytes(token)))

    def verify(self, visit: Visit) -> Json:
        """Take in the consumer's signature under the agreement."""
        return self._acted(visit, ActKind.VERIFY)

    def terminate(self, visit: Visit) -> Json:
        """Take in the consumer's signed word that ends it; what the message says of the reason is in that word."""
        word = claims.acted(claims.ascii_bytes(claims.text(visit.message, dataspace_offer.SIGNED_ACT)))
        claims.require("reason", same=visit.message.get("reason", [word.text]) == [word.text])
        return self._acted(visit, ActKind.END)

    # What the provider would send -----------------------------------------------------------------

    def stands(self, visit: Visit) -> Json:
        """Say how a negotiation stands."""
        return self._told(self._held(visit))

    def counter(self, visit: Visit) -> Json:
        """Return the message by which the holder offered other terms."""
        held = self._held(visit)
        if held.status is not ContractStatus.OFFERED:
            raise Refused(Reason.NEGOTIATION_OUT_OF_TURN, Detail(visit.place))
        countered = agreements.peek_terms(held.counter)
        return dataspace_offer.offer_message(countered, held.counter.decode("ascii"))

    def agreement(self, visit: Visit) -> Json:
        """Return the message by which the holder agreed."""
        held = self._held(visit)
        if held.status is not ContractStatus.AGREED and held.status in {**NOT_YET, **OVER}:
            raise Refused({**NOT_YET, **OVER}[held.status], Detail(visit.place))
        signed = (held.offer.decode("ascii"), held.acceptance.decode("ascii"))
        agreed = dataspace_offer.agreement(held.terms, *signed, strategy.moment(claims.accepted(held).time_ms))
        return dataspace_offer.agreement_message(held.terms, agreed, self._me.url + BASE)

    def finalized(self, visit: Visit) -> Json:
        """Return the message by which the holder said that the contract is in force."""
        held = self._held(visit)
        if _state(held) is not NegotiationState.FINALIZED:
            raise Refused(Reason.NEGOTIATION_OUT_OF_TURN, Detail(visit.place))
        return dataspace_offer.event_message(held.terms)

    def terminated(self, visit: Visit) -> Json:
        """Return the message by which the holder said that there will be no contract."""
        held = self._held(visit)
        if _state(held) is not NegotiationState.TERMINATED:
            raise Refused(Reason.NEGOTIATION_OUT_OF_TURN, Detail(visit.place))
        return dataspace_offer.termination_message(held.terms, OVER[held.status].value, held.decided_by)

    # ----------------------------------------------------------------------------------------------

    def _acted(self, visit: Visit, kind: ActKind) -> Json:
        held = self._named(visit)
        token = claims.ascii_bytes(claims.text(visit.message, dataspace_offer.SIGNED_ACT))
        word = claims.acted(token)
        same = (word.act, word.contract) == (kind, held.terms.id)
        claims.require(dataspace_offer.SIGNED_ACT, same=same)
        return self._told(self._api.act(visit.party, token))

    def _named(self, visit: Visit) -> Contract:
        """Return the contract that the path names, once the message names the same."""
        held = self._held(visit)
        claims.require("providerPid", same=visit.message["providerPid"] == visit.place)
        consumer = dataspace_offer.consumer_pid(held.terms.id)
        claims.require("consumerPid", same=visit.message["consumerPid"] == consumer)
        return held

    def _held(self, visit: Visit) -> Contract:
        prefix = dataspace_offer.provider_pid(self._me.id, "")
        if not visit.place.startswith(prefix):
            raise Refused(Reason.CONTRACT_UNKNOWN, Detail(visit.place))
        return self._api.contract(visit.party, visit.place.removeprefix(prefix))

    def _told(self, held: Contract) -> Json:
        return dataspace_offer.negotiation(held.terms, _state(held).value)

    def _tell(self, told: dict[str, Json], place: str) -> Json:
        """Name both ids where the call names one: the consumer's follows from the provider's."""
        known = place.removeprefix(dataspace_offer.provider_pid(self._me.id, ""))
        consumer = dataspace_offer.consumer_pid(known) if known != place and len(known) == ID_LENGTH else ""
        return dataspace_offer.error(place, consumer, told)


def _state(held: Contract) -> NegotiationState:
    """Return the protocol's state of a contract."""
    words = [claims.acted(token) for token in held.signatures]
    verified = any(word.act is ActKind.VERIFY for word in words)
    signed = frozenset(word.by for word in words if word.act is ActKind.SIGN)
    accepted = bool(held.counter) and amending.same(agreements.peek_terms(held.counter), held.terms)
    began = bool(held.acceptance) and not missing(held.terms, signed, verified=verified)
    return state(held.status, accepted=accepted, verified=verified, began=began)
