"""The tables that nodes publish: persons insured with each government's own pool. Made by this script, not real.

No package has public totals of Shanxi's counties, so each table is a stand-in, drawn from its division code
alone: the same for everybody who runs it, on any day. A person is in one pool, so pools are a partition.
"""

import csv
from collections.abc import Sequence
from pathlib import Path
from random import Random

from province_files.divisions import Division, counties

AGES = (*(f"{at:02}-{at + 9:02}" for at in range(0, 90, 10)), "90+")
CAUSES = tuple("ABCDEFGHIJ")
"""Ten chapters of a classification of causes: ten by ten groups."""
COST_MAX = 500
PARTITION = "pool"
NAME = "insured"
NOTE = "stand-in 替代数据: made by this script from the division code alone; codes are real (GB/T 2260, python-stdnum)"


def specification(divisions: tuple[Division, ...]) -> str:
    """Return the specification that every node publishes its table under: one domain of counties for all."""
    codes = ", ".join(f'"{county.code}"' for county in counties(divisions))
    ages, causes = (", ".join(f'"{value}"' for value in values) for values in (AGES, CAUSES))
    return f"""name = "{NAME}"
title_zh = "参保人员（替代数据）"
title_en = "Insured persons (stand-in)"
owner = "stand-in"
region = "140000"
source_system = "scripts/province"
authority = "none"
update_cycle = "never"
quality = "A"
rights = ["hold", "use"]
class = "personal"
grade = "general"
sharing = "unconditional"
channels = ["sharing"]
subject_space = "person"
partition = "{PARTITION}"
rows_per_unit = 1
groups_per_unit = 1
rows_upto = 5000
price_ceiling_fen = 100

[columns.person]
type = "text"
role = "unit"

[columns.county]
type = "text"
role = "key"
domain = [{codes}]

[columns.age]
type = "text"
role = "key"
domain = [{ages}]

[columns.cause]
type = "text"
role = "key"
domain = [{causes}]

[columns.cost]
type = "integer"
role = "measure"
lower = 0
upper = {COST_MAX}
"""


def people(division: Division, divisions: tuple[Division, ...]) -> list[tuple[str, str, str, str, int]]:
    """Return the persons of one pool: a county's own, or those whom city or province insure in their counties."""
    draw = Random(division.code)
    homes = _below(division, counties(divisions))
    made = []
    for number in range(draw.randrange(500, 1500)):
        home = draw.choice(homes)
        level = Random(home.code).uniform(0.6, 1.4)
        age = min(9, int(draw.triangular(0, 10, 4)))
        cost = min(COST_MAX, int(draw.expovariate(1 / (level * (60 + 15 * age)))))
        made.append((f"{division.code}-{number}", home.code, AGES[age], draw.choice(CAUSES[: 3 + age]), cost))
    return made


def write(path: Path, rows: Sequence[tuple[str, str, str, str, int]]) -> None:
    """Write one pool as CSV."""
    with path.open("w", newline="", encoding="utf-8") as target:
        writer = csv.writer(target)
        writer.writerow(["person", "county", "age", "cause", "cost"])
        writer.writerows(rows)


def _below(division: Division, lower: Sequence[Division]) -> list[Division]:
    prefix = {True: division.code, False: division.code.removesuffix("00").removesuffix("00")}[division.is_county]
    return [county for county in lower if county.code.startswith(prefix)]
