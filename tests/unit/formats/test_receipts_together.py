"""Receipts that are read together are what each is alone; a disclosure counts for its own leaf only."""

from dataclasses import replace

import pytest
from yanmen.formats import receipt
from yanmen.formats.malformed import Malformed

from tests.vectors import specimen
from tests.vectors.specimen import Log, Pinned


def _receipts() -> list[bytes]:
    log = Log(Pinned("together"))
    contract = specimen.sha256("contract")[:32]
    log.terms = {contract: replace(specimen.TERMS, id=contract)}
    log.begin()
    log.agree(contract)
    return [each.encode("ascii") for each in log.sdjwts]


def test_each_is_what_it_is_alone() -> None:
    """Whether its leaf was read before or not."""
    texts = _receipts()
    alone = [receipt.decode_bytes(text) for text in texts]
    for known in ([None] * len(texts), [each.leaf for each in alone]):
        together = receipt.decode_each(texts, known)
        assert [(each.leaf, each.slots, each.parts) for each in together] == [
            (each.leaf, each.slots, each.parts) for each in alone
        ]


def test_a_disclosure_of_another_leaf_among_them_is_refused() -> None:
    """Each is held to its own leaf, not to all of them."""
    texts = _receipts()
    first, second, *others = texts
    moved = second.split(b"~")[1] + b"~"
    for hostile in ([first + moved, second, *others], [first + moved, second.replace(moved, b""), *others]):
        with pytest.raises(Malformed, match="does not reference"):
            receipt.decode_each(hostile, [None] * len(hostile))


def test_a_disclosure_twice_is_refused_among_others() -> None:
    """Although every text is referenced."""
    first, *others = _receipts()
    twice = first + first.split(b"~")[1] + b"~"
    with pytest.raises(Malformed, match="twice"):
        receipt.decode_each([*others, twice], [None] * (len(others) + 1))
