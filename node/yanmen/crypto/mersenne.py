"""Exact arithmetic on vectors of numbers modulo p = 2^61 - 1, in 64-bit words.

2^61 = 1 and 2^62 = 2 modulo p, so a product of two 61-bit numbers is put together from 31-bit
halves without any intermediate value reaching 2^64 (the bounds stand beside each step).
"""

from typing import Final

import numpy as np
import numpy.typing as npt

P: Final = 2**61 - 1
HALF: Final = P // 2
"""Numbers from -HALF to HALF stand for themselves."""
BITS: Final = 61

Residues = npt.NDArray[np.uint64]
"""Numbers below p."""

_P = np.uint64(P)
_BITS = np.uint64(BITS)
_31, _30, _1, _32 = np.uint64(31), np.uint64(30), np.uint64(1), np.uint64(32)
_LOW31, _LOW30, _LOW32 = np.uint64(2**31 - 1), np.uint64(2**30 - 1), np.uint64(2**32 - 1)


def reduce(words: Residues) -> Residues:
    """Return any 64-bit `words` modulo p."""
    folded = (words & _P) + (words >> _BITS)  # below 2^61 + 8
    return np.where(folded >= _P, folded - _P, folded)


def encode(values: npt.NDArray[np.int64]) -> Residues:
    """Return integers from -HALF to HALF as numbers modulo p."""
    if values.size and not (int(values.min()) >= -HALF and int(values.max()) <= HALF):
        raise ValueError("a figure is wider than 60 bits")
    words = values.astype(np.int64).view(np.uint64)
    return np.where(values < 0, words + _P, words)  # wraps around 2^64 to p - |x|


def decode(residues: Residues) -> tuple[int, ...]:
    """Return the integers from -HALF to HALF that `residues` stand for."""
    values = residues.astype(np.int64)
    return tuple(int(value) for value in np.where(values > HALF, values - P, values))


def add(left: Residues, right: Residues) -> Residues:
    """Return left + right."""
    return reduce(left + right)  # below 2^62


def multiply(left: Residues, right: Residues) -> Residues:
    """Return left * right, cell by cell."""
    a1, a0 = left >> _31, left & _LOW31  # below 2^30, 2^31
    b1, b0 = right >> _31, right & _LOW31
    middle = a1 * b0 + a0 * b1  # below 2^62
    high = (a1 * b1) << _1  # below 2^61: 2^62 = 2
    shifted = (middle >> _30) + ((middle & _LOW30) << _31)  # below 2^32 + 2^61: 2^61 = 1
    return reduce(reduce(high + shifted) + a0 * b0)  # below 2^61 + 2^62


def scale(vector: Residues, factor: int) -> Residues:
    """Return `vector` times one number."""
    return multiply(vector, np.full(1, factor % P, dtype=np.uint64))


def total(vector: Residues) -> int:
    """Return the sum of all cells modulo p, up to 2^32 of them."""
    low, high = int((vector & _LOW32).sum(dtype=np.uint64)), int((vector >> _32).sum(dtype=np.uint64))
    return (low + (high << 32)) % P
