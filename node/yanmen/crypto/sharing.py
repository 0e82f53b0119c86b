"""Additive secret sharing of a table modulo 2^64, with its commitment's blinding shared beside it.

Any proper part of the shares is uniformly random whatever the table is; all of them add up to it.
All but the last are AES-256-CTR streams of fresh 32-byte keys (a pseudorandom generator).
"""

import hashlib
from collections.abc import Iterable, Sequence

import numpy as np
import numpy.typing as npt
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES256
from cryptography.hazmat.primitives.ciphers.modes import CTR

from yanmen.crypto.pedersen import ORDER
from yanmen.formats import share as share_format
from yanmen.formats.malformed import Malformed
from yanmen.formats.share import BLINDING_BYTES, CELL_BYTES, SEED_BYTES, SeedShare, Share, WholeShare
from yanmen.model.ports import Randomness

_SIGN = 2**63
_WIDE = 64
"""Bytes reduced modulo the group order, so that the remainder is uniform but for 2^-259."""

Cells = npt.NDArray[np.uint64]


def split(values: Sequence[int], blinding: int, parties: int, randomness: Randomness) -> tuple[Share, ...]:
    """Return `parties` shares of `values` (each -2^63 <= x < 2^63) and `blinding`, the last one written out."""
    if parties < 2:
        raise ValueError("a secret is shared among two parties at least")
    if not 0 <= blinding < ORDER:
        raise ValueError("the blinding is not reduced modulo the group order")
    rest = np.array(values, dtype=np.int64).view(np.uint64)
    seeds = tuple(SeedShare(len(values), randomness.token(SEED_BYTES)) for _ in range(parties - 1))
    for seed in seeds:
        cells, part = expand(seed)
        rest = rest - cells
        blinding = (blinding - part) % ORDER
    whole = WholeShare(blinding.to_bytes(BLINDING_BYTES, "little"), rest.astype("<u8").tobytes())
    return (*seeds, whole)


def expand(share: Share) -> tuple[Cells, int]:
    """Return the cells and the blinding that `share` stands for; `Malformed` when the blinding is not reduced."""
    match share:
        case SeedShare():
            stream = Cipher(AES256(share.seed), CTR(bytes(16))).encryptor()
            data = stream.update(bytes(share.cells * CELL_BYTES + _WIDE))
            cells = np.frombuffer(data[:-_WIDE], dtype="<u8").astype(np.uint64)
            return cells, int.from_bytes(data[-_WIDE:], "little") % ORDER
        case WholeShare():
            blinding = int.from_bytes(share.blinding, "little")
            if blinding >= ORDER:
                raise Malformed("share: its blinding is not reduced")
            return np.frombuffer(share.vector, dtype="<u8").astype(np.uint64), blinding


def total(shares: Iterable[Share], cells: int) -> WholeShare:
    """Return the sum of `shares`, each of `cells` cells: of one party's, or of all parties' sums."""
    summed, blinding = np.zeros(cells, dtype=np.uint64), 0
    for share in shares:
        if share.cells != cells:
            raise Malformed("share: of another table")
        part, hidden = expand(share)
        summed += part
        blinding = (blinding + hidden) % ORDER
    return WholeShare(blinding.to_bytes(BLINDING_BYTES, "little"), summed.astype("<u8").tobytes())


def reveal(summed: WholeShare) -> tuple[tuple[int, ...], int]:
    """Return the signed values and the blinding that the sum of all shares is."""
    cells, blinding = expand(summed)
    return tuple(int(cell) for cell in cells.view(np.int64)), blinding


def digest(share: Share) -> bytes:
    """Return the SHA-256 of `share`; a share is random in itself, so its digest tells nothing of the table."""
    return hashlib.sha256(share_format.encode(share)).digest()
