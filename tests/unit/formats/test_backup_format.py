"""backup.json is read strictly and written back to the byte."""

import json

import pytest
from yanmen.crypto import keys, notes
from yanmen.formats import backup, note
from yanmen.formats.backup import Backup, File
from yanmen.formats.checkpoint import Checkpoint
from yanmen.formats.malformed import Malformed

NODE = "511140000MB0GTTTT011400CJ7A6PQ4G"
SIGNED = notes.sign_checkpoint(Checkpoint(f"{NODE}.yanmen/usage-log/2026", 7, bytes(32)), keys.from_seed(bytes(32)))
MADE = Backup(
    node=NODE,
    head=note.encode(SIGNED).decode(),
    at_ms=1_790_000_000_000,
    files={"ledger.sqlite": File(4096, "a" * 64), "policies/tests/guard.toml": File(0, "b" * 64)},
)


def test_it_is_what_was_written() -> None:
    data = backup.encode(MADE)
    assert backup.decode(data) == MADE
    assert backup.encode(backup.decode(data)) == data


@pytest.mark.parametrize(
    "name", ["../x", "/etc/passwd", "a/../b", "policies/../x", ".hidden", "policies/", "", "other/x", "a\nb", "a" * 129]
)
def test_a_name_that_leads_elsewhere_is_refused(name: str) -> None:
    document = json.loads(backup.encode(MADE))
    document["files"][name] = document["files"].pop("ledger.sqlite")
    with pytest.raises(Malformed):
        backup.decode(json.dumps(document, sort_keys=True, separators=(",", ":")).encode())


@pytest.mark.parametrize(
    ("member", "value"),
    [("format", "yanmen-backup-2"), ("node", "x"), ("head", "no note"), ("at_ms", -1), ("files", {}), ("more", 1)],
)
def test_another_member_is_refused(member: str, value: object) -> None:
    document = {**json.loads(backup.encode(MADE)), member: value}
    with pytest.raises(Malformed):
        backup.decode(json.dumps(document, sort_keys=True, separators=(",", ":")).encode())


@pytest.mark.parametrize("file", [{"size": 1, "sha256": "A" * 64}, {"size": -1, "sha256": "a" * 64}, {"size": 1}, 7])
def test_another_file_is_refused(file: object) -> None:
    document = json.loads(backup.encode(MADE))
    document["files"] = {"ledger.sqlite": file}
    with pytest.raises(Malformed):
        backup.decode(json.dumps(document, sort_keys=True, separators=(",", ":")).encode())
