"""10,000 fuzzed questions: does anything that comes back, or is logged, hold a planted value or a name not granted?"""

import argparse
import base64
import contextlib
import io
import json
import logging
import re
import sys
import tempfile
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from itertools import islice
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from bench_files.attack_place import Asker, Table, opened
from yanmen.model.refusal import Fault, Reason, Refused
from yanmen.wire import errors

from tests.attacks.fuzzed import statements

CANARY = "CANARY7Q"
"""In every unit id, in wards outside their domain, in the hidden column's values and in its name."""
UNGRANTED, ELSEWHERE = "qungranted", "qotherset"
FORBIDDEN = re.compile(f"{CANARY}|{UNGRANTED}|{ELSEWHERE}", re.IGNORECASE)
SPEC = f"""
class = "personal"
subject_space = "person"
rows_per_unit = 2
groups_per_unit = 2
rows_upto = 2000

[columns.id]
type = "text"
role = "unit"

[columns.ward]
type = "text"
role = "key"
domain = ["north", "south"]

[columns.cost]
type = "decimal"
role = "measure"
scale = 2
lower = 0
upper = 100

[columns.{UNGRANTED}]
type = "integer"
role = "measure"
lower = 0
upper = 9

[columns.{CANARY.lower()}_note]
role = "hidden"
"""


def tables() -> list[Table]:
    """Return the table asked about, and one that no contract opens."""
    names = ("id", "ward", "cost", UNGRANTED, f"{CANARY.lower()}_note")
    rows = [
        (f"{CANARY}u{n // 2}", ("north", f"{CANARY}w{n}")[n % 3 == 0], f"{n % 100}.5", n % 9, f"{CANARY}n{n}")
        for n in range(600)
    ]
    other = Table(ELSEWHERE, SPEC, names, rows, ())
    return [Table("visits", SPEC, names, rows, ("id", "ward", "cost")), other]


def said(asker: Asker, sql: str) -> tuple[str, str]:
    """Ask and return how it ended and everything that came back."""
    try:
        answer = asker.answer(sql, 1_000)
    except Refused as refusal:
        receipt = "" if refusal.receipt is None else refusal.receipt.sdjwt
        status = errors.refusal_status(refusal, "r", inline=True).SerializeToString().decode("utf-8", "replace")
        own = json.dumps(asdict(refusal.detail), ensure_ascii=False)
        return refusal.reason.value, f"{refusal!r} {refusal} {own} {decoded(receipt)} {status}"
    except Fault as fault:
        return "fault " + fault.code.value, f"{fault!r} {fault} {fault.note}"
    except Exception as error:  # noqa: BLE001 - whatever escapes is a finding of its own
        return "escaped " + type(error).__name__, f"{error!r} {error}"
    return (
        "answered",
        f"{answer.rows} {answer.labels} {answer.notice} {answer.mechanism} {decoded(answer.receipt.sdjwt)}",
    )


def decoded(sdjwt: str) -> str:
    """Return what a receipt's parts say."""
    parts = re.split(r"[.~]", sdjwt)
    texts = (base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)) for part in parts if part)
    return " ".join(text.decode("utf-8", "replace") for text in texts)


def main() -> int:
    """Fuzz and print; return 1 when anything was found."""
    parser = argparse.ArgumentParser(prog="scripts/bench fuzz", description=__doc__)
    parser.add_argument("--inputs", type=int, default=10_000, help="statements (10000)")
    arguments = parser.parse_args()
    logged = io.StringIO()
    logging.basicConfig(stream=logged, level=logging.DEBUG, force=True)
    with (
        tempfile.TemporaryDirectory(prefix="yanmen-fuzz-") as folder,
        contextlib.redirect_stderr(logged),
        opened(Path(folder), tables(), 1_000_000_000) as arena,
    ):
        asker = arena.contract(1_000_000_000)
        fuzzed = list(islice(statements(7), arguments.inputs))
        with ThreadPoolExecutor(max_workers=2) as pool:
            ended = list(pool.map(lambda sql: said(asker, sql), fuzzed))
    ways = Counter(way for way, _ in ended)
    leaks = [sql for sql, (_, text) in zip(fuzzed, ended, strict=True) if FORBIDDEN.search(text)]
    leaks += ["(log)"] if FORBIDDEN.search(logged.getvalue()) else []
    escaped = sum(number for way, number in ways.items() if way.startswith(("escaped", "fault")))
    print(f"{len(fuzzed)} statements; ended as " + ", ".join(f"{way} {number}" for way, number in ways.most_common()))
    print(f"\n| texts (answers, refusals, receipts, {len(logged.getvalue())} characters of log) | bar |\n|---:|---:|")
    print(f"| {len(leaks)} hold a planted value or a name that was not granted | 0 |")
    failed = [sql for sql, (way, _) in zip(fuzzed, ended, strict=True) if way == Reason.RUN_FAILED.value]
    print(f"| {len(failed)} statements were accepted, charged and failed at run time | 0 |")
    for sql in (*leaks[:5], *failed[:5]):
        print("  ", repr(sql))
    return int(bool(leaks or escaped or failed))


if __name__ == "__main__":
    sys.exit(main())
