"""Leaves of one log read together: they have one header, so that their parts stand at the same places."""

import struct
from collections.abc import Sequence

from yanmen.formats import base64url, jws
from yanmen.formats.malformed import Malformed
from yanmen.formats.receipt import (
    BEGIN,
    BETWEEN,
    DIGEST_CHARACTERS,
    DIGEST_ENDS,
    DIGESTS,
    KID_CHARACTERS,
    LEAF_BYTES,
    REST_AT,
    SIGNATURE_PART,
    STEP,
    TYP,
    Head,
    Leaf,
    read_head,
)

_FULL_STOP = ord(".")
_DIGEST_AND_BETWEEN = struct.Struct(f"{DIGEST_CHARACTERS}s{len(BETWEEN)}x")


def decode_each(leaves: Sequence[bytes]) -> list[Leaf]:
    """Return what `decode_leaf` says of each of `leaves`, which are read together; one malformed refuses all."""
    header = leaves[0].partition(b".")[0]
    kid, typ, extra = jws.header(header)
    begin, end = len(header) + 1, LEAF_BYTES - SIGNATURE_PART
    beginning = header + b"."
    for leaf in leaves:
        if len(leaf) != LEAF_BYTES or not leaf.startswith(beginning) or leaf[end] != _FULL_STOP:
            raise Malformed("receipt: leaves of other forms")
    if typ != TYP or extra or len(kid) != KID_CHARACTERS:
        raise Malformed("receipt: not the header of a receipt")
    payloads = base64url.decode_alike([leaf[begin:end] for leaf in leaves], end - begin)
    signatures = base64url.decode_alike([leaf[end + 1 :] for leaf in leaves], SIGNATURE_PART - 1)
    read = _payloads(payloads)
    return [
        Leaf(kid, head, known, leaf, signature)
        for (head, known), leaf, signature in zip(read, leaves, signatures, strict=True)
    ]


def _payloads(payloads: Sequence[bytes]) -> list[tuple[Head, frozenset[bytes]]]:
    """Return what `read_payload` says of each of `payloads`: their digests are looked at together."""
    text = BETWEEN.join([*[payload[len(BEGIN) : REST_AT] for payload in payloads], b""])
    found = [digest for (digest,) in _DIGEST_AND_BETWEEN.iter_unpack(text)] if len(text) % STEP == 0 else []
    written = (
        BETWEEN.join([*found, b""]) == text
        and text.translate(None, base64url.ALPHABET) == BETWEEN * len(found)
        and not text[DIGEST_CHARACTERS - 1 :: STEP].translate(None, DIGEST_ENDS)
    )
    read: list[tuple[Head, frozenset[bytes]]] = []
    for at, payload in enumerate(payloads):
        digests = found[at * DIGESTS : (at + 1) * DIGESTS]
        known = frozenset(digests)
        if not written or len(known) != DIGESTS or sorted(digests) != digests:
            raise Malformed(f"receipt: not {DIGESTS} different digests in order")
        read.append((read_head(payload), known))
    return read
