"""The public shape of a table of figures: what every node of a federated question must plan alike.

Keys with their domains, aggregates with their units, what is computed from released figures, and
nothing that may differ from node to node (row bounds, sensitivities, versions). Canonical JSON; the
hex SHA-256 of it stands in the manifest.
"""

import hashlib
import math

from yanmen.formats import json_canonical
from yanmen.formats.json_canonical import Json
from yanmen.formats.released import encode_cell
from yanmen.model.stages import Plan


def encode(plan: Plan) -> str:
    """Return the shape of what `plan` gives."""
    shape: Json = {
        "keys": [
            {
                "name": key.name,
                "type": key.type.value,
                "domain": [encode_cell(key.type, cell) for cell in key.domain],
            }
            for key in plan.keys
        ],
        "aggregates": [{"name": a.name, "kind": a.kind.value, "scale": a.scale} for a in plan.aggregates],
        "averages": [{"name": m.name, "sum": m.sum, "count": m.count} for m in plan.averages],
        "outputs": [{"label": o.label, "type": o.type.value, "source": o.source} for o in plan.outputs],
        "post": plan.post_sql,
    }
    return json_canonical.encode(shape).decode("utf-8")


def digest(shape: str) -> str:
    """Return the hex SHA-256 by which a manifest names `shape`."""
    return hashlib.sha256(shape.encode("utf-8")).hexdigest()


def cells(plan: Plan) -> int:
    """Return how many numbers the table has: aggregates times public groups."""
    return len(plan.aggregates) * math.prod(len(key.domain) for key in plan.keys)
