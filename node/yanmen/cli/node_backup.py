"""`yanmen node backup` and `yanmen node restore`: a node's folder copied while it serves, and put back."""

import argparse

from yanmen import regular_file
from yanmen.cli import node_looker
from yanmen.cli.grammar import Parser, command, folder
from yanmen.cli.output import Result, UsageProblem, next_step
from yanmen.crypto import keys, passphrases
from yanmen.crypto.system import SystemRandomness
from yanmen.enrolment import SIGNING_KEY
from yanmen.model.refusal import Fault, FaultCode


def declare(here: "argparse._SubParsersAction[Parser]") -> None:
    """Add the commands about the ledger as others keep or see it to the group `node`."""
    example = "yanmen node backup health /media/backup/health-2026-11-22 --with-keys"
    save = command(here, "backup", "copy the node's folder while it serves 备份", saved, example)
    folder(save, "node", "the node's folder")
    folder(save, "into", "a new folder; only its owner can read it")
    sealed = "keys too, sealed under the passphrase in the file YANMEN_PASSPHRASE_FILE, in YANMEN_PASSPHRASE, or typed"
    save.add_argument("--with-keys", action="store_true", help=sealed)
    big = "sealed snapshots too, which can be large; without them, publish again"
    save.add_argument("--with-snapshots", action="store_true", help=big)
    example = "yanmen node restore /media/backup/health-2026-11-22 health"
    back = command(here, "restore", "put a copy back, and ask the witnesses 恢复", restored, example)
    folder(back, "backup", "the folder that `node backup` wrote")
    folder(back, "node", "where the node's folder goes: new, or holding its key files and no ledger")
    why = "without a witness in node.toml nobody can say what the copy lacks: why it is taken all the same"
    back.add_argument("--unwitnessed", metavar="WHY", help=f"{why}; it stands in the log")
    back.add_argument("--by", metavar="PERSON", help="who decided that; it stands in the log")
    node_looker.declare(here)


def saved(arguments: argparse.Namespace) -> Result:
    """Copy the folder."""
    from yanmen.node import backup

    passphrase = keys.passphrase(arguments.into, sealed=False) if arguments.with_keys else ""
    extent = backup.Extent(passphrase, arguments.with_snapshots)
    made = backup.save(arguments.node, arguments.into, extent, SystemRandomness())
    size = sum(file.size for file in made.files.values())
    lacks = [] if arguments.with_keys else [*backup.KEYS]
    text = f"{len(made.files)} files, {size} bytes in {arguments.into}"
    text += f"\nwithout 不含: {', '.join(lacks)}; keep them elsewhere 请另行保管" if lacks else ""
    fields = {"into": str(arguments.into), "files": sorted(made.files), "bytes": size, "head": made.head}
    return Result(text + next_step("yanmen", "node", "restore", arguments.into, "NODE"), fields)


def restored(arguments: argparse.Namespace) -> Result:
    """Put a copy back; a folder that lags behind its witnesses is told what alone can be done."""
    from yanmen.node import backup
    from yanmen.node.holder import CONFIG

    given = (arguments.unwitnessed or "").strip(), (arguments.by or "").strip()
    if any(given) and not all(given):
        raise UsageProblem("--unwitnessed and --by go together, and must say something")
    taken = backup.Unwitnessed(given[1], given[0]) if all(given) else None
    try:
        done = backup.restore(arguments.backup, arguments.node, taken)
    except Fault as fault:
        if fault.code is FaultCode.LOG_BEHIND and (arguments.node / CONFIG).exists():
            words = ("yanmen", "node", "succeed", arguments.node, "--reason", "…")
            hint = next_step(*words, note="the one way on: a successor that declares the gap 唯一途径：声明缺失并续建")
            raise Fault(fault.code, f"{fault.note}; it does not serve 该节点不会启动{hint}") from fault
        raise
    text = f"{done.head.origin}: {done.head.size} leaves 叶"
    if passphrases.is_sealed(regular_file.read(arguments.node / SIGNING_KEY, keys.FILE_BYTES_MAX)):
        sealed = (
            "the keys are sealed under the backup's passphrase, which the service needs too, or 密钥仍加密，或先解密"
        )
        text += next_step("yanmen", "node", "unseal-keys", arguments.node, note=sealed)
    text += next_step("yanmen", "check", "node", arguments.node)
    fields = {"origin": done.head.origin, "size": done.head.size}
    fields |= {"incident": None if done.incident is None else done.incident.index}
    return Result(text, fields)
