"""`yanmen receipts cose` and `yanmen verify-cose`: proofs of the log as COSE Receipts (RFC 9942)."""

import argparse
from pathlib import Path

from yanmen.cli import given
from yanmen.cli.grammar import Parser, command, existing, file, folder, whole
from yanmen.cli.output import Result, UsageProblem, next_step
from yanmen.crypto import documents
from yanmen.crypto.signatures import BadSignature
from yanmen.formats import note
from yanmen.formats.malformed import Malformed
from yanmen.formats.merkle import BadProof
from yanmen.model.refusal import Detail, Reason, Refused
from yanmen.verify import cose


def declare(here: "argparse._SubParsersAction[Parser]") -> None:
    """Add the export to the group `receipts`."""
    example = "yanmen receipts cose health health-cose --index 17"
    export = command(here, "cose", "write COSE Receipts (RFC 9942) 导出 COSE 回执", exported, example)
    folder(export, "node", "the node's folder")
    folder(export, "target", "a new folder for the receipts and the leaves they are of")
    export.add_argument("--index", type=whole, action="append", default=[], help="only this leaf; may be repeated")
    grown = "also prove that the log grew out of its first so many leaves (an older checkpoint's size)"
    export.add_argument("--since", type=whole, metavar="SIZE", help=grown)


def declare_check(commands: "argparse._SubParsersAction[Parser]") -> None:
    """Add the check for who holds such a receipt."""
    example = (
        "yanmen verify-cose health-cose/00000017.cose --leaf health-cose/00000017.jws"
        " --register space/register.jws --space-key space/space.vkey"
    )
    check = command(commands, "verify-cose", "check a COSE Receipt offline 核验 COSE 回执", verified, example)
    file(check, "receipt", "the .cose file")
    of = check.add_mutually_exclusive_group(required=True)
    of.add_argument("--leaf", type=existing, help="the leaf it must be of")
    of.add_argument("--checkpoint", type=existing, help="the older checkpoint that the log must have grown out of")
    check.add_argument("--register", type=existing, required=True, help="the space's register, which names the keys")
    check.add_argument("--space-key", type=existing, required=True, help="space.vkey from the space operator")


def exported(arguments: argparse.Namespace) -> Result:
    """Sign and write the receipts."""
    from yanmen.node.holder import open_holder

    target: Path = arguments.target
    if target.exists():
        raise UsageProblem(f"{target} exists; name a new folder")
    with open_holder(arguments.node) as holder:
        ledger = holder.ledger
        size, files = ledger.size(), dict[str, bytes]()
        try:
            for index in arguments.index or range(size):
                files[f"{index:08}.cose"] = ledger.cose_inclusion(index)
                files[f"{index:08}.jws"] = ledger.leaf(index)
            if arguments.since is not None:
                files[f"since-{arguments.since}.cose"] = ledger.cose_growth(arguments.since)
        except BadProof as error:
            raise UsageProblem(f"the log has {size} leaves: {error}") from error
    target.mkdir()
    for name, data in files.items():
        (target / name).write_bytes(data)
    names = sorted(name for name in files if name.endswith(".cose"))
    text = f"{len(names)} in {target}" + next_step("yanmen", "verify-cose", "--help")
    return Result(text, {"folder": str(target), "receipts": names, "size": size})


def verified(arguments: argparse.Namespace) -> Result:
    """Check one receipt against the leaf or the older head it is of."""
    data = given.read(arguments.receipt)
    try:
        space = note.decode_key(given.read_text(arguments.space_key)).public
        members = documents.open_register(given.read(arguments.register, documents.REGISTER_BYTES_MAX), space)
        if arguments.leaf is not None:
            said = cose.verify_included(data, given.read(arguments.leaf), members)
        else:
            said = cose.verify_grown(data, given.read(arguments.checkpoint, note.BYTES_MAX), members)
    except (Malformed, BadSignature, BadProof) as error:
        hint = Detail(str(arguments.receipt), hint_en=f"Not proven: {error}.", hint_zh="不成立。")
        raise Refused(Reason.SIGNATURE_INVALID, hint) from error
    lines = [f"{name}: {value}" for name, value in said.items()]
    return Result("\n".join(["VALID 成立", *lines]), {"valid": True, **said})
