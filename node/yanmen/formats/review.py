"""目录审核 as the payload of a JWS: what a data authority decided about a declared entry."""

import re

from yanmen.formats import connector_id
from yanmen.formats.json_canonical import Json
from yanmen.formats.json_members import exact, flag, integer, text
from yanmen.formats.malformed import Malformed
from yanmen.formats.spec import NAME
from yanmen.model.governance import Review

TYP = "yanmen-review+jws"
BYTES_MAX = 16 * 1024
TEXT_MAX = 2000
_SHA256 = re.compile(r"[0-9a-f]{64}", re.ASCII)
_MEMBERS = frozenset({"by", "dataset", "declared_sha256", "iat", "node", "passed", "text"})


def encode(review: Review) -> dict[str, Json]:
    """Return the payload of `review`; one that `decode` would refuse is refused here."""
    payload: dict[str, Json] = {
        "by": review.by,
        "dataset": review.dataset,
        "declared_sha256": review.declared_sha256,
        "iat": review.issued_s,
        "node": review.node,
        "passed": review.passed,
        "text": review.text,
    }
    decode(payload)
    return payload


def decode(payload: Json) -> Review:
    """Return the review in a payload; one that did not pass says why."""
    members = exact(payload, _MEMBERS)
    review = Review(
        by=connector_id.check(text(members, "by", connector_id.LENGTH)),
        node=connector_id.check(text(members, "node", connector_id.LENGTH)),
        dataset=text(members, "dataset", 63),
        declared_sha256=text(members, "declared_sha256", 64),
        passed=flag(members, "passed"),
        text=text(members, "text", TEXT_MAX),
        issued_s=integer(members, "iat"),
    )
    if _SHA256.fullmatch(review.declared_sha256) is None or NAME.fullmatch(review.dataset) is None:
        raise Malformed("review: a review names a dataset and the hex SHA-256 of what it declares")
    if not review.passed and not review.text.strip():
        raise Malformed("review: what does not pass has a reason")
    return review
