"""Entries of a node's catalogue (目录): signed for others, reviewed by authorities, held to negative lists.

publish -> listing.jws (the node signs) -> review.jws (its level's authority signs) -> recorded: it is listed
"""

from collections.abc import Callable
from typing import Protocol, TypeVar

from yanmen.admission import entries, forbidden
from yanmen.crypto import governance
from yanmen.crypto.signatures import BadSignature
from yanmen.formats import declared
from yanmen.formats.listing import EARLIER_MAX
from yanmen.formats.malformed import Malformed
from yanmen.holder import Holder
from yanmen.ledger import registry
from yanmen.ledger.ledger import Ledger
from yanmen.ledger.signed import Paper
from yanmen.model.catalogue import Dataset
from yanmen.model.governance import DocumentKind, Listing, NegativeList, Review, covers
from yanmen.model.party import Party, Register
from yanmen.model.receipt import Receipt
from yanmen.model.refusal import Detail, Reason, Refused

T = TypeVar("T")


def entry(name: str, holder: Holder) -> tuple[Listing, bytes]:
    """Return the entry of the dataset `name` in force, and the same signed for catalogues elsewhere."""
    found = [version for version in holder.ledger.versions() if version.dataset.name == name]
    if not found or found[-1].retracted:
        raise Refused(Reason.DATASET_UNKNOWN, Detail(name, hint_en="Not published.", hint_zh="尚未发布。"))
    newest = found[-1]
    made = Listing(
        node=holder.config.id,
        dataset=declared.public(newest.dataset),
        version=newest.version,
        earlier=tuple(version.version for version in reversed(found[:-1]))[:EARLIER_MAX],
        quality=newest.quality,
        issued_s=holder.clock.now_ms() // 1000,
    )
    return made, governance.sign_listing(made, holder.receipt_signer)


def listed(holder: Holder) -> tuple[str, ...]:
    """Return the names of the datasets in force whose entries are listed."""
    register = holder.register.current()
    return tuple(
        version.dataset.name
        for version in holder.ledger.current_versions()
        if entries.is_listed(version.dataset, register, holder.ledger.review)
    )


def record_review(token: bytes, holder: Holder) -> tuple[Receipt, Review]:
    """Record what the authority of its level decided about an entry of this node."""
    register = holder.register.current()
    review = opened(token, governance.peek_review, governance.open_review, register)
    if review.node != holder.config.id:
        hint = Detail("node", hint_en="Hand it to that node.", hint_zh="请交由该节点登记。")
        raise Refused(Reason.REQUEST_FOR_ANOTHER_NODE, hint)
    dataset = _declared(review, holder.ledger)
    if authority(review.by, register).region != dataset.region:
        raise _not_theirs(review.by, dataset.region)

    def follows(before: bytes | None) -> None:
        if before is not None and governance.peek_review(before).issued_s > review.issued_s:
            hint = Detail(
                review.dataset, hint_en="A later review is recorded already.", hint_zh="已登记更晚的审核意见。"
            )
            raise Refused(Reason.REQUEST_REPLAYED, hint)

    paper = Paper(DocumentKind.REVIEW, review.declared_sha256, token)
    return holder.ledger.record_document(paper, follows), review


def record_negative_list(token: bytes, holder: Holder) -> tuple[Receipt, NegativeList]:
    """Record a negative list; from now on publishing and contracts are held to it."""
    register = holder.register.current()
    found = opened(token, governance.peek_negative_list, governance.open_negative_list, register)
    if not covers(authority(found.by, register).region, found.region):
        raise _not_theirs(found.by, found.region)
    forbidden.check_items(found.items)

    def follows(before: bytes | None) -> None:
        known = None if before is None else registry.negative(before).serial
        if known is not None and found.serial <= known:
            hint = Detail(f"serial {found.serial}", hint_en=f"It is at {known}.", hint_zh=f"现行为第 {known} 号。")
            raise Refused(Reason.REQUEST_REPLAYED, hint)

    paper = Paper(DocumentKind.NEGATIVE_LIST, found.by, token)
    return holder.ledger.record_document(paper, follows), found


def check_reviewed(listing: Listing, token: bytes | None, register: Register) -> None:
    """Refuse an entry that the data authority of its level did not pass; a space without authorities needs none."""
    if not entries.authorities(register):
        return
    dataset = listing.dataset
    review = None if token is None else opened(token, governance.peek_review, governance.open_review, register)
    if review is not None and (review.node, review.declared_sha256) != (listing.node, declared.digest(dataset)):
        review = None  # of another entry
    entries.check_listed((dataset,), register, lambda _: review)


def authority(party_id: str, register: Register) -> Party:
    """Return the active data authority of this id, or refuse."""
    for party in entries.authorities(register):
        if party.id == party_id:
            return party
    hint = Detail(
        party_id,
        hint_en="The register names no such active data authority.",
        hint_zh="名册中没有该有效的数据主管部门。",
    )
    raise Refused(Reason.ROLE_NOT_ALLOWED, hint)


class _Signed(Protocol):
    @property
    def by(self) -> str:
        """Who signed it."""
        ...


S = TypeVar("S", bound=_Signed)


def opened(token: bytes, peek: Callable[[bytes], S], open_: Callable[[bytes, bytes], S], register: Register) -> S:
    """Return the document in `token`, signed by the data authority it names."""
    try:
        return open_(token, authority(peek(token).by, register).signing_key)
    except Malformed as error:
        raise Refused(Reason.REQUEST_MALFORMED, Detail(str(error))) from error
    except BadSignature as error:
        hint = Detail(
            "signature",
            hint_en="Not signed, as such a document, by the authority's key in the register.",
            hint_zh="并非由登记的主管部门密钥签署。",
        )
        raise Refused(Reason.SIGNATURE_INVALID, hint) from error


def _declared(review: Review, ledger: Ledger) -> Dataset:
    """Return what was reviewed, as any version of this node declared it."""
    for version in ledger.versions():
        dataset = version.dataset
        if dataset.name == review.dataset and declared.digest(dataset) == review.declared_sha256:
            return dataset
    hint = Detail(review.dataset, hint_en="Nothing like this was published here.", hint_zh="本节点未发布过该著录内容。")
    raise Refused(Reason.DATASET_UNKNOWN, hint)


def _not_theirs(by: str, region: str) -> Refused:
    return Refused(
        Reason.ROLE_NOT_ALLOWED,
        Detail(
            by,
            hint_en=f"This authority does not answer for {region}.",
            hint_zh=f"该主管部门不负责 {region}。",
        ),
    )
