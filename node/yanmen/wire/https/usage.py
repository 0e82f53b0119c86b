"""The usage-control interfaces of TC609-6-2025-15, clause 9, that a consumer's connector calls."""

from yanmen.formats import contract_number
from yanmen.formats.json_canonical import Json
from yanmen.model.contract import Contract
from yanmen.model.refusal import Detail, Reason, Refused
from yanmen.wire.api import NodeApi
from yanmen.wire.https import claims, telling
from yanmen.wire.https.contracts import DONE, saying
from yanmen.wire.https.entrance import Route, Visit

ACKNOWLEDGE = "/yanmen.wire.v1.LogService/Acknowledge"
CANCEL = "/yanmen.wire.v1.QueryService/Cancel"


class UsageControl:
    """策略执行情况反馈、异常终止."""

    def __init__(self, api: NodeApi) -> None:
        """Hold the node."""
        self._api = api

    def routes(self) -> tuple[Route, ...]:
        """Return what is answered where."""
        tell = saying("status")
        feedback, ending = "tc609-execution-feedback.schema.json", "tc609-abnormal-termination.schema.json"
        return (
            Route("POST", "/executionFeedback", ACKNOWLEDGE, feedback, self.feedback, tell),
            Route("POST", "/abnormalTermination", CANCEL, ending, self.termination, tell),
        )

    def feedback(self, visit: Visit) -> Json:
        """Record that the caller has the receipt of a use that was allowed; its signature says so."""
        self._contract(visit)
        said = visit.message
        if claims.text(said, "result") != "allowed":
            hint_en = "Answers are acknowledged; about a refusal, its own receipt speaks, or an objection."
            hint_zh = "仅确认已获答复的使用；对拒绝有异议的，请提出数据异议。"
            raise Refused(Reason.REQUEST_MALFORMED, Detail("result", hint_en=hint_en, hint_zh=hint_zh))
        index = claims.part(said, "details").get("receipt")
        token = claims.ascii_bytes(claims.text(said, "signature"))
        recorded = self._api.acknowledge(visit.party, index if isinstance(index, int) else 0, token)
        return {"status": DONE, "receipt": telling.receipt(recorded)}

    def termination(self, visit: Visit) -> Json:
        """End the use of the caller that is named; one that ended already stays ended."""
        self._contract(visit)
        # What the holder ends, its own orders end: nobody else's word is taken for the provider's.
        claims.require("triggeredBy", same=claims.text(visit.message, "triggeredBy") == "system")
        self._api.cancel(visit.party, contract_number.of_uuid(claims.text(visit.message, "terminationId")))
        return {"status": DONE}

    def _contract(self, visit: Visit) -> Contract:
        said, party = visit.message, visit.party
        claims.require("connectorId", same=claims.text(said, "connectorId") == party.id)
        held = claims.numbered(said, party, self._api)
        same = claims.text(said, "strategyId") == contract_number.uuid(held.terms.id)
        claims.require("strategyId", same=same)
        claims.moment(said, "timestamp")
        return held
