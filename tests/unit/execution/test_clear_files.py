"""Snapshots too large for memory lie nameless on a verified volume, whole or not at all, and nobody writes them."""

import os
import signal
import stat
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from threading import Event

import pytest
from typing_extensions import override
from yanmen.crypto import sealing
from yanmen.crypto.system import SystemRandomness
from yanmen.execution.clear_files import ClearFiles
from yanmen.execution.snapshot import SnapshotStore
from yanmen.execution.volumes import Host, Volume
from yanmen.model.refusal import Fault, FaultCode

from tests.encrypted_folder import NoneHere, encrypted_folder

KEY = bytes(range(32))
CONTENT = b"canary-" * 400_000  # three chunks


@pytest.fixture
def volume() -> Iterator[Path]:
    """A tmpfs: no disk ever has what is written there."""
    with tempfile.TemporaryDirectory(dir="/dev/shm") as folder:
        yield Path(folder)


@pytest.fixture
def clear(volume: Path) -> ClearFiles:
    return ClearFiles(volume, above_bytes=len(CONTENT) - 1)


@pytest.fixture
def store(tmp_path: Path, clear: ClearFiles) -> SnapshotStore:
    return SnapshotStore(tmp_path, KEY, SystemRandomness(), clear)


def sealed(store: SnapshotStore, content: bytes = CONTENT) -> str:
    with store.clear.empty(len(content)) as file:
        os.write(file.fd, content)
        return store.seal(file.fd).version


def fault(store: SnapshotStore, version: str) -> Fault:
    with pytest.raises(Fault) as found, store.open(version, Event()):
        pytest.fail("opened")
    return found.value


def where(fd: int) -> str:
    return str(Path(f"/proc/self/fd/{fd}").readlink())


def written(path: Path, change: bytes) -> None:
    path.chmod(0o600)
    path.write_bytes(change)


def test_only_a_large_one_leaves_memory(store: SnapshotStore, volume: Path) -> None:
    for content, place in ((CONTENT, str(volume)), (CONTENT[1:], "/memfd:")):
        with store.open(sealed(store, content), Event()) as fd:
            assert where(fd).startswith(place)
            assert os.pread(fd, len(content) + 1, 0) == content


def test_no_path_leads_to_it(store: SnapshotStore, volume: Path) -> None:
    with store.open(sealed(store), Event()) as fd:
        assert list(volume.iterdir()) == []
        assert os.fstat(fd).st_nlink == 0


def test_nobody_writes_it_any_more(store: SnapshotStore) -> None:
    with store.open(sealed(store), Event()) as fd:
        for attempt in (lambda: os.pwrite(fd, b"x", 0), lambda: os.ftruncate(fd, 0)):
            with pytest.raises(OSError, match=r"Bad file descriptor|Invalid argument"):
                attempt()
        assert stat.S_IMODE(os.fstat(fd).st_mode) == 0o444
        same = os.fstat(fd).st_ino
        mine = [path for path in Path("/proc/self/fd").iterdir() if path.exists() and path.stat().st_ino == same]
        assert [path.name for path in mine] == [str(fd)]  # the descriptor it was written by is closed


def test_it_is_as_long_as_what_was_sealed(store: SnapshotStore, tmp_path: Path) -> None:
    for length in (len(CONTENT), sealing.CHUNK * 3, sealing.CHUNK * 3 + 1):
        version = sealed(store, b"c" * length)
        assert sealing.plain_size((tmp_path / "snapshots" / f"{version}.sealed").stat().st_size) == length
        with store.open(version, Event()) as fd:
            assert os.fstat(fd).st_size == length


@pytest.mark.parametrize("what", ["altered", "cut", "lengthened", "exchanged", "missing", "of another node"])
def test_one_that_is_not_the_one_sealed_stops_before_any_use(
    what: str, store: SnapshotStore, tmp_path: Path, clear: ClearFiles
) -> None:
    version = sealed(store)
    path = tmp_path / "snapshots" / f"{version}.sealed"
    whole = path.read_bytes()
    match what:
        case "altered":
            written(path, whole[:-1] + bytes([whole[-1] ^ 1]))
        case "cut":
            written(path, whole[: -sealing.CHUNK])
        case "lengthened":
            written(path, whole + b"x" * 100)
        case "exchanged":
            written(path, (tmp_path / "snapshots" / f"{sealed(store)}.sealed").read_bytes())
        case "missing":
            path.unlink()
        case _:
            store = SnapshotStore(tmp_path, bytes(32), SystemRandomness(), clear)
    found = fault(store, version)
    assert found.code is FaultCode.SNAPSHOT_ALTERED
    assert "canary" not in str(found)


def test_one_longer_than_any_snapshot_is_not_even_begun(store: SnapshotStore, tmp_path: Path, volume: Path) -> None:
    version = sealed(store)
    short = SnapshotStore(tmp_path, KEY, SystemRandomness(), ClearFiles(volume, 0, largest_bytes=len(CONTENT) - 1))
    assert fault(short, version).code is FaultCode.SNAPSHOT_ALTERED


def test_a_plain_disk_is_refused_and_nothing_is_written_there(tmp_path: Path, store: SnapshotStore) -> None:
    if Host().volume(tmp_path) is not Volume.PLAIN:
        pytest.skip("the temporary directory lies on no plain disk here")
    version = sealed(store)
    (tmp_path / "clear").mkdir(mode=0o700)
    plain = SnapshotStore(tmp_path, KEY, SystemRandomness(), ClearFiles(tmp_path / "clear", 0))
    said = "does not lie on an encrypted volume"
    with pytest.raises(Fault, match=said):
        plain.clear.check()
    with pytest.raises(Fault, match=said):
        plain.clear.empty(1)
    found = fault(plain, version)
    assert found.code is FaultCode.STORAGE
    assert said in found.note
    assert list((tmp_path / "clear").iterdir()) == []


def test_a_folder_that_others_may_enter_is_refused(volume: Path) -> None:
    volume.chmod(0o750)
    with pytest.raises(Fault, match="of this user alone"):
        ClearFiles(volume, 0).check()
    with pytest.raises(Fault, match="No such file"):
        ClearFiles(volume / "absent", 0).check()
    (volume / "file").touch(mode=0o600)
    with pytest.raises(Fault, match="not a folder"):
        ClearFiles(volume / "file", 0).check()


def test_a_volume_without_room_is_a_full_disk_before_any_use(clear: ClearFiles) -> None:
    assert clear.folder is not None
    whole = os.statvfs(clear.folder)
    with clear.empty(len(CONTENT)) as file, pytest.raises(Fault) as found:
        file.reserve((whole.f_blocks + 1) * whole.f_frsize)
    assert found.value.code is FaultCode.STORAGE_FULL


def test_a_volume_that_is_gone_from_under_its_folder_is_noticed(tmp_path: Path, clear: ClearFiles) -> None:
    """The file that was opened counts, not what the path says."""

    class Moved(Host):
        @override
        def volume_of(self, fd: int) -> Volume:
            return Volume.PLAIN

    with pytest.raises(Fault, match="nothing was written"):
        replace(clear, host=Moved()).empty(len(CONTENT))


NODE = """
import os, sys
from pathlib import Path
from threading import Event
from yanmen.crypto.system import SystemRandomness
from yanmen.execution.clear_files import ClearFiles
from yanmen.execution.snapshot import SnapshotStore
store = SnapshotStore(Path(sys.argv[1]), bytes(range(32)), SystemRandomness(), ClearFiles(Path(sys.argv[2]), 0))
with store.open(sys.argv[3], Event()) as fd:
    print("open", flush=True)
    sys.stdin.read()
"""


def test_a_killed_node_leaves_nothing_of_it(store: SnapshotStore, tmp_path: Path, volume: Path) -> None:
    command = [sys.executable, "-c", NODE, str(tmp_path), str(volume), sealed(store)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as node:
        assert node.stdout is not None
        assert node.stdout.readline() == "open\n"
        assert list(volume.iterdir()) == []
        node.send_signal(signal.SIGKILL)
    assert list(volume.iterdir()) == []


def test_on_a_volume_that_the_kernel_encrypts_no_disk_has_the_rows(tmp_path: Path) -> None:
    """Ext4 with fscrypt on a loop device: what lies on the disk below is read while the snapshot is open."""
    try:
        with encrypted_folder(tmp_path) as (folder, image):
            assert ClearFiles(folder, 0).check() is Volume.ENCRYPTED
            store = SnapshotStore(tmp_path, KEY, SystemRandomness(), ClearFiles(folder, 0))
            with store.open(sealed(store), Event()) as fd:
                os.sync()
                assert os.pread(fd, 7, len(CONTENT) - 7) == b"canary-"
                assert b"canary-" not in image.read_bytes()
                beside = folder.parent / "beside"
                beside.write_bytes(CONTENT)
                os.sync()
                assert b"canary-" in image.read_bytes()  # so it would have been seen
            with pytest.raises(Fault, match="does not lie on an encrypted volume"):
                ClearFiles(_private(folder.parent / "plain"), 0).check()
    except NoneHere as error:
        pytest.skip(f"no encrypted folder can be made here: {error}")


def _private(folder: Path) -> Path:
    folder.mkdir(mode=0o700)
    return folder
