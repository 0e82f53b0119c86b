"""A node's certificate is renewed while it serves: nobody restarts it, and questions go on."""

import hashlib
import json
import ssl

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
