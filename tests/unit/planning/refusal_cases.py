"""One question for every place where planning refuses that tests/golden/refused.sql does not reach."""

import re
from dataclasses import replace

from typing_extensions import override
from yanmen.model.catalogue import ColumnType, DatasetClass
from yanmen.model.config import NodeLimits
from yanmen.model.stages import Admitted, Plan
from yanmen.planning.plan import plan

from tests.unit.planning.engine import CATALOGUE, InProcessRunner, admitted, dataset, key, measure, unit

NIGHTS = measure("nights", "0", "60")
_STAY = dataset("stay", DatasetClass.PERSONAL, unit(), key("drug"), key("kind", "x", "y"), NIGHTS, rows=6, groups=3)
STAY = replace(_STAY, columns=tuple(replace(c, domain=()) if c.name == "drug" else c for c in _STAY.columns))
NO_UNIT = dataset("nobodys", DatasetClass.PERSONAL, key("kind", "x"), measure("n", "0", "9"))
_SIDES = [key(f"d{number}", *range(60), type=ColumnType.INTEGER) for number in range(4)]
WIDE = dataset("wide_firm", DatasetClass.EXACT, unit("fid"), *_SIDES, measure("o", "0", "9"))
_SUMS = [measure(f"o{number}", "0", "9") for number in range(130)]
MANY = dataset("many_firm", DatasetClass.EXACT, unit("fid"), key("d", "a"), *_SUMS)
DEEP = dataset("deep_firm", DatasetClass.EXACT, unit("fid"), *_SIDES[:2], *_SUMS[:127])
DEEP = replace(
    DEEP, columns=(DEEP.columns[0], *(replace(c, domain=tuple(range(90))) for c in DEEP.columns[1:3]), *_SUMS[:127])
)
GONE = dataset("gone", DatasetClass.PERSONAL, unit(), measure("n", "0", "9"))
CLOSED = dataset("closed", DatasetClass.PERSONAL, unit(), measure("n", "0", "9"))
TABLES = (*CATALOGUE, STAY, NO_UNIT, WIDE, MANY, DEEP, GONE, CLOSED)
"""With an open key, without a unit, too wide for exact figures, retracted, not granted."""

RELEASED = "WITH t AS (SELECT district, sex, count(*) AS n FROM person GROUP BY 1, 2)"
"""A released table of ten rows."""


def question(sql: str) -> Admitted:
    """Return `sql` as admitted under a contract that opens all of `TABLES` but one."""
    whole = admitted(sql, datasets=TABLES)
    terms = whole.contract.terms
    terms = replace(terms, grants=tuple(grant for grant in terms.grants if grant.dataset != "closed"))
    versions = tuple(replace(item, retracted=item.dataset is GONE) for item in whole.versions)
    return replace(whole, contract=replace(whole.contract, terms=terms), versions=versions)


class Forger(InProcessRunner):
    """Parses, then writes something else into the syntax tree: a vetting job that is not to be trusted."""

    def __init__(self, old: str | re.Pattern[str], new: str) -> None:
        """Put `new` for the first `old`."""
        super().__init__()
        self._old = old if isinstance(old, re.Pattern) else re.compile(re.escape(old))
        self._new = new

    @override
    def vet(self, sql: str) -> str:
        found = super().vet(sql)
        forged = self._old.sub(lambda _: self._new, found, count=1)
        assert forged != found, f"nothing to forge: {self._old.pattern} in {found}"
        return forged


def ask(sql: str, forged: tuple[str | re.Pattern[str], str] | None = None) -> Plan:
    """Plan `sql`, its syntax tree `forged` if wanted."""
    return plan(question(sql), InProcessRunner() if forged is None else Forger(*forged), NodeLimits())


def _inside(count: int) -> str:
    return "SELECT pid FROM (" * count + "SELECT pid FROM person" + ")" * count


def _again(item: str, count: int = 14) -> str:
    """Write NULLIF around NULLIF: each copies what is inside."""
    return "nullif(" * count + item + "".join(f", {number})" for number in range(count))


def _fourfold(age: int) -> str:
    names = "abcd"
    equal = " AND ".join(f"a.pid = {name}.pid" for name in names[1:])
    return f"SELECT a.pid FROM {', '.join(f'person {name}' for name in names)} WHERE {equal} AND a.age = {age}"


CELLS = "(SELECT sex, count(*) AS n FROM person GROUP BY sex)"
SUMS = [f"sum(age + {number})" for number in range(40)]
JOINED = "person p LEFT JOIN visit v ON p.pid = v.pid"
OVER = "SELECT sex, {} FROM person GROUP BY sex"
PRODUCT = "income * income * income * income * income"

_TEXT = chr(1) * 980
LONG = ", ".join(f"CASE WHEN age > 0 THEN '{at}{_TEXT}' ELSE '{at}{_TEXT}' END AS k{at}" for at in range(7))

ASKED = (
    f"SELECT age // 1 AS y, district, sex, {LONG}, count(*) FROM person GROUP BY {', '.join(map(str, range(1, 11)))}",
    "SELECT sex, median(floor(age / 10) * 10) FROM person GROUP BY ROLLUP (sex)",
    "SELECT size, median(size) FROM firm GROUP BY size",
    "SELECT median(people) FROM town",
    "SELECT quantile(floor(age / 10) * 10, 2) FROM person",
    "SELECT drug, median(floor(nights / 10) * 10) FROM stay GROUP BY drug",
    "SELECT median(sex) FROM person",
    "SELECT count(*) FROM person UNION ALL SELECT count(*) FROM stranger",
    "SELECT drug, count(*) FROM stay GROUP BY ROLLUP (drug)",
    "SELECT drug, kind, count(*) FROM stay GROUP BY drug, kind",
    f"SELECT {', '.join(SUMS[:18])} FROM person UNION ALL SELECT {', '.join(SUMS[20:38])} FROM person",
    f"SELECT {', '.join(SUMS[:33])} FROM person",
    "SELECT count(*) FROM person WHERE CAST(born AS BOOLEAN)",
    "SELECT count(*) FROM person WHERE CAST(age AS DOUBLE) > 1",
    "SELECT count(*) FROM person WHERE born > CAST('tomorrow' AS DATE)",
    f"SELECT count(DISTINCT v.pid) FROM {JOINED}",
    "SELECT count(*) FROM firm JOIN town ON firm.label = town.code",
    "SELECT sector, sum(output * output) FROM firm GROUP BY sector",
    "SELECT sector, corr(output, output) FROM firm GROUP BY sector",
    "SELECT sum(o0 + o1) FROM many_firm",
    "SELECT count(*) FROM wide_firm",
    "SELECT count(*) FROM deep_firm",
    f"{RELEASED} SELECT count(*) FROM {', '.join(f't t{number}' for number in range(7))}",
    f"{RELEASED} SELECT t0.n FROM {', '.join(f't t{number}' for number in range(5))}",
    "SELECT count(*) FROM many_firm",
    "SELECT *, count(*) FROM person GROUP BY ALL",
    "SELECT count(*) FROM " + " JOIN ".join(f"visit v{n}" + (f" ON v0.pid = v{n}.pid" if n else "") for n in range(8)),
    "SELECT count(*) FROM person p JOIN town t ON p.age = t.code",
    "SELECT count(*) FROM town t LEFT JOIN person p ON t.code = p.note",
    "SELECT count(*) FROM nobodys",
    "SELECT count(*) FROM person JOIN visit USING (age)",
    "SELECT count(*) FROM person p LEFT JOIN town t ON t.code = u.code JOIN town u ON u.region = t.region",
    "SELECT count(*) FROM person WHERE CAST(age AS DECIMAL(99,2)) > 1",
    "SELECT count(*) FROM person WHERE CAST(age AS VARCHAR(3)) = 'x'",
    f"SELECT count(*) FROM person WHERE note = '{'x' * 1001}'",
    "SELECT code, (SELECT 1) FROM town",
    "SELECT DISTINCT region FROM town ORDER BY people",
    "SELECT DISTINCT region, count(*) FROM town GROUP BY region",
    "SELECT 1 FROM town HAVING true",
    "SELECT region, (SELECT count(*) FROM town) FROM town GROUP BY region",
    "SELECT region, corr(people, founded) FROM town GROUP BY region",
    "SELECT sum(people * people) FROM town",
    "SELECT sum(area * 0.00000000000000001) FROM town",
    "SELECT sum(people * people * people * people) FROM town",
    "SELECT sum(x) FROM (SELECT k FROM (SELECT sex AS k FROM person) a(p, q, r))",
    "SELECT count(*) / (SELECT age FROM person) FROM person",
    "SELECT count(*) / (SELECT count(*), sum(age) FROM person) FROM person",
    "SELECT count(*) FROM (SELECT pid FROM person UNION ALL SELECT pid FROM visit LIMIT 3)",
    "SELECT count(*) FROM (SELECT pid, age FROM person QUALIFY row_number() OVER (ORDER BY age) = 1)",
    "SELECT count(*) FROM (SELECT FROM town)",
    "SELECT count(*) FROM (SELECT pid FROM person) TABLESAMPLE 10%",
    "SELECT DISTINCT ON (sex) sex, count(*) FROM person GROUP BY sex",
    "(SELECT count(*) FROM person UNION ALL SELECT count(*) FROM visit) LIMIT 10%",
    "SELECT count(*) FROM person WHERE age > ALL (SELECT people FROM town)",
    "SELECT count(*) FROM person WHERE EXISTS (SELECT 1 FROM visit)",
    "SELECT count(*) FROM person WHERE age + 1 IN (SELECT days FROM visit WHERE visit.pid = person.pid)",
    "SELECT count(*) FROM person p WHERE age > (SELECT days FROM visit v WHERE v.pid = p.pid)",
    "SELECT count(*) FROM person WHERE age > (SELECT people FROM town)",
    "SELECT count(*) FROM person WHERE person.nothing.more.of.it > 1",
    f"SELECT * EXCLUDE (sex) FROM {CELLS}",
    "SELECT count(*) FROM person WHERE age > INTERVAL '3 hours'",
    "SELECT count(*) FROM person WHERE born > DATE '2000-01-01' + INTERVAL (age) DAY",
    OVER.format("sum(count(*)) OVER (ORDER BY sex RANGE BETWEEN 1 PRECEDING AND CURRENT ROW)"),
    OVER.format("sum(count(*)) OVER (ORDER BY sex ROWS BETWEEN age PRECEDING AND CURRENT ROW)"),
    OVER.format("first_value(count(*) IGNORE NULLS) OVER (ORDER BY sex)"),
    OVER.format("lag(count(*), 0) OVER (ORDER BY sex)"),
    OVER.format("lag(count(*), 1, 'x') OVER (ORDER BY sex)"),
    OVER.format("rank(1) OVER (ORDER BY sex)"),
    f"SELECT n FROM {CELLS} WHERE sum(n) > 1",
    f"SELECT z.* FROM {CELLS} a",
    f"SELECT DISTINCT sex FROM {CELLS} ORDER BY n",
    f"SELECT n FROM {CELLS} a, {CELLS} a",
    f"SELECT a.n FROM {CELLS} a LEFT JOIN (SELECT count(*) AS m FROM visit) b USING (n)",
    f"SELECT count(*) AS n FROM person UNION ALL SELECT sex FROM {CELLS}",
    "SELECT count(*) AS n FROM person UNION ALL SELECT count(*) FROM visit ORDER BY 3",
    f"SELECT upper(n) FROM {CELLS}",
    f"SELECT round(n, n) FROM {CELLS}",
    f"SELECT CAST(n AS VARCHAR) FROM {CELLS}",
    f"SELECT left(sex, n) FROM {CELLS}",
    f"SELECT sex LIKE sex FROM {CELLS}",
    f"SELECT INTERVAL 3 DAY FROM {CELLS}",
    f"SELECT EXISTS (SELECT count(*) FROM person) FROM {CELLS}",
    "SELECT d * 3 FROM (SELECT born AS d, count(*) FROM person WHERE born BETWEEN DATE '1990-01-01' AND "
    "DATE '1990-03-01' GROUP BY d)",
    f"SELECT n IN (SELECT sex FROM {CELLS}) FROM {CELLS}",
    f"SELECT {_again('n')} FROM {CELLS}",
    f"SELECT coalesce(*) FROM {CELLS}",
    f"SELECT grouping(n) FROM {CELLS}",
    f"SELECT n FROM {CELLS} QUALIFY sum(n) > 1",
    f"SELECT a.n FROM {CELLS} a JOIN {CELLS} b ON sum(a.n) = b.n",
    "SELECT sex, coalesce(*) FROM person GROUP BY sex",
    "SELECT count(*) FROM (SELECT pid FROM claim)",
    "SELECT count(*) FROM closed",
    "SELECT count(*) FROM gone",
    "SELECT count(*) FROM person, visit WHERE person.pid = visit.pid AND pid > 3",
    "SELECT nobody.* FROM town",
    "SELECT count(*) FROM person WHERE grouping(sex) > 1",
    "SELECT count(*) FROM person WHERE coalesce(*) > 1",
    "SELECT sum((SELECT people FROM town)) FROM person",
    "SELECT code FROM town ORDER BY (SELECT max(people) FROM town)",
    "SELECT count(*) FROM person WHERE born > DATE '9999-12-31' + INTERVAL 3 DAY",
    "SELECT sum(age / 7) FROM person",
    "SELECT sum(x) FROM (SELECT pid, sum(income) AS x FROM person GROUP BY ROLLUP (pid))",
    "SELECT sum(x) FROM (SELECT pid, sum(born) AS x FROM person GROUP BY pid)",
    "SELECT sum(x) FROM (SELECT pid, age AS x, count(*) FROM person GROUP BY pid)",
    "SELECT sum(x) FROM (SELECT pid, rank() OVER () AS x FROM person GROUP BY pid)",
    f"SELECT sum(x) FROM (SELECT p.pid, sum({PRODUCT} * age * 7) AS x FROM person p JOIN visit v ON p.pid = v.pid"
    " GROUP BY p.pid)",
    f"SELECT sum(x) FROM (SELECT pid, avg({PRODUCT}) AS x FROM person GROUP BY pid)",
    f"SELECT count(*) FROM (SELECT v.pid AS u, count(*) FROM {JOINED} GROUP BY v.pid)",
    f"SELECT count(*) FROM (SELECT v.pid AS u FROM {JOINED})",
    "SELECT count(*) FROM (SELECT fid, count(*) FROM firm GROUP BY fid)",
    "SELECT count(*) FROM person WHERE age > 1 -- " + "x" * 17_000,
    "SELECT count(*) FROM person \0",
    "SELECT count(*) FROM person \ud800",
    f"SELECT count(*) FROM ({_inside(14)})",
    f"SELECT {', '.join('count(*)' for _ in range(201))} FROM person",
    f"SELECT count(*) FROM person WHERE {'NOT ' * 80}insured",
    f"SELECT count(*) FROM {', '.join(f'town t{number}' for number in range(40))}",
    f"SELECT count(*) FROM person WHERE {_again('age')} > 1",
    f"SELECT count(*) FROM person WHERE {'||'.join(['note'] * 5)} = 'x'",
    f"SELECT {'||'.join(['sex'] * 17)} AS s, count(*) FROM person GROUP BY sex",
    f"SELECT count(*) FROM ({' UNION ALL '.join(map(_fourfold, range(16)))})",
)  # fmt: skip

CHECKS = re.compile(r'"case_checks":.*,"else_expr"')
ITEMS = re.compile(r'"select_list":\[\{"class":"COLUMN_REF".*?\}\],"from_table"')
FORGED: tuple[tuple[str, tuple[str | re.Pattern[str], str]], ...] = (
    ("SELECT count(*) FROM person", ('"type":"SELECT_NODE"', '"type":"OTHER_NODE"')),
    ("SELECT count(*) FROM person", ('"named_param_map":[]', '"named_param_map":[1]')),
    ("SELECT count(*) FROM person", ('"aggregate_handling":"STANDARD_HANDLING"', '"aggregate_handling":"OTHER"')),
    ("SELECT sex, count(*) FROM person GROUP BY sex", ('"group_sets":[[0]]', '"group_sets":[0]')),
    ("SELECT sex, count(*) FROM person GROUP BY sex", ('"group_sets":[[0]]', '"group_sets":[[7]]')),
    ("SELECT count(*) FROM person ORDER BY 1", ('"ORDER_DEFAULT"', '"SIDEWAYS"')),
    ("SELECT count(*) FROM person LIMIT 1", ('"LIMIT_MODIFIER"', '"OTHER_MODIFIER"')),
    ("SELECT count(*) FROM person ORDER BY 1 LIMIT 1", ('"LIMIT_MODIFIER"', '"ORDER_MODIFIER"')),
    ("WITH a AS (SELECT pid FROM person) SELECT count(*) FROM a", ('"key_targets":[]', '"key_targets":[1]')),
    ("SELECT count(*) FROM person UNION ALL SELECT count(*) FROM visit", ('"left":null', '"left":1')),
    (
        "SELECT count(*) FROM person UNION ALL SELECT count(*) FROM visit LIMIT 1",
        ('"modifiers":[', '"modifiers":[{"type":"DISTINCT_MODIFIER","distinct_on_targets":[]},'),
    ),
    (f"SELECT n FROM {CELLS}", ('"where_clause":null', '"where_clause":7')),
    ("SELECT count(*) FROM person WHERE age > 3", ('"COLUMN_REF","alias":""', '"COLUMN_REF","alias":"x"')),
    ("SELECT count(*) FROM person WHERE CASE WHEN insured THEN true END", (CHECKS, '"case_checks":[],"else_expr"')),
    ("SELECT count(*) FROM (SELECT code FROM town)", (ITEMS, '"select_list":[],"from_table"')),
    ("SELECT count(*) FROM person WHERE age > 3", ('"COMPARE_GREATERTHAN"', '"COMPARE_OTHER"')),
    ("SELECT count(*) FROM person WHERE age BETWEEN 1 AND 2", ('"COMPARE_BETWEEN"', '"COMPARE_OTHER"')),
    ("SELECT count(*) FROM person WHERE EXISTS (SELECT 1 FROM visit)", ('"child":null', '"child":{"class":"CONSTANT",'
     '"type":"VALUE_CONSTANT","alias":"","query_location":1,"query_location_length":1,"literal":{"kind":"INTEGER",'
     '"text":"1"}}')),
    ("SELECT age FROM person WHERE EXISTS (SELECT 1 FROM visit)", ('"named_param_map":[]', '"named_param_map":[1]')),
    ("SELECT count(*) FROM person JOIN visit USING (pid)", ('"delim_flipped":false', '"delim_flipped":true')),
    ("SELECT count(*) FROM person", ('"path":["person"]', '"path":["visit"]')),
    ("SELECT count(*) FROM (SELECT pid FROM person)", ('"named_param_map":[]', '"named_param_map":[1]')),
    (OVER.format("sum(count(*)) OVER (ORDER BY sex)"), ('"path":["sum"]', '"path":["avg"]')),
    (OVER.format("sum(count(*)) OVER (ORDER BY sex)"), ('{"name":"","expression"', '{"name":"x","expression"')),
    (OVER.format("sum(count(*)) OVER (ORDER BY sex)"), ('"ORDER_DEFAULT"', '"SIDEWAYS"')),
    (OVER.format("sum(count(*)) OVER (ORDER BY sex)"), ('"UNBOUNDED_PRECEDING"', '"CURRENT_ROW_ROWS"')),
    ("SELECT count(*) FROM person WHERE CAST(age AS DECIMAL(9,2)) > 1", ('"kind":"INTEGER","text":"9"',
     '"kind":"STRING","text":"9"')),
    (f"SELECT a.n FROM {CELLS} a LEFT JOIN {CELLS} b USING (n)", ('"using_columns":["n"]', '"using_columns":[]')),
)  # fmt: skip
"""What only an untrusted vetting job would say: the question, and what it puts into the syntax tree."""
