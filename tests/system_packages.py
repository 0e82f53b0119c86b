"""Programs of the distribution's that tests need: absent, a test says so, or fails where it must not be absent."""

import os
import shutil

import pytest


def need(program: str) -> None:
    """Go on when `program` is installed; otherwise skip aloud, or fail when SANDBOX_MUST_WORK=1."""
    if shutil.which(program) is not None:
        return
    missing = f"{program} is not installed: run scripts/system-packages as root"
    if os.environ.get("SANDBOX_MUST_WORK") == "1":
        pytest.fail(missing)
    pytest.skip(missing)
