"""7.3a 产品封装: a product is a reviewed template with its parameters, under a grant, with its policy of use."""

import json
from pathlib import Path
from typing import Any

import pytest
from yanmen.cli.main import main

SUBJECT = ["--subject", "11140000MB0GTTTT0X", "--region", "1401"]
SPEC = """
name = "visits"
title_zh = "就诊"
title_en = "Visits"
owner = "市卫健委"
region = "140100"
source_system = "HIS"
authority = "卫生统计"
update_cycle = "monthly"
quality = "B"
rights = ["hold", "operate"]
class = "open"
grade = "general"
sharing = "unconditional"
channels = ["authorised-operation"]
rows_upto = 100
price_ceiling_fen = 500

[columns.city]
type = "text"
role = "key"
domain = ["太原", "大同"]

[columns.cost]
type = "integer"
role = "measure"
"""
TEMPLATE = """
title_zh = "城市就诊费用"
title_en = "Cost of visits by city"
sql = "SELECT city, sum(cost) AS cost FROM visits WHERE city = {city} GROUP BY city"
price_fen = 200

[[parameter]]
name = "city"
type = "text"
values = ["太原", "大同"]
"""


def run(capsys: pytest.CaptureFixture[str], *words: object) -> tuple[int, dict[str, Any]]:
    capsys.readouterr()
    code = main([*map(str, words), "--json"])
    return code, json.loads(capsys.readouterr().out)


@pytest.fixture
def town(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Path:
    """Return a folder with a space, a node that publishes `visits`, and an operator."""
    space, node, operator = tmp_path / "space", tmp_path / "clinic", tmp_path / "operator"
    register = ["--register", space / "register.jws"]
    address = ["--address", "127.0.0.1:7443"]
    role = ["--role", "operator"]
    (tmp_path / "visits.toml").write_text(SPEC, encoding="utf-8")
    (tmp_path / "visits.csv").write_text("city,cost\n太原,3\n大同,4\n", encoding="utf-8")
    (tmp_path / "template.toml").write_text(TEMPLATE, encoding="utf-8")
    for words in (
        ["space", "init", space, "--name", "shanxi.example"],
        ["node", "init", node, "--name", "市卫健委", "--alias", "clinic", *SUBJECT, *address],
        ["space", "sign", space, node / "application.jws"],
        ["member", "init", operator, "--name", "数据集团", "--alias", "datagroup", *SUBJECT, *role],
        ["member", "enrol", space, operator / "application.jws"],
        ["node", "accept", node, node / "granted.json", *register],
        ["member", "accept", operator, operator / "granted.json", *register],
        ["dataset", "publish", node, tmp_path / "visits.toml", tmp_path / "visits.csv"],
    ):
        assert run(capsys, *words)[0] == 0, words
    return tmp_path


def test_a_product_is_packed_reviewed_offered_and_withdrawn(town: Path, capsys: pytest.CaptureFixture[str]) -> None:
    node, template = town / "clinic", town / "template.toml"
    terms = ["--mode", "by-field", "--until", "2999-12-31", "--exit", "到期移交", "--by", "张某"]
    granted = ["operation", "grant", node, "--operator", "datagroup", "--scope", "visits:city,cost"]
    grant = run(capsys, *granted, *terms, "--ceiling", 300)[1]["grant"]
    by = ["--by", "张某"]
    assert run(capsys, "operation", "product", node, grant, template, "--compliance", "张某:ok", *by)[0] == 2
    code, made = run(capsys, "operation", "product", node, grant, template, "--compliance", "李某:合规", *by)
    assert code == 0, made
    assert made["product"].startswith("6")

    asked = run(capsys, "operation", "question", made["document"], "--set", "city=大同")[1]
    assert asked["sql"] == "SELECT city, sum(cost) AS cost FROM visits WHERE city = '大同' GROUP BY city"
    assert run(capsys, "operation", "question", made["document"], "--set", "city=阳泉")[0] == 2

    template.write_text(TEMPLATE.replace("sum(cost)", "regr_slope(cost, cost)"), encoding="utf-8")
    model = ["operation", "product", node, grant, template, "--compliance", "李某:合规", *by]
    assert run(capsys, *model)[0] == 2
    template.write_text("fits_model = true\n" + template.read_text(encoding="utf-8"), encoding="utf-8")
    assert run(capsys, *model)[0] == 2
    assert run(capsys, *model, "--algorithm", "王某:可解释")[0] == 0

    assert run(capsys, "operation", "withdraw", node, made["product"], *by)[0] == 0
    assert run(capsys, "operation", "end", node, grant, "--reason", "到期", *by)[1]["contracts"] == 0
    (listed,) = run(capsys, "operation", "list", node)[1]["grants"]
    assert (listed["ended"], len(listed["products"])) == (True, 2)
