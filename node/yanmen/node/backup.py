"""A node's folder copied while it serves, and put back: a copy that is older than what was witnessed never serves.

backup.json   whose copy it is, up to which head of the log, every file by length and digest; written last
"""

import hashlib
import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from yanmen import enrolment, regular_file
from yanmen.crypto import keys, passphrases
from yanmen.formats import backup, checkpoint, note
from yanmen.formats.backup import Backup, File
from yanmen.formats.checkpoint import Checkpoint
from yanmen.formats.malformed import Malformed
from yanmen.ledger import opening
from yanmen.ledger.ledger import Ledger
from yanmen.ledger.place import Database, Place
from yanmen.model.ports import Randomness
from yanmen.model.receipt import Receipt, Stage
from yanmen.model.refusal import Fault, FaultCode
from yanmen.node.holder import CONFIG, LEDGER, Holder, ledger_place, open_holder, read_config
from yanmen.witness import standing

MANIFEST = "backup.json"
KEYS = (enrolment.TLS_KEY, enrolment.SIGNING_KEY, enrolment.LOG_KEY, enrolment.SEAL_KEY)
PAPERS = (
    CONFIG,
    enrolment.TLS_CERTIFICATE,
    enrolment.AUTHORITY,
    enrolment.GRANT,
    enrolment.APPLICATION,
    "policies/*.cedar",
    "policies/tests/*.toml",
    "catalogue/*.jws",
)
"""What is copied as it stands, beside the ledger and the ledgers of closed logs."""
LEDGER_STEM = LEDGER.removesuffix(".sqlite")
_LEDGERS = re.compile(r"ledger(?:-([0-9]{4}(?:-[0-9]{1,2})?))?\.sqlite", re.ASCII)
"""The ledger, and closed ones; a database has them as schemas."""
_CHUNK = 1 << 20


@dataclass(frozen=True, slots=True)
class Extent:
    """What a backup holds beyond configuration and books: keys sealed under a passphrase, sealed snapshots."""

    passphrase: str = ""
    snapshots: bool = False


@dataclass(frozen=True, slots=True)
class Unwitnessed:
    """Who puts back a copy of a log that no witness watches, and why; both stand in the log."""

    by: str
    text: str


@dataclass(frozen=True, slots=True)
class Restored:
    """What was put back: the head, and the leaf that says so, where no witness watched."""

    head: Checkpoint
    incident: Receipt | None


def save(directory: Path, into: Path, extent: Extent, randomness: Randomness) -> Backup:
    """Copy the node in `directory`, which may serve meanwhile, into the new folder `into`; it appears whole or not."""
    with open_holder(directory) as holder, _appearing(into) as partial:
        place = ledger_place(directory, holder.config)
        head = holder.ledger.copy(partial / LEDGER)
        if isinstance(place, Database):
            opening.copied(place, partial, LEDGER_STEM)
        for path in _papers(directory):
            _copy(path, partial / path.relative_to(directory))
        if extent.snapshots:
            for version in holder.ledger.current_versions():
                _copy(directory / version.path, partial / version.path)
                _check_snapshot(partial / version.path, version.version)
        if extent.passphrase:
            _seal_keys(directory, partial, extent.passphrase, randomness)
            _require_current(directory, place)
        files = {str(path.relative_to(partial)): _measured(path) for path in _everything(partial)}
        made = Backup(holder.config.id, head, holder.clock.now_ms(), files)
        _write(partial / MANIFEST, backup.encode(made))
        return made


def restore(source: Path, directory: Path, unwitnessed: Unwitnessed | None = None) -> Restored:
    """Put the backup in `source` into `directory`, which has no ledger, and hold it to what witnesses saw.

    Raises Fault(LOG_BEHIND) when they saw more: the folder is there then, and does not serve. A log that no witness
    watches is put back only with `unwitnessed`, and begins by saying so.
    """
    made = _checked(source)
    config = read_config(source)
    place = ledger_place(directory, config)
    if (directory / LEDGER).exists() or Ledger.is_there(place):
        raise Fault(FaultCode.CONFIG, f"{directory} has a ledger: a copy never takes its place")
    there = [name for name in made.files if (directory / name).exists()]
    if there:
        raise Fault(FaultCode.CONFIG, f"{directory} has {', '.join(there)} already: restore into an empty folder")
    watched = bool(config.witnesses)
    if not watched and unwitnessed is None:
        note_ = "no witness watches this log, so nobody can say whether this copy is the newest: say who takes it on"
        raise Fault(FaultCode.LOG_BEHIND, f"{note_} (--unwitnessed WHY --by PERSON)")
    missing = [name for name in KEYS if name not in made.files and not (directory / name).is_file()]
    if missing:
        raise Fault(FaultCode.KEYS, f"the backup has no keys: put {', '.join(missing)} into {directory} first")
    _require_passphrase(source, made)
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    for name in sorted(made.files, key=lambda each: each == LEDGER):  # the ledger last: without it nothing serves
        if isinstance(place, Database) and (closed := _LEDGERS.fullmatch(name)) is not None:
            opening.restored(source / name, place.beside(closed[1].replace("-", "_")) if closed[1] else place)
        else:
            _copy(source / name, directory / name)
    with open_holder(directory) as holder:
        return _held(holder, made, None if watched else unwitnessed)


def _require_passphrase(source: Path, made: Backup) -> None:
    """Fault before anything is put back unless the backup's sealed keys can be opened."""
    for name in KEYS:
        if name in made.files:
            sealed = regular_file.read(source / name, keys.FILE_BYTES_MAX)
            if passphrases.is_sealed(sealed):
                passphrases.unseal(sealed, keys.passphrase(source / name), source / name)
                return


def _held(holder: Holder, made: Backup, unwitnessed: Unwitnessed | None) -> Restored:
    """Recompute the ledger that was put back and hold it to its manifest and to the witnesses."""
    if holder.config.id != made.node or holder.ledger.checkpoint() != made.head:
        raise Fault(FaultCode.STORAGE, "the ledger is not the one that was copied")
    holder.ledger.check()
    standing.check(holder.ledger, holder.config.witnesses)
    incident = None
    if unwitnessed is not None:
        said = f"restored from a copy of {_head(made).size} leaves, which no witness watched: {unwitnessed.text}"
        incident = holder.ledger.open_case(Stage.INCIDENT, said, unwitnessed.by, "")
    return Restored(_head(made), incident)


def _head(made: Backup) -> Checkpoint:
    return checkpoint.decode(note.decode(made.head.encode()).text)


def _checked(source: Path) -> Backup:
    """Return what `source` says of itself once every file is what it says."""
    try:
        made = backup.decode(regular_file.read(source / MANIFEST, backup.BYTES_MAX))
    except FileNotFoundError as error:
        raise Fault(FaultCode.CONFIG, f"{source} is no whole backup: it has no {MANIFEST}") from error
    except Malformed as error:
        raise Fault(FaultCode.STORAGE, f"{MANIFEST}: {error}") from error
    found = {str(path.relative_to(source)) for path in _everything(source)} - {MANIFEST}
    if found != set(made.files):
        odd = ", ".join(sorted(found ^ set(made.files)))
        raise Fault(FaultCode.STORAGE, f"the backup has other files than it lists: {odd}")
    spoiled = [name for name, file in made.files.items() if _measured(source / name) != file]
    if spoiled or LEDGER not in made.files or CONFIG not in made.files:
        raise Fault(FaultCode.STORAGE, f"the backup is damaged: {', '.join(spoiled) or 'its ledger is missing'}")
    return made


def _papers(directory: Path) -> Iterator[Path]:
    for pattern in (*PAPERS, "ledger-*.sqlite"):
        yield from sorted(path for path in directory.glob(pattern) if path.is_file())


def _seal_keys(directory: Path, partial: Path, passphrase: str, randomness: Randomness) -> None:
    """Write the keys sealed."""
    for name in KEYS:
        _write(partial / name, passphrases.seal(keys.read_secret(directory / name), passphrase, randomness))


def _require_current(directory: Path, place: Place) -> None:
    """The keys must be those of the copied ledger: an exchange may have come between."""
    held = tuple(keys.load(directory / name).public for name in (enrolment.SIGNING_KEY, enrolment.LOG_KEY))
    if held != Ledger.keys_in_use(place):
        raise Fault(FaultCode.KEYS, "keys are being exchanged; finish that, then copy again")


def _check_snapshot(path: Path, version: str) -> None:
    if f"v1-{_measured(path).sha256}" != version:
        raise Fault(FaultCode.SNAPSHOT_ALTERED, f"{version}: another file stands in its place")


def _everything(folder: Path) -> list[Path]:
    found = sorted(path for path in folder.rglob("*") if not path.is_dir() or path.is_symlink())
    odd = [path.name for path in found if path.is_symlink() or not path.is_file()]
    if odd:
        raise Fault(FaultCode.STORAGE, f"a backup has plain files only: {', '.join(odd)}")
    return found


def _measured(path: Path) -> File:
    digest, size = hashlib.sha256(), 0
    with regular_file.opened(path) as file:
        while block := file.read(_CHUNK):
            digest.update(block)
            size += len(block)
    return File(size, digest.hexdigest())


def _copy(source: Path, target: Path) -> None:
    target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with regular_file.opened(source) as file, _created(target) as copy:
        shutil.copyfileobj(file, copy, _CHUNK)


def _write(target: Path, content: bytes) -> None:
    with _created(target) as file:
        file.write(content)


@contextmanager
def _created(path: Path) -> Iterator[BinaryIO]:
    """Give a new file that only its owner reads; it is durable when the block ends."""
    fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    with os.fdopen(fd, "wb") as file:
        yield file
        file.flush()
        os.fsync(file.fileno())


@contextmanager
def _appearing(directory: Path) -> Iterator[Path]:
    """Give a hidden folder beside `directory` that gets its name when the block ends well."""
    if directory.exists():
        raise Fault(FaultCode.CONFIG, f"{directory} is there already: a backup is a new folder")
    partial = directory.with_name(f".{directory.name}.partial-{os.getpid()}")
    partial.mkdir(mode=0o700, parents=True)
    try:
        yield partial
        partial.rename(directory)
    except BaseException:
        shutil.rmtree(partial, ignore_errors=True)
        raise
