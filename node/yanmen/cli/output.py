"""What a command prints and how it ends: text for a person, one JSON document with `--json`.

Exit codes: 0 done, 1 refused, 2 usage, 3 the node failed.
"""

import argparse
import json
import os
import shlex
import sys
import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any, TextIO

from yanmen.formats.malformed import Malformed
from yanmen.model.refusal import Fault, FaultCode, Refused
from yanmen.wire import messages

DONE, REFUSED, USAGE, FAILED = 0, 1, 2, 3

Fields = Mapping[str, Any]


class UsageProblem(Exception):
    """The command line does not make sense; the text says what to write instead."""


class Negative(Exception):
    """The command did its work and the verdict is no (a failed verification): exit code 1."""

    def __init__(self, result: "Result") -> None:
        """Hold the `result` to print."""
        self.result = result
        super().__init__(result.text)


@dataclass(frozen=True, slots=True)
class Result:
    """What a command did: `text` for a person, `fields` for `--json`."""

    text: str
    fields: Fields


Command = Callable[[argparse.Namespace], Result]


def plain(value: Any) -> Any:  # noqa: ANN401 - json's own fallback hook is untyped
    """Turn what JSON does not know into what it does: enums by value, bytes as hex, the rest as text."""
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, bytes):
        return value.hex()
    return str(value)


def run(command: Command, arguments: argparse.Namespace) -> int:
    """Run `command`, print its result or its refusal, and return the exit code."""
    as_json = bool(getattr(arguments, "json", False))
    try:
        _print(command(arguments), as_json=as_json)
    except Negative as verdict:
        _print(verdict.result, as_json=as_json)
        return REFUSED
    except UsageProblem as problem:
        _complain({"error": "USAGE", "message": str(problem)}, f"yanmen: {problem}", as_json=as_json)
        return USAGE
    except Malformed as problem:
        where = " ".join(getattr(arguments, word, None) or "" for word in ("group", "command")).strip()
        text = f"yanmen: {problem}\nSee 详见: yanmen {where} --help"
        _complain({"error": "USAGE", "message": str(problem)}, text, as_json=as_json)
        return USAGE
    except Refused as refusal:
        _complain(refusal_fields(refusal), refusal_text(refusal), as_json=as_json)
        return REFUSED
    except Fault as fault:
        note = {"error": "FAULT", "code": fault.code.value, "message": fault.note}
        advice = f"\n  {fault.advice}" if fault.advice else ""
        text = f"the node failed 节点故障: {fault.code.value} {fault.note}{advice}"
        _complain(note, text, as_json=as_json)
        return FAILED
    except OSError as error:
        note = {"error": "FAULT", "code": FaultCode.STORAGE.value, "message": error.strerror or ""}
        where = f" {error.filename}" if error.filename else ""
        _complain(note, f"cannot use 无法访问{where}: {error.strerror or 'input or output error'}", as_json=as_json)
        return FAILED
    except Exception as error:  # noqa: BLE001 - the edge: a defect of ours still ends with code 3, and says where
        traceback.print_exc()
        note = {"error": "FAULT", "code": FaultCode.INTERNAL.value, "message": type(error).__name__}
        _complain(note, f"a defect of this program 程序缺陷: {type(error).__name__}", as_json=as_json)
        return FAILED
    return DONE


def refusal_fields(refusal: Refused) -> dict[str, Any]:
    """Return the refusal as JSON fields."""
    detail = refusal.detail
    fields: dict[str, Any] = {"error": "REFUSED", "reason": refusal.reason.value, "subject": detail.subject}
    fields |= {"line": detail.line, "column": detail.column, "clauses": list(detail.clauses)}
    text = messages.TEXTS[refusal.reason]
    fields |= {"message_en": text.en, "message_zh": text.zh}
    fields |= {"hint_en": detail.hint_en, "hint_zh": detail.hint_zh, "instead": list(detail.instead)}
    receipt = refusal.receipt
    fields["receipt"] = None if receipt is None else {"index": receipt.index}
    return fields


def refusal_text(refusal: Refused) -> str:
    """Return the refusal for a person: reason, place, next step, and what would be answered."""
    detail = refusal.detail
    column = f", column {detail.column}" if detail.column else ""
    where = f" at line {detail.line}{column}" if detail.line else ""
    lines = [f"refused 拒绝: {refusal.reason.value} {detail.subject}{where}".rstrip()]
    lines += [f"  {text}" for text in messages.localised(refusal.reason, detail)]
    lines += [f"  - {clause}" for clause in detail.clauses]
    if detail.instead:
        lines.append("  These can be answered 可改问:")
        lines += [f"    {question}" for question in detail.instead]
    if refusal.receipt is not None:
        lines.append(f"  receipt 回执: no. {refusal.receipt.index}")
    return "\n".join(lines)


def next_step(*words: object, note: str = "") -> str:
    """Return the line that says what to run next; words in capitals stand for what only the reader knows."""
    return f"\nnext 下一步: {shlex.join(map(str, words))}" + (f"\n  {note}" if note else "")


def say(text: str, stream: TextIO) -> None:
    """Print `text`; a reader who closed the pipe (`| head`) has read enough, and the verdict stays what it was."""
    try:
        print(text, file=stream, flush=True)
    except BrokenPipeError:
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, stream.fileno())  # what is still buffered is flushed when Python ends
        os.close(nowhere)


def _print(result: Result, *, as_json: bool) -> None:
    if as_json:
        say(json.dumps(result.fields, ensure_ascii=False, default=plain), sys.stdout)
    elif result.text:
        say(result.text, sys.stdout)


def _complain(fields: Fields, text: str, *, as_json: bool) -> None:
    if as_json:
        say(json.dumps(fields, ensure_ascii=False, default=plain), sys.stdout)
    else:
        say(text, sys.stderr)
