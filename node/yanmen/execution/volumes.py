"""Where a folder lies: on an encrypted volume, in memory, or on a disk that anybody who takes it can read.

What the kernel says of it, without privilege: /proc/self/mountinfo (proc(5)), /sys/dev/block/<number> with
the identity of device-mapper targets (cryptsetup names its volumes CRYPT-…), and fscrypt's policy of a
folder (linux/fscrypt.h). A volume of a kind unknown here counts as not encrypted.
"""

import fcntl
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum, unique
from pathlib import Path

from yanmen.model.refusal import Fault, FaultCode

FS_IOC_GET_ENCRYPTION_POLICY_EX = 0xC0096616
POLICY_BYTES = 32
IN_MEMORY = frozenset({"tmpfs", "ramfs"})
ENCRYPTING = frozenset({"ecryptfs", "fuse.gocryptfs", "fuse.cryfs"})
DEPTH_MAX = 8
"""Volumes on volumes: LVM on LUKS on RAID is three."""

_OCTAL = re.compile(r"\\([0-7]{3})", re.ASCII)


@unique
class Volume(Enum):
    """What protects a folder's bytes from somebody who takes the disk."""

    ENCRYPTED = "encrypted"
    MEMORY = "memory"
    PLAIN = "plain"


@dataclass(frozen=True, slots=True)
class _Mount:
    """One line of mountinfo: its number, the device's, where it is mounted, what it is, from what."""

    number: str
    device: str
    point: Path
    kind: str
    source: str


@dataclass(frozen=True, slots=True)
class Host:
    """The kernel's own files; others only in tests."""

    proc: Path = Path("/proc")
    sys: Path = Path("/sys")

    def volume(self, folder: Path) -> Volume:
        """Return what `folder`, or the nearest parent that exists, lies on."""
        while not folder.exists():
            folder = folder.parent
        return self._kind(self._mount(folder.resolve()), encrypted=_fscrypt(folder))

    def volume_of(self, fd: int) -> Volume:
        """Return what the open file lies on, by the number of its mount, whatever path leads there now."""
        lines = (self.proc / "self" / "fdinfo" / str(fd)).read_text(encoding="ascii").splitlines()
        number = next(line.split()[1] for line in lines if line.startswith("mnt_id:"))
        mount = next((mount for mount in self._mounts() if mount.number == number), None)
        if mount is None:
            raise Fault(FaultCode.STORAGE, "no mount shows an open file")
        return self._kind(mount, encrypted=_has_policy(fd))

    def _kind(self, mount: _Mount, *, encrypted: bool) -> Volume:
        if mount.kind in IN_MEMORY:
            return Volume.MEMORY
        if encrypted or mount.kind in ENCRYPTING or self._encrypted(_device(mount), DEPTH_MAX):
            return Volume.ENCRYPTED
        return Volume.PLAIN

    def swap(self) -> Volume:
        """Return where memory may be written when there is too little: the least protected swap area."""
        found = Volume.MEMORY
        for line in (self.proc / "swaps").read_text(encoding="utf-8").splitlines()[1:]:
            name, kind = line.split()[:2]
            path = Path(_plain(name))
            safe = self._encrypted(_number(path), DEPTH_MAX) if kind == "partition" else self._safe_file(path)
            if not safe:
                return Volume.PLAIN
            found = Volume.ENCRYPTED
        return found

    def _safe_file(self, path: Path) -> bool:
        return self.volume(path) is not Volume.PLAIN

    def _mount(self, folder: Path) -> _Mount:
        """Return the mount that shows `folder`: of the longest mount points above it the last one."""
        best: _Mount | None = None
        for mount in self._mounts():
            if folder.is_relative_to(mount.point) and (best is None or len(mount.point.parts) >= len(best.point.parts)):
                best = mount
        if best is None:
            raise Fault(FaultCode.STORAGE, f"no mount shows {folder}")
        return best

    def _mounts(self) -> Iterator[_Mount]:
        for line in (self.proc / "self" / "mountinfo").read_text(encoding="utf-8").splitlines():
            before, _, after = line.partition(" - ")
            fields, rest = before.split(" "), after.split(" ")
            yield _Mount(fields[0], fields[2], Path(_plain(fields[4])), rest[0], _plain(rest[1]))

    def _encrypted(self, device: str, depth: int) -> bool:
        """Whether the block device, or everything it stands on, is a volume of dm-crypt."""
        if not device or depth == 0:
            return False
        entry = self.sys / "dev" / "block" / device
        try:
            identity = (entry / "dm" / "uuid").read_text(encoding="ascii")
        except (OSError, ValueError):
            identity = ""
        if identity.startswith("CRYPT-"):
            return True
        try:
            below = [(each / "dev").read_text(encoding="ascii").strip() for each in (entry / "slaves").iterdir()]
        except OSError:
            return False
        return bool(below) and all(self._encrypted(each, depth - 1) for each in below)


def require_encrypted(folder: Path, host: Host | None = None) -> None:
    """Raise Fault(STORAGE) unless `folder`, and whatever swap there is, is encrypted or in memory only."""
    host = host if host is not None else Host()
    if host.volume(folder) is Volume.PLAIN:
        raise Fault(FaultCode.STORAGE, f"node.toml asks for an encrypted volume; {folder} lies on a plain one")
    if host.swap() is Volume.PLAIN:
        raise Fault(FaultCode.STORAGE, "node.toml asks for an encrypted volume; this host swaps to a plain one")


def _device(mount: _Mount) -> str:
    """Return the block device's number; file systems of several devices have one of their own, and name one."""
    if not mount.device.startswith("0:"):
        return mount.device
    return _number(Path(mount.source)) if mount.source.startswith("/dev/") else ""


def _number(path: Path) -> str:
    try:
        number = path.stat().st_rdev
    except OSError:
        return ""
    return f"{os.major(number)}:{os.minor(number)}"


def _fscrypt(folder: Path) -> bool:
    """Whether the kernel encrypts this folder's files by itself (ext4, f2fs, ubifs, ceph)."""
    try:
        fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        return _has_policy(fd)
    finally:
        os.close(fd)


def _has_policy(fd: int) -> bool:
    policy = (POLICY_BYTES - 8).to_bytes(8, "little") + bytes(POLICY_BYTES - 8)
    try:
        fcntl.ioctl(fd, FS_IOC_GET_ENCRYPTION_POLICY_EX, policy)
    except OSError:
        return False
    return True


def _plain(text: str) -> str:
    """Undo the octal escapes of spaces and the like."""
    return _OCTAL.sub(lambda match: chr(int(match[1], 8)), text)
