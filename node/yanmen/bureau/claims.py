"""一数一源: two owners that claim to be the source of one thing, found by what they declare."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from yanmen.admission.spelling import folded
from yanmen.model.governance import Listing


@dataclass(frozen=True, slots=True)
class Claim:
    """What several entries say they are the source of: by `item`, `ndi_id` or `registration`."""

    by: str
    what: str
    claimants: tuple[Listing, ...]


def disputed(listings: Iterable[Listing]) -> tuple[Claim, ...]:
    """Return every claim of more than one owner; an owner's own datasets, and other regions, do not compete."""
    found: dict[tuple[str, str], list[Listing]] = {}
    for entry in listings:
        for by, what in _claims(entry):
            found.setdefault((by, what), []).append(entry)
    claims = (Claim(by, what, tuple(entries)) for (by, what), entries in sorted(found.items()))
    return tuple(claim for claim in claims if len({(each.node, each.dataset.owner) for each in claim.claimants}) > 1)


def _claims(entry: Listing) -> Iterator[tuple[str, str]]:
    """Yield what an entry claims: an item of its own region, and identifiers that nobody else may bear."""
    said = entry.dataset
    if said.description.item:
        yield "item", f"{said.region} {folded(said.description.item)}"
    if said.ndi_id:
        yield "ndi_id", said.ndi_id
    if said.registration:
        yield "registration", said.registration
