"""A time stamp authority made and run with `openssl ts`: a root, a certificate for stamps alone, and a small server."""

import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

from typing_extensions import override

CONFIG = """
[req]
distinguished_name = dn
[dn]
[root]
basicConstraints = critical,CA:TRUE
keyUsage = critical,keyCertSign
[stamps]
basicConstraints = critical,CA:FALSE
keyUsage = critical,digitalSignature
extendedKeyUsage = critical,timeStamping
[other]
basicConstraints = critical,CA:FALSE
keyUsage = critical,digitalSignature
extendedKeyUsage = critical,clientAuth
[tsa]
default_tsa = one
[one]
serial = {0}/serial
signer_cert = {0}/tsa.pem
signer_key = {0}/tsa.key
signer_digest = sha256
default_policy = 1.2.3.4.1
digests = sha256
accuracy = secs:1
ordering = yes
tsa_name = no
ess_cert_id_chain = no
ess_cert_id_alg = sha256
"""


@dataclass(frozen=True)
class Authority:
    """Its folder."""

    folder: Path

    @classmethod
    def make(cls, folder: Path, kind: str = "stamps") -> "Authority":
        """Make root and certificate in the new `folder`."""
        folder.mkdir()
        (folder / "tsa.cnf").write_text(CONFIG.format(folder))
        (folder / "serial").write_text("01\n")
        made = cls(folder)
        new = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-config", "tsa.cnf")
        made.openssl(
            "req", "-x509", *new, "-keyout", "ca.key", "-out", "ca.pem", "-subj", "/CN=root", "-extensions", "root"
        )
        made.openssl("req", "-new", *new, "-keyout", "tsa.key", "-out", "tsa.csr", "-subj", "/CN=stamps")
        signed = ("-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-extfile", "tsa.cnf", "-extensions", kind)
        made.openssl("x509", "-req", "-in", "tsa.csr", *signed, "-out", "tsa.pem")
        return made

    @property
    def root(self) -> Path:
        """The root certificate."""
        return self.folder / "ca.pem"

    def openssl(self, *words: str | Path) -> str:
        """Run openssl in the folder; it must succeed."""
        done = subprocess.run(
            ["openssl", *words], cwd=self.folder, capture_output=True, text=True, check=False, timeout=60
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    def reply(self, request: bytes) -> bytes:
        """Answer a request, as `openssl ts -reply` does."""
        (self.folder / "q.tsq").write_bytes(request)
        self.openssl("ts", "-reply", "-queryfile", "q.tsq", "-out", "r.tsr", "-config", "tsa.cnf")
        return (self.folder / "r.tsr").read_bytes()

    def verifies(self, token: Path, data: Path) -> bool:
        """Say whether `openssl ts -verify` takes the stamp over the file `data`."""
        words: list[str | Path] = ["openssl", "ts", "-verify", "-data", data, "-in", token, "-CAfile", self.root]
        return subprocess.run(words, capture_output=True, check=False, timeout=60).returncode == 0


class _Handler(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        """Answer a request, as the server's attributes say."""
        server = self.server
        assert isinstance(server, Desk)
        body = server.answer(self.rfile.read(int(self.headers["Content-Length"])))
        self.send_response(server.status)
        self.send_header("Content-Type", server.kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    @override
    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


class Desk(ThreadingHTTPServer):
    """The authority on a port, or somebody in its place."""

    def __init__(self, authority: Authority) -> None:
        """Take a free port."""
        super().__init__(("127.0.0.1", 0), _Handler)
        self.answer: Callable[[bytes], bytes] = authority.reply
        self.status = 200
        self.kind = "application/timestamp-reply"

    @property
    def url(self) -> str:
        """Where it is asked."""
        return f"http://127.0.0.1:{self.server_address[1]}/stamp"


@contextmanager
def served(authority: Authority) -> Iterator[Desk]:
    """Serve it."""
    with Desk(authority) as desk:
        thread = Thread(target=desk.serve_forever, daemon=True)
        thread.start()
        yield desk
        desk.shutdown()
        thread.join()
