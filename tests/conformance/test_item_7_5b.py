"""7.5b 交付数据传输: an answer travels secure, reliable and complete; a byte changed or a line cut gives no answer."""

import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

import pytest
import yanmen

from tests.conformance.department import BEDS, ROWS, Department
from tests.system.town import done

Alter = Callable[[bytes], bytes]


@contextmanager
def between(department: Department, alter: Alter) -> Iterator[int]:
    """Carry bytes between a member and the node, those to the member through `alter`; give the port."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        listening.settimeout(60)

        def carry(source: socket.socket, target: socket.socket, through: Alter) -> None:
            try:
                while data := through(source.recv(65536)):
                    target.sendall(data)
            except OSError:
                return
            finally:
                for each in (source, target):
                    hung_up(each)

        lines: list[socket.socket] = []

        def serve() -> None:
            while True:
                try:
                    near = listening.accept()[0]
                except OSError:
                    return
                far = socket.create_connection(department.place)
                lines.extend((near, far))
                for words in ((near, far, bytes), (far, near, alter)):
                    carriers.append(threading.Thread(target=carry, args=words))
                    carriers[-1].start()

        carriers = [threading.Thread(target=serve)]
        carriers[0].start()
        try:
            yield int(listening.getsockname()[1])
        finally:
            listening.shutdown(socket.SHUT_RDWR)
            carriers[0].join()
            for each in lines:
                hung_up(each)
            for carrier in carriers:
                carrier.join()
            for each in lines:
                each.close()


def hung_up(each: socket.socket) -> None:
    """End both ways of a connection, whatever state it is in."""
    with suppress(OSError):
        each.shutdown(socket.SHUT_RDWR)


def test_secure_by_modern_tls_both_ways(department: Department) -> None:
    for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
        context = department.credentials()
        context.minimum_version = context.maximum_version = version
        assert department.handshake(context) == version.name.replace("_", ".")
    with socket.create_connection(department.place, timeout=10) as plain:
        plain.sendall(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")
        assert b"SETTINGS" not in plain.recv(64), "in the clear nobody is answered"


def test_a_byte_changed_on_the_way_gives_no_answer(department: Department) -> None:
    contract, altered = department.opened(), threading.Event()

    def flip(data: bytes) -> bytes:
        return data[:-1] + bytes([data[-1] ^ 1]) if data and altered.is_set() else data

    with (
        between(department, flip) as port,
        yanmen.connect(f"127.0.0.1:{port}", identity=department.root / "alice", node="clinic") as node,
    ):
        assert node.query(BEDS, contract=contract).rows() == ROWS
        altered.set()
        with pytest.raises(yanmen.Unreachable):
            node.query(BEDS, contract=contract)


def test_an_answer_cut_off_is_fetched_again_whole(department: Department) -> None:
    who = ("--as", department.root / "alice", "--at", "clinic")
    job = done("query", *who, "--contract", department.opened(), "--submit", BEDS)["job"]
    first, second = (done("fetch", *who, job) for _ in range(2))
    assert first["rows"] == ROWS
    assert first == second
    assert first["receipt"] >= 0, "held to the digest in its receipt"
