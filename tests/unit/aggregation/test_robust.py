"""Five aggregators of whom one may be missing or lie: what is published is right or nothing, and one set."""

import hashlib
from collections.abc import Sequence
from dataclasses import replace
from itertools import combinations

import pytest
from yanmen.crypto import documents, federated, pedersen
from yanmen.crypto.mersenne import P
from yanmen.crypto.signatures import BadSignature
from yanmen.formats import point
from yanmen.formats.malformed import Malformed
from yanmen.formats.point import SumPoint
from yanmen.model.federation import NOTHING, OpenedSum, Opening, PartialSum, SignedManifest
from yanmen.model.refusal import Reason, Refused

from tests.unit.aggregation.five import VALUES, put, refused
from tests.unit.aggregation.parties import Parties


@pytest.fixture(scope="module")
def opened(five: Parties) -> tuple[Parties, SignedManifest, Opening]:
    """Return a question that both nodes answered and all five aggregators opened."""
    signed = five.manifest()
    names = put(five, signed)
    noise_of = signed.manifest.aggregators[:3]
    return five, signed, five.open(signed, five.certificates(signed, names, noise_of))


def resigned(five: Parties, signed: SignedManifest, at: int, published: OpenedSum, forged: SumPoint) -> OpenedSum:
    """Return what the aggregator at `at` would publish if its sum were `forged`."""
    signer = five.at(signed.manifest.aggregators[at]).signer
    said = documents.open_partial(published.partial, signer.public)
    encoded = point.encode(forged)
    digest = hashlib.sha256(encoded).hexdigest()
    again = PartialSum(said.aggregator, said.manifest_sha256, said.set_sha256, digest, said.issued_s)
    return OpenedSum(documents.sign_partial(again, signer), encoded)


def lying(
    made: tuple[Parties, SignedManifest, Opening], lies: dict[int, int], cell: int = 0, *, hidden: bool = False
) -> Opening:
    """Return the opening in which the sum at each place of `lies` is off by so much, signed all the same."""
    five, signed, opening = made
    sums = list(opening.sums)
    for at, by in lies.items():
        honest = point.decode(sums[at].share)
        assert isinstance(honest, SumPoint)
        cells = [int.from_bytes(honest.vector[i : i + 8], "little") for i in range(0, len(honest.vector), 8)]
        blinding = int.from_bytes(honest.blinding, "little")
        if hidden:
            blinding = (blinding + by) % pedersen.ORDER
        else:
            cells[cell] = (cells[cell] + by) % P
        vector = b"".join(number.to_bytes(8, "little") for number in cells)
        forged = SumPoint(at + 1, blinding.to_bytes(32, "little"), vector)
        sums[at] = resigned(five, signed, at, sums[at], forged)
    return replace(opening, sums=tuple(sums))


def without(opening: Opening, *places: int) -> Opening:
    """Return the opening in which the sums at `places` are missing."""
    return replace(opening, sums=tuple(NOTHING if at in places else one for at, one in enumerate(opening.sums)))


def names(signed: SignedManifest, *places: int) -> tuple[str, ...]:
    return tuple(signed.manifest.aggregators[at] for at in places)


# Lies and absences


def test_the_total_is_the_sum_and_the_noise_of_three(opened: tuple[Parties, SignedManifest, Opening]) -> None:
    five, signed, opening = opened
    found = federated.recovered(opening, signed, five.register)
    assert all(abs(total - 2 * value) < 60 for total, value in zip(found.values, VALUES, strict=True))
    assert (found.missing, found.lied, found.disputed) == ((), (), ())
    for absent in (*combinations(range(5), 1), *combinations(range(5), 2)):
        fewer = federated.recovered(without(opening, *absent), signed, five.register)
        assert (fewer.values, fewer.missing) == (found.values, names(signed, *absent))
    with pytest.raises(Malformed, match="not of enough"):
        federated.recovered(without(opening, 0, 1, 2), signed, five.register)


@pytest.mark.parametrize("liar", range(5))
def test_one_liar_changes_nothing_and_is_named(opened: tuple[Parties, SignedManifest, Opening], liar: int) -> None:
    five, signed, opening = opened
    right = federated.total(opening, signed, five.register)
    for wrong in (
        lying(opened, {liar: 1}),
        lying(opened, {liar: -1}, cell=3),
        lying(opened, {liar: P // 2}, cell=2),
        lying(opened, {liar: 1}, hidden=True),
    ):
        found = federated.recovered(wrong, signed, five.register)
        assert (found.values, found.lied, found.disputed) == (right, names(signed, liar), ())
        missing = (liar + 1) % 5
        four = federated.recovered(without(wrong, missing), signed, five.register)
        assert (four.values, four.lied, four.missing) == (right, names(signed, liar), names(signed, missing))
        with pytest.raises(BadSignature, match="not the sum"):
            federated.recovered(without(wrong, missing, (liar + 2) % 5), signed, five.register)


def test_two_liars_change_nothing_and_are_named(opened: tuple[Parties, SignedManifest, Opening]) -> None:
    five, signed, opening = opened
    right = federated.total(opening, signed, five.register)
    for two in combinations(range(5), 2):
        found = federated.recovered(lying(opened, {two[0]: 1, two[1]: 17}), signed, five.register)
        assert (found.values, found.lied, found.disputed) == (right, names(signed, *two), ())


def test_two_liars_in_concert_change_nothing_and_no_honest_one_is_named(
    opened: tuple[Parties, SignedManifest, Opening],
) -> None:
    """They keep the total and the first's sum on their polynomial, so that two honest ones look as bad as they do."""
    five, signed, opening = opened
    right = federated.total(opening, signed, five.register)
    # x * (x - 1), added at 4 and 5 only
    found = federated.recovered(lying(opened, {3: 12, 4: 20}), signed, five.register)
    assert (found.values, found.lied) == (right, ())
    assert found.disputed == names(signed, 1, 2, 3, 4)


def test_three_liars_publish_nothing(opened: tuple[Parties, SignedManifest, Opening]) -> None:
    five, signed, _ = opened
    for wrong in (lying(opened, {0: 1, 1: 20, 2: 300}), lying(opened, dict.fromkeys(range(5), 1))):
        with pytest.raises(BadSignature, match="not the sum"):
            federated.recovered(wrong, signed, five.register)


def test_a_sum_of_another_place_size_or_kind_is_found(opened: tuple[Parties, SignedManifest, Opening]) -> None:
    five, signed, opening = opened
    honest = point.decode(opening.sums[0].share)
    assert isinstance(honest, SumPoint)
    for forged in (
        replace(honest, place=2),
        replace(honest, vector=honest.vector[:-8]),
        replace(honest, vector=b"\xff" * len(honest.vector)),
        replace(honest, blinding=b"\xff" * 32),
    ):
        sums = (resigned(five, signed, 0, opening.sums[0], forged), *opening.sums[1:])
        with pytest.raises(Malformed):
            federated.recovered(replace(opening, sums=sums), signed, five.register)
    swapped = (opening.sums[1], opening.sums[0], *opening.sums[2:])
    with pytest.raises((Malformed, BadSignature)):
        federated.recovered(replace(opening, sums=swapped), signed, five.register)


# Sets


def test_four_certify_and_three_open(five: Parties) -> None:
    signed = five.manifest()
    nodes = put(five, signed)
    order, peer = signed.manifest.aggregators, five.consumer.party
    given = tuple(five.at(name).certify(peer, signed.token, nodes, order[1:4]) for name in order[:4])
    for three in ((*given[:3], b"", b""), (b"", *given[1:], b"")):
        for name in order[:4]:
            refused(
                Reason.MANIFEST_INVALID,
                "not certified by enough",
                lambda name=name, three=three: five.at(name).open(peer, signed.token, three),  # type: ignore[misc]
            )
    certificates = (*given, b"")
    sums = [five.at(name).open(peer, signed.token, certificates) for name in order[:3]]
    found = federated.recovered(Opening(certificates, (*sums, NOTHING, NOTHING)), signed, five.register)
    assert all(abs(total - 2 * value) < 60 for total, value in zip(found.values, VALUES, strict=True))
    # The fifth never certified it, so it does not open.
    refused(Reason.SET_FIXED, "", lambda: five.at(order[4]).open(peer, signed.token, certificates))


def test_two_lying_aggregators_and_the_relay_never_have_two_sets_opened(five: Parties) -> None:
    """Whatever two of them sign, twice, three honest ones certify once: one set at most has four certificates."""
    signed = five.manifest(least=1)
    nodes = put(five, signed)
    order, peer, noise_of = signed.manifest.aggregators, five.consumer.party, signed.manifest.aggregators[:3]
    for split in range(4):
        again = five.manifest(least=1)
        put(five, again)
        sets = (nodes, nodes[:1])
        honest = [five.at(name).certify(peer, again.token, sets[at >= split], noise_of) for at, name in
                  enumerate(order[:3])]  # fmt: skip
        digests = set()
        for wanted in sets:
            forged = [_forged(five, again, name, wanted, noise_of) for name in order[3:]]
            mine = [token if _is_of(five, order[at], token, wanted) else b"" for at, token in enumerate(honest)]
            certificates = (*mine, *forged)
            try:
                federated.agreed_set(certificates, again, five.register)
            except Malformed:
                for name in order[:3]:
                    with pytest.raises(Refused):
                        five.at(name).open(peer, again.token, certificates)
            else:
                digests.add(tuple(wanted))
        assert len(digests) == 1


def _forged(five: Parties, signed: SignedManifest, name: str, nodes: Sequence[str], noise_of: Sequence[str]) -> bytes:
    """Return a certificate by an aggregator's key that its own book would not have given a second time."""
    liar = five.at(name)
    with liar.book.turn(signed.sha256, five.consumer.id, signed.token) as state:
        return documents.sign_set(liar._set(signed, state, nodes, noise_of), liar.signer)


def _is_of(five: Parties, name: str, token: bytes, nodes: Sequence[str]) -> bool:
    found = documents.open_set(token, five.at(name).signer.public)
    return [item.dealer for item in found.nodes] == sorted(nodes)


def test_a_set_has_the_noise_of_three(five: Parties) -> None:
    signed = five.manifest()
    nodes = put(five, signed)
    order, peer = signed.manifest.aggregators, five.consumer.party
    for noise_of in ((), order[:2], order[:4], (order[0], order[0], order[1]), (*order[:2], nodes[0])):
        with pytest.raises(Refused):
            five.at(order[0]).certify(peer, signed.token, nodes, noise_of)
