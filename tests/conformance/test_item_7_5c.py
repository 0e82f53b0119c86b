"""7.5c 交付存证: a delivery leaves evidence with both sides, reported to the platform, which signs for it."""

from pathlib import Path

from yanmen.crypto import governance
from yanmen.node.holder import open_holder

from tests.conformance.department import BEDS, Department
from tests.conformance.evidence import bureau, received, report
from tests.system.town import done, run


def test_a_delivery_leaves_a_receipt_with_each_side(department: Department) -> None:
    with department.connect() as node:
        answer = node.query(BEDS, contract=department.opened())
    assert answer.acknowledgement is not None, "the consumer's word that it arrived stands in the log"
    report_ = department.verify("delivered")
    assert report_["ok"]
    assert report_["stages"]["acknowledged"] >= 1


def test_reported_taken_in_and_acknowledged(department: Department, tmp_path: Path) -> None:
    who = ("--as", department.root / "alice", "--at", "clinic")
    report(department)
    for number in range(2):
        fresh = f"SELECT count(*) AS n FROM wards WHERE beds > {number + 700}"
        assert run("query", *who, "--contract", department.opened(), fresh)[0] == 0
    refused = run("query", *who, "--contract", department.opened(), "SELECT nothing FROM wards")
    assert refused[0] == 1
    made = report(department)
    assert made["uses"][department.opened()][:2] == [2, 2]
    assert made["stages"]["refused"] == 1
    assert not made["acknowledged"]
    assert done("report", "show", department.node)["sha256"] == made["sha256"]

    earlier = sorted((department.node / "outbox").glob("evidence-*.jws"))
    for number, path in enumerate(earlier):
        code, taken = received(department, {"file": path}, tmp_path / f"receipt-{number}.jws")
        assert code == 0, taken
    receipt = tmp_path / f"receipt-{len(earlier) - 1}.jws"
    assert done("report", "record", department.node, receipt)["number"] == made["number"]
    assert done("report", "show", department.node)["acknowledged"]
    assert department.verify("reported")["ok"], "report and receipt are leaves, and held to their signers"
    book = ("--as", bureau(department), "--book", department.root / "evidence")
    traced = done("bureau", "reports", *book, "--contract", department.opened())["reports"]
    assert traced[-1]["uses"][department.opened()][:2] == [2, 2]


def test_a_report_counts_what_the_log_says(department: Department) -> None:
    made = report(department)
    with open_holder(department.node) as holder:
        token = Path(made["file"]).read_bytes().strip()
        found = governance.open_evidence(token, holder.receipt_signer.public)
        bundle = department.verify(f"counted-{found.number}")
        assert sum(found.stages.values()) == bundle["size"] - 1 - found.since, "all leaves but the report's own"
