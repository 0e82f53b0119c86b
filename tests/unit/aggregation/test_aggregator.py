"""From shares to one total, and every way a consumer, a node or an aggregator could cheat on it."""

from dataclasses import replace

import pytest
from yanmen.aggregation.aggregator import Dealer
from yanmen.crypto import documents, federated, sharing
from yanmen.crypto.federated import Evidence
from yanmen.crypto.signatures import BadSignature
from yanmen.formats import share
from yanmen.formats.malformed import Malformed
from yanmen.formats.share import WholeShare
from yanmen.model.federation import Opening, PartialSum, SignedManifest
from yanmen.model.refusal import Reason, Refused

from tests.unit.aggregation.parties import Member, Parties, evidence, outcome

VALUES = (5, -3, 2**40, 0)


def put(parties: Parties, signed: SignedManifest, *nodes: Member) -> list[str]:
    """Deposit VALUES of each node and all noise; return the nodes' ids."""
    for node in nodes:
        parties.deposit(signed, *parties.deal(node, signed, VALUES))
    parties.noise(signed)
    return [node.id for node in nodes]


def opened(parties: Parties) -> tuple[SignedManifest, Opening]:
    """Return a question answered by all nodes."""
    signed = parties.manifest()
    names = put(parties, signed, *parties.nodes)
    return signed, parties.open(signed, parties.certificates(signed, names))


def refused(reason: Reason, subject: str, call: object) -> None:
    """Require that `call` is refused for `reason`, naming `subject` somewhere."""
    assert callable(call)
    with pytest.raises(Refused) as found:
        call()
    assert found.value.reason is reason
    assert subject in found.value.detail.subject + found.value.detail.hint_en


def test_the_total_is_the_sum_and_the_noise_of_all_three(parties: Parties) -> None:
    signed, opening = opened(parties)
    totals = federated.total(opening, signed, parties.register)
    # Three draws of variance 4: beyond 60 with probability far below 1e-60.
    assert all(abs(total - 3 * value) < 60 for total, value in zip(totals, VALUES, strict=True))


def test_two_aggregators_see_nothing_but_random_shares(parties: Parties) -> None:
    """The last share alone depends on the table, and any two sums miss the third's fresh key stream."""
    signed = parties.manifest()
    tables = [
        sharing.expand(part)[0]
        for part in sharing.split(VALUES, 1, 3, parties.at(signed.manifest.aggregators[0]).randomness)
    ]
    assert all(set(map(int, table)).isdisjoint(VALUES) for table in tables)


def test_an_opened_sum_is_the_same_whenever_it_is_asked(parties: Parties) -> None:
    signed, opening = opened(parties)
    assert parties.open(signed, opening.certificates) == opening


def test_a_second_set_of_one_question_is_never_certified(parties: Parties) -> None:
    """Two overlapping sums would show the difference: one node's figures."""
    signed = parties.manifest(least=2)
    names = put(parties, signed, *parties.nodes)
    parties.certificates(signed, names)
    first = signed.manifest.aggregators[0]
    refused(Reason.SET_FIXED, "", lambda: parties.at(first).certify(parties.consumer.party, signed.token, names[:2]))


def test_aggregators_talked_into_different_sets_open_neither(parties: Parties) -> None:
    """The relay shows each aggregator another set: none of the certificates fit together."""
    signed = parties.manifest(least=2)
    names = put(parties, signed, *parties.nodes)
    peer, order = parties.consumer.party, signed.manifest.aggregators
    mixed = tuple(
        parties.at(name).certify(peer, signed.token, names if at else names[:2]) for at, name in enumerate(order)
    )
    for name in order:
        refused(
            Reason.MANIFEST_INVALID,
            "different sets",
            lambda name=name: parties.at(name).open(peer, signed.token, mixed),
        )
    repeated = (mixed[1], mixed[1], mixed[1])
    refused(Reason.MANIFEST_INVALID, "", lambda: parties.at(order[1]).open(peer, signed.token, repeated))


def test_fewer_nodes_than_the_manifest_demands_are_not_certified(parties: Parties) -> None:
    signed = parties.manifest(least=3)
    names = put(parties, signed, *parties.nodes[:2])
    first = signed.manifest.aggregators[0]
    refused(
        Reason.MANIFEST_INVALID,
        "fewer nodes",
        lambda: parties.at(first).certify(parties.consumer.party, signed.token, names),
    )


def test_no_set_without_the_noise_of_every_aggregator(parties: Parties) -> None:
    signed = parties.manifest()
    for node in parties.nodes:
        parties.deposit(signed, *parties.deal(node, signed, VALUES))
    first = signed.manifest.aggregators[0]
    names = [node.id for node in parties.nodes]
    refused(Reason.DEPOSIT_MISSING, "", lambda: parties.at(first).certify(parties.consumer.party, signed.token, names))


def test_noise_is_dealt_once_a_question(parties: Parties) -> None:
    signed = parties.manifest()
    first = parties.at(signed.manifest.aggregators[0])
    assert first.noise(parties.consumer.party, signed.token) == first.noise(parties.consumer.party, signed.token)


def test_a_node_cannot_deal_twice_for_one_manifest(parties: Parties) -> None:
    signed = parties.manifest()
    node = parties.nodes[0]
    parties.deposit(signed, *parties.deal(node, signed, VALUES))
    shown, sealed = parties.deal(node, signed, (1, 1, 1, 1))
    refused(Reason.MANIFEST_INVALID, "dealt twice", lambda: parties.deposit(signed, shown, sealed))


def test_an_envelope_opens_only_in_its_own_place(parties: Parties) -> None:
    """Swapped between aggregators, replayed from another question, cut short, or of another dealer."""
    signed, other = parties.manifest(), parties.manifest()
    node, stranger = parties.nodes[:2]
    shown, sealed = parties.deal(node, signed, VALUES)
    peer, name = parties.consumer.party, signed.manifest.aggregators[0]
    _, others = parties.deal(node, other, VALUES)
    _, strangers = parties.deal(stranger, signed, VALUES)
    for wrong in (sealed[1], others[0], strangers[0], sealed[0][:-1], b"", sealed[0][:-1] + b"\0"):
        dealer = Dealer(shown, wrong)
        refused(Reason.MANIFEST_INVALID, "", lambda dealer=dealer: parties.at(name).deposit(peer, signed.token, dealer))


def test_a_share_that_its_receipt_does_not_name_is_refused(parties: Parties) -> None:
    signed = parties.manifest()
    node = parties.nodes[0]
    _, sealed = parties.deal(node, signed, VALUES)
    shown, _ = parties.deal(node, signed, VALUES)
    refused(Reason.MANIFEST_INVALID, "not the one", lambda: parties.deposit(signed, shown, sealed))


def test_a_receipt_counts_only_if_it_is_the_dealers_of_this_question(parties: Parties) -> None:
    signed, other = parties.manifest(), parties.manifest()
    node, stranger = parties.nodes[:2]
    shown, sealed = parties.deal(node, signed, VALUES)
    elsewhere, _ = parties.deal(node, other, VALUES)
    plain = evidence(node, outcome(node, "discrete-gaussian"))
    for wrong in (
        replace(shown, dealer=stranger.id),
        replace(shown, dealer=parties.consumer.id),
        replace(shown, proof=elsewhere.proof),
        Evidence(node.id, elsewhere.sdjwt, elsewhere.proof),
        replace(shown, sdjwt=shown.sdjwt.split("~")[0] + "~"),
        plain,
    ):
        refused(Reason.MANIFEST_INVALID, "", lambda wrong=wrong: parties.deposit(signed, wrong, sealed))


def test_only_the_manifests_consumer_is_answered_and_only_in_time(parties: Parties) -> None:
    signed = parties.manifest()
    first = parties.at(signed.manifest.aggregators[0])
    refused(Reason.MANIFEST_INVALID, "another consumer", lambda: first.noise(parties.nodes[0].party, signed.token))
    late = parties.manifest(expires_s=-5)
    refused(Reason.MANIFEST_INVALID, "in force", lambda: first.noise(parties.consumer.party, late.token))
    forged = bytearray(signed.token)
    forged[-2] ^= 1
    refused(Reason.MANIFEST_INVALID, "", lambda: first.noise(parties.consumer.party, bytes(forged)))


def lying(parties: Parties, signed: SignedManifest, opening: Opening, cell: int, by: int) -> Opening:
    """Return the opening with the first aggregator's sum off by `by` in `cell`, signed by that aggregator."""
    honest = share.decode(opening.sums[0].share)
    assert isinstance(honest, WholeShare)
    cells = bytearray(honest.vector)
    value = (int.from_bytes(cells[cell * 8 : cell * 8 + 8], "little") + by) % 2**64
    cells[cell * 8 : cell * 8 + 8] = value.to_bytes(8, "little")
    forged = share.encode(WholeShare(honest.blinding, bytes(cells)))
    name = signed.manifest.aggregators[0]
    said = documents.open_partial(opening.sums[0].partial, parties.at(name).signer.public)
    said_again = documents.sign_partial(
        PartialSum(name, said.manifest_sha256, said.set_sha256, documents.digest(forged), said.issued_s),
        parties.at(name).signer,
    )
    return replace(opening, sums=(replace(opening.sums[0], partial=said_again, share=forged), *opening.sums[1:]))


def test_a_total_changed_by_one_unit_is_found(parties: Parties) -> None:
    signed, opening = opened(parties)
    for cell in range(len(VALUES)):
        for by in (1, -1, 2**63):
            with pytest.raises(BadSignature, match="not the sum"):
                federated.total(lying(parties, signed, opening, cell, by), signed, parties.register)


def test_a_sum_that_nobody_signed_is_found(parties: Parties) -> None:
    signed, opening = opened(parties)
    swapped = replace(opening, sums=(opening.sums[1], opening.sums[0], opening.sums[2]))
    fewer = replace(opening, sums=opening.sums[:2])
    for wrong in (swapped, fewer):
        with pytest.raises((Malformed, BadSignature)):
            federated.total(wrong, signed, parties.register)
