"""One running department for all modules of this folder: a node as a process, a developer, an auditor, two tables."""

import socket
import ssl
from pathlib import Path

import yanmen

from tests.system.town import SUBJECT, Town, done

OPEN_SPEC = """
name = "wards"
title_zh = "病区床位"
title_en = "Beds of wards"
owner = "test"
region = "140100"
source_system = "made by the test"
authority = "test"
update_cycle = "never"
quality = "A"
rights = ["use"]
class = "open"
grade = "general"
sharing = "unconditional"
channels = ["sharing", "opening"]
rows_upto = 100
price_ceiling_fen = 100

[columns.ward]
type = "text"
role = "key"
domain = ["north", "south"]

[columns.beds]
type = "integer"
role = "measure"
"""
BEDS = "SELECT ward, sum(beds) AS beds FROM wards GROUP BY ward ORDER BY ward"
ROWS = [{"ward": "north", "beds": 3}, {"ward": "south", "beds": 4}]
"""What it answers, exactly: the table is open."""
PERSONS = "SELECT count(DISTINCT id) AS n FROM visits"


class Department(Town):
    """A town that has an open table, an auditor and officers beside the one about persons."""

    def furnish(self) -> None:
        """Publish the open table and enrol the auditor."""
        self.write("wards.toml", OPEN_SPEC)
        self.write("wards.csv", "ward,beds\nnorth,3\nsouth,4\n")
        done("dataset", "publish", self.node, self.root / "wards.toml", self.root / "wards.csv")
        self.enrolled("audra", "auditor")

    def write(self, name: str, text: str) -> Path:
        """Write a file beside the folders and return it."""
        path = self.root / name
        path.write_text(text, encoding="utf-8")
        return path

    def enrolled(self, alias: str, role: str, *, own: bool = False, more: tuple[str, ...] = ()) -> Path:
        """Enrol a member of this role; an officer is of the node's own subject."""
        folder = self.root / alias
        if not folder.exists():
            who = ("--name", alias, "--alias", alias, "--subject", SUBJECT + ("1" if own else "9"), "--region", "1401")
            done("member", "init", folder, *who, "--role", role)
            self.admit(folder, "member", *more)
        return folder

    def opened(self) -> str:
        """Return the id of a contract over the open table."""
        if "open" not in self.contracts:
            words = ("--grant", "wards:ward,beds", "--price", "100", "--scenario", "s-2", "--purpose", "test")
            terms = ("--legal-basis", "test", "--micro-rho", "0", "--per-query", "0", "--per-query-max", "0")
            who = ("--as", self.root / "alice", "--at", "clinic")
            self.contracts["open"] = str(done("contract", "request", *who, *words, *terms)["id"])
        return self.contracts["open"]

    def connect(self, member: str = "alice") -> yanmen.Node:
        """Connect as a member."""
        return yanmen.connect("clinic", identity=self.root / member)

    @property
    def place(self) -> tuple[str, int]:
        """Host and port the node listens at."""
        host, _, port = (self.node / "serving.address").read_text(encoding="ascii").strip().rpartition(":")
        return host, int(port)

    def handshake(self, context: ssl.SSLContext, place: tuple[str, int] | None = None) -> str:
        """Shake hands by TLS, read one byte, and return the version agreed; an `OSError` where there is none."""
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        context.set_alpn_protocols(["h2"])
        with (
            socket.create_connection(place or self.place, timeout=10) as plain,
            context.wrap_socket(plain, server_hostname="127.0.0.1") as secure,
        ):
            if not secure.recv(1):
                raise ConnectionResetError("closed")
            return str(secure.version())

    def credentials(self, member: str = "alice") -> ssl.SSLContext:
        """Return a context with a member's certificate."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        folder = self.root / member
        context.load_cert_chain(folder / "tls.crt", folder / "tls.key")
        return context
