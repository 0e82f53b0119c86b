"""What an auditor computes with: the slots of one leaf, typed, or the finding that they are not there."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from yanmen.formats import acknowledgement, connector_id, json_members
from yanmen.formats.json_canonical import Json
from yanmen.formats.malformed import Malformed
from yanmen.formats.question_slots import Reading, ReleaseRule, read_readings, read_scenario
from yanmen.formats.receipt import Disclosed, Head, Slot
from yanmen.formats.slots import Budget, Decision, Meter, Price, Series, SignedRequest
from yanmen.model.contract import Scenario
from yanmen.model.receipt import Stage
from yanmen.verify.report import Code, Finding, finding

T = TypeVar("T")
"""The type of a slot's value."""

QUERY_MAX = 256 * 1024
"""Longest question read: more than a disclosure may hold."""
_CHARGE = (Slot.CONTRACT, Slot.BUDGET, Slot.PRICE)
_CONTRACT = (Slot.CONTRACT, Slot.CONTRACT_DIGEST, Slot.CONSUMER, Slot.SUBJECT)
_QUESTION = (
    *_CHARGE,
    Slot.CONTRACT_DIGEST,
    Slot.CONSUMER,
    Slot.CNF,
    Slot.SCENARIO,
    Slot.DATASETS,
    Slot.POLICY,
    Slot.REQUEST,
    Slot.QUERY,
    Slot.PLAN,
    Slot.RELEASE,
    Slot.METER,
)
_REQUIRED: dict[Stage, tuple[Slot, ...]] = {
    Stage.DATASET: (Slot.SUBJECT,),
    Stage.CONTRACT: _CONTRACT,
    Stage.APPROVAL: _CONTRACT,
    Stage.INTENT: _QUESTION,
    Stage.OUTCOME: (*_QUESTION, Slot.DECISION, Slot.OUTPUT),
    Stage.ABORTED: (*_QUESTION, Slot.DECISION),
    Stage.REFUSED: (Slot.DECISION,),
    Stage.INSPECTION: (Slot.SUBJECT,),
}

_ASKED = frozenset({Stage.INTENT, Stage.OUTCOME, Stage.ABORTED})


@dataclass(frozen=True, slots=True)
class Use:
    """One leaf as metering sees it; a slot that is not disclosed, or malformed, is None.

    `contract` is empty for a leaf about no contract: those leaves form a series of their own.
    `output` and `subject` are as disclosed, not read yet: what they mean depends on who asks.
    """

    index: int
    hash: bytes
    head: Head
    contract: str
    series: Series | None
    budget: Budget | None
    price: Price | None
    decision: Decision | None
    consumer: str | None
    cnf: bytes | None
    request: SignedRequest | None
    query_sha256: str | None
    contract_digest: str | None = None
    scenario: Scenario | None = None
    readings: tuple[Reading, ...] | None = None
    rule: ReleaseRule | None = None
    meter: Meter | None = None
    output: Json = None
    subject: Json = None
    given_sha256: bytes = b""


def read(index: int, leaf_hash: bytes, disclosed: Disclosed) -> tuple[Use, tuple[Finding, ...]]:
    """Return what the receipt of leaf `index` discloses, and what it should have disclosed and did not."""
    head, slots, wrong = disclosed.leaf.head, disclosed.slots, list[Finding]()

    def slot(name: Slot, reader: Callable[[Json], T]) -> T | None:
        if name not in slots:
            return None
        try:
            return reader(slots[name])
        except Malformed:
            wrong.append(finding(Code.SLOT_MALFORMED, index, head.stage, name.value))
            return None

    question = head.stage in _ASKED
    required = (Slot.SERIES, *_REQUIRED.get(head.stage, ()))
    wrong.extend(finding(Code.SLOT_WITHHELD, index, head.stage, name.value) for name in required if name not in slots)
    use = Use(
        index=index,
        hash=leaf_hash,
        head=head,
        contract=slot(Slot.CONTRACT, _text) or "",
        series=slot(Slot.SERIES, Series.read),
        budget=slot(Slot.BUDGET, Budget.read),
        price=slot(Slot.PRICE, Price.read),
        decision=slot(Slot.DECISION, Decision.read),
        consumer=slot(Slot.CONSUMER, _connector),
        cnf=slot(Slot.CNF, acknowledgement.confirmed_key),
        request=slot(Slot.REQUEST, SignedRequest.read),
        query_sha256=slot(Slot.QUERY, _query),
        contract_digest=slot(Slot.CONTRACT_DIGEST, _text),
        scenario=slot(Slot.SCENARIO, read_scenario) if question else None,
        readings=slot(Slot.DATASETS, read_readings) if question else None,
        rule=slot(Slot.RELEASE, ReleaseRule.read) if question else None,
        meter=slot(Slot.METER, Meter.read),
        output=slots.get(Slot.OUTPUT),
        subject=slots.get(Slot.SUBJECT),
        given_sha256=_given(disclosed) if head.stage is Stage.OUTCOME else b"",
    )
    return use, tuple(wrong)


def _text(value: Json) -> str:
    if not isinstance(value, str) or not value:
        raise Malformed("not a text")
    return value


def _query(value: Json) -> str:
    """Return the digest of the question; its text, which may be left out for length, must have that digest."""
    members = json_members.exact(value, frozenset({"sha256", "sql"}))
    sql, digest = json_members.text(members, "sql", QUERY_MAX), json_members.text(members, "sha256")
    if sql and hashlib.sha256(sql.encode()).hexdigest() != digest:
        raise Malformed("not the digest of this question")
    return digest


def _connector(value: Json) -> str:
    return connector_id.check(_text(value))


def _given(disclosed: Disclosed) -> bytes:
    """Return the hash of the receipt as its consumer was given it: what an acknowledgement binds."""
    return acknowledgement.sd_hash(acknowledgement.as_given(disclosed))
