"""What a node lets into a federated sum: the table all plan alike, noise enough, sums that shares can hold."""

from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from yanmen.formats import manifest as manifest_format
from yanmen.formats import shape
from yanmen.formats.malformed import Malformed
from yanmen.model.catalogue import Dataset
from yanmen.model.federation import Grid, Invited, Manifest, Mode, SignedManifest
from yanmen.model.refusal import Reason, Refused
from yanmen.model.stages import Plan
from yanmen.planning import federated

from tests.unit.aggregation.parties import party_id
from tests.unit.planning.engine import CATALOGUE, planned

HOME = tuple(replace(item, partition="home") if item.subject_space == "persons" else item for item in CATALOGUE)


def manifest_of(found: Plan, **changes: Any) -> Manifest:
    """Return a manifest that `found` satisfies, to four nodes, with some members exchanged."""
    described = shape.encode(found)
    grids = shape.grids(described)
    made = Manifest(
        jti="0" * 32,
        consumer=party_id("D", 1),
        issued_s=0,
        expires_s=9,
        query_sha256="0" * 64,
        shape_sha256=shape.digest(described),
        cells=sum(grid.aggregates * grid.groups for grid in grids),
        micro_rho=1000,
        sigma_squared=(2**50,) * len(found.aggregates),
        multiplicity=1,
        partition="home",
        contributors_least=1,
        nodes=tuple(Invited(party_id("N", at), "c" * 32) for at in range(4)),
        aggregators=tuple(sorted(party_id("A", at) for at in range(3))),
        grids=grids if len(grids) > 1 else (),
    )
    return replace(made, **changes)


def admit(sql: str, datasets: tuple[Dataset, ...] = HOME, **changes: Any) -> Plan:
    """Plan `sql` as a part of a federated question."""
    found = planned(sql, datasets=datasets)
    signed = SignedManifest(changes.pop("manifest", None) or manifest_of(found, **changes), b"", "0" * 64, ())
    return federated.in_shares(replace(found, admitted=replace(found.admitted, manifest=signed)))


def refused(reason: Reason, subject: str, sql: str, **changes: Any) -> None:
    with pytest.raises(Refused) as found:
        admit(sql, **changes)
    assert (found.value.reason, found.value.detail.subject) == (reason, subject)


ROLLUP = "SELECT ward, town, count(*), sum(days) FROM visit GROUP BY ROLLUP (ward, town)"
WHOLE_UNITS = (
    "SELECT count(DISTINCT pid) FROM visit",
    "SELECT avg(n) FROM (SELECT pid, count(*) AS n FROM visit GROUP BY pid) AS each",
    "SELECT p.sex, count(*) FROM person p JOIN visit v ON p.pid = v.pid GROUP BY p.sex",
    "SELECT count(*) FROM person p WHERE EXISTS (SELECT 1 FROM visit v WHERE v.pid = p.pid)",
)
WIDER: dict[str, Any] = {"multiplicity": 4, "partition": ""}


@pytest.mark.parametrize("sql", WHOLE_UNITS)
def test_what_needs_all_rows_of_a_person_in_one_place_needs_a_partition(sql: str) -> None:
    assert admit(sql).manifest is not None
    refused(Reason.SHAPE_MISMATCH, "partition", sql, **WIDER)


@pytest.mark.parametrize("sql", ["SELECT count(*), avg(age) FROM person", ROLLUP, "SELECT var_pop(days) FROM visit"])
def test_what_adds_up_row_by_row_needs_none(sql: str) -> None:
    assert admit(sql, **WIDER).manifest is not None


def test_a_partition_that_a_dataset_does_not_declare_is_refused() -> None:
    refused(Reason.SHAPE_MISMATCH, "person", "SELECT count(*) FROM person", partition="other")


def test_a_table_of_several_grids_is_the_manifests() -> None:
    found = planned(ROLLUP, datasets=HOME)
    grids = (Grid(2, 1), Grid(2, 4), Grid(2, 8))
    assert shape.grids(shape.encode(found)) == grids
    assert admit(ROLLUP).manifest is not None
    for wrong in ((Grid(2, 4), Grid(2, 1), Grid(2, 8)), (Grid(5, 4), Grid(1, 6))):
        refused(Reason.SHAPE_MISMATCH, "shape", ROLLUP, grids=wrong)
    manifest = manifest_of(found)
    assert manifest_format.decode(manifest_format.encode(manifest)) == manifest
    payload = manifest_format.encode(manifest)
    for broken in ([[2, 8], [2, 4]], [[2, 8], [2, 5], [2, 1]], [[6, 0]], [[2, 8.0]], [[2, True]], [[2]], 3, [[26, 1]]):
        with pytest.raises(Malformed):
            manifest_format.decode({**payload, "grids": broken})  # type: ignore[dict-item]


@pytest.mark.parametrize(
    "sql", ["SELECT var_pop(age) FROM person", "SELECT sex, corr(age, income) FROM person GROUP BY sex"]
)
def test_moments_around_different_middles_do_not_add_up(sql: str) -> None:
    """Each node centres on the middle of its own bounds; sums and averages do not, and may differ in bounds."""
    others = bounded(HOME, "age", 200)
    assert shape.encode(planned(sql, datasets=HOME)) != shape.encode(planned(sql, datasets=others))
    refused(Reason.SHAPE_MISMATCH, "shape", sql, datasets=others, manifest=manifest_of(planned(sql, datasets=HOME)))
    plain = "SELECT sex, avg(age), sum(income) FROM person GROUP BY sex"
    assert shape.encode(planned(plain, datasets=HOME)) == shape.encode(planned(plain, datasets=others))


def bounded(datasets: Sequence[Dataset], name: str, upper: int) -> tuple[Dataset, ...]:
    """Return `datasets` with another upper bound of the column `name`."""
    return tuple(
        replace(item, columns=tuple(replace(c, upper=Decimal(upper)) if c.name == name else c for c in item.columns))
        for item in datasets
    )


def test_a_sum_that_shares_might_not_hold_is_refused_before_data_is_touched() -> None:
    """At most 20,000 rows of 2^44 at each of four nodes: between 2^60 and 2^63."""
    wide = bounded(HOME, "age", 2**44)
    sql = "SELECT sum(age) FROM person"
    five = tuple(sorted(party_id("A", at) for at in range(5)))
    refused(Reason.NOISE_TOO_SMALL, "sigma_squared", sql, datasets=wide)
    refused(Reason.MEASURE_WITHOUT_BOUNDS, "a0", sql, datasets=wide, mode=Mode.ROBUST, aggregators=five)
    many = tuple(Invited(party_id("N", at), "c" * 32) for at in range(40))
    refused(Reason.MEASURE_WITHOUT_BOUNDS, "a0", sql, datasets=wide, nodes=many)


def test_noise_is_demanded_of_every_aggregate_of_every_grid() -> None:
    refused(Reason.NOISE_TOO_SMALL, "sigma_squared", ROLLUP, sigma_squared=(2**50,) * 5 + (1,))
    refused(Reason.SHAPE_MISMATCH, "sigma_squared", ROLLUP, sigma_squared=(2**50,) * 5)


def test_open_keys_and_other_data_stay_with_one_node() -> None:
    for sql in ("SELECT sector, count(*) FROM firm GROUP BY sector", "SELECT count(*) FROM town"):
        assert not federated.may_be(planned(sql, datasets=HOME))
        with pytest.raises(Refused) as found:
            admit(sql)
        assert found.value.reason is Reason.SHAPE_MISMATCH
