"""Three departments about the same persons, each with a table of its own, and three aggregators."""

from dataclasses import dataclass, replace

from typing_extensions import override
from yanmen.formats import config as config_format

from tests.system.league import League
from tests.system.town import SUBJECT, done

PERSONS = 60
HEAD = """
title_zh = "表"
title_en = "table"
owner = "test"
region = "140100"
source_system = "made by the test"
authority = "test"
update_cycle = "never"
quality = "A"
rights = ["use"]
class = "personal"
grade = "general"
sharing = "unconditional"
channels = ["sharing"]
subject_space = "person"
groups_per_unit = 1
price_ceiling_fen = 100

[columns.id]
type = "text"
role = "unit"
"""
SPECS = {
    "civil": """name = "persons"
rows_per_unit = 1
rows_upto = 80
"""
    + HEAD
    + """
[columns.band]
type = "text"
role = "key"
domain = ["old", "young"]
""",
    "insurance": """name = "diagnoses"
rows_per_unit = 2
rows_upto = 100
"""
    + HEAD
    + """
[columns.event]
type = "text"
role = "key"
domain = ["diabetes", "htn"]
""",
    "health": """name = "labs"
rows_per_unit = 2
rows_upto = 120
"""
    + HEAD
    + """
[columns.test]
type = "text"
role = "key"
domain = ["chol", "hdl"]

[columns.value]
type = "decimal"
role = "measure"
scale = 1
lower = 0.0
upper = 100.0
""",
}
GRANTS = {"civil": "persons:band,id", "insurance": "diagnoses:event,id", "health": "labs:id,test,value"}


def people() -> list[tuple[str, str]]:
    """Return persons and their bands."""
    return [(f"p{at}", "old" if at % 3 else "young") for at in range(PERSONS)]


def diagnoses() -> list[tuple[str, str]]:
    """Return who has what: every second person diabetes, some both, some strangers."""
    found = [(f"p{at}", "diabetes") for at in range(0, PERSONS + 20, 2)]
    return found + [(f"p{at}", "htn") for at in range(0, PERSONS, 4)]


def labs() -> list[tuple[str, str, str]]:
    """Return values: two of hdl for some persons, none for others, NULL for a few."""
    found = []
    for at in range(PERSONS - 10):
        found.append((f"p{at}", "hdl", "" if at % 7 == 0 else f"{at % 50}.5"))
        if at % 5 == 0:
            found.append((f"p{at}", "hdl", f"{(at + 3) % 50}.0"))
    return found


@dataclass
class Alliance(League):
    """A league whose departments hold different tables about the same persons."""

    @override
    def build(self) -> None:
        """Make everybody, publish everywhere."""
        done("space", "init", self.space, "--name", "alliance.example")
        tables = {
            "civil": "id,band\n" + "".join(f"{a},{b}\n" for a, b in people()),
            "insurance": "id,event\n" + "".join(f"{a},{b}\n" for a, b in diagnoses()),
            "health": "id,test,value\n" + "".join(f"{a},{b},{c}\n" for a, b, c in labs()),
        }
        for at, name in enumerate(self.nodes):
            self._join("node", name, at)
            source, spec = self.root / f"{name}.csv", self.root / f"{name}.toml"
            source.write_text(tables[name])
            spec.write_text(SPECS[name])
            path = self.root / name / "node.toml"
            config = config_format.decode(path.read_bytes())
            rule = replace(config, approve_general=True, approve_columns_max=9, approve_micro_rho_max=10**6)
            path.write_text(config_format.encode(rule))
            done("dataset", "publish", self.root / name, spec, source)
        for at, name in enumerate(self.aggregators):
            self._join("aggregator", name, at)
        who = ("--name", "dev", "--alias", "dev", "--subject", SUBJECT + "2", "--region", "1401")
        done("member", "init", self.developer, *who)
        grant = done("member", "enrol", self.space, self.developer / "application.jws")["grant"]
        done("member", "accept", self.developer, grant, "--register", self.space / "register.jws")

    @override
    def agreed(self, name: str, per_query_max: int = 500_000, micro_rho: int = 600_000) -> str:
        """Return the id of a new contract of the developer with the node `name`, its unit column granted."""
        words = ("--grant", GRANTS[name], "--price", "100", "--scenario", "s-1", "--purpose", "test")
        terms = ("--legal-basis", "test", "--micro-rho", str(micro_rho), "--queries", "100")
        most = ("--per-query-max", str(per_query_max))
        return str(done("contract", "request", "--as", self.developer, "--at", name, *words, *terms, *most)["id"])
