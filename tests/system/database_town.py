"""A department whose ledger is in a PostgreSQL server, with as many replicas as a test starts."""

import os
import shutil
import signal
import subprocess
import sys
from dataclasses import dataclass, field, replace
from pathlib import Path

from typing_extensions import override
from yanmen.client import Identity, Node
from yanmen.crypto.system import SystemClock, SystemRandomness
from yanmen.formats import config as config_format

from tests.patience import LONG_S, wait_until
from tests.ports import free_port
from tests.postgresql_server import PostgresqlServer
from tests.system.town import Town, done


@dataclass
class DatabaseTown(Town):
    """A town whose node was accepted with its ledger in `server`."""

    server: PostgresqlServer | None = None
    database: str = "postgres"
    replicas: dict[str, "subprocess.Popen[bytes]"] = field(default_factory=dict)

    @override
    def admit(self, folder: Path, kind: str, *more: str) -> None:
        """Let the space certify what stands in `folder`; the node's ledger is begun in the server."""
        if kind != "node":
            super().admit(folder, kind, *more)
            return
        assert self.server is not None
        connection = folder / "ledger.conn"
        connection.write_text(self.server.connection(database=self.database))
        connection.chmod(0o600)
        grant = done("space", "sign", self.space, folder / "application.jws")["grant"]
        where = ("--register", self.space / "register.jws", "--ledger", connection)
        done("node", "accept", folder, grant, *where)

    def folder(self, name: str) -> Path:
        """Return the folder of a replica: the node's own, or a copy of it that listens on a port of its own."""
        folder = self.root / name
        if not folder.exists():
            shutil.copytree(self.node, folder)
            config = config_format.decode((folder / "node.toml").read_bytes())
            changed = replace(config, address=f"127.0.0.1:{free_port()}")
            (folder / "node.toml").write_text(config_format.encode(changed))
        return folder

    def start(self, *names: str) -> None:
        """Start replicas at once and wait until they listen."""
        for name in names:
            folder = self.folder(name)
            (folder / "serving.address").unlink(missing_ok=True)
            words = [sys.executable, "-m", "yanmen.cli.main", "node", "serve", str(folder)]
            with (folder / "serve.log").open("ab") as log:
                self.replicas[name] = subprocess.Popen(words, stdout=log, stderr=log)
        for name in names:
            ready, process = self.folder(name) / "serving.address", self.replicas[name]
            wait_until(lambda ready=ready, process=process: ready.exists() or process.poll() is not None)  # type: ignore[misc]
            assert ready.exists(), (self.folder(name) / "serve.log").read_text(errors="replace")[-2000:]

    def end(self, name: str, number: int = signal.SIGTERM) -> int:
        """Stop a replica by its pid and return its exit code."""
        process = self.replicas.pop(name)
        os.kill(process.pid, number)
        return process.wait(timeout=LONG_S)

    def connected(self, name: str, member: str = "alice") -> Node:
        """Connect a member to one replica, as a proxy would."""
        identity = Identity.load(self.root / member)
        address = config_format.decode((self.folder(name) / "node.toml").read_bytes()).address
        return Node(address, identity.node("clinic"), identity, SystemClock(), SystemRandomness())
