"""8.2a 数据分级: general, important and core are declared, shown, signed, and each is treated as its grade demands."""

from tests.conformance.department import Department
from tests.system.town import SPEC, done, run

WORDS = ("--price", "100", "--purpose", "分级", "--legal-basis", "test", "--micro-rho", "10000")


def graded(department: Department, grade: str) -> tuple[int, dict[str, object]]:
    """Publish the table about persons under that grade."""
    said = SPEC.replace('name = "visits"', f'name = "{grade}"').replace('"general"', f'"{grade}"')
    spec = department.write(f"{grade}.toml", said)
    return run("dataset", "publish", department.node, spec, department.root / "visits.csv")


def test_a_grade_is_required_and_one_of_three(department: Department) -> None:
    missing = department.write("none.toml", SPEC.replace('grade = "general"\n', ""))
    assert (
        run("dataset", "publish", department.node, missing, department.root / "visits.csv")[1]["reason"]
        == "SPEC_INVALID"
    )
    assert graded(department, "secret")[1]["reason"] == "SPEC_INVALID"


def test_core_is_never_published(department: Department) -> None:
    assert graded(department, "core")[1]["reason"] == "GRADE_CORE"


def test_important_waits_for_officers_where_general_is_signed_by_rule(department: Department) -> None:
    assert graded(department, "important")[0] == 0
    who = ("--as", department.root / "alice", "--at", "clinic")
    important = done("contract", "request", *who, "--grant", "important:cost", "--scenario", "s-7", *WORDS)
    general = done("contract", "request", *who, "--grant", "visits:cost", "--scenario", "s-8", *WORDS)
    assert (important["status"], general["status"]) == ("pending", "active")
    (waiting,) = [
        each for each in done("approval", "list", department.node)["waiting"] if each["contract"] == important["id"]
    ]
    assert (waiting["important"], waiting["turn"]) == (True, "review")
    assert important["left_to_person"] == waiting["left_to_person"], "who asked and who decides read the same"
    assert [each["clause"] for each in important["left_to_person"]] == ["target"]
    assert general["left_to_person"] == []
    reasons = ("--necessity", "a", "--legality", "b", "--security", "c")
    alone = run("contract", "approve", department.node, important["id"], "--by", "张某", *reasons)
    assert alone[1]["reason"] == "POLICY_FORBIDS", "a name is no officer's signature"
    done("contract", "deny", department.node, important["id"], "--by", "张某")


def test_the_grade_stands_in_the_catalogue(department: Department) -> None:
    shown = done("dataset", "show", "visits", "--as", department.root / "alice", "--at", "clinic")
    assert shown["grade"] == "general"
