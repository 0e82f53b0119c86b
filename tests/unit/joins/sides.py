"""Departments in one process: their tables, their plans of one question, and what the protocol makes of their rows."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from random import Random
from typing import Any

import numpy as np
from yanmen.aggregation.matching import Positions, meeting
from yanmen.crypto import blinding, joined, row_shares
from yanmen.crypto.system import SystemRandomness
from yanmen.disclosure import joining
from yanmen.disclosure.joining import Blinded
from yanmen.formats import joinable, row_share
from yanmen.model.catalogue import Dataset, DatasetClass
from yanmen.model.config import NodeLimits
from yanmen.model.federation import Invited, Manifest, Mode, SignedManifest
from yanmen.model.joining import Joinable
from yanmen.model.refusal import Usage
from yanmen.model.stages import Admitted, Plan, Raw
from yanmen.planning.plan import plan

from tests.unit.planning.answering import Data, runner, scans
from tests.unit.planning.engine import admitted, dataset, key, measure, unit, version

RANDOM = SystemRandomness()
PERSONS = dataset(
    "persons",
    DatasetClass.PERSONAL,
    unit(),
    key("band", "old", "young"),
    key("sex", "f", "m"),
    measure("age", "0", "120"),
    upto=12,
)
LABS = dataset(
    "labs",
    DatasetClass.PERSONAL,
    unit(),
    key("test", "chol", "hdl", "tri"),
    measure("value", "-5", "300", scale=1),
    rows=3,
    groups=3,
    upto=16,
)
EVENTS = dataset("events", DatasetClass.PERSONAL, unit(), key("event", "htn", "mi"), rows=2, groups=2, upto=10)
TABLES = {"a": PERSONS, "b": LABS, "c": EVENTS}
"""Node id -> its one table: ids sort as the sides do."""
LIMITS = NodeLimits()
MICRO_RHO = 100_000_000
"""So much that the noise on sizes is small, and the lists short."""


@dataclass(frozen=True)
class Side:
    """One department: its id, its table and the rows in it."""

    node: str
    table: Dataset
    rows: list[tuple[Any, ...]]


def stated(side: Side) -> Joinable:
    """Return what a department states of its table."""
    shown = joinable.granted(side.table, frozenset(c.name.lower() for c in side.table.visible()))
    return Joinable(
        side.node,
        f"at_{side.node}",
        replace(version(shown), version=f"stated {side.node}"),
        joinable.digest(shown),
        b"",
    )


def asked(sql: str, side: Side, sides: Sequence[Side], micro_rho: int = MICRO_RHO) -> Admitted:
    """Return `sql` as it is admitted at `side`."""
    plain = admitted(sql, datasets=(side.table,), elsewhere=(), micro_rho=micro_rho)
    others = tuple(stated(other) for other in sides if other is not side)
    return replace(plain, here=f"at_{side.node}", here_id=side.node, joinables=others)


def plans(sql: str, sides: Sequence[Side], micro_rho: int = MICRO_RHO, limits: NodeLimits = LIMITS) -> list[Plan]:
    """Return each department's plan of `sql`."""
    found = []
    for side in sides:
        engine = runner((side.table,), {side.table.name: side.rows})
        found.append(plan(asked(sql, side, sides, micro_rho), engine, limits))
    return found


def manifest(found: Sequence[Plan]) -> SignedManifest:
    """Return a manifest that no one signed: for what does not look at who did."""
    sides, first = found[0].part, found[0]
    assert sides is not None
    cells = sides.link.groups * len(first.aggregates)
    made = Manifest(
        "j" * 32, "c", 0, 1, "0" * 64, "0" * 64, cells, MICRO_RHO, (1,) * len(first.aggregates), 1, "", len(found),
        tuple(Invited(side.node, "") for side in sides.link.sides), ("x", "y", "z"), Mode.JOINED,
    )  # fmt: skip
    return SignedManifest(made, b"", "0" * 64, ())


def blinded(found: Sequence[Plan], sides: Sequence[Side], signed: SignedManifest) -> dict[str, Blinded]:
    """Return what each department makes of its rows."""
    made = {}
    for each, side in zip(found, sides, strict=True):
        raw = Raw(each, rows_of(each, side), Usage())
        made[side.node] = joining.blind(raw, signed, RANDOM)
    return made


def rows_of(found: Plan, side: Side) -> tuple[tuple[Any, ...], ...]:
    """Return what the engine of a department answers to its part."""
    engine = runner((side.table,), {side.table.name: side.rows})
    return tuple(map(tuple, engine.rows(scans(found), found.sql)))


def tags(made: dict[str, Blinded], signed: SignedManifest) -> dict[str, bytes]:
    """Return each list after all others blinded it."""
    found = {}
    for node, own in made.items():
        points = own.points
        for stop in joined.way(node, signed):
            points = blinding.blind_again(made[stop].secret, points)
        found[node] = blinding.tags(points)
    return found


def meetings(made: dict[str, Blinded], signed: SignedManifest) -> tuple[Positions, ...]:
    """Return which rows meet, as every aggregator finds them."""
    lists = tags(made, signed)
    return meeting([np.frombuffer(lists[node], dtype="<u8").astype(np.uint64).reshape(-1, 2) for node in sorted(made)])


def totals(made: dict[str, Blinded], signed: SignedManifest, met: tuple[Positions, ...] = ()) -> list[int]:
    """Return the figures that three aggregators' shares of the rows that `met` add up to, cell by cell."""
    nodes = sorted(made)
    met = met or meetings(made, signed)
    opened = {node: [row_shares.expand(row_share.decode(share)) for share in made[node].rows] for node in nodes}
    places = np.zeros(len(met[0]), dtype=np.uint32)
    for node, at in zip(nodes, met, strict=True):
        for share, _ in opened[node]:
            places += share[at]
    aggregates = len(signed.manifest.sigma_squared)
    cells = np.zeros((signed.manifest.cells // aggregates, aggregates), dtype=np.uint64)
    for node, at in zip(nodes, met, strict=True):
        columns = columns_of(made[node])
        for _, values in opened[node]:
            for position, column in enumerate(columns):
                np.add.at(cells[:, column], places.astype(np.int64), values[at, position])
    return [int(value) for value in cells.view(np.int64).ravel()]


def columns_of(made: Blinded) -> tuple[int, ...]:
    """Return which aggregates are of a department's rows."""
    part = made.released.plan.part
    assert part is not None
    return part.link.sides[part.place].columns


def random_sides(pick: Random, nodes: Sequence[str]) -> list[Side]:
    """Return departments with rows at random: strangers, NULLs, several rows of one unit, and empty tables."""
    units = list(range(1, 9))
    made = []
    for node in nodes:
        table = TABLES[node]
        rows: list[tuple[Any, ...]] = []
        if pick.random() > 0.1:
            for who in units:
                rows += [(who, *_cells(pick, node)) for _ in range(pick.randrange(table.rows_per_unit + 1))]
        pick.shuffle(rows)
        made.append(Side(node, table, rows[: table.rows_upto]))
    return made


def _cells(pick: Random, node: str) -> tuple[Any, ...]:
    none = pick.random() < 0.15
    match node:
        case "a":
            return (None if none else pick.choice(["old", "young"]), pick.choice("fm"), pick.choice([None, 18, 40, 90]))
        case "b":
            value = None if none else Decimal(pick.randrange(-50, 3001)).scaleb(-1)
            return (pick.choice(["chol", "hdl", "tri"]), value)
        case _:
            return (None if none else pick.choice(["htn", "mi"]),)


def held(sides: Sequence[Side]) -> Data:
    """Return all rows by table, for an engine that has them all."""
    return {side.table.name: side.rows for side in sides}
