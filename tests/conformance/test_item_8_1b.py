"""8.1b 合约真实性: both signers are who the register says: offer by the member's key, acceptance by the node's."""

import shutil
from pathlib import Path

import pytest
from yanmen.client.identity import Identity
from yanmen.crypto import documents, keys
from yanmen.crypto.signatures import BadSignature
from yanmen.crypto.system import SystemRandomness

from tests.conformance.department import Department
from tests.system.town import run

WORDS = ("--grant", "wards:ward", "--price", "100", "--scenario", "s-6", "--purpose", "真实性", "--legal-basis", "test")


def test_an_offer_counts_only_under_its_members_key(department: Department, tmp_path: Path) -> None:
    forger = tmp_path / "forger"
    shutil.copytree(department.root / "alice", forger)
    (forger / "signing.key").unlink()
    keys.generate(forger / "signing.key", SystemRandomness())
    code, refused = run("contract", "request", "--as", forger, "--at", "clinic", *WORDS)
    assert code != 0
    assert "id" not in refused


def test_both_signatures_are_verified_by_whoever_reads_the_contract(department: Department) -> None:
    identity = Identity.load(department.root / "alice")
    node = identity.node("clinic")
    with department.connect() as link:
        held = link.contract(department.opened())
    assert documents.open_offer(held.offer, identity.signer.public).id == held.terms.id
    accepted = documents.open_acceptance(held.acceptance, node.signing_key)
    assert accepted.offer_sha256 == held.digest
    for wrong in (node.log_key, identity.signer.public):
        with pytest.raises(BadSignature):
            documents.open_acceptance(held.acceptance, wrong)
    with pytest.raises(BadSignature):
        documents.open_offer(held.offer, node.signing_key)
