"""What an auditor computes with: the slots of one leaf, typed, or the finding that they are not there."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from yanmen.formats import acknowledgement, connector_id, json_members
from yanmen.formats.acknowledgement import WITHHELD
from yanmen.formats.json_canonical import Json
from yanmen.formats.malformed import Malformed
from yanmen.formats.question_slots import Reading, ReleaseRule, read_readings, read_scenario
from yanmen.formats.receipt import Disclosed, Head, Said, Slot, in_order
from yanmen.formats.slots import Budget, Decision, Price, Series, SignedRequest
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
)
_SERIES = frozenset({Slot.SERIES})
_REQUIRED: dict[Stage, frozenset[Slot]] = {
    stage: frozenset({Slot.SERIES, *slots})
    for stage, slots in {
        Stage.DATASET: (Slot.SUBJECT,),
        Stage.CONTRACT: _CONTRACT,
        Stage.APPROVAL: _CONTRACT,
        Stage.INTENT: _QUESTION,
        Stage.OUTCOME: (*_QUESTION, Slot.DECISION, Slot.OUTPUT),
        Stage.ABORTED: (*_QUESTION, Slot.DECISION),
        Stage.REFUSED: (Slot.DECISION,),
    }.items()
}
# Bound once: what was read is remembered by the very function that read it.
_SERIES_OF, _BUDGET, _PRICE, _DECISION = Series.read, Budget.read, Price.read, Decision.read
_REQUEST, _RELEASE = SignedRequest.read, ReleaseRule.read
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
    output: Json = None
    subject: Json = None
    given_sha256: bytes = b""


def read(index: int, leaf_hash: bytes, disclosed: Disclosed) -> tuple[Use, tuple[Finding, ...]]:
    """Return what the receipt of leaf `index` discloses, and what it should have disclosed and did not."""
    head, said, wrong = disclosed.leaf.head, disclosed.said, list[Finding]()

    def slot(name: Slot, reader: Callable[[Json], T]) -> T | None:
        one = said.get(name)
        if one is None:
            return None
        try:
            return one.read(reader)
        except Malformed:
            wrong.append(finding(Code.SLOT_MALFORMED, index, head.stage, name.value))
            return None

    question = head.stage in _ASKED
    missing = _REQUIRED.get(head.stage, _SERIES) - said.keys()
    wrong.extend(finding(Code.SLOT_WITHHELD, index, head.stage, name.value) for name in in_order(missing))
    use = Use(
        index=index,
        hash=leaf_hash,
        head=head,
        contract=slot(Slot.CONTRACT, _text) or "",
        series=slot(Slot.SERIES, _SERIES_OF),
        budget=slot(Slot.BUDGET, _BUDGET),
        price=slot(Slot.PRICE, _PRICE),
        decision=slot(Slot.DECISION, _DECISION),
        consumer=slot(Slot.CONSUMER, _connector),
        cnf=slot(Slot.CNF, acknowledgement.confirmed_key),
        request=slot(Slot.REQUEST, _REQUEST),
        query_sha256=slot(Slot.QUERY, _query),
        contract_digest=slot(Slot.CONTRACT_DIGEST, _text),
        scenario=slot(Slot.SCENARIO, read_scenario) if question else None,
        readings=slot(Slot.DATASETS, read_readings) if question else None,
        rule=slot(Slot.RELEASE, _RELEASE) if question else None,
        output=_value(said.get(Slot.OUTPUT)),
        subject=_value(said.get(Slot.SUBJECT)),
        given_sha256=_given(disclosed) if head.stage is Stage.OUTCOME else b"",
    )
    return use, tuple(wrong)


def _value(one: Said | None) -> Json:
    return None if one is None else one.value


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
    shown = (part for slot, part in zip(disclosed.said, disclosed.parts, strict=True) if slot not in WITHHELD)
    return hashlib.sha256(b"~".join((disclosed.leaf.jws, *shown, b""))).digest()
