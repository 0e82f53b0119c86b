"""Every figure that the documents claim, one command after the other; writes the tables of docs/PERFORMANCE.md.

scripts/bench                     all of it: hours on an idle machine; begins where it was interrupted at this commit
scripts/bench --resume            the same in pieces, over days: leaves out what was measured here at any commit
scripts/bench --quick             smaller samples, under half an hour: for a look, it changes no document
scripts/bench --only wire,proofs  some of it; the lines of the others stay as they were measured
scripts/bench --again             measures anew what was measured at this commit
scripts/bench --took wire FILE    takes up what `scripts/bench wire --only …` printed into FILE, line by line;
                                  with --instead WORDS lines that begin with them go first: they are said otherwise now
scripts/bench --compose           measures nothing: writes the tables from docs/performance.json and .bench/

What each printed lies below .bench/, with plots (.bench/plots/*.svg). docs/performance.json has the last of each with
its day, and the tables of docs/PERFORMANCE.md are made of nothing else.
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

from bench_files import machine, measured, page
from bench_files.figures import FIGURES, LONG, Figure
from bench_files.measured import Line

ROOT = Path(__file__).resolve().parents[2]
KEPT = ROOT / ".bench"
PAGE = ROOT / "docs" / "PERFORMANCE.md"
RESULTS = ROOT / "docs" / "performance.json"


def main() -> int:
    """Measure what is not measured yet, write, plot; return 1 when a figure ended badly."""
    arguments = asked()
    if arguments.took:
        return took(*arguments.took, arguments.instead)
    folder = KEPT / f"{machine.commit(ROOT)}{'-quick' if arguments.quick else ''}"
    folder.mkdir(parents=True, exist_ok=True)
    chosen = selected(arguments)
    if arguments.again:
        for figure in chosen:
            (folder / f"{figure.name}.json").unlink(missing_ok=True)
    failed = [figure.name for place, figure in enumerate(chosen) if not taken(figure, folder, (place, len(chosen)))]
    runs = measured.collected([folder] if arguments.quick else complete(), FIGURES)
    tell([line for run in runs for line in run.lines] if arguments.quick else published(runs))
    if failed:
        print(f"ended badly, run again to try them again: {', '.join(failed)}")
    return int(bool(failed))


def asked() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        prog="scripts/bench", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--quick", action="store_true", help="smaller samples; the document is left alone")
    parser.add_argument("--only", default="", metavar="NAMES", help="some figures, by name, with commas")
    parser.add_argument("--again", action="store_true", help="measure anew what was measured at this commit")
    parser.add_argument("--resume", action="store_true", help="leave out what was measured here at any commit")
    parser.add_argument("--compose", action="store_true", help="measure nothing, write the tables")
    parser.add_argument("--took", nargs=2, metavar=("NAME", "FILE"), help="take up what a command printed into a file")
    parser.add_argument("--instead", default="", metavar="WORDS", help="what lines that it replaces begin with")
    arguments = parser.parse_args()
    if arguments.instead and not arguments.took:
        parser.error("--instead goes with --took")
    strange = set(filter(None, arguments.only.split(","))) - {figure.name for figure in FIGURES}
    if strange:
        parser.error(f"no figure is called {', '.join(sorted(strange))}")
    return arguments


def selected(arguments: argparse.Namespace) -> list[Figure]:
    """Return the figures to measure."""
    if arguments.compose:
        return []
    named = set(filter(None, arguments.only.split(",")))
    left_out = LONG if arguments.quick and not named else frozenset[str]()
    chosen = [figure for figure in FIGURES if figure.name not in left_out and (not named or figure.name in named)]
    if not arguments.resume or arguments.quick:
        return chosen
    there = {path.stem for folder in complete() for path in folder.glob("*.json")}
    return [figure for figure in chosen if figure.name not in there]


def tell(lines: list[Line]) -> None:
    """Plot, and say which bars were missed."""
    measured.plot(lines, KEPT / "plots")
    print(f"{len(lines)} lines, {sum(line.met is False for line in lines)} bars missed; plots in {KEPT / 'plots'}")
    for line in lines:
        if line.met is False:
            print(f"  missed: {line.what}: {line.figure}, bar {line.bar}")


def complete() -> list[Path]:
    """Return the folders of results that were not for a look."""
    return [path for path in KEPT.iterdir() if path.is_dir() and not path.name.endswith(("-quick", "plots"))]


def published(runs: list[measured.Run]) -> list[Line]:
    """Put what was measured here later than what is kept in its place, write the tables, and return all their lines."""
    results = page.read(RESULTS)
    for run in runs:
        name = str(run.said["command"]).split()[1]
        if name not in results or run.said.get("at", "") > results[name].get("at", ""):
            results[name] = {**page.result(run.said), "at": run.said.get("at", "")}
    write(results)
    return measured.lines_of(results)


def write(results: dict[str, page.Result]) -> None:
    """Write the results and the page that is made of them."""
    page.write(RESULTS, results)
    order = [figure.name for figure in FIGURES]
    PAGE.write_text(page.composed(PAGE.read_text(encoding="utf-8"), results, order), encoding="utf-8")
    print(f"wrote {RESULTS.relative_to(ROOT)} and the tables of {PAGE.relative_to(ROOT)}")


def took(name: str, file: str, instead: str = "") -> int:
    """Take up what `scripts/bench NAME` printed into a file, the last of each line; drop what begins `instead`."""
    if name not in {figure.name for figure in FIGURES}:
        raise SystemExit(f"no figure is called {name}")
    source = Path(file)
    at = datetime.fromtimestamp(source.stat().st_mtime, UTC)
    said = {
        "command": f"scripts/bench {name}",
        "date": at.date().isoformat(),
        "load": None,
        "machine": machine.description(),
        "printed": source.read_text(encoding="utf-8"),
    }
    new = page.result(said)
    if not new["tables"] and not new["text"]:
        raise SystemExit(f"{file} is empty")
    results = page.read(RESULTS)
    before = page.without(results.get(name), instead) if instead else results.get(name)
    results[name] = {**page.merged(before, new), "at": at.isoformat()}
    write(results)
    return 0


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
        "at": datetime.now(UTC).isoformat(),
        "load": round(os.getloadavg()[0], 1),
        "machine": machine.description(),
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
