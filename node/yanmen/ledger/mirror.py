"""The log as static tiles for mirrors and auditors: derived files, only ever added to."""

import os
from pathlib import Path

from yanmen import regular_file
from yanmen.crypto import notes
from yanmen.crypto.signatures import BadSignature
from yanmen.formats import checkpoint, note, tiles
from yanmen.formats.malformed import Malformed
from yanmen.formats.note import VerifierKey
from yanmen.formats.tiles import Tile
from yanmen.ledger import key_changes, log, tree
from yanmen.ledger.connection import Connection
from yanmen.model.refusal import Fault, FaultCode

LOG_KEY = "log.vkey"
"""Beside the files of the specification: whose log it is."""


def write(db: Connection, directory: Path, key: VerifierKey, head: str) -> int:
    """Bring the mirror in `directory` up to `head` and return its size.

    Every file appears whole, and `checkpoint` last: whoever reads it finds the tiles it asks for. A
    mirror of another log, or of another history of this one, is left alone.
    """
    directory.mkdir(parents=True, exist_ok=True)
    since = _mirrored(db, directory, key)
    size = checkpoint.decode(note.decode(head.encode()).text).size
    read = tree.reader(db)
    for tile in tiles.of_size(size, since):
        _write(directory / tile.path, tiles.encode_hashes(tile, read))
        if tile.level == 0:
            _write(directory / tile.entries_path, tiles.encode_entries(_entries(db, tile)))
    _write(directory / LOG_KEY, f"{note.encode_key(key)}\n".encode())
    _write(directory / tiles.CHECKPOINT, head.encode())
    return size


def _mirrored(db: Connection, directory: Path, key: VerifierKey) -> int:
    """Return how many leaves of this very log `directory` holds."""
    file = directory / tiles.CHECKPOINT
    if not file.exists():
        return 0
    try:
        signed = note.decode(regular_file.read(file, note.BYTES_MAX))
        public = key_changes.log_key_at(db, checkpoint.decode(signed.text).size)
        old = notes.verify_checkpoint(signed, key.name, public)
    except (Malformed, BadSignature) as error:
        raise Fault(FaultCode.STORAGE, f"{directory.name} mirrors another log") from error
    if old.size > log.size(db):
        raise Fault(FaultCode.LOG_BEHIND, f"{directory.name} has {old.size} leaves, the ledger {log.size(db)}")
    if log.root(db, old.size) != old.root:
        raise Fault(FaultCode.LOG_BEHIND, f"{directory.name} mirrors another history of this log")
    return old.size


def _entries(db: Connection, tile: Tile) -> list[bytes]:
    begin = tile.index * tiles.WIDTH
    rows = db.execute(
        "SELECT jws FROM leaf WHERE position >= ? AND position < ? ORDER BY position", (begin, begin + tile.width)
    ).fetchall()
    return [jws.encode("ascii") for (jws,) in rows]


def _write(path: Path, data: bytes) -> None:
    """Put `data` durably into `path`, which readers see as it was or as it will be."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{path.name}.partial-{os.getpid()}")
    try:
        with partial.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        partial.replace(path)
    except BaseException:
        partial.unlink(missing_ok=True)
        raise
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
