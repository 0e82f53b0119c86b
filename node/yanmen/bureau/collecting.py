"""Entries, products and grants of all nodes of a space, as their nodes signed them, in the order of regions.

Nothing is believed but signatures: who may hand in what is what the register says. What does not count is named with
why, and left out; nothing else is affected.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from yanmen.admission import entries
from yanmen.crypto import documents, governance
from yanmen.crypto.signatures import BadSignature
from yanmen.formats import json_canonical, jws, listing, operation, product, review
from yanmen.formats.former_keys import every
from yanmen.formats.malformed import Malformed
from yanmen.model.governance import Listing, Review, level
from yanmen.model.operation import OperatingGrant, Product
from yanmen.model.party import KeyUse, Party, PartyRole, PartyStatus, Register
from yanmen.verify import directory
from yanmen.verify.directory import Missing, Unreadable

FILE_MAX = 1024 * 1024
FILES_MAX = 200_000


@dataclass(slots=True)
class Collection:
    """What counts: entries by node and dataset, products and grants by id; `left_out` says what does not, and why."""

    register: Register
    listings: dict[tuple[str, str], Listing] = field(default_factory=dict)
    products: dict[str, Product] = field(default_factory=dict)
    grants: dict[str, OperatingGrant] = field(default_factory=dict)
    reviews: dict[str, Review] = field(default_factory=dict)
    left_out: list[tuple[str, str]] = field(default_factory=list)

    def listed(self) -> tuple[Listing, ...]:
        """Return the entries that their level's authority passed, from the nation down to counties."""
        found = (
            entry
            for entry in self.listings.values()
            if entries.is_listed(entry.dataset, self.register, self.reviews.get)
        )
        return tuple(sorted(found, key=lambda each: (each.dataset.region, each.node, each.dataset.name)))

    def levels(self) -> Mapping[str, tuple[Listing, ...]]:
        """Return the listed entries by level: 国家, 省, 市, 县."""
        found: dict[str, list[Listing]] = {}
        for entry in self.listed():
            found.setdefault(level(entry.dataset.region), []).append(entry)
        return {name: tuple(each) for name, each in found.items()}

    def offered(self) -> tuple[Product, ...]:
        """Return the products that can be had: not withdrawn, under a grant that stands."""
        found = []
        for made in self.products.values():
            grant = self.grants.get(made.operation)
            if not made.withdrawn and grant is not None and not grant.ended:
                found.append(made)
        return tuple(sorted(found, key=lambda each: each.id))

    def node(self, party_id: str) -> Party:
        """Return the active node of this id."""
        party = self.register.find(party_id)
        if party is None or party.role is not PartyRole.NODE or party.status is not PartyStatus.ACTIVE:
            raise BadSignature("the register lists no such active node")
        return party


def collect(paths: Iterable[Path], register: Register) -> Collection:
    """Return what the files hold that counts; of two versions of one thing the later one."""
    made = Collection(register)
    for path in paths:
        try:
            _take(directory.read(path.parent, path.name, FILE_MAX), made)
        except (Malformed, BadSignature) as error:
            made.left_out.append((path.name, str(error)))
        except (Missing, Unreadable):
            made.left_out.append((path.name, "no plain file, or a longer one than any document"))
    return made


def files(folders: Iterable[Path]) -> list[Path]:
    """Return the documents in `folders`, and files named themselves, in order."""
    found: list[Path] = []
    for folder in folders:
        found += sorted(folder.rglob("*.jws")) if folder.is_dir() else [folder]
    if len(found) > FILES_MAX:
        raise Malformed(f"more than {FILES_MAX} documents")
    return found


def _take(token: bytes, made: Collection) -> None:
    taker = _TAKERS.get(jws.split(token, FILE_MAX).typ)
    if taker is None:
        raise Malformed("no document of a catalogue")
    taker(token, made)


def _listing(token: bytes, made: Collection) -> None:
    node = made.node(listing.claimed_node(token))
    found = documents.open_with(governance.open_listing, token, every(node, KeyUse.RECEIPT))
    if found.node != node.id:
        raise BadSignature("the entry of another node")
    key = (found.node, found.dataset.name)
    known = made.listings.get(key)
    if known is None or known.issued_s <= found.issued_s:
        made.listings[key] = found


def _review(token: bytes, made: Collection) -> None:
    claimed = governance.peek_review(token)
    party = next((each for each in entries.authorities(made.register) if each.id == claimed.by), None)
    if party is None:
        raise BadSignature("the register lists no such authority")
    found = documents.open_with(governance.open_review, token, every(party, KeyUse.MEMBER))
    known = made.reviews.get(found.declared_sha256)
    if known is None or known.issued_s <= found.issued_s:
        made.reviews[found.declared_sha256] = found


def _product(token: bytes, made: Collection) -> None:
    node = made.node(_by(token))
    found = documents.open_with(governance.open_product, token, every(node, KeyUse.RECEIPT))
    known = made.products.get(found.id)
    if known is None or (not known.withdrawn and known.issued_s <= found.issued_s):
        made.products[found.id] = found


def _grant(token: bytes, made: Collection) -> None:
    node = made.node(_by(token))
    found = documents.open_with(governance.open_grant, token, every(node, KeyUse.RECEIPT))
    known = made.grants.get(found.id)
    if known is None or not known.ended:
        made.grants[found.id] = found


def _by(token: bytes) -> str:
    payload = json_canonical.decode_object(jws.split(token, FILE_MAX).payload, FILE_MAX)
    by = payload.get("by")
    return by if isinstance(by, str) else ""


_TAKERS: Mapping[str, Callable[[bytes, Collection], None]] = {
    listing.TYP: _listing,
    review.TYP: _review,
    product.TYP: _product,
    operation.GRANT_TYP: _grant,
}
