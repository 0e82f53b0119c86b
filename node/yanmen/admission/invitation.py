"""Whether a federated question really asks this node: manifest, request and contract must all say so."""

from yanmen.crypto import manifests
from yanmen.crypto.signatures import BadSignature
from yanmen.formats.malformed import Malformed
from yanmen.model.federation import Invited, SignedManifest
from yanmen.model.party import Register
from yanmen.model.refusal import Detail, Reason, Refused
from yanmen.model.stages import Request, Submission

SECOND_MS = 1000


def accept(submission: Submission, request: Request, register: Register, node_id: str) -> SignedManifest | None:
    """Return the checked manifest of a federated question, None for a question to this node alone."""
    if not submission.manifest:
        return None
    try:
        signed = manifests.read(submission.manifest, register)
    except (Malformed, BadSignature) as error:
        raise _refused(str(error)) from error
    manifest = signed.manifest
    _require(manifest.consumer == request.consumer, "signed by another consumer")
    _require(manifest.asks(node_id) == Invited(node_id, request.contract_id), "this node is not asked under it")
    _require(manifest.query_sha256 == request.query_sha256, "of another question")
    _require(manifest.micro_rho == request.micro_rho, "its charge is not the one the request agrees to")
    in_force = manifest.issued_s * SECOND_MS <= submission.received_ms < manifest.expires_s * SECOND_MS
    _require(in_force, "not in force now")
    return signed


def _require(holds: bool, why: str) -> None:  # noqa: FBT001 - a condition and its reason read best side by side
    if not holds:
        raise _refused(why)


def _refused(why: str) -> Refused:
    return Refused(
        Reason.MANIFEST_INVALID,
        Detail(
            subject=why,
            hint_en="Make and sign a new one for these nodes (docs/FORMATS.md, federation).",
            hint_zh="请重新生成并签署联邦查询清单（见 docs/FORMATS.md）。",
        ),
    )
