"""The usage-control interfaces of TC609-6-2025-15, clause 9, that a consumer's connector calls."""

from yanmen.crypto import agreements
from yanmen.formats import contract_number
from yanmen.formats.json_canonical import Json
from yanmen.model.contract import Contract, ContractStatus
from yanmen.model.negotiation import ActKind
from yanmen.model.ports import Clock
from yanmen.model.receipt import Receipt
from yanmen.model.refusal import Detail, Reason, Refused
from yanmen.wire.api import NodeApi
from yanmen.wire.https import claims, telling
from yanmen.wire.https.claims import Message
from yanmen.wire.https.contracts import DONE, STATUS, check_strategy, saying
from yanmen.wire.https.entrance import Route, Visit

ACT = "/yanmen.wire.v1.ContractService/Act"
ACKNOWLEDGE = "/yanmen.wire.v1.LogService/Acknowledge"
CANCEL = "/yanmen.wire.v1.QueryService/Cancel"


class UsageControl:
    """策略下发、策略执行情况反馈、异常终止、履约证明."""

    def __init__(self, api: NodeApi, clock: Clock) -> None:
        """Hold the node, and the clock that says which contracts are over."""
        self._api = api
        self._clock = clock

    def routes(self) -> tuple[Route, ...]:
        """Return what is answered where."""
        tell = saying("status")
        feedback, ending = "tc609-execution-feedback.schema.json", "tc609-abnormal-termination.schema.json"
        return (
            Route("POST", "/strategySend", ACT, "tc609-strategy-send.schema.json", self.send, tell),
            Route("POST", "/fulfillmentProof", ACKNOWLEDGE, "tc609-fulfillment-proof.schema.json", self.proof, tell),
            Route("POST", "/executionFeedback", ACKNOWLEDGE, feedback, self.feedback, tell),
            Route("POST", "/abnormalTermination", CANCEL, ending, self.termination, tell),
        )

    def send(self, visit: Visit) -> Json:
        """Take the signature of a platform that a contract names as a side, under the strategy that it sends down."""
        said = visit.message
        held = claims.numbered(said, visit.party, self._api)
        claims.require("strategyId", same=claims.text(said, "strategyId") == contract_number.uuid(held.terms.id))
        check_strategy(claims.part(said, "transactionExecutionStrategy"), held, visit.party, self._api)
        rounds = 1 if held.terms.round is None else held.terms.round.number
        claims.require("strategyVersion", same=claims.text(said, "strategyVersion") == str(rounds))
        token = claims.ascii_bytes(claims.text(said, "signature"))
        word = claims.acted(token)
        signs = (word.act, word.contract, word.digest) == (ActKind.SIGN, held.terms.id, held.digest)
        claims.require("signature", same=signs)
        claims.require("issuedAt", same=claims.moment(said, "issuedAt") == word.issued_s * 1000)
        stands = self._api.act(visit.party, token)
        return {"status": DONE, "contractStatus": STATUS[stands.status]}

    def proof(self, visit: Visit) -> Json:
        """Take a consumer's last word on a contract that is over: books, and its last receipt or proof of deletion."""
        held, said = self._contract(visit), visit.message
        log = claims.part(said, "log")
        left = self._api.balance(visit.party, held.terms.id)
        over = held.status is ContractStatus.REVOKED or left.queries_left == 0
        if not over and self._clock.now_ms() < held.terms.not_after_ms:
            hint_en, hint_zh = "The contract goes on: prove it once it is over.", "合约仍在履行，请在结束后提交。"
            raise Refused(Reason.CONTRACT_MALFORMED, Detail("contractId", hint_en=hint_en, hint_zh=hint_zh))
        books = f"{held.terms.queries - left.queries_left}/{held.terms.queries}"
        claims.require("log/executionResult", same=claims.text(log, "executionResult") == books)
        token = claims.ascii_bytes(claims.text(said, "signature"))
        if agreements.is_deletion(token):
            return self._deleted(held, token, visit)
        given = self._given(log, visit)
        claims.require("proofId", same=claims.text(said, "proofId") == contract_number.uuid(given.jti))
        return self._acknowledged(given, visit)

    def _deleted(self, held: Contract, token: bytes, visit: Visit) -> Json:
        """Take a consumer's proof that what was released is destroyed, where the contract asks for one."""
        claims.require("proofId", same=claims.text(visit.message, "proofId") == contract_number.uuid(held.terms.id))
        claims.require("signature", same=claims.proved(token).contract == held.terms.id)
        stands = self._api.act(visit.party, token)
        return {"status": DONE, "contractStatus": STATUS[stands.status]}

    def feedback(self, visit: Visit) -> Json:
        """Record that the caller has the receipt of a use that was allowed; its signature says so."""
        self._contract(visit)
        said = visit.message
        if claims.text(said, "result") != "allowed":
            hint_en = "Answers are acknowledged; about a refusal, its own receipt speaks, or an objection."
            hint_zh = "仅确认已获答复的使用；对拒绝有异议的，请提出数据异议。"
            raise Refused(Reason.REQUEST_MALFORMED, Detail("result", hint_en=hint_en, hint_zh=hint_zh))
        return self._acknowledged(self._given(claims.part(said, "details"), visit), visit)

    def termination(self, visit: Visit) -> Json:
        """End the use of the caller that is named, whose receipt has the reason; one that ended stays ended."""
        self._contract(visit)
        # What the holder ends, its own orders end: nobody else's word is taken for the provider's.
        claims.require("triggeredBy", same=claims.text(visit.message, "triggeredBy") == "system")
        job_id = contract_number.of_uuid(claims.text(visit.message, "terminationId"))
        self._api.cancel(visit.party, job_id, claims.text(visit.message, "reason"))
        return {"status": DONE}

    def _given(self, said: Message, visit: Visit) -> Receipt:
        index = said.get("receipt")
        return self._api.receipt(visit.party, index if isinstance(index, int) else 0)

    def _acknowledged(self, given: Receipt, visit: Visit) -> Json:
        """Record the caller's signature under a receipt; once is enough, and a false one is none the second time."""
        token = claims.ascii_bytes(claims.text(visit.message, "signature"))
        claims.acknowledged(token, given, visit.party)
        return {"status": DONE, "receipt": telling.receipt(self._api.acknowledge(visit.party, given.index, token))}

    def _contract(self, visit: Visit) -> Contract:
        said, party = visit.message, visit.party
        claims.require("connectorId", same=claims.text(said, "connectorId") == party.id)
        held = claims.numbered(said, party, self._api)
        same = claims.text(said, "strategyId") == contract_number.uuid(held.terms.id)
        claims.require("strategyId", same=same)
        claims.moment(said, "timestamp")
        return held
