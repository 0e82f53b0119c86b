"""Holds the noise that an outcome states to what its charge demands, in exact arithmetic.

For the Gaussian under zero-concentrated differential privacy, ρ = Δ² / (2σ²), Δ the L2 sensitivity that the intent
fixed before data was touched. That the sensitivity is right for the SQL that ran, no receipt proves.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache

from yanmen.formats import dealing
from yanmen.formats.malformed import Malformed
from yanmen.formats.question_slots import ReleaseRule
from yanmen.model.catalogue import DatasetClass

MICRO = 1_000_000
MORE_THAN_DEMANDED = Fraction(1, 1_000_000)
"""By how much σ² may be above what the charge demands: rounding outward costs far less."""
_NUMBER = r"(?:0|[1-9][0-9]{0,24})(?:\.[0-9]{1,24})?(?:e[+-]?[0-9]{1,3})?"
_TEXT = re.compile(r"discrete-gaussian [A-Za-z0-9._-]{1,64}: (.+)", re.ASCII)
_PART = re.compile(rf"([a-z0-9]{{1,16}}) sigma=({_NUMBER}) micro_rho=([1-9][0-9]{{0,18}})", re.ASCII)


@dataclass(frozen=True, slots=True)
class Stated:
    """Noise of one aggregate as the receipt states it."""

    aggregate: str
    sigma: Fraction
    micro_rho: int


def read(mechanism: str) -> tuple[Stated, ...]:
    """Return the noise that the text `mechanism` of an output states."""
    text = _TEXT.fullmatch(mechanism)
    if text is None:
        raise Malformed("mechanism: not the discrete Gaussian")
    return tuple(_part(part) for part in text[1].split("; "))


@lru_cache(maxsize=4096)
def differences(rule: ReleaseRule, micro_rho: int, mechanism: str) -> tuple[str, ...]:
    """Return what the stated noise of an answer has otherwise than `rule` and its whole charge `micro_rho` demand."""
    return tuple(_differences(rule, micro_rho, mechanism))


def _differences(rule: ReleaseRule, micro_rho: int, mechanism: str) -> Iterator[str]:
    if rule.cls is not DatasetClass.PERSONAL:
        return
    if dealing.is_one(mechanism):
        yield from _federated(rule, micro_rho, mechanism)
        return
    try:
        stated = read(mechanism)
    except Malformed:
        yield "mechanism"
        return
    if [each.aggregate for each in stated] != [each.aggregate for each in rule.sensitivities]:
        yield "aggregates"
        return
    share = micro_rho // len(stated)
    for noisy, sensitivity in zip(stated, rule.sensitivities, strict=True):
        if noisy.micro_rho != share:
            yield f"{noisy.aggregate} micro_rho"
        least = Fraction(max(sensitivity.l2_squared, 1) * MICRO, 2 * noisy.micro_rho)
        if not least <= noisy.sigma**2 <= least * (1 + MORE_THAN_DEMANDED):
            yield f"{noisy.aggregate} sigma"


def _federated(rule: ReleaseRule, micro_rho: int, mechanism: str) -> Iterator[str]:
    """Name what the noise promised for shares lacks: a unit in m nodes moves the sum m times as far."""
    try:
        dealt = dealing.read(mechanism)
    except Malformed:
        yield "mechanism"
        return
    if len(dealt.sigma_squared) != len(rule.sensitivities):
        yield "aggregates"
        return
    cost = sum(
        Fraction(dealt.multiplicity**2 * each.l2_squared, 2 * variance)
        for each, variance in zip(rule.sensitivities, dealt.sigma_squared, strict=True)
    )
    if cost * MICRO > micro_rho:
        yield "sigma_squared"


def _part(text: str) -> Stated:
    found = _PART.fullmatch(text)
    if found is None or repr(float(found[2])) != found[2]:
        raise Malformed("mechanism: an aggregate is not written as expected")
    # The text is the shortest that reads back as this double; the double is what the noise was drawn with.
    return Stated(found[1], Fraction(float(found[2])), int(found[3]))
