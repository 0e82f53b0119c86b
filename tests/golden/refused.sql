-- CLAUSE_NOT_ADMITTED at 1:8 ORDER BY
SELECT avg(age ORDER BY pid) export_state FROM person

-- CLAUSE_NOT_ADMITTED at 1:8 EXPORT_STATE
SELECT sum(age) export_state FROM person

-- CLAUSE_NOT_ADMITTED at 1:8 ORDER BY
SELECT sum(income ORDER BY pid) FROM person

-- CLAUSE_NOT_ADMITTED at 1:8 DISTINCT
SELECT sum(DISTINCT age) FROM person

-- CLAUSE_NOT_ADMITTED at 1:8 DISTINCT
SELECT count(DISTINCT age) FROM person

-- FUNCTION_NOT_ADMITTED at 1:8 max
SELECT max(pid) FROM person

-- FUNCTION_NOT_ADMITTED at 1:8 min
SELECT min(age) FROM person

-- FUNCTION_NOT_ADMITTED at 1:8 any_value
SELECT any_value(note) FROM person

-- ROWS_WOULD_LEAVE at 1:8 SELECT
SELECT pid FROM person

-- UNIT_NOT_ADMITTED_HERE at 1:50 pid
SELECT pid AS sex, count(*) FROM person GROUP BY pid

-- UNIT_NOT_ADMITTED_HERE at 1:8 pid
SELECT pid AS sex, count(*) FROM person GROUP BY sex

-- UNIT_NOT_ADMITTED_HERE at 1:18 pid
SELECT CASE WHEN pid = 5 THEN 'x' ELSE 'y' END k, count(*) FROM person GROUP BY k

-- UNIT_NOT_ADMITTED_HERE at 1:35 pid
SELECT count(*) FROM person WHERE pid = 5

-- UNIT_NOT_ADMITTED_HERE at 1:35 pid
SELECT count(*) FROM person WHERE pid IN (1,2)

-- UNIT_NOT_ADMITTED_HERE at 1:65 pid
SELECT count(*) FROM person p JOIN visit v ON p.pid = v.pid AND p.pid = 5

-- JOIN_NOT_ON_UNIT at 1:36 v
SELECT count(*) FROM person p JOIN visit v ON p.pid = v.pid + 1

-- JOIN_NOT_ON_UNIT at 1:47 pid
SELECT count(*) FROM person p JOIN visit v ON p.pid = v.days

-- UNIT_NOT_ADMITTED_HERE at 1:12 pid
SELECT sum(pid) FROM person

-- UNIT_NOT_ADMITTED_HERE at 1:14 pid
SELECT count(pid) FROM person

-- CLAUSE_NOT_ADMITTED at 1:8 DISTINCT
SELECT count(DISTINCT pid + 0) FROM person

-- CLAUSE_NOT_ADMITTED at 1:8 DISTINCT
SELECT count(DISTINCT CAST(pid AS VARCHAR)) FROM person

-- FUNCTION_NOT_ADMITTED at 1:36 max
SELECT count(*) FROM person HAVING max(pid) > 3

-- UNIT_NOT_ADMITTED_HERE at 1:38 pid
SELECT count(*) FROM person ORDER BY pid

-- UNIT_NOT_ADMITTED_HERE at 1:43 pid
SELECT count(*) AS n FROM person GROUP BY pid

-- ROWS_WOULD_LEAVE at 1:8 SELECT
SELECT rowid FROM person

-- UNKNOWN_COLUMN at 1:35 rowid
SELECT count(*) FROM person WHERE rowid = 3

-- ROWS_WOULD_LEAVE at 1:8 SELECT
SELECT person FROM person

-- UNKNOWN_COLUMN at 1:35 person
SELECT count(*) FROM person WHERE person IS NOT NULL

-- CLAUSE_NOT_ADMITTED at 1:16 COLUMNS
SELECT COLUMNS(*) FROM person

-- UNKNOWN_COLUMN at 1:35 diary
SELECT count(*) FROM person WHERE diary = 'x'

-- UNKNOWN_COLUMN at 1:35 nothing
SELECT count(*) FROM person WHERE nothing = 'x'

-- COLUMN_NOT_IN_CONTRACT at 1:35 religion
SELECT count(*) FROM person WHERE religion = 'a'

-- UNKNOWN_TABLE at 1:22 x.csv
SELECT count(*) FROM 'x.csv'

-- CLAUSE_NOT_ADMITTED at 1:22 table function
SELECT count(*) FROM read_csv('/etc/passwd')

-- CLAUSE_NOT_ADMITTED at 1:22 table function
SELECT count(*) FROM "read_csv"('/etc/passwd')

-- CLAUSE_NOT_ADMITTED at 1:22 table function
SELECT count(*) FROM duckdb_tables()

-- UNKNOWN_TABLE at 1:22 information_schema.tables
SELECT count(*) FROM information_schema.tables

-- CLAUSE_NOT_ADMITTED at 1:22 TABLESAMPLE
SELECT count(*) FROM person TABLESAMPLE 10%

-- CLAUSE_NOT_ADMITTED at 1:22 USING SAMPLE
SELECT count(*) FROM person USING SAMPLE 10

-- CLAUSE_NOT_ADMITTED at 1:22 AT
SELECT count(*) FROM person AT (VERSION => 1)

-- CLAUSE_NOT_ADMITTED at 1:1 FROM
WITH person AS (SELECT 1 AS age) SELECT count(*) FROM person

-- CLAUSE_NOT_ADMITTED at 1:29 WITH RECURSIVE
WITH RECURSIVE r AS (SELECT 1 UNION ALL SELECT 1 FROM r) SELECT count(*) FROM r

-- UNIT_NOT_ADMITTED_HERE at 1:63 age
SELECT count(*) FROM (SELECT pid AS age FROM person) GROUP BY age

-- FUNCTION_NOT_ADMITTED at 1:16 max
SELECT (SELECT max(pid) FROM person), count(*) FROM person

-- FUNCTION_NOT_ADMITTED at 1:49 max
SELECT count(*) FROM person WHERE age = (SELECT max(age) FROM person)

-- CLAUSE_NOT_ADMITTED at 1:1 FROM
SELECT count(*) FROM person WHERE EXISTS (SELECT 1)

-- CLAUSE_NOT_ADMITTED at 1:8 UNION
SELECT count(*) FROM person UNION SELECT 1

-- NOT_ONE_SELECT at 1:37 1
SELECT count(*) FROM person; SELECT 1

-- ROWS_WOULD_LEAVE at 1:8 SELECT
SELECT sum(age) OVER (PARTITION BY pid) FROM person

-- FUNCTION_NOT_ADMITTED at 1:8 error
SELECT error('x'), count(*) FROM person

-- FUNCTION_NOT_ADMITTED at 1:35 error
SELECT count(*) FROM person WHERE error(note)

-- FUNCTION_NOT_ADMITTED at 1:35 strptime
SELECT count(*) FROM person WHERE strptime(note, '%Y') IS NULL

-- FUNCTION_NOT_ADMITTED at 1:39 CAST JSON
SELECT count(*) FROM person WHERE note::JSON IS NULL

-- FUNCTION_NOT_ADMITTED at 1:39 CAST UUID
SELECT count(*) FROM person WHERE note::UUID IS NULL

-- FUNCTION_NOT_ADMITTED at 1:35 regexp_matches
SELECT count(*) FROM person WHERE regexp_matches(note, '(a+)+b')

-- FUNCTION_NOT_ADMITTED at 1:40 regexp_full_match
SELECT count(*) FROM person WHERE note SIMILAR TO 'a'

-- FUNCTION_NOT_ADMITTED at 1:40 LIKE
SELECT count(*) FROM person WHERE note LIKE note

-- FUNCTION_NOT_ADMITTED at 1:40 LIKE
SELECT count(*) FROM person WHERE note LIKE 'a!' ESCAPE '!'

-- FUNCTION_NOT_ADMITTED at 1:40 ~~~
SELECT count(*) FROM person WHERE note GLOB 'a*'

-- FUNCTION_NOT_ADMITTED at 1:49 list_value
SELECT count(*) FROM person WHERE list_contains([1], age)

-- CLAUSE_NOT_ADMITTED at 1:1 FROM
SELECT count(*) FROM person WHERE age IN (SELECT 1)

-- FUNCTION_NOT_ADMITTED at 1:47 list_value
SELECT count(*) FROM person WHERE list_filter([1], lambda x: x = age) IS NULL

-- FUNCTION_NOT_ADMITTED at 1:47 list_value
SELECT count(*) FROM person WHERE [x for x in [1]] IS NULL

-- CLAUSE_NOT_ADMITTED at 1:35 STRUCT_EXTRACT
SELECT count(*) FROM person WHERE {'a': age}.a = 1

-- FUNCTION_NOT_ADMITTED at 1:35 //
SELECT count(*) FROM person WHERE age // 0 = 1

-- FUNCTION_NOT_ADMITTED at 1:35 /
SELECT count(*) FROM person WHERE age / income > 1

-- FUNCTION_NOT_ADMITTED at 1:35 /
SELECT count(*) FROM person WHERE age / 0 > 1

-- FUNCTION_NOT_ADMITTED at 1:35 **
SELECT count(*) FROM person WHERE age ** 2 > 1

-- FUNCTION_NOT_ADMITTED at 1:35 hash
SELECT count(*) FROM person WHERE hash(note) = 1

-- FUNCTION_NOT_ADMITTED at 1:35 random
SELECT count(*) FROM person WHERE random() > 0.5

-- UNKNOWN_COLUMN at 1:35 current_date
SELECT count(*) FROM person WHERE current_date > born

-- FUNCTION_NOT_ADMITTED at 1:35 now
SELECT count(*) FROM person WHERE now() > born

-- UNKNOWN_COLUMN at 1:8 current_user
SELECT current_user, count(*) FROM person

-- FUNCTION_NOT_ADMITTED at 1:8 getenv
SELECT getenv('HOME'), count(*) FROM person

-- FUNCTION_NOT_ADMITTED at 1:8 current_setting
SELECT current_setting('x'), count(*) FROM person

-- NOT_ONE_SELECT at 1:1 PREPARE
PREPARE q AS SELECT count(*) FROM person

-- CLAUSE_NOT_ADMITTED at 1:41 parameter
SELECT count(*) FROM person WHERE age = ?

-- CLAUSE_NOT_ADMITTED at 1:41 parameter
SELECT count(*) FROM person WHERE age = $1

-- CLAUSE_NOT_ADMITTED at 1:41 parameter
SELECT count(*) FROM person WHERE age = $x

-- NOT_ONE_SELECT at 1:1 PIVOT
PIVOT person ON sex USING count(*)

-- ROWS_WOULD_LEAVE at 1:6 SELECT
FROM person

-- ROWS_WOULD_LEAVE at 1:1 SELECT
TABLE person

-- CLAUSE_NOT_ADMITTED at 1:1 SHOW
DESCRIBE person

-- CLAUSE_NOT_ADMITTED at 1:1 SHOW
SUMMARIZE person

-- CLAUSE_NOT_ADMITTED at 1:1 SHOW
SHOW TABLES

-- NOT_ONE_SELECT at 1:1 EXPLAIN
EXPLAIN SELECT count(*) FROM person

-- NOT_ONE_SELECT at 1:1 EXPLAIN
EXPLAIN ANALYZE SELECT count(*) FROM person

-- NOT_ONE_SELECT at 1:1 CALL
CALL duckdb_tables()

-- NOT_ONE_SELECT at 1:1 COPY
COPY person TO 'x.csv'

-- CLAUSE_NOT_ADMITTED at 1:1 VALUES
VALUES (1)

-- CLAUSE_NOT_ADMITTED at 1:1 FROM
SELECT 1

-- CLAUSE_NOT_ADMITTED at 1:37 QUALIFY
SELECT count(*) FROM person QUALIFY true

-- CLAUSE_NOT_ADMITTED at 1:29 FULL REGULAR JOIN
SELECT count(*) FROM person FULL JOIN visit USING (pid)

-- CLAUSE_NOT_ADMITTED at 1:29 RIGHT REGULAR JOIN
SELECT count(*) FROM person RIGHT JOIN visit USING (pid)

-- CLAUSE_NOT_ADMITTED at 1:29 SEMI REGULAR JOIN
SELECT count(*) FROM person SEMI JOIN visit USING (pid)

-- CLAUSE_NOT_ADMITTED at 1:29 ANTI REGULAR JOIN
SELECT count(*) FROM person ANTI JOIN visit USING (pid)

-- CLAUSE_NOT_ADMITTED at 1:29 INNER ASOF JOIN
SELECT count(*) FROM person ASOF JOIN visit ON person.pid = visit.pid AND person.age >= visit.days

-- CLAUSE_NOT_ADMITTED at 1:29 INNER POSITIONAL JOIN
SELECT count(*) FROM person POSITIONAL JOIN visit

-- JOIN_NOT_ON_UNIT at 1:40 visit
SELECT count(*) FROM person CROSS JOIN visit

-- CLAUSE_NOT_ADMITTED at 1:29 INNER NATURAL JOIN
SELECT count(*) FROM person NATURAL JOIN visit

-- CLAUSE_NOT_ADMITTED at 1:1 FROM
SELECT count(*) FROM person, LATERAL (SELECT 1)

-- CLAUSE_NOT_ADMITTED at 1:22 column aliases
SELECT count(*) FROM person p(pid, x) WHERE x = 1

-- CLAUSE_NOT_ADMITTED at 1:75 LEFT JOIN
SELECT count(*) FROM visit LEFT JOIN person ON visit.pid = person.pid AND person.age > 3

-- KEY_WITHOUT_DOMAIN at 1:44 GROUP BY
SELECT note, count(*) FROM person GROUP BY note

-- KEY_WITHOUT_DOMAIN at 1:43 GROUP BY
SELECT age, count(*) FROM person GROUP BY age

-- KEY_WITHOUT_DOMAIN at 1:8 GROUP BY
SELECT income, count(*) FROM person GROUP BY 1

-- ROWS_WOULD_LEAVE at 1:8 age
SELECT age, sex, count(*) FROM person GROUP BY sex

-- CLAUSE_NOT_ADMITTED at 1:17 SELECT DISTINCT
SELECT DISTINCT sex FROM person

-- ROWS_WOULD_LEAVE at 1:8 sex
SELECT sex FROM person GROUP BY sex

-- ROWS_WOULD_LEAVE at 1:8 SELECT
SELECT sex FROM person

-- ROWS_WOULD_LEAVE at 1:8 SELECT
SELECT * FROM person

-- ROWS_WOULD_LEAVE at 1:8 SELECT
SELECT p.* FROM person p

-- ROWS_WOULD_LEAVE at 1:18 *
SELECT count(*), * FROM person

-- MEASURE_WITHOUT_BOUNDS at 1:8 sum
SELECT sum(raw) FROM person

-- TYPE_MISMATCH at 1:8 sum
SELECT sum(note) FROM person

-- MEASURE_WITHOUT_BOUNDS at 1:8 sum
SELECT sum(CAST(note AS INTEGER)) FROM person

-- MEASURE_WITHOUT_BOUNDS at 1:8 sum
SELECT sum(income*income*income*income) FROM person

-- MEASURE_WITHOUT_BOUNDS at 1:8 sum
SELECT sum(abs(raw)) FROM person

-- MEASURE_WITHOUT_BOUNDS at 1:8 sum
SELECT sum(CASE WHEN raw > 5 THEN 5 ELSE raw END) FROM person

-- MEASURE_WITHOUT_BOUNDS at 1:8 sum
SELECT sum(year(born)) FROM person

-- TYPE_MISMATCH at 1:8 sum
SELECT sum(insured) FROM person

-- TYPE_MISMATCH at 1:41 99999999999999999999
SELECT count(*) FROM person WHERE age = 99999999999999999999

-- TYPE_MISMATCH at 1:41 1e400
SELECT count(*) FROM person WHERE age < 1e400

-- TYPE_MISMATCH at 1:44 1e-300
SELECT count(*) FROM person WHERE income = 1e-300

-- TYPE_MISMATCH at 1:35 =
SELECT count(*) FROM person WHERE age = '5'

-- TYPE_MISMATCH at 1:35 x
SELECT count(*) FROM person WHERE born = 'x'

-- TYPE_MISMATCH at 1:35 2020-02-30
SELECT count(*) FROM person WHERE born = '2020-02-30'

-- TYPE_MISMATCH at 1:35 WHERE
SELECT count(*) FROM person WHERE age

-- TYPE_MISMATCH at 1:35 WHERE
SELECT count(*) FROM person WHERE sex AND insured

-- CLAUSE_NOT_ADMITTED at 1:35 count(*)
SELECT count(*) FROM person WHERE count(*) > 1

-- CLAUSE_NOT_ADMITTED at 1:38 GROUP BY
SELECT count(*) FROM person GROUP BY count(*)

-- CLAUSE_NOT_ADMITTED at 1:12 count(*)
SELECT sum(count(*)) FROM person

-- CLAUSE_NOT_ADMITTED at 1:12 sum
SELECT sum(sum(age)) FROM person

-- CLAUSE_NOT_ADMITTED at 1:35 LIMIT
SELECT count(*) FROM person LIMIT age

-- CLAUSE_NOT_ADMITTED at 1:35 LIMIT %
SELECT count(*) FROM person LIMIT 10%

-- CLAUSE_NOT_ADMITTED at 1:35 LIMIT
SELECT count(*) FROM person LIMIT -1

-- CLAUSE_NOT_ADMITTED at 1:22 COLUMNS
SELECT count(*) FROM person ORDER BY ALL

-- CLAUSE_NOT_ADMITTED at 1:38 5
SELECT count(*) FROM person ORDER BY 5

-- CLAUSE_NOT_ADMITTED at 1:38 7
SELECT count(*) FROM person GROUP BY 7

-- CLAUSE_NOT_ADMITTED at 1:38 0
SELECT count(*) FROM person GROUP BY 0

-- UNKNOWN_TABLE at 1:22 nowhere
SELECT count(*) FROM nowhere

-- UNKNOWN_TABLE at 1:22 main.person
SELECT count(*) FROM main.person

-- UNKNOWN_TABLE at 1:22 health.person
SELECT count(*) FROM health.person

-- CLAUSE_NOT_ADMITTED at 1:22 catalog
SELECT count(*) FROM memory.main.person

-- AMBIGUOUS_COLUMN at 1:32 a
SELECT count(*) FROM person a, person a

-- JOIN_NOT_ON_UNIT at 1:27 v
SELECT age FROM person p, visit v

-- DIMENSION_NOT_DECLARED at 1:33 WHERE
SELECT count(*) FROM firm WHERE output > 5

-- DIMENSION_NOT_DECLARED at 1:33 WHERE
SELECT count(*) FROM firm WHERE sector = 'a' OR size = 1

-- DIMENSION_NOT_DECLARED at 1:33 WHERE
SELECT count(*) FROM firm WHERE NOT sector = 'a'

-- DIMENSION_NOT_DECLARED at 1:40 WHERE
SELECT count(*) FROM firm WHERE sector LIKE 'a%'

-- DIMENSION_NOT_DECLARED at 1:8 GROUP BY
SELECT CASE WHEN sector='a' THEN 1 ELSE 0 END, count(*) FROM firm GROUP BY 1

-- DIMENSION_NOT_DECLARED at 1:8 sum
SELECT sum(CASE WHEN sector='a' THEN output ELSE 0 END) FROM firm

-- DIMENSION_NOT_DECLARED at 1:43 GROUP BY
SELECT label, count(*) FROM firm GROUP BY label

-- DIMENSION_NOT_DECLARED at 1:33 WHERE
SELECT count(*) FROM firm WHERE label = 'x'

-- DIMENSION_NOT_DECLARED at 1:8 sum
SELECT sum(nullif(output, 5)) FROM firm

-- FUNCTION_NOT_ADMITTED at 1:8 max
SELECT max(output) FROM firm

-- ROWS_WOULD_LEAVE at 1:8 SELECT
SELECT output FROM firm

-- DIMENSION_NOT_DECLARED at 1:44 GROUP BY
SELECT output, count(*) FROM firm GROUP BY output

-- UNIT_NOT_ADMITTED_HERE at 1:41 fid
SELECT fid, count(*) FROM firm GROUP BY fid

-- JOIN_NOT_ON_UNIT at 1:32 person
SELECT count(*) FROM firm JOIN person ON firm.fid = person.pid

-- CLAUSE_NOT_ADMITTED at 1:35 COLLATE
SELECT count(*) FROM person WHERE sex COLLATE NOCASE = 'F'

-- CLAUSE_NOT_ADMITTED at 1:35 TRY
SELECT count(*) FROM person WHERE try(age) = 1

-- FUNCTION_NOT_ADMITTED at 1:35 least
SELECT count(*) FROM person WHERE least(age, 5) = 1

-- FUNCTION_NOT_ADMITTED at 1:21 least
SELECT sum(greatest(least(age, 5), 0)) FROM person

-- FUNCTION_NOT_ADMITTED at 1:15 list_value
SELECT unnest([1,2]), count(*) FROM person

-- FUNCTION_NOT_ADMITTED at 1:8 list
SELECT list(age) FROM person

-- FUNCTION_NOT_ADMITTED at 1:8 string_agg
SELECT string_agg(note) FROM person

-- FUNCTION_NOT_ADMITTED at 1:8 mode
SELECT mode(age) FROM person

-- KEY_WITHOUT_DOMAIN at 1:8 median
SELECT median(age) FROM person

-- FUNCTION_NOT_ADMITTED at 1:8 mode
SELECT mode(age) FROM person

-- FUNCTION_NOT_ADMITTED at 1:8 count
SELECT count(sex, age) FROM person

-- FUNCTION_NOT_ADMITTED at 1:8 sum
SELECT sum() FROM person

-- FUNCTION_NOT_ADMITTED at 1:8 sum
SELECT main.sum(age) FROM person

-- FUNCTION_NOT_ADMITTED at 1:8 sum
SELECT system.main.sum(age) FROM person

-- FUNCTION_NOT_ADMITTED at 1:8 sum
SELECT age.sum() FROM person

-- CLAUSE_NOT_ADMITTED at 1:8 sum
SELECT sum(x := age) FROM person

-- CLAUSE_NOT_ADMITTED at 1:41 #
SELECT count(*) FROM person WHERE age = #1

-- CLAUSE_NOT_ADMITTED at 1:41 DEFAULT
SELECT count(*) FROM person WHERE age = DEFAULT

-- TYPE_MISMATCH at 1:35 INTERVAL
SELECT count(*) FROM person WHERE interval 1 day > interval 2 day

-- FUNCTION_NOT_ADMITTED at 1:35 row
SELECT count(*) FROM person WHERE (age, sex) = (1, 'f')

-- CLAUSE_NOT_ADMITTED at 1:35 literal
SELECT count(*) FROM person WHERE x'aa' = 'a'

-- ROWS_WOULD_LEAVE at 1:24 age
SELECT round(count(*), age) FROM person

-- FUNCTION_NOT_ADMITTED at 1:12 round
SELECT sum(round(age, age)) FROM person

-- CROSS_NODE_JOIN at 1:63 ward_stay
-- instead: SELECT sex, count(*), sum(age) FROM person WHERE age > 3 GROUP BY sex
-- instead: SELECT ward, count(*) FROM ward_stay WHERE days > 2 GROUP BY ward -- health
SELECT p.sex, w.ward, count(*), sum(p.age) FROM person p JOIN ward_stay w ON p.pid = w.pid WHERE p.age > 3 AND w.days > 2 GROUP BY 1, 2

-- DATASET_NOT_IN_CONTRACT at 1:22 ward_stay
SELECT count(*) FROM ward_stay

-- CROSS_NODE_JOIN at 1:22 health.diagnosis
-- instead: SELECT count(*) FROM diagnosis -- health
-- instead: SELECT count(*) FROM claim -- insurance
SELECT count(*) FROM health.diagnosis d JOIN claim c USING (id)

-- CROSS_NODE_JOIN at 1:51 health.ward_stay
-- instead: SELECT count(*) FROM person
-- instead: SELECT max(days) FROM ward_stay -- health
SELECT max(w.days), min(p.age) FROM person p JOIN health.ward_stay w USING (pid)

-- UNKNOWN_COLUMN at 1:21 x
SELECT max(people), x FROM town GROUP BY region

-- TYPE_MISMATCH at 1:8 sum
SELECT sum(region) FROM town

-- ROWS_WOULD_LEAVE at 1:8 SELECT
SELECT x.age FROM person p

-- FUNCTION_NOT_ADMITTED at 4:8 mode
SELECT count(*)
  FROM person
 WHERE 年龄 > 3 AND
       mode(age) > 1

-- SQL_MALFORMED at 1:1 SELEC
SELEC count(*) FROM person

-- SQL_MALFORMED at 1:16 FROM
SELECT count(* FROM person

-- TOO_MANY_CELLS at 1:38 GROUP BY
SELECT count(*) FROM person GROUP BY month(born), day(born), district, district = sex, age > 1, age > 2, age > 3

-- FUNCTION_NOT_ADMITTED at 1:35 sqrt
SELECT count(*) FROM person WHERE sqrt(age) > 2

-- FUNCTION_NOT_ADMITTED at 1:35 //
SELECT count(*) FROM person WHERE age // 0 = 1

-- FUNCTION_NOT_ADMITTED at 1:35 substring
SELECT count(*) FROM person WHERE substring(note, age, 1) = 'x'

-- FUNCTION_NOT_ADMITTED at 1:35 contains
SELECT count(*) FROM person WHERE contains(note, sex)

-- FUNCTION_NOT_ADMITTED at 1:40 +
SELECT count(*) FROM person WHERE born + age > born

-- FUNCTION_NOT_ADMITTED at 1:42 trunc
SELECT count(*) FROM person WHERE born + INTERVAL 1 HOUR > born

-- FUNCTION_NOT_ADMITTED at 1:35 date_trunc
SELECT count(*) FROM person WHERE date_trunc(note, born) > born

-- MEASURE_WITHOUT_BOUNDS at 1:8 sum
SELECT sum(raw * raw) FROM person

-- MEASURE_WITHOUT_BOUNDS at 1:8 stddev_samp
SELECT stddev(raw) FROM person

-- TYPE_MISMATCH at 1:8 corr
SELECT corr(age, note) FROM person

-- KEY_WITHOUT_DOMAIN at 1:8 GROUP BY
SELECT year(born), count(*) FROM person WHERE born > DATE '2000-01-01' GROUP BY 1

-- CLAUSE_NOT_ADMITTED at 1:8 FILTER
SELECT abs(age) FILTER (WHERE insured) FROM person

-- CLAUSE_NOT_ADMITTED at 1:8 DISTINCT
SELECT count(DISTINCT CASE WHEN insured THEN age END) FROM person

-- CLAUSE_NOT_ADMITTED at 1:29 WITH RECURSIVE
WITH RECURSIVE r AS (SELECT 1 AS n UNION ALL SELECT n + 1 FROM r) SELECT count(*) FROM r

-- CLAUSE_NOT_ADMITTED at 1:8 UNION
SELECT count(*) FROM person UNION SELECT count(*) FROM visit

-- CLAUSE_NOT_ADMITTED at 1:8 EXCEPT
SELECT count(*) FROM person EXCEPT SELECT count(*) FROM visit

-- ROWS_WOULD_LEAVE at 1:8 SELECT
SELECT * FROM (SELECT * FROM person)

-- ROWS_WOULD_LEAVE at 1:43 SELECT
WITH p AS (SELECT age FROM person) SELECT * FROM p

-- CLAUSE_NOT_ADMITTED at 1:22 person
SELECT count(*) FROM person JOIN (SELECT sex, count(*) AS n FROM person GROUP BY sex) s USING (sex)

-- CLAUSE_NOT_ADMITTED at 1:41 SELECT
SELECT count(*) FROM person WHERE age > (SELECT avg(age) FROM person)

-- KEY_WITHOUT_DOMAIN at 1:50 GROUP BY
SELECT count(*) FROM person WHERE age IN (SELECT days FROM visit)

-- CLAUSE_NOT_ADMITTED at 1:36 SELECT
SELECT count(*) FROM visit v WHERE EXISTS (SELECT 1 FROM visit w WHERE w.ward = v.ward)

-- CLAUSE_NOT_ADMITTED at 1:90 EXISTS (SELECT …)
SELECT count(*) FROM visit v WHERE EXISTS (SELECT 1 FROM visit w WHERE w.pid = v.pid AND w.days > v.days)

-- CLAUSE_NOT_ADMITTED at 1:39 SELECT DISTINCT
SELECT count(*) FROM (SELECT DISTINCT age FROM person)

-- CLAUSE_NOT_ADMITTED at 1:30 LIMIT
SELECT count(*) FROM (SELECT age FROM person LIMIT 1)

-- CLAUSE_NOT_ADMITTED at 1:30 LIMIT
SELECT count(*) FROM (SELECT age FROM person ORDER BY age DESC LIMIT 10)

-- CLAUSE_NOT_ADMITTED at 1:28 OVER
SELECT sum(n) FROM (SELECT rank() OVER (ORDER BY age) AS n FROM person)

-- ROWS_WOULD_LEAVE at 1:8 SELECT
SELECT rank() OVER (ORDER BY age) FROM person

-- CLAUSE_NOT_ADMITTED at 1:8 median
SELECT median(n) OVER () FROM (SELECT count(*) AS n FROM person)

-- CLAUSE_NOT_ADMITTED at 1:13 n
SELECT sex, n FROM (SELECT sex, count(*) AS n FROM person GROUP BY sex) GROUP BY sex

-- UNKNOWN_COLUMN at 1:8 nothing
SELECT nothing FROM (SELECT count(*) AS n FROM person)

-- AMBIGUOUS_COLUMN at 1:8 n
SELECT n FROM (SELECT count(*) AS n FROM person) a, (SELECT count(*) AS n FROM visit) b

-- TYPE_MISMATCH at 1:8 UNION ALL
SELECT count(*) FROM person UNION ALL SELECT sex, count(*) FROM person GROUP BY sex

-- TYPE_MISMATCH at 1:8 UNION ALL
SELECT count(*) FROM person UNION ALL SELECT 'x' FROM town

-- ROWS_WOULD_LEAVE at 1:8 SELECT
SELECT age FROM person UNION ALL SELECT days FROM visit

-- UNIT_NOT_ADMITTED_HERE at 1:54 x
SELECT x FROM (SELECT pid AS x FROM person) GROUP BY x

-- JOIN_NOT_ON_UNIT at 1:81 b
SELECT count(*) FROM (SELECT pid, count(*) AS n FROM visit GROUP BY pid) a JOIN (SELECT pid, count(*) AS n FROM visit GROUP BY pid) b ON a.n = b.n

-- JOIN_NOT_ON_UNIT at 1:39 person
SELECT count(*) FROM visit CROSS JOIN person

-- FUNCTION_NOT_ADMITTED at 1:33 stddev_samp
SELECT sum(n) FROM (SELECT pid, stddev(days) AS n FROM visit GROUP BY pid)

-- DIMENSION_NOT_DECLARED at 1:30 SELECT
SELECT count(*) FROM (SELECT * FROM firm)

-- DIMENSION_NOT_DECLARED at 1:49 SELECT
SELECT count(*) AS n FROM firm UNION ALL SELECT count(*) AS n FROM person

-- CLAUSE_NOT_ADMITTED at 1:8 GROUPING
SELECT grouping(age), count(*) FROM person GROUP BY ROLLUP (sex)

-- CLAUSE_NOT_ADMITTED at 1:55 QUALIFY
SELECT sex, count(*) FROM person GROUP BY sex QUALIFY count(*) > 3
