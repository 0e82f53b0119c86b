"""Steps 4 to 7 of the procedure for one leaf: its file, its receipt and its proof."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from yanmen.crypto import notes, receipts
from yanmen.crypto.signatures import BadSignature
from yanmen.formats import bundle, checkpoint, merkle, proof, receipt, receipt_leaves
from yanmen.formats.bundle import LeafLine
from yanmen.formats.checkpoint import Checkpoint
from yanmen.formats.former_keys import KeysOf
from yanmen.formats.malformed import Malformed
from yanmen.formats.merkle import BadProof, HashReader
from yanmen.formats.note import Note
from yanmen.formats.receipt import Disclosed, Leaf, Said, Slot
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


_ABSENT = {Code.LEAF_MISSING, Code.RECEIPT_MISSING, Code.PROOF_MISSING, Code.FILE_UNREADABLE}


class Listed(NamedTuple):
    """The lines that list a bundle's leaves, and their full subtrees, which gave the root of its head."""

    lines: tuple[LeafLine, ...]
    subtrees: HashReader


class Checked(NamedTuple):
    """One leaf: its use and all it discloses, if its receipt holds, and the hash of its file, if there is one."""

    use: Use | None
    said: Mapping[Slot, Said]
    leaf_hash: bytes | None


class _Files(NamedTuple):
    """What a bundle has of one leaf, and the line that lists it, if that list holds."""

    at: int
    line: LeafLine | None
    stage: Stage | None
    leaf: bytes | None
    leaf_hash: bytes | None
    sdjwt: bytes | None
    proof: bytes | None

    @property
    def known(self) -> bytes | None:
        """The hash that stands in the tree, as far as anybody knows."""
        return self.leaf_hash if self.line is None else self.line.hash


class Entries:
    """Checks the leaves of one bundle; `findings` grows with each."""

    __slots__ = ("_heads", "_lines", "_node", "_proofs", "_read_hash", "_root", "findings")

    def __init__(self, root: Path, node: Node, listed: Listed | None) -> None:
        """Take the leaf hashes from what is `listed`, or from the leaf files if there is nothing."""
        self._root = str(root)
        self._node = node
        self._lines = None if listed is None else listed.lines
        self._read_hash: HashReader | None = None
        self._proofs: Proofs | None = None
        if listed is not None and listed.lines:
            self._read_hash = listed.subtrees
            self._proofs = Proofs(len(listed.lines), listed.subtrees, node.checkpoint)
        self._heads: dict[Note, Checkpoint] = {}
        self.findings: list[Finding] = []

    @property
    def whole(self) -> bool:
        """Whether every file of the leaves checked so far was there and could be read."""
        return not any(each.code in _ABSENT for each in self.findings)

    def check(self, index: int) -> Checked:
        """Return what the receipt of leaf `index` discloses and the hash of its leaf file, where they hold."""
        (checked,) = self.check_all(range(index, index + 1))
        return checked

    def check_all(self, indices: range) -> tuple[Checked, ...]:
        """Return what `check` says of each leaf; one step for all, then the next, keeps a processor's caches warm."""
        read = [self._open(index) for index in indices]
        leaves = self._all_parsed(read)
        for each, leaf in zip(read, leaves, strict=True):
            if leaf is not None:
                self._signed(each, leaf)
        receipts_ = self._all_disclosed(read, leaves)
        for each in read:
            self._proved(each)
        references = _references(read)
        return tuple(map(self._used, read, receipts_, references))

    def _open(self, index: int) -> _Files:
        """Return the files of leaf `index`, those that are there."""
        line = None if self._lines is None else self._lines[index]
        stage = None if line is None else line.stage
        leaf_name, receipt_name, proof_name = bundle.names(index)
        leaf = self._file(leaf_name, LEAF_BYTES_MAX, Code.LEAF_MISSING, index, stage)
        sdjwt = self._file(receipt_name, receipt.BYTES_MAX, Code.RECEIPT_MISSING, index, stage)
        proved = self._file(proof_name, proof.BYTES_MAX, Code.PROOF_MISSING, index, stage)
        leaf_hash = None if leaf is None else merkle.leaf_hash(leaf)
        return _Files(index, line, stage, leaf, leaf_hash, sdjwt, proved)

    def _all_parsed(self, read: Sequence[_Files]) -> Sequence[Leaf | None]:
        """Return the leaves, read together where all hold and one by one where one does not."""
        listed = [each.leaf for each in read if each.leaf is not None and each.known == each.leaf_hash]
        if listed and len(listed) == len(read):
            try:
                return receipt_leaves.decode_each(listed)
            except Malformed:
                pass  # as the next line says of the one that is to blame
        return [self._parsed(each) for each in read]

    def _parsed(self, files: _Files) -> Leaf | None:
        """Return the leaf of a file that has the hash listed and the form of a leaf."""
        if files.leaf is None:
            return None
        if files.line is not None and files.leaf_hash != files.line.hash:
            self._find(Code.LEAF_ALTERED, files.at, files.stage)
            return None
        try:
            return receipt.decode_leaf(files.leaf)
        except Malformed as error:
            self._find(Code.LEAF_MALFORMED, files.at, files.stage, str(error))
            return None

    def _signed(self, files: _Files, leaf: Leaf) -> None:
        """Hold the leaf to its signer and to what is listed of it."""
        try:
            receipts.check_signature(leaf, self._node.receipt_keys.at(files.at))
        except BadSignature as error:
            self._find(Code.LEAF_SIGNATURE, files.at, files.stage, str(error))
            return
        if leaf.head.iss != self._node.id:
            self._find(Code.LEAF_OTHER_NODE, files.at, files.stage)
        if files.line is not None and leaf.head.stage is not files.line.stage:
            self._find(Code.LEAF_STAGE_DIFFERS, files.at, leaf.head.stage)

    def _all_disclosed(self, read: Sequence[_Files], leaves: Sequence[Leaf | None]) -> list[Disclosed | None]:
        """Return the receipts, read together where all hold and one by one where one does not."""
        texts = [each.sdjwt for each in read if each.sdjwt is not None]
        if len(texts) == len(read):
            try:
                found = receipt.decode_each(texts, leaves)
                if all(one.leaf is leaf for one, leaf in zip(found, leaves, strict=True)):
                    return list(found)
            except ValueError:
                pass  # as the next line says of the one that is to blame
        return [self._disclosed(each, leaf) for each, leaf in zip(read, leaves, strict=True)]

    def _disclosed(self, files: _Files, leaf: Leaf | None) -> Disclosed | None:
        if files.sdjwt is None:
            return None
        try:
            disclosed = receipt.decode_bytes(files.sdjwt, leaf)
        except ValueError as error:
            self._find(Code.RECEIPT_MALFORMED, files.at, files.stage, str(error))
            return None
        if files.leaf is not None and disclosed.leaf.jws != files.leaf:
            self._find(Code.RECEIPT_OTHER_LEAF, files.at, files.stage)
        return disclosed

    def _used(self, files: _Files, disclosed: Disclosed | None, reference: str) -> Checked:
        """Return what a receipt that is that of its leaf says of a use; others name the leaf by `reference`."""
        known = files.known
        if disclosed is None or known is None or not _is_of(disclosed, files, known):
            return Checked(None, {}, files.leaf_hash)
        use, wrong = uses.read(files.at, known, reference, disclosed)
        self.findings.extend(wrong)
        return Checked(use, disclosed.said, files.leaf_hash)

    def _proved(self, files: _Files) -> None:
        index, stage, data, leaf_hash = files.at, files.stage, files.proof, files.known
        if data is None or leaf_hash is None or (self._proofs is not None and data == self._proofs.text(index)):
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


def _references(read: Sequence[_Files]) -> list[str]:
    """Return how other leaves name these, "" for one whose hash nobody knows."""
    known = [each.known for each in read]
    spelled = iter(receipt.spelled([each for each in known if each is not None]))
    return ["" if each is None else next(spelled).decode("ascii") for each in known]


def _is_of(disclosed: Disclosed, files: _Files, known: bytes) -> bool:
    """Say whether the receipt's own leaf is the one with the hash `known`, which is that of the file as a rule."""
    if disclosed.leaf.jws == files.leaf:
        return files.leaf_hash == known
    return merkle.leaf_hash(disclosed.leaf.jws) == known
