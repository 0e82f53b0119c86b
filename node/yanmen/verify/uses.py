"""What an auditor computes with: the slots of one leaf, typed, or the finding that they are not there."""

import hashlib
import operator
from collections.abc import Callable
from itertools import filterfalse
from typing import NamedTuple

from yanmen.formats import acknowledgement, connector_id, json_members
from yanmen.formats.acknowledgement import WITHHELD
from yanmen.formats.json_canonical import Json
from yanmen.formats.malformed import Malformed
from yanmen.formats.question_slots import Reading, ReleaseRule, read_readings, read_scenario
from yanmen.formats.receipt import Disclosed, Head, Slot, in_order
from yanmen.formats.slots import Budget, Decision, Meter, Output, Price, Series, SignedRequest
from yanmen.model.contract import Scenario
from yanmen.model.receipt import Stage
from yanmen.verify.report import Code, Finding, finding

QUERY_MAX = 256 * 1024
"""Longest question read: more than a disclosure may hold."""
_CHARGE = (Slot.CONTRACT, Slot.BUDGET, Slot.PRICE)
_CONTRACT = (Slot.CONTRACT, Slot.CONTRACT_DIGEST, Slot.CONSUMER, Slot.SUBJECT)
QUESTION = (
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
"""What each leaf of a question says; an intent, an outcome and an aborted one say more."""
_SERIES = frozenset({Slot.SERIES})
_REQUIRED: dict[Stage, frozenset[Slot]] = {
    stage: frozenset({Slot.SERIES, *slots})
    for stage, slots in {
        Stage.DATASET: (Slot.SUBJECT,),
        Stage.CONTRACT: _CONTRACT,
        Stage.APPROVAL: _CONTRACT,
        Stage.INTENT: QUESTION,
        Stage.OUTCOME: (*QUESTION, Slot.DECISION, Slot.OUTPUT),
        Stage.ABORTED: (*QUESTION, Slot.DECISION),
        Stage.REFUSED: (Slot.DECISION,),
        Stage.INSPECTION: (Slot.SUBJECT,),
        Stage.DOCUMENT: (Slot.SUBJECT,),
        Stage.CONTROL: (Slot.SUBJECT,),
        Stage.GENESIS: (Slot.SUBJECT,),
        Stage.KEY: (Slot.SUBJECT,),
        Stage.MEMBER: (Slot.SUBJECT,),
        Stage.OBJECTION: (Slot.SUBJECT,),
        Stage.INCIDENT: (Slot.SUBJECT,),
        Stage.STATEMENT: (Slot.SUBJECT,),
        Stage.ERASURE: (Slot.SUBJECT,),
    }.items()
}
ASKED = frozenset({Stage.INTENT, Stage.OUTCOME, Stage.ABORTED})
"""Stages of a question under a contract."""


class Use(NamedTuple):
    """One leaf as metering sees it; a slot that is not disclosed, or malformed, is None.

    `contract` is empty for a leaf about no contract: those leaves form a series of their own.
    `reference` is how other leaves name this one; `output` is None unless this is an answer.
    `subject` is as disclosed, not read yet: what it means depends on who asks.
    """

    index: int  # type: ignore[assignment]  # tuples have a method of this name, which is not needed
    hash: bytes
    reference: str
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
    output: Output | None = None
    subject: Json = None
    given_sha256: bytes = b""


def read(index: int, leaf_hash: bytes, reference: str, disclosed: Disclosed) -> tuple[Use, tuple[Finding, ...]]:
    """Return what the receipt of leaf `index` discloses, and what it should have disclosed and did not."""
    head, said, wrong = disclosed.leaf.head, disclosed.said, list[Slot]()
    places = _PLACES.get(head.stage, _ANYWHERE)
    for one in filterfalse(_IS_READ, said.values()):
        if one.slot in places:
            try:
                one.read(_READERS[one.slot])
            except Malformed:
                wrong.append(one.slot)
    made: dict[Slot | None, object] = dict(zip(said, map(_MADE, said.values()), strict=True))
    subject = said.get(Slot.SUBJECT)
    values = (
        index,
        leaf_hash,
        reference,
        head,
        made.get(Slot.CONTRACT) or "",
        *map(made.get, places[1:]),
        None if subject is None else subject.value,
        _given(disclosed) if head.stage is Stage.OUTCOME else b"",
    )
    use = Use._make(values)
    required = _REQUIRED.get(head.stage, _SERIES)
    if not wrong and said.keys() >= required:
        return use, ()
    missing = in_order(required - said.keys())
    malformed = (finding(Code.SLOT_MALFORMED, index, head.stage, slot.value) for slot in wrong)
    return use, (*malformed, *(finding(Code.SLOT_WITHHELD, index, head.stage, slot.value) for slot in missing))


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
    shown = dict(zip(disclosed.said, disclosed.parts, strict=True))
    for slot in WITHHELD:
        shown.pop(slot, None)
    return hashlib.sha256(b"~".join((disclosed.leaf.jws, *shown.values(), b""))).digest()


# A slot has one reader: what it made is remembered where receipts share what they say.
_READERS: dict[Slot, Callable[[Json], object]] = {
    Slot.CONTRACT: _text,
    Slot.SERIES: Series.read,
    Slot.BUDGET: Budget.read,
    Slot.PRICE: Price.read,
    Slot.DECISION: Decision.read,
    Slot.CONSUMER: _connector,
    Slot.CNF: acknowledgement.confirmed_key,
    Slot.REQUEST: SignedRequest.read,
    Slot.QUERY: _query,
    Slot.CONTRACT_DIGEST: _text,
    Slot.SCENARIO: read_scenario,
    Slot.DATASETS: read_readings,
    Slot.RELEASE: ReleaseRule.read,
    Slot.METER: Meter.read,
    Slot.OUTPUT: Output.read,
}
_IN_USE: tuple[Slot | None, ...] = (
    Slot.CONTRACT,
    Slot.SERIES,
    Slot.BUDGET,
    Slot.PRICE,
    Slot.DECISION,
    Slot.CONSUMER,
    Slot.CNF,
    Slot.REQUEST,
    Slot.QUERY,
    Slot.CONTRACT_DIGEST,
    Slot.SCENARIO,
    Slot.DATASETS,
    Slot.RELEASE,
    Slot.METER,
    Slot.OUTPUT,
)
_OF_QUESTIONS = {Slot.SCENARIO, Slot.DATASETS, Slot.RELEASE}
_ANYWHERE = tuple(None if slot in {*_OF_QUESTIONS, Slot.OUTPUT} else slot for slot in _IN_USE)
_ASKED = tuple(None if slot is Slot.OUTPUT else slot for slot in _IN_USE)
_PLACES = {Stage.INTENT: _ASKED, Stage.ABORTED: _ASKED, Stage.OUTCOME: _IN_USE}
"""What is read at which stage, in the order of a `Use`; at other stages than these only `_ANYWHERE`."""
_IS_READ, _MADE = operator.attrgetter("reader"), operator.attrgetter("made")
