"""Dealers that deal five aggregators what is no sharing, or another one than the manifest says."""

import hashlib
from collections.abc import Sequence
from dataclasses import replace

import pytest
from yanmen.aggregation.aggregator import Dealer
from yanmen.crypto import dealing, documents, envelopes, federated, manifests, pedersen, shamir, sharing
from yanmen.crypto.federated import Evidence
from yanmen.crypto.mersenne import P
from yanmen.crypto.signatures import BadSignature
from yanmen.formats import manifest as manifest_format
from yanmen.formats import point, share
from yanmen.formats.dealing import Dealing
from yanmen.formats.malformed import Malformed
from yanmen.formats.point import Point, WholePoint
from yanmen.model.federation import Mode, SignedManifest
from yanmen.model.refusal import Reason, Refused

from tests.unit.aggregation.five import VALUES, refused
from tests.unit.aggregation.parties import RANDOM, Member, Parties, evidence, outcome

# Dealers


def dealt_by(
    five: Parties, node: Member, signed: SignedManifest, points: Sequence[Point], commitment: bytes = b""
) -> tuple[Evidence, tuple[bytes, ...]]:
    """Return what a node hands over that dealt `points`, as truthfully as it can."""
    manifest = signed.manifest
    commitment = commitment or pedersen.commit(VALUES, 7)
    contents = tuple(map(point.encode, points))
    digests = tuple(hashlib.sha256(content).digest() for content in contents)
    coin = shamir.challenge(signed.sha256, node.id, commitment, digests)
    degree = dealing.write_degree(shamir.degree(points, coin))
    word = Dealing(signed.sha256, manifest.multiplicity, manifest.sigma_squared, commitment, digests, degree)
    sealed = tuple(
        envelopes.seal(key, content, dealing.place(signed.sha256, node.id, to))
        for to, key, content in zip(manifest.aggregators, signed.keys, contents, strict=True)
    )
    return evidence(node, outcome(node, word.text())), sealed


def taken(five: Parties, signed: SignedManifest, shown: Evidence, sealed: Sequence[bytes]) -> list[bool]:
    """Return which aggregators do not refuse their share for its degree, naming the dealer."""
    found = []
    for at, name in enumerate(signed.manifest.aggregators):
        try:
            five.at(name).deposit(five.consumer.party, signed.token, Dealer(shown, sealed[at]))
        except Refused as error:
            found.append(f"what {shown.dealer} dealt is on no polynomial" not in error.detail.hint_en)
        else:
            found.append(True)
    return found


def cubic(points: Sequence[Point], *, hidden: bool = False) -> list[Point]:
    """Return `points` with x^3 added: three of them still lie on a polynomial of degree 2, the rest do not."""
    found: list[Point] = []
    for one in points:
        opened = shamir.expand(one)
        cells, blinding = opened.cells.copy(), opened.blinding
        if hidden:
            blinding = (blinding + one.place**3) % pedersen.ORDER
        else:
            cells[1] = (int(cells[1]) + one.place**3) % P
        hidden_by, mask = (number.to_bytes(32, "little") for number in (blinding, opened.mask))
        found.append(WholePoint(one.place, hidden_by, mask, cells.astype("<u8").tobytes()))
    return found


@pytest.mark.parametrize("hidden", [False, True])
def test_a_dealer_of_the_wrong_degree_is_named(five: Parties, *, hidden: bool) -> None:
    signed = five.manifest()
    points = cubic(shamir.split(VALUES, 7, RANDOM), hidden=hidden)
    assert taken(five, signed, *dealt_by(five, five.nodes[0], signed, points)) == [True] * 3 + [False] * 2
    refused(
        Reason.DEPOSIT_MISSING,
        five.nodes[0].id,
        lambda: five.at(signed.manifest.aggregators[4]).certify(
            five.consumer.party, signed.token, [five.nodes[0].id], signed.manifest.aggregators[:3]
        ),
    )


def test_a_dealer_that_deals_rightly_is_taken_by_all(five: Parties) -> None:
    signed = five.manifest()
    assert taken(five, signed, *dealt_by(five, five.nodes[0], signed, shamir.split(VALUES, 7, RANDOM))) == [True] * 5


def test_a_share_sealed_for_another_place_is_refused(five: Parties) -> None:
    signed = five.manifest()
    points = shamir.split(VALUES, 7, RANDOM)
    shown, sealed = dealt_by(five, five.nodes[0], signed, (points[1], points[0], *points[2:]))
    for at in (0, 1):
        name = signed.manifest.aggregators[at]
        dealer = Dealer(shown, sealed[at])
        refused(
            Reason.MANIFEST_INVALID,
            "place",
            lambda name=name, dealer=dealer: five.at(name).deposit(five.consumer.party, signed.token, dealer),  # type: ignore[misc]
        )


def test_packets_swapped_replayed_or_cut_are_refused(five: Parties) -> None:
    signed, other = five.manifest(), five.manifest()
    node, stranger = five.nodes
    shown, sealed = five.deal(node, signed, VALUES)
    _, others = five.deal(node, other, VALUES)
    _, strangers = five.deal(stranger, signed, VALUES)
    first = five.at(signed.manifest.aggregators[0])
    for wrong in (sealed[1], others[0], strangers[0], sealed[0][:-1], b"", sealed[0][:-1] + b"\0"):
        dealer = Dealer(shown, wrong)
        refused(
            Reason.MANIFEST_INVALID,
            "",
            lambda dealer=dealer: first.deposit(five.consumer.party, signed.token, dealer),  # type: ignore[misc]
        )


def test_a_node_that_commits_to_other_figures_than_it_deals_stops_the_sum(five: Parties) -> None:
    """Found, but not named: no aggregator sees figures that it could hold against the commitment."""
    signed = five.manifest()
    liar, honest = five.nodes
    other = pedersen.commit((6, *VALUES[1:]), 7)
    assert taken(five, signed, *dealt_by(five, liar, signed, shamir.split(VALUES, 7, RANDOM), other)) == [True] * 5
    five.deposit(signed, *five.deal(honest, signed, VALUES))
    five.noise(signed)
    certificates = five.certificates(signed, [node.id for node in five.nodes], signed.manifest.aggregators[:3])
    with pytest.raises(BadSignature, match="not the sum"):
        federated.recovered(five.open(signed, certificates), signed, five.register)


# Modes


def test_a_sharing_of_the_other_mode_is_refused(five: Parties) -> None:
    """Nobody deals additive shares under a robust manifest, in whatever dress."""
    signed = five.manifest()
    node = five.nodes[0]
    shares = sharing.split(VALUES, 7, 5, RANDOM)
    contents = tuple(map(share.encode, shares))
    digests = tuple(hashlib.sha256(content).digest() for content in contents)
    commitment = pedersen.commit(VALUES, 7)
    sealed = [
        envelopes.seal(key, content, dealing.place(signed.sha256, node.id, to))
        for to, key, content in zip(signed.manifest.aggregators, signed.keys, contents, strict=True)
    ]
    additive = Dealing(signed.sha256, 2, (4,), commitment, digests[:3])
    robust = Dealing(signed.sha256, 2, (4,), commitment, digests, bytes(144))
    for word in (additive, robust):
        shown = evidence(node, outcome(node, word.text()))
        refused(Reason.MANIFEST_INVALID, "", lambda shown=shown: five.deposit(signed, shown, sealed))  # type: ignore[misc]


def test_a_manifest_has_the_aggregators_of_its_mode_and_says_which(five: Parties) -> None:
    signed = five.manifest()
    manifest = signed.manifest
    assert manifest.mode is Mode.ROBUST
    for wrong in (
        replace(manifest, mode=Mode.ADDITIVE),
        replace(manifest, aggregators=manifest.aggregators[:4]),
        replace(manifest, aggregators=manifest.aggregators[:3]),
    ):
        with pytest.raises(Malformed):
            manifest_format.encode(wrong)
    weaker = replace(manifest, mode=Mode.ADDITIVE, aggregators=manifest.aggregators[:3])
    assert manifest_format.decode(manifest_format.encode(weaker)) == weaker
    token = documents.sign_manifest(weaker, five.nodes[0].signer)
    with pytest.raises(BadSignature):
        manifests.read(token, five.register)
    payload = manifest_format.encode(manifest)
    for mode in ("Robust", "", None, "shamir"):
        with pytest.raises(Malformed):
            manifest_format.decode({**payload, "mode": mode})
    with pytest.raises(Malformed):
        manifest_format.decode({name: value for name, value in payload.items() if name != "mode"})
    # What dealers gave for one is nothing for the other.
    other = manifests.read(documents.sign_manifest(weaker, five.consumer.signer), five.register)
    shown, _ = five.deal(five.nodes[0], signed, VALUES)
    with pytest.raises(Malformed, match="another manifest"):
        federated.check_evidence(shown, other, five.register)
