"""A real S3-compatible server of a test's own (rclone, which checks signatures), ended by its own pid."""

import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.patience import LONG_S
from tests.ports import free_port

PROGRAM = Path(sys.prefix) / "object-storage/bin/rclone"
ID, SECRET = "AKIDTESTSOFYANMEN", "a+secret/of=the.tests"
BUCKET = "health-bureau"


@dataclass(frozen=True)
class ObjectStore:
    """A running server; `folder` has a bucket's objects as files."""

    folder: Path
    endpoint: str

    def put(self, key: str, data: bytes) -> None:
        """Put an object."""
        path = self.folder / BUCKET / key
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)

    def source(self, at: Path, key: str, *lines: str, secret: str = SECRET) -> Path:
        """Write the file that describes an object, and the keys beside it."""
        said = {"object": f"s3://{BUCKET}/{key}", "endpoint": self.endpoint, "credentials": "store.keys"}
        text = "\n".join(("[object_storage]", *(f'{name} = "{value}"' for name, value in said.items()), *lines, ""))
        path = at / "object.toml"
        path.write_text(text, encoding="utf-8")
        file = at / "store.keys"
        file.write_text(f'access_key_id = "{ID}"\nsecret_access_key = "{secret}"\n', encoding="utf-8")
        file.chmod(0o600)
        return path


@contextmanager
def stored(folder: Path, certificate: Path | None = None, key: Path | None = None) -> Iterator[ObjectStore]:
    """Serve the buckets of `folder` on this host, over TLS with a certificate."""
    if not PROGRAM.exists():
        missing = "no S3-compatible server is installed: run scripts/object-storage"
        if os.environ.get("SANDBOX_MUST_WORK") == "1":
            pytest.fail(missing)
        pytest.skip(missing)
    (folder / BUCKET).mkdir(parents=True)
    port = free_port()
    tls = [] if certificate is None else ["--cert", str(certificate), "--key", str(key)]
    asked = ["serve", "s3", "--auth-key", f"{ID},{SECRET}", "--addr", f"127.0.0.1:{port}", "--vfs-cache-mode", "off"]
    freshly = ["--dir-cache-time", "0s", "--config", "", "--cache-dir", str(folder.parent / "cache"), *tls]
    quiet = {"stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    process = subprocess.Popen([str(PROGRAM), *asked, *freshly, str(folder)], **quiet)  # type: ignore[call-overload]
    scheme = "http" if certificate is None else "https"
    try:
        _await(f"http://127.0.0.1:{port}/", process)
        yield ObjectStore(folder, f"{scheme}://127.0.0.1:{port}")
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(LONG_S)


def _await(url: str, process: "subprocess.Popen[bytes]") -> None:
    """Wait until it answers anything at all."""
    until = time.monotonic() + LONG_S
    while time.monotonic() < until and process.poll() is None:
        try:
            urllib.request.urlopen(url, timeout=1)
        except urllib.error.HTTPError:
            return
        except OSError:
            time.sleep(0.05)
        else:
            return
    pytest.fail("the S3-compatible server does not start")
