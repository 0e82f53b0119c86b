"""The log's Merkle tree as it is kept: the lowest hashes of each tile, those of the newest leaves not yet."""

from yanmen.formats import base64url, merkle, tiles
from yanmen.ledger import remembered
from yanmen.ledger.connection import Connection
from yanmen.model.refusal import Fault, FaultCode

_TOGETHER = 4
LEAVES_TOGETHER = 1 << _TOGETHER
"""Leaves whose hashes are written together: until then they are made of the leaves, which are kept anyway."""
HASHES_MAX = 65_536
"""Hashes a connection remembers, about 10 MB: the upper levels of any log and the neighbourhood of its end."""


def grow(db: Connection, position: int, leaf: bytes) -> str:
    """Put the leaf into the tree, writing down what is to be kept, and return its hash as text."""
    read = reader(db)
    made = merkle.append(position, merkle.leaf_hash(leaf), read)
    known = remembered.of(db)
    if known is not None and len(known.hashes) < HASHES_MAX:
        # The next leaf needs them; a change that is undone forgets all.
        for level, index, grown in made:
            known.hashes[level, index] = grown
    if len(made) > _TOGETHER:
        rows = [(0, each, read(0, each)) for each in range(position + 1 - LEAVES_TOGETHER, position)]
        # In a file of before, each was written with its leaf.
        db.executemany("INSERT OR IGNORE INTO subtree (level, position, hash) VALUES (?, ?, ?)", [*rows, made[0]])
        for row in made[tiles.HEIGHT :: tiles.HEIGHT]:
            db.execute("INSERT INTO subtree (level, position, hash) VALUES (?, ?, ?)", row)
    return base64url.encode(made[0][2])


def reader(db: Connection) -> merkle.HashReader:
    """Return what reads hashes of full subtrees: the lowest of each tile are kept, those between are made of them."""
    connection = remembered.of(db)
    known = {} if connection is None else connection.hashes

    def read(level: int, index: int) -> bytes:
        found = known.get((level, index))
        if found is not None:
            return found
        height = level % tiles.HEIGHT
        made = _subtree(db, level - height, index << height, 1 << height)
        if len(known) >= HASHES_MAX:
            known.clear()
        known[level, index] = made
        return made

    return read


def _subtree(db: Connection, level: int, begin: int, count: int) -> bytes:
    """Return the hash over `count` hashes from `begin` on, a power of two of them: kept ones, or of the last leaves."""
    rows = db.execute(
        "SELECT hash FROM subtree WHERE level = ? AND position >= ? AND position < ? ORDER BY position",
        (level, begin, begin + count),
    ).fetchall()
    hashes = [bytes(found) for (found,) in rows]
    if len(hashes) != count and level == 0:
        hashes += _newest(db, begin + len(hashes), begin + count)
    if len(hashes) != count:
        raise Fault(FaultCode.STORAGE, "ledger: a hash of the tree is missing")
    return merkle.full_root(hashes)


def _newest(db: Connection, begin: int, end: int) -> list[bytes]:
    """Return the hashes of the leaves from `begin` to `end`, which are too few yet, or just enough, to be kept."""
    rows = db.execute(
        "SELECT jws FROM leaf WHERE position >= ? AND position < ? AND position >="
        " (SELECT max(position) / ? * ? FROM leaf) ORDER BY position",
        (begin, end, LEAVES_TOGETHER, LEAVES_TOGETHER),
    ).fetchall()
    return [merkle.leaf_hash(jws.encode("ascii")) for (jws,) in rows]
