"""The table of checked totals: only under the shape that the manifest names."""

from dataclasses import replace
from decimal import Decimal

import pytest
from yanmen.formats import json_canonical, shape
from yanmen.formats.json_canonical import Json
from yanmen.formats.malformed import Malformed
from yanmen.model.federation import Manifest
from yanmen.verify.federated_table import part, rows

SHAPE: dict[str, Json] = {
    "aggregates": [{"kind": "rows", "name": "a0", "scale": 0}, {"kind": "sum", "name": "a1", "scale": 2}],
    "averages": [{"name": "m0", "sum": "a1", "count": "a0"}],
    "keys": [
        {"name": "k0", "type": "text", "domain": ["140105", "140106"]},
        {"name": "k1", "type": "boolean", "domain": [False, True]},
    ],
    "outputs": [
        {"label": "county", "type": "text", "source": ""},
        {"label": "insured", "type": "boolean", "source": ""},
        {"label": "persons", "type": "integer", "source": "a0"},
        {"label": "mean", "type": "decimal", "source": "m0"},
    ],
    "post": "",
}
TOTALS = (100, 250_00, 200, 500_00, 3, 7_00, 1_000, -500_00)


def named(said: Json) -> tuple[bytes, Manifest]:
    """Return the bytes of a shape and a manifest that names them."""
    text = json_canonical.encode(said)
    manifest = Manifest(
        "0" * 32, "me", 0, 1, "", shape.digest(text.decode()), 8, 1, (48, 1200), 1, "p", 1, (), ("a", "b", "c")
    )  # fmt: skip
    return text, manifest


def test_every_total_stands_under_its_group_with_its_noise() -> None:
    text, manifest = named(SHAPE)
    table = rows(text, manifest, TOTALS, 3)
    assert [tuple(row.keys.values()) for row in table] == [
        ("140105", "false"), ("140105", "true"), ("140106", "false"), ("140106", "true")
    ]  # fmt: skip
    assert [row.figures["persons"] for row in table] == [100, 200, 3, 1_000]
    # Three dealers of variance 48: the square root of 144 is 12, times 1.96, rounded up.
    assert table[0].widths["persons"] == 24.0
    assert table[0].figures["mean"] == Decimal("2.5")
    width = table[0].widths["mean"]
    assert width is not None
    assert 0.5 < width < 1.5


def test_an_average_over_a_count_that_may_be_zero_is_not_given() -> None:
    text, manifest = named(SHAPE)
    assert rows(text, manifest, TOTALS, 3)[2].figures["mean"] is None


def test_a_part_is_that_of_its_key_and_no_other() -> None:
    text, manifest = named(SHAPE)
    table = rows(text, manifest, TOTALS, 3)
    assert part(table, "county", "140106") == table[2:]
    for key, value in (("county", "140107"), ("persons", "3"), ("", "")):
        with pytest.raises(Malformed):
            part(table, key, value)


def test_another_shape_than_the_manifest_names_is_refused() -> None:
    text, manifest = named(SHAPE)
    for wrong in (text.replace(b"140105", b"140104"), text + b" ", b"", b"\xff"):
        with pytest.raises(Malformed, match="not the one"):
            rows(wrong, manifest, TOTALS, 3)
    with pytest.raises(Malformed, match="as many"):
        rows(text, manifest, TOTALS[:-1], 3)
    with pytest.raises(Malformed, match="as many"):
        rows(text, replace(manifest, sigma_squared=(48,)), TOTALS, 3)


def test_a_shape_that_says_something_else_is_refused() -> None:
    changes: tuple[dict[str, Json], ...] = (
        {"aggregates": [{"name": "a0"}]},
        {"keys": [{"domain": []}]},
        {"more": 1},
    )
    for change in changes:
        text, manifest = named({**SHAPE, **change})
        with pytest.raises(Malformed):
            rows(text, manifest, TOTALS, 3)


def test_keys_that_post_processing_renames_keep_their_inner_names() -> None:
    text, manifest = named({**SHAPE, "post": "SELECT 1"})
    assert list(rows(text, manifest, TOTALS, 3)[0].keys) == ["k0", "k1"]


def test_a_table_of_several_grids_has_the_rows_of_each() -> None:
    """A subtotal beside the table: each grid with its own keys and figures, one after another."""
    said: dict[str, Json] = {
        **SHAPE,
        "aggregates": [
            {"kind": "rows", "name": "a0", "scale": 0},
            {"kind": "rows", "name": "a1", "scale": 0, "of": "x"},
        ],
        "averages": [],
        "keys": [{"name": "k0", "type": "text", "domain": ["north", "south"]}],
        "blocks": [
            {"keys": ["k0"], "aggregates": ["a0"], "averages": []},
            {"keys": [], "aggregates": ["a1"], "averages": []},
        ],
        "outputs": [
            {"label": "ward", "type": "text", "source": "k0"},
            {"label": "n", "type": "integer", "source": "a0"},
            {"label": "all", "type": "integer", "source": "a1"},
        ],
        "post": "SELECT 1",
    }
    text, manifest = named(said)
    table = rows(text, manifest, (7, 8, 15), 3)
    assert [(dict(row.keys), dict(row.figures)) for row in table] == [
        ({"ward": "north"}, {"n": Decimal(7)}),
        ({"ward": "south"}, {"n": Decimal(8)}),
        ({}, {"all": Decimal(15)}),
    ]
    assert table[2].widths["all"] == 118.0  # 1.96 * sqrt(3 * 1200), rounded up
    for totals in ((7, 8), (7, 8, 15, 1)):
        with pytest.raises(Malformed, match="as many"):
            rows(text, manifest, totals, 3)
