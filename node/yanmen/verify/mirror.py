"""The check of a mirror: static tiles against the log's key, each other and an audit bundle."""

from dataclasses import dataclass, field
from pathlib import Path

from yanmen.crypto import notes, receipts
from yanmen.crypto.signatures import BadSignature
from yanmen.formats import bundle, checkpoint, merkle, note, tiles
from yanmen.formats.checkpoint import Checkpoint
from yanmen.formats.former_keys import keys_of
from yanmen.formats.malformed import Malformed
from yanmen.formats.tiles import Tile
from yanmen.model.party import KeyUse, Party
from yanmen.verify import directory
from yanmen.verify.directory import Missing, Unreadable
from yanmen.verify.report import Code, Finding, finding


@dataclass(slots=True)
class Mirror:
    """The files under `root` that mirror the log `origin` of `party`; `findings` grows with each check."""

    root: Path
    origin: str
    party: Party
    findings: list[Finding] = field(default_factory=list)

    def check(self, head: Checkpoint, leaves: tuple[bytes, ...] | None) -> None:
        """Check the mirror, and that it and the bundle with `head` and the leaf hashes `leaves` are one history.

        1. The log key signed the mirror's checkpoint.
        2. Every tile is there and each of its hashes is the root of the full tile below it.
        3. The lowest tiles give the checkpoint's root.
        4. Every entry hashes to its place in the lowest tile and is a leaf signed by the receipt key.
        5. The shorter of mirror and bundle is the beginning of the longer.
        """
        mirrored = self._checkpoint()
        if mirrored is None:
            return
        lowest = self._tree(mirrored)
        if lowest is None or leaves is None:
            return
        shorter = min(mirrored.size, head.size)
        if lowest[:shorter] != leaves[:shorter]:
            self.findings.append(finding(Code.TILES_OTHER_HISTORY))

    def _tree(self, mirrored: Checkpoint) -> tuple[bytes, ...] | None:
        """Return the leaf hashes, once every tile could be read; what contradicts them becomes a finding."""
        found = {tile: self._hashes(tile) for tile in tiles.of_size(mirrored.size)}
        if self.findings:
            return None
        lowest = tuple(item for tile, hashes in found.items() if tile.level == 0 for item in hashes)
        read = merkle.full_subtrees(lowest)
        for tile, hashes in found.items():
            if b"".join(hashes) != tiles.encode_hashes(tile, read):
                self.findings.append(finding(Code.TILE_DIFFERS, subject=tile.path))
            if tile.level == 0:
                self._entries(tile, hashes)
        if merkle.root(mirrored.size, read) != mirrored.root:
            self.findings.append(finding(Code.TILES_ROOT_DIFFERS))
        return lowest

    def _checkpoint(self) -> Checkpoint | None:
        data = self._read(tiles.CHECKPOINT, note.BYTES_MAX)
        if data is None:
            return None
        try:
            signed = note.decode(data)
            size = checkpoint.decode(signed.text).size
            key = keys_of(self.party, KeyUse.LOG, self.origin).at(size - 1)
            head = notes.verify_checkpoint(signed, self.origin, key)
            if not 0 < head.size <= bundle.INDEX_MAX + 1:
                raise Malformed("no log of ours has that size")
            return head
        except (Malformed, BadSignature) as error:
            self.findings.append(finding(Code.TILES_CHECKPOINT, subject=str(error)))
        return None

    def _hashes(self, tile: Tile) -> tuple[bytes, ...]:
        data = self._read(tile.path, tiles.WIDTH * merkle.HASH_BYTES)
        if data is None:
            return ()
        try:
            return tiles.decode_hashes(tile, data)
        except Malformed:
            self.findings.append(finding(Code.TILE_DIFFERS, subject=tile.path))
        return ()

    def _entries(self, tile: Tile, hashes: tuple[bytes, ...]) -> None:
        data = self._read(tile.entries_path, tiles.ENTRIES_BYTES_MAX)
        if data is None:
            return
        try:
            entries = tiles.decode_entries(data, tile.width)
            if tuple(merkle.leaf_hash(entry) for entry in entries) != hashes:
                raise Malformed("entries: not those of the tile")
            keys = keys_of(self.party, KeyUse.RECEIPT, self.origin)
            for index, entry in enumerate(entries, tile.index * tiles.WIDTH):
                if receipts.verify_leaf(entry, keys.at(index)).head.iss != self.party.id:
                    raise Malformed("entries: a leaf of another node")
        except (Malformed, BadSignature):
            self.findings.append(finding(Code.TILE_DIFFERS, subject=tile.entries_path))

    def _read(self, name: str, max_bytes: int) -> bytes | None:
        try:
            return directory.read(self.root, name, max_bytes)
        except Missing:
            self.findings.append(finding(Code.TILE_MISSING, subject=name))
        except Unreadable:
            self.findings.append(finding(Code.FILE_UNREADABLE, subject=name))
        return None
