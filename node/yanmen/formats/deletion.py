"""A proof of deletion (删除证明) as the payload of a JWS, and the digest by which it names what was released."""

import hashlib
import re
from collections.abc import Iterable

from yanmen.formats import connector_id
from yanmen.formats.json_canonical import Json
from yanmen.formats.json_members import exact, integer, text
from yanmen.formats.malformed import Malformed
from yanmen.model.deletion import DeletionProof, ReleasedAnswer

TYP = "yanmen-deletion+jws"
BYTES_MAX = 16 * 1024
TEXT_MAX = 2000
_ID = re.compile(r"[0-9a-f]{32}", re.ASCII)
_SHA256 = re.compile(r"[0-9a-f]{64}", re.ASCII)
_MEMBERS = frozenset({"answers", "answers_sha256", "by", "contract", "destroyed_s", "digest", "iat", "node", "text"})


def answers_sha256(answers: Iterable[ReleasedAnswer]) -> str:
    """Return the hex SHA-256 over one line for each answer, in the order of their receipts: id, space, digest."""
    return hashlib.sha256("".join(f"{each.jti} {each.sha256}\n" for each in answers).encode()).hexdigest()


def encode(value: DeletionProof) -> dict[str, Json]:
    """Return the payload of `value`; one that `decode` would refuse is refused here."""
    payload: dict[str, Json] = {
        "answers": value.answers,
        "answers_sha256": value.answers_sha256,
        "by": value.by,
        "contract": value.contract,
        "destroyed_s": value.destroyed_s,
        "digest": value.digest,
        "iat": value.issued_s,
        "node": value.node,
        "text": value.text,
    }
    decode(payload)
    return payload


def decode(payload: Json) -> DeletionProof:
    """Return the statement in a payload; what is said to be destroyed was so when it was signed."""
    members = exact(payload, _MEMBERS)
    value = DeletionProof(
        by=connector_id.check(text(members, "by", connector_id.LENGTH)),
        node=connector_id.check(text(members, "node", connector_id.LENGTH)),
        contract=text(members, "contract", 32),
        digest=text(members, "digest", 64),
        answers=integer(members, "answers"),
        answers_sha256=text(members, "answers_sha256", 64),
        destroyed_s=integer(members, "destroyed_s"),
        text=text(members, "text", TEXT_MAX),
        issued_s=integer(members, "iat"),
    )
    if _ID.fullmatch(value.contract) is None or not value.text.strip():
        raise Malformed("deletion: it names a contract, and says how")
    if not all(map(_SHA256.fullmatch, (value.digest, value.answers_sha256))):
        raise Malformed("deletion: two hex SHA-256")
    if value.destroyed_s > value.issued_s:
        raise Malformed("deletion: destroyed only after it was signed")
    return value
