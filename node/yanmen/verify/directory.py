"""Reads a bundle's files as hostile: regular files only, none larger than its format allows."""

import os
import stat
from pathlib import Path

from yanmen.formats import bundle
from yanmen.formats.malformed import Malformed


class Missing(Exception):
    """There is no such file."""


class Unreadable(Exception):
    """It is no regular file, it is too large, or the system will not read it."""


def read(root: Path, name: str, max_bytes: int) -> bytes:
    """Return the content of the file `name` of the bundle in `root`."""
    try:
        fd = os.open(f"{root}/{name}", os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        try:
            state = os.fstat(fd)
            if not stat.S_ISREG(state.st_mode) or state.st_size > max_bytes:
                raise Unreadable(name)
            data = _all(fd, state.st_size)
        finally:
            os.close(fd)
    except FileNotFoundError as error:
        raise Missing(name) from error
    except OSError as error:
        raise Unreadable(name) from error
    if len(data) > max_bytes:
        raise Unreadable(name)
    return data


def _all(fd: int, size: int) -> bytes:
    """Return what the file holds up to one byte more than its `size`: a file that grows meanwhile is too long."""
    data = os.read(fd, size + 1)
    if len(data) == size:
        return data
    found = [data]
    while data := os.read(fd, size + 1 - sum(map(len, found)) or 1):
        found.append(data)
        if sum(map(len, found)) > size:
            break
    return b"".join(found)


def unknown(root: Path, size: int) -> tuple[str, ...]:
    """Return the names in `root` that no bundle of `size` leaves has."""
    named = {bundle.STATEMENT, bundle.CHECKPOINT, bundle.LOG_KEY, bundle.SPACE_KEY, bundle.REGISTER, bundle.LEAF_LINES}
    named |= {bundle.COSIGNED, bundle.ANCHORS}
    found = [name for name in _names(root) if name not in named | {bundle.LEAVES, bundle.RECEIPTS, bundle.TIMESTAMPS}]
    leaves = {bundle.leaf_name(index) for index in range(size)}
    receipts = {function(index) for index in range(size) for function in (bundle.receipt_name, bundle.proof_name)}
    found.extend(f"{bundle.TIMESTAMPS}/{name}" for name in _names(root / bundle.TIMESTAMPS) if _stamp_of(name) is None)
    for folder, expected in ((bundle.LEAVES, leaves), (bundle.RECEIPTS, receipts)):
        found.extend(name for name in (f"{folder}/{item}" for item in _names(root / folder)) if name not in expected)
    return tuple(sorted(found))


def stamped(root: Path) -> frozenset[int]:
    """Return the sizes of the heads that have a time stamp, or half of one."""
    found = (_stamp_of(name) for name in _names(root / bundle.TIMESTAMPS))
    return frozenset(size for size in found if size is not None)


def _stamp_of(name: str) -> int | None:
    try:
        return bundle.stamped_size(name)
    except Malformed:
        return None


def _names(folder: Path) -> list[str]:
    try:
        return [entry.name for entry in folder.iterdir()]
    except OSError:
        return []
