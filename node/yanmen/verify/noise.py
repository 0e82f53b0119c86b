"""Holds the noise that an outcome states to what its charge demands, in exact arithmetic.

For the Gaussian under zero-concentrated differential privacy, ρ = Δ² / (2σ²), Δ the L2 sensitivity that the intent
fixed before data was touched. Keys of an open domain are shown from a noisy count on, above which the one unit of a
key gets by chance only: not more often than the δ that was charged. That the sensitivity is right for the SQL that
ran, no receipt proves.
"""

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache

from yanmen.formats import dealing, joining
from yanmen.formats.malformed import Malformed
from yanmen.formats.question_slots import ReleaseRule
from yanmen.model.catalogue import DatasetClass
from yanmen.model.joining import VIEW_PERCENT

MICRO = 1_000_000
MORE_THAN_DEMANDED = Fraction(1, 1_000_000)
"""By how much σ² may be above what the charge demands: rounding outward costs far less."""
_NUMBER = r"(?:0|[1-9][0-9]{0,24})(?:\.[0-9]{1,24})?(?:e[+-]?[0-9]{1,3})?"
_TEXT = re.compile(r"discrete-gaussian [A-Za-z0-9._-]{1,64}: (.+)", re.ASCII)
_LEAST = re.compile(r"([a-z0-9]{1,16}) least=([1-9][0-9]{0,18})", re.ASCII)
_PART = re.compile(rf"([a-z0-9]{{1,16}}) sigma=({_NUMBER}) micro_rho=([1-9][0-9]{{0,18}})", re.ASCII)


DELTA_UNITS = 10**12
ROUNDING = 1.001
"""By how much the tail computed in doubles may be off; the least sufficient count is a whole number."""
SUMMED_SIGMA = 512
"""Up to here the discrete Gaussian is summed; above, its tail is the continuous one's within rounding."""
SIGMAS = 40
"""No double holds what lies further out."""


@dataclass(frozen=True, slots=True)
class Stated:
    """Noise of one aggregate as the receipt states it."""

    aggregate: str
    sigma: Fraction
    micro_rho: int


@dataclass(frozen=True, slots=True)
class Found:
    """By which aggregate keys were found, and from which noisy count on."""

    aggregate: str
    least: int


def read(mechanism: str) -> tuple[tuple[Stated, ...], Found | None]:
    """Return the noise that the text `mechanism` of an output states, and how keys were found if they were."""
    text = _TEXT.fullmatch(mechanism)
    if text is None:
        raise Malformed("mechanism: not the discrete Gaussian")
    *parts, last = text[1].split("; ")
    keyed = _LEAST.fullmatch(last)
    if keyed is None:
        return tuple(map(_part, (*parts, last))), None
    return tuple(map(_part, parts)), Found(keyed[1], int(keyed[2]))


@lru_cache(maxsize=4096)
def differences(rule: ReleaseRule, micro_rho: int, delta_e12: int, mechanism: str) -> tuple[str, ...]:
    """Return what the stated noise of an answer has otherwise than `rule` and its whole charge (ρ and δ) demand."""
    return tuple(_differences(rule, micro_rho, delta_e12, mechanism))


def _differences(rule: ReleaseRule, micro_rho: int, delta_e12: int, mechanism: str) -> Iterator[str]:
    if rule.cls is not DatasetClass.PERSONAL:
        return
    if dealing.is_one(mechanism):
        yield from _federated(rule, micro_rho, mechanism)
        return
    if joining.is_one(mechanism):
        yield from _joined(rule, micro_rho, mechanism)
        return
    try:
        stated, keyed = read(mechanism)
    except Malformed:
        yield "mechanism"
        return
    if [each.aggregate for each in stated] != [each.aggregate for each in rule.sensitivities]:
        yield "aggregates"
        return
    yield from _scales(rule, micro_rho // len(stated), stated)
    if keyed is not None and not _is_rare(keyed, stated, rule, Fraction(delta_e12, DELTA_UNITS)):
        yield f"{keyed.aggregate} least"


def _scales(rule: ReleaseRule, share: int, stated: tuple[Stated, ...]) -> Iterator[str]:
    """Name the aggregates whose noise is not what a `share` of the charge demands."""
    for noisy, sensitivity in zip(stated, rule.sensitivities, strict=True):
        if noisy.micro_rho != share:
            yield f"{noisy.aggregate} micro_rho"
        least = Fraction(max(sensitivity.l2_squared, 1) * MICRO, 2 * noisy.micro_rho)
        if not least <= noisy.sigma**2 <= least * (1 + MORE_THAN_DEMANDED):
            yield f"{noisy.aggregate} sigma"


def _is_rare(keyed: Found, stated: tuple[Stated, ...], rule: ReleaseRule, delta: Fraction) -> bool:
    """Whether the keys that one unit alone has are shown with a probability of at most `delta`.

    A count of units moves by one in each of so many keys as its squared sensitivity says.
    """
    for noisy, sensitivity in zip(stated, rule.sensitivities, strict=True):
        if noisy.aggregate == keyed.aggregate:
            shown = tail(float(noisy.sigma), keyed.least - 1)
            return sensitivity.l2_squared * shown <= float(delta) * ROUNDING
    return False


def tail(sigma: float, least: int) -> float:
    """Return the probability that the discrete Gaussian of scale `sigma` is `least` or more."""
    if sigma > SUMMED_SIGMA:
        return 0.5 * math.erfc((least - 0.5) / (sigma * math.sqrt(2)))
    reach = math.ceil(SIGMAS * sigma)
    weights = [math.exp(-((step / sigma) ** 2) / 2) for step in range(reach + 1)]
    whole = 2 * math.fsum(weights) - 1
    return math.fsum(weights[least:]) / whole if least >= 0 else 1.0


def _federated(rule: ReleaseRule, micro_rho: int, mechanism: str) -> Iterator[str]:
    """Name what the noise promised for shares lacks: a unit in m nodes moves the sum m times as far."""
    try:
        dealt = dealing.read(mechanism)
    except Malformed:
        yield "mechanism"
        return
    yield from _promised(rule, micro_rho, dealt.sigma_squared, dealt.multiplicity)


def _joined(rule: ReleaseRule, micro_rho: int, mechanism: str) -> Iterator[str]:
    """Name what the noise promised for a join lacks: part of the charge is for what aggregators see of sizes."""
    try:
        word = joining.read(mechanism)
    except Malformed:
        yield "mechanism"
        return
    yield from _promised(rule, micro_rho * (100 - VIEW_PERCENT) // 100, word.sigma_squared, 1)


def _promised(rule: ReleaseRule, micro_rho: int, variances: tuple[int, ...], multiplicity: int) -> Iterator[str]:
    if len(variances) != len(rule.sensitivities):
        yield "aggregates"
        return
    cost = sum(
        Fraction(multiplicity**2 * each.l2_squared, 2 * variance)
        for each, variance in zip(rule.sensitivities, variances, strict=True)
    )
    if cost * MICRO > micro_rho:
        yield "sigma_squared"


def _part(text: str) -> Stated:
    found = _PART.fullmatch(text)
    if found is None or repr(float(found[2])) != found[2]:
        raise Malformed("mechanism: an aggregate is not written as expected")
    # The text is the shortest that reads back as this double; the double is what the noise was drawn with.
    return Stated(found[1], Fraction(float(found[2])), int(found[3]))
