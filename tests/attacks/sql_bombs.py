"""SQL that asks for more than there is, by what it asks for; none of it could pass a plan, all of it reaches the engine.

Texts for the parser are far longer than the node hands on: what is tried is the jail, not the cap before it.
"""

# Statements stay whole.
# ruff: noqa: E501

from typing import NamedTuple


class Bomb(NamedTuple):
    """One statement, and the job it goes to."""

    name: str
    kind: str
    sql: str
    job: str = "query"


LONG = "repeat('a', 200000)"
DIGITS = "repeat('9', 100000)"

CPU = {
    "cross join of ranges": "SELECT count(*) FROM range(1000000) a, range(1000000) b WHERE a.range % 7 = b.range % 5",
    "cross join of the data": "SELECT count(*) FROM s0.data a, s0.data b, s0.data c, s0.data d WHERE a.i + b.i > c.i * d.i",
    "endless recursion": "WITH RECURSIVE t(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM t) SELECT count(*) FROM t",
    "endless distinct recursion": "WITH RECURSIVE t(i) AS (SELECT 1 UNION SELECT (i * 7 + 1) % 1000000007 FROM t) SELECT count(*) FROM t",
    "huge count": "SELECT count(*) FROM range(1000000000000)",
    "hash of a huge range": "SELECT sum(hash(range)::HUGEINT) FROM range(1000000000000)",
    "levenshtein": f"SELECT levenshtein({LONG}, repeat('b', 200000))",
    "levenshtein of rows": "SELECT sum(levenshtein(repeat(a.s, 500), repeat(b.s, 499))) FROM s0.data a, s0.data b",
    "jaccard": "SELECT jaccard(repeat('ab', 30000000), repeat('bc', 30000000))",
    "jaro-winkler": f"SELECT jaro_winkler_similarity({LONG}, repeat('b', 200000))",
    "hamming of rows": f"SELECT sum(hamming({LONG}, repeat('b', 200000))) FROM range(1000000)",
    "regular expression over rows": "SELECT count(*) FROM range(10000000) WHERE regexp_matches(repeat('a', 2000) || range, '(a|b|ab)*c$')",
    "replace by a regular expression": "SELECT max(length(regexp_replace(repeat('ab', 100000) || range, 'a', 'bb', 'g'))) FROM range(100000)",
    "big number product": f"SELECT ({DIGITS}::BIGNUM * {DIGITS}::BIGNUM)::VARCHAR[1:3] FROM range(100)",
    "factorials": "SELECT sum(factorial(33) % (range + 1)) FROM range(100000000000)",
    "powers": "SELECT sum(pow(range, 1.5) * sin(range) * ln(range + 2)) FROM range(100000000000)",
    "digests": "SELECT max(sha256(repeat('x', 100000) || range)) FROM range(10000000)",
    "md5 chain": "SELECT max(md5(md5(md5(md5(range::VARCHAR))))) FROM range(10000000000)",
    "sleep": "SELECT sleep_ms(100000)",
    "sleep of rows": "SELECT sum(sleep_ms(1000)) FROM range(1000)",
    "window over everything": "SELECT max(m) FROM (SELECT median(range) OVER (ORDER BY hash(range) ROWS 100000 PRECEDING) m FROM range(3000000))",
    "sorting within lists": "SELECT sum(list_sort(range(1000000))[1] + range) FROM range(100000)",
    "reduce": "SELECT list_reduce(range(100000000), lambda a, b: (a * 31 + b) % 1000003)",
    "nested lambdas": "SELECT list_sum(list_transform(range(100000), lambda x: list_sum(list_transform(range(1000), lambda y: x * y))))",
    "asof joins": "SELECT count(*) FROM range(3000000) a ASOF JOIN range(3000000) b ON a.range >= b.range ASOF JOIN range(3000000) c ON b.range >= c.range",
    "inequality join": "SELECT count(*) FROM range(2000000) a JOIN range(2000000) b ON a.range < b.range AND a.range * 3 > b.range",
    "correlated": "SELECT sum((SELECT count(*) FROM range(100000) b WHERE b.range % 97 = a.range % 89)) FROM range(10000000) a",
    "date series": "SELECT count(*) FROM generate_series(DATE '0001-01-01', DATE '9999-01-01', INTERVAL 1 SECOND)",
}
MEMORY = {
    "four gigabytes of text": "SELECT length(repeat('x', 4000000000))",
    "two gigabytes a row": "SELECT max(length(repeat('x', 2000000000 - range))) FROM range(100)",
    "list of a billion": "SELECT length(range(1000000000))",
    "list sum": "SELECT list_sum(range(500000000))",
    "list of texts": "SELECT length(list_transform(range(10000000), lambda x: repeat('y', 1000)))",
    "aggregated list": "SELECT length(list(range)) FROM range(1000000000)",
    "aggregated text": "SELECT length(string_agg(repeat('z', 1000), '')) FROM range(10000000)",
    "damerau-levenshtein": "SELECT damerau_levenshtein(repeat('a', 30000), repeat('b', 30000))",
    "printf": "SELECT length(printf('%2000000000d', 1))",
    "format": "SELECT length(format('{:>2000000000}', 'x'))",
    "lpad": "SELECT length(lpad('x', 2000000000, 'ab'))",
    "rpad": "SELECT length(rpad('x', 2000000000, 'ab'))",
    "bit string": "SELECT length(bitstring('1', 2000000000))",
    "bar": "SELECT length(bar(1, 0, 2, 2000000000))",
    "big number": "SELECT length((repeat('9', 50000000)::BIGNUM)::VARCHAR)",
    "distinct of everything": "SELECT count(DISTINCT hash(range)) FROM range(10000000000)",
    "groups without end": "SELECT count(*) FROM (SELECT hash(range) h, count(*) FROM range(10000000000) GROUP BY h)",
    "histogram": "SELECT cardinality(histogram(hash(range))) FROM range(1000000000)",
    "quantile": "SELECT quantile_cont(range, 0.5) FROM range(10000000000)",
    "hash join": "SELECT count(*) FROM range(1000000000) a JOIN range(1000000000) b ON a.range = b.range + 1",
    "temporary table": "CREATE TEMP TABLE t AS SELECT repeat('q', 1000) || range FROM range(100000000)",
    "attached memory": "ATTACH ':memory:' AS m; CREATE TABLE m.t AS SELECT repeat('q', 1000) || range FROM range(100000000)",
    "pivot": "SELECT * FROM (PIVOT (SELECT range AS r FROM range(100000)) ON r USING count(*))",
    "json": "SELECT length(to_json(range(50000000))::VARCHAR)",
    "split": "SELECT length(string_split(repeat('a,', 200000000), ','))",
    "unnested map": "SELECT count(*) FROM (SELECT unnest(map(range(100000000), range(100000000))))",
    "cube": "SELECT count(*) FROM (SELECT count(*) FROM range(1000000) t(i) GROUP BY CUBE (i, i+1, i+2, i+3, i+4, i+5, i+6, i+7, i+8))",
    "encoded": "SELECT length(hex(repeat('x', 1900000000)))",
}
DISK = {
    "a sort that spills": "SELECT max(h) FROM (SELECT hash(range) h, repeat('s', 200) || range p FROM range(100000000) ORDER BY h, p LIMIT 99999999)",
    "an aggregate that spills": "SELECT count(*) FROM (SELECT repeat('g', 100) || range g, count(*) FROM range(100000000) GROUP BY g)",
    "a window that spills": "SELECT max(r) FROM (SELECT row_number() OVER (PARTITION BY hash(range) % 10 ORDER BY hash(range * 7)) r, repeat('w', 100) FROM range(100000000))",
    "copied out": "COPY (SELECT repeat('c', 1000) || range FROM range(100000000)) TO '/tmp/yanmen-bomb'",
    "exported": "EXPORT DATABASE '/tmp/yanmen-bomb'",
    "a join that spills": "SELECT count(*) FROM (SELECT repeat('j', 200) || range k FROM range(30000000)) a JOIN (SELECT repeat('j', 200) || range k FROM range(30000000)) b USING (k)",
}
OUTPUT = {
    "rows without end": "SELECT range FROM range(10000000000)",
    "long cells": "SELECT repeat('o', 10000000) FROM range(1000)",
    "one cell": "SELECT repeat('o', 100000000)",
    "many columns": "SELECT " + ", ".join(f"repeat('o', 10000) AS c{n}" for n in range(2000)) + " FROM range(1000)",
    "a list cell": "SELECT range(10000000)",
    "a nested cell": "SELECT {'a': range(10000000), 'b': [repeat('x', 1000000)]}",
    "rows of the data": "SELECT a.s FROM s0.data a, s0.data b, s0.data c",
}
PARSER = {
    "nested parentheses": "SELECT " + "(" * 200_000 + "1" + ")" * 200_000,
    "nested functions": "SELECT " + "abs(" * 50_000 + "1" + ")" * 50_000,
    "long list": "SELECT 1 IN (" + ",".join(map(str, range(1_000_000))) + ")",
    "long chain of AND": "SELECT " + " AND ".join(["1 = 1"] * 100_000),
    "long sum": "SELECT " + "+".join(["1"] * 300_000),
    "many joins": "SELECT 1 FROM " + " JOIN ".join(f"t{n}" for n in range(20_000)),
    "many common tables": "WITH " + ", ".join(f"c{n} AS (SELECT 1)" for n in range(50_000)) + " SELECT 1",
    "nested subqueries": "SELECT * FROM " + "(SELECT * FROM " * 5_000 + "t" + ")" * 5_000,
    "many unions": " UNION ALL ".join(["SELECT 1"] * 100_000),
    "nested CASE": "SELECT " + "CASE WHEN 1 THEN " * 20_000 + "1" + " END" * 20_000,
    "nested lists": "SELECT " + "[" * 100_000 + "]" * 100_000,
    "long literal": "SELECT '" + "x" * 30_000_000 + "'",
    "long identifier": 'SELECT "' + "x" * 30_000_000 + '"',
    "many columns named": "SELECT " + ", ".join(f"c{n}" for n in range(500_000)),
    "not, not, not": "SELECT " + "NOT " * 200_000 + "true",
    "minus, minus": "SELECT " + "- " * 200_000 + "1",
}

BOMBS = tuple(
    Bomb(name, kind, sql, "vet" if kind == "parser" else "query")
    for kind, bombs in (("cpu", CPU), ("memory", MEMORY), ("disk", DISK), ("output", OUTPUT), ("parser", PARSER))
    for name, sql in bombs.items()
)
