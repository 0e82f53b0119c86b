"""A step of a need (供需清单) as the payload of a JWS."""

import re

from yanmen.formats import connector_id, contract_constraints, question_slots
from yanmen.formats.json_canonical import Json
from yanmen.formats.json_members import exact, integer, text, texts
from yanmen.formats.malformed import Malformed
from yanmen.model.need import NeedAct, NeedStep

TYP = "yanmen-need+jws"
BYTES_MAX = 1024 * 1024
TEXT_MAX = 4000
ENTRIES_MAX = 100
RECEIPTS_MAX = 32
RECEIPT_MAX = 64 * 1024
_ID = re.compile(r"[0-9a-f]{32}", re.ASCII)
_SHA256 = re.compile(r"[0-9a-f]{64}", re.ASCII)
_MEMBERS = frozenset({"act", "by", "entries", "iat", "need", "previous", "receipts", "scenario", "text", "wanted"})


def encode(step: NeedStep) -> dict[str, Json]:
    """Return the payload of `step`; one that `decode` would refuse is refused here."""
    payload: dict[str, Json] = {
        "act": step.act.value,
        "by": step.by,
        "entries": list(step.entries),
        "iat": step.issued_s,
        "need": step.need,
        "previous": step.previous,
        "receipts": list(step.receipts),
        "scenario": question_slots.scenario_json(step.scenario),
        "text": step.text,
        "wanted": step.wanted,
    }
    decode(payload)
    return payload


def decode(payload: Json) -> NeedStep:
    """Return the step in a payload, which says for its act all it must and nothing else."""
    members = exact(payload, _MEMBERS)
    act = next((each for each in NeedAct if each.value == members["act"]), None)
    if act is None:
        raise Malformed("need: unknown act")
    step = NeedStep(
        need=text(members, "need", 32),
        act=act,
        by=connector_id.check(text(members, "by", connector_id.LENGTH)),
        previous=text(members, "previous", 64),
        scenario=question_slots.read_scenario(members["scenario"]),
        text=text(members, "text", TEXT_MAX),
        wanted=text(members, "wanted", TEXT_MAX),
        entries=texts(members, "entries", ENTRIES_MAX, 100),
        receipts=texts(members, "receipts", RECEIPTS_MAX, RECEIPT_MAX),
        issued_s=integer(members, "iat"),
    )
    _check(step)
    return step


def _check(step: NeedStep) -> None:
    first = step.act is NeedAct.FILED
    if _ID.fullmatch(step.need) is None or not step.text.strip():
        raise Malformed("need: an id of 32 hex digits and a text")
    if contract_constraints.SCENARIO_ID.fullmatch(step.scenario.id) is None:
        raise Malformed("need: not the id of a scenario")
    if (step.previous == "") is not first or (step.previous and _SHA256.fullmatch(step.previous) is None):
        raise Malformed("need: the first step follows nothing, every other the digest of one")
    if bool(step.wanted.strip()) is not first:
        raise Malformed("need: the first step says what is wanted, and only it")
    if bool(step.entries) is not (step.act is NeedAct.MATCHED):
        raise Malformed("need: matching names entries, and nothing else does")
    if bool(step.receipts) is not (step.act is NeedAct.USED):
        raise Malformed("need: use shows receipts, and nothing else does")
