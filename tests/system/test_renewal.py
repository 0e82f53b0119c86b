"""A node's certificate is renewed while it serves: nobody restarts it, and questions go on."""

import hashlib
import json
import ssl
from dataclasses import replace
from threading import Event, Thread

import pytest
import yanmen
from yanmen import enrolment
from yanmen.crypto import documents
from yanmen.model.refusal import FaultCode

from tests.patience import wait_until
from tests.system.town import Town, done, run

COUNT = "SELECT count(*) AS n FROM visits WHERE cost > {}"


def presented(town: Town) -> str:
    """Return the digest of the certificate the node shows now."""
    host, _, port = (town.node / "serving.address").read_text().strip().rpartition(":")
    served = ssl.PEM_cert_to_DER_cert(ssl.get_server_certificate((host, int(port))))
    return hashlib.sha256(served).hexdigest()


def test_a_renewal_needs_no_restart(town: Town) -> None:
    assert town.ask(COUNT.format(1))[0] == 0
    assert town.process is not None
    process, old = town.process, presented(town)
    done("space", "sign", town.space, town.node / "application.jws")
    code, document = town.ask(COUNT.format(2))
    assert (code, document["code"]) == (3, "UNREACHABLE"), "the register names the new one, which is not served yet"
    done("node", "accept", town.node, town.node / "granted.json", "--register", town.space / "register.jws")
    assert town.ask(COUNT.format(2))[0] == 0
    fresh = presented(town)
    assert fresh != old
    wait_until(lambda: '"certificate": "renewed"' in town.log())
    (line,) = [json.loads(line) for line in town.log().splitlines() if '"certificate"' in line]
    assert line["sha256"] == fresh
    assert process.poll() is None
    assert process is town.process

    (town.node / "tls.crt").write_bytes(b"nonsense")
    assert town.ask(COUNT.format(3))[0] == 0
    assert presented(town) == fresh
    assert '"certificate": "kept"' in town.log()


def test_a_member_renews_the_same_way(town: Town) -> None:
    done("member", "enrol", town.space, town.root / "alice" / "application.jws")
    words = ("dataset", "list", "--as", town.root / "alice", "--at", "clinic")
    assert run(*words)[1]["reason"] == "IDENTITY_UNKNOWN", "the register names the certificate issued last"
    grant = town.root / "alice" / "granted.json"
    done("member", "accept", town.root / "alice", grant, "--register", town.space / "register.jws")
    assert run(*words)[0] == 0


def test_a_register_that_is_over_stops_node_and_member_until_it_is_refreshed(town: Town) -> None:
    space = enrolment.open_space(town.space)
    over = replace(space.register, serial=space.register.serial + 1, expires_ms=space.register.issued_ms + 1)
    with yanmen.connect("clinic", identity=town.root / "alice") as node:
        assert node.catalogue()
        (town.space / "register.jws").write_bytes(documents.sign_register(over, space.signer))
        with pytest.raises(yanmen.NodeFailed) as failed:
            node.catalogue()
        assert failed.value.code is FaultCode.REGISTER
        code, document = town.ask(COUNT.format(4))
        assert (code, document["code"]) == (3, "REGISTER"), "the member's own program does not believe it either"
        code, document = run("check", "node", town.node)
        assert (code, document["code"]) == (3, "REGISTER")
        assert "yanmen space refresh" in document["message"]
        assert run("receipts", "export", town.node, town.root / "over")[0] == 0, "auditors are served all the same"
        assert done("space", "refresh", town.space)["serial"] == over.serial + 1
        assert node.catalogue()
    assert town.ask(COUNT.format(4))[0] == 0


def test_no_call_is_dropped_while_the_certificate_is_exchanged(town: Town) -> None:
    """Open connections stay, and every handshake is answered, with the old certificate or the new one."""
    stop, calls, dropped, seen = Event(), [0], list[str](), set[str]()

    def call(node: yanmen.Node) -> None:
        while not stop.is_set():
            try:
                node.checkpoint()
                calls[0] += 1
            except Exception as error:  # noqa: BLE001 - every one counts
                dropped.append(repr(error))

    def connect() -> None:
        while not stop.is_set():
            try:
                seen.add(presented(town))
            except OSError as error:
                dropped.append(repr(error))

    with yanmen.connect("clinic", identity=town.root / "alice") as node:
        threads = [Thread(target=call, args=(node,)), Thread(target=connect)]
        for thread in threads:
            thread.start()
        wait_until(lambda: calls[0] > 3 and seen)
        old = set(seen)
        done("space", "sign", town.space, town.node / "application.jws")
        done("node", "accept", town.node, town.node / "granted.json", "--register", town.space / "register.jws")
        wait_until(lambda: seen - old)
        after = calls[0]
        wait_until(lambda: calls[0] > after + 3)
        stop.set()
        for thread in threads:
            thread.join()
    assert dropped == []
    assert len(seen) == 2
