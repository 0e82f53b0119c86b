"""Messages of the interfaces over HTTPS: one good request of each schema, and the examples of docs/FORMATS.md."""

from collections.abc import Mapping
from typing import Any

from yanmen.formats import dataspace
from yanmen.formats.json_canonical import Json
from yanmen.model.refusal import Detail, Reason, Refused
from yanmen.wire.https import telling

Message = dict[str, Any]

REQUESTS: Mapping[str, Message] = {
    "dsp-catalog-request.schema.json": {
        "@context": [dataspace.CONTEXT],
        "@type": "CatalogRequestMessage",
        "filter": [],
    },
}
"""By the schema that describes it."""


def error() -> dict[str, Json]:
    """Return what is told of a refusal."""
    return telling.refusal(Refused(Reason.DATASET_UNKNOWN, Detail("persons")), "0" * 32)
