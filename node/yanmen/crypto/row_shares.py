"""Additive shares of what goes with each row of a blinded list: its place in the grid and its values.

Two of three shares are AES-256-CTR streams of fresh 32-byte keys, so that any two show nothing of the rows.
"""

import hashlib

import numpy as np
import numpy.typing as npt
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES256
from cryptography.hazmat.primitives.ciphers.modes import CTR

from yanmen.formats import row_share
from yanmen.formats.row_share import PLACE_BYTES, SEED_BYTES, RowShare
from yanmen.model.ports import Randomness

Places = npt.NDArray[np.uint32]
Values = npt.NDArray[np.uint64]
"""One line for each row, one column for each aggregate of its side."""
PARTIES = 3


def split(places: Places, values: Values, randomness: Randomness) -> tuple[bytes, ...]:
    """Return the bytes of a share for each of three aggregators."""
    items, columns = values.shape
    contents = []
    for _ in range(PARTIES - 1):
        share = RowShare(items, columns, seed=randomness.token(SEED_BYTES))
        part, cells = expand(share)
        places, values = places - part, values - cells
        contents.append(row_share.encode(share))
    written = places.astype("<u4").tobytes() + values.astype("<u8").tobytes()
    return (*contents, row_share.encode(RowShare(items, columns, written=written)))


def expand(share: RowShare) -> tuple[Places, Values]:
    """Return the places and values that `share` stands for."""
    data = share.written
    if share.seed:
        data = Cipher(AES256(share.seed), CTR(bytes(16))).encryptor().update(bytes(share.size))
    cut = share.items * PLACE_BYTES
    places = np.frombuffer(data[:cut], dtype="<u4").astype(np.uint32)
    values = np.frombuffer(data[cut:], dtype="<u8").astype(np.uint64)
    return places, values.reshape(share.items, share.columns)


def shuffle(items: int, randomness: Randomness) -> npt.NDArray[np.int64]:
    """Return an order of so many rows, each as likely as any other but for 2^-80."""
    keys = np.frombuffer(randomness.token(16 * items), dtype="<u8").reshape(items, 2)
    return np.lexsort((keys[:, 0], keys[:, 1]))


def digests(contents: tuple[bytes, ...]) -> tuple[bytes, ...]:
    """Return the SHA-256 of each share's bytes: shares are random in themselves."""
    return tuple(hashlib.sha256(content).digest() for content in contents)
