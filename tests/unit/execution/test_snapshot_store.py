"""A sealed snapshot opens only as it was sealed, only under its own name, only into closed memory."""

import errno
import fcntl
import os
import stat
from pathlib import Path
from threading import Event

import pytest
from yanmen.crypto.system import SystemRandomness
from yanmen.execution.clear_files import memory_file
from yanmen.execution.snapshot import SnapshotStore
from yanmen.model.ports import Snapshot
from yanmen.model.refusal import Fault, FaultCode, JobCode, JobFailed

KEY = bytes(range(32))
CONTENT = b"canary-" * 400_000  # three chunks


@pytest.fixture
def store(tmp_path: Path) -> SnapshotStore:
    return SnapshotStore(tmp_path, KEY, SystemRandomness())


def sealed(store: SnapshotStore, content: bytes = CONTENT) -> Snapshot:
    with memory_file("test") as file:
        os.write(file.fd, content)
        return store.seal(file.fd)


def fault(store: SnapshotStore, version: str) -> FaultCode:
    with pytest.raises(Fault) as found, store.open(version, Event()):
        pytest.fail("opened")
    assert "canary" not in str(found.value)
    return found.value.code


def test_what_was_sealed_is_opened(store: SnapshotStore, tmp_path: Path) -> None:
    made = sealed(store)
    assert made.plain_bytes == len(CONTENT)
    assert made.path == f"snapshots/{made.version}.sealed"
    with store.open(made.version, Event()) as fd:
        assert os.pread(fd, len(CONTENT) + 1, 0) == CONTENT


def test_the_file_is_private_and_holds_no_plaintext(store: SnapshotStore, tmp_path: Path) -> None:
    path = tmp_path / sealed(store).path
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert b"canary" not in path.read_bytes()
    assert [entry.name for entry in path.parent.iterdir()] == [path.name]


def test_the_version_says_nothing_of_the_content(store: SnapshotStore) -> None:
    assert sealed(store).version != sealed(store).version


def test_opened_memory_cannot_be_written_by_anyone(store: SnapshotStore) -> None:
    with store.open(sealed(store).version, Event()) as fd:
        for attempt in (lambda: os.pwrite(fd, b"x", 0), lambda: os.ftruncate(fd, 0)):
            with pytest.raises(PermissionError):
                attempt()
        with pytest.raises(PermissionError):
            fcntl.fcntl(fd, fcntl.F_ADD_SEALS, 0)
        reopened = os.open(f"/proc/self/fd/{fd}", os.O_RDWR)
        try:
            with pytest.raises(PermissionError):
                os.pwrite(reopened, b"x", 0)
        finally:
            os.close(reopened)


@pytest.mark.parametrize("place", [0, 20, 60, 1 << 20, -1])
def test_an_altered_byte_is_found(store: SnapshotStore, tmp_path: Path, place: int) -> None:
    made = sealed(store)
    path = tmp_path / made.path
    data = bytearray(path.read_bytes())
    data[place] ^= 1
    path.write_bytes(data)
    assert fault(store, made.version) is FaultCode.SNAPSHOT_ALTERED


@pytest.mark.parametrize("length", [0, 10, 48, 64, 48 + (1 << 20) + 16])
def test_a_truncated_file_is_found(store: SnapshotStore, tmp_path: Path, length: int) -> None:
    made = sealed(store)
    os.truncate(tmp_path / made.path, length)
    assert fault(store, made.version) is FaultCode.SNAPSHOT_ALTERED


def test_a_longer_file_is_found(store: SnapshotStore, tmp_path: Path) -> None:
    made = sealed(store)
    with (tmp_path / made.path).open("ab") as file:
        file.write(b"x" * 16)
    assert fault(store, made.version) is FaultCode.SNAPSHOT_ALTERED


def test_another_snapshot_in_its_place_is_found(store: SnapshotStore, tmp_path: Path) -> None:
    """The older version of the same node is authentic, and still not the one that was asked for."""
    older, newer = sealed(store, b"old"), sealed(store, b"new")
    (tmp_path / newer.path).write_bytes((tmp_path / older.path).read_bytes())
    assert fault(store, newer.version) is FaultCode.SNAPSHOT_ALTERED


def test_a_snapshot_of_another_node_is_found(store: SnapshotStore, tmp_path: Path) -> None:
    foreign = SnapshotStore(tmp_path, bytes(32), SystemRandomness())
    assert fault(store, sealed(foreign).version) is FaultCode.SNAPSHOT_ALTERED


def test_a_missing_file_is_found(store: SnapshotStore, tmp_path: Path) -> None:
    made = sealed(store)
    (tmp_path / made.path).unlink()
    assert fault(store, made.version) is FaultCode.SNAPSHOT_ALTERED


@pytest.mark.parametrize("version", ["", "v1-", "../../etc/passwd", "v1-" + "0" * 63 + "/", "v1-" + "A" * 64])
def test_a_version_is_never_a_path(store: SnapshotStore, version: str) -> None:
    assert fault(store, version) is FaultCode.SNAPSHOT_ALTERED


def test_a_full_disk_leaves_nothing(store: SnapshotStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    earlier = sealed(store)

    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, "full")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(Fault) as found:
        sealed(store)
    assert found.value.code is FaultCode.STORAGE_FULL
    assert [entry.name for entry in (tmp_path / "snapshots").iterdir()] == [Path(earlier.path).name]


def test_a_cancel_stops_the_unsealing(store: SnapshotStore) -> None:
    made = sealed(store)
    cancel = Event()
    cancel.set()
    with pytest.raises(JobFailed) as failed, store.open(made.version, cancel):
        pytest.fail("opened")
    assert failed.value.code is JobCode.CANCELLED


def test_memory_is_gone_after_the_block(store: SnapshotStore) -> None:
    with store.open(sealed(store).version, Event()) as fd:
        pass
    with pytest.raises(OSError, match="Bad file descriptor"):
        os.fstat(fd)
