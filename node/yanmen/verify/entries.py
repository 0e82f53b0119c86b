"""Steps 4 to 7 of the procedure for one leaf: its file, its receipt and its proof."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from yanmen.crypto import notes, receipts
from yanmen.crypto.signatures import BadSignature
from yanmen.formats import bundle, checkpoint, merkle, proof, receipt
from yanmen.formats.bundle import LeafLine
from yanmen.formats.checkpoint import Checkpoint
from yanmen.formats.former_keys import KeysOf
from yanmen.formats.malformed import Malformed
from yanmen.formats.merkle import BadProof, HashReader
from yanmen.formats.note import Note
from yanmen.formats.receipt import Disclosed, Said, Slot
from yanmen.model.receipt import Stage
from yanmen.verify import directory, uses
from yanmen.verify.directory import Missing, Unreadable
from yanmen.verify.proofs import Proofs
from yanmen.verify.report import Code, Finding, finding
from yanmen.verify.uses import Use

LEAF_BYTES_MAX = 65_535
"""Longest entry of a C2SP log: read whole, so that a wrong length is named as such."""


@dataclass(frozen=True, slots=True)
class Node:
    """Whose log it is: issuer, its keys as the register lists them, the verified head and its signed note."""

    id: str
    receipt_keys: KeysOf
    log_keys: KeysOf
    head: Checkpoint
    checkpoint: bytes


@dataclass(frozen=True, slots=True)
class Checked:
    """One leaf: its use and all it discloses, if its receipt holds, and the hash of its file, if there is one."""

    use: Use | None
    said: Mapping[Slot, Said]
    leaf_hash: bytes | None


class Entries:
    """Checks the leaves of one bundle; `findings` grows with each."""

    __slots__ = ("_heads", "_lines", "_node", "_proofs", "_read_hash", "_root", "findings")

    def __init__(self, root: Path, node: Node, lines: Sequence[LeafLine] | None) -> None:
        """Take the leaf hashes from `lines`, whose root was verified, or from the leaf files if there are none."""
        self._root = root
        self._node = node
        self._lines = lines
        self._read_hash: HashReader | None = None
        self._proofs: Proofs | None = None
        if lines:
            hashes = tuple(line.hash for line in lines)
            self._read_hash = merkle.full_subtrees(hashes)
            self._proofs = Proofs(hashes, node.checkpoint)
        self._heads: dict[Note, Checkpoint] = {}
        self.findings: list[Finding] = []

    def check(self, index: int) -> Checked:
        """Return what the receipt of leaf `index` discloses and the hash of its leaf file, where they hold."""
        line = None if self._lines is None else self._lines[index]
        stage = None if line is None else line.stage
        leaf, leaf_hash = self._leaf(index, line)
        disclosed = self._receipt(index, stage, leaf)
        known = leaf_hash if line is None else line.hash
        if known is not None:
            self._proof(index, stage, known)
        if disclosed is None or known is None or not _is_of(disclosed, leaf, leaf_hash, known):
            return Checked(None, {}, leaf_hash)
        use, wrong = uses.read(index, known, disclosed)
        self.findings.extend(wrong)
        return Checked(use, disclosed.said, leaf_hash)

    def _leaf(self, index: int, line: LeafLine | None) -> tuple[bytes | None, bytes | None]:
        """Return the leaf's bytes and hash, unless it is not there."""
        stage = None if line is None else line.stage
        data = self._file(bundle.leaf_name(index), LEAF_BYTES_MAX, Code.LEAF_MISSING, index, stage)
        if data is None:
            return None, None
        leaf_hash = merkle.leaf_hash(data)
        if line is not None and leaf_hash != line.hash:
            self._find(Code.LEAF_ALTERED, index, stage)
        else:
            self._signed(data, index, line)
        return data, leaf_hash

    def _signed(self, data: bytes, index: int, line: LeafLine | None) -> None:
        """Hold the leaf `data` to its form, its signer and what is listed of it."""
        stage = None if line is None else line.stage
        try:
            leaf = receipts.verify_leaf(data, self._node.receipt_keys.at(index))
        except Malformed as error:
            self._find(Code.LEAF_MALFORMED, index, stage, str(error))
            return
        except BadSignature as error:
            self._find(Code.LEAF_SIGNATURE, index, stage, str(error))
            return
        if leaf.head.iss != self._node.id:
            self._find(Code.LEAF_OTHER_NODE, index, stage)
        if line is not None and leaf.head.stage is not line.stage:
            self._find(Code.LEAF_STAGE_DIFFERS, index, leaf.head.stage)

    def _receipt(self, index: int, stage: Stage | None, leaf: bytes | None) -> Disclosed | None:
        name = bundle.receipt_name(index)
        data = self._file(name, receipt.BYTES_MAX, Code.RECEIPT_MISSING, index, stage)
        if data is None:
            return None
        try:
            disclosed = receipt.decode_bytes(data)
        except ValueError as error:
            self._find(Code.RECEIPT_MALFORMED, index, stage, str(error))
            return None
        if leaf is not None and disclosed.leaf.jws != leaf:
            self._find(Code.RECEIPT_OTHER_LEAF, index, stage)
        return disclosed

    def _proof(self, index: int, stage: Stage | None, leaf_hash: bytes) -> None:
        data = self._file(bundle.proof_name(index), proof.BYTES_MAX, Code.PROOF_MISSING, index, stage)
        if data is None or (self._proofs is not None and data == self._proofs.text(index)):
            return
        try:
            inclusion = proof.decode(data.decode("utf-8"))
        except ValueError as error:
            self._find(Code.PROOF_MALFORMED, index, stage, str(error))
            return
        try:
            head = self._head(inclusion.checkpoint)
            if inclusion.index != index:
                raise BadProof("index of another leaf")
            merkle.verify_inclusion(leaf_hash, index, head.size, inclusion.path, head.root)
        except (Malformed, BadSignature, BadProof) as error:
            self._find(Code.PROOF_WRONG, index, stage, str(error))

    def _head(self, signed: Note) -> Checkpoint:
        """Return the checkpoint of a proof, once it is one of this log's; each is verified once."""
        known = self._heads.get(signed)
        if known is not None:
            return known
        key = self._node.log_keys.at(checkpoint.decode(signed.text).size - 1)
        head = notes.verify_checkpoint(signed, self._node.head.origin, key)
        if head.size > self._node.head.size:
            raise BadProof("checkpoint is newer than the bundle's")
        if self._read_hash is not None and merkle.root(head.size, self._read_hash) != head.root:
            raise BadProof("checkpoint contradicts the bundle's: the log showed two histories")
        self._heads[signed] = head
        return head

    def _file(self, name: str, max_bytes: int, missing: Code, index: int, stage: Stage | None) -> bytes | None:
        try:
            return directory.read(self._root, name, max_bytes)
        except Missing:
            self._find(missing, index, stage)
        except Unreadable:
            self._find(Code.FILE_UNREADABLE, index, stage, name)
        return None

    def _find(self, code: Code, index: int, stage: Stage | None, subject: str = "") -> None:
        self.findings.append(finding(code, index, stage, subject))


def _is_of(disclosed: Disclosed, leaf: bytes | None, leaf_hash: bytes | None, known: bytes) -> bool:
    """Say whether the receipt's own leaf is the one with the hash `known`, which is that of the file as a rule."""
    if disclosed.leaf.jws == leaf:
        return leaf_hash == known
    return merkle.leaf_hash(disclosed.leaf.jws) == known
