"""Refusals as the stock driver shows them."""

from typing import Any

import pytest
from adbc_driver_manager import AdbcStatusCode


def refused(error: pytest.ExceptionInfo[Any], status: AdbcStatusCode) -> str:
    """Return the text of a refusal that the driver took for `status`."""
    assert error.value.status_code == status, error.value
    return str(error.value)


INVALID, DENIED = AdbcStatusCode.INVALID_ARGUMENT, AdbcStatusCode.UNAUTHORIZED
UNIMPLEMENTED = AdbcStatusCode.NOT_IMPLEMENTED
