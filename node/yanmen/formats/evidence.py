"""A report of evidence to the platform, and its receipt, as payloads of JWS."""

import re
from collections.abc import Mapping

from yanmen.formats import base64url, connector_id
from yanmen.formats.json_canonical import Json
from yanmen.formats.json_members import Object, exact, integer, items, text
from yanmen.formats.malformed import Malformed
from yanmen.model.evidence import ContractUses, EvidenceReceipt, EvidenceReport
from yanmen.model.receipt import Stage

TYP = "yanmen-evidence+jws"
RECEIPT_TYP = "yanmen-evidence-receipt+jws"
BYTES_MAX = 128 * 1024
USES_MAX = 500
"""Contracts that one report names; the others stand together."""
HEAD_MAX = 16 * 1024
GROWTH_MAX = 128
_MEMBERS = frozenset(
    {"growth", "head", "iat", "node", "number", "previous", "since", "stages", "uses"},
)
_USES = frozenset({"aborted", "answered", "asked", "contract"})
_RECEIPT = frozenset({"by", "iat", "node", "number", "report_sha256"})
_SHA256 = re.compile(r"[0-9a-f]{64}", re.ASCII)
_CONTRACT = re.compile(r"(?:[0-9a-f]{32})?", re.ASCII)


def encode(report: EvidenceReport) -> dict[str, Json]:
    """Return the payload of `report`; one that `decode` would refuse is refused here."""
    payload: dict[str, Json] = {
        "growth": [base64url.encode(each) for each in report.growth],
        "head": report.head,
        "iat": report.issued_s,
        "node": report.node,
        "number": report.number,
        "previous": report.previous,
        "since": report.since,
        "stages": {stage.value: count for stage, count in report.stages.items()},
        "uses": [
            {"aborted": each.aborted, "answered": each.answered, "asked": each.asked, "contract": each.contract}
            for each in report.uses
        ],
    }
    decode(payload)
    return payload


def decode(payload: Json) -> EvidenceReport:
    """Return the report in a payload."""
    members = exact(payload, _MEMBERS)
    report = EvidenceReport(
        node=connector_id.check(text(members, "node", connector_id.LENGTH)),
        number=integer(members, "number", 1),
        previous=text(members, "previous", 64),
        head=text(members, "head", HEAD_MAX),
        since=integer(members, "since"),
        growth=tuple(_hash(each) for each in items(members, "growth", GROWTH_MAX)),
        stages=_stages(members["stages"]),
        uses=tuple(_uses(each) for each in items(members, "uses", USES_MAX + 1)),
        issued_s=integer(members, "iat"),
    )
    if bool(report.previous) is not (report.number > 1) or (report.previous and not _SHA256.fullmatch(report.previous)):
        raise Malformed("evidence: every report but the first names the one before it")
    names = [each.contract for each in report.uses]
    if names != sorted(set(names)):
        raise Malformed("evidence: contracts in order, each once")
    return report


def encode_receipt(value: EvidenceReceipt) -> dict[str, Json]:
    """Return the payload of a receipt; one that `decode_receipt` would refuse is refused here."""
    payload: dict[str, Json] = {
        "by": value.by,
        "iat": value.issued_s,
        "node": value.node,
        "number": value.number,
        "report_sha256": value.report_sha256,
    }
    decode_receipt(payload)
    return payload


def decode_receipt(payload: Json) -> EvidenceReceipt:
    """Return the platform's receipt in a payload."""
    members = exact(payload, _RECEIPT)
    digest = text(members, "report_sha256", 64)
    if _SHA256.fullmatch(digest) is None:
        raise Malformed("evidence: a receipt names the hex SHA-256 of its report")
    by, node = (connector_id.check(text(members, name, connector_id.LENGTH)) for name in ("by", "node"))
    return EvidenceReceipt(by, node, digest, integer(members, "number", 1), integer(members, "iat"))


def _hash(value: Json) -> bytes:
    if not isinstance(value, str):
        raise Malformed("evidence: a hash is text")
    return base64url.decode_sized(value, 32)


def _stages(value: Json) -> Mapping[Stage, int]:
    known = {stage.value: stage for stage in Stage}
    if not isinstance(value, dict) or not value.keys() <= known.keys():
        raise Malformed("evidence: unknown stage")
    return {known[name]: integer(value, name, 1) for name in sorted(value)}


def _uses(value: Json) -> ContractUses:
    members: Object = exact(value, _USES)
    uses = ContractUses(
        text(members, "contract", 32), *(integer(members, name) for name in ("asked", "answered", "aborted"))
    )
    if _CONTRACT.fullmatch(uses.contract) is None:
        raise Malformed("evidence: a contract's id, or none for the rest")
    return uses
