"""7.2c 资源目录: entries described by NDI-TR-2025-06's code tables, graded, reviewed, versioned, searched, exported."""

import json
from pathlib import Path
from typing import Any

import pytest
from yanmen.cli.main import main
from yanmen.formats import ndi_codes, ndi_id

SUBJECT = ["--subject", "11140000MB0GTTTT0X", "--region", "1401"]
SPEC = """
name = "claims"
title_zh = "医疗保险费用"
title_en = "Insurance claims"
owner = "市医保局"
region = "140100"
registration = "晋登2026-000017"
ndi_id = "%s"
source_system = "医保核心系统"
authority = "医疗保障职责"
update_cycle = "monthly"
quality = "B"
rights = ["hold", "use", "operate"]
class = "open"
grade = "general"
sharing = "conditional"
sharing_reason = "须说明用途"
legal_basis = "政务数据共享条例"
channels = ["sharing", "opening"]
rows_upto = 1000
price_ceiling_fen = 0

[catalogue]
topic = "C0300"
scene = "T0300"
acquisition = "001"
delivery = "002"
update = "004"
security = "001"
item = "医保基金支出"
abstract_zh = "各市县按月的医保基金支出"
abstract_en = "Monthly spending of the health insurance fund"
keywords = ["医保基金", "insurance fund"]

[columns.city]
type = "text"
role = "key"
domain = ["太原", "大同"]

[columns.fen]
type = "integer"
role = "measure"
"""


def run(capsys: pytest.CaptureFixture[str], *words: object) -> tuple[int, dict[str, Any]]:
    capsys.readouterr()
    code = main([*map(str, words), "--json"])
    return code, json.loads(capsys.readouterr().out)


@pytest.fixture
def town(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Path:
    """Return a folder with a space, the node `health`, and the data authorities of city and province."""
    space, node = tmp_path / "space", tmp_path / "health"
    register = ["--register", space / "register.jws"]
    address = ["--address", "127.0.0.1:7443"]
    assert run(capsys, "space", "init", space, "--name", "shanxi.example")[0] == 0
    assert run(capsys, "node", "init", node, "--name", "市医保局", "--alias", "health", *SUBJECT, *address)[0] == 0
    assert run(capsys, "space", "sign", space, node / "application.jws")[0] == 0
    assert run(capsys, "node", "accept", node, node / "granted.json", *register)[0] == 0
    for alias, region in (("city_bureau", "140100"), ("province_bureau", "140000")):
        folder = tmp_path / alias
        role = ["--role", "authority"]
        assert run(capsys, "member", "init", folder, "--name", alias, "--alias", alias, *SUBJECT, *role)[0] == 0
        application = folder / "application.jws"
        assert run(capsys, "member", "enrol", space, application)[0] == 1
        assert run(capsys, "member", "enrol", space, application, "--jurisdiction", region)[0] == 0
        assert run(capsys, "member", "accept", folder, folder / "granted.json", *register)[0] == 0
    return tmp_path


def test_an_entry_from_its_number_to_the_catalogue(town: Path, capsys: pytest.CaptureFixture[str]) -> None:
    made = run(capsys, "catalogue", "number", "--kind", "resource", *SUBJECT)[1]["ndi_id"]
    assert ndi_id.is_valid(made, "7")
    (town / "claims.toml").write_text(SPEC % made, encoding="utf-8")
    (town / "claims.csv").write_text("city,fen\n太原,100\n大同,\n", encoding="utf-8")
    node = town / "health"
    code, published = run(capsys, "dataset", "publish", node, town / "claims.toml", town / "claims.csv")
    assert code == 0, published
    entry = Path(published["entry"])
    by_city = ["--as", town / "city_bureau"]
    assert run(capsys, "space", "list", town / "space", entry)[1]["reason"] == "NOT_REVIEWED"
    assert run(capsys, "catalogue", "search", "医保", "--node", node)[1]["datasets"] == []

    wrong = town / "province.jws"
    assert run(capsys, "catalogue", "review", "--as", town / "province_bureau", entry, wrong)[0] == 0
    assert run(capsys, "catalogue", "record", node, wrong)[1]["reason"] == "ROLE_NOT_ALLOWED"
    review = town / "review.jws"
    assert run(capsys, "catalogue", "review", *by_city, entry, review)[1]["passed"] is True
    assert run(capsys, "catalogue", "record", node, review)[0] == 0
    assert run(capsys, "space", "list", town / "space", entry, "--review", review)[1]["datasets"] == ["claims"]

    for words in ("医保基金", "insurance fund", "社会保障", "spending"):
        found = run(capsys, "catalogue", "search", words, "--node", node)[1]["datasets"]
        assert [each["name"] for each in found] == ["claims"], words
    exported = town / "catalogue.jsonld"
    assert run(capsys, "catalogue", "export", "--node", node, exported)[1]["datasets"] == 1
    (shown,) = json.loads(exported.read_text(encoding="utf-8"))["dcat:dataset"]
    assert shown["@id"] == f"urn:ndi:{made}"
    assert shown["adms:identifier"]["skos:notation"] == "晋登2026-000017"
    assert shown["yanmen:sharing"] == "conditional"
    assert shown["yanmen:sharingReason"] == "须说明用途"
    assert shown["yanmen:legalBasis"] == "政务数据共享条例"
    assert len(shown["yanmen:right"]) == 3
    assert shown["dcat:version"] == published["version"]


def test_what_an_authority_forbids_is_not_published(town: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (town / "negative.toml").write_text(
        '[[item]]\nid = "N1"\ntext = "医保基金明细"\nbasis = "省政府令"\nwords = ["医保基金"]\n', encoding="utf-8"
    )
    listed = town / "negative.jws"
    forbid = ["catalogue", "forbid", "--as", town / "province_bureau", town / "negative.toml", listed, "--serial", 1]
    assert run(capsys, *forbid)[1]["items"] == 1
    assert run(capsys, "catalogue", "record", town / "health", listed)[1]["serial"] == 1
    (town / "claims.toml").write_text(SPEC % "", encoding="utf-8")
    (town / "claims.csv").write_text("city,fen\n太原,100\n", encoding="utf-8")
    code, refused = run(capsys, "dataset", "publish", town / "health", town / "claims.toml", town / "claims.csv")
    assert (code, refused["reason"], refused["clauses"]) == (
        1,
        "NEGATIVE_LIST",
        ["N1: 医保基金明细（省政府令）"],
    )


def test_the_code_tables_are_those_of_the_standard() -> None:
    sizes = {name: len(table) for name, table in ndi_codes.TABLES.items()}
    assert sizes == {"topic": 20, "scene": 16, "acquisition": 4, "delivery": 6, "update": 9, "security": 5}
    assert [ndi_codes.quality(letter) for letter in "ABCD"] == ["001", "002", "003", "004"]
