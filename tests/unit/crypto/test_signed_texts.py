"""Signed tokens, notes and receipts: each counts for one key and one purpose."""

from dataclasses import replace

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from yanmen.crypto import jose, keys, notes, receipts
from yanmen.crypto.keys import FileSigner
from yanmen.crypto.signatures import BadSignature
from yanmen.crypto.system import SystemRandomness
from yanmen.formats import base64url, checkpoint, jws, merkle, note, receipt, receipt_draft
from yanmen.formats.checkpoint import Checkpoint
from yanmen.formats.malformed import Malformed
from yanmen.formats.note import NoteSignature, VerifierKey
from yanmen.formats.receipt import Head, Slot
from yanmen.model.receipt import Stage

KEY = FileSigner(Ed25519PrivateKey.from_private_bytes(bytes(32)))
OTHER = FileSigner(Ed25519PrivateKey.from_private_bytes(bytes([1]) * 32))
NODE = "591140100MA0GTTTT0X1401A1B2C3D46"
ORIGIN = checkpoint.origin(NODE, 2026)
PETER = note.decode_key("PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW")


def test_a_token_counts_for_its_key_and_type_only() -> None:
    token = jose.sign_jws({"cty": "x"}, {"n": 1, "zh": "雁门"}, KEY, "kid", "offer")
    assert jose.verify_jws(token, KEY.public, "offer") == {"n": 1, "zh": "雁门"}
    with pytest.raises(BadSignature):
        jose.verify_jws(token, OTHER.public, "offer")
    with pytest.raises(BadSignature, match="something else"):
        jose.verify_jws(token, KEY.public, "acceptance")
    with pytest.raises(Malformed):
        jose.verify_jws(token, KEY.public, "offer", max_bytes=10)


def test_no_byte_of_a_token_can_be_changed() -> None:
    token = jose.sign_jws({}, {"fen": 3}, KEY, "kid", "offer")
    for place in range(len(token)):
        for other in (b"A", b".", b"B", b"\xff"):
            altered = token[:place] + other + token[place + 1 :]
            if altered != token:
                with pytest.raises((Malformed, BadSignature)):
                    jose.verify_jws(altered, KEY.public, "offer")


def test_a_signed_payload_that_is_not_canonical_is_refused() -> None:
    head = jws.signing_input("kid", "offer", {}, {}).split(b".")[0]
    signed = head + b"." + base64url.encode(b'{"a":1,"a":2}').encode()
    with pytest.raises(Malformed):
        jose.verify_jws(jws.join(signed, KEY.sign(signed)), KEY.public, "offer")


def test_a_note_of_another_implementation_verifies() -> None:
    """The example of golang.org/x/mod/sumdb/note, written and signed by its authors."""
    data = (
        "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n\n"
        "— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n"
    )
    value = note.decode(data.encode())
    assert notes.verify_note(value, PETER) == value.text
    with pytest.raises(BadSignature):
        notes.verify_note(replace(value, text=value.text.replace("know", "now")), PETER)


def test_unknown_signatures_are_ignored_and_known_ones_must_hold() -> None:
    mine = VerifierKey("a", KEY.public)
    signed = notes.sign_note("text\n", "a", KEY)
    foreign = notes.sign_note("text\n", "b", OTHER).signatures
    assert notes.verify_note(replace(signed, signatures=foreign + signed.signatures), mine) == "text\n"
    forged = NoteSignature("a", mine.key_id, OTHER.sign(b"text\n"))
    for signatures in (foreign, (forged,), (*signed.signatures, forged), (forged, *signed.signatures)):
        with pytest.raises(BadSignature):
            notes.verify_note(replace(signed, signatures=signatures), mine)


def test_name_and_id_must_both_be_known() -> None:
    signed = notes.sign_note("text\n", "a", KEY)
    mine = signed.signatures[0]
    for other in (replace(mine, name="b"), replace(mine, key_id=b"\x00\x01\x02\x03")):
        with pytest.raises(BadSignature, match="no signature"):
            notes.verify_note(replace(signed, signatures=(other,)), VerifierKey("a", KEY.public))


def test_a_checkpoint_counts_for_its_log_only() -> None:
    head = Checkpoint(ORIGIN, 1, merkle.leaf_hash(b""))
    signed = notes.sign_checkpoint(head, KEY)
    assert notes.verify_checkpoint(signed, ORIGIN, KEY.public) == head
    with pytest.raises(BadSignature):
        notes.verify_checkpoint(signed, checkpoint.origin(NODE, 2027), KEY.public)
    with pytest.raises(BadSignature):
        notes.verify_checkpoint(signed, ORIGIN, OTHER.public)
    elsewhere = notes.sign_note(checkpoint.encode(replace(head, origin="other")), ORIGIN, KEY)
    with pytest.raises(BadSignature, match="another log"):
        notes.verify_checkpoint(elsewhere, ORIGIN, KEY.public)


def test_a_receipt_counts_for_its_node_s_key() -> None:
    head = Head(NODE, 1_700_000_040, "ab" * 16, Stage.REFUSED, base64url.encode(bytes(32)))
    issued = receipts.issue(head, {Slot.CONTRACT: "c"}, KEY, SystemRandomness())
    leaf, sdjwt = issued.leaf, issued.sdjwt
    assert receipts.verify_leaf(leaf, KEY.public).kid == keys.thumbprint(KEY.public)
    assert receipts.verify_disclosed(sdjwt, KEY.public).slots == {Slot.CONTRACT: "c"}
    with pytest.raises(BadSignature, match="another key"):
        receipts.verify_leaf(leaf, OTHER.public)
    with pytest.raises(BadSignature, match="another key"):
        receipts.verify_disclosed(sdjwt, OTHER.public)
    forged = jose.sign_jws({}, receipt_draft.draft(head, {}, [], [bytes([n]) * 32 for n in range(24)]).payload, OTHER,
                           keys.thumbprint(KEY.public), receipt.TYP)  # fmt: skip
    with pytest.raises(BadSignature, match="does not verify"):
        receipts.verify_leaf(forged, KEY.public)


def test_two_receipts_of_the_same_thing_share_no_digest() -> None:
    """Otherwise whoever sees leaves could link uses, or find a value by hashing guesses."""
    head = Head(NODE, 1_700_000_040, "ab" * 16, Stage.REFUSED, base64url.encode(bytes(32)))
    slots = dict.fromkeys(Slot, "same")
    first = receipts.verify_leaf(receipts.issue(head, slots, KEY, SystemRandomness()).leaf, KEY.public)
    second = receipts.verify_leaf(receipts.issue(head, slots, KEY, SystemRandomness()).leaf, KEY.public)
    assert not first.digests & second.digests
