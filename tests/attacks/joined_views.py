"""What each party of a join sees, simulated from its own input and output alone, and ten tests to tell the two apart.

A department's output is nothing, an aggregator's is how many rows met in each group, which carries noise. Each test
gives a number that is standard normal, or nearly, when both samples are of one distribution.
"""

import math
from collections.abc import Callable

import numpy as np
import numpy.typing as npt
from gmpy2 import legendre
from yanmen.crypto import blinding, curve25519
from yanmen.crypto.curve25519 import FIELD
from yanmen.crypto.system import SystemRandomness

Sample = npt.NDArray[np.uint8]
"""One line for each row of a list, in the order in which it was seen."""
RANDOM = SystemRandomness()
APART = 7.0
"""Standard deviations; by chance further apart with a probability below 10^-11."""


def points(list_: bytes) -> Sample:
    """Return a list of points as a sample; the top bit of a coordinate is never set."""
    return np.frombuffer(list_, dtype=np.uint8).reshape(-1, 32)


def tags(list_: bytes) -> Sample:
    """Return a list of tags as a sample."""
    return np.frombuffer(list_, dtype=np.uint8).reshape(-1, 16)


def simulated_points(items: int) -> bytes:
    """Return what a department sees of another's list, made from its public length alone."""
    key = blinding.secret(RANDOM)
    return b"".join(blinding.blind(key, (RANDOM.token(16) for _ in range(items))))


def simulated_tags(lengths: tuple[int, ...], met: int) -> tuple[bytes, ...]:
    """Return what an aggregator sees of all lists, made from their lengths and how many rows met."""
    lists = [bytearray(blinding.tags(simulated_points(items))) for items in lengths]
    places = [
        np.random.default_rng(int.from_bytes(RANDOM.token(8), "big")).permutation(items)[:met] for items in lengths
    ]
    for at in range(met):
        first = 16 * int(places[0][at])
        for list_, own in zip(lists[1:], places[1:], strict=True):
            begins = 16 * int(own[at])
            list_[begins : begins + 16] = lists[0][first : first + 16]
    return tuple(bytes(list_) for list_ in lists)


def bits(sample: Sample) -> npt.NDArray[np.uint8]:
    """Return the bits that are free: of a point all but the highest."""
    found = np.unpackbits(sample, axis=1, bitorder="little")
    return found[:, : 255 if sample.shape[1] == 32 else 128]


def difference(one: npt.NDArray[np.float64], other: npt.NDArray[np.float64]) -> float:
    """Return by how many standard errors two means differ."""
    error = math.sqrt(float(one.var() / len(one) + other.var() / len(other)))
    return 0.0 if error == 0 else float(one.mean() - other.mean()) / error


def two_samples(one: npt.NDArray[np.int64], other: npt.NDArray[np.int64]) -> float:
    """Return the chi-squared of two histograms as a normal deviate (Wilson, Hilferty)."""
    total = one + other
    used = total > 0
    share = one.sum() / total.sum()
    expected = total[used] * share
    variance = total[used] * share * (1 - share)
    value = float((((one[used] - expected) ** 2) / variance).sum())
    free = int(used.sum()) - 1
    if free < 1:
        return 0.0
    return float(((value / free) ** (1 / 3) - (1 - 2 / (9 * free))) / math.sqrt(2 / (9 * free)))


def _high(sample: Sample) -> npt.NDArray[np.float64]:
    return np.frombuffer(sample[:, :8].tobytes(), dtype="<u8").astype(np.float64)


def _hist(values: npt.NDArray[np.int64], size: int) -> npt.NDArray[np.int64]:
    return np.bincount(values, minlength=size).astype(np.int64)


def bit_means(one: Sample, other: Sample) -> float:
    """Whether any single bit is set more often."""
    a, b = bits(one).mean(axis=0), bits(other).mean(axis=0)
    error = math.sqrt(0.25 / len(one) + 0.25 / len(other))
    worst = float(np.abs(a - b).max()) / error
    return worst - 3.0  # the largest of 255 is about 3 by itself


def byte_values(one: Sample, other: Sample) -> float:
    """Whether bytes are distributed alike."""
    return two_samples(*(_hist(sample[:, :15].ravel().astype(np.int64), 256) for sample in (one, other)))


def weights(one: Sample, other: Sample) -> float:
    """Whether rows have as many bits set."""
    return difference(*(bits(sample).sum(axis=1).astype(np.float64) for sample in (one, other)))


def spread(one: Sample, other: Sample) -> float:
    """Whether these numbers scatter alike."""
    sums = [bits(sample).sum(axis=1).astype(np.float64) for sample in (one, other)]
    return difference(*((each - each.mean()) ** 2 for each in sums))


def runs(one: Sample, other: Sample) -> float:
    """Whether bits change as often within a row."""
    return difference(
        *(np.abs(np.diff(bits(s).astype(np.int8), axis=1)).sum(axis=1).astype(float) for s in (one, other))
    )


def neighbours(one: Sample, other: Sample) -> float:
    """Whether a row is like the next one: the order of a list tells of what is in it."""
    return difference(*((bits(s)[1:] ^ bits(s)[:-1]).sum(axis=1).astype(np.float64) for s in (one, other)))


def ascents(one: Sample, other: Sample) -> float:
    """Whether lists are sorted, or partly."""
    return difference(*((np.diff(_high(sample)) > 0).astype(np.float64) for sample in (one, other)))


def residues(one: Sample, other: Sample) -> float:
    """Whether coordinates have the same remainders."""
    hists = []
    for sample in (one, other):
        values = np.frombuffer(sample[:, :8].tobytes(), dtype="<u8")
        hists.append(_hist((values % np.uint64(101)).astype(np.int64), 101))
    return two_samples(*hists)


def position(one: Sample, other: Sample) -> float:
    """Whether where a row stands goes with its value."""
    found = []
    for sample in (one, other):
        ranks = np.argsort(np.argsort(_high(sample))).astype(np.float64)
        found.append(float(np.corrcoef(ranks, np.arange(len(ranks)))[0, 1]) * math.sqrt(len(ranks)))
    return (found[0] - found[1]) / math.sqrt(2)


def characters(one: Sample, other: Sample) -> float:
    """Whether as many rows are off the curve, or stand twice."""
    odd = [_odd(sample) for sample in (one, other)]
    share = sum(odd) / (len(one) + len(other))
    if share in (0.0, 1.0):
        return 0.0
    error = math.sqrt(share * (1 - share) * (1 / len(one) + 1 / len(other)))
    return (odd[0] / len(one) - odd[1] / len(other)) / error


def _odd(sample: Sample) -> int:
    rows = [row.tobytes() for row in sample]
    twice = len(rows) - len(set(rows))
    return twice + sum(not _on_curve(int.from_bytes(row, "little")) for row in rows if len(row) == 32)


def _on_curve(u: int) -> bool:
    return u < FIELD and legendre(u * (u * u + 486662 * u + 1), FIELD) == 1


BATTERY: dict[str, Callable[[Sample, Sample], float]] = {
    "bits": bit_means,
    "bytes": byte_values,
    "weights": weights,
    "spread": spread,
    "runs": runs,
    "neighbours": neighbours,
    "ascents": ascents,
    "residues": residues,
    "position": position,
    "characters": characters,
}


def told_apart(one: Sample, other: Sample) -> dict[str, float]:
    """Return which of the ten tests tell two samples apart, and by how much."""
    found = {name: test(one, other) for name, test in BATTERY.items()}
    return {name: value for name, value in found.items() if abs(value) > APART}


def leaky_points(items: int) -> bytes:
    """Return what a department would see were hashes taken as coordinates as they stand: the control."""
    from nacl.bindings import crypto_scalarmult

    key = blinding.secret(RANDOM)
    found: list[bytes] = []
    while len(found) < items:
        found.append(crypto_scalarmult(key, RANDOM.token(32)))
    return b"".join(found)


def unshuffled_points(items: int) -> bytes:
    """Return a list as it would be were its points sorted before they are sent: a second control."""
    each = curve25519.mapped([b"%d" % at for at in range(items)], blinding.DST)
    each.sort(key=_first_half)
    return b"".join(each)


def _first_half(point: bytes) -> int:
    return int.from_bytes(point[:8], "little")
