"""Messages of the interfaces over HTTPS: about any contract, one good request of each schema, examples for the docs.

`SCENES` are the five of TC609-6-2025-14's table D.1 in its own words: what each permits, demands and constrains.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from yanmen.crypto import agreements, documents
from yanmen.formats import connector_id, contract_number, dataspace, dataspace_offer, strategy
from yanmen.formats.json_canonical import Json
from yanmen.model.contract import Contract, ContractStatus, Terms
from yanmen.model.negotiation import ActKind, ContractAct
from yanmen.model.ports import Signer
from yanmen.model.refusal import Detail, Reason, Refused
from yanmen.model.usage_control import Action, Constraint, Control, Operator, Rules
from yanmen.wire.https import telling

from tests.vectors import specimen as made

Message = dict[str, Any]
CALLBACK = "https://lab.example/callback"
ADDRESS = "127.0.0.1"


def scenes(fields: tuple[str, ...]) -> dict[str, Rules]:
    """Return the scenes of table D.1 over data with these columns."""
    c, o = Constraint, Operator
    here = Control(c.NETWORK_ADDRESS, o.IS_A, (ADDRESS,))
    some = Control(c.DATA_FIELD, o.IS_A, fields)
    return {
        "数据产品 API 调用": Rules(
            permitted=(Action.READ,),
            controls=(Control(c.COUNT, o.LTEQ, ("10000 次/天",)), Control(c.TIME_WINDOW, o.EQ, ("P1D",)), here),
        ),
        "数据联合计算": Rules(
            permitted=(Action.READ, Action.JOINT_DEVELOP),
            obliged=(Action.LOG_RECORD_SEND,),
            controls=(some, here, Control(c.EXECUTION_ENV, o.IS_A, ("02",))),
        ),
        "跨主体数据共享": Rules(
            permitted=(Action.DISTRIBUTE,),
            obliged=(Action.LOG_RECORD_SEND,),
            controls=(Control(c.DELIVERY_METHOD, o.EQ, ("01",)),),
        ),
        "数据产品购买": Rules(
            permitted=(Action.SELL,),
            obliged=(Action.COMPENSATE,),
            controls=(Control(c.PAY_AMOUNT, o.EQ, ("100.00 CNY",)), Control(c.TIME_WINDOW, o.LTEQ, ("P365D",))),
        ),
        "密态加工任务": Rules(
            permitted=(Action.PROCESS,),
            controls=(
                Control(c.ENCRYPT_MODE, o.EQ, ("02",)),
                Control(c.TIME_WINDOW, o.IS_A, ("2024-03-20 23:59:59--2025-03-20 23:59:59",)),
                some,
                Control(c.COUNT, o.LTEQ, ("1000 次",)),
                Control(c.EXECUTION_ENV, o.IS_A, ("06",)),
            ),
        ),
    }


REFUSED_SCENES = frozenset({"跨主体数据共享", "数据产品购买", "密态加工任务"})
"""What a node cannot hold: rows handed out, rows sold, computing on ciphertext."""


@dataclass(frozen=True)
class Talk:
    """What a consumer says about one contract; `product` is what the catalogue calls its dataset."""

    terms: Terms
    offer: bytes
    product: str

    @property
    def number(self) -> str:
        """The contract's number."""
        return contract_number.of(self.terms)

    @property
    def issuer(self) -> Message:
        """Who says it."""
        return {"issuerId": self.terms.consumer, "issuerEntityId": subject(self.terms.consumer)}

    @property
    def named(self) -> Message:
        """Which contract it is about."""
        return {"contractName": self.terms.scenario.id, "contractId": self.number}

    def strategy(self, *, owned: bool = False) -> Message:
        """Return the contract's strategy."""
        digest = documents.digest(self.offer)
        held = Contract(self.terms, self.offer, b"", digest, ContractStatus.PENDING)
        said: Message = dict(strategy.encode(held, self.terms.grants[0].dataset, self.product))
        if owned:
            said["subjectInfo"] = {**said["subjectInfo"], "dataProductEntityId": subject(self.terms.holder)}
        return said

    def template(self, template_id: str = "") -> Message:
        """Ask for templates."""
        return {**self.issuer, **({"templateId": contract_number.uuid(template_id)} if template_id else {})}

    def create(self) -> Message:
        """Offer the contract."""
        terms = self.terms
        return {
            "contractName": terms.scenario.id,
            "contractAbstract": terms.scenario.text,
            "issueTime": strategy.moment(terms.not_before_ms),
            "activationTime": strategy.moment(terms.not_before_ms),
            "endTime": strategy.moment(terms.not_after_ms),
            "signMode": "01",
            **self.issuer,
            "signature": self.offer.decode(),
        }

    def negotiate(self) -> Message:
        """Say what the contract is, and sign."""
        signed = {
            "entityId": subject(self.terms.consumer),
            "signature": self.offer.decode(),
            "signatoryTime": strategy.moment(self.terms.not_before_ms),
        }
        return {**self.named, "strategy": self.strategy(), "signatureList": [signed]}

    def registrate(self, acceptance: str, decided_ms: int) -> Message:
        """Have the contract both signed confirmed."""
        sides = ((self.terms.consumer, self.offer.decode()), (self.terms.holder, acceptance))
        return {
            **self.named,
            "strategy": self.strategy(owned=True),
            "signatoryEntities": [{"signatoryEntityId": subject(who), "signature": token} for who, token in sides],
            "signatoryTime": strategy.moment(decided_ms),
            "contractExpansionItem": self.terms.paper_sha256,
        }

    def execution(self, used: int) -> Message:
        """Report how far the contract is fulfilled."""
        return {
            **self.named,
            "strategy": self.strategy(),
            "executedStrategy": {
                "executedStrategyId": contract_number.uuid(self.terms.id),
                "executedActions": ["compute"],
                "executionResult": f"{used}/{self.terms.queries}",
            },
            "reportTime": strategy.moment(self.terms.not_before_ms),
        }

    def controlled(self) -> Message:
        """Name contract and strategy as the usage-control interfaces do."""
        return {
            "contractId": self.number,
            "strategyId": contract_number.uuid(self.terms.id),
            "connectorId": self.terms.consumer,
            "timestamp": strategy.moment(self.terms.not_before_ms),
        }

    def feedback(self, receipt: int, acknowledgement: str) -> Message:
        """Say that a use was allowed, and sign for its receipt."""
        told = {"result": "allowed", "details": {"receipt": receipt}, "signature": acknowledgement}
        return {**self.controlled(), **told}

    def termination(self, job_id: str) -> Message:
        """Have a use ended."""
        ended = {"terminationId": contract_number.uuid(job_id), "reason": "不再需要", "triggeredBy": "system"}
        return {**self.controlled(), **ended}

    def proof(self, receipt: int, jti: str, used: int, acknowledgement: str) -> Message:
        """Say that the contract is fulfilled, and sign for its last receipt."""
        log = {"receipt": receipt, "executionResult": f"{used}/{self.terms.queries}"}
        said = {"proofId": contract_number.uuid(jti), "log": log, "signature": acknowledgement}
        return {**self.controlled(), **said}

    def act(self, kind: ActKind, by: str, signer: Signer, digest: str = "", reason: str = "") -> bytes:
        """Return a side's signed word on the contract; a side signs or ends the offer, and verifies the acceptance."""
        digest = digest or documents.digest(self.offer)
        begun_s = self.terms.not_before_ms // 1000
        word = ContractAct(kind, by, self.terms.holder, self.terms.id, digest, reason, begun_s)
        return agreements.sign_act(word, signer)

    def send(self, act: bytes) -> Message:
        """Have the platform send its strategy down, signed."""
        return {
            "contractId": self.number,
            "strategyId": contract_number.uuid(self.terms.id),
            "strategyVersion": str(1 if self.terms.round is None else self.terms.round.number),
            "transactionExecutionStrategy": self.strategy(),
            "issuedAt": strategy.moment(self.terms.not_before_ms),
            "signature": act.decode(),
        }

    def terminate(self, act: bytes) -> Message:
        """End the contract before its time."""
        signed = strategy.moment(self.terms.not_before_ms)
        return {
            **self.named,
            **self.issuer,
            "issueTime": signed,
            "terminateType": "01",
            "activationTime": strategy.moment(self.terms.not_before_ms),
            "scheduledEndTime": strategy.moment(self.terms.not_after_ms),
            "agreedEndTime": signed,
            "signature": act.decode(),
        }

    def dataspace_message(self, kind: str, **more: object) -> Message:
        """Say something about a negotiation that is under way."""
        return {
            "@context": [dataspace.CONTEXT],
            "@type": kind,
            "providerPid": dataspace_offer.provider_pid(self.terms.holder, self.terms.id),
            "consumerPid": dataspace_offer.consumer_pid(self.terms.id),
            **more,
        }

    def next_round(self) -> Message:
        """Offer other terms."""
        told = {name: value for name, value in self.dataspace().items() if name in ("offer", "callbackAddress")}
        return self.dataspace_message("ContractRequestMessage", **told)

    def accepted(self) -> Message:
        """Accept the holder's counter-offer, whose terms this talk's offer signs."""
        signed = {"eventType": "ACCEPTED", dataspace_offer.SIGNED_OFFER: self.offer.decode()}
        return self.dataspace_message("ContractNegotiationEventMessage", **signed)

    def verified(self, act: bytes) -> Message:
        """Verify the agreement."""
        signed = {dataspace_offer.SIGNED_ACT: act.decode()}
        return self.dataspace_message("ContractAgreementVerificationMessage", **signed)

    def ended(self, act: bytes, reason: str) -> Message:
        """End the negotiation."""
        signed = {"code": "ENDED", "reason": [reason], dataspace_offer.SIGNED_ACT: act.decode()}
        return self.dataspace_message("ContractNegotiationTerminationMessage", **signed)

    def dataspace(self) -> Message:
        """Offer the contract in the Dataspace Protocol's words."""
        return {
            "@context": [dataspace.CONTEXT],
            "@type": "ContractRequestMessage",
            "consumerPid": dataspace_offer.consumer_pid(self.terms.id),
            "offer": dataspace_offer.offer(self.terms, self.offer.decode()),
            "callbackAddress": CALLBACK,
        }


def subject(connector: str) -> str:
    """Return the 18 characters of whose connector it is."""
    return connector_id.decode(connector).subject


TERMS = replace(made.TERMS, rules=scenes(("age_band", "city"))["数据联合计算"])
TALK = Talk(TERMS, made.offer(TERMS), "persons")
ACCEPTANCE = documents.sign_acceptance(made.acceptance(TERMS), made.RECEIPT_KEY).decode()
MEMBER = (made.CONSUMER, made.MEMBER_KEY)
ACKNOWLEDGEMENT = "eyJ0.eyJ9.c2ln"
REQUESTS: Mapping[str, Message] = {
    "dsp-catalog-request.schema.json": {
        "@context": [dataspace.CONTEXT],
        "@type": "CatalogRequestMessage",
        "filter": [],
    },
    "dsp-contract-request.schema.json": TALK.dataspace(),
    "tc609-contract-template.schema.json": TALK.template("ab" * 16),
    "tc609-contract-create.schema.json": TALK.create(),
    "tc609-contract-negotiate.schema.json": TALK.negotiate(),
    "tc609-contract-registrate.schema.json": TALK.registrate(ACCEPTANCE, made.START_S * 1000),
    "tc609-contract-execution.schema.json": TALK.execution(3),
    "tc609-contract-terminate.schema.json": TALK.terminate(TALK.act(ActKind.END, *MEMBER, reason="x")),
    "tc609-strategy-send.schema.json": TALK.send(TALK.act(ActKind.SIGN, *MEMBER)),
    "tc609-fulfillment-proof.schema.json": TALK.proof(9, "ef" * 16, 3, ACKNOWLEDGEMENT),
    "dsp-contract-round.schema.json": TALK.next_round(),
    "dsp-negotiation-event.schema.json": TALK.accepted(),
    "dsp-agreement-verification.schema.json": TALK.verified(TALK.act(ActKind.VERIFY, *MEMBER)),
    "dsp-negotiation-termination.schema.json": TALK.ended(TALK.act(ActKind.END, *MEMBER, reason="x"), "x"),
    "tc609-execution-feedback.schema.json": TALK.feedback(9, ACKNOWLEDGEMENT),
    "tc609-abnormal-termination.schema.json": TALK.termination("cd" * 16),
}
"""By the schema that describes it."""


def error() -> dict[str, Json]:
    """Return what is told of a refusal."""
    return telling.refusal(Refused(Reason.DATASET_UNKNOWN, Detail("persons")), "0" * 32)


def negotiated() -> Message:
    """Return the example of a contract spelled as the standard spells it, its signatures shortened."""
    said = TALK.negotiate()
    said["signatureList"][0]["signature"] = said["signatureList"][0]["signature"][:24] + "…"
    return said
