"""What an auditor computes with: the slots of one leaf, typed, or the finding that they are not there."""

import hashlib
from collections.abc import Callable, Sequence
from typing import NamedTuple, TypeVar

from yanmen.formats import acknowledgement, base64url, connector_id, json_members
from yanmen.formats.acknowledgement import WITHHELD
from yanmen.formats.json_canonical import Json
from yanmen.formats.malformed import Malformed
from yanmen.formats.question_slots import Reading, ReleaseRule, read_readings, read_scenario
from yanmen.formats.receipt import Disclosed, Head, Said, Slot, in_order
from yanmen.formats.slots import Budget, Decision, Meter, Output, Price, Series, SignedRequest
from yanmen.model.contract import Scenario
from yanmen.model.receipt import Stage
from yanmen.verify.report import Code, Finding, finding

T = TypeVar("T")
"""The type of a slot's value."""

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
    }.items()
}
# Bound once: what was read is remembered by the very function that read it.
_SERIES_OF, _BUDGET, _PRICE, _DECISION = Series.read, Budget.read, Price.read, Decision.read
_REQUEST, _RELEASE, _METER, _OUTPUT = SignedRequest.read, ReleaseRule.read, Meter.read, Output.read
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


def read(index: int, leaf_hash: bytes, disclosed: Disclosed) -> tuple[Use, tuple[Finding, ...]]:
    """Return what the receipt of leaf `index` discloses, and what it should have disclosed and did not."""
    head, get, wrong = disclosed.leaf.head, disclosed.said.get, list[Slot]()
    asked = head.stage in ASKED
    subject = get(Slot.SUBJECT)
    ended = head.stage is Stage.OUTCOME
    use = Use(
        index,
        leaf_hash,
        base64url.encode(leaf_hash),
        head,
        _read(get(Slot.CONTRACT), _text, wrong) or "",
        _read(get(Slot.SERIES), _SERIES_OF, wrong),
        _read(get(Slot.BUDGET), _BUDGET, wrong),
        _read(get(Slot.PRICE), _PRICE, wrong),
        _read(get(Slot.DECISION), _DECISION, wrong),
        _read(get(Slot.CONSUMER), _connector, wrong),
        _read(get(Slot.CNF), acknowledgement.confirmed_key, wrong),
        _read(get(Slot.REQUEST), _REQUEST, wrong),
        _read(get(Slot.QUERY), _query, wrong),
        _read(get(Slot.CONTRACT_DIGEST), _text, wrong),
        _read(get(Slot.SCENARIO), read_scenario, wrong) if asked else None,
        _read(get(Slot.DATASETS), read_readings, wrong) if asked else None,
        _read(get(Slot.RELEASE), _RELEASE, wrong) if asked else None,
        _read(get(Slot.METER), _METER, wrong),
        _read(get(Slot.OUTPUT), _OUTPUT, wrong) if ended else None,
        None if subject is None else subject.value,
        _given(disclosed) if ended else b"",
    )
    missing = in_order(_REQUIRED.get(head.stage, _SERIES) - disclosed.said.keys())
    if not missing and not wrong:
        return use, ()
    malformed = (finding(Code.SLOT_MALFORMED, index, head.stage, slot.value) for slot in wrong)
    return use, (*malformed, *(finding(Code.SLOT_WITHHELD, index, head.stage, slot.value) for slot in missing))


def _read(one: Said | None, reader: Callable[[Json], T], wrong: list[Slot]) -> T | None:
    """Return what `reader` makes of a slot; None where it is not disclosed, or not well-formed, as `wrong` is told."""
    if one is None:
        return None
    try:
        return one.read(reader)
    except Malformed:
        wrong.append(one.slot)
        return None


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
    shown: Sequence[bytes] = disclosed.parts
    if not WITHHELD.isdisjoint(disclosed.said):
        shown = [part for slot, part in zip(disclosed.said, disclosed.parts, strict=True) if slot not in WITHHELD]
    return hashlib.sha256(b"~".join((disclosed.leaf.jws, *shown, b""))).digest()
