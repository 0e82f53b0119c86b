"""The constraint by which a contract hangs on a grant of operation: `yanmen:operation`."""

from yanmen.formats import json_members, ndi_id
from yanmen.formats.json_canonical import Json
from yanmen.formats.malformed import Malformed
from yanmen.formats.operation import ID
from yanmen.model.contract import Operated

PRODUCTS_MAX = 64
_MEMBERS = frozenset({"@id", "products"})


def write(value: object) -> Json:
    """Return the operand of `value`."""
    if not isinstance(value, Operated):
        raise Malformed("not a grant of operation")
    return {"@id": value.grant, "products": list(value.products)}


def read(value: Json) -> Operated:
    """Return the grant and the products in an operand, in order and each once."""
    members = json_members.exact(value, _MEMBERS)
    made = Operated(json_members.text(members, "@id", 32), json_members.texts(members, "products", PRODUCTS_MAX, 65))
    if ID.fullmatch(made.grant) is None or not made.products:
        raise Malformed("a grant's id and at least one product")
    if list(made.products) != sorted(set(made.products)) or not all(
        ndi_id.is_valid(each, "6") for each in made.products
    ):
        raise Malformed("not NDI product ids in order")
    return made
