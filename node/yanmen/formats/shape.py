"""The public shape of a table of figures: what every node of a federated question must plan alike.

Keys with their domains, aggregates with their units and what they are of, the grids these make up,
what is computed from released figures, and nothing that may differ from node to node (row bounds,
sensitivities, versions). Canonical JSON; the hex SHA-256 of it stands in the manifest.
"""

import hashlib
import math
import re

from yanmen.formats import json_canonical, json_members
from yanmen.formats.json_canonical import Json
from yanmen.formats.json_members import Object
from yanmen.formats.malformed import Malformed
from yanmen.formats.released import encode_cell
from yanmen.formats.share import CELLS_MAX
from yanmen.model.federation import Grid
from yanmen.model.joining import Link
from yanmen.model.stages import Plan

_INTEGER = re.compile(r"-?(?:0|[1-9][0-9]{0,18})", re.ASCII)
BYTES_MAX = 16 * 1024 * 1024


def encode(plan: Plan) -> str:
    """Return the shape of what `plan` gives."""
    shape: dict[str, Json] = {
        "keys": [
            {
                "name": key.name,
                "type": key.type.value,
                "domain": [encode_cell(key.type, cell) for cell in key.domain],
            }
            for key in plan.keys
        ],
        "aggregates": [
            {"name": a.name, "kind": a.kind.value, "scale": a.scale} | ({"of": a.of} if a.of else {})
            for a in plan.aggregates
        ],
        "averages": [{"name": m.name, "sum": m.sum, "count": m.count} for m in plan.averages],
        "outputs": [{"label": o.label, "type": o.type.value, "source": o.source} for o in plan.outputs],
        "post": plan.post_sql,
    }
    if plan.blocks:
        shape["blocks"] = [
            {"keys": list(b.keys), "aggregates": list(b.aggregates), "averages": list(b.averages)} for b in plan.blocks
        ]
    if plan.part is not None:
        shape["join"] = _join(plan.part.link)
    return json_canonical.encode(shape).decode("utf-8")


def _join(link: Link) -> Json:
    """Return what the departments of a join agree on beside the table: whose rows, how many at most, the ranges."""
    return {
        "sides": [
            {
                "node": side.node,
                "rows_upto": side.rows_upto,
                "rows_per_unit": side.rows_per_unit,
                "folding": side.folding.value,
                "items_upto": side.items_upto,
                "items_per_unit": side.items_per_unit,
                "columns": list(side.columns),
                "sha256": side.sha256,
            }
            for side in link.sides
        ],
        "ranges": [[str(lower), str(upper)] for lower, upper in link.ranges],
        "view": link.view,
    }


def ranges(shape: str) -> tuple[tuple[int, int], ...]:
    """Return the public range of each aggregate of a join of `shape`; none when it is of no join."""
    members = json_canonical.decode_object(shape.encode("utf-8"), BYTES_MAX)
    if "join" not in members:
        return ()
    join = json_members.exact(members["join"], frozenset({"sides", "ranges", "view"}))
    return tuple(_range(item) for item in json_members.items(join, "ranges"))


def _range(value: Json) -> tuple[int, int]:
    match value:
        case [str(lower), str(upper)] if _INTEGER.fullmatch(lower) and _INTEGER.fullmatch(upper):
            return int(lower), int(upper)
        case _:
            raise Malformed("shape: not a range")


def digest(shape: str) -> str:
    """Return the hex SHA-256 by which a manifest names `shape`."""
    return hashlib.sha256(shape.encode("utf-8")).hexdigest()


def grids(shape: str) -> tuple[Grid, ...]:
    """Return the grids that a table of `shape` is made of, in the order in which its numbers are shared."""
    members = json_canonical.decode_object(shape.encode("utf-8"), BYTES_MAX)
    keys = _objects(members, "keys")
    sizes = {json_members.text(key, "name"): len(json_members.items(key, "domain", CELLS_MAX)) for key in keys}
    names = [json_members.text(one, "name") for one in _objects(members, "aggregates")]
    if "blocks" not in members:
        return (Grid(len(names), math.prod(sizes.values())),)
    found = []
    for block in _objects(members, "blocks"):
        within, own = json_members.texts(block, "keys", len(sizes)), json_members.texts(block, "aggregates", len(names))
        if any(name not in sizes for name in within):
            raise Malformed("shape: a block with a key that is none")
        found.append(Grid(len(own), math.prod(sizes[name] for name in within)))
    return tuple(found)


def _objects(members: Object, name: str) -> list[Object]:
    found: list[Object] = []
    for item in json_members.items(members, name):
        if not isinstance(item, dict):
            raise Malformed(f"shape: {name} are not objects")
        found.append(item)
    return found
