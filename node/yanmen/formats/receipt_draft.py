"""Receipts being written: formats/receipt.py reads them.

Decoys fill `_sd` up to 24 digests and `pad` fills the leaf up to 2,560 bytes, so that all leaves look alike.
"""

import hashlib
import operator
import struct
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import NamedTuple

from yanmen.formats import base64url, connector_id, json_canonical, jws, receipt
from yanmen.formats.json_canonical import Json
from yanmen.formats.malformed import Malformed
from yanmen.formats.receipt import DIGEST_BYTES, DIGESTS, LEAF_BYTES, SALT_BYTES, SUITE, TYP, Head, Slot

_PAYLOAD = (
    b'{"_sd":["%b"],"_sd_alg":"sha-256","iat":%d,"intent":"%b","iss":"%b","jti":"%b","pad":"%b","stage":"%b","suite":"'
    + SUITE.encode("ascii")
    + b'"}'
)
"""The payload, to be filled in; what was filled in is read again, by the one expression that says what it may be."""
_SALT, _DECOY = frozenset({SALT_BYTES}), frozenset({DIGEST_BYTES})
"""Lengths that salts and decoys have."""


class Draft(NamedTuple):
    """A receipt ready for signing: the payload of its leaf as bytes, and its disclosures."""

    encoded: bytes
    disclosures: tuple[str, ...]

    @property
    def payload(self) -> Mapping[str, Json]:
        """The payload of the leaf."""
        return json_canonical.decode_object(self.encoded)


def draft(head: Head, slots: Mapping[Slot, Json], salts: Sequence[bytes], decoys: Sequence[bytes]) -> Draft:
    """Return the receipt of `slots`: one 16-byte salt for each slot and one 32-byte decoy for each of the rest."""
    if len(salts) != len(slots) or len(decoys) != DIGESTS - len(slots):
        raise Malformed("receipt: not one salt for each slot and one decoy for each of the rest")
    if not _DECOY.issuperset(map(len, decoys)):
        raise Malformed("receipt: decoy is not 32 bytes")
    disclosures = _disclosures(salts, slots)
    digests = sorted(receipt.spelled([*map(_DIGEST_OF, map(hashlib.sha256, disclosures)), *decoys]))
    stage = head.stage.value
    encoded = _PAYLOAD % (
        receipt.BETWEEN.join(digests),
        head.iat_s,
        head.intent.encode("ascii"),
        head.iss.encode("ascii"),
        head.jti.encode("ascii"),
        receipt.PAD * _missing(len(stage), len(str(head.iat_s))),
        stage.encode("ascii"),
    )
    receipt.check_written(encoded, digests)
    texts = b"~".join(disclosures).decode("ascii")
    return Draft(encoded, tuple(texts.split("~")) if disclosures else ())


def _disclosures(salts: Sequence[bytes], slots: Mapping[Slot, Json]) -> list[bytes]:
    """Return the disclosures of `slots`, in order, each under its salt."""
    if not _SALT.issuperset(map(len, salts)):
        raise Malformed("receipt: salt is not 16 bytes")
    order = receipt.in_order(slots)
    said = map(list, zip(_spelled(salts), map(_NAME, order), map(slots.__getitem__, order), strict=True))
    texts = [base64url.encode_bytes(text) for text in json_canonical.encode_each(list(said))]
    if max(map(len, texts), default=0) > receipt.DISCLOSURE_BYTES_MAX:
        longest = max(zip(map(len, texts), order, strict=True), key=operator.itemgetter(0))
        raise Malformed(f"receipt: {longest[1].value} is too long")
    return texts


def _spelled(salts: Sequence[bytes]) -> tuple[str, ...]:
    """Return `salts` as text: with two zero bytes after each, all are encoded at once and apart."""
    text = base64url.encode_bytes(b"\x00\x00".join([*salts, b""]))
    return tuple(map(_ASCII, _apart(len(salts)).unpack(text)))


_NAME = receipt.NAMES.__getitem__
_DIGEST_OF = operator.methodcaller("digest")
_ASCII = operator.methodcaller("decode", "ascii")


@lru_cache(maxsize=32)
def _apart(salts: int) -> struct.Struct:
    """Return what takes so many encoded salts apart."""
    return struct.Struct("22s2x" * salts)


@lru_cache(maxsize=64)
def _missing(stage_characters: int, time_digits: int) -> int:
    """Return how many bytes of padding bring the leaf to its size: all else in it is of one length."""
    bare = jws.signing_input("k" * receipt.KID_CHARACTERS, TYP, {}, {})
    header_characters = bare.index(b".")
    payload_characters = LEAF_BYTES - header_characters - 2 - 86
    digest_ = "d" * 43
    payload: dict[str, Json] = {
        "_sd": [digest_] * DIGESTS,
        "_sd_alg": receipt.SD_ALG,
        "iat": 10 ** (time_digits - 1),
        "intent": digest_,
        "iss": "i" * connector_id.LENGTH,
        "jti": "0" * 32,
        "pad": "",
        "stage": "s" * stage_characters,
        "suite": SUITE,
    }
    missing = payload_characters * 3 // 4 - len(json_canonical.encode(payload))
    if missing < 0:
        raise Malformed("receipt: clear members are too long")
    return missing
