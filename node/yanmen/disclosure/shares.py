"""A federated question's answer of one node: its exact clamped figures, only ever as sealed shares.

The figures themselves leave in no form; noise is added by the aggregators, each with the full
variance, before a sum is opened.
"""

from yanmen.crypto import dealing
from yanmen.disclosure import blocks, grid
from yanmen.formats import base64url
from yanmen.formats.dealing import LABELS, NOTICE
from yanmen.model.catalogue import ColumnType
from yanmen.model.federation import SignedManifest
from yanmen.model.ports import Randomness
from yanmen.model.stages import Raw, Released


def share(raw: Raw, signed: SignedManifest, node_id: str, randomness: Randomness) -> Released:
    """Return the full public grids of `raw`, cell by cell and aggregate by aggregate, dealt to the aggregators."""
    values = [value for part in blocks.parts(raw) for cell in grid.cells(part.raw, ()) for value in cell]
    dealt = dealing.deal(values, signed, node_id, randomness)
    envelopes = zip(signed.manifest.aggregators, map(base64url.encode, dealt.envelopes), strict=True)
    rows = tuple(envelopes)
    return Released(
        plan=raw.plan,
        labels=LABELS,
        types=(ColumnType.TEXT, ColumnType.TEXT),
        rows=rows,
        widths=tuple((None, None) for _ in rows),
        suppressed=0,
        mechanism=dealt.dealing.text(),
        notice=NOTICE,
        usage=raw.usage,
    )
