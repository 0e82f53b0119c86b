"""Runs in an environment of its own with SmartNoise SQL: answers tasks given on standard input, JSON to JSON.

Prints for each task the answers of every repetition, and what its odometer says the whole session costs.
"""

import json
import sys
import warnings

import pandas as pd
import snsql
from snsql.sql.odometer import OdometerHeterogeneous

warnings.filterwarnings("ignore")


def reader(order: dict, epsilon: float) -> object:
    """Return SmartNoise over the table, with the bounds the order declares."""
    columns = {name: dict(kind) for name, kind in order["columns"].items()}
    table = {
        "row_privacy": False,
        "max_ids": order["rows_per_unit"],
        "sample_max_ids": True,
        "censor_dims": False,
        "clamp_counts": False,
        "clamp_columns": True,
        **columns,
    }
    metadata = {"": {"db": {"visits": table}}}
    privacy = snsql.Privacy(epsilon=epsilon, delta=0.0)
    return snsql.from_df(order["frame"], privacy=privacy, metadata=metadata)


def together(epsilon: float, spends: int, delta: float) -> float:
    """Return the ε of so many spends at `delta`, by SmartNoise's odometer."""
    odometer = OdometerHeterogeneous(None)
    odometer.tol = delta
    for _ in range(spends):
        odometer.spend(snsql.Privacy(epsilon=epsilon, delta=0.0))
    return float(odometer.spent[0])


def fitted(order: dict, spends: int) -> float:
    """Return the largest ε of one spend at which the session costs at most the order's ε."""
    low, high = 0.0, order["epsilon"]
    for _ in range(40):
        middle = (low + high) / 2
        low, high = (middle, high) if together(middle, spends, order["delta"]) <= order["epsilon"] else (low, middle)
    return low


def answers(order: dict, sql: str, epsilon: float) -> list:
    """Return the answers of every repetition."""
    asked = reader(order, epsilon)
    found = []
    for _ in range(order["repeat"]):
        _, *rows = asked.execute(sql)
        found.append([[None if cell is None else float(cell) for cell in row] for row in rows])
    return found


def main() -> None:
    """Answer."""
    order = json.load(sys.stdin)
    order["frame"] = pd.read_csv(order["csv"])
    spends = [round(reader(order, 1.0).get_privacy_cost(sql)[0]) for sql in order["tasks"]]
    each = fitted(order, sum(spends))
    found = {"each": each, "spends": spends, "session": {}, "alone": {}}
    for sql, own in zip(order["tasks"], spends, strict=True):
        found["session"][sql] = answers(order, sql, each)
        found["alone"][sql] = answers(order, sql, order["epsilon"] / own)
    json.dump(found, sys.stdout)


if __name__ == "__main__":
    main()
