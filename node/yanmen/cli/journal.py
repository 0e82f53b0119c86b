"""What is typed at a node's host is logged (运维日志): who, from where, which command, about what, how it ended."""

import argparse
import os
import pwd
import sys
from pathlib import Path

from yanmen import regular_file
from yanmen.crypto.system import SystemClock
from yanmen.ledger.daybook import COMMANDS, Daybook
from yanmen.model.refusal import Fault

_NODE = "node.toml"
_ABOUT = ("id", "target", "account", "member", "dataset", "contract", "job", "objection", "incident", "product", "name")
"""Arguments that say what a command is about: ids and short names, never what was asked or written."""
_ABOUT_MAX = 64


def note(arguments: argparse.Namespace, code: int) -> None:
    """Log a command that named a node's folder; one who may not write there changed nothing there either."""
    for folder in _folders(arguments):
        words = " ".join(str(getattr(arguments, word, None) or "") for word in ("group", "command")).strip()
        entry = {"who": _who(), "address": _address(), "command": words, "about": _about(arguments), "code": code}
        try:
            Daybook(folder, COMMANDS, SystemClock(), _days(folder)).write(entry)
        except Fault as fault:
            print(f"not logged 未记入运维日志: {fault.note}", file=sys.stderr)


def _folders(arguments: argparse.Namespace) -> list[Path]:
    given = getattr(arguments, "node", None)
    named = given if isinstance(given, list) else [given]
    return [path for path in named if isinstance(path, Path) and (path / _NODE).is_file()]


def _days(folder: Path) -> int:
    from yanmen.formats import config, toml_lines

    try:
        return config.decode(regular_file.read(folder / _NODE, toml_lines.BYTES_MAX + 1)).log_days
    except (Fault, OSError):
        return 0  # as long as must be


def _who() -> str:
    """Return the account of the host, and whose it was before `sudo`."""
    try:
        name = pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        name = str(os.getuid())
    before = os.environ.get("SUDO_USER", "")
    return f"{name} (sudo {before[:64]})" if before else name


def _address() -> str:
    """Return where the account came from, as the SSH server says it; "" at the host itself."""
    return os.environ.get("SSH_CONNECTION", "").partition(" ")[0][:64]


def _about(arguments: argparse.Namespace) -> str:
    for name in _ABOUT:
        value = getattr(arguments, name, None)
        if isinstance(value, str) and value:
            return value[:_ABOUT_MAX]
    return ""
