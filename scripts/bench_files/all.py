"""Every figure that the documents claim, one command after the other; writes the marked part of docs/PERFORMANCE.md.

scripts/bench                     all of it: hours on an idle machine; begins where it was interrupted
scripts/bench --quick             smaller samples, under half an hour: for a look, it changes no document
scripts/bench --only wire,proofs  some of it; the lines of the others stay as they were measured
scripts/bench --again             measures anew what was measured at this commit

What each printed lies below .bench/, with plots (.bench/plots/*.svg); nothing of it is committed but the table.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from bench_files import machine, measured
from bench_files.figures import FIGURES, LONG, Figure
from bench_files.measured import Line

ROOT = Path(__file__).resolve().parents[2]
KEPT = ROOT / ".bench"
PAGE = ROOT / "docs" / "PERFORMANCE.md"


def main() -> int:
    """Measure what is not measured yet, write, plot; return 1 when a figure ended badly."""
    parser = argparse.ArgumentParser(
        prog="scripts/bench", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--quick", action="store_true", help="smaller samples; the document is left alone")
    parser.add_argument("--only", default="", metavar="NAMES", help="some figures, by name, with commas")
    parser.add_argument("--again", action="store_true", help="measure anew what was measured at this commit")
    arguments = parser.parse_args()
    named = set(filter(None, arguments.only.split(",")))
    left_out = LONG if arguments.quick and not named else frozenset[str]()
    chosen = [figure for figure in FIGURES if figure.name not in left_out and (not named or figure.name in named)]
    strange = named - {figure.name for figure in FIGURES}
    if strange:
        parser.error(f"no figure is called {', '.join(sorted(strange))}")
    folder = KEPT / f"{machine.commit(ROOT)}{'-quick' if arguments.quick else ''}"
    if arguments.again:
        for figure in chosen:
            (folder / f"{figure.name}.json").unlink(missing_ok=True)
    folder.mkdir(parents=True, exist_ok=True)
    failed = [figure.name for place, figure in enumerate(chosen) if not taken(figure, folder, (place, len(chosen)))]
    full = [path for path in KEPT.iterdir() if path.is_dir() and not path.name.endswith(("-quick", "plots"))]
    runs = measured.collected([folder] if arguments.quick else full, FIGURES)
    lines = [line for run in runs for line in run.lines]
    measured.plot(lines, KEPT / "plots")
    print(f"{len(lines)} lines, {sum(line.met is False for line in lines)} bars missed; plots in {KEPT / 'plots'}")
    for line in lines:
        if line.met is False:
            print(f"  missed: {line.what}: {line.figure}, bar {line.bar}")
    if not arguments.quick:
        machine.replace_marked(PAGE, measured.section(runs, machine.description()))
        print(f"wrote the marked part of {PAGE.relative_to(ROOT)}")
    if failed:
        print(f"ended badly, run again to try them again: {', '.join(failed)}")
    return int(bool(failed))


def taken(figure: Figure, folder: Path, place: tuple[int, int]) -> bool:
    """Measure one figure unless that was done, keep what it printed, and say whether it ended well."""
    kept = folder / f"{figure.name}.json"
    number, total = place
    where = f"[{number + 1}/{total}] {figure.name}"
    if kept.exists():
        print(f"{where}: measured before", flush=True)
        return True
    arguments = figure.quick if folder.name.endswith("-quick") else figure.full
    shown = " ".join(("scripts/bench", figure.name, *arguments))
    print(f"{where}: {shown}", flush=True)
    began = time.monotonic()
    printed = run(figure, arguments)
    seconds = time.monotonic() - began
    if printed is None:
        print(f"{where}: did not finish after {seconds:.0f} s", flush=True)
        return False
    said = {
        "command": shown,
        "date": datetime.now(UTC).date().isoformat(),
        "seconds": round(seconds),
        "load": round(os.getloadavg()[0], 1),
        "printed": printed,
    }
    part = kept.with_suffix(".part")
    part.write_text(json.dumps(said, ensure_ascii=False, indent=1), encoding="utf-8")
    part.rename(kept)
    print(f"{where}: {len(Line.read_all(figure, said))} lines in {seconds:.0f} s", flush=True)
    return True


def run(figure: Figure, arguments: tuple[str, ...]) -> str | None:
    """Run the figure's command, its lines shown as they come; None when it broke.

    Code 1 says that a bar was missed, which is a measurement like any other. Under `chrt` where that is allowed,
    and the figure asks for it: other work on the machine then waits.
    """
    file = ROOT / "scripts" / "bench_files" / f"{figure.name.replace('-', '_')}.py"
    words = [sys.executable, str(file), *arguments]
    if (
        figure.alone
        and shutil.which("chrt")
        and subprocess.run(["chrt", "-r", "1", "true"], check=False).returncode == 0
    ):
        words = ["chrt", "-r", "1", *words]
    lines: list[str] = []
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True, cwd=ROOT) as process:
        if process.stdout is None:
            return None
        for line in process.stdout:
            lines.append(line)
            print(f"    {line.rstrip()}", flush=True)
    return "".join(lines) if process.returncode in (0, 1) and lines else None


if __name__ == "__main__":
    sys.exit(main())
