"""7.2b 资源管理: a resource is changed and deleted by its holder, and what was published before is not served after."""

from tests.conformance.department import OPEN_SPEC, Department
from tests.system.town import done, run

SUM = "SELECT sum(beds) AS n FROM rooms"


def test_modify_then_delete(department: Department) -> None:
    spec = department.write(
        "rooms.toml", OPEN_SPEC.replace('name = "wards"', 'name = "rooms"').replace("病区床位", "房间")
    )
    source = department.write("rooms.csv", "ward,beds\nnorth,5\n")
    first = done("dataset", "publish", department.node, spec, source)
    words = ("--grant", "rooms:ward,beds", "--price", "100", "--scenario", "s-3", "--purpose", "test")
    terms = ("--legal-basis", "test", "--micro-rho", "0", "--per-query", "0", "--per-query-max", "0")
    who = ("--as", department.root / "alice", "--at", "clinic")
    contract = done("contract", "request", *who, *words, *terms)["id"]
    assert done("query", *who, "--contract", contract, SUM)["rows"] == [{"n": 5}]

    source.write_text("ward,beds\nnorth,6\nsouth,7\n", encoding="utf-8")
    second = done("dataset", "publish", department.node, spec, source)
    assert second["version"] != first["version"]
    assert done("query", *who, "--contract", contract, SUM)["rows"] == [{"n": 13}], (
        "modified 修改: the new version answers"
    )

    done("dataset", "retract", department.node, "rooms")
    refused = run("query", *who, "--contract", contract, SUM)
    assert (refused[0], refused[1]["reason"]) == (1, "DATASET_RETRACTED"), "deleted 删除"
    listed = done("dataset", "list", *who)["datasets"]
    assert "rooms" not in [each["name"] for each in listed]
    assert department.verify("managed")["ok"], "and both are leaves of the log"
