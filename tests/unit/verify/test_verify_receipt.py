"""One receipt and two checkpoints, as the SDK checks them: good ones hold, no altered byte does."""

from types import ModuleType
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from yanmen.crypto import notes
from yanmen.crypto.signatures import BadSignature
from yanmen.formats import base64url, checkpoint, merkle, note
from yanmen.formats.checkpoint import Checkpoint
from yanmen.formats.malformed import Malformed
from yanmen.formats.merkle import BadProof
from yanmen.verify import verify_consistency, verify_receipt

REFUSALS = (Malformed, BadSignature, BadProof)


@pytest.fixture(scope="module")
def log(specimens: ModuleType) -> Any:
    return specimens.specimen()


def test_a_receipt_says_what_it_says(specimens: ModuleType, log: Any) -> None:
    said = verify_receipt(log.sdjwts[9], log.proof(9), specimens.RECEIPT_KEY.public, specimens.LOG_KEY.public)
    assert said["contract"] == specimens.CONTRACT
    assert said["price"] == {"fen": 120, "spent_fen": 120}
    assert (said["stage"], said["index"], said["size"], said["iss"]) == ("outcome", 9, 20, specimens.NODE)
    assert said["intent"] == base64url.encode(merkle.leaf_hash(log.leaves[8]))


def test_disclosures_can_be_withheld(specimens: ModuleType, log: Any) -> None:
    bare = log.leaves[9].decode() + "~"
    said = verify_receipt(bare, log.proof(9), specimens.RECEIPT_KEY.public, specimens.LOG_KEY.public)
    assert "contract" not in said


def test_keys_and_logs_are_those_of_the_node(specimens: ModuleType, log: Any) -> None:
    receipt_key, log_key = specimens.RECEIPT_KEY.public, specimens.LOG_KEY.public
    for first, second in ((log_key, log_key), (receipt_key, receipt_key), (receipt_key, bytes(32)), (b"", log_key)):
        with pytest.raises(REFUSALS):
            verify_receipt(log.sdjwts[9], log.proof(9), first, second)
    with pytest.raises(BadProof):
        verify_receipt(log.sdjwts[9], log.proof(10), receipt_key, log_key)
    elsewhere = specimens.Log(specimens.Pinned("elsewhere"), origin=checkpoint.origin(specimens.CONSUMER, 2026))
    elsewhere.leaves, elsewhere.sdjwts = log.leaves, log.sdjwts
    with pytest.raises(BadSignature, match="another node"):
        verify_receipt(log.sdjwts[9], elsewhere.proof(9), receipt_key, log_key)


@settings(max_examples=600, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_no_byte_of_receipt_or_proof_can_be_changed(specimens: ModuleType, log: Any, data: st.DataObject) -> None:
    texts = [log.sdjwts[9].encode(), log.proof(9).encode()]
    which = data.draw(st.integers(0, 1))
    text = texts[which]
    place = data.draw(st.integers(0, len(text) - 1))
    other = data.draw(st.binary(max_size=2))
    altered = text[:place] + other + text[place + 1 :]
    if altered == text:
        return
    texts[which] = altered
    try:
        sdjwt, proof_text = (item.decode("utf-8") for item in texts)
    except UnicodeDecodeError:
        return
    with pytest.raises(REFUSALS):
        verify_receipt(sdjwt, proof_text, specimens.RECEIPT_KEY.public, specimens.LOG_KEY.public)


def test_every_bit_of_a_proof_counts(specimens: ModuleType, log: Any) -> None:
    proof_text = log.proof(9).encode()
    for place in range(len(proof_text)):
        altered = proof_text[:place] + bytes([proof_text[place] ^ 1]) + proof_text[place + 1 :]
        with pytest.raises((*REFUSALS, UnicodeDecodeError)):
            verify_receipt(log.sdjwts[9], altered.decode(), specimens.RECEIPT_KEY.public, specimens.LOG_KEY.public)


def test_a_log_that_grew_is_consistent(specimens: ModuleType, log: Any) -> None:
    for old in (0, 1, 7, 8, 18, 20):
        path = merkle.consistency(old, 20, log.reader())
        first, second = note.encode(log.checkpoint(old)), note.encode(log.checkpoint())
        head = verify_consistency(first, second, path, specimens.LOG_KEY.public)
        assert head == Checkpoint(specimens.ORIGIN, 20, merkle.root(20, log.reader()))


def test_a_log_that_went_back_or_forked_is_not(specimens: ModuleType, log: Any) -> None:
    key = specimens.LOG_KEY.public
    old, new = note.encode(log.checkpoint(7)), note.encode(log.checkpoint())
    path = merkle.consistency(7, 20, log.reader())
    fork = specimens.specimen("fork")
    forged = note.encode(notes.sign_checkpoint(Checkpoint(specimens.ORIGIN, 20, bytes(32)), specimens.MEMBER_KEY))
    other = note.encode(notes.sign_checkpoint(Checkpoint("other", 20, bytes(32)), specimens.LOG_KEY))
    for first, second, proof, used in (
        (new, old, path, key),
        (new, old, (), key),
        (old, new, path[:-1], key),
        (old, note.encode(fork.checkpoint()), merkle.consistency(7, 20, fork.reader()), key),
        (old, forged, path, key),
        (old, other, path, key),
        (old, new, path, specimens.RECEIPT_KEY.public),
        (old, new[:-1], path, key),
    ):
        with pytest.raises(REFUSALS):
            verify_consistency(first, second, proof, used)
