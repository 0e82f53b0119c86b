"""`yanmen account`: accounts of the persons who look at a node's console 用户管理; each change is logged."""

import argparse
import getpass
import os
import stat
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from yanmen import regular_file
from yanmen.cli.grammar import Parser, command, folder, group
from yanmen.cli.output import Result, UsageProblem, next_step
from yanmen.crypto import passwords
from yanmen.crypto.system import SystemRandomness
from yanmen.formats.malformed import Malformed
from yanmen.model.account import Account, AccountRole, AccountStatus

if TYPE_CHECKING:
    from collections.abc import Callable

_BYTES_MAX = 1024


def declare(commands: "argparse._SubParsersAction[Parser]") -> None:
    """Add the commands of this group."""
    here = group(commands, "account", "persons at the console 用户管理: add, suspend, resume, password, remove, list")
    example = "yanmen account add health zhang --name 张某 --role auditor --verified 工作证第17号，窗口核验"
    made = command(here, "add", "register a person whose name was checked 注册", added, example)
    _which(made)
    made.add_argument("--name", required=True, help="the person's real name 实名")
    made.add_argument("--role", required=True, choices=[each.value for each in AccountRole], help="what may be seen")
    made.add_argument("--verified", required=True, metavar="TEXT", help="by what the name was checked 实名核验依据")
    _password(made)
    for name, purpose, handler in (
        ("suspend", "let the account open nothing 停用", suspended),
        ("resume", "let it open again 恢复", resumed),
        ("remove", "take it out 注销", removed),
    ):
        _which(command(here, name, purpose, handler, f"yanmen account {name} health zhang"))
    fresh = command(
        here, "password", "give it another password 重置口令", renewed, "yanmen account password health zhang"
    )
    _which(fresh)
    _password(fresh)
    every = command(here, "list", "print who has one 列出", listed, "yanmen account list health")
    folder(every, "node", "the node's folder")


def _which(parser: Parser) -> None:
    folder(parser, "node", "the node's folder")
    parser.add_argument("account", metavar="ACCOUNT", help="short id, such as zhang")


def _password(parser: Parser) -> None:
    what = f"private file with the password, {passwords.LENGTH_MIN} characters at least; else it is asked for"
    parser.add_argument("--password-file", type=Path, metavar="FILE", help=what)


def added(arguments: argparse.Namespace) -> Result:
    """Register a person."""
    from yanmen.ledger import accounts

    kept = passwords.kept(_given(arguments.password_file), SystemRandomness())
    role = AccountRole(arguments.role)
    made = Account(arguments.account, arguments.name, role, arguments.verified, AccountStatus.ACTIVE, kept)
    try:
        accounts.add(_node(arguments), made)
    except Malformed as error:
        raise UsageProblem(str(error)) from error
    note = next_step("yanmen", "console", arguments.node)
    return Result(f"{made.id}: {role.value}, registered 已注册{note}", _fields(made))


def suspended(arguments: argparse.Namespace) -> Result:
    """Let an account open nothing; open sessions end with the next page."""
    return _changed(arguments, lambda known: replace(known, status=AccountStatus.SUSPENDED))


def resumed(arguments: argparse.Namespace) -> Result:
    """Let an account open again."""
    return _changed(arguments, lambda known: replace(known, status=AccountStatus.ACTIVE))


def renewed(arguments: argparse.Namespace) -> Result:
    """Give an account another password; open sessions end."""
    kept = passwords.kept(_given(arguments.password_file), SystemRandomness())
    return _changed(arguments, lambda known: replace(known, password=kept))


def removed(arguments: argparse.Namespace) -> Result:
    """Take an account out."""
    from yanmen.ledger import accounts

    accounts.remove(_node(arguments), arguments.account)
    return Result(f"{arguments.account}: removed 已注销", {"account": arguments.account, "removed": True})


def listed(arguments: argparse.Namespace) -> Result:
    """Print who has an account."""
    from yanmen.ledger import accounts

    found = accounts.read(_node(arguments)).values()
    lines = [f"{each.id:16} {each.role.value:8} {each.status.value:9} {each.name} ({each.verified})" for each in found]
    return Result(
        "\n".join(lines) or "no accounts: the link opens the console 无账户", {"accounts": list(map(_fields, found))}
    )


def _changed(arguments: argparse.Namespace, change: "Callable[[Account], Account]") -> Result:
    from yanmen.ledger import accounts

    node = _node(arguments)
    known = accounts.read(node).get(arguments.account)
    if known is None:
        raise accounts.unknown(arguments.account)
    fresh = change(known)
    accounts.put(node, fresh)
    return Result(f"{fresh.id}: {fresh.role.value}, {fresh.status.value}", _fields(fresh))


def _node(arguments: argparse.Namespace) -> Path:
    node: Path = arguments.node
    if not (node / "node.toml").is_file():
        raise UsageProblem(f"no node.toml in {node}; name a node's folder")
    return node


def _given(path: Path | None) -> str:
    """Return the password from a private file or the terminal; never from the command line, which others can see."""
    if path is None:
        word = getpass.getpass("password 口令: ")
        if word != getpass.getpass("again 再次输入: "):
            raise UsageProblem("the two are not the same 两次输入不一致")
    else:
        with regular_file.opened(path) as file:
            if stat.S_IMODE(os.fstat(file.fileno()).st_mode) & 0o077:
                raise UsageProblem(f"{path} can be read by others: chmod 600")
            word = file.read(_BYTES_MAX).decode("utf-8", "replace").rstrip("\r\n")
    if not passwords.LENGTH_MIN <= len(word) <= passwords.LENGTH_MAX:
        raise UsageProblem(
            f"a password has at least {passwords.LENGTH_MIN} characters 口令至少 {passwords.LENGTH_MIN} 个字符"
        )
    return word


def _fields(account: Account) -> dict[str, object]:
    return {
        "account": account.id,
        "name": account.name,
        "role": account.role.value,
        "status": account.status.value,
        "verified": account.verified,
    }
