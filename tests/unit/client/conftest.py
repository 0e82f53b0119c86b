"""A space with a member's folder and a running node."""

import io
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import Encoding
from yanmen import client
from yanmen.crypto import documents, keys, x509
from yanmen.crypto.keys import FileSigner
from yanmen.formats import base64url, json_canonical
from yanmen.formats.json_canonical import Json
from yanmen.model.config import NodeLimits
from yanmen.model.contract import ContractStatus
from yanmen.model.party import Party, PartyRole, PartyStatus, Register
from yanmen.model.receipt import Stage
from yanmen.wire.server import Credentials, Server, Surroundings, node_services

from tests.unit.client.bench import CLOCK, MEMBER, NODE, RANDOM, TERMS, Bench, Logbook


@dataclass
class World:
    """The space's papers, the member's folder and the running node."""

    folder: Path
    bench: Bench
    port: int
    register: Register
    space: FileSigner

    @property
    def member(self) -> Path:
        return self.folder / "member"

    def publish(self, register: Register) -> None:
        """Write the register the member reads."""
        (self.folder / "register.jws").write_bytes(documents.sign_register(register, self.space))

    def connect(self) -> client.Node:
        return client.connect("civil", self.member)


def member_folder(folder: Path, space: FileSigner, register: Path) -> None:
    """Write what `yanmen member accept` leaves behind, keys aside."""
    named: dict[str, Json] = {
        "id": MEMBER,
        "register": str(register),
        "space": "space.test",
        "space_key": base64url.encode(space.public),
    }
    (folder / "identity.json").write_bytes(json_canonical.encode(named))


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    """Make a space with one node and one member, and serve the node."""
    space = keys.generate(tmp_path / "space.key", RANDOM)
    root_key = tmp_path / "root.key"
    root = x509.load_authority(root_key, x509.create_authority(root_key, "space.test", CLOCK.now_ms(), RANDOM))
    ca = root.certificate.public_bytes(Encoding.PEM)
    signers: dict[str, FileSigner] = {}
    digests: dict[str, str] = {}
    for name, connector, kind in (("node", NODE, x509.Kind.NODE), ("member", MEMBER, x509.Kind.MEMBER)):
        home = tmp_path / name
        home.mkdir()
        signers[name] = keys.generate(home / "signing.key", RANDOM)
        x509.create_key(home / "tls.key")
        hosts = ("127.0.0.1",) if name == "node" else ()
        subject = x509.Subject("space.test", kind, connector, hosts)
        leaf = x509.sign_csr(root, x509.create_csr(home / "tls.key"), subject, CLOCK.now_ms(), RANDOM)
        (home / "tls.crt").write_bytes(leaf)
        (home / "ca.crt").write_bytes(ca)
        digests[name] = x509.parse_peer(leaf).sha256
    log_signer = keys.generate(tmp_path / "node" / "log.key", RANDOM)
    member = Party(
        MEMBER, "lab", "Lab", PartyRole.DEVELOPER, PartyStatus.ACTIVE, signers["member"].public, b"", digests["member"]
    )
    bench = Bench(Logbook(signers["node"], log_signer), {digests["member"]: member}, key=signers["node"])
    secret = Credentials((tmp_path / "node/tls.key").read_bytes(), (tmp_path / "node/tls.crt").read_bytes(), ca)
    server = Server(
        bench,
        Surroundings("127.0.0.1:0", secret, NodeLimits(), CLOCK, RANDOM, io.StringIO()),
        node_services(bench, CLOCK, RANDOM),
    )
    port = server.start()
    node = Party(
        NODE, "civil", "Civil affairs", PartyRole.NODE, PartyStatus.ACTIVE, signers["node"].public, log_signer.public,
        digests["node"], f"127.0.0.1:{port}", ("nafld1",),
    )  # fmt: skip
    register = Register("space.test", 5, CLOCK.now_ms(), CLOCK.now_ms() + 86_400_000, (node, member))
    world = World(tmp_path, bench, port, register, space)
    world.publish(register)
    member_folder(tmp_path / "member", space, tmp_path / "register.jws")
    bench.log.append(Stage.GENESIS, {})
    offer = documents.sign_offer(TERMS, signers["member"])
    bench.request_contract(member, offer)
    bench.decide(ContractStatus.ACTIVE)
    yield world
    server.stop(0)
