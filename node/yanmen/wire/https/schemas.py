"""The JSON Schemas (draft 2020-12) of the node's interfaces: files that others write their programs by."""

import json
from functools import cache
from importlib import resources
from pathlib import Path

from yanmen.formats.json_schema import Schemas
from yanmen.model.refusal import Fault, FaultCode

SUFFIX = ".schema.json"


@cache
def texts() -> dict[str, bytes]:
    """Return the schemas as they are published, by file name."""
    return {path.name: path.read_bytes() for path in sorted(_folder().glob("*" + SUFFIX))}


@cache
def load() -> Schemas:
    """Return the schemas to hold messages against."""
    return Schemas({name: json.loads(text) for name, text in texts().items()})


def _folder() -> Path:
    """Return where they lie: in the wheel, or in the checkout."""
    package = Path(str(resources.files("yanmen")))
    for directory in (package / "schemas", package.parents[1] / "protos" / "json"):
        if directory.is_dir():
            return directory
    raise Fault(FaultCode.CONFIG, "this installation has no JSON schemas")
