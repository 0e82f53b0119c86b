"""8.2d 计算安全: computed in a sandbox (沙箱) and released by privacy-preserving means; there is no TEE."""

import pytest

from tests.attacks.test_escape import QUIET
from tests.conformance.department import PERSONS, Department
from tests.system.town import done


def test_the_sandbox_holds_before_anything_is_served(department: Department) -> None:
    found = done("check", "sandbox")
    assert found["digest"] in department.log()
    assert len(QUIET) >= 20, "each of these ways out is tried in tests/attacks/test_escape.py"


@pytest.mark.parametrize(
    ("sql", "reason"),
    [
        ("SELECT count(*) FROM read_csv('/etc/passwd')", "CLAUSE_NOT_ADMITTED"),
        ("COPY visits TO '/tmp/x'", "NOT_ONE_SELECT"),
        ("ATTACH 'x' AS y", "NOT_ONE_SELECT"),
        ("SELECT count(*) FROM visits WHERE getenv('HOME') = 'x'", "FUNCTION_NOT_ADMITTED"),
    ],
)
def test_a_question_cannot_ask_the_sandbox_for_anything_else(department: Department, sql: str, reason: str) -> None:
    code, refused = department.ask(sql)
    assert code == 1
    assert refused["reason"] == reason


def test_with_privacy_computing(department: Department) -> None:
    answer = department.ask(PERSONS)[1]
    assert answer["width"]["n"][0] > 0
    assert "micro_rho=10000" in answer["mechanism"]
