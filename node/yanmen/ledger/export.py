"""The audit bundle: the whole log as files, from one consistent view that no writer waits for."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from yanmen.formats import anchors as anchors_format
from yanmen.formats import bundle, note
from yanmen.formats.bundle import ContractTotal, SpaceTotal, Statement
from yanmen.ledger import anchors, cosigned, log, timestamps
from yanmen.ledger.connection import Connection
from yanmen.ledger.log import Identity
from yanmen.model.refusal import Fault, FaultCode


@dataclass(frozen=True, slots=True)
class SpacePapers:
    """What the bundle carries of the space: its name, its key as a `vkey` and the signed register."""

    name: str
    vkey: str
    register: bytes
    quorum: int = 1


def statement(db: Connection, identity: Identity, space: str) -> Statement:
    """Return the totals the node states, as an auditor will recompute them from the leaves."""
    return Statement(
        space=space,
        node=identity.node_id,
        origin=identity.origin,
        size=log.size(db),
        contracts=_contract_totals(db),
        spaces=_space_totals(db),
    )


def write(db: Connection, directory: Path, stated: Statement, papers: SpacePapers, log_public: bytes) -> None:
    """Write the bundle of the view `db` to the new `directory`, which appears whole or not at all."""
    keys = bundle.Keys(
        log_vkey=note.encode_key(note.VerifierKey(stated.origin, log_public)),
        space_vkey=papers.vkey,
        register=papers.register,
    )
    with _appearing(directory) as partial:
        for folder in (bundle.LEAVES, bundle.RECEIPTS):
            (partial / folder).mkdir()
        for name, content in bundle.files(stated, log.head(db).encode(), keys, _entries(db, stated.size)):
            (partial / name).write_bytes(content)
        for name, content in _attested(db):
            (partial / name).parent.mkdir(exist_ok=True)
            (partial / name).write_bytes(content)
        seen = cosigned.size(db, papers.quorum) or cosigned.size(db)
        if seen:
            (partial / bundle.COSIGNED).write_bytes(cosigned.with_cosignatures(db, seen).encode())


def _attested(db: Connection) -> Iterator[tuple[str, bytes]]:
    """Yield the files with what others than witnesses attest of the log's heads."""
    for size, head, token in timestamps.listed(db):
        yield bundle.stamped_name(size), head
        yield bundle.stamp_name(size), token
    found = anchors.listed(db)
    if found:
        yield bundle.ANCHORS, anchors_format.encode((one.size, one.answer) for one in found)


def _entries(db: Connection, size: int) -> Iterator[bundle.Entry]:
    for position in range(size):
        receipt = log.read_receipt(db, position, whole=True)
        leaf, _, _ = receipt.sdjwt.partition("~")
        yield bundle.Entry(receipt.stage, leaf.encode("ascii"), receipt.sdjwt, receipt.proof)


def _contract_totals(db: Connection) -> tuple[ContractTotal, ...]:
    rows = db.execute(
        "SELECT series.contract, series.length, count(intent.position), coalesce(sum(intent.micro_rho), 0),"
        " coalesce(sum(intent.delta_e12), 0), coalesce(sum(intent.price_fen), 0)"
        " FROM series LEFT JOIN intent ON intent.contract = series.contract"
        " WHERE series.contract <> '' GROUP BY series.contract, series.length"
    )
    found = {row[0]: ContractTotal(*row) for row in rows.fetchall()}
    opened = db.execute("SELECT name, queries, micro_rho, delta_e12, price_fen FROM opening WHERE kind = 'contract'")
    for name, queries, micro_rho, delta_e12, fen in opened.fetchall():
        total = found[name]
        found[name] = ContractTotal(
            name,
            total.leaves,
            total.queries + queries,
            total.micro_rho + micro_rho,
            total.delta_e12 + delta_e12,
            total.fen + fen,
        )
    return tuple(found[name] for name in sorted(found))


def _space_totals(db: Connection) -> tuple[SpaceTotal, ...]:
    rows = db.execute(
        "SELECT space, sum(micro_rho), sum(delta_e12) FROM (SELECT space, micro_rho, delta_e12 FROM intent"
        " WHERE space <> '' UNION ALL SELECT name, micro_rho, delta_e12 FROM opening WHERE kind = 'space') AS spent"
        " GROUP BY space"
    )
    return tuple(sorted((SpaceTotal(*row) for row in rows), key=lambda total: total.space))


@contextmanager
def _appearing(directory: Path) -> Iterator[Path]:
    """Give a hidden directory beside `directory` that gets its name when the block ends well."""
    if directory.exists():
        raise Fault(FaultCode.STORAGE, f"{directory.name} is there already")
    partial = directory.with_name(f".{directory.name}.partial-{os.getpid()}")
    partial.mkdir(mode=0o700)
    try:
        yield partial
        partial.rename(directory)
    except BaseException:
        shutil.rmtree(partial, ignore_errors=True)
        raise
