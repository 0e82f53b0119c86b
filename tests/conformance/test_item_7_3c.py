"""7.3c 产品目录: products are looked up at the node, and their use is applied for, decided and followed (使用申请)."""

from tests.conformance.department import Department
from tests.system.town import done, run


def test_query_apply_decide_and_follow(department: Department) -> None:
    who = ("--as", department.root / "alice", "--at", "clinic")
    names = [each["name"] for each in done("dataset", "list", *who)["datasets"]]
    assert {"visits", "wards"} <= set(names)
    found = done("catalogue", "search", "床位", *who)["datasets"]
    assert [each["name"] for each in found] == ["wards"]
    shown = done("dataset", "show", "visits", *who)
    assert shown["price_ceiling_fen"] == 100
    assert "note" not in str(shown["columns"]), "a hidden column is not in the catalogue"

    words = ("--grant", "visits:cost,ward", "--price", "100", "--scenario", "s-4", "--purpose", "申请使用")
    asked = done("contract", "request", *who, *words, "--legal-basis", "依申请", "--micro-rho", "950000")
    assert asked["status"] == "pending", "above the owner's rule a person decides"
    done("contract", "deny", department.node, asked["id"], "--by", "张某")
    assert done("contract", "show", asked["id"], *who)["status"] == "denied"
    again = done("contract", "request", *who, *words, "--legal-basis", "依申请", "--micro-rho", "10000")
    assert again["status"] == "active"
    over = run(
        "contract", "request", *who, "--grant", "visits:cost", "--price", "101", *words[4:], "--legal-basis", "x"
    )
    assert over[1]["reason"] == "PRICE_ABOVE_CEILING"
