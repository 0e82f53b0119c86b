"""Shanxi as GB/T 2260 has it: one province, its cities and counties, read from `python-stdnum` where that is installed.

The codes of a city's own districts taken together (`市辖区`, ending in 01) are no government and are left out.
"""

import re
from dataclasses import dataclass
from importlib import resources

from demo_files.prepare import current_name

PROVINCE = "14"
TOGETHER = "市辖区"


@dataclass(frozen=True)
class Division:
    """A government: its six-digit code and its name."""

    code: str
    name: str

    @property
    def is_county(self) -> bool:
        """Whether it has nothing below it here."""
        return not self.code.endswith("00")

    @property
    def alias(self) -> str:
        """What the register calls its node."""
        return f"d{self.code}"


def read() -> tuple[Division, ...]:
    """Return the province, then its cities, then its counties, each by code."""
    text = resources.files("stdnum").joinpath("cn", "loc.dat").read_text(encoding="utf-8")
    block = re.search(rf"^{PROVINCE} province=.*\n((?:\s+.*\n)*)", text, re.MULTILINE)
    if block is None:
        raise ValueError("the package lists no such province")
    found = []
    for code, names in re.findall(r'^\s+(\d{4}) county="([^"]+)"', block[1], re.MULTILINE):
        if (name := current_name(names)) and name != TOGETHER:
            found.append(Division(PROVINCE + code, name))
    return tuple(sorted(found, key=lambda division: (division.is_county, division.code)))


def counties(divisions: tuple[Division, ...]) -> tuple[Division, ...]:
    """Return those of `divisions` that are counties."""
    return tuple(division for division in divisions if division.is_county)


def chosen(divisions: tuple[Division, ...], nodes: int) -> tuple[Division, ...]:
    """Return `nodes` of them: the province first, then cities and counties in the proportion that all have."""
    upper = [division for division in divisions if not division.is_county]
    lower = list(counties(divisions))
    kept = max(1, round(len(upper) * nodes / len(divisions)))
    return tuple(upper[:kept] + lower[: nodes - kept])
