"""7.6d 使用存证: the whole process is evidenced, whole, safe and unalterable; reported, looked up and traced."""

import json
from dataclasses import replace
from pathlib import Path

from yanmen.crypto import governance
from yanmen.node.holder import open_holder

from tests.conformance.department import BEDS, Department
from tests.conformance.evidence import received, report
from tests.system.town import done, run


def test_the_whole_process_of_a_use_is_in_the_log(department: Department) -> None:
    """全过程: application, decision, question, answer, acknowledgement, and a refusal, in the contract's own series."""
    who = ("--as", department.root / "alice", "--at", "clinic")
    words = ("--grant", "wards:ward,beds", "--price", "100", "--scenario", "s-10", "--purpose", "存证")
    terms = ("--legal-basis", "test", "--micro-rho", "0", "--per-query", "0", "--per-query-max", "0")
    contract = done("contract", "request", *who, *words, *terms)["id"]
    assert run("query", *who, "--contract", contract, BEDS)[0] == 0
    assert run("query", *who, "--contract", contract, "SELECT nothing FROM wards")[0] == 1
    done("contract", "revoke", department.node, contract, "--by", "张某")
    with open_holder(department.node) as holder:
        size = holder.ledger.size()
        stages = [holder.ledger.receipt(index).stage.value for index in range(size - 8, size)]
    wanted = ["contract", "approval", "intent", "outcome", "acknowledged", "refused", "contract"]
    assert [stage for stage in stages if stage in set(wanted)][-len(wanted) :] == wanted


def test_query_and_trace_by_the_consumer_and_by_the_auditor(department: Department) -> None:
    """查询、追溯: who asked finds the receipt at the node; an auditor finds question, contract and member in files."""
    with department.connect() as node:
        answer = node.query(BEDS, contract=department.opened())
        again = node.receipt(answer.receipt.index)
    assert again.says["contract"] == department.opened()
    bundle = department.root / "traced"
    assert department.verify("traced")["ok"]
    code, shown = run(
        "verify", bundle, "--space-key", department.space / "space.vkey", "--receipt", answer.receipt.index
    )
    assert code == 0
    assert department.opened() in json.dumps(shown)


def test_unalterable_a_report_changed_left_out_or_forged_is_not_taken(department: Department, tmp_path: Path) -> None:
    """完整性、不可篡改: a report is held to its node's key, to the one before, and to the log's growth."""
    first, second = report(department), report(department)
    known = sorted((department.node / "outbox").glob("evidence-*.jws"))
    target = tmp_path / "receipt.jws"
    for path in known[:-1]:
        assert received(department, {"file": path}, tmp_path / f"{path.stem}.receipt")[0] == 0
    token = Path(second["file"]).read_bytes().strip()
    altered = tmp_path / "altered.jws"
    with open_holder(department.node) as holder:
        found = governance.open_evidence(token, holder.receipt_signer.public)
        forged = replace(found, previous="0" * 64)
        fewer = replace(found, stages={})
        other = replace(found, growth=(*found.growth[:-1], bytes(32)))
        wrong = [governance.sign_evidence(each, holder.receipt_signer) for each in (forged, fewer, other)]
    outsider = department.root / "alice"
    for bad in (token[:-8] + b"AAAAAAAA", *wrong):
        altered.write_bytes(bad)
        code, said = received(department, {"file": altered}, target)
        assert (code, said["reason"]) == (1, "REQUEST_MALFORMED"), bad[:40]
    assert not target.exists()
    assert received(department, second, target)[0] == 0
    assert received(department, second, tmp_path / "again.jws")[0] == 0, "the same again changes nothing"
    by_another = tmp_path / "outsider.jws"
    book = ("--as", outsider, "--book", department.root / "evidence")
    done("bureau", "receive", *book, second["file"], by_another)
    refused = run("report", "record", department.node, by_another)
    assert refused[1]["reason"] == "SIGNATURE_INVALID", "a developer's word is no platform's"
    assert first["number"] + 1 == second["number"]
