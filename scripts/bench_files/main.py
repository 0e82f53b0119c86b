"""Ratios of what the node adds; every pair is measured by turns in one run."""

import argparse
import json
import sys
import tempfile
from dataclasses import asdict
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from bench_files import books, jobs, questions
from bench_files.place import built
from bench_files.samples import Ratio


def main() -> int:
    """Measure, print, and return 0."""
    parser = argparse.ArgumentParser(prog="scripts/bench", description=__doc__)
    parser.add_argument("--rows", type=int, default=500_000, help="rows of the table asked (500000)")
    parser.add_argument("--repeat", type=int, default=5, help="samples of each (5)")
    parser.add_argument("--json", action="store_true", help="print one JSON document")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="yanmen-bench-") as folder, built(Path(folder), arguments.rows) as place:
        ratios = [
            *jobs.measured(place, arguments.repeat),
            *questions.measured(place, arguments.repeat),
            books.measured(place, arguments.repeat),
        ]
    if arguments.json:
        rounded = [{**asdict(each), "wall": round(each.wall, 3), "cpu": round(each.cpu, 3)} for each in ratios]
        print(json.dumps(rounded, indent=2))
    else:
        show(ratios, arguments.rows)
    return 0


def show(ratios: list[Ratio], rows: int) -> None:
    """Print one line for each ratio, as a table of docs/PERFORMANCE.md."""
    print(f"{rows:,} rows; medians in milliseconds\n")
    print("| what the node does | held against | ours | theirs | ratio | CPU ratio |\n|---|---|---:|---:|---:|---:|")
    for each in ratios:
        times = f"{each.ours.wall_ms:.1f} | {each.theirs.wall_ms:.1f}"
        print(f"| {each.name} | {each.peer} | {times} | {each.wall:.2f} | {each.cpu:.2f} |")


if __name__ == "__main__":
    sys.exit(main())
