"""A real PostgreSQL server of a test's own: in a folder of its own, on a socket in it, ended by its own pid."""

import ctypes
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from adbc_driver_manager import AdbcConnection, AdbcDatabase, AdbcStatement
from adbc_driver_postgresql import _driver_path

from tests.patience import LONG_S

INSTALLED = Path("/usr/lib/postgresql")
OWNER, PASSWORD = "owner", "a password of the tests"
ROOM_BYTES = 1 << 30
ACCOUNTS = ("postgres", "nobody")
"""PostgreSQL refuses to run as root; a root test takes the first account there is."""


@dataclass(frozen=True)
class PostgresqlServer:
    """A running server; `folder` holds its socket, and is readable to the test."""

    folder: Path
    process: subprocess.Popen[bytes]

    def connection(self, user: str = OWNER, password: str = PASSWORD, database: str = "postgres") -> str:
        """Return a libpq connection string."""
        return f"host={self.folder} user={user} password='{password}' dbname={database}"

    def run(self, *statements: str) -> None:
        """Run `statements` as the owner."""
        with AdbcDatabase(driver=_driver_path(), uri=self.connection()) as database, AdbcConnection(database) as link:
            for sql in statements:
                with AdbcStatement(link) as statement:
                    statement.set_sql_query(sql)
                    statement.execute_update()


def programs() -> Path:
    """Return the folder of the newest installed server; otherwise skip aloud, or fail when SANDBOX_MUST_WORK=1."""
    found = sorted(INSTALLED.glob("*/bin/postgres"), key=lambda path: int(path.parts[-3]))
    if found:
        return found[-1].parent
    missing = "no PostgreSQL server is installed: run scripts/postgresql as root"
    if os.environ.get("SANDBOX_MUST_WORK") == "1":
        pytest.fail(missing)
    pytest.skip(missing)


@contextmanager
def served(settings: Mapping[str, str] | None = None) -> Iterator[PostgresqlServer]:
    """Give a fresh server; nothing is left of it."""
    where, account = programs(), _account()
    folder = Path(tempfile.mkdtemp(prefix="yanmen-pg-", dir=_roomy()))  # short: a socket's path has an end
    folder.chmod(0o755)
    try:
        if account is not None:
            os.chown(folder, account.pw_uid, account.pw_gid)
        yield from _running(folder, where, account, {**USUAL, **(settings or {})})
    finally:
        shutil.rmtree(folder, ignore_errors=True)


USUAL = {
    "listen_addresses": "",
    "fsync": "off",
    "shared_buffers": "16MB",
    "max_connections": "60",
    "autovacuum": "off",
    "log_min_messages": "panic",
    "log_min_error_statement": "panic",
}


def _roomy() -> str:
    """Return where a server is fastest: in memory, where there is room for one."""
    memory = Path("/dev/shm")
    return str(memory) if memory.is_dir() and shutil.disk_usage(memory).free > ROOM_BYTES else "/tmp"


def _account() -> pwd.struct_passwd | None:
    if os.getuid() != 0:
        return None
    known = {entry.pw_name: entry for entry in pwd.getpwall()}
    return next(known[name] for name in ACCOUNTS if name in known)


def _running(
    folder: Path, where: Path, account: pwd.struct_passwd | None, settings: Mapping[str, str]
) -> Iterator[PostgresqlServer]:
    secret = folder / "password"
    secret.write_text(PASSWORD)
    secret.chmod(0o644)
    words = ["-A", "scram-sha-256", "-U", OWNER, "--pwfile", str(secret), "-E", "UTF8", "--no-locale", "--no-sync"]
    options = [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]
    made = _started(account, folder, where / "initdb", "-D", folder / "data", *words)
    assert made.wait() == 0, (folder / "log").read_text()
    process = _started(account, folder, where / "postgres", "-D", folder / "data", "-k", folder, *options)
    try:
        until = time.monotonic() + LONG_S
        while not (folder / ".s.PGSQL.5432").exists() or "ready" not in _status(folder):
            assert process.poll() is None, (folder / "log").read_text()
            assert time.monotonic() < until, "the server does not start"
            time.sleep(0.05)
        yield PostgresqlServer(folder, process)
    finally:
        process.terminate()
        process.wait()


def _started(account: pwd.struct_passwd | None, folder: Path, *command: str | Path) -> subprocess.Popen[bytes]:
    user, group = (None, None) if account is None else (account.pw_uid, account.pw_gid)
    groups = None if account is None else list[int]()
    with (folder / "log").open("ab") as log:
        return subprocess.Popen(
            command,
            stdout=log,
            stderr=log,
            cwd="/",
            user=user,
            group=group,
            extra_groups=groups,
            start_new_session=True,
            preexec_fn=_die_with_the_test,
        )


def _die_with_the_test() -> None:
    """Have the kernel stop the server (a fast shutdown) when the test's process is killed."""
    ctypes.CDLL(None).prctl(1, signal.SIGINT)  # PR_SET_PDEATHSIG


def _status(folder: Path) -> str:
    """Return what the server says of itself in the last line of its pid file."""
    try:
        return (folder / "data" / "postmaster.pid").read_text().splitlines()[-1]
    except (OSError, IndexError):
        return ""
