"""A step of an inspection's finding as the payload of a JWS: signed by the inspector, or by the node that rectified."""

import re

from yanmen.formats import checkpoint, connector_id
from yanmen.formats.json_canonical import Json
from yanmen.formats.json_members import exact, flag, integer, text
from yanmen.formats.malformed import Malformed
from yanmen.model.inspection import Act, Step

TYP = "yanmen-inspection+jws"
BYTES_MAX = 64 * 1024
TEXT_MAX = 4000

_ID = re.compile(r"[0-9a-f]{32}", re.ASCII)
_SHA256 = re.compile(r"[0-9a-f]{64}", re.ASCII)
_MEMBERS = frozenset(
    {"act", "by", "deadline_s", "finding", "iat", "index", "node", "origin", "passed", "previous", "text"}
)


def encode(step: Step) -> dict[str, Json]:
    """Return the payload of `step`; one that `decode` would refuse is refused here."""
    payload: dict[str, Json] = {
        "act": step.act.value,
        "by": step.by,
        "deadline_s": step.deadline_s,
        "finding": step.finding,
        "iat": step.issued_s,
        "index": step.index,
        "node": step.node,
        "origin": step.origin,
        "passed": step.passed,
        "previous": step.previous,
        "text": step.text,
    }
    decode(payload)
    return payload


def decode(payload: Json) -> Step:
    """Return the step in a payload, which says for its act all it must and nothing else."""
    members = exact(payload, _MEMBERS)
    act = next((each for each in Act if each.value == members["act"]), None)
    if act is None:
        raise Malformed("inspection: unknown act")
    step = Step(
        finding=text(members, "finding", 32),
        act=act,
        by=connector_id.check(text(members, "by", 32)),
        node=connector_id.check(text(members, "node", 32)),
        previous=text(members, "previous", 64),
        issued_s=integer(members, "iat"),
        text=text(members, "text", TEXT_MAX),
        origin=text(members, "origin"),
        index=integer(members, "index"),
        deadline_s=integer(members, "deadline_s"),
        passed=flag(members, "passed"),
    )
    _check(step)
    return step


def _check(step: Step) -> None:
    if _ID.fullmatch(step.finding) is None or not step.text.strip():
        raise Malformed("inspection: a finding has an id of 32 hex digits and a text")
    first = step.act is Act.OPENED
    if (step.previous == "") is not first or (step.previous and _SHA256.fullmatch(step.previous) is None):
        raise Malformed("inspection: the first step follows nothing, every other the digest of one")
    if step.origin and (not first or checkpoint.origin_node(step.origin) != step.node):
        raise Malformed("inspection: only the first step names a leaf, and one of this node")
    if step.index and not step.origin:
        raise Malformed("inspection: a leaf of no log")
    sets_deadline = first or (step.act is Act.RECHECKED and not step.passed)
    if (step.deadline_s > step.issued_s) is not sets_deadline or (step.deadline_s and not sets_deadline):
        raise Malformed("inspection: a deadline is set when a finding is opened or has not passed, and lies ahead")
    if step.passed and step.act is not Act.RECHECKED:
        raise Malformed("inspection: only a recheck passes")
    if (step.by == step.node) is not (step.act is Act.RECTIFIED):
        raise Malformed("inspection: the node rectifies, and inspects nothing of its own")
