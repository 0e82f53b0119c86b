"""A department that reports evidence to a regulator's platform, as commands of both."""

from pathlib import Path
from typing import Any

from tests.conformance.department import Department
from tests.system.town import done, run


def bureau(department: Department) -> Path:
    """Return the folder of the regulator that runs the platform."""
    return department.enrolled("platform", "regulator")


def report(department: Department) -> dict[str, Any]:
    """Make the next report and return what the command says."""
    return done("report", "make", department.node)


def received(department: Department, made: dict[str, Any], target: Path) -> tuple[int, dict[str, Any]]:
    """Hand a report to the platform."""
    book = ("--as", bureau(department), "--book", department.root / "evidence")
    return run("bureau", "receive", *book, made["file"], target)
