"""Runs the demo's steps: what was expected, what came out, and whether that fits."""

import json
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

YANMEN = Path(sys.executable).with_name("yanmen")


@dataclass(frozen=True)
class Step:
    """One step of the demo."""

    name: str
    expected: str
    outcome: str
    ok: bool
    seconds: float


@dataclass
class Stage:
    """Collects steps; prints them as they happen unless `as_json`."""

    as_json: bool
    steps: list[Step] = field(default_factory=list)
    began: float = field(default_factory=time.monotonic)

    def say(self, text: str = "") -> None:
        """Print for a person only."""
        if not self.as_json:
            print(text, flush=True)

    def part(self, title: str) -> None:
        """Begin a part of the demo."""
        self.say(f"\n── {title} " + "─" * max(0, 72 - len(title)))

    def step(self, name: str, expected: str, action: Callable[[], tuple[bool, str]]) -> bool:
        """Do one step; an exception is an outcome that was not expected."""
        began = time.monotonic()
        if not self.as_json and sys.stdout.isatty():
            print(f"   … {name}", end="\r", flush=True)
        try:
            ok, outcome = action()
        except Exception as error:  # noqa: BLE001 - whatever went wrong is this step's outcome, and the demo goes on
            ok, outcome = False, f"{type(error).__name__}: {error}"
        seconds = time.monotonic() - began
        self.steps.append(Step(name, expected, outcome, ok, round(seconds, 2)))
        mark = "✓" if ok else "✗"
        self.say(f" {mark} {name}  [{seconds:.1f} s]")
        if not ok:
            self.say(f"     expected 预期: {expected}")
        for line in outcome.splitlines():
            self.say(f"     {line}")
        return ok

    def finish(self) -> int:
        """Print the summary, or the JSON document, and return the exit code."""
        seconds = round(time.monotonic() - self.began, 1)
        failed = [step for step in self.steps if not step.ok]
        if self.as_json:
            document = {"ok": not failed, "seconds": seconds, "steps": [asdict(step) for step in self.steps]}
            print(json.dumps(document, ensure_ascii=False, indent=2))
        else:
            verdict = "every expectation held 全部符合预期" if not failed else f"{len(failed)} FAILED 不符合预期"
            print(f"\n{len(self.steps)} steps in {seconds} s: {verdict}")
            for step in failed:
                print(f" ✗ {step.name}: expected {step.expected}; got {step.outcome.splitlines()[:3]}")
        return 1 if failed else 0


def command(*words: str) -> tuple[int, dict[str, Any]]:
    """Run `yanmen WORDS --json` as a newcomer would and return exit code and document."""
    done = subprocess.run([str(YANMEN), *words, "--json"], capture_output=True, text=True, check=False, timeout=300)
    try:
        document = json.loads(done.stdout)
    except ValueError:
        document = {"stdout": done.stdout[-2000:], "stderr": done.stderr[-2000:]}
    return done.returncode, document


def done(*words: str) -> dict[str, Any]:
    """Run a command that must succeed and return its document."""
    code, document = command(*words)
    if code != 0:
        raise RuntimeError(f"yanmen {' '.join(words)} ended with {code}: {document}")
    return document
