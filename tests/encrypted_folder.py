"""A folder that the kernel really encrypts: ext4 with fscrypt on a loop device, where this host lets us make one."""

import ctypes
import fcntl
import os
import struct
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

# linux/fscrypt.h
FS_IOC_ADD_ENCRYPTION_KEY = 0xC0506617
FS_IOC_SET_ENCRYPTION_POLICY = 0x800C6613
KEY_BY_IDENTIFIER = 2
AES_256_XTS, AES_256_CTS, PAD_32 = 1, 4, 3
IMAGE_BYTES = 64 << 20


class NoneHere(Exception):
    """This host, or this account, cannot make one."""


@contextmanager
def encrypted_folder(place: Path) -> Iterator[tuple[Path, Path]]:
    """Yield the folder and the image in which its bytes lie; both are gone afterwards."""
    image, mounted = place / "volume.img", place / "volume"
    mounted.mkdir()
    with image.open("wb") as file:
        file.truncate(IMAGE_BYTES)
    _run("mkfs.ext4", "-q", "-O", "encrypt", "-b", "4096", str(image))
    _run("mount", "-o", "loop", str(image), str(mounted))
    try:
        folder = mounted / "clear"
        folder.mkdir(mode=0o700)
        _encrypt(mounted, folder)
        yield folder, image
    finally:
        _run("umount", str(mounted))
        image.unlink()


def _run(*words: str) -> None:
    try:
        done = subprocess.run(words, capture_output=True, text=True, check=False, timeout=60)
    except OSError as error:
        raise NoneHere(f"{words[0]}: {error}") from error
    if done.returncode != 0:
        raise NoneHere(f"{words[0]}: {done.stderr.strip()}")


def _encrypt(volume: Path, folder: Path) -> None:
    """Add a fresh key to the volume and make it the folder's."""
    key = os.urandom(64)
    # struct fscrypt_add_key_arg: the kind of name, the name it gets, the key's length and the key.
    asked = ctypes.create_string_buffer(
        struct.pack("=II32sI32x", KEY_BY_IDENTIFIER, 0, b"", len(key)) + b"\0" * 4 + key
    )
    fd = os.open(volume, os.O_RDONLY)
    try:
        fcntl.ioctl(fd, FS_IOC_ADD_ENCRYPTION_KEY, asked)
    except OSError as error:
        raise NoneHere(f"fscrypt: {error.strerror}") from error
    finally:
        os.close(fd)
    policy = struct.pack("=BBBB4x16s", 2, AES_256_XTS, AES_256_CTS, PAD_32, asked.raw[8:24])
    fd = os.open(folder, os.O_RDONLY)
    try:
        fcntl.ioctl(fd, FS_IOC_SET_ENCRYPTION_POLICY, policy)
    finally:
        os.close(fd)
