"""数据异议 as the payload of a JWS: what a member objects to, a dataset or a leaf of the log, in its own words."""

from yanmen.formats import checkpoint, connector_id
from yanmen.formats.json_canonical import Json
from yanmen.formats.json_members import exact, integer, text
from yanmen.formats.malformed import Malformed
from yanmen.formats.spec import NAME
from yanmen.model.governance import Objection

TYP = "yanmen-objection+jws"
BYTES_MAX = 32 * 1024
TEXT_MAX = 4000
ANSWER_DAYS = 15
"""Within so many days the holder answers an objection or a complaint."""
DAY_S = 86_400
_MEMBERS = frozenset({"by", "contract", "dataset", "iat", "index", "node", "origin", "text"})


def encode(value: Objection) -> dict[str, Json]:
    """Return the payload of `value`; one that `decode` would refuse is refused here."""
    payload: dict[str, Json] = {
        "by": value.by,
        "contract": value.contract,
        "dataset": value.dataset,
        "iat": value.issued_s,
        "index": value.index,
        "node": value.node,
        "origin": value.origin,
        "text": value.text,
    }
    decode(payload)
    return payload


def decode(payload: Json) -> Objection:
    """Return the objection in a payload, which is about a dataset or a leaf, one of them."""
    members = exact(payload, _MEMBERS)
    value = Objection(
        by=connector_id.check(text(members, "by", connector_id.LENGTH)),
        node=connector_id.check(text(members, "node", connector_id.LENGTH)),
        dataset=text(members, "dataset", 63),
        origin=text(members, "origin", 200),
        index=integer(members, "index"),
        contract=text(members, "contract", 32),
        text=text(members, "text", TEXT_MAX),
        issued_s=integer(members, "iat"),
    )
    if bool(value.dataset) is bool(value.origin) or (value.dataset and NAME.fullmatch(value.dataset) is None):
        raise Malformed("objection: to a dataset or to a leaf, one of them")
    if value.origin and checkpoint.origin_node(value.origin) != value.node:
        raise Malformed("objection: to a leaf of another node's log")
    if value.index and not value.origin:
        raise Malformed("objection: to a leaf of no log")
    if not value.text.strip():
        raise Malformed("objection: without a word")
    return value
