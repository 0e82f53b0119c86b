"""`yanmen node rotate`, `revoke`, `seal-keys`, `unseal-keys`: what becomes of a node's keys."""

import argparse

from yanmen import enrolment
from yanmen.cli.grammar import Parser, command, folder
from yanmen.cli.output import Result, UsageProblem, next_step
from yanmen.crypto import keys
from yanmen.crypto.system import SystemRandomness
from yanmen.model.party import KeyEnd, KeyUse

_USES = (KeyUse.RECEIPT, KeyUse.LOG)
_DONE = {KeyEnd.ROTATED: "rotated 已更换", KeyEnd.REVOKED: "revoked 已吊销"}


def declare(here: "argparse._SubParsersAction[Parser]") -> None:
    """Add the commands about keys to the group `node`."""
    declare_exchange(here, "node", "health")
    example = "yanmen node seal-keys health"
    seal = command(here, "seal-keys", "seal key files under a passphrase 加密密钥文件", sealed, example)
    folder(seal, "node", "the folder of a node, member or space")
    example = "yanmen node unseal-keys health"
    plain = command(here, "unseal-keys", "write key files as they were 解密密钥文件", unsealed, example)
    folder(plain, "node", "the folder of a node, member or space")


def declare_exchange(here: "argparse._SubParsersAction[Parser]", kind: str, name: str) -> None:
    """Add the commands that end a key to the group `kind`; `name` is the folder of its examples."""
    example = f"yanmen {kind} rotate {name} receipt --by 张某 --reason 年度更换"
    rotate = command(here, "rotate", "begin the next receipt or log key 更换密钥", rotated, example)
    _which_key(rotate, kind, "it signs its own exchange, and nothing after that")
    example = f"yanmen {kind} revoke {name} log --by 张某 --reason '密钥文件可能已泄露'"
    end = command(
        here, "revoke", "end a key that may have been copied, or whose file is gone 吊销密钥", revoked, example
    )
    _which_key(end, kind, "it signs nothing more, not even its end")


def _which_key(parser: Parser, kind: str, what: str) -> None:
    folder(parser, "node", f"the {kind}'s folder; it must not serve meanwhile")
    parser.add_argument("key", choices=[use.value for use in _USES], help=f"which key ends: {what}")
    parser.add_argument("--by", required=True, metavar="NAME", help="who decided it; it stands in the log")
    parser.add_argument("--reason", required=True, help="why; it stands in the log")


def rotated(arguments: argparse.Namespace) -> Result:
    """Exchange a key that can still sign its own end."""
    return _exchanged(arguments, KeyEnd.ROTATED)


def revoked(arguments: argparse.Namespace) -> Result:
    """Exchange a key that is not believed any more."""
    return _exchanged(arguments, KeyEnd.REVOKED)


def _exchanged(arguments: argparse.Namespace, end: KeyEnd) -> Result:
    from yanmen.node import rotation

    if not arguments.by.strip() or not arguments.reason.strip():
        raise UsageProblem("--by and --reason must say something; both stand in the log")
    use = KeyUse(arguments.key)
    done = rotation.exchange(arguments.node, use, end, arguments.by, arguments.reason)
    kid = keys.thumbprint(done.public)
    how = "was exchanged before, the space has not signed it yet 此前已更换，待空间登记" if done.again else _DONE[end]
    text = f"{use.value} key {how}: receipt 回执 no. {done.index}, new key 新密钥 {kid}"
    text += next_step("yanmen", "space", "sign", "SPACE", done.path, note="then copy the register 随后分发名册")
    fields = {"index": done.index, "kid": kid, "use": use.value, "exchange": str(done.path), "again": done.again}
    return Result(text, fields)


def sealed(arguments: argparse.Namespace) -> Result:
    """Seal the folder's key files."""
    given = keys.passphrase(arguments.node, sealed=False)
    names = enrolment.seal_keys(arguments.node, given, SystemRandomness())
    return Result(f"sealed 已加密: {', '.join(names) or '-'}", {"sealed": list(names)})


def unsealed(arguments: argparse.Namespace) -> Result:
    """Write the folder's key files unsealed."""
    names = enrolment.unseal_keys(arguments.node, keys.passphrase(arguments.node))
    return Result(f"unsealed 已解密: {', '.join(names) or '-'}", {"unsealed": list(names)})
