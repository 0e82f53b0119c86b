"""A whole province on this machine: 129 nodes, three aggregators, one question, one verified table."""

import argparse
import json
import resource
import shutil
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from province_files import chart, divisions, insured, settle
from province_files.asking import Asked, Asker
from province_files.serving import Serving

PROCESSES = 3
NODES_EACH = 43
"""Processes of nodes, each with the zygote its jails are forked from; with the aggregators' and this one: eight."""
GROUPS = f"SELECT age, cause, count(*) AS persons, avg(cost) AS mean_cost FROM {insured.NAME} GROUP BY age, cause"
COUNTIES = f"SELECT county, count(*) AS persons, avg(cost) AS mean_cost FROM {insured.NAME} GROUP BY county"
BAR_S = 60.0


def main() -> int:
    """Set up, ask, verify, draw, end; 1 when something is not as it must be."""
    arguments = read_arguments()
    folder = arguments.folder or Path(tempfile.mkdtemp(prefix="yanmen-province-"))
    folder.mkdir(parents=True, exist_ok=True)
    run = Run(folder, arguments.nodes, as_json=arguments.json)
    try:
        run.set_up()
        run.ask()
        run.end()
        return run.finish()
    finally:
        run.serving.stop()
        if arguments.keep or arguments.folder is not None:
            run.say(f"\neverything is in {folder}")
        else:
            shutil.rmtree(folder)


def read_arguments() -> argparse.Namespace:
    """Return the command line."""
    parser = argparse.ArgumentParser(prog="scripts/province", description=__doc__)
    parser.add_argument("--nodes", type=int, default=129, help="how many nodes, the province first (129)")
    parser.add_argument("--json", action="store_true", help="print one JSON document")
    parser.add_argument("--keep", action="store_true", help="leave the folder, with table, chart and evidence")
    parser.add_argument("--folder", type=Path, help="work in this new folder and leave it there")
    found = parser.parse_args()
    if not 2 <= found.nodes <= 129:
        parser.error("--nodes is from 2 to 129")
    return found


@dataclass
class Run:
    """One run: what was measured, and whether it is as it must be."""

    folder: Path
    nodes: int
    as_json: bool
    facts: dict[str, Any] = field(default_factory=dict)
    wrong: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Choose the places."""
        self.divisions = divisions.read()
        self.places = divisions.chosen(self.divisions, self.nodes)
        self.serving = Serving(self.folder)
        self.aliases = [place.alias for place in self.places]
        self.aggregators = [alias for alias, _ in settle.AGGREGATORS]

    def say(self, text: str) -> None:
        """Print for a person only."""
        if not self.as_json:
            print(text, flush=True)

    def told(self, step: str, done: int, of: int) -> None:
        """Show how far a step is."""
        if not self.as_json and (sys.stdout.isatty() or done == of):
            print(f"   {step}: {done}/{of}", end="\n" if done == of else "\r", flush=True)

    def set_up(self) -> None:
        """Make everybody, publish everywhere, serve, agree on contracts."""
        self.say(
            f"{self.nodes} of {len(self.divisions)} nodes: 山西省, its cities and counties; data: {insured.NOTE}\n"
        )
        began = time.monotonic()
        deadline_ms = settle.settled(self.folder, self.divisions, self.places, self.told)
        self.facts |= {"nodes": self.nodes, "deadline_ms": deadline_ms, "made_s": _since(began)}
        began = time.monotonic()
        self.serving.start(self.aliases, self.aggregators, min(PROCESSES, 1 + self.nodes // NODES_EACH))
        self.facts |= {"started_s": _since(began), "memory_mb": self._memory()}
        counts = self.serving.count()
        self.facts |= {"processes": 1 + sum(counts.values()), "processes_by_name": counts}
        began = time.monotonic()
        self.asker = Asker(self.folder, self.aliases, self.aggregators, self.told)
        self.facts |= {"contracts_s": _since(began)}
        self._expect("at most eight processes", self.facts["processes"] <= 8)
        self.say(
            f"\nset-up: keys, tables {self.facts['made_s']} s, start {self.facts['started_s']} s,"
            f" contracts {self.facts['contracts_s']} s; {self.facts['processes']} processes: {counts};"
            f" memory {sum(self.facts['memory_mb'].values())} MB {self.facts['memory_mb']}\n"
        )

    def ask(self) -> None:
        """Ask the question of a hundred groups, then the one by county, of which one county gets its part."""
        before = self._cpu()
        asked = self.asker.ask(GROUPS, self.folder / "groups", len(self.places))
        self._keep("question", asked)
        self.facts["question"] |= {"cpu_s": round(self._cpu() - before, 1), "memory_mb": self._memory()}
        found = self.facts["question"]
        self._expect("one hundred groups", asked.groups == len(insured.AGES) * len(insured.CAUSES) == 100)
        self._expect("every node is in it", len(asked.contributors) == len(self.places))
        self.say(asked.text)
        self.say(
            f"\n{found['groups']} groups of {found['contributors']} nodes, from question to verified table:"
            f" {found['wall_s']} s wall (bar {BAR_S:.0f} s at 129 nodes), {found['cpu_s']} s CPU of all parties,"
            f" memory {sum(found['memory_mb'].values())} MB\n"
        )
        if self.nodes == len(self.divisions):
            self._expect("within a minute", found["wall_s"] <= BAR_S)
        self._by_county()

    def _by_county(self) -> None:
        asked = self.asker.ask(COUNTIES, self.folder / "counties", len(self.places))
        self._keep("by_county", asked)
        figures = {row["county"]: _mean(row) for row in asked.table if row["mean_cost"] is not None}
        words = ("人均费用（替代数据） mean cost, stand-in", f"± 95 %; {insured.NOTE}")
        path = self.folder / "counties.svg"
        tiles = chart.write(path, self.divisions, figures, words)
        self.facts |= {"chart": str(path), "tiles": tiles}
        home = next(place for place in self.places if place.is_county)
        part = self.asker.part(self.folder / "counties", f"county={home.code}")
        self.facts["part"] = part
        self._expect("a county gets its own part and no other", [row["county"] for row in part] == [home.code])
        self.say(f"by county: {asked.groups} groups, {_wall(asked.wall_s)}; chart: {path} ({tiles} tiles)")
        self.say(f"属地 {home.code} {home.name} asks for its part: {json.dumps(part, ensure_ascii=False)}")

    def end(self) -> None:
        """Stop everything and see that nothing is left."""
        codes = self.serving.stop()
        self._expect("every process ended well", set(codes) == {0})
        self.facts["exit_codes"] = codes

    def finish(self) -> int:
        """Print the summary and return the exit code."""
        self.facts |= {"ok": not self.wrong, "not_as_expected": self.wrong}
        if self.as_json:
            print(json.dumps(self.facts, ensure_ascii=False, indent=2, default=str))
        else:
            print("every expectation held 全部符合预期" if not self.wrong else f"NOT AS EXPECTED: {self.wrong}")
        return 1 if self.wrong else 0

    def _keep(self, name: str, asked: Asked) -> None:
        self.facts[name] = {
            "groups": asked.groups,
            "contributors": len(asked.contributors),
            "refused": asked.refused,
            "wall_s": round(asked.wall_s, 1),
            "verified_s": round(asked.verified_s, 2),
            "steps_s": asked.steps_s,
        }
        self._expect(f"{name}: verified from files alone", asked.verified)

    def _expect(self, what: str, holds: object) -> None:
        if not holds:
            self.wrong.append(what)

    def _memory(self) -> dict[str, int]:
        return {name: size >> 20 for name, size in self.serving.memory().items()}

    def _cpu(self) -> float:
        own = resource.getrusage(resource.RUSAGE_SELF)
        return own.ru_utime + own.ru_stime + self.serving.cpu_s()


def _since(began: float) -> float:
    return round(time.monotonic() - began, 1)


def _wall(seconds: float) -> str:
    return f"{seconds:.1f} s"


def _mean(row: dict[str, Any]) -> tuple[float, float]:
    return float(row["mean_cost"]), float(row["±"]["mean_cost"])


if __name__ == "__main__":
    sys.exit(main())
