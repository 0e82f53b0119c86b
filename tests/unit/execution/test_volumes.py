"""A folder's volume as the kernel tells it; a kind nobody knows is a plain one.

This host has no dm-crypt: what the kernel would say of one is written here after cryptsetup on another.
"""

from pathlib import Path

import pytest
from yanmen.execution.volumes import Host, Volume, require_encrypted
from yanmen.model.refusal import Fault, FaultCode

LUKS = "CRYPT-LUKS2-8d2c3a0f5f0e4b0f9d0a-data"


class Fake:
    """A host whose /proc and /sys say what a test wants."""

    def __init__(self, root: Path) -> None:
        self.data = root / "data"
        self.data.mkdir()
        self._root = root
        (root / "proc" / "self").mkdir(parents=True)
        (root / "sys" / "dev" / "block").mkdir(parents=True)
        self.swaps()
        self.mounted("8:1", "ext4", "/dev/sda1")

    @property
    def host(self) -> Host:
        return Host(self._root / "proc", self._root / "sys")

    def mounted(self, device: str, kind: str, source: str) -> None:
        point = str(self.data).replace(" ", "\\040")
        lines = ("20 1 8:0 / / rw - ext4 /dev/root rw", f"30 20 {device} / {point} rw shared:1 - {kind} {source} rw")
        (self._root / "proc" / "self" / "mountinfo").write_text("\n".join(lines) + "\n")

    def device(self, number: str, uuid: str = "", on: tuple[str, ...] = ()) -> None:
        entry = self._root / "sys" / "dev" / "block" / number
        for index, below in enumerate(on):
            (entry / "slaves" / f"d{index}").mkdir(parents=True)
            (entry / "slaves" / f"d{index}" / "dev").write_text(below + "\n")
        if uuid:
            (entry / "dm").mkdir(parents=True)
            (entry / "dm" / "uuid").write_text(uuid + "\n")

    def swaps(self, *lines: str) -> None:
        head = "Filename\t\t\tType\t\tSize\tUsed\tPriority"
        (self._root / "proc" / "swaps").write_text("\n".join((head, *lines)) + "\n")


@pytest.fixture(params=["plain", "with space"])
def fake(request: pytest.FixtureRequest, tmp_path: Path) -> Fake:
    root = tmp_path / str(request.param)
    root.mkdir()
    return Fake(root)


def test_a_disk_is_plain(fake: Fake) -> None:
    fake.device("8:1")
    assert fake.host.volume(fake.data) is Volume.PLAIN
    assert fake.host.volume(fake.data / "not" / "there" / "yet") is Volume.PLAIN


def test_a_volume_of_cryptsetup_is_encrypted(fake: Fake) -> None:
    fake.mounted("253:0", "ext4", "/dev/mapper/data")
    fake.device("253:0", LUKS)
    assert fake.host.volume(fake.data) is Volume.ENCRYPTED
    require_encrypted(fake.data, fake.host)


def test_what_stands_on_encrypted_volumes_alone_is_encrypted(fake: Fake) -> None:
    fake.mounted("253:2", "xfs", "/dev/mapper/vg-data")
    fake.device("253:2", "LVM-abc", on=("253:0", "253:1"))
    fake.device("253:0", LUKS)
    fake.device("253:1", "CRYPT-PLAIN-b")
    assert fake.host.volume(fake.data) is Volume.ENCRYPTED


@pytest.mark.parametrize(
    ("uuid", "on"),
    [("LVM-abc", ()), ("LVM-abc", ("8:1",)), ("LVM-abc", ("253:0", "8:1")), ("mpath-CRYPT-x", ()), ("", ("253:9",))],
)
def test_a_part_that_is_plain_makes_it_plain(fake: Fake, uuid: str, on: tuple[str, ...]) -> None:
    fake.mounted("253:2", "xfs", "/dev/mapper/vg-data")
    fake.device("253:2", uuid, on=on)
    fake.device("253:0", LUKS)
    fake.device("8:1")
    assert fake.host.volume(fake.data) is Volume.PLAIN


def test_a_device_that_stands_on_itself_ends(fake: Fake) -> None:
    fake.mounted("253:2", "xfs", "/dev/mapper/loop")
    fake.device("253:2", "LVM-abc", on=("253:2",))
    assert fake.host.volume(fake.data) is Volume.PLAIN


@pytest.mark.parametrize(
    ("kind", "expected"),
    [("tmpfs", Volume.MEMORY), ("ecryptfs", Volume.ENCRYPTED), ("nfs4", Volume.PLAIN), ("overlay", Volume.PLAIN)],
)
def test_kinds_without_a_device(fake: Fake, kind: str, expected: Volume) -> None:
    fake.mounted("0:40", kind, "somewhere:/export")
    assert fake.host.volume(fake.data) is expected


def test_a_swap_on_a_plain_disk_is_as_bad_as_a_plain_disk(fake: Fake) -> None:
    fake.mounted("0:40", "tmpfs", "tmpfs")
    require_encrypted(fake.data, fake.host)
    fake.swaps("/dev/null partition 1000 0 -2")  # number 1:3
    with pytest.raises(Fault) as fault:
        require_encrypted(fake.data, fake.host)
    assert fault.value.code is FaultCode.STORAGE
    fake.device("1:3", "CRYPT-PLAIN-swap")
    require_encrypted(fake.data, fake.host)
    assert fake.host.swap() is Volume.ENCRYPTED


def test_this_host_is_understood(tmp_path: Path) -> None:
    assert Host().volume(Path("/dev/shm")) is Volume.MEMORY
    assert Host().volume(tmp_path) in set(Volume)
    assert Host().swap() in set(Volume)


def test_a_plain_volume_is_refused_by_name(fake: Fake) -> None:
    with pytest.raises(Fault) as fault:
        require_encrypted(fake.data, fake.host)
    assert fault.value.code is FaultCode.STORAGE
    assert str(fake.data) in fault.value.note
