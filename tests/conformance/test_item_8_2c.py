"""8.2c 存储安全: data is at rest encrypted, under a key of this node; altered, it answers nothing."""

import stat

from tests.conformance.department import Department
from tests.patience import below
from tests.system.town import CANARY


def test_no_file_of_the_node_holds_a_value_in_the_clear(department: Department) -> None:
    files = [path for path in below(department.node) if path.is_file()]
    assert any(path.suffix == ".sealed" for path in files)
    for path in files:
        assert CANARY.encode() not in path.read_bytes(), path.name
        if path.suffix in {".sealed", ".key"}:
            assert stat.S_IMODE(path.stat().st_mode) == 0o600
