"""How commands are declared: every one has examples, `--json`, and one handler."""

import argparse
import re
import shlex
import sys
from collections.abc import Callable
from datetime import date, datetime, time, timedelta, timezone
from pathlib import Path
from typing import NoReturn

from typing_extensions import override

from yanmen.cli.output import Result, UsageProblem, say
from yanmen.formats.bill import Period

CIVIL_TIME = timezone(timedelta(hours=8))
"""Days on the command line are those of Chinese civil time."""
YEARS = range(2000, 3000)

WHOLE_DIGITS = 15
"""Signed documents carry no larger numbers."""

_CHOICE = re.compile(r"invalid choice: '(.+)' \(choose from (.+)\)")

Handler = Callable[[argparse.Namespace], Result]


class Parser(argparse.ArgumentParser):
    """A parser that raises instead of exiting, so that `--json` holds for usage errors too."""

    @override
    def print_help(self, file: object = None) -> None:
        """Print the help, also into a pipe that nobody reads to its end."""
        say(self.format_help().rstrip("\n"), sys.stdout)

    @override
    def error(self, message: str) -> NoReturn:
        """Refuse the command line with the usage line as the next step."""
        given = _CHOICE.search(message)
        if given is not None and "'node'" in given[2] and Path(given[1]).is_dir():
            meant = f"{self.prog} node {shlex.quote(given[1])}"
            raise UsageProblem(f"{given[1]} is a folder: did you mean {meant}? 是否指 {meant}？")
        raise UsageProblem(f"{message}\n{self.format_usage().strip()}\nSee 详见: {self.prog} --help")


def group(
    commands: "argparse._SubParsersAction[Parser]", name: str, purpose: str
) -> "argparse._SubParsersAction[Parser]":
    """Add the command group `name` and return where its commands go."""
    parser = commands.add_parser(name, help=purpose, description=purpose)
    return parser.add_subparsers(
        title="commands 命令", dest="command", required=True, metavar="COMMAND", parser_class=Parser
    )


def command(
    commands: "argparse._SubParsersAction[Parser]", name: str, purpose: str, handler: Handler, example: str
) -> Parser:
    """Add the command `name`; `example` is shown by `--help`."""
    parser = commands.add_parser(
        name,
        help=purpose,
        description=purpose,
        epilog=f"example 示例:\n  {example}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--json", action="store_true", help="print one JSON document instead of text")
    parser.set_defaults(handler=handler)
    return parser


def folder(parser: Parser, name: str, purpose: str) -> None:
    """Add a positional folder."""
    parser.add_argument(name, type=Path, metavar=name.upper(), help=purpose)


def file(parser: Parser, name: str, purpose: str) -> None:
    """Add a positional file that must exist when the command runs."""
    parser.add_argument(name, type=existing, metavar=name.upper(), help=purpose)


def whole(text: str) -> int:
    """Return `text` as a whole number, 0 or more."""
    if not (text.isascii() and text.isdigit() and len(text) <= WHOLE_DIGITS):
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number, 0 or more 须为非负整数")
    return int(text)


def existing(text: str) -> Path:
    """Return `text` as the path of an existing file."""
    path = Path(text)
    if not path.is_file():
        raise argparse.ArgumentTypeError(f"{text} is not a file")
    return path


def space_key(parser: Parser) -> None:
    """Add the option every auditor's command takes."""
    parser.add_argument(
        "--space-key", type=existing, help="space.vkey from the space operator, got another way than the bundle"
    )


def bundle(path: Path) -> Path:
    """Return `path`, which must be a folder."""
    if not path.is_dir():
        raise UsageProblem(f"{path} is not a folder")
    return path


def day(text: str) -> date:
    """Return the calendar day `text`, written 2026-01-31."""
    try:
        value = date.fromisoformat(text)
    except ValueError:
        value = date.min
    if value.isoformat() != text or value.year not in YEARS:
        raise argparse.ArgumentTypeError(f"{text} is not a day written like 2026-01-31")
    return value


def day_of(moment_ms: int) -> str:
    """Return the calendar day and minute of a moment, in Chinese civil time (UTC+8)."""
    return datetime.fromtimestamp(moment_ms / 1000, CIVIL_TIME).strftime("%Y-%m-%d %H:%M")


def moment(text: str) -> int:
    """Return the Unix second of a time written with its offset, 2026-11-22T15:30:00+08:00."""
    try:
        value: datetime | None = datetime.fromisoformat(text)
    except ValueError:
        value = None
    if value is None or value.tzinfo is None or value.microsecond or value.year not in YEARS:
        raise argparse.ArgumentTypeError(f"{text} is not a time written like 2026-11-22T15:30:00+08:00")
    return int(value.timestamp())


def period(first: date, last: date) -> Period:
    """Return the time from the beginning of `first` to the end of `last`, in Chinese civil time (UTC+8)."""
    if last < first:
        raise UsageProblem("--to is before --from")
    start, end = (datetime.combine(each, time(), CIVIL_TIME) for each in (first, last + timedelta(days=1)))
    return Period(int(start.timestamp()), int(end.timestamp()))
