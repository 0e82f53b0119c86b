"""Statements nobody would write, made from ones somebody might: for looking at everything that comes back."""

import re
from collections.abc import Iterator
from random import Random

SEEDS = (
    "SELECT count(*) AS n FROM visits",
    "SELECT ward, sum(cost) AS total, avg(cost) FROM visits WHERE cost > 3 GROUP BY ward HAVING count(*) > 5",
    "SELECT count(DISTINCT id) FROM visits v JOIN visits w ON v.id = w.id WHERE v.ward IN ('north', 'south')",
    "SELECT CASE WHEN cost > 10 THEN 'a' ELSE 'b' END AS k, count(*) FROM visits GROUP BY k",
    "SELECT id, count(*) FROM visits GROUP BY id",
    "SELECT max(id), min(ward), any_value(ward) FROM visits",
    "SELECT CAST(ward AS INTEGER), count(*) FROM visits GROUP BY 1",
    "SELECT count(*) FROM visits WHERE error(id) IS NULL",
    "SELECT string_agg(id, ',') FROM visits",
    "SELECT avg(cost ORDER BY id) export_state FROM visits",
    "SELECT strptime(ward, '%Y'), make_date(1, 2, 3) FROM visits",
    "WITH t AS (SELECT * FROM visits) SELECT * FROM t",
    "SELECT * FROM duckdb_columns()",
    "SELECT * FROM read_csv('/etc/passwd')",
    "SELECT COLUMNS('.*') FROM visits",
    "SUMMARIZE visits",
    "EXPLAIN ANALYZE SELECT count(*) FROM visits",
    "COPY visits TO 'x.csv'",
    "ATTACH 'x' AS y; SELECT 1",
    "SELECT row_number() OVER (ORDER BY id) FROM visits",
    "SELECT count(*) FROM visits WHERE cost > (SELECT max(cost) FROM visits)",
    "SELECT * FROM visits UNION ALL SELECT * FROM visits",
    "PIVOT visits ON ward USING count(*)",
    "SELECT sum(cost) FILTER (WHERE ward = 'north') FROM visits",
    "SELECT v FROM visits v",
    "SELECT 1//0, 'x'::INTEGER, 300::TINYINT",
    "FROM visits",
    "VALUES (1), (2)",
)
WORDS = re.findall(
    r"\S+",
    """
    SELECT FROM WHERE GROUP BY HAVING ORDER LIMIT JOIN LEFT FULL ON USING AS DISTINCT UNION ALL EXCEPT WITH RECURSIVE
    CASE WHEN THEN ELSE END NULL TRUE AND OR NOT IN BETWEEN LIKE IS CAST TRY_CAST EXISTS LATERAL OVER PARTITION
    count sum avg min max list histogram error hash md5 random now current_user getenv query query_table
    visits id ward cost v w t unknown_table unknown_column 'north' '' 0 1 -1 1e308 18446744073709551616
    ( ) , . * + - / // % = <> < > || :: ; ? $1 [ ] { } -- /* */ "" ' \\ 就诊
    """,
)
STRANGE = ("\0", "\u202e", "\n", "\t")
_TOKEN = re.compile(r"\w+|\s+|.", re.DOTALL)


def statements(seed: int) -> Iterator[str]:
    """Yield statements without end, the same for the same seed."""
    generator = Random(seed)
    while True:
        tokens = _TOKEN.findall(generator.choice(SEEDS))
        for _ in range(generator.choice((0, 1, 1, 1, 1, 2, 3, 8))):
            tokens = _changed(tokens, generator)
        yield "".join(tokens)


def _changed(tokens: list[str], generator: Random) -> list[str]:
    """Return `tokens` with one thing wrong that was not wrong before."""
    at = generator.randrange(len(tokens) + 1)
    other = generator.randrange(len(tokens) + 1)
    low, high = sorted((at, other))
    match generator.randrange(7):
        case 0:
            return [*tokens[:at], f" {generator.choice(WORDS)} ", *tokens[at:]]
        case 1:
            return [*tokens[:at], generator.choice(WORDS), *tokens[at + 1 :]]
        case 2:
            return [*tokens[:low], *tokens[high:]] or ["x"]
        case 3:
            return [*tokens[:high], *tokens[low:]][:2_000]
        case 4:
            return [*tokens[:low], "(" * generator.choice((1, 5, 400)), *tokens[low:high], ")", *tokens[high:]]
        case 5:
            return [*tokens, " UNION ALL ", *_TOKEN.findall(generator.choice(SEEDS))]
        case _:
            strange = generator.choice((*STRANGE, chr(generator.randrange(1, 0x3000))))
            return [*tokens[:at], strange, *tokens[at:]]
