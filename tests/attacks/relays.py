"""Federated questions under attack: totals altered, nodes that drop out anywhere, a relay that equivocates."""

from collections.abc import Sequence
from dataclasses import replace
from random import Random

from yanmen.aggregation.aggregator import Dealer
from yanmen.crypto import dealing, documents, federated, sharing
from yanmen.crypto.envelopes import Opener
from yanmen.crypto.signatures import BadSignature
from yanmen.formats import manifest as manifest_format
from yanmen.formats import share
from yanmen.formats.malformed import Malformed
from yanmen.formats.share import WholeShare
from yanmen.model.federation import OpenedSum, Opening, PartialSum, SignedManifest
from yanmen.model.refusal import Refused

from tests.unit.aggregation.parties import Member, Parties


def altered(parties: Parties, signed: SignedManifest, opening: Opening, draw: Random) -> Opening:
    """Return `opening` with one random cell of one aggregator's sum one unit off, signed by that aggregator anew."""
    at = draw.randrange(len(signed.manifest.aggregators))
    cell, by = draw.randrange(signed.manifest.cells), draw.choice((-1, 1))
    honest = share.decode(opening.sums[at].share)
    assert isinstance(honest, WholeShare)
    cells = bytearray(honest.vector)
    value = (int.from_bytes(cells[cell * 8 : cell * 8 + 8], "little") + by) % 2**64
    cells[cell * 8 : cell * 8 + 8] = value.to_bytes(8, "little")
    forged = share.encode(WholeShare(honest.blinding, bytes(cells)))
    name = signed.manifest.aggregators[at]
    aggregator = parties.at(name)
    said = documents.open_partial(opening.sums[at].partial, aggregator.signer.public)
    again = PartialSum(name, said.manifest_sha256, said.set_sha256, documents.digest(forged), said.issued_s)
    sums = list(opening.sums)
    sums[at] = replace(sums[at], partial=documents.sign_partial(again, aggregator.signer), share=forged)
    return replace(opening, sums=tuple(sums))


def is_found(parties: Parties, signed: SignedManifest, opening: Opening) -> bool:
    """Whether `opening` is refused by the check that anybody makes."""
    try:
        federated.total(opening, signed, parties.register)
    except (Malformed, BadSignature):
        return True
    return False


def table(cells: int, draw: Random) -> tuple[int, ...]:
    """Return figures of 40 bits."""
    return tuple(draw.randrange(-(2**39), 2**39) for _ in range(cells))


def dropped_sum(parties: Parties, drops: int, cells: int, draw: Random) -> bool:
    """Ask all nodes, of which `drops` vanish each at a random point; whether the certified set's sum is right.

    A node may vanish before it dealt, or with its shares at none, one or two of the aggregators. Right means: the
    very sum of the tables of those certified and of the noise that the aggregators dealt.
    """
    signed = parties.manifest(cells, least=len(parties.nodes) - drops)
    gone = {node.id: draw.randrange(4) for node in draw.sample(parties.nodes, drops)}
    tables: dict[str, tuple[int, ...]] = {}
    for node in parties.nodes:
        reached = gone.get(node.id, 4)
        if reached:
            tables[node.id] = table(cells, draw)
            _deposit_some(parties, signed, node, tables[node.id], 3 if reached == 4 else reached - 1)
    parties.noise(signed)
    certified = sorted(node.id for node in parties.nodes if node.id not in gone)
    refused = all(_refused_with(parties, signed, [*certified, name]) for name in list(gone)[:3])
    opening = parties.open(signed, parties.certificates(signed, certified))
    totals = federated.total(opening, signed, parties.register)
    expected = [
        sum(column) for column in zip(*(tables[name] for name in certified), *_noise(parties, signed), strict=True)
    ]
    return refused and list(totals) == expected


def equivocated(parties: Parties, draw: Random) -> int:
    """Have a lying relay try to open two overlapping sets of one question; return how many different sets opened.

    It asks the aggregators to certify random sets in random order, repeats, then shows each of them random mixtures
    of all certificates it holds, those of another question and forged ones among them.
    """
    signed, peer = parties.manifest(2, least=1), parties.consumer.party
    for node in parties.nodes:
        _deposit_some(parties, signed, node, table(2, draw), 3)
    parties.noise(signed)
    order = signed.manifest.aggregators
    names = [node.id for node in parties.nodes]
    sets = [sorted(draw.sample(names, draw.randrange(1, len(names) + 1))) for _ in range(2)]
    held: list[bytes] = []
    for name in draw.choices(order, k=9):
        try:
            held.append(parties.at(name).certify(peer, signed.token, draw.choice(sets)))
        except Refused:
            continue
    held += [bytes(reversed(held[0])), held[0][:-2] + b"AA"]
    opened: set[str] = set()
    for name in draw.choices(order, k=9):
        shown = tuple(draw.choices(held, k=draw.choice((1, 2, 3, 3, 3, 3, 4))))
        opened |= _opened(parties, signed, name, shown)
    for name in order:  # the honest way, where all certified the same
        opened |= _opened(parties, signed, name, tuple(_newest(parties, signed, held)))
    return len(opened)


def _opened(parties: Parties, signed: SignedManifest, name: str, shown: tuple[bytes, ...]) -> set[str]:
    """Return the digest of the set that `name` opens when it is shown these certificates, if it does."""
    try:
        found: OpenedSum = parties.at(name).open(parties.consumer.party, signed.token, shown)
    except Refused:
        return set()
    return {documents.open_partial(found.partial, parties.at(name).signer.public).set_sha256}


def _newest(parties: Parties, signed: SignedManifest, held: Sequence[bytes]) -> list[bytes]:
    """Return one certificate of each aggregator, in order, as far as the relay has them."""
    found: list[bytes] = []
    for name in signed.manifest.aggregators:
        for token in held:
            try:
                certificate = documents.open_set(token, parties.at(name).signer.public)
            except (Malformed, BadSignature):
                continue
            if certificate.aggregator == name and manifest_format.set_digest(certificate):
                found.append(token)
                break
    return found


def _deposit_some(parties: Parties, signed: SignedManifest, node: Member, values: tuple[int, ...], upto: int) -> None:
    shown, sealed = parties.deal(node, signed, values)
    for name, envelope in list(zip(signed.manifest.aggregators, sealed, strict=True))[:upto]:
        parties.at(name).deposit(parties.consumer.party, signed.token, Dealer(shown, envelope))


def _refused_with(parties: Parties, signed: SignedManifest, nodes: list[str]) -> bool:
    """Whether the last aggregator, where the last of `nodes` never deposited, refuses to certify it."""
    try:
        parties.at(signed.manifest.aggregators[-1]).certify(parties.consumer.party, signed.token, nodes)
    except Refused:
        return True
    return False


def _noise(parties: Parties, signed: SignedManifest) -> list[tuple[int, ...]]:
    """Return the noise of each aggregator, read with the keys of all three, which nobody else ever has together."""
    openers: dict[str, Opener] = {name: parties.at(name).opener for name in signed.manifest.aggregators}
    made = []
    for dealer in signed.manifest.aggregators:
        sealed = parties.at(dealer).noise(parties.consumer.party, signed.token).envelopes
        shares = [
            share.decode(openers[to].open(envelope, dealing.place(signed.sha256, dealer, to)))
            for to, envelope in zip(signed.manifest.aggregators, sealed, strict=True)
        ]
        made.append(sharing.reveal(sharing.total(shares, signed.manifest.cells))[0])
    return made
