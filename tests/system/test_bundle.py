"""The archive of scripts/bundle installs and runs the demo on a machine that has no network at all."""

import json
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
LOOPBACK_UP = (
    "import fcntl, socket, struct;"
    "fcntl.ioctl(socket.socket(), 0x8914, struct.pack('16sh', b'lo', 0x41))"  # SIOCSIFFLAGS, IFF_UP | IFF_RUNNING
)
NAMESPACES = (["unshare", "--net"], ["unshare", "--map-root-user", "--net"])
NO_WAY_OUT = {
    "PIP_NO_INDEX": "1",
    "HTTP_PROXY": "http://127.0.0.1:9",
    "HTTPS_PROXY": "http://127.0.0.1:9",
    "NO_PROXY": "127.0.0.1,localhost",
}
pytestmark = [
    pytest.mark.timeout(3600),
    pytest.mark.skipif(not (ROOT / ".git").exists(), reason="packs what is committed, and this is not a checkout"),
]


@dataclass(frozen=True)
class Offline:
    """The unpacked archive, and how to run a command there without network."""

    tree: Path
    home: Path
    namespace: list[str]

    def run(self, *command: str) -> subprocess.CompletedProcess[str]:
        """Run `command` in the tree; in a namespace with a loopback of its own, else with every way out closed."""
        environment = {"PATH": os.defpath, "HOME": str(self.home), "LANG": "C.UTF-8", "PYTHON": base_python()}
        # What is used is compiled when it is used; most is not, here. To pip "0" means what `--no-…` says.
        environment["PIP_NO_COMPILE"] = "0"
        if self.namespace:
            script = f'{base_python()} -c "{LOOPBACK_UP}" && exec "$@"'
            command = (*self.namespace, "bash", "-c", script, "bash", *command)
        else:
            environment |= NO_WAY_OUT | {name.lower(): value for name, value in NO_WAY_OUT.items()}
        return subprocess.run(
            command, cwd=self.tree, env=environment, capture_output=True, text=True, check=False, timeout=1200
        )


def base_python() -> str:
    return str(Path(sys.executable).resolve())


def namespace() -> list[str]:
    """Return how this machine lets us cut the network off, or nothing when it does not."""
    for command in NAMESPACES:
        if (
            shutil.which(command[0])
            and subprocess.run([*command, "true"], capture_output=True, check=False).returncode == 0
        ):
            return command
    return []


@pytest.fixture(scope="module")
def offline() -> Iterator[Offline]:
    with tempfile.TemporaryDirectory(prefix="yanmen-bundle-") as where:
        packed = subprocess.run(
            [ROOT / "scripts/bundle", "--output", where], capture_output=True, text=True, check=False, timeout=1200
        )
        assert packed.returncode == 0, packed.stderr
        archive = Path(packed.stdout.strip())
        with tarfile.open(archive) as opened:
            opened.extractall(where, filter="data")
        archive.unlink()
        home = Path(where, "home")
        home.mkdir()
        made = Offline(Path(where, "yanmen"), home, namespace())
        installed = made.run("scripts/setup")
        assert installed.returncode == 0, installed.stderr
        yield made


def test_there_is_no_network_where_we_run(offline: Offline) -> None:
    if not offline.namespace:
        pytest.skip("this machine gives us no network namespace; every proxy and index is closed instead")
    devices = offline.run("cat", "/proc/net/dev").stdout.splitlines()[2:]
    assert [line.split(":")[0].strip() for line in devices] == ["lo"]


def test_it_installs_what_the_lock_names_and_the_project(offline: Offline) -> None:
    assert offline.run(".venv/bin/pip", "check").returncode == 0
    shown = offline.run(".venv/bin/yanmen", "--help")
    assert shown.returncode == 0, shown.stderr
    again = offline.run("scripts/setup")
    assert (again.returncode, again.stdout, again.stderr) == (0, "", "")


def test_the_demo_runs_there(offline: Offline) -> None:
    shown = offline.run("scripts/demo", "--json")
    assert shown.returncode == 0, (shown.stdout + shown.stderr)[-4000:]
    assert isinstance(json.loads(shown.stdout), dict)
