"""Reads a bundle's files as hostile: regular files only, none larger than its format allows."""

import os
import stat
from pathlib import Path

from yanmen.formats import bundle
from yanmen.formats.malformed import Malformed

_FLAGS = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


class Missing(Exception):
    """There is no such file."""


class Unreadable(Exception):
    """It is no regular file, it is too large, or the system will not read it."""


def read(root: Path | str, name: str, max_bytes: int) -> bytes:
    """Return the content of the file `name` of the bundle in `root`."""
    try:
        fd = os.open(f"{root}/{name}", _FLAGS)
        try:
            state = os.fstat(fd)
            size = state.st_size
            if not stat.S_ISREG(state.st_mode) or size > max_bytes:
                raise Unreadable(name)
            data = os.read(fd, size + 1)
            if len(data) != size:
                data = _rest(fd, data, size)
        finally:
            os.close(fd)
    except FileNotFoundError as error:
        raise Missing(name) from error
    except OSError as error:
        raise Unreadable(name) from error
    if len(data) > max_bytes:
        raise Unreadable(name)
    return data


def _rest(fd: int, data: bytes, size: int) -> bytes:
    """Return `data` with what follows up to one byte more than `size`: a file that grows meanwhile is too long."""
    while len(data) <= size and (more := os.read(fd, size + 1 - len(data))):
        data += more
    return data


def unknown(root: Path, size: int, *, whole: bool = False) -> tuple[str, ...]:
    """Return the names in `root` that no bundle of `size` leaves has; `whole` = every file of every leaf was there."""
    named = {bundle.STATEMENT, bundle.CHECKPOINT, bundle.LOG_KEY, bundle.SPACE_KEY, bundle.REGISTER, bundle.LEAF_LINES}
    named |= {bundle.COSIGNED, bundle.ANCHORS}
    found = [name for name in _names(root) if name not in named | {bundle.LEAVES, bundle.RECEIPTS, bundle.TIMESTAMPS}]
    found.extend(f"{bundle.TIMESTAMPS}/{name}" for name in _names(root / bundle.TIMESTAMPS) if _stamp_of(name) is None)
    for folder, files in ((bundle.LEAVES, size), (bundle.RECEIPTS, 2 * size)):
        names = _names(root / folder)
        if not whole or len(names) != files:
            found.extend(f"{folder}/{name}" for name in set(names).difference(bundle.listed(folder, size)))
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
        return os.listdir(folder)  # noqa: PTH208 - a path for each of some million names is what takes the time
    except OSError:
        return []
