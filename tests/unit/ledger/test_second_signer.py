"""`Signer` is all that signing needs: a whole log is kept, exchanged and verified with keys in another process."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from yanmen.crypto import cosigning, documents, notes
from yanmen.crypto.system import SystemRandomness
from yanmen.formats import note
from yanmen.formats.note import Note, VerifierKey
from yanmen.ledger.genesis import Keeper
from yanmen.ledger.key_changes import Demand
from yanmen.ledger.ledger import Ledger
from yanmen.model.catalogue import SubjectSpace
from yanmen.model.contract import ContractStatus
from yanmen.model.party import FormerKey, KeyEnd, KeyUse, PartyRole, Register
from yanmen.model.ports import Signer
from yanmen.verify import verify_bundle

from tests.unit.crypto.piped_signer import PipedSigner
from tests.unit.ledger.scene import (
    CONSUMER,
    NODE,
    SPACE,
    START_MS,
    Scene,
    accepted,
    offered,
    papers,
    party,
    terms_of,
    version,
)

Keys = tuple[PipedSigner, PipedSigner, PipedSigner, PipedSigner]


@pytest.fixture(scope="module")
def held() -> Iterator[Keys]:
    """Give a receipt key, a log key, the next receipt key and a space's key, each held by a process of its own."""
    with PipedSigner() as receipt, PipedSigner() as log, PipedSigner() as following, PipedSigner() as space:
        yield receipt, log, following, space


def test_a_log_is_kept_and_verified(held: Keys, tmp_path: Path) -> None:
    receipt, log, following, space = held
    scene = Scene(tmp_path / "ledger.db")
    with opened(scene, receipt, log) as ledger:
        ledger.register_space(SubjectSpace("residents", 1_000_000, 1_000_000))
        ledger.publish(version())
        terms = terms_of(scene.name())
        ledger.add_offer(offered(terms))
        ledger.decide(terms.id, ContractStatus.ACTIVE, accepted(terms, receipt), "Li Si")
        contract = ledger.contract(terms.id)
        assert contract is not None
        scene.ask(ledger, contract)
        ledger.serve_alone()
        demand = Demand(KeyUse.RECEIPT, KeyEnd.ROTATED, "Li Si", "yearly", following)
        index, origin = ledger.exchange_key(demand), ledger.origin
    with opened(scene, following, log) as ledger:
        scene.ask(ledger, contract)
        former = FormerKey(KeyUse.RECEIPT, receipt.public, origin, index, KeyEnd.ROTATED)
        node = replace(
            party(NODE, PartyRole.NODE), signing_key=following.public, log_key=log.public, former_keys=(former,)
        )
        parties = tuple(sorted((node, party(CONSUMER)), key=lambda one: one.id))
        register = documents.sign_register(Register(SPACE, 2, START_MS, START_MS + 2**40, parties), space)
        vkey = note.encode_key(VerifierKey(SPACE, space.public))
        ledger.export(tmp_path / "bundle", replace(papers(), vkey=vkey, register=register))
        head = note.decode(ledger.checkpoint().encode())
        notes.verify_checkpoint(head, origin, log.public)
        ledger.check()
    assert verify_bundle(tmp_path / "bundle", space.public).ok
    assert receipt.signed > 5
    assert log.signed > 5


def test_a_witness_cosigns(held: Keys) -> None:
    _, log, _, key = held
    signed = notes.sign_note("origin\n1\nAAAA\n", "origin", log)
    ours = cosigning.cosign(signed.text, "witness.example/w", key, 1_780_000_000)
    witness = VerifierKey("witness.example/w", key.public, note.COSIGNATURE)
    assert cosigning.verify(Note(signed.text, (*signed.signatures, ours)), witness) == 1_780_000_000


def opened(scene: Scene, receipt: Signer, log: Signer) -> Ledger:
    """Open the scene's ledger with keys that this process does not hold."""
    return Ledger.open(scene.path, Keeper(NODE, receipt, log, scene.clock, SystemRandomness()), scene.limits)
