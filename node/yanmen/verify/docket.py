"""How the findings of inspections stand in a bundle, and which signed steps given beside it are not recorded."""

from collections.abc import Sequence
from pathlib import Path

from yanmen.crypto import documents
from yanmen.verify.procedure import examine
from yanmen.verify.report import Report


def standing(path: Path, space_key: bytes | None, given: Sequence[bytes]) -> tuple[Report, tuple[int, ...]]:
    """Return the report on the bundle in `path`, and the places in `given` of the steps that it does not record."""
    examined = examine(path, space_key)
    missing = (number for number, token in enumerate(given) if documents.digest(token) not in examined.steps)
    return examined.report, tuple(missing)
