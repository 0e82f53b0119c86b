"""A ledger moved from the node's folder into a database: the same log, held to itself there before it counts.

closed logs -> their schemas -> ledger.sqlite -> its schema -> recomputed -> node.toml -> the files put aside

Until node.toml names the database the file is the ledger, whatever a crash left in the database: the same command
goes on from there. After that the database is, and the files have another name.
"""

import os
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory

from yanmen import regular_file
from yanmen.crypto import keys
from yanmen.enrolment import LOG_KEY
from yanmen.formats import checkpoint, note, toml_lines
from yanmen.formats import config as config_format
from yanmen.formats.spec_draft import quote
from yanmen.ledger import opening
from yanmen.ledger.genesis import Keeper
from yanmen.ledger.ledger import Ledger
from yanmen.ledger.place import Database, database
from yanmen.model.config import LedgerPlace
from yanmen.model.refusal import Fault, FaultCode
from yanmen.node import closed_logs
from yanmen.node.holder import CONFIG, LEDGER, Holder, open_holder, read_config

MOVED = ".moved"
"""What the name of a file that is no ledger any more ends with."""


@dataclass(frozen=True, slots=True)
class Moved:
    """What was moved: the log, its leaves, the closed logs with it, and the files put aside."""

    origin: str
    size: int
    closed: tuple[str, ...]
    aside: tuple[Path, ...]


def move(directory: Path, connection: Path, schema: str) -> Moved:
    """Move the ledger in `directory` into the database of `connection`, unless the node is served."""
    if read_config(directory).ledger.postgresql:
        raise Fault(FaultCode.CONFIG, "the ledger is in a database already（账本已在数据库中）")
    to, place = LedgerPlace(str(connection), schema), database(connection, schema)
    text = _configured(directory, to)
    logs = {name: path for name, path in closed_logs.archives(directory).items() if isinstance(path, Path)}
    with open_holder(directory) as holder, TemporaryDirectory(dir=directory, prefix=".moving-") as folder:
        holder.ledger.serve_alone()  # nobody writes meanwhile
        holder.ledger.check()
        head = holder.ledger.copy(Path(folder) / LEDGER)
        for name, path in logs.items():
            opening.restored(path, place.beside(name.replace("-", "_")))
        opening.restored(Path(folder) / LEDGER, place)
        _hold(holder, place, head)
        _write(directory / CONFIG, text)
    aside = tuple(_put_aside(path) for path in (directory / LEDGER, *logs.values()))
    moved = checkpoint.decode(note.decode(head.encode()).text)
    return Moved(moved.origin, moved.size, tuple(logs), aside)


def _configured(directory: Path, to: LedgerPlace) -> str:
    """Return node.toml with the new place of the ledger, as its owner wrote the rest of it."""
    path = directory / CONFIG
    text = regular_file.read(path, toml_lines.BYTES_MAX + 1).decode("utf-8").rstrip("\n")
    text += f"\n\n[ledger]\npostgresql = {quote(to.postgresql)}\nschema = {quote(to.schema)}\n"
    if config_format.decode(text.encode()) != replace(read_config(directory), ledger=to):
        raise Fault(FaultCode.CONFIG, f"{CONFIG}: nothing but [ledger] would change, and more did")
    return text


def _hold(holder: Holder, place: Database, head: str) -> None:
    """Recompute what stands in the database and hold it to the file."""
    log_signer = keys.load(holder.directory / LOG_KEY)
    keeper = Keeper(holder.config.id, holder.receipt_signer, log_signer, holder.clock, holder.randomness)
    with Ledger.open(place, keeper, holder.config.limits, create=False) as there:
        there.check()
        if there.checkpoint() != head:
            raise Fault(FaultCode.STORAGE, "another log stands in that database（该数据库中是另一日志）")


def _write(path: Path, text: str) -> None:
    """Exchange the file at `path` for one that holds `text`, durably and in one step."""
    fresh = path.with_name(f".{path.name}.next")
    with fresh.open("w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    fresh.chmod(path.stat().st_mode & 0o777)
    fresh.rename(path)
    fd = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


def _put_aside(path: Path) -> Path:
    aside = path.with_name(path.name + MOVED)
    path.rename(aside)
    return aside
