"""An audit bundle: one node's log as a directory of files that need neither node nor network.

bundle.json     what the node states: who, which log, how many leaves, totals to be recomputed
checkpoint      the log's head, a C2SP signed note
log.vkey        the log's key        space.vkey   the space's key (pin it: see FORMATS.md)
register.jws    the space's members and their keys
leaves.txt      one line for each leaf: stage and leaf hash
cosigned        only if witnesses cosigned one: the newest such head, with their cosignatures
anchors.txt     only if heads were anchored: the size of each and the anchor hook's answer
timestamps/00000120.checkpoint   timestamps/00000120.tsr   only if an authority stamped heads: each, and its answer
leaves/00000017.jws   receipts/00000017.sdjwt   receipts/00000017.tlog-proof
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import chain
from typing import NamedTuple

from yanmen.formats import base64url, connector_id, decimals, json_canonical, json_members, merkle
from yanmen.formats.json_canonical import Json
from yanmen.formats.json_members import Object
from yanmen.formats.malformed import Malformed
from yanmen.model.receipt import Stage

FORMAT = "yanmen-bundle-1"
STATEMENT = "bundle.json"
CHECKPOINT = "checkpoint"
LOG_KEY = "log.vkey"
SPACE_KEY = "space.vkey"
REGISTER = "register.jws"
LEAF_LINES = "leaves.txt"
COSIGNED = "cosigned"
LEAVES = "leaves"
TIMESTAMPS = "timestamps"
ANCHORS = "anchors.txt"
RECEIPTS = "receipts"

STATEMENT_BYTES_MAX = 16 * 1024 * 1024
"""Totals of some hundred thousand contracts."""
INDEX_MAX = 99_999_999
"""Largest index the eight digits of a file name hold; a log is closed every year."""
HASH_CHARACTERS = 43


@dataclass(frozen=True, slots=True)
class ContractTotal:
    """What one contract used: leaves of its series, intents, privacy and price."""

    contract: str
    leaves: int = 0
    queries: int = 0
    micro_rho: int = 0
    delta_e12: int = 0
    fen: int = 0


@dataclass(frozen=True, slots=True)
class SpaceTotal:
    """What was spent of one subject space's lifetime budget, by all contracts."""

    space: str
    micro_rho: int = 0
    delta_e12: int = 0


@dataclass(frozen=True, slots=True)
class Statement:
    """What the node says of its log; everything in it is recomputed from the leaves."""

    space: str
    node: str
    origin: str
    size: int
    contracts: tuple[ContractTotal, ...]
    spaces: tuple[SpaceTotal, ...]


class LeafLine(NamedTuple):
    """One line of `leaves.txt`; the root over all hashes must be the checkpoint's."""

    stage: Stage
    hash: bytes


@dataclass(frozen=True, slots=True)
class Entry:
    """One leaf with its receipt and proof, as they are exported."""

    stage: Stage
    leaf: bytes
    sdjwt: str
    proof: str


@dataclass(frozen=True, slots=True)
class Keys:
    """The texts that keys and their names come from: two `vkey`s and the register."""

    log_vkey: str
    space_vkey: str
    register: bytes


def leaf_name(index: int) -> str:
    """Return the file of leaf `index`."""
    return f"{LEAVES}/{_digits(index)}.jws"


def receipt_name(index: int) -> str:
    """Return the file of the receipt of leaf `index`."""
    return f"{RECEIPTS}/{_digits(index)}.sdjwt"


def proof_name(index: int) -> str:
    """Return the file of the inclusion proof of leaf `index`."""
    return f"{RECEIPTS}/{_digits(index)}.tlog-proof"


def names(index: int) -> tuple[str, str, str]:
    """Return the files of leaf `index`, of its receipt and of its proof."""
    digits = _digits(index)
    return f"{LEAVES}/{digits}.jws", f"{RECEIPTS}/{digits}.sdjwt", f"{RECEIPTS}/{digits}.tlog-proof"


def listed(folder: str, size: int) -> Iterator[str]:
    """Return the names of the files that `folder` of a bundle of `size` leaves has."""
    kinds = ("{:08d}.jws",) if folder == LEAVES else ("{:08d}.sdjwt", "{:08d}.tlog-proof")
    return chain.from_iterable(map(kind.format, range(size)) for kind in kinds)


def stamped_name(size: int) -> str:
    """Return the file of the head of `size` leaves that was stamped."""
    return f"{TIMESTAMPS}/{_digits(size)}.checkpoint"


def stamp_name(size: int) -> str:
    """Return the file of the time stamp over that head."""
    return f"{TIMESTAMPS}/{_digits(size)}.tsr"


def stamped_size(name: str) -> int:
    """Return the size that the name of a file in the folder of time stamps says; raises `Malformed`."""
    stem, _, kind = name.rpartition(".")
    size = decimals.decode(stem.lstrip("0") or "0") if len(stem) == len(_digits(0)) else -1
    if size < 0 or kind not in {"checkpoint", "tsr"}:
        raise Malformed("bundle: no file of time stamps")
    return size


def files(statement: Statement, checkpoint: bytes, keys: Keys, entries: Iterable[Entry]) -> Iterator[tuple[str, bytes]]:
    """Yield the name and content of every file of a bundle, leaves in order, `bundle.json` last."""
    yield CHECKPOINT, checkpoint
    yield LOG_KEY, f"{keys.log_vkey}\n".encode()
    yield SPACE_KEY, f"{keys.space_vkey}\n".encode()
    yield REGISTER, keys.register
    lines: list[LeafLine] = []
    for index, entry in enumerate(entries):
        lines.append(LeafLine(entry.stage, merkle.leaf_hash(entry.leaf)))
        yield leaf_name(index), entry.leaf
        yield receipt_name(index), entry.sdjwt.encode("ascii")
        yield proof_name(index), entry.proof.encode()
    yield LEAF_LINES, encode_lines(lines)
    if len(lines) != statement.size:
        raise Malformed("bundle: not as many leaves as stated")
    yield STATEMENT, encode(statement)


def encode(statement: Statement) -> bytes:
    """Return the bytes of `bundle.json`."""
    contracts: list[Json] = [
        {
            "contract": total.contract,
            "delta_e12": total.delta_e12,
            "fen": total.fen,
            "leaves": total.leaves,
            "micro_rho": total.micro_rho,
            "queries": total.queries,
        }
        for total in statement.contracts
    ]
    spaces: list[Json] = [
        {"delta_e12": total.delta_e12, "micro_rho": total.micro_rho, "space": total.space} for total in statement.spaces
    ]
    return json_canonical.encode(
        {
            "contracts": contracts,
            "format": FORMAT,
            "node": statement.node,
            "origin": statement.origin,
            "size": statement.size,
            "space": statement.space,
            "spaces": spaces,
        }
    )


def decode(data: bytes) -> Statement:
    """Return the statement that `bundle.json` holds."""
    names = frozenset({"contracts", "format", "node", "origin", "size", "space", "spaces"})
    members = json_members.exact(json_canonical.decode(data, STATEMENT_BYTES_MAX), names)
    if members["format"] != FORMAT:
        raise Malformed("bundle: another format")
    statement = Statement(
        space=json_members.text(members, "space"),
        node=connector_id.check(json_members.text(members, "node")),
        origin=json_members.text(members, "origin"),
        size=json_members.integer(members, "size", upper=INDEX_MAX + 1),
        contracts=tuple(_contract_total(item) for item in json_members.items(members, "contracts", 1_000_000)),
        spaces=tuple(_space_total(item) for item in json_members.items(members, "spaces")),
    )
    _check_order([total.contract for total in statement.contracts])
    _check_order([total.space for total in statement.spaces])
    return statement


def encode_lines(lines: Iterable[LeafLine]) -> bytes:
    """Return the bytes of `leaves.txt`."""
    return "".join(f"{line.stage.value} {base64url.encode(line.hash)}\n" for line in lines).encode("ascii")


def decode_lines(data: bytes) -> tuple[LeafLine, ...]:
    """Return the lines that `leaves.txt` holds."""
    *lines, last = data.split(b"\n")
    if last:
        raise Malformed("leaves: last line does not end")
    apart = [line.partition(b" ") for line in lines]
    hashes = base64url.decode_alike([encoded for _, _, encoded in apart], HASH_CHARACTERS)
    try:
        stages = [_STAGES[stage] for stage, _, _ in apart]
    except KeyError as error:
        raise Malformed("leaves: unknown stage") from error
    return tuple(map(LeafLine, stages, hashes))


_STAGES = {stage.value.encode("ascii"): stage for stage in Stage}


def _digits(index: int) -> str:
    if not 0 <= index <= INDEX_MAX:
        raise Malformed("bundle: index has more than eight digits")
    return f"{index:08d}"


def _contract_total(value: Json) -> ContractTotal:
    names = frozenset({"contract", "delta_e12", "fen", "leaves", "micro_rho", "queries"})
    members = json_members.exact(value, names)
    return ContractTotal(
        contract=json_members.text(members, "contract"),
        leaves=json_members.integer(members, "leaves"),
        queries=json_members.integer(members, "queries"),
        micro_rho=json_members.integer(members, "micro_rho"),
        delta_e12=json_members.integer(members, "delta_e12"),
        fen=json_members.integer(members, "fen"),
    )


def _space_total(value: Json) -> SpaceTotal:
    members: Object = json_members.exact(value, frozenset({"delta_e12", "micro_rho", "space"}))
    return SpaceTotal(
        space=json_members.text(members, "space"),
        micro_rho=json_members.integer(members, "micro_rho"),
        delta_e12=json_members.integer(members, "delta_e12"),
    )


def _check_order(names: list[str]) -> None:
    if names != sorted(set(names)):
        raise Malformed("bundle: totals are not in order, or one is there twice")
