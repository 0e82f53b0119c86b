"""A database that does not let the node in is told with what the server said, and never with the password."""

import socket
from contextlib import closing

import pytest
from yanmen.ledger.place import Database
from yanmen.ledger.postgresql import ServerConnection
from yanmen.model.refusal import Fault, FaultCode

SECRET = "CANARYpassword"


def failed(connection: str) -> Fault:
    with pytest.raises(Fault) as caught:
        ServerConnection(Database(connection, "yanmen"))
    assert SECRET not in str(caught.value)
    return caught.value


def test_nobody_there() -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as taken:
        port = taken.getsockname()[1]
    fault = failed(f"host=127.0.0.1 port={port} dbname=yanmen user=health password={SECRET}")
    assert fault.code is FaultCode.STORAGE
    assert f"port {port} failed: Connection refused" in fault.note


@pytest.mark.parametrize("connection", [SECRET, f"host=x pasword={SECRET}", f"password='{SECRET}"])
def test_no_connection_string(connection: str) -> None:
    fault = failed(connection)
    assert fault.code is FaultCode.CONFIG
    assert "host=db.example" in fault.note
