"""Keys that are not public: those that enough units have are found by DP, the others are never shown.

Each unit counts once in at most so many keys (the plan's cap), so one unit's own key is shown with probability
at most δ: OpenDP's Gaussian threshold release of counts by key. Its map takes the tail of the continuous Gaussian,
which is smaller than that of the discrete noise it draws (by half at a scale of 2), so the threshold must satisfy our
own sum of the discrete tail too. Other figures are noised for the keys found.
"""

import math
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import TYPE_CHECKING

from yanmen.disclosure import grid, mechanism, noise
from yanmen.disclosure.accounting import DELTA_UNITS, rho_at_most
from yanmen.model.catalogue import Cell, ColumnType
from yanmen.model.refusal import Fault, FaultCode, Usage
from yanmen.model.stages import Aggregate, AggregateKind, Plan, Raw

if TYPE_CHECKING:
    from opendp.mod import Measurement

_STEPS = 64
"""Roundings between the two maps of OpenDP are a few last places, never this many."""
_KEYS: dict[ColumnType, type[str] | str] = {ColumnType.TEXT: str, ColumnType.INTEGER: "i64"}
"""The types an open key may have, as OpenDP names them."""


@dataclass(frozen=True, slots=True)
class Threshold:
    """How keys are found: by which aggregate, with what noise, above which noisy count."""

    aggregate: Aggregate
    noise: noise.Gaussian
    least: int


def is_open(plan: Plan) -> bool:
    """Tell whether the plan's key is one whose values are not public."""
    return any(not key.domain for key in plan.keys)


def calibrate(plan: Plan, micro_rho: int) -> Threshold:
    """Return the noise whose ρ, and the least threshold whose δ, are within the charge by OpenDP's own map."""
    aggregate = counting(plan)
    calibrated = noise.calibrate(aggregate, micro_rho)
    for _ in range(_STEPS):
        if _cost(plan, Threshold(aggregate, calibrated, 1))[0] <= rho_at_most(micro_rho):
            return Threshold(aggregate, calibrated, _least(plan, aggregate, calibrated))
        calibrated = replace(calibrated, scale=math.nextafter(calibrated.scale, math.inf))
    raise Fault(FaultCode.INTERNAL, "noise could not be calibrated")


def _least(plan: Plan, aggregate: Aggregate, calibrated: noise.Gaussian) -> int:
    low, high = 1, 2
    while not _within(plan, Threshold(aggregate, calibrated, high)):
        low, high = high, high * 2
        if high > grid.INT64[-1] // 4:
            raise Fault(FaultCode.INTERNAL, "no threshold keeps within delta")
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if _within(plan, Threshold(aggregate, calibrated, middle)) else (middle, high)
    return high


def counting(plan: Plan) -> Aggregate:
    """Return the aggregate that counts the units of each key."""
    for aggregate in plan.aggregates:
        if aggregate.kind is AggregateKind.UNITS and aggregate.l1 == aggregate.l2_squared:
            return aggregate
    raise Fault(FaultCode.INTERNAL, "an open key without a count of units")


def rows(raw: Raw) -> dict[Cell, tuple[int, ...]]:
    """Return the aggregates of each key of the reply; anything but distinct keys and ranged integers fails the job."""
    plan = raw.plan
    (key,) = plan.keys
    if len(raw.rows) > plan.rows_max:
        raise grid.bad_reply(raw.usage)
    ranges = grid.reach(plan.aggregates)
    read: dict[Cell, tuple[int, ...]] = {}
    for row in raw.rows:
        if len(row) != 1 + len(ranges):
            raise grid.bad_reply(raw.usage)
        value = _key(row[0], key.type, raw.usage)
        if value in read:
            raise grid.bad_reply(raw.usage)
        read[value] = tuple(grid.whole(cell, r, raw.usage) for cell, r in zip(row[1:], ranges, strict=True))
    return read


def found(by: Threshold, plan: Plan, counts: dict[Cell, int]) -> dict[Cell, int]:
    """Return the keys found with their noisy counts, in the order of the keys: their place tells nothing."""
    rho, _ = _cost(plan, by)
    if not (rho <= rho_at_most(by.noise.micro_rho) and _within(plan, by)):
        raise Fault(FaultCode.INTERNAL, "keys would be found for less than their charge demands")
    shown = _measurement(plan, by)(counts) if counts else {}
    return {key: int(shown[key]) for key in sorted(shown)}


def _key(cell: Cell, kind: ColumnType, usage: Usage) -> Cell:
    """Return a key of the reply, which is there and of its type; text that cannot be text in Rust fails too."""
    value = grid.typed(cell, kind, usage)
    if value is None or (isinstance(value, int) and value not in grid.INT64):
        raise grid.bad_reply(usage)
    if isinstance(value, str):
        try:
            value.encode("utf-8")
        except UnicodeEncodeError:
            raise grid.bad_reply(usage) from None
        if "\0" in value:
            raise grid.bad_reply(usage)
    return value


def _measurement(plan: Plan, by: Threshold) -> "Measurement":
    (key,) = plan.keys
    if key.type not in _KEYS:
        raise Fault(FaultCode.INTERNAL, "an open key of another type")
    return mechanism.gaussian_threshold(_KEYS[key.type], by.noise.scale, by.least)


def _cost(plan: Plan, by: Threshold) -> tuple[float, float]:
    return mechanism.threshold_cost(_measurement(plan, by), by.aggregate.l1, noise.distance(by.aggregate))


def _within(plan: Plan, by: Threshold) -> bool:
    """Tell whether δ covers that a key which one unit alone has, one of as many as it counts in, is shown."""
    delta = Fraction(plan.delta_e12, DELTA_UNITS)
    chance = by.aggregate.l1 * Fraction(noise.tail(by.noise.scale, by.least - 1)) if by.least > 1 else Fraction(1)
    return max(Fraction(_cost(plan, by)[1]), chance) <= delta
