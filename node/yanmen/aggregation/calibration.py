"""How much noise a federated question needs for its charge."""

from collections.abc import Sequence
from fractions import Fraction
from math import ceil

from yanmen.formats.manifest import SIGMA_SQUARED_MAX
from yanmen.model.refusal import Detail, Reason, Refused

MICRO = 1_000_000


def variances(l2_squared: Sequence[int], micro_rho: int, multiplicity: int) -> tuple[int, ...]:
    """Return the least whole variances whose cost, split evenly over the aggregates, is at most `micro_rho`.

    A unit in `multiplicity` nodes moves each aggregate's vector by at most that many times its own L2
    sensitivity; Gaussian noise of variance v costs m^2 * l2_squared / (2 v) of zCDP (planning/federated).
    """
    share = Fraction(micro_rho, MICRO * len(l2_squared))
    found = tuple(max(1, ceil(Fraction(multiplicity**2 * squared, 2) / share)) for squared in l2_squared)
    if max(found) > SIGMA_SQUARED_MAX:
        raise Refused(
            Reason.SPEND_LIMIT,
            Detail(
                subject="micro_rho",
                hint_en="So little budget needs more noise than 64 bits hold; raise micro_rho.",
                hint_zh="预算过小，所需噪声超出 64 位；请提高 micro_rho。",
            ),
        )
    return found
