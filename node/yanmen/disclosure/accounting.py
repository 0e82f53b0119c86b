"""Privacy budget arithmetic: integer micro-ρ of zero-concentrated DP, and what it means as (ε, δ).

Charges are added as integers and always rounded against the asker, so a balance is exact and two
implementations agree on it. ε is only ever reported, never added up.
"""

import math
from decimal import ROUND_CEILING, Decimal
from fractions import Fraction

from yanmen.disclosure import mechanism
from yanmen.model.refusal import Detail, Fault, FaultCode, Reason, Refused

MICRO = 1_000_000
"""One ρ in micro-ρ."""
DELTA_UNITS = 1_000_000_000_000
"""One δ in the integer units budgets are kept in (1e-12)."""
MICRO_RHO_MAX = 1_000 * MICRO
"""A sanity cap: ρ of 1,000 protects nobody, and every double below it is far from overflow."""
_EPSILON_PLACES = Decimal("0.0001")


def share(micro_rho: int, parts: int) -> int:
    """Return what each of `parts` aggregates may spend of `micro_rho`, rounded down.

    The rounding remainder is charged and not used.
    """
    if parts < 1 or not parts <= micro_rho <= MICRO_RHO_MAX:
        raise Fault(FaultCode.INTERNAL, "privacy charge out of range")
    return micro_rho // parts


def refuse_too_little(micro_rho: int, parts: int) -> None:
    """Refuse a charge that cannot give each of `parts` aggregates one micro-ρ."""
    if micro_rho < parts:
        raise Refused(
            Reason.SPEND_LIMIT,
            Detail(
                subject="micro_rho",
                hint_en=f"Ask for at least {parts} micro-rho: one for each counted or summed column.",
                hint_zh=f"请至少申请 {parts} 微ρ：每个计数或求和列需要 1 微ρ。",
            ),
        )


def rho_at_most(micro_rho: int) -> float:
    """Return the largest double that does not exceed `micro_rho` millionths."""
    exact = Fraction(micro_rho, MICRO)
    near = float(exact)
    return near if Fraction(near) <= exact else math.nextafter(near, 0.0)


def micro_rho_up(rho: Decimal) -> int:
    """Return `rho` in micro-ρ, rounded up."""
    return math.ceil(Fraction(rho) * MICRO)


def epsilon(micro_rho: int, delta_e12: int) -> Decimal:
    """Return the ε that `micro_rho` means at δ = `delta_e12`·1e-12, by OpenDP's conversion, rounded up."""
    if not 0 <= micro_rho <= MICRO_RHO_MAX or not 0 < delta_e12 < DELTA_UNITS:
        raise ValueError("micro_rho or delta out of range")
    if micro_rho == 0:
        return Decimal(0)
    exact = Fraction(delta_e12, DELTA_UNITS)
    delta = float(exact)
    if Fraction(delta) > exact:
        delta = math.nextafter(delta, 0.0)
    return Decimal(_convert(micro_rho, delta)).quantize(_EPSILON_PLACES, rounding=ROUND_CEILING)


def micro_rho_within(target: Decimal, delta_e12: int) -> int:
    """Return the largest micro-ρ whose ε at δ = `delta_e12`·1e-12 is at most `target`; 0 when there is none."""
    low, high = 0, MICRO_RHO_MAX
    while low < high:
        middle = (low + high + 1) // 2
        if epsilon(middle, delta_e12) <= target:
            low = middle
        else:
            high = middle - 1
    return low


def _convert(micro_rho: int, delta: float) -> float:
    """Return OpenDP's ε for `micro_rho` at `delta`, read off a unit Gaussian moved far enough to cost at least that."""
    noise = mechanism.gaussian(1.0)
    rho = Fraction(micro_rho, MICRO)
    distance = math.sqrt(2.0 * rho_at_most(micro_rho))
    while Fraction(mechanism.cost(noise, distance)) < rho:
        distance = math.nextafter(distance, math.inf)
    return mechanism.epsilon(noise, distance, delta)
