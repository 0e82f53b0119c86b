"""What each leaf says: slot values made from the stages' own values, without storage."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass

from yanmen.formats import base64url
from yanmen.formats.bill import Bill
from yanmen.formats.json_canonical import Json
from yanmen.formats.question_slots import Reading, ReleaseRule, Sensitivity, scenario_json
from yanmen.formats.receipt import Slot
from yanmen.formats.released import Table
from yanmen.formats.slots import Budget, Decision, Meter, Output, Price, SignedRequest, Verdict
from yanmen.model.catalogue import DatasetClass
from yanmen.model.contract import ContractStatus
from yanmen.model.party import Party
from yanmen.model.refusal import JobCode, Reason, Refused, Usage
from yanmen.model.stages import Plan, Request, Submission

ASKED_BYTES_MAX = 16 * 1024
"""Longest question kept in a disclosure: what may be asked. A longer one, which is refused, leaves its digest."""
EMITTED_BYTES_MAX = 64 * 1024
"""Longest SQL of ours kept in a disclosure; a longer one, of long key domains, leaves its digest."""
TEXT_MAX = 1024
"""Longest text taken over from a refusal's detail."""
CLAUSES_MAX = 50
CPU_STEP_MS = 100

Slots = dict[Slot, Json]


@dataclass(frozen=True, slots=True)
class ContractRow:
    """What identifies a contract even when its offer can no longer be read."""

    id: str
    consumer: str
    digest: str


def use(plan: Plan, budget: Budget, price: Price, verdict: Verdict, meter: Meter) -> Slots:
    """Say what is asked of the data, by whom, under what, how it is measured and what was debited for it."""
    return {
        **_question(plan),
        Slot.BUDGET: budget.json(),
        Slot.PRICE: price.json(),
        Slot.METER: meter.json(),
        Slot.DECISION: Decision(verdict).json(),
    }


def outcome(intended: Mapping[Slot, Json], table: Table, encoded: bytes, *, repeats: str = "") -> Slots:
    """Say what left: everything the intent said and the salted digest of the released table.

    `repeats` is the `jti` of the outcome whose figures these are, when the question had been answered before.
    """
    return {
        **intended,
        Slot.OUTPUT: Output(
            columns=len(table.types),
            rows=len(table.rows),
            sha256=hashlib.sha256(encoded).hexdigest(),
            suppressed=table.suppressed,
            mechanism=table.mechanism,
            repeats=repeats,
        ).json(),
    }


def sandbox(profile_digest: str) -> Slots:
    """Say what confined the job."""
    return {Slot.SANDBOX: {"profile": profile_digest}}


def aborted(intended: Mapping[Slot, Json], reason: Reason, why: str = "", *, recovered: bool) -> Slots:
    """Say that nothing left; what the intent debited stays spent."""
    return {
        **intended,
        Slot.DECISION: Decision(Verdict.ABORTED, reason.value).json(),
        Slot.SUBJECT: {"recovered": recovered, **({"why": why[:TEXT_MAX]} if why else {})},
    }


def usage(used: Usage, code: JobCode | None) -> Slots:
    """Say what the job used, rounded up, and how it failed: for the auditor only (log.WITHHELD)."""
    return {
        Slot.USAGE: {
            "code": "" if code is None else code.value,
            "cpu_ms_upto": -(-used.cpu_ms // CPU_STEP_MS) * CPU_STEP_MS,
            "peak_bytes_upto": _power_of_two(used.peak_bytes),
            "reply_bytes_upto": _power_of_two(used.reply_bytes),
        }
    }


def refused(submission: Submission, request: Request | None, refusal: Refused) -> Slots:
    """Say what was asked and why not; `request` is there only when its signature verified."""
    slots: Slots = {
        Slot.CONSUMER: submission.peer.id,
        Slot.CNF: _confirmation(submission.peer),
        Slot.QUERY: _statement(submission.sql),
        Slot.DECISION: Decision(Verdict.REFUSED, refusal.reason.value).json(),
        Slot.SUBJECT: {
            "clauses": [clause[:TEXT_MAX] for clause in refusal.detail.clauses[:CLAUSES_MAX]],
            "column": refusal.detail.column,
            "contract": "" if request is None else request.contract_id[:TEXT_MAX],
            "line": refusal.detail.line,
            "subject": refusal.detail.subject[:TEXT_MAX],
        },
    }
    if request is not None:
        slots[Slot.REQUEST] = _signed(submission)
    return slots


def turned_away(peer: Party, refusal: Refused) -> Slots:
    """Say who was not let in, and why; nothing it sent was read."""
    return {
        Slot.CONSUMER: peer.id,
        Slot.CNF: _confirmation(peer),
        Slot.DECISION: Decision(Verdict.REFUSED, refusal.reason.value).json(),
    }


def explained(plan: Plan, budget: Budget, price: Price, *, free: bool) -> Slots:
    """Say what was explained and quoted; nothing was debited."""
    quoted: Json = {"micro_rho": plan.micro_rho, "price_fen": 0 if free else plan.price_fen}
    return {**use(plan, budget, price, Verdict.ALLOWED, Meter(plan.metered, free=free)), Slot.SUBJECT: quoted}


def contract(row: ContractRow, status: ContractStatus, actor: str, signed: bytes) -> Slots:
    """Say how a contract stands now, with the `signed` document that made it so, if there is one."""
    slots: Slots = {
        Slot.CONTRACT: row.id,
        Slot.CONTRACT_DIGEST: row.digest,
        Slot.CONSUMER: row.consumer,
        Slot.SUBJECT: {"document": signed.decode("ascii"), "status": status.value},
    }
    if actor:
        slots[Slot.ACTOR] = actor
    return slots


def statement(bill: Bill, token: bytes) -> Slots:
    """Say which statement of account was issued: its period and the digest of the signed document."""
    return {
        Slot.SUBJECT: {
            "from_s": bill.period.from_s,
            "statement_sha256": hashlib.sha256(token).hexdigest(),
            "to_s": bill.period.to_s,
        }
    }


def _question(plan: Plan) -> Slots:
    admitted = plan.admitted
    return {
        Slot.CONTRACT: admitted.contract.terms.id,
        Slot.CONTRACT_DIGEST: admitted.contract.digest,
        Slot.CONSUMER: admitted.request.consumer,
        Slot.CNF: _confirmation(admitted.submission.peer),
        Slot.SCENARIO: scenario_json(admitted.contract.terms.scenario),
        Slot.DATASETS: [
            Reading(scan.version.dataset.name, scan.version.version, scan.columns).json() for scan in plan.scans
        ],
        Slot.POLICY: admitted.policy_digest,
        Slot.REQUEST: _signed(admitted.submission),
        Slot.QUERY: _statement(admitted.submission.sql),
        Slot.PLAN: {**_statement(plan.sql, EMITTED_BYTES_MAX), "canonical_sha256": _sha256(plan.canonical)},
        Slot.RELEASE: _rule(plan).json(),
    }


def _rule(plan: Plan) -> ReleaseRule:
    """Return by which rule the answer may leave; what gets noise is fixed here, before data is touched."""
    noisy = plan.aggregates if plan.release is DatasetClass.PERSONAL else ()
    sensitivities = tuple(Sensitivity(each.name, each.l2_squared) for each in noisy)
    return ReleaseRule(plan.release, plan.min_group, sensitivities)


def _signed(submission: Submission) -> Json:
    return SignedRequest(submission.binding, submission.authorisation.decode("ascii")).json()


def _confirmation(peer: Party) -> Json:
    """Return the consumer's key as RFC 7800 §3.2 names it, so that it can acknowledge with a `kb+jwt`."""
    return {"jwk": {"crv": "Ed25519", "kty": "OKP", "x": base64url.encode(peer.signing_key)}}


def _statement(sql: str, bytes_max: int = ASKED_BYTES_MAX) -> dict[str, Json]:
    encoded = sql.encode()
    return {"sha256": hashlib.sha256(encoded).hexdigest(), "sql": sql if len(encoded) <= bytes_max else ""}


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _power_of_two(value: int) -> int:
    return 1 << (value - 1).bit_length() if value > 0 else 0
