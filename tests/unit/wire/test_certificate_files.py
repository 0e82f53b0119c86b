"""A serving node takes up its renewed certificate by itself, and nothing that is not one."""

import hashlib
import io
import json
import socket
import ssl
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import Encoding
from yanmen.crypto import x509
from yanmen.crypto.system import SystemClock, SystemRandomness
from yanmen.model.config import NodeLimits
from yanmen.model.refusal import Fault
from yanmen.wire.renewal import CertificateFiles, Place
from yanmen.wire.server import Server, Surroundings, node_services

from tests.unit.wire.conftest import IDS, Desk, Site, make_authority

DAY_MS = 86_400_000


@dataclass
class Clockwork:
    """A clock that stands still until it is moved."""

    ms: int

    def now_ms(self) -> int:
        return self.ms


@dataclass
class Served:
    """A node that serves from a folder of its own."""

    folder: Path
    authority: x509.Authority
    clock: Clockwork
    log: io.StringIO
    port: int = 0

    def files(self) -> CertificateFiles:
        return CertificateFiles(Place(self.folder, IDS["node"], self.clock, self.log))

    def issue(self, who: str = "node", authority: x509.Authority | None = None) -> str:
        """Write a new certificate for the key in the folder, and return its digest."""
        subject = x509.Subject("space.test", x509.Kind.NODE, IDS[who], ("127.0.0.1",))
        csr = x509.create_csr(self.folder / "tls.key")
        signer = self.authority if authority is None else authority
        leaf = x509.sign_csr(signer, csr, subject, self.clock.ms, SystemRandomness())
        self.put("tls.crt", leaf)
        return x509.parse_peer(leaf).sha256

    def put(self, name: str, data: bytes) -> None:
        (self.folder / (name + ".new")).write_bytes(data)
        (self.folder / (name + ".new")).replace(self.folder / name)

    def presented(self) -> str:
        """Return the digest of the certificate that a new connection is shown."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        context.set_alpn_protocols(["h2"])
        with (
            socket.create_connection(("127.0.0.1", self.port), timeout=60) as plain,
            context.wrap_socket(plain, server_hostname="127.0.0.1") as tls,
        ):
            return hashlib.sha256(tls.getpeercert(binary_form=True) or b"").hexdigest()

    def told(self) -> list[tuple[str, str]]:
        lines = [json.loads(line) for line in self.log.getvalue().splitlines()]
        return [(line["certificate"], line["sha256"]) for line in lines if "certificate" in line]


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Served]:
    authority = make_authority(tmp_path, "root")
    (tmp_path / "ca.crt").write_bytes(authority.certificate.public_bytes(Encoding.PEM))
    x509.create_key(tmp_path / "tls.key")
    made = Served(tmp_path, authority, Clockwork(SystemClock().now_ms()), io.StringIO())
    made.issue()
    files = made.files()
    at = Surroundings("127.0.0.1:0", files.now, NodeLimits(), made.clock, SystemRandomness(), made.log, files.renewed)
    desk = Desk()
    server = Server(desk, at, node_services(desk, made.clock, SystemRandomness()))
    made.port = server.start()
    yield made
    server.stop(0)


def test_the_next_connection_sees_the_renewed_certificate(served: Served) -> None:
    old = served.presented()
    fresh = served.issue()
    assert fresh != old
    assert [served.presented(), served.presented()] == [fresh, fresh]
    assert served.told() == [("renewed", fresh)]
    assert served.presented() == fresh


def test_a_connection_that_is_open_stays_open(served: Served, site: Site) -> None:
    """And whoever opens one after it is shown the new certificate: the old one is not spoken any more."""
    with socket.create_connection(("127.0.0.1", served.port), timeout=60) as plain:
        context = ssl._create_unverified_context()
        context.set_alpn_protocols(["h2"])
        with context.wrap_socket(plain) as tls:
            before = hashlib.sha256(tls.getpeercert(binary_form=True) or b"").hexdigest()
            fresh = served.issue()
            assert served.presented() == fresh != before
            assert tls.version() == "TLSv1.3"


def cut(served: Served) -> None:
    served.put("tls.crt", (served.folder / "tls.crt").read_bytes()[:200])


def gone(served: Served) -> None:
    (served.folder / "tls.crt").unlink()


def of_another_key(served: Served) -> None:
    kept = (served.folder / "tls.key").read_bytes()
    (served.folder / "tls.key").unlink()
    x509.create_key(served.folder / "tls.key")
    served.issue()
    (served.folder / "tls.key").write_bytes(kept)


def of_another_connector(served: Served) -> None:
    served.issue("developer")


def of_another_authority(served: Served) -> None:
    served.issue(authority=make_authority(served.folder, "other"))


def over(served: Served) -> None:
    served.clock.ms -= 100 * DAY_MS
    served.issue()
    served.clock.ms += 100 * DAY_MS


def readable_key(served: Served) -> None:
    served.issue()
    (served.folder / "tls.key").chmod(0o644)


WRONG = [cut, gone, of_another_key, of_another_connector, of_another_authority, over, readable_key]


@pytest.mark.parametrize("spoil", WRONG, ids=lambda spoil: spoil.__name__)
def test_what_is_no_renewal_is_told_once_and_the_old_one_serves_on(
    served: Served, spoil: Callable[[Served], None]
) -> None:
    old, good = served.presented(), (served.folder / "tls.crt").read_bytes()
    spoil(served)
    assert [served.presented() for _ in range(3)] == [old] * 3
    assert len(served.told()) == (3 if spoil is gone else 1)
    assert set(served.told()) == {("kept", old)}
    (served.folder / "tls.key").chmod(0o600)
    served.put("tls.crt", good)
    assert served.presented() == old
    fresh = served.issue()
    assert served.presented() == fresh
    assert served.told()[-1] == ("renewed", fresh)


@pytest.mark.parametrize("spoil", WRONG, ids=lambda spoil: spoil.__name__)
def test_a_node_does_not_start_with_it(served: Served, spoil: Callable[[Served], None]) -> None:
    spoil(served)
    with pytest.raises((Fault, ValueError, OSError)):
        served.files()


def test_the_key_is_not_in_the_log(served: Served) -> None:
    served.issue()
    served.presented()
    assert "PRIVATE" not in served.log.getvalue()
