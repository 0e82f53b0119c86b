"""What a bureau collects counts only as signed; claims, comparisons and what it publishes follow from that alone."""

import json
import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from yanmen.bureau import collecting, comparing, disclosing
from yanmen.bureau.claims import disputed
from yanmen.bureau.collecting import Collection
from yanmen.bureau.comparing import Source, compare
from yanmen.crypto import governance
from yanmen.formats import connector_id, declared, released
from yanmen.formats.malformed import Malformed
from yanmen.formats.released import Table
from yanmen.model.catalogue import ColumnType, Dataset, Description
from yanmen.model.governance import Listing
from yanmen.model.party import Party, PartyRole, PartyStatus

from tests.unit.catalogue import operated as made
from tests.unit.catalogue.hall import AUTHORITIES, KEYS, NOW_S, Hall, hall, register, review
from tests.unit.ledger.scene import NODE, RECEIPT_KEY, dataset, signer

OTHER = connector_id.build("5", "91140100MA0GTTTT0X", "1401", "NODE0002")
OTHER_KEY = signer("other node")
SECOND = Party(
    OTHER, "civil", "民政局", PartyRole.NODE, PartyStatus.ACTIVE, OTHER_KEY.public, signer("ol").public, "5" * 64
)
KEY_OF = {NODE: RECEIPT_KEY, OTHER: OTHER_KEY}


def entry(node: str = NODE, at_s: int = NOW_S, **other: Any) -> bytes:
    said: Dataset = declared.public(dataset(**other))
    return governance.sign_listing(Listing(node, said, "v1", (), "", at_s), KEY_OF[node])


def gathered(tmp_path: Path, *tokens: bytes, names: tuple[str, ...] = ()) -> Collection:
    folder = tmp_path / "inbox"
    folder.mkdir(exist_ok=True)
    for number, token in enumerate(tokens):
        (folder / f"{number:03}.jws").write_bytes(token)
    known = register(*names, more=(SECOND, made.operator()))
    return collecting.collect(collecting.files([folder]), known)


def test_entries_of_all_nodes_stand_by_level(tmp_path: Path) -> None:
    found = gathered(
        tmp_path,
        entry(region="140105"),
        entry(OTHER, region="140000"),
        entry(OTHER, name="other", region="000000"),
    )
    assert found.left_out == []
    assert {name.split()[0]: [each.node for each in entries] for name, entries in found.levels().items()} == {
        "national": [OTHER],
        "province": [OTHER],
        "county": [NODE],
    }


def test_the_later_version_of_an_entry_counts_in_any_order(tmp_path: Path) -> None:
    for number, tokens in enumerate(
        [(entry(title_zh="旧"), entry(at_s=NOW_S + 9)), (entry(at_s=NOW_S + 9), entry(title_zh="旧"))]
    ):
        (tmp_path / str(number)).mkdir()
        (shown,) = gathered(tmp_path / str(number), *tokens).listed()
        assert shown.dataset.title_zh == "人口"


def test_what_is_not_reviewed_waits(tmp_path: Path) -> None:
    found = gathered(tmp_path, entry(), names=("city",))
    assert (len(found.listings), found.listed()) == (1, ())
    found = gathered(tmp_path, entry(), review(dataset()), names=("city",))
    assert len(found.listed()) == 1
    later = review(dataset(), passed=False, at_s=NOW_S + 5)
    assert gathered(tmp_path, entry(), later, review(dataset()), names=("city",)).listed() == ()


def test_what_does_not_count_is_left_out_by_name_and_nothing_else(tmp_path: Path) -> None:
    forged = governance.sign_listing(Listing(OTHER, declared.public(dataset()), "v1", (), "", NOW_S), RECEIPT_KEY)
    stranger = governance.sign_review(governance.peek_review(review(dataset(), "county")), KEYS[AUTHORITIES["county"]])
    product = governance.sign_product(made.product(by=OTHER), RECEIPT_KEY)
    found = gathered(tmp_path, forged, entry(), b"words", stranger, product, names=())
    assert len(found.listed()) == 1
    assert [name for name, _ in found.left_out] == ["000.jws", "002.jws", "003.jws", "004.jws"]


def test_what_is_no_plain_file_is_left_out_and_not_waited_for(tmp_path: Path) -> None:
    """Inboxes are filled by others: pipes, links to what has no end, files without measure."""
    os.mkfifo(tmp_path / "a.jws")
    (tmp_path / "b.jws").symlink_to("/dev/zero")
    with (tmp_path / "c.jws").open("wb") as sparse:
        sparse.truncate(2**33)
    (tmp_path / "d.jws").write_bytes(entry())
    found = collecting.collect(collecting.files([tmp_path]), register())
    assert [name for name, _ in found.left_out] == ["a.jws", "b.jws", "c.jws"]
    assert found.listings


def test_products_stand_only_under_a_grant_that_does(tmp_path: Path) -> None:
    offered = made.product()
    tokens = [governance.sign_grant(made.grant(), RECEIPT_KEY), governance.sign_product(offered, RECEIPT_KEY)]
    assert [each.id for each in gathered(tmp_path, *tokens).offered()] == [offered.id]
    ended = governance.sign_grant(made.grant(ended=True, reason="r"), RECEIPT_KEY)
    assert gathered(tmp_path, ended, *tokens).offered() == ()
    gone = governance.sign_product(replace(offered, withdrawn=True), RECEIPT_KEY)
    assert gathered(tmp_path, gone, *tokens).offered() == ()
    assert gathered(tmp_path, tokens[1], b"x", b"x").offered() == ()


@pytest.mark.parametrize(
    ("ours", "theirs", "by"),
    [
        ({"description": Description(item="参保人信息")}, {"description": Description(item="参保人 信息")}, ["item"]),
        ({"registration": "R-7"}, {"registration": "R-7"}, ["registration"]),
        ({"ndi_id": "7X"}, {"ndi_id": "7X"}, ["ndi_id"]),
        ({"description": Description(item="x")}, {"description": Description(item="x"), "region": "140200"}, []),
        ({"registration": "R-7"}, {"registration": "R-8"}, []),
    ],
)
def test_two_claimants_of_one_source_are_flagged(
    tmp_path: Path, ours: dict[str, Any], theirs: dict[str, Any], by: list[str]
) -> None:
    blank: dict[str, Any] = {"registration": "", "ndi_id": ""}
    found = gathered(tmp_path, entry(**{**blank, **ours}), entry(OTHER, owner="民政局", **{**blank, **theirs}))
    assert [claim.by for claim in disputed(found.listed())] == by


def test_one_owner_does_not_compete_with_itself(tmp_path: Path) -> None:
    found = gathered(tmp_path, entry(), entry(name="other"))
    assert disputed(found.listed()) == ()


def table(*counts: int, width: float | None = 10.0) -> Table:
    cities = ("太原", "大同", "阳泉")[: len(counts)]
    return Table(
        labels=("city", "n"),
        types=(ColumnType.TEXT, ColumnType.INTEGER),
        rows=tuple(zip(cities, counts, strict=True)),
        widths=tuple((None, width) for _ in counts),
        suppressed=0,
        mechanism="discrete gaussian",
        notice="x",
    )


def test_sources_differ_when_noise_does_not_explain_it() -> None:
    pairs = compare(Source(NODE, table(100, 200, 300)), Source(OTHER, table(105, 260, 300)))
    assert [pair.differs for pair in pairs] == [False, True, False]
    assert all(14.1 < pair.allowed < 24 for pair in pairs)
    assert pairs[1].keys == ("大同",)
    exact = compare(Source(NODE, table(1, 2, width=None)), Source(OTHER, table(1, 3, width=None)))
    assert [pair.differs for pair in exact] == [False, True]  # without widths every number is a figure, to the digit
    with pytest.raises(Malformed):
        compare(Source(NODE, table(1)), Source(OTHER, replace(table(1), labels=("city", "m"))))


def test_noise_alone_rarely_differs() -> None:
    """Of 300 comparisons of 50 pairs each that differ by noise alone, one in a hundred may err."""
    import numpy as np

    drawn = np.random.default_rng(7)
    sigma = 10 / comparing.WITHIN_95
    wrong = 0
    for _ in range(300):
        keys = tuple(f"{number}" for number in range(50))
        tables = [
            replace(
                table(1),
                rows=tuple(
                    (key, round(float(value))) for key, value in zip(keys, drawn.normal(0, sigma, 50), strict=True)
                ),
                widths=tuple((None, 10.0) for _ in keys),
            )
            for _ in range(2)
        ]
        wrong += any(pair.differs for pair in compare(Source(NODE, tables[0]), Source(OTHER, tables[1])))
    assert wrong < 15


def test_an_answer_without_its_receipt_is_not_compared(tmp_path: Path) -> None:
    (tmp_path / "table.json").write_bytes(released.encode(table(1)))
    with pytest.raises(Malformed):
        comparing.load(tmp_path, register())


def test_the_disclosure_list_holds_facts_and_no_markup_of_theirs(tmp_path: Path) -> None:
    offered = made.product(title_zh="<script>alert(1)</script>")
    tokens = [
        governance.sign_grant(made.grant(), RECEIPT_KEY),
        governance.sign_product(offered, RECEIPT_KEY),
        entry(title_zh="=cmd()", registration="晋登2026-1"),
        entry(OTHER, owner="民政局", registration="晋登2026-1"),
    ]
    names = disclosing.publish(gathered(tmp_path, *tokens), tmp_path / "site", ("目录", "Catalogue"))
    assert names == ("catalogue.jsonld", "disclosure.csv", "entries.json", "index.html", "products.json")
    page = (tmp_path / "site" / "index.html").read_text(encoding="utf-8")
    assert "<script>" not in page
    assert "数据集团" in page
    assert "registration" in page
    rows = (tmp_path / "site" / "disclosure.csv").read_text(encoding="utf-8").splitlines()
    assert len(rows) == 4
    assert "120 ≤ 150" in rows[3]
    assert "'=cmd()" in "".join(rows)
    entries = json.loads((tmp_path / "site" / "entries.json").read_text(encoding="utf-8"))
    assert [declared.decode(each["declared"]).name for each in entries] == ["persons", "persons"]
    assert "太原" not in "".join((tmp_path / "site" / name).read_text(encoding="utf-8") for name in names[:3])


def test_a_whole_province_is_collected(tmp_path: Path) -> None:
    tokens = [entry(name=f"d{number}", region=f"14{number % 11:02}{number % 7:02}") for number in range(200)]
    assert len(gathered(tmp_path, *tokens).listed()) == 200


def test_a_saved_answer_is_compared_only_with_the_receipt_of_its_node(tmp_path: Path) -> None:
    with hall(tmp_path) as node:
        folder = saved(node, tmp_path / "answer")
        known = node.current()
        assert comparing.load(folder, known).node == NODE
        (folder / "table.json").write_bytes(released.encode(table(1)))
        with pytest.raises(Malformed):
            comparing.load(folder, known)


def saved(node: Hall, folder: Path) -> Path:
    """Write an answer and its receipt as `query --save` does."""
    answer = node.scene.ask(node.ledger, node.scene.furnish(node.ledger))
    shown = Table(
        answer.labels, answer.types, answer.rows, answer.widths, answer.suppressed, answer.mechanism, answer.notice
    )
    folder.mkdir()
    (folder / "table.json").write_bytes(released.encode(shown))
    (folder / "1.sdjwt").write_text(answer.receipt.sdjwt)
    (folder / "1.tlog-proof").write_text(answer.receipt.proof)
    return folder
