"""8.2c 存储安全: data is at rest encrypted, under a key of this node; altered, it answers nothing."""

import stat

from yanmen.crypto import sealing
from yanmen.model.config import AtRest

from tests.conformance.department import OPEN_SPEC, Department
from tests.patience import below
from tests.system.town import CANARY, done, run


def test_no_file_of_the_node_holds_a_value_in_the_clear(department: Department) -> None:
    files = [path for path in below(department.node) if path.is_file()]
    assert any(path.suffix == ".sealed" for path in files)
    for path in files:
        assert CANARY.encode() not in path.read_bytes(), path.name
        if path.suffix in {".sealed", ".key"}:
            assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_at_rest_under_sm4_where_the_node_says_so(department: Department) -> None:
    """SM4 (GB/T 32907): sealed by it, answered from it, and one byte altered answers nothing."""
    spec = department.write("halls.toml", OPEN_SPEC.replace('name = "wards"', 'name = "halls"').replace("病区", "大厅"))
    department.configure(at_rest=AtRest.SM4)
    try:
        made = done("dataset", "publish", department.node, spec, department.root / "wards.csv")
    finally:
        department.configure(at_rest=AtRest.AES)
    path = department.node / "snapshots" / f"{made['version']}.sealed"
    assert path.read_bytes().startswith(sealing.MAGIC_SM4)
    who = ("--as", department.root / "alice", "--at", "clinic")
    words = (
        "--grant",
        "halls:ward,beds",
        "--price",
        "100",
        "--scenario",
        "s-9",
        "--purpose",
        "国密",
        "--legal-basis",
        "x",
    )
    contract = done("contract", "request", *who, *words, "--micro-rho", "0", "--per-query", "0", "--per-query-max", "0")
    ask = ("query", *who, "--contract", contract["id"])
    assert done(*ask, "SELECT sum(beds) AS n FROM halls")["rows"] == [{"n": 7}]
    whole = path.read_bytes()
    path.write_bytes(whole[:-40] + bytes([whole[-40] ^ 1]) + whole[-39:])
    code, document = run(*ask, "SELECT count(*) AS n FROM halls")
    assert code != 0
    assert "rows" not in document
