"""The jail holds and works for a node that is not root; run by root, the test becomes another user first."""

import os
import subprocess
import sys
from pathlib import Path

from yanmen_sandbox.seccomp_policy import COMPUTE

SCRIPT = """
import os, sys
from pathlib import Path
from yanmen.crypto.system import SystemRandomness
from yanmen.execution.jail import JailRunner
from yanmen.model.config import NodeLimits
assert os.getuid() != 0
runner = JailRunner(Path(sys.argv[1]), b"k" * 32, SystemRandomness(), NodeLimits())
print(runner.profile.layers[2])
print(len({runner.vet("SELECT count(*) FROM t") for _ in range(15)}))
"""


def test_a_node_that_is_not_root_has_the_same_jail(tmp_path: Path) -> None:
    """Root becomes another user by a user namespace; fifteen times, because threads start late at times."""
    as_user = ["unshare", "--user", "--map-user=1000", "--map-group=1000"] if os.getuid() == 0 else []
    done = subprocess.run(
        [*as_user, sys.executable, "-c", SCRIPT, str(tmp_path)], capture_output=True, text=True, check=False
    )
    assert done.stdout.split() == ["user:node", "1"], done.stderr


def test_the_filter_lets_a_thread_that_starts_late_register() -> None:
    """DuckDB's threads may first run after the second filter; the C library aborts when rseq is refused."""
    assert {"rseq", "set_robust_list"} <= {rule.name for rule in COMPUTE}
