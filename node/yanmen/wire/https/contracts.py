"""The contract interfaces of TC609-6-2025-14, annex B: what they say is held against what both sides signed."""

from collections.abc import Mapping

from yanmen.crypto import documents
from yanmen.formats import connector_id, contract_number, strategy
from yanmen.formats.json_canonical import Json
from yanmen.model.contract import Contract, ContractStatus
from yanmen.model.negotiation import ActKind
from yanmen.model.party import Party
from yanmen.model.ports import Clock
from yanmen.model.refusal import Detail, Reason, Refused
from yanmen.model.template import PublishedTemplate
from yanmen.wire.api import NodeApi
from yanmen.wire.https import claims
from yanmen.wire.https.claims import Message
from yanmen.wire.https.entrance import Route, Tell, Visit

SERVICE = "/yanmen.wire.v1.ContractService/"
DONE, FAILED = "0", "1"
ENDED = "06"
STATUS: Mapping[ContractStatus, str] = {
    ContractStatus.PENDING: "02",
    ContractStatus.OFFERED: "02",
    ContractStatus.AGREED: "03",
    ContractStatus.ACTIVE: "05",
    ContractStatus.SUSPENDED: "05",
    ContractStatus.DENIED: "0302",
    ContractStatus.REVOKED: ENDED,
}
"""合约状态 (table C.1); the standard has no word for a contract that is suspended."""
OVER: Mapping[ContractStatus, Reason] = {
    ContractStatus.DENIED: Reason.CONTRACT_DENIED,
    ContractStatus.REVOKED: Reason.CONTRACT_REVOKED,
}
"""Contracts about which nothing is agreed any more."""
NOT_YET: Mapping[ContractStatus, Reason] = {
    ContractStatus.PENDING: Reason.CONTRACT_PENDING,
    ContractStatus.OFFERED: Reason.CONTRACT_PENDING,
    ContractStatus.AGREED: Reason.CONTRACT_UNSIGNED,
}
"""Contracts that somebody has still to sign."""


def saying(flag: str) -> Tell:
    """Return what tells an error in the shape of an interface whose result stands under `flag`."""

    def tell(told: dict[str, Json], _: str) -> Json:
        return {flag: FAILED, "error": told}

    return tell


class Contracts:
    """合约模板、发起、协商、备案、履行、终止."""

    def __init__(self, api: NodeApi, clock: Clock) -> None:
        """Hold the node, and the clock that says which contracts are over."""
        self._api = api
        self._clock = clock

    def routes(self) -> tuple[Route, ...]:
        """Return what is answered where."""
        status = saying("status")
        return (
            Route(
                "POST",
                "/contractTemplate",
                SERVICE + "ListTemplates",
                "tc609-contract-template.schema.json",
                self.template,
                status,
            ),
            Route(
                "POST",
                "/contractCreate",
                SERVICE + "RequestContract",
                "tc609-contract-create.schema.json",
                self.create,
                saying("creationFlag"),
            ),
            Route(
                "POST",
                "/contractNegotiate",
                SERVICE + "RequestContract",
                "tc609-contract-negotiate.schema.json",
                self.negotiate,
                saying("negotiationStatus"),
            ),
            Route(
                "POST",
                "/contractRegistrate",
                SERVICE + "GetContract",
                "tc609-contract-registrate.schema.json",
                self.registrate,
                status,
            ),
            Route(
                "POST",
                "/contractExecution",
                SERVICE + "GetBalance",
                "tc609-contract-execution.schema.json",
                self.execution,
                status,
            ),
            Route(
                "POST",
                "/contractTerminate",
                SERVICE + "Act",
                "tc609-contract-terminate.schema.json",
                self.terminate,
                status,
            ),
        )

    def template(self, visit: Visit) -> Json:
        """List the templates on offer, or the one named."""
        claims.check_issuer(visit.message, visit.party)
        wanted = claims.text(visit.message, "templateId")
        held = [_template(one) for one in self._api.templates(visit.party)]
        found = [one for one in held if wanted in ("", one["templateId"])]
        if wanted and not found:
            raise Refused(Reason.OUTSIDE_TEMPLATE, Detail(wanted))
        return {"status": DONE, "template": found}

    def create(self, visit: Visit) -> Json:
        """Take in a signed offer; everything the message says beside it must say the same."""
        said, party = visit.message, visit.party
        signature = claims.text(said, "signature")
        terms = claims.offered(signature)
        claims.check_issuer(said, party)
        claims.check_name(said, terms)
        same = claims.text(said, "contractAbstract") == terms.scenario.text[:1024]
        claims.require("contractAbstract", same=same)
        for name, signed_ms in (("activationTime", terms.not_before_ms), ("endTime", terms.not_after_ms)):
            claims.require(name, same=claims.moment(said, name) == signed_ms // 1000 * 1000)
        claims.moment(said, "issueTime")
        held = self._api.request_contract(party, claims.ascii_bytes(signature))
        return {"contractId": contract_number.of(held.terms), "creationFlag": DONE, **self._stands(held)}

    def negotiate(self, visit: Visit) -> Json:
        """Take the caller's next round, or say how a contract stands whose strategy it knows; "0" once all signed."""
        said, party = visit.message, visit.party
        held = claims.numbered(said, party, self._api)
        claims.check_name(said, held.terms)
        signatures = claims.parts(said, "signatureList")
        for signed in signatures[:1]:
            held = self._round(said, signed, held, party)
        if not signatures:
            check_strategy(claims.part(said, "strategy"), held, party, self._api)
        if held.status in OVER:
            raise Refused(OVER[held.status], Detail(held.terms.id))
        return {"negotiationStatus": FAILED if held.status in NOT_YET else DONE, **self._stands(held)}

    def _round(self, said: Message, signed: Message, held: Contract, party: Party) -> Contract:
        """Take in the signed offer of a round, or the one that is known already; the strategy is that offer's."""
        subject = connector_id.decode(party.id).subject
        claims.require("signatureList", same=claims.text(signed, "entityId") in ("", subject))
        token = claims.ascii_bytes(claims.text(signed, "signature"))
        terms = claims.offered(claims.text(signed, "signature"))
        claims.require("signatureList", same=terms.id == held.terms.id)
        draft = Contract(terms, token, b"", documents.digest(token), ContractStatus.PENDING)
        check_strategy(claims.part(said, "strategy"), draft, party, self._api)
        return self._api.request_contract(party, token)

    def registrate(self, visit: Visit) -> Json:
        """Confirm a contract both signed, word for word, by the digest that its leaf of the usage log has."""
        held, said = self._strategic(visit, registering=True), visit.message
        if held.status in NOT_YET or held.status in OVER:
            raise Refused({**NOT_YET, **OVER}[held.status], Detail(held.terms.id))
        signed = [
            (claims.text(each, "signatoryEntityId"), claims.ascii_bytes(claims.text(each, "signature")))
            for each in claims.parts(said, "signatoryEntities")
        ]
        further = ((claims.acted(token), token) for token in held.signatures)
        sides = [(held.terms.consumer, held.offer), (held.terms.holder, held.acceptance)]
        sides += [(word.by, token) for word, token in further if word.act is ActKind.SIGN]
        expected = [(connector_id.decode(side).subject, token) for side, token in sides]
        claims.require("signatoryEntities", same=sorted(signed) == sorted(expected))
        decided_ms = claims.accepted(held).time_ms // 1000 * 1000
        claims.require("signatoryTime", same=claims.moment(said, "signatoryTime") == decided_ms)
        paper = claims.text(said, "contractExpansionItem")
        claims.require("contractExpansionItem", same=paper == held.terms.paper_sha256)
        return {"status": DONE, "contractHash": held.digest, **self._stands(held)}

    def execution(self, visit: Visit) -> Json:
        """Take a report of fulfilment (`USED/AGREED`) that says what the node's own books say."""
        held = self._strategic(visit)
        done = claims.part(visit.message, "executedStrategy")
        known = claims.text(done, "executedStrategyId") == contract_number.uuid(held.terms.id)
        claims.require("executedStrategyId", same=known)
        executed, permitted = done.get("executedActions", []), strategy.actions(held.terms)
        allowed = isinstance(executed, list) and all(action in permitted for action in executed)
        claims.require("executedActions", same=allowed)
        claims.moment(visit.message, "reportTime")
        left = self._api.balance(visit.party, held.terms.id)
        books = f"{held.terms.queries - left.queries_left}/{held.terms.queries}"
        if claims.text(done, "executionResult") != books:
            hint_en, hint_zh = f"The node's books say {books}.", f"节点台账记录为 {books}。"
            raise Refused(Reason.REQUEST_MALFORMED, Detail("executionResult", hint_en=hint_en, hint_zh=hint_zh))
        return {"status": DONE, "executionResult": books, "spentFen": left.spent_fen}

    def terminate(self, visit: Visit) -> Json:
        """End a contract by what its consumer signed; one whose time is over has ended by itself."""
        said = visit.message
        held = claims.numbered(said, visit.party, self._api)
        claims.check_name(said, held.terms)
        claims.check_issuer(said, visit.party)
        for name, signed_ms in (
            ("activationTime", held.terms.not_before_ms),
            ("scheduledEndTime", held.terms.not_after_ms),
        ):
            claims.require(name, same=claims.moment(said, name) == signed_ms // 1000 * 1000)
        token = claims.text(said, "signature")
        word = claims.acted(claims.ascii_bytes(token))
        claims.require("signature", same=(word.act, word.contract) == (ActKind.END, held.terms.id))
        for name in ("issueTime", "agreedEndTime"):
            claims.require(name, same=claims.moment(said, name) == word.issued_s * 1000)
        ended = self._api.act(visit.party, claims.ascii_bytes(token))
        return {"status": DONE, **self._stands(ended)}

    def _strategic(self, visit: Visit, *, registering: bool = False) -> Contract:
        """Return the contract that a message names, once its strategy is what the contract says."""
        held = claims.numbered(visit.message, visit.party, self._api)
        claims.check_name(visit.message, held.terms)
        check_strategy(claims.part(visit.message, "strategy"), held, visit.party, self._api, registering=registering)
        return held

    def _stands(self, held: Contract) -> dict[str, Json]:
        """Return how a contract stands, and the holder's signature once there is one."""
        over = self._clock.now_ms() >= held.terms.not_after_ms
        said: dict[str, Json] = {"contractStatus": ENDED if over else STATUS[held.status]}
        if held.status is ContractStatus.OFFERED:
            said["counterOffer"] = held.counter.decode("ascii")
        elif held.acceptance:
            said["acceptance"] = held.acceptance.decode("ascii")
        return said


def check_strategy(said: Message, held: Contract, party: Party, api: NodeApi, *, registering: bool = False) -> None:
    """Refuse a strategy that is not, word for word, what the contract says of one of its products."""
    wanted = claims.text(claims.part(said, "subjectInfo"), "dataProductId")
    for grant in held.terms.grants:
        dataset = api.dataset(party, grant.dataset).dataset
        if (dataset.ndi_id or dataset.name) == wanted:
            expected = strategy.encode(held, grant.dataset, wanted)
            subject = connector_id.decode(held.terms.holder).subject
            _compare(said, expected, {"dataProductEntityId": subject} if registering else {})
            return
    raise claims.differs("strategy/subjectInfo/dataProductId")


def _compare(said: Message, expected: Message, owner: Message) -> None:
    """Hold every member against the signed one; names that people read may be left out and are not compared."""
    subject = {**claims.part(expected, "subjectInfo"), **owner}
    for name, value in {**expected, "subjectInfo": subject}.items():
        found = said.get(name)
        if isinstance(found, Mapping):
            found = {key: each for key, each in found.items() if not key.endswith("Name")}
        claims.require(f"strategy/{name}", same=found == value)


def _template(held: PublishedTemplate) -> dict[str, Json]:
    value = held.template
    return {
        "templateId": contract_number.uuid(value.id),
        "templateName": value.title_zh,
        "templateNameEn": value.title_en,
        "signature": held.token.decode("ascii"),
    }
