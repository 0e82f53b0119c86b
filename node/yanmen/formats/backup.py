"""What a backup says of itself: whose it is, up to which head of the log, and each file by its digest."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from yanmen.formats import connector_id, json_canonical, note
from yanmen.formats.checkpoint import decode as decode_checkpoint
from yanmen.formats.json_canonical import Json
from yanmen.formats.json_members import exact, integer, text
from yanmen.formats.malformed import Malformed

FORMAT = "yanmen-backup-1"
BYTES_MAX = 4 * 1024 * 1024
FILES_MAX = 10_000
HEAD_MAX = 4096
_NAME = re.compile(r"(?:(?:policies|policies/tests|catalogue|snapshots)/)?[A-Za-z0-9][A-Za-z0-9._-]{0,127}", re.ASCII)
_DIGEST = re.compile(r"[0-9a-f]{64}", re.ASCII)
_MEMBERS = frozenset({"at_ms", "files", "format", "head", "node"})


@dataclass(frozen=True, slots=True)
class File:
    """One file: its length, and its SHA-256 in hex."""

    size: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Backup:
    """A whole backup; `head` is the signed checkpoint over the ledger in it."""

    node: str
    head: str
    at_ms: int
    files: Mapping[str, File]


def encode(backup: Backup) -> bytes:
    """Return the text of `backup`."""
    files: dict[str, Json] = {
        name: {"sha256": file.sha256, "size": file.size} for name, file in sorted(backup.files.items())
    }
    return json_canonical.encode(
        {"at_ms": backup.at_ms, "files": files, "format": FORMAT, "head": backup.head, "node": backup.node}
    )


def decode(data: bytes) -> Backup:
    """Return the backup that `data` describes; raises `Malformed`."""
    members = exact(json_canonical.decode_object(data, BYTES_MAX), _MEMBERS)
    if text(members, "format", 32) != FORMAT:
        raise Malformed("backup: another format")
    listed = members["files"]
    if not isinstance(listed, dict) or not 1 <= len(listed) <= FILES_MAX:
        raise Malformed("backup: files")
    head = text(members, "head", HEAD_MAX)
    decode_checkpoint(note.decode(head.encode()).text)
    return Backup(
        node=connector_id.check(text(members, "node", 32)),
        head=head,
        at_ms=integer(members, "at_ms"),
        files={_name(name): _file(value) for name, value in listed.items()},
    )


def _name(name: str) -> str:
    if _NAME.fullmatch(name) is None:
        raise Malformed("backup: a file of this name is never in one")
    return name


def _file(value: Json) -> File:
    members = exact(value, frozenset({"sha256", "size"}))
    digest = text(members, "sha256", 64)
    if _DIGEST.fullmatch(digest) is None:
        raise Malformed("backup: not a digest")
    return File(integer(members, "size"), digest)
