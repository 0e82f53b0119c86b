"""7.5a 交付数据处理: what is delivered was processed in a sandbox and desensitised, by privacy-preserving means."""

import pytest

from tests.conformance.department import PERSONS, Department
from tests.system.town import CANARY, done


def test_processed_in_the_sandbox_the_receipt_names(department: Department) -> None:
    code, answer = department.ask(PERSONS + " WHERE cost > 5")
    assert code == 0, answer
    with department.connect() as node:
        receipt = node.receipt(answer["receipt"])
    sandbox = receipt.says["sandbox"]
    assert isinstance(sandbox, dict)
    assert sandbox["profile"] == done("check", "sandbox")["digest"]


def test_what_leaves_is_noised_and_says_how_much(department: Department) -> None:
    code, answer = department.ask(PERSONS)
    assert code == 0
    assert answer["width"]["n"][0] > 0
    assert "micro_rho=10000" in answer["mechanism"], "and how private it is"
    assert "不作为法定统计数据" in answer["notice"]


@pytest.mark.parametrize("sql", ["SELECT * FROM visits", "SELECT id FROM visits", "SELECT avg(note) AS n FROM visits"])
def test_rows_ids_and_hidden_columns_do_not_leave(department: Department, sql: str) -> None:
    code, refused = department.ask(sql)
    assert code == 1
    assert CANARY not in str(refused)
    assert refused["reason"] in {"ROWS_WOULD_LEAVE", "UNIT_NOT_ADMITTED_HERE", "UNKNOWN_COLUMN"}
