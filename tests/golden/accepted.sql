-- question: SELECT count(*) FROM person
--   release  personal: differential privacy, noise on every figure
--   read     person (pid)
--   figure   a0: rows counted, one unit moves it by at most 1
--   answer   at most 1 rows: count(*)
SELECT CAST(coalesce(CASE WHEN "a0" < 0 THEN 0 WHEN "a0" > 20000 THEN 20000 ELSE "a0" END, 0) AS BIGINT) AS "a0" FROM (SELECT sum("a0") AS "a0" FROM (SELECT "u", CAST(CASE WHEN "a0" < 0 THEN 0 WHEN "a0" > 1 THEN 1 ELSE "a0" END AS BIGINT) AS "a0" FROM (SELECT "u", count(*) AS "a0" FROM (SELECT "t0"."pid" AS "u" FROM "s0"."data" AS "t0") AS "r" GROUP BY "u") AS "p") AS "g") AS "t";

-- question: SELECT sex, count(*) AS n FROM person WHERE age > 50 GROUP BY sex
--   release  personal: differential privacy, noise on every figure
--   read     person (pid, sex, age)
--   key      k0: f, m
--   figure   a0: rows counted, one unit moves it by at most 1
--   answer   at most 2 rows: sex, n
SELECT "k0", CAST(coalesce(CASE WHEN "a0" < 0 THEN 0 WHEN "a0" > 20000 THEN 20000 ELSE "a0" END, 0) AS BIGINT) AS "a0" FROM (SELECT "k0", sum("a0") AS "a0" FROM (SELECT "k0", "u", CAST(CASE WHEN "a0" < 0 THEN 0 WHEN "a0" > 1 THEN 1 ELSE "a0" END AS BIGINT) AS "a0" FROM (SELECT "k0", "u", count(*) AS "a0" FROM (SELECT "t0"."sex" AS "k0", "t0"."pid" AS "u" FROM "s0"."data" AS "t0" WHERE ("t0"."age" > CAST(50 AS BIGINT))) AS "r" WHERE "k0" IS NOT NULL GROUP BY "k0", "u") AS "p") AS "g" GROUP BY "k0") AS "t";

-- question: SELECT sex, avg(income) AS mean FROM person WHERE income < 5.5 GROUP BY 1 HAVING count(*) > 3 ORDER BY mean DESC LIMIT 2
--   release  personal: differential privacy, noise on every figure
--   read     person (pid, sex, income)
--   key      k0: f, m
--   figure   a0: sum in units of 10^-2, one unit moves it by at most 10000000
--   figure   a1: rows counted, one unit moves it by at most 1
--   average  m0 = a0 / a1
--   answer   at most 2 rows: sex, mean
--   after    select list, HAVING, ORDER BY and LIMIT run on released figures
SELECT "k0", CAST(coalesce(CASE WHEN "a0" < 0 THEN 0 WHEN "a0" > 200000000000 THEN 200000000000 ELSE "a0" END, 0) AS BIGINT) AS "a0", CAST(coalesce(CASE WHEN "a1" < 0 THEN 0 WHEN "a1" > 20000 THEN 20000 ELSE "a1" END, 0) AS BIGINT) AS "a1" FROM (SELECT "k0", sum("a0") AS "a0", sum("a1") AS "a1" FROM (SELECT "k0", "u", CAST(CASE WHEN "a0" < 0 THEN 0 WHEN "a0" > 10000000 THEN 10000000 ELSE "a0" END AS BIGINT) AS "a0", CAST(CASE WHEN "a1" < 0 THEN 0 WHEN "a1" > 1 THEN 1 ELSE "a1" END AS BIGINT) AS "a1" FROM (SELECT "k0", "u", sum(CASE WHEN "v0" < 0 THEN 0 WHEN "v0" > 10000000 THEN 10000000 ELSE "v0" END) AS "a0", count(*) AS "a1" FROM (SELECT "t0"."sex" AS "k0", "t0"."pid" AS "u", "t0"."income" AS "v0" FROM "s0"."data" AS "t0" WHERE ("t0"."income" < CAST(550 AS BIGINT))) AS "r" WHERE "k0" IS NOT NULL GROUP BY "k0", "u") AS "p") AS "g" GROUP BY "k0") AS "t";
-- after:
SELECT "k0" AS "o0", "m0" AS "o1", "w_m0" AS "w1" FROM "cells" WHERE (CAST("a1" AS DOUBLE) > CAST(3 AS DOUBLE)) ORDER BY "m0" DESC NULLS LAST LIMIT 2;

-- question: SELECT CASE WHEN age < 40 THEN '18-39' WHEN age < 60 THEN '40-59' ELSE '60+' END AS band, count(DISTINCT pid) AS persons, avg(income) FROM person GROUP BY band ORDER BY band
--   release  personal: differential privacy, noise on every figure
--   read     person (pid, age, income)
--   key      k0: 18-39, 40-59, 60+
--   figure   a0: units counted, one unit moves it by at most 1
--   figure   a1: sum in units of 10^-2, one unit moves it by at most 10000000
--   figure   a2: rows counted, one unit moves it by at most 1
--   average  m0 = a1 / a2
--   answer   at most 3 rows: band, persons, avg(income)
--   after    select list, HAVING, ORDER BY and LIMIT run on released figures
SELECT "k0", CAST(coalesce(CASE WHEN "a0" < 0 THEN 0 WHEN "a0" > 20000 THEN 20000 ELSE "a0" END, 0) AS BIGINT) AS "a0", CAST(coalesce(CASE WHEN "a1" < 0 THEN 0 WHEN "a1" > 200000000000 THEN 200000000000 ELSE "a1" END, 0) AS BIGINT) AS "a1", CAST(coalesce(CASE WHEN "a2" < 0 THEN 0 WHEN "a2" > 20000 THEN 20000 ELSE "a2" END, 0) AS BIGINT) AS "a2" FROM (SELECT "k0", count(*) AS "a0", sum("a1") AS "a1", sum("a2") AS "a2" FROM (SELECT "k0", "u", CAST(CASE WHEN "a1" < 0 THEN 0 WHEN "a1" > 10000000 THEN 10000000 ELSE "a1" END AS BIGINT) AS "a1", CAST(CASE WHEN "a2" < 0 THEN 0 WHEN "a2" > 1 THEN 1 ELSE "a2" END AS BIGINT) AS "a2" FROM (SELECT "k0", "u", sum(CASE WHEN "v1" < 0 THEN 0 WHEN "v1" > 10000000 THEN 10000000 ELSE "v1" END) AS "a1", count("v2") AS "a2" FROM (SELECT (CASE WHEN ("t0"."age" < CAST(40 AS BIGINT)) THEN CAST('18-39' AS VARCHAR) WHEN ("t0"."age" < CAST(60 AS BIGINT)) THEN CAST('40-59' AS VARCHAR) ELSE CAST('60+' AS VARCHAR) END) AS "k0", "t0"."pid" AS "u", "t0"."income" AS "v1", (TRY_CAST("t0"."income" AS DECIMAL(36,0)) * CAST('0.01' AS DECIMAL(2,2))) AS "v2" FROM "s0"."data" AS "t0") AS "r" WHERE "k0" IS NOT NULL GROUP BY "k0", "u") AS "p") AS "g" GROUP BY "k0") AS "t";
-- after:
SELECT "k0" AS "o0", "a0" AS "o1", "m0" AS "o2", "w_a0" AS "w1", "w_m0" AS "w2" FROM "cells" ORDER BY "k0" ASC NULLS LAST;

-- question: SELECT ward, count(DISTINCT pid), sum(cost) FROM visit GROUP BY ward
--   release  personal: differential privacy, noise on every figure
--   read     visit (pid, ward, cost)
--   key      k0: w1, w2, w3, w4
--   figure   a0: units counted, one unit moves it by at most 2
--   figure   a1: sum in units of 10^-1, one unit moves it by at most 20000
--   capped   a unit counts in at most 2 cells, by lot; what it has in more is left out
--   ranked   every unit, to choose the cells that count
--   answer   at most 4 rows: ward, count(DISTINCT pid), sum(cost)
SELECT "k0", CAST(coalesce(CASE WHEN "a0" < 0 THEN 0 WHEN "a0" > 100000 THEN 100000 ELSE "a0" END, 0) AS BIGINT) AS "a0", CAST(coalesce(CASE WHEN "a1" < -5000000 THEN -5000000 WHEN "a1" > 500000000 THEN 500000000 ELSE "a1" END, 0) AS BIGINT) AS "a1" FROM (SELECT "k0", count(*) AS "a0", sum("a1") AS "a1" FROM (SELECT "k0", "a1" FROM (SELECT "k0", "a1", row_number() OVER (PARTITION BY "u" ORDER BY hash("u", "k0", 'ad738bda10b9818f'), "k0") AS "n" FROM (SELECT "k0", "u", CAST(CASE WHEN "a1" < -200 THEN -200 WHEN "a1" > 20000 THEN 20000 ELSE "a1" END AS BIGINT) AS "a1" FROM (SELECT "k0", "u", sum(CASE WHEN "v1" < -50 THEN -50 WHEN "v1" > 5000 THEN 5000 ELSE "v1" END) AS "a1" FROM (SELECT "t0"."ward" AS "k0", "t0"."pid" AS "u", "t0"."cost" AS "v1" FROM "s0"."data" AS "t0") AS "r" WHERE "k0" IS NOT NULL GROUP BY "k0", "u") AS "p") AS "q") AS "c" WHERE "n" <= 2) AS "g" GROUP BY "k0") AS "t";

-- question: SELECT ward, town, sum(cost * days) AS s FROM visit JOIN person USING (pid) WHERE person.age BETWEEN 10 AND 20 GROUP BY ALL
--   release  personal: differential privacy, noise on every figure
--   read     visit (pid, ward, town, days, cost)
--   read     person (pid, age)
--   key      k0: w1, w2, w3, w4
--   key      k1: north, south
--   figure   a0: sum in units of 10^-1, one unit moves it by at most 600000
--   capped   a unit counts in at most 2 cells, by lot; what it has in more is left out
--   ranked   every unit, to choose the cells that count
--   answer   at most 8 rows: ward, town, s
SELECT "k0", "k1", CAST(coalesce(CASE WHEN "a0" < -4000000000 THEN -4000000000 WHEN "a0" > 12000000000 THEN 12000000000 ELSE "a0" END, 0) AS BIGINT) AS "a0" FROM (SELECT "k0", "k1", sum("a0") AS "a0" FROM (SELECT "k0", "k1", "a0" FROM (SELECT "k0", "k1", "a0", row_number() OVER (PARTITION BY "u" ORDER BY hash("u", "k0", "k1", '33458341a1b9b90b'), "k0", "k1") AS "n" FROM (SELECT "k0", "k1", "u", CAST(CASE WHEN "a0" < -200000 THEN -200000 WHEN "a0" > 600000 THEN 600000 ELSE "a0" END AS BIGINT) AS "a0" FROM (SELECT "k0", "k1", "u", sum(CASE WHEN "v0" < -50000 THEN -50000 WHEN "v0" > 150000 THEN 150000 ELSE "v0" END) AS "a0" FROM (SELECT "t0"."ward" AS "k0", "t0"."town" AS "k1", "t0"."pid" AS "u", ("t0"."cost" * "t0"."days") AS "v0" FROM "s0"."data" AS "t0" INNER JOIN "s1"."data" AS "t1" ON "t0"."pid" = "t1"."pid" WHERE ("t1"."age" BETWEEN CAST(10 AS BIGINT) AND CAST(20 AS BIGINT))) AS "r" WHERE "k0" IS NOT NULL AND "k1" IS NOT NULL GROUP BY "k0", "k1", "u") AS "p") AS "q") AS "c" WHERE "n" <= 2) AS "g" GROUP BY "k0", "k1") AS "t";

-- question: SELECT count(DISTINCT a.pid) FROM visit a JOIN visit b ON a.pid = b.pid WHERE a.ward = 'w1' AND b.ward = 'w2'
--   release  personal: differential privacy, noise on every figure
--   read     visit (pid, ward)
--   figure   a0: units counted, one unit moves it by at most 1
--   answer   at most 1 rows: count(DISTINCT a.pid)
SELECT CAST(coalesce(CASE WHEN "a0" < 0 THEN 0 WHEN "a0" > 400000 THEN 400000 ELSE "a0" END, 0) AS BIGINT) AS "a0" FROM (SELECT count(*) AS "a0" FROM (SELECT "u" FROM (SELECT "u" FROM (SELECT "t0"."pid" AS "u" FROM "s0"."data" AS "t0" INNER JOIN "s0"."data" AS "t1" ON "t0"."pid" = "t1"."pid" WHERE (("t0"."ward" = CAST('w1' AS VARCHAR)) AND ("t1"."ward" = CAST('w2' AS VARCHAR)))) AS "r" GROUP BY "u") AS "p") AS "g") AS "t";

-- question: SELECT p.sex, sum(coalesce(v.days, 0)) FROM person p LEFT JOIN visit v ON p.pid = v.pid GROUP BY p.sex
--   release  personal: differential privacy, noise on every figure
--   read     person (pid, sex)
--   read     visit (pid, days)
--   key      k0: f, m
--   figure   a0: sum, one unit moves it by at most 120
--   answer   at most 2 rows: sex, sum(coalesce(v.days, 0))
SELECT "k0", CAST(coalesce(CASE WHEN "a0" < -800000 THEN -800000 WHEN "a0" > 2400000 THEN 2400000 ELSE "a0" END, 0) AS BIGINT) AS "a0" FROM (SELECT "k0", sum("a0") AS "a0" FROM (SELECT "k0", "u", CAST(CASE WHEN "a0" < -40 THEN -40 WHEN "a0" > 120 THEN 120 ELSE "a0" END AS BIGINT) AS "a0" FROM (SELECT "k0", "u", sum(CASE WHEN "v0" < -10 THEN -10 WHEN "v0" > 30 THEN 30 ELSE "v0" END) AS "a0" FROM (SELECT "t0"."sex" AS "k0", "t0"."pid" AS "u", coalesce("t1"."days", CAST(0 AS BIGINT)) AS "v0" FROM "s0"."data" AS "t0" LEFT JOIN "s1"."data" AS "t1" ON "t0"."pid" = "t1"."pid") AS "r" WHERE "k0" IS NOT NULL GROUP BY "k0", "u") AS "p") AS "g" GROUP BY "k0") AS "t";

-- question: SELECT region, count(*) FROM visit v JOIN town t ON v.town = t.code GROUP BY region
--   release  personal: differential privacy, noise on every figure
--   read     visit (pid, town)
--   read     town (code, region)
--   key      k0: east, west
--   figure   a0: rows counted, one unit moves it by at most 4
--   answer   at most 2 rows: region, count(*)
SELECT "k0", CAST(coalesce(CASE WHEN "a0" < 0 THEN 0 WHEN "a0" > 100000 THEN 100000 ELSE "a0" END, 0) AS BIGINT) AS "a0" FROM (SELECT "k0", sum("a0") AS "a0" FROM (SELECT "k0", "u", CAST(CASE WHEN "a0" < 0 THEN 0 WHEN "a0" > 4 THEN 4 ELSE "a0" END AS BIGINT) AS "a0" FROM (SELECT "k0", "u", count(*) AS "a0" FROM (SELECT "t1"."region" AS "k0", "t0"."pid" AS "u" FROM "s0"."data" AS "t0" INNER JOIN (SELECT "code", "region" FROM (SELECT "code", "region", row_number() OVER (PARTITION BY "code" ORDER BY "code", "region") AS "n" FROM "s1"."data") AS "d" WHERE "n" <= 1) AS "t1" ON "t0"."town" = "t1"."code") AS "r" WHERE "k0" IS NOT NULL GROUP BY "k0", "u") AS "p") AS "g" GROUP BY "k0") AS "t";

-- question: SELECT sex, insured, count(note) FROM person WHERE sex IN ('f') AND note LIKE '1!%%' ESCAPE '!' AND born >= DATE '1980-01-01' AND NOT (age = 3 OR age IS NULL) GROUP BY sex, insured
--   release  personal: differential privacy, noise on every figure
--   read     person (pid, sex, insured, born, note, age)
--   key      k0: f
--   key      k1: False, True
--   figure   a0: rows counted, one unit moves it by at most 1
--   answer   at most 2 rows: sex, insured, count(note)
SELECT "k0", "k1", CAST(coalesce(CASE WHEN "a0" < 0 THEN 0 WHEN "a0" > 20000 THEN 20000 ELSE "a0" END, 0) AS BIGINT) AS "a0" FROM (SELECT "k0", "k1", sum("a0") AS "a0" FROM (SELECT "k0", "k1", "u", CAST(CASE WHEN "a0" < 0 THEN 0 WHEN "a0" > 1 THEN 1 ELSE "a0" END AS BIGINT) AS "a0" FROM (SELECT "k0", "k1", "u", count(*) AS "a0" FROM (SELECT "t0"."sex" AS "k0", "t0"."insured" AS "k1", "t0"."pid" AS "u" FROM "s0"."data" AS "t0" WHERE (("t0"."sex" IN (CAST('f' AS VARCHAR))) AND ("t0"."note" LIKE '1!%%' ESCAPE '!') AND ("t0"."born" >= CAST('1980-01-01' AS DATE)) AND (NOT (("t0"."age" = CAST(3 AS BIGINT)) OR ("t0"."age" IS NULL))))) AS "r" WHERE "k0" IS NOT NULL AND "k1" IS NOT NULL GROUP BY "k0", "k1", "u") AS "p") AS "g" GROUP BY "k0", "k1") AS "t";

-- question: SELECT round(avg(age), 1), sum(age) / count(*), sum(income) * 2 - 1 FROM person
--   release  personal: differential privacy, noise on every figure
--   read     person (pid, age, income)
--   figure   a0: sum, one unit moves it by at most 120
--   figure   a1: rows counted, one unit moves it by at most 1
--   figure   a2: rows counted, one unit moves it by at most 1
--   figure   a3: sum in units of 10^-2, one unit moves it by at most 10000000
--   average  m0 = a0 / a1
--   answer   at most 1 rows: round(avg(age), 1), sum(age) / count(*), (sum(income) * 2) - 1
--   after    select list, HAVING, ORDER BY and LIMIT run on released figures
SELECT CAST(coalesce(CASE WHEN "a0" < 0 THEN 0 WHEN "a0" > 2400000 THEN 2400000 ELSE "a0" END, 0) AS BIGINT) AS "a0", CAST(coalesce(CASE WHEN "a1" < 0 THEN 0 WHEN "a1" > 20000 THEN 20000 ELSE "a1" END, 0) AS BIGINT) AS "a1", CAST(coalesce(CASE WHEN "a2" < 0 THEN 0 WHEN "a2" > 20000 THEN 20000 ELSE "a2" END, 0) AS BIGINT) AS "a2", CAST(coalesce(CASE WHEN "a3" < 0 THEN 0 WHEN "a3" > 200000000000 THEN 200000000000 ELSE "a3" END, 0) AS BIGINT) AS "a3" FROM (SELECT sum("a0") AS "a0", sum("a1") AS "a1", sum("a2") AS "a2", sum("a3") AS "a3" FROM (SELECT "u", CAST(CASE WHEN "a0" < 0 THEN 0 WHEN "a0" > 120 THEN 120 ELSE "a0" END AS BIGINT) AS "a0", CAST(CASE WHEN "a1" < 0 THEN 0 WHEN "a1" > 1 THEN 1 ELSE "a1" END AS BIGINT) AS "a1", CAST(CASE WHEN "a2" < 0 THEN 0 WHEN "a2" > 1 THEN 1 ELSE "a2" END AS BIGINT) AS "a2", CAST(CASE WHEN "a3" < 0 THEN 0 WHEN "a3" > 10000000 THEN 10000000 ELSE "a3" END AS BIGINT) AS "a3" FROM (SELECT "u", sum(CASE WHEN "v0" < 0 THEN 0 WHEN "v0" > 120 THEN 120 ELSE "v0" END) AS "a0", count("v1") AS "a1", count(*) AS "a2", sum(CASE WHEN "v3" < 0 THEN 0 WHEN "v3" > 10000000 THEN 10000000 ELSE "v3" END) AS "a3" FROM (SELECT "t0"."pid" AS "u", "t0"."age" AS "v0", "t0"."age" AS "v1", "t0"."income" AS "v3" FROM "s0"."data" AS "t0") AS "r" GROUP BY "u") AS "p") AS "g") AS "t";
-- after:
SELECT TRY_CAST(round(CAST("m0" AS DOUBLE), 1) AS DECIMAL(38,1)) AS "o0", TRY_CAST((CAST("a0" AS DOUBLE) / NULLIF(CAST("a2" AS DOUBLE), CAST(0 AS DOUBLE))) AS DECIMAL(38,9)) AS "o1", TRY_CAST(((CAST("a3" AS DOUBLE) * CAST(2 AS DOUBLE)) - CAST(1 AS DOUBLE)) AS DECIMAL(38,9)) AS "o2", "w_m0" AS "w0" FROM "cells";

-- question: SELECT sum(round(income * 1.05, 1)), sum(-age), sum(abs(days)), sum(income / 4) FROM person p JOIN visit v USING (pid)
--   release  personal: differential privacy, noise on every figure
--   read     person (pid, age, income)
--   read     visit (pid, days)
--   figure   a0: sum in units of 10^-1, one unit moves it by at most 4200000
--   figure   a1: sum, one unit moves it by at most 480
--   figure   a2: sum, one unit moves it by at most 120
--   figure   a3: sum in units of 10^-4, one unit moves it by at most 1000000000
--   answer   at most 1 rows: sum(round(income * 1.05, 1)), sum(-age), sum(abs(days)), sum(income / 4)
SELECT CAST(coalesce(CASE WHEN "a0" < 0 THEN 0 WHEN "a0" > 84000000000 THEN 84000000000 ELSE "a0" END, 0) AS BIGINT) AS "a0", CAST(coalesce(CASE WHEN "a1" < -9600000 THEN -9600000 WHEN "a1" > 0 THEN 0 ELSE "a1" END, 0) AS BIGINT) AS "a1", CAST(coalesce(CASE WHEN "a2" < 0 THEN 0 WHEN "a2" > 2400000 THEN 2400000 ELSE "a2" END, 0) AS BIGINT) AS "a2", CAST(coalesce(CASE WHEN "a3" < 0 THEN 0 WHEN "a3" > 20000000000000 THEN 20000000000000 ELSE "a3" END, 0) AS BIGINT) AS "a3" FROM (SELECT sum("a0") AS "a0", sum("a1") AS "a1", sum("a2") AS "a2", sum("a3") AS "a3" FROM (SELECT "u", CAST(CASE WHEN "a0" < 0 THEN 0 WHEN "a0" > 4200000 THEN 4200000 ELSE "a0" END AS BIGINT) AS "a0", CAST(CASE WHEN "a1" < -480 THEN -480 WHEN "a1" > 0 THEN 0 ELSE "a1" END AS BIGINT) AS "a1", CAST(CASE WHEN "a2" < 0 THEN 0 WHEN "a2" > 120 THEN 120 ELSE "a2" END AS BIGINT) AS "a2", CAST(CASE WHEN "a3" < 0 THEN 0 WHEN "a3" > 1000000000 THEN 1000000000 ELSE "a3" END AS BIGINT) AS "a3" FROM (SELECT "u", sum(CASE WHEN "v0" < 0 THEN 0 WHEN "v0" > 1050000 THEN 1050000 ELSE "v0" END) AS "a0", sum(CASE WHEN "v1" < -120 THEN -120 WHEN "v1" > 0 THEN 0 ELSE "v1" END) AS "a1", sum(CASE WHEN "v2" < 0 THEN 0 WHEN "v2" > 30 THEN 30 ELSE "v2" END) AS "a2", sum(CASE WHEN "v3" < 0 THEN 0 WHEN "v3" > 250000000 THEN 250000000 ELSE "v3" END) AS "a3" FROM (SELECT "t0"."pid" AS "u", CAST((round(CAST(("t0"."income" * CAST(105 AS BIGINT)) AS HUGEINT), -3) // CAST(1000 AS HUGEINT)) AS BIGINT) AS "v0", CAST((- CAST("t0"."age" AS HUGEINT)) AS BIGINT) AS "v1", CAST(abs(CAST("t1"."days" AS HUGEINT)) AS BIGINT) AS "v2", ("t0"."income" * CAST(25 AS BIGINT)) AS "v3" FROM "s0"."data" AS "t0" INNER JOIN "s1"."data" AS "t1" ON "t0"."pid" = "t1"."pid") AS "r" GROUP BY "u") AS "p") AS "g") AS "t";

-- question: SELECT count(*) FROM person WHERE TRY_CAST(note AS INTEGER) > 3 AND CAST(income AS INTEGER) = 4 AND year(born) = 1980
--   release  personal: differential privacy, noise on every figure
--   read     person (pid, born, note, income)
--   figure   a0: rows counted, one unit moves it by at most 1
--   answer   at most 1 rows: count(*)
SELECT CAST(coalesce(CASE WHEN "a0" < 0 THEN 0 WHEN "a0" > 20000 THEN 20000 ELSE "a0" END, 0) AS BIGINT) AS "a0" FROM (SELECT sum("a0") AS "a0" FROM (SELECT "u", CAST(CASE WHEN "a0" < 0 THEN 0 WHEN "a0" > 1 THEN 1 ELSE "a0" END AS BIGINT) AS "a0" FROM (SELECT "u", count(*) AS "a0" FROM (SELECT "t0"."pid" AS "u" FROM "s0"."data" AS "t0" WHERE ((CAST((CASE WHEN TRY_CAST("t0"."note" AS BIGINT) BETWEEN -2147483648 AND 2147483647 THEN TRY_CAST("t0"."note" AS BIGINT) END) AS BIGINT) > CAST(3 AS BIGINT)) AND (CAST((CASE WHEN (round(CAST("t0"."income" AS HUGEINT), -2) // CAST(100 AS HUGEINT)) BETWEEN 0 AND 100000 THEN (round(CAST("t0"."income" AS HUGEINT), -2) // CAST(100 AS HUGEINT)) END) AS BIGINT) = CAST(4 AS BIGINT)) AND (year("t0"."born") = CAST(1980 AS BIGINT)))) AS "r" GROUP BY "u") AS "p") AS "g") AS "t";

-- question: SELECT sector, size, sum(output), avg(output), count(*) FROM firm WHERE size IN (1, 2) AND sector <> 'c' GROUP BY sector, size
--   release  exact: cells below the minimum group or dominated by two units are withheld
--   read     firm (fid, sector, size, output)
--   key      k0: a, b
--   key      k1: 1, 2
--   figure   a0: sum
--   figure   a1: rows counted
--   figure   a2: rows counted
--   average  m0 = a0 / a1
--   minimum  10 units in a cell
--   answer   at most 4 rows: sector, size, sum(output), avg(output), count(*)
SELECT "k0", "k1", CAST(coalesce(CASE WHEN "a0" < -50000000 THEN -50000000 WHEN "a0" > 50000000000 THEN 50000000000 ELSE "a0" END, 0) AS BIGINT) AS "a0", CAST(coalesce(CASE WHEN "a1" < 0 THEN 0 WHEN "a1" > 50000 THEN 50000 ELSE "a1" END, 0) AS BIGINT) AS "a1", CAST(coalesce(CASE WHEN "a2" < 0 THEN 0 WHEN "a2" > 50000 THEN 50000 ELSE "a2" END, 0) AS BIGINT) AS "a2", "units", CAST(coalesce("units_a0", 0) AS BIGINT) AS "units_a0", CAST(coalesce("units_a1", 0) AS BIGINT) AS "units_a1", CAST(coalesce(list_extract("top_a0", 1), 0) AS BIGINT) AS "top1_a0", CAST(coalesce(list_extract("top_a0", 2), 0) AS BIGINT) AS "top2_a0" FROM (SELECT "k0", "k1", sum("a0") AS "a0", sum("a1") AS "a1", sum("a2") AS "a2", count(*) AS "units", sum("c0") AS "units_a0", sum("c1") AS "units_a1", max(abs("a0"), 2) AS "top_a0" FROM (SELECT "k0", "k1", "u", CAST(CASE WHEN "a0" < -2000 THEN -2000 WHEN "a0" > 2000000 THEN 2000000 ELSE "a0" END AS BIGINT) AS "a0", CAST(CASE WHEN "a1" < 0 THEN 0 WHEN "a1" > 2 THEN 2 ELSE "a1" END AS BIGINT) AS "a1", CAST(CASE WHEN "a2" < 0 THEN 0 WHEN "a2" > 2 THEN 2 ELSE "a2" END AS BIGINT) AS "a2", CAST(CASE WHEN "c0" < 0 THEN 0 WHEN "c0" > 1 THEN 1 ELSE "c0" END AS BIGINT) AS "c0", CAST(CASE WHEN "c1" < 0 THEN 0 WHEN "c1" > 1 THEN 1 ELSE "c1" END AS BIGINT) AS "c1" FROM (SELECT "k0", "k1", "u", sum(CASE WHEN "v0" < -1000 THEN -1000 WHEN "v0" > 1000000 THEN 1000000 ELSE "v0" END) AS "a0", count("v1") AS "a1", count(*) AS "a2", count("v0") AS "c0", count("v1") AS "c1" FROM (SELECT "t0"."sector" AS "k0", "t0"."size" AS "k1", "t0"."fid" AS "u", "t0"."output" AS "v0", "t0"."output" AS "v1" FROM "s0"."data" AS "t0" WHERE (("t0"."size" IN (CAST(1 AS BIGINT), CAST(2 AS BIGINT))) AND ("t0"."sector" <> CAST('c' AS VARCHAR)))) AS "r" WHERE "k0" IS NOT NULL AND "k1" IS NOT NULL GROUP BY "k0", "k1", "u") AS "p") AS "g" GROUP BY "k0", "k1") AS "t";

-- question: SELECT sector, count(DISTINCT fid) AS firms FROM firm GROUP BY sector ORDER BY firms DESC LIMIT 1
--   release  exact: cells below the minimum group or dominated by two units are withheld
--   read     firm (fid, sector)
--   key      k0: a, b, c
--   figure   a0: units counted
--   minimum  10 units in a cell
--   answer   at most 1 rows: sector, firms
--   after    select list, HAVING, ORDER BY and LIMIT run on released figures
SELECT "k0", CAST(coalesce(CASE WHEN "a0" < 0 THEN 0 WHEN "a0" > 50000 THEN 50000 ELSE "a0" END, 0) AS BIGINT) AS "a0", "units" FROM (SELECT "k0", count(*) AS "a0", count(*) AS "units" FROM (SELECT "k0", "u" FROM (SELECT "k0", "u" FROM (SELECT "t0"."sector" AS "k0", "t0"."fid" AS "u" FROM "s0"."data" AS "t0") AS "r" WHERE "k0" IS NOT NULL GROUP BY "k0", "u") AS "p") AS "g" GROUP BY "k0") AS "t";
-- after:
SELECT "k0" AS "o0", "a0" AS "o1", "w_a0" AS "w1" FROM "cells" ORDER BY "a0" DESC NULLS LAST LIMIT 1;

-- question: SELECT * FROM town ORDER BY people DESC LIMIT 3 OFFSET 1
--   release  open: as asked
--   read     town (code, region, people, area, founded)
--   answer   at most 3 rows: code, region, people, area, founded
SELECT "o0", "o1", "o2", "o3", "o4" FROM (SELECT "t0"."code" AS "o0", "t0"."region" AS "o1", "t0"."people" AS "o2", (TRY_CAST("t0"."area" AS DECIMAL(36,0)) * CAST('0.01' AS DECIMAL(2,2))) AS "o3", "t0"."founded" AS "o4", "t0"."people" AS "z0" FROM "s0"."data" AS "t0") AS "r" ORDER BY "z0" DESC NULLS LAST LIMIT 3 OFFSET 1;

-- question: SELECT DISTINCT region FROM town
--   release  open: as asked
--   read     town (region)
--   answer   at most 10000 rows: region
SELECT "o0" FROM (SELECT DISTINCT "t0"."region" AS "o0" FROM "s0"."data" AS "t0") AS "r" LIMIT 10000;

-- question: SELECT region, count(*), sum(people), avg(area), max(founded), count(DISTINCT code) FROM town GROUP BY region HAVING count(*) > 1 ORDER BY 2 DESC
--   release  open: as asked
--   read     town (code, region, people, area, founded)
--   answer   at most 10000 rows: region, count(*), sum(people), avg(area), max(founded), count(DISTINCT code)
SELECT "k0" AS "o0", "a0" AS "o1", "a1" AS "o2", "a2" AS "o3", "a3" AS "o4", "a4" AS "o5" FROM (SELECT "t0"."region" AS "k0", count(*) AS "a0", TRY_CAST(sum("t0"."people") AS BIGINT) AS "a1", TRY_CAST(CAST((TRY_CAST(sum("t0"."area") AS DECIMAL(36,0)) * CAST('0.01' AS DECIMAL(2,2))) AS DOUBLE) / NULLIF(CAST(count("t0"."area") AS DOUBLE), CAST(0 AS DOUBLE)) AS DECIMAL(38,9)) AS "a2", max("t0"."founded") AS "a3", count(DISTINCT "t0"."code") AS "a4" FROM "s0"."data" AS "t0" GROUP BY "t0"."region") AS "cells" WHERE (CAST("a0" AS DOUBLE) > CAST(1 AS DOUBLE)) ORDER BY "a0" DESC NULLS LAST LIMIT 10000;

-- question: SELECT a.code, b.people * 2 AS twice FROM town a JOIN town b ON a.code = b.region
--   release  open: as asked
--   read     town (code, region, people)
--   answer   at most 10000 rows: code, twice
SELECT "o0", "o1" FROM (SELECT "t0"."code" AS "o0", TRY_CAST((CAST("t1"."people" AS HUGEINT) * CAST(2 AS HUGEINT)) AS BIGINT) AS "o1" FROM "s0"."data" AS "t0" INNER JOIN "s0"."data" AS "t1" ON "t0"."code" = "t1"."region") AS "r" LIMIT 10000;

-- question: SELECT "sex""; --", count(DISTINCT "p""id"), sum(年龄) FROM "odd ""name""; DROP" WHERE "sex""; --" <> 'm''--' GROUP BY 1
--   release  personal: differential privacy, noise on every figure
--   read     odd "name"; DROP (p"id, sex"; --, 年龄)
--   key      k0: f, "x"
--   figure   a0: units counted, one unit moves it by at most 1
--   figure   a1: sum, one unit moves it by at most 120
--   answer   at most 2 rows: sex"; --, count(DISTINCT "p""id"), sum("年龄")
SELECT "k0", CAST(coalesce(CASE WHEN "a0" < 0 THEN 0 WHEN "a0" > 20000 THEN 20000 ELSE "a0" END, 0) AS BIGINT) AS "a0", CAST(coalesce(CASE WHEN "a1" < 0 THEN 0 WHEN "a1" > 2400000 THEN 2400000 ELSE "a1" END, 0) AS BIGINT) AS "a1" FROM (SELECT "k0", count(*) AS "a0", sum("a1") AS "a1" FROM (SELECT "k0", "u", CAST(CASE WHEN "a1" < 0 THEN 0 WHEN "a1" > 120 THEN 120 ELSE "a1" END AS BIGINT) AS "a1" FROM (SELECT "k0", "u", sum(CASE WHEN "v1" < 0 THEN 0 WHEN "v1" > 120 THEN 120 ELSE "v1" END) AS "a1" FROM (SELECT "t0"."sex""; --" AS "k0", "t0"."p""id" AS "u", "t0"."年龄" AS "v1" FROM "s0"."data" AS "t0" WHERE ("t0"."sex""; --" <> CAST('m''--' AS VARCHAR))) AS "r" WHERE "k0" IS NOT NULL GROUP BY "k0", "u") AS "p") AS "g" GROUP BY "k0") AS "t";

-- question: SELECT count(*) FROM person WHERE sex = 'f'' OR 1=1 --'
--   release  personal: differential privacy, noise on every figure
--   read     person (pid, sex)
--   figure   a0: rows counted, one unit moves it by at most 1
--   answer   at most 1 rows: count(*)
SELECT CAST(coalesce(CASE WHEN "a0" < 0 THEN 0 WHEN "a0" > 20000 THEN 20000 ELSE "a0" END, 0) AS BIGINT) AS "a0" FROM (SELECT sum("a0") AS "a0" FROM (SELECT "u", CAST(CASE WHEN "a0" < 0 THEN 0 WHEN "a0" > 1 THEN 1 ELSE "a0" END AS BIGINT) AS "a0" FROM (SELECT "u", count(*) AS "a0" FROM (SELECT "t0"."pid" AS "u" FROM "s0"."data" AS "t0" WHERE ("t0"."sex" = CAST('f'' OR 1=1 --' AS VARCHAR))) AS "r" GROUP BY "u") AS "p") AS "g") AS "t";

-- question: SELECT sex, count(*) FILTER (WHERE age > 50) AS old, count(DISTINCT pid) FILTER (WHERE insured) AS n FROM person GROUP BY sex
--   release  personal: differential privacy, noise on every figure
--   read     person (pid, sex, insured, age)
--   key      k0: f, m
--   figure   a0: rows counted, one unit moves it by at most 1
--   figure   a1: units counted, one unit moves it by at most 1
--   answer   at most 2 rows: sex, old, n
SELECT "k0", CAST(coalesce(CASE WHEN "a0" < 0 THEN 0 WHEN "a0" > 20000 THEN 20000 ELSE "a0" END, 0) AS BIGINT) AS "a0", CAST(coalesce(CASE WHEN "a1" < 0 THEN 0 WHEN "a1" > 20000 THEN 20000 ELSE "a1" END, 0) AS BIGINT) AS "a1" FROM (SELECT "k0", sum("a0") AS "a0", sum("a1") AS "a1" FROM (SELECT "k0", "u", CAST(CASE WHEN "a0" < 0 THEN 0 WHEN "a0" > 1 THEN 1 ELSE "a0" END AS BIGINT) AS "a0", CAST(CASE WHEN "a1" < 0 THEN 0 WHEN "a1" > 1 THEN 1 ELSE "a1" END AS BIGINT) AS "a1" FROM (SELECT "k0", "u", count("v0") AS "a0", count("v1") AS "a1" FROM (SELECT "t0"."sex" AS "k0", "t0"."pid" AS "u", (CASE WHEN ("t0"."age" > CAST(50 AS BIGINT)) THEN CAST(1 AS BIGINT) ELSE CAST(NULL AS BIGINT) END) AS "v0", (CASE WHEN "t0"."insured" THEN CAST(1 AS BIGINT) ELSE CAST(NULL AS BIGINT) END) AS "v1" FROM "s0"."data" AS "t0") AS "r" WHERE "k0" IS NOT NULL GROUP BY "k0", "u") AS "p") AS "g" GROUP BY "k0") AS "t";

-- question: SELECT stddev(income), corr(income, age) FROM person
--   release  personal: differential privacy, noise on every figure
--   read     person (pid, age, income)
--   figure   a0: rows counted, one unit moves it by at most 1
--   figure   a1: sum in units of 10^-4, one unit moves it by at most 25000000000000
--   figure   a2: sum in units of 10^-2, one unit moves it by at most 5000000
--   figure   a3: sum in units of 10^-2, one unit moves it by at most 300000000
--   figure   a4: sum in units of 10^-2, one unit moves it by at most 5000000
--   figure   a5: sum, one unit moves it by at most 60
--   figure   a6: rows counted, one unit moves it by at most 1
--   figure   a7: sum, one unit moves it by at most 3600
--   figure   a8: sum in units of 10^-4, one unit moves it by at most 25000000000000
--   answer   at most 1 rows: stddev_samp(income), corr(income, age)
--   after    select list, HAVING, ORDER BY and LIMIT run on released figures
SELECT CAST(coalesce(CASE WHEN "a0" < 0 THEN 0 WHEN "a0" > 20000 THEN 20000 ELSE "a0" END, 0) AS BIGINT) AS "a0", CAST(coalesce(CASE WHEN "a1" < -500000000000000000 THEN -500000000000000000 WHEN "a1" > 500000000000000000 THEN 500000000000000000 ELSE "a1" END, 0) AS BIGINT) AS "a1", CAST(coalesce(CASE WHEN "a2" < -100000000000 THEN -100000000000 WHEN "a2" > 100000000000 THEN 100000000000 ELSE "a2" END, 0) AS BIGINT) AS "a2", CAST(coalesce(CASE WHEN "a3" < -6000000000000 THEN -6000000000000 WHEN "a3" > 6000000000000 THEN 6000000000000 ELSE "a3" END, 0) AS BIGINT) AS "a3", CAST(coalesce(CASE WHEN "a4" < -100000000000 THEN -100000000000 WHEN "a4" > 100000000000 THEN 100000000000 ELSE "a4" END, 0) AS BIGINT) AS "a4", CAST(coalesce(CASE WHEN "a5" < -1200000 THEN -1200000 WHEN "a5" > 1200000 THEN 1200000 ELSE "a5" END, 0) AS BIGINT) AS "a5", CAST(coalesce(CASE WHEN "a6" < 0 THEN 0 WHEN "a6" > 20000 THEN 20000 ELSE "a6" END, 0) AS BIGINT) AS "a6", CAST(coalesce(CASE WHEN "a7" < -72000000 THEN -72000000 WHEN "a7" > 72000000 THEN 72000000 ELSE "a7" END, 0) AS BIGINT) AS "a7", CAST(coalesce(CASE WHEN "a8" < -500000000000000000 THEN -500000000000000000 WHEN "a8" > 500000000000000000 THEN 500000000000000000 ELSE "a8" END, 0) AS BIGINT) AS "a8" FROM (SELECT sum("a0") AS "a0", sum("a1") AS "a1", sum("a2") AS "a2", sum("a3") AS "a3", sum("a4") AS "a4", sum("a5") AS "a5", sum("a6") AS "a6", sum("a7") AS "a7", sum("a8") AS "a8" FROM (SELECT "u", CAST(CASE WHEN "a0" < 0 THEN 0 WHEN "a0" > 1 THEN 1 ELSE "a0" END AS BIGINT) AS "a0", CAST(CASE WHEN "a1" < -25000000000000 THEN -25000000000000 WHEN "a1" > 25000000000000 THEN 25000000000000 ELSE "a1" END AS BIGINT) AS "a1", CAST(CASE WHEN "a2" < -5000000 THEN -5000000 WHEN "a2" > 5000000 THEN 5000000 ELSE "a2" END AS BIGINT) AS "a2", CAST(CASE WHEN "a3" < -300000000 THEN -300000000 WHEN "a3" > 300000000 THEN 300000000 ELSE "a3" END AS BIGINT) AS "a3", CAST(CASE WHEN "a4" < -5000000 THEN -5000000 WHEN "a4" > 5000000 THEN 5000000 ELSE "a4" END AS BIGINT) AS "a4", CAST(CASE WHEN "a5" < -60 THEN -60 WHEN "a5" > 60 THEN 60 ELSE "a5" END AS BIGINT) AS "a5", CAST(CASE WHEN "a6" < 0 THEN 0 WHEN "a6" > 1 THEN 1 ELSE "a6" END AS BIGINT) AS "a6", CAST(CASE WHEN "a7" < -3600 THEN -3600 WHEN "a7" > 3600 THEN 3600 ELSE "a7" END AS BIGINT) AS "a7", CAST(CASE WHEN "a8" < -25000000000000 THEN -25000000000000 WHEN "a8" > 25000000000000 THEN 25000000000000 ELSE "a8" END AS BIGINT) AS "a8" FROM (SELECT "u", count("v0") AS "a0", sum(CASE WHEN "v1" < -25000000000000 THEN -25000000000000 WHEN "v1" > 25000000000000 THEN 25000000000000 ELSE "v1" END) AS "a1", sum(CASE WHEN "v2" < -5000000 THEN -5000000 WHEN "v2" > 5000000 THEN 5000000 ELSE "v2" END) AS "a2", sum(CASE WHEN "v3" < -300000000 THEN -300000000 WHEN "v3" > 300000000 THEN 300000000 ELSE "v3" END) AS "a3", sum(CASE WHEN "v4" < -5000000 THEN -5000000 WHEN "v4" > 5000000 THEN 5000000 ELSE "v4" END) AS "a4", sum(CASE WHEN "v5" < -60 THEN -60 WHEN "v5" > 60 THEN 60 ELSE "v5" END) AS "a5", count("v6") AS "a6", sum(CASE WHEN "v7" < -3600 THEN -3600 WHEN "v7" > 3600 THEN 3600 ELSE "v7" END) AS "a7", sum(CASE WHEN "v8" < -25000000000000 THEN -25000000000000 WHEN "v8" > 25000000000000 THEN 25000000000000 ELSE "v8" END) AS "a8" FROM (SELECT "t0"."pid" AS "u", (TRY_CAST(("t0"."income" - CAST(5000000 AS BIGINT)) AS DECIMAL(36,0)) * CAST('0.01' AS DECIMAL(2,2))) AS "v0", (("t0"."income" - CAST(5000000 AS BIGINT)) * ("t0"."income" - CAST(5000000 AS BIGINT))) AS "v1", ("t0"."income" - CAST(5000000 AS BIGINT)) AS "v2", ((CASE WHEN ("t0"."age" IS NOT NULL) THEN ("t0"."income" - CAST(5000000 AS BIGINT)) ELSE CAST(NULL AS BIGINT) END) * (CASE WHEN ((TRY_CAST("t0"."income" AS DECIMAL(36,0)) * CAST('0.01' AS DECIMAL(2,2))) IS NOT NULL) THEN ("t0"."age" - CAST(60 AS BIGINT)) ELSE CAST(NULL AS BIGINT) END)) AS "v3", (CASE WHEN ("t0"."age" IS NOT NULL) THEN ("t0"."income" - CAST(5000000 AS BIGINT)) ELSE CAST(NULL AS BIGINT) END) AS "v4", (CASE WHEN ((TRY_CAST("t0"."income" AS DECIMAL(36,0)) * CAST('0.01' AS DECIMAL(2,2))) IS NOT NULL) THEN ("t0"."age" - CAST(60 AS BIGINT)) ELSE CAST(NULL AS BIGINT) END) AS "v5", (TRY_CAST((CASE WHEN ("t0"."age" IS NOT NULL) THEN ("t0"."income" - CAST(5000000 AS BIGINT)) ELSE CAST(NULL AS BIGINT) END) AS DECIMAL(36,0)) * CAST('0.01' AS DECIMAL(2,2))) AS "v6", ((CASE WHEN ((TRY_CAST("t0"."income" AS DECIMAL(36,0)) * CAST('0.01' AS DECIMAL(2,2))) IS NOT NULL) THEN ("t0"."age" - CAST(60 AS BIGINT)) ELSE CAST(NULL AS BIGINT) END) * (CASE WHEN ((TRY_CAST("t0"."income" AS DECIMAL(36,0)) * CAST('0.01' AS DECIMAL(2,2))) IS NOT NULL) THEN ("t0"."age" - CAST(60 AS BIGINT)) ELSE CAST(NULL AS BIGINT) END)) AS "v7", ((CASE WHEN ("t0"."age" IS NOT NULL) THEN ("t0"."income" - CAST(5000000 AS BIGINT)) ELSE CAST(NULL AS BIGINT) END) * (CASE WHEN ("t0"."age" IS NOT NULL) THEN ("t0"."income" - CAST(5000000 AS BIGINT)) ELSE CAST(NULL AS BIGINT) END)) AS "v8" FROM "s0"."data" AS "t0") AS "r" GROUP BY "u") AS "p") AS "g") AS "t";
-- after:
SELECT TRY_CAST((CASE WHEN (CASE WHEN (CAST("a0" AS DOUBLE) > CAST(1 AS DOUBLE)) THEN ((CAST("a1" AS DOUBLE) - ((CAST("a2" AS DOUBLE) * CAST("a2" AS DOUBLE)) / NULLIF(CAST("a0" AS DOUBLE), CAST(0 AS DOUBLE)))) / NULLIF((CAST("a0" AS DOUBLE) - CAST(1 AS DOUBLE)), CAST(0 AS DOUBLE))) ELSE CAST(NULL AS DOUBLE) END) >= CAST(0 AS DOUBLE) THEN sqrt((CASE WHEN (CAST("a0" AS DOUBLE) > CAST(1 AS DOUBLE)) THEN ((CAST("a1" AS DOUBLE) - ((CAST("a2" AS DOUBLE) * CAST("a2" AS DOUBLE)) / NULLIF(CAST("a0" AS DOUBLE), CAST(0 AS DOUBLE)))) / NULLIF((CAST("a0" AS DOUBLE) - CAST(1 AS DOUBLE)), CAST(0 AS DOUBLE))) ELSE CAST(NULL AS DOUBLE) END)) END) AS DECIMAL(38,9)) AS "o0", TRY_CAST(((CAST("a3" AS DOUBLE) - ((CAST("a4" AS DOUBLE) * CAST("a5" AS DOUBLE)) / NULLIF(CAST("a6" AS DOUBLE), CAST(0 AS DOUBLE)))) / NULLIF((CASE WHEN ((CASE WHEN ((CAST("a7" AS DOUBLE) - ((CAST("a5" AS DOUBLE) * CAST("a5" AS DOUBLE)) / NULLIF(CAST("a6" AS DOUBLE), CAST(0 AS DOUBLE)))) > CAST(0 AS DOUBLE)) THEN (CAST("a7" AS DOUBLE) - ((CAST("a5" AS DOUBLE) * CAST("a5" AS DOUBLE)) / NULLIF(CAST("a6" AS DOUBLE), CAST(0 AS DOUBLE)))) ELSE CAST(NULL AS DOUBLE) END) * (CASE WHEN ((CAST("a8" AS DOUBLE) - ((CAST("a4" AS DOUBLE) * CAST("a4" AS DOUBLE)) / NULLIF(CAST("a6" AS DOUBLE), CAST(0 AS DOUBLE)))) > CAST(0 AS DOUBLE)) THEN (CAST("a8" AS DOUBLE) - ((CAST("a4" AS DOUBLE) * CAST("a4" AS DOUBLE)) / NULLIF(CAST("a6" AS DOUBLE), CAST(0 AS DOUBLE)))) ELSE CAST(NULL AS DOUBLE) END)) >= CAST(0 AS DOUBLE) THEN sqrt(((CASE WHEN ((CAST("a7" AS DOUBLE) - ((CAST("a5" AS DOUBLE) * CAST("a5" AS DOUBLE)) / NULLIF(CAST("a6" AS DOUBLE), CAST(0 AS DOUBLE)))) > CAST(0 AS DOUBLE)) THEN (CAST("a7" AS DOUBLE) - ((CAST("a5" AS DOUBLE) * CAST("a5" AS DOUBLE)) / NULLIF(CAST("a6" AS DOUBLE), CAST(0 AS DOUBLE)))) ELSE CAST(NULL AS DOUBLE) END) * (CASE WHEN ((CAST("a8" AS DOUBLE) - ((CAST("a4" AS DOUBLE) * CAST("a4" AS DOUBLE)) / NULLIF(CAST("a6" AS DOUBLE), CAST(0 AS DOUBLE)))) > CAST(0 AS DOUBLE)) THEN (CAST("a8" AS DOUBLE) - ((CAST("a4" AS DOUBLE) * CAST("a4" AS DOUBLE)) / NULLIF(CAST("a6" AS DOUBLE), CAST(0 AS DOUBLE)))) ELSE CAST(NULL AS DOUBLE) END))) END), CAST(0 AS DOUBLE))) AS DECIMAL(38,9)) AS "o1" FROM "cells";

-- question: SELECT floor(age / 10) * 10 AS decade, count(*) FROM person GROUP BY decade
--   release  personal: differential privacy, noise on every figure
--   read     person (pid, age)
--   key      k0: 0, 10, 20, 30, 40, 50, 60, 70, … 13 in all
--   figure   a0: rows counted, one unit moves it by at most 1
--   answer   at most 13 rows: decade, count(*)
SELECT "k0", CAST(coalesce(CASE WHEN "a0" < 0 THEN 0 WHEN "a0" > 20000 THEN 20000 ELSE "a0" END, 0) AS BIGINT) AS "a0" FROM (SELECT "k0", sum("a0") AS "a0" FROM (SELECT "k0", "u", CAST(CASE WHEN "a0" < 0 THEN 0 WHEN "a0" > 1 THEN 1 ELSE "a0" END AS BIGINT) AS "a0" FROM (SELECT "k0", "u", count(*) AS "a0" FROM (SELECT (CAST(((CAST(("t0"."age" * CAST(1 AS BIGINT)) AS HUGEINT) - (((CAST(("t0"."age" * CAST(1 AS BIGINT)) AS HUGEINT) % CAST(10 AS HUGEINT)) + CAST(10 AS HUGEINT)) % CAST(10 AS HUGEINT))) // CAST(10 AS HUGEINT)) AS BIGINT) * CAST(10 AS BIGINT)) AS "k0", "t0"."pid" AS "u" FROM "s0"."data" AS "t0") AS "r" WHERE "k0" IS NOT NULL GROUP BY "k0", "u") AS "p") AS "g" GROUP BY "k0") AS "t";

-- question: SELECT year(born), count(*) FROM person WHERE born BETWEEN DATE '1950-01-01' AND DATE '1951-12-31' GROUP BY 1
--   release  personal: differential privacy, noise on every figure
--   read     person (pid, born)
--   key      k0: 1950, 1951
--   figure   a0: rows counted, one unit moves it by at most 1
--   answer   at most 2 rows: year(born), count(*)
SELECT "k0", CAST(coalesce(CASE WHEN "a0" < 0 THEN 0 WHEN "a0" > 20000 THEN 20000 ELSE "a0" END, 0) AS BIGINT) AS "a0" FROM (SELECT "k0", sum("a0") AS "a0" FROM (SELECT "k0", "u", CAST(CASE WHEN "a0" < 0 THEN 0 WHEN "a0" > 1 THEN 1 ELSE "a0" END AS BIGINT) AS "a0" FROM (SELECT "k0", "u", count(*) AS "a0" FROM (SELECT year("t0"."born") AS "k0", "t0"."pid" AS "u" FROM "s0"."data" AS "t0" WHERE ("t0"."born" BETWEEN CAST('1950-01-01' AS DATE) AND CAST('1951-12-31' AS DATE))) AS "r" WHERE "k0" IS NOT NULL GROUP BY "k0", "u") AS "p") AS "g" GROUP BY "k0") AS "t";

-- question: SELECT count(*) FROM person WHERE upper(substring(note, 1, 2)) = 'AB' AND born + INTERVAL 3 MONTH > last_day(born) AND age % 2 = 1
--   release  personal: differential privacy, noise on every figure
--   read     person (pid, born, note, age)
--   figure   a0: rows counted, one unit moves it by at most 1
--   answer   at most 1 rows: count(*)
SELECT CAST(coalesce(CASE WHEN "a0" < 0 THEN 0 WHEN "a0" > 20000 THEN 20000 ELSE "a0" END, 0) AS BIGINT) AS "a0" FROM (SELECT sum("a0") AS "a0" FROM (SELECT "u", CAST(CASE WHEN "a0" < 0 THEN 0 WHEN "a0" > 1 THEN 1 ELSE "a0" END AS BIGINT) AS "a0" FROM (SELECT "u", count(*) AS "a0" FROM (SELECT "t0"."pid" AS "u" FROM "s0"."data" AS "t0" WHERE ((upper(substring("t0"."note", CAST(1 AS BIGINT), CAST(2 AS BIGINT))) = CAST('AB' AS VARCHAR)) AND (TRY_CAST(((CASE WHEN "t0"."born" BETWEEN DATE '0001-01-01' AND DATE '9999-12-31' THEN "t0"."born" END) + to_months(CAST(CAST(3 AS BIGINT) AS INTEGER))) AS DATE) > last_day((CASE WHEN "t0"."born" BETWEEN DATE '0001-01-01' AND DATE '9999-12-31' THEN "t0"."born" END))) AND (CAST((CAST("t0"."age" AS HUGEINT) % CAST(2 AS HUGEINT)) AS BIGINT) = CAST(1 AS BIGINT)))) AS "r" GROUP BY "u") AS "p") AS "g") AS "t";

-- question: SELECT sex, count(*), sum(x) FROM (SELECT sex, age * 2 AS x FROM person WHERE insured) GROUP BY sex
--   release  personal: differential privacy, noise on every figure
--   read     person (pid, sex, insured, age)
--   key      k0: f, m
--   figure   a0: rows counted, one unit moves it by at most 1
--   figure   a1: sum, one unit moves it by at most 240
--   answer   at most 2 rows: sex, count(*), sum(x)
SELECT "k0", CAST(coalesce(CASE WHEN "a0" < 0 THEN 0 WHEN "a0" > 20000 THEN 20000 ELSE "a0" END, 0) AS BIGINT) AS "a0", CAST(coalesce(CASE WHEN "a1" < 0 THEN 0 WHEN "a1" > 4800000 THEN 4800000 ELSE "a1" END, 0) AS BIGINT) AS "a1" FROM (SELECT "k0", sum("a0") AS "a0", sum("a1") AS "a1" FROM (SELECT "k0", "u", CAST(CASE WHEN "a0" < 0 THEN 0 WHEN "a0" > 1 THEN 1 ELSE "a0" END AS BIGINT) AS "a0", CAST(CASE WHEN "a1" < 0 THEN 0 WHEN "a1" > 240 THEN 240 ELSE "a1" END AS BIGINT) AS "a1" FROM (SELECT "k0", "u", count(*) AS "a0", sum(CASE WHEN "v1" < 0 THEN 0 WHEN "v1" > 240 THEN 240 ELSE "v1" END) AS "a1" FROM (SELECT "t0"."c0" AS "k0", "t0"."u" AS "u", "t0"."c1" AS "v1" FROM (SELECT "t0"."pid" AS "u", "t0"."sex" AS "c0", ("t0"."age" * CAST(2 AS BIGINT)) AS "c1" FROM "s0"."data" AS "t0" WHERE "t0"."insured") AS "t0") AS "r" WHERE "k0" IS NOT NULL GROUP BY "k0", "u") AS "p") AS "g" GROUP BY "k0") AS "t";

-- question: WITH v AS (SELECT pid, count(*) AS n, sum(cost) AS c FROM visit GROUP BY pid) SELECT coalesce(n, 0) AS n, count(*), sum(c) FROM person LEFT JOIN v USING (pid) GROUP BY 1
--   release  personal: differential privacy, noise on every figure
--   read     visit (pid, cost)
--   read     person (pid)
--   key      k0: 0, 1, 2, 3, 4
--   figure   a0: rows counted, one unit moves it by at most 1
--   figure   a1: sum in units of 10^-1, one unit moves it by at most 20000
--   answer   at most 5 rows: n, count(*), sum(c)
SELECT "k0", CAST(coalesce(CASE WHEN "a0" < 0 THEN 0 WHEN "a0" > 20000 THEN 20000 ELSE "a0" END, 0) AS BIGINT) AS "a0", CAST(coalesce(CASE WHEN "a1" < -4000000 THEN -4000000 WHEN "a1" > 400000000 THEN 400000000 ELSE "a1" END, 0) AS BIGINT) AS "a1" FROM (SELECT "k0", sum("a0") AS "a0", sum("a1") AS "a1" FROM (SELECT "k0", "u", CAST(CASE WHEN "a0" < 0 THEN 0 WHEN "a0" > 1 THEN 1 ELSE "a0" END AS BIGINT) AS "a0", CAST(CASE WHEN "a1" < -200 THEN -200 WHEN "a1" > 20000 THEN 20000 ELSE "a1" END AS BIGINT) AS "a1" FROM (SELECT "k0", "u", count(*) AS "a0", sum(CASE WHEN "v1" < -200 THEN -200 WHEN "v1" > 20000 THEN 20000 ELSE "v1" END) AS "a1" FROM (SELECT coalesce("t1"."c0", CAST(0 AS BIGINT)) AS "k0", "t0"."pid" AS "u", "t1"."c1" AS "v1" FROM "s1"."data" AS "t0" LEFT JOIN (SELECT "t0"."u" AS "u", "t0"."c0" AS "c0", "t0"."c1" AS "c1" FROM (SELECT "u", "p0" AS "c0", CAST("p1" AS BIGINT) AS "c1" FROM (SELECT "u", count(*) AS "p0", sum("v0") AS "p1" FROM (SELECT "t0"."pid" AS "u", "t0"."cost" AS "v0" FROM "s0"."data" AS "t0") AS "r" GROUP BY "u") AS "g") AS "t0") AS "t1" ON "t0"."pid" = "t1"."u") AS "r" WHERE "k0" IS NOT NULL GROUP BY "k0", "u") AS "p") AS "g" GROUP BY "k0") AS "t";

-- question: SELECT ward, sum(x) FROM (SELECT ward, days AS x FROM visit UNION ALL SELECT ward, cost FROM visit) GROUP BY ward
--   release  personal: differential privacy, noise on every figure
--   read     visit (pid, ward, days, cost)
--   key      k0: w1, w2, w3, w4
--   figure   a0: sum in units of 10^-1, one unit moves it by at most 40000
--   answer   at most 4 rows: ward, sum(x)
SELECT "k0", CAST(coalesce(CASE WHEN "a0" < -20000000 THEN -20000000 WHEN "a0" > 1000000000 THEN 1000000000 ELSE "a0" END, 0) AS BIGINT) AS "a0" FROM (SELECT "k0", sum("a0") AS "a0" FROM (SELECT "k0", "u", CAST(CASE WHEN "a0" < -800 THEN -800 WHEN "a0" > 40000 THEN 40000 ELSE "a0" END AS BIGINT) AS "a0" FROM (SELECT "k0", "u", sum(CASE WHEN "v0" < -100 THEN -100 WHEN "v0" > 5000 THEN 5000 ELSE "v0" END) AS "a0" FROM (SELECT "t0"."c0" AS "k0", "t0"."u" AS "u", "t0"."c1" AS "v0" FROM (SELECT "u", "c0" AS "c0", ("c1" * CAST(10 AS BIGINT)) AS "c1" FROM (SELECT "t0"."pid" AS "u", "t0"."ward" AS "c0", "t0"."days" AS "c1" FROM "s0"."data" AS "t0") AS "b" UNION ALL SELECT "u", "c0" AS "c0", "c1" AS "c1" FROM (SELECT "t0"."pid" AS "u", "t0"."ward" AS "c0", "t0"."cost" AS "c1" FROM "s0"."data" AS "t0") AS "b") AS "t0") AS "r" WHERE "k0" IS NOT NULL GROUP BY "k0", "u") AS "p") AS "g" GROUP BY "k0") AS "t";

-- question: SELECT sex, count(*) FROM person WHERE pid IN (SELECT pid FROM visit WHERE cost > 100) GROUP BY sex
--   release  personal: differential privacy, noise on every figure
--   read     visit (pid, cost)
--   read     person (pid, sex)
--   key      k0: f, m
--   figure   a0: rows counted, one unit moves it by at most 1
--   answer   at most 2 rows: sex, count(*)
SELECT "k0", CAST(coalesce(CASE WHEN "a0" < 0 THEN 0 WHEN "a0" > 20000 THEN 20000 ELSE "a0" END, 0) AS BIGINT) AS "a0" FROM (SELECT "k0", sum("a0") AS "a0" FROM (SELECT "k0", "u", CAST(CASE WHEN "a0" < 0 THEN 0 WHEN "a0" > 1 THEN 1 ELSE "a0" END AS BIGINT) AS "a0" FROM (SELECT "k0", "u", count(*) AS "a0" FROM (SELECT "t0"."sex" AS "k0", "t0"."pid" AS "u" FROM "s1"."data" AS "t0" LEFT JOIN (SELECT "t0"."u" AS "u", "t0"."c0" AS "c0" FROM (SELECT "u", "p0" AS "c0" FROM (SELECT "u", count(*) AS "p0" FROM (SELECT "t0"."pid" AS "u" FROM "s0"."data" AS "t0" WHERE ("t0"."cost" > CAST(1000 AS BIGINT))) AS "r" GROUP BY "u") AS "g") AS "t0") AS "t1" ON "t1"."u" = "t0"."pid" WHERE ("t1"."c0" IS NOT NULL)) AS "r" WHERE "k0" IS NOT NULL GROUP BY "k0", "u") AS "p") AS "g" GROUP BY "k0") AS "t";

-- question: SELECT count(*) FROM visit CROSS JOIN (SELECT count(*) AS n FROM town) WHERE days > n
--   release  personal: differential privacy, noise on every figure
--   read     town (rows only)
--   read     visit (pid, days)
--   figure   a0: rows counted, one unit moves it by at most 4
--   answer   at most 1 rows: count(*)
SELECT CAST(coalesce(CASE WHEN "a0" < 0 THEN 0 WHEN "a0" > 100000 THEN 100000 ELSE "a0" END, 0) AS BIGINT) AS "a0" FROM (SELECT sum("a0") AS "a0" FROM (SELECT "u", CAST(CASE WHEN "a0" < 0 THEN 0 WHEN "a0" > 4 THEN 4 ELSE "a0" END AS BIGINT) AS "a0" FROM (SELECT "u", count(*) AS "a0" FROM (SELECT "t0"."pid" AS "u" FROM "s1"."data" AS "t0" CROSS JOIN (SELECT TRY_CAST("o0" AS BIGINT) AS "c0" FROM (SELECT "a0" AS "o0" FROM (SELECT count(*) AS "a0" FROM "s0"."data" AS "t0") AS "cells" LIMIT 100) AS "o") AS "t1" WHERE ("t0"."days" > "t1"."c0")) AS "r" GROUP BY "u") AS "p") AS "g") AS "t";

-- question: SELECT sex, insured, count(*), grouping(sex) FROM person GROUP BY ROLLUP (sex, insured) ORDER BY 1, 2
--   release  personal: differential privacy, noise on every figure
--   read     person (pid, sex, insured)
--   key      k2: f, m
--   key      k4: f, m
--   key      k5: False, True
--   figure   a0: rows counted, one unit moves it by at most 1
--   figure   a1: rows counted, one unit moves it by at most 1
--   figure   a2: rows counted, one unit moves it by at most 1
--   releases 3 under one charge, split evenly over all figures: a0; k2, a1; k4, k5, a2
--   answer   at most 7 rows: sex, insured, count(*), grouping(sex)
--   after    select list, HAVING, ORDER BY and LIMIT run on released figures
SELECT CAST(0 AS BIGINT) AS "b", CAST(NULL AS VARCHAR) AS "k2", CAST(NULL AS VARCHAR) AS "k4", CAST(NULL AS BOOLEAN) AS "k5", CAST("a0" AS BIGINT) AS "a0", CAST(NULL AS BIGINT) AS "a1", CAST(NULL AS BIGINT) AS "a2" FROM (SELECT CAST(coalesce(CASE WHEN "a0" < 0 THEN 0 WHEN "a0" > 20000 THEN 20000 ELSE "a0" END, 0) AS BIGINT) AS "a0" FROM (SELECT sum("a0") AS "a0" FROM (SELECT "u", CAST(CASE WHEN "a0" < 0 THEN 0 WHEN "a0" > 1 THEN 1 ELSE "a0" END AS BIGINT) AS "a0" FROM (SELECT "u", count(*) AS "a0" FROM (SELECT "t0"."pid" AS "u" FROM "s0"."data" AS "t0") AS "r" GROUP BY "u") AS "p") AS "g") AS "t") AS "x" UNION ALL SELECT CAST(1 AS BIGINT) AS "b", CAST("k2" AS VARCHAR) AS "k2", CAST(NULL AS VARCHAR) AS "k4", CAST(NULL AS BOOLEAN) AS "k5", CAST(NULL AS BIGINT) AS "a0", CAST("a1" AS BIGINT) AS "a1", CAST(NULL AS BIGINT) AS "a2" FROM (SELECT "k2", CAST(coalesce(CASE WHEN "a1" < 0 THEN 0 WHEN "a1" > 20000 THEN 20000 ELSE "a1" END, 0) AS BIGINT) AS "a1" FROM (SELECT "k2", sum("a1") AS "a1" FROM (SELECT "k2", "u", CAST(CASE WHEN "a1" < 0 THEN 0 WHEN "a1" > 1 THEN 1 ELSE "a1" END AS BIGINT) AS "a1" FROM (SELECT "k2", "u", count(*) AS "a1" FROM (SELECT "t0"."sex" AS "k2", "t0"."pid" AS "u" FROM "s0"."data" AS "t0") AS "r" WHERE "k2" IS NOT NULL GROUP BY "k2", "u") AS "p") AS "g" GROUP BY "k2") AS "t") AS "x" UNION ALL SELECT CAST(2 AS BIGINT) AS "b", CAST(NULL AS VARCHAR) AS "k2", CAST("k4" AS VARCHAR) AS "k4", CAST("k5" AS BOOLEAN) AS "k5", CAST(NULL AS BIGINT) AS "a0", CAST(NULL AS BIGINT) AS "a1", CAST("a2" AS BIGINT) AS "a2" FROM (SELECT "k4", "k5", CAST(coalesce(CASE WHEN "a2" < 0 THEN 0 WHEN "a2" > 20000 THEN 20000 ELSE "a2" END, 0) AS BIGINT) AS "a2" FROM (SELECT "k4", "k5", sum("a2") AS "a2" FROM (SELECT "k4", "k5", "u", CAST(CASE WHEN "a2" < 0 THEN 0 WHEN "a2" > 1 THEN 1 ELSE "a2" END AS BIGINT) AS "a2" FROM (SELECT "k4", "k5", "u", count(*) AS "a2" FROM (SELECT "t0"."sex" AS "k4", "t0"."insured" AS "k5", "t0"."pid" AS "u" FROM "s0"."data" AS "t0") AS "r" WHERE "k4" IS NOT NULL AND "k5" IS NOT NULL GROUP BY "k4", "k5", "u") AS "p") AS "g" GROUP BY "k4", "k5") AS "t") AS "x";
-- after:
WITH "cells0" AS (SELECT "a0", "w_a0" FROM "cells" WHERE "b" = 0), "cells1" AS (SELECT "k2", "a1", "w_a1" FROM "cells" WHERE "b" = 1), "cells2" AS (SELECT "k4", "k5", "a2", "w_a2" FROM "cells" WHERE "b" = 2) SELECT "k0" AS "o0", "k1" AS "o1", "a0" AS "o2", TRY_CAST(CAST(1 * "left_k0" AS DOUBLE) AS BIGINT) AS "o3", "w_a0" AS "w2" FROM (SELECT NULL AS "k0", 1 AS "left_k0", NULL AS "k1", 1 AS "left_k1", "a0" AS "a0", "w_a0" AS "w_a0" FROM "cells0" UNION ALL SELECT "k2" AS "k0", 0 AS "left_k0", NULL AS "k1", 1 AS "left_k1", "a1" AS "a0", "w_a1" AS "w_a0" FROM "cells1" UNION ALL SELECT "k4" AS "k0", 0 AS "left_k0", "k5" AS "k1", 0 AS "left_k1", "a2" AS "a0", "w_a2" AS "w_a0" FROM "cells2") AS "g" ORDER BY "k0" ASC NULLS LAST, "k1" ASC NULLS LAST;

-- question: SELECT ward, count(*) AS n, rank() OVER (ORDER BY count(*) DESC) AS place FROM visit GROUP BY ward QUALIFY place <= 2
--   release  personal: differential privacy, noise on every figure
--   read     visit (pid, ward)
--   key      k0: w1, w2, w3, w4
--   figure   a0: rows counted, one unit moves it by at most 4
--   capped   a unit counts in at most 2 cells, by lot; what it has in more is left out
--   ranked   every unit, to choose the cells that count
--   answer   at most 4 rows: ward, n, place
--   after    select list, HAVING, ORDER BY and LIMIT run on released figures
SELECT "k0", CAST(coalesce(CASE WHEN "a0" < 0 THEN 0 WHEN "a0" > 100000 THEN 100000 ELSE "a0" END, 0) AS BIGINT) AS "a0" FROM (SELECT "k0", sum("a0") AS "a0" FROM (SELECT "k0", "a0" FROM (SELECT "k0", "a0", row_number() OVER (PARTITION BY "u" ORDER BY hash("u", "k0", 'd7b461ecec3fa9ba'), "k0") AS "n" FROM (SELECT "k0", "u", CAST(CASE WHEN "a0" < 0 THEN 0 WHEN "a0" > 4 THEN 4 ELSE "a0" END AS BIGINT) AS "a0" FROM (SELECT "k0", "u", count(*) AS "a0" FROM (SELECT "t0"."ward" AS "k0", "t0"."pid" AS "u" FROM "s0"."data" AS "t0") AS "r" WHERE "k0" IS NOT NULL GROUP BY "k0", "u") AS "p") AS "q") AS "c" WHERE "n" <= 2) AS "g" GROUP BY "k0") AS "t";
-- after:
SELECT "k0" AS "o0", "a0" AS "o1", TRY_CAST(CAST(rank() OVER (ORDER BY "a0" DESC NULLS LAST) AS DOUBLE) AS BIGINT) AS "o2", "w_a0" AS "w1" FROM "cells" QUALIFY (CAST(rank() OVER (ORDER BY "a0" DESC NULLS LAST) AS DOUBLE) <= CAST(2 AS DOUBLE));

-- question: WITH a AS (SELECT sex, count(*) AS n FROM person GROUP BY sex), b AS (SELECT sex, sum(cost) AS c FROM person JOIN visit USING (pid) GROUP BY sex) SELECT a.sex, n, c / n AS mean FROM a JOIN b ON a.sex = b.sex WHERE n > 5 ORDER BY mean
--   release  personal: differential privacy, noise on every figure
--   read     person (pid, sex)
--   read     visit (pid, cost)
--   key      k0: f, m
--   key      k1: f, m
--   figure   a0: rows counted, one unit moves it by at most 1
--   figure   a1: sum in units of 10^-1, one unit moves it by at most 20000
--   releases 2 under one charge, split evenly over all figures: k0, a0; k1, a1
--   answer   at most 2 rows: sex, n, mean
--   after    select list, HAVING, ORDER BY and LIMIT run on released figures
SELECT CAST(0 AS BIGINT) AS "b", CAST("k0" AS VARCHAR) AS "k0", CAST(NULL AS VARCHAR) AS "k1", CAST("a0" AS BIGINT) AS "a0", CAST(NULL AS BIGINT) AS "a1" FROM (SELECT "k0", CAST(coalesce(CASE WHEN "a0" < 0 THEN 0 WHEN "a0" > 20000 THEN 20000 ELSE "a0" END, 0) AS BIGINT) AS "a0" FROM (SELECT "k0", sum("a0") AS "a0" FROM (SELECT "k0", "u", CAST(CASE WHEN "a0" < 0 THEN 0 WHEN "a0" > 1 THEN 1 ELSE "a0" END AS BIGINT) AS "a0" FROM (SELECT "k0", "u", count(*) AS "a0" FROM (SELECT "t0"."sex" AS "k0", "t0"."pid" AS "u" FROM "s0"."data" AS "t0") AS "r" WHERE "k0" IS NOT NULL GROUP BY "k0", "u") AS "p") AS "g" GROUP BY "k0") AS "t") AS "x" UNION ALL SELECT CAST(1 AS BIGINT) AS "b", CAST(NULL AS VARCHAR) AS "k0", CAST("k1" AS VARCHAR) AS "k1", CAST(NULL AS BIGINT) AS "a0", CAST("a1" AS BIGINT) AS "a1" FROM (SELECT "k1", CAST(coalesce(CASE WHEN "a1" < -4000000 THEN -4000000 WHEN "a1" > 400000000 THEN 400000000 ELSE "a1" END, 0) AS BIGINT) AS "a1" FROM (SELECT "k1", sum("a1") AS "a1" FROM (SELECT "k1", "u", CAST(CASE WHEN "a1" < -200 THEN -200 WHEN "a1" > 20000 THEN 20000 ELSE "a1" END AS BIGINT) AS "a1" FROM (SELECT "k1", "u", sum(CASE WHEN "v1" < -50 THEN -50 WHEN "v1" > 5000 THEN 5000 ELSE "v1" END) AS "a1" FROM (SELECT "t0"."sex" AS "k1", "t0"."pid" AS "u", "t1"."cost" AS "v1" FROM "s0"."data" AS "t0" INNER JOIN "s1"."data" AS "t1" ON "t0"."pid" = "t1"."pid") AS "r" WHERE "k1" IS NOT NULL GROUP BY "k1", "u") AS "p") AS "g" GROUP BY "k1") AS "t") AS "x";
-- after:
WITH "cells0" AS (SELECT "k0", "a0", "w_a0" FROM "cells" WHERE "b" = 0), "cells1" AS (SELECT "k1", "a1", "w_a1" FROM "cells" WHERE "b" = 1) SELECT "r0"."o0" AS "o0", "r0"."o1" AS "o1", TRY_CAST((CAST("r1"."o1" AS DOUBLE) / NULLIF(CAST("r0"."o1" AS DOUBLE), CAST(0 AS DOUBLE))) AS DECIMAL(38,9)) AS "o2", "r0"."w1" AS "w1" FROM (SELECT "k0" AS "o0", "a0" AS "o1", "w_a0" AS "w1" FROM "cells0") AS "r0" INNER JOIN (SELECT "k1" AS "o0", "a1" AS "o1", "w_a1" AS "w1" FROM "cells1") AS "r1" ON ("r0"."o0" = "r1"."o0") WHERE (CAST("r0"."o1" AS DOUBLE) > CAST(5 AS DOUBLE)) ORDER BY (CAST("r1"."o1" AS DOUBLE) / NULLIF(CAST("r0"."o1" AS DOUBLE), CAST(0 AS DOUBLE))) ASC NULLS LAST;

-- question: SELECT 'persons' AS what, count(*) AS n FROM person UNION ALL SELECT 'visits', count(*) FROM visit ORDER BY n
--   release  personal: differential privacy, noise on every figure
--   read     person (pid)
--   read     visit (pid)
--   figure   a0: rows counted, one unit moves it by at most 1
--   figure   a1: rows counted, one unit moves it by at most 4
--   releases 2 under one charge, split evenly over all figures: a0; a1
--   answer   at most 2 rows: what, n
--   after    select list, HAVING, ORDER BY and LIMIT run on released figures
SELECT CAST(0 AS BIGINT) AS "b", CAST("a0" AS BIGINT) AS "a0", CAST(NULL AS BIGINT) AS "a1" FROM (SELECT CAST(coalesce(CASE WHEN "a0" < 0 THEN 0 WHEN "a0" > 20000 THEN 20000 ELSE "a0" END, 0) AS BIGINT) AS "a0" FROM (SELECT sum("a0") AS "a0" FROM (SELECT "u", CAST(CASE WHEN "a0" < 0 THEN 0 WHEN "a0" > 1 THEN 1 ELSE "a0" END AS BIGINT) AS "a0" FROM (SELECT "u", count(*) AS "a0" FROM (SELECT "t0"."pid" AS "u" FROM "s0"."data" AS "t0") AS "r" GROUP BY "u") AS "p") AS "g") AS "t") AS "x" UNION ALL SELECT CAST(1 AS BIGINT) AS "b", CAST(NULL AS BIGINT) AS "a0", CAST("a1" AS BIGINT) AS "a1" FROM (SELECT CAST(coalesce(CASE WHEN "a1" < 0 THEN 0 WHEN "a1" > 100000 THEN 100000 ELSE "a1" END, 0) AS BIGINT) AS "a1" FROM (SELECT sum("a1") AS "a1" FROM (SELECT "u", CAST(CASE WHEN "a1" < 0 THEN 0 WHEN "a1" > 4 THEN 4 ELSE "a1" END AS BIGINT) AS "a1" FROM (SELECT "u", count(*) AS "a1" FROM (SELECT "t0"."pid" AS "u" FROM "s1"."data" AS "t0") AS "r" GROUP BY "u") AS "p") AS "g") AS "t") AS "x";
-- after:
WITH "cells0" AS (SELECT "a0", "w_a0" FROM "cells" WHERE "b" = 0), "cells1" AS (SELECT "a1", "w_a1" FROM "cells" WHERE "b" = 1) SELECT "o0", "o1", "w1" FROM (SELECT "o0", "o1", "w1" FROM (SELECT CAST('persons' AS VARCHAR) AS "o0", "a0" AS "o1", "w_a0" AS "w1" FROM "cells0") AS "p" UNION ALL SELECT "o0", "o1", "w1" FROM (SELECT CAST('visits' AS VARCHAR) AS "o0", "a1" AS "o1", "w_a1" AS "w1" FROM "cells1") AS "p") AS "s" ORDER BY "o1" ASC NULLS LAST;

-- question: SELECT ward, count(*) / (SELECT count(*) FROM visit) AS part FROM visit GROUP BY ward
--   release  personal: differential privacy, noise on every figure
--   read     visit (pid, ward)
--   key      k0: w1, w2, w3, w4
--   figure   a1: rows counted, one unit moves it by at most 4
--   figure   a0: rows counted, one unit moves it by at most 4
--   capped   a unit counts in at most 2 cells, by lot; what it has in more is left out
--   ranked   every unit, to choose the cells that count
--   releases 2 under one charge, split evenly over all figures: a1; k0, a0
--   answer   at most 4 rows: ward, part
--   after    select list, HAVING, ORDER BY and LIMIT run on released figures
SELECT CAST(0 AS BIGINT) AS "b", CAST(NULL AS VARCHAR) AS "k0", CAST("a1" AS BIGINT) AS "a1", CAST(NULL AS BIGINT) AS "a0" FROM (SELECT CAST(coalesce(CASE WHEN "a1" < 0 THEN 0 WHEN "a1" > 100000 THEN 100000 ELSE "a1" END, 0) AS BIGINT) AS "a1" FROM (SELECT sum("a1") AS "a1" FROM (SELECT "u", CAST(CASE WHEN "a1" < 0 THEN 0 WHEN "a1" > 4 THEN 4 ELSE "a1" END AS BIGINT) AS "a1" FROM (SELECT "u", count(*) AS "a1" FROM (SELECT "t0"."pid" AS "u" FROM "s0"."data" AS "t0") AS "r" GROUP BY "u") AS "p") AS "g") AS "t") AS "x" UNION ALL SELECT CAST(1 AS BIGINT) AS "b", CAST("k0" AS VARCHAR) AS "k0", CAST(NULL AS BIGINT) AS "a1", CAST("a0" AS BIGINT) AS "a0" FROM (SELECT "k0", CAST(coalesce(CASE WHEN "a0" < 0 THEN 0 WHEN "a0" > 100000 THEN 100000 ELSE "a0" END, 0) AS BIGINT) AS "a0" FROM (SELECT "k0", sum("a0") AS "a0" FROM (SELECT "k0", "a0" FROM (SELECT "k0", "a0", row_number() OVER (PARTITION BY "u" ORDER BY hash("u", "k0", 'd7b461ecec3fa9ba'), "k0") AS "n" FROM (SELECT "k0", "u", CAST(CASE WHEN "a0" < 0 THEN 0 WHEN "a0" > 4 THEN 4 ELSE "a0" END AS BIGINT) AS "a0" FROM (SELECT "k0", "u", count(*) AS "a0" FROM (SELECT "t0"."ward" AS "k0", "t0"."pid" AS "u" FROM "s0"."data" AS "t0") AS "r" WHERE "k0" IS NOT NULL GROUP BY "k0", "u") AS "p") AS "q") AS "c" WHERE "n" <= 2) AS "g" GROUP BY "k0") AS "t") AS "x";
-- after:
WITH "cells0" AS (SELECT "a1", "w_a1" FROM "cells" WHERE "b" = 0), "cells1" AS (SELECT "k0", "a0", "w_a0" FROM "cells" WHERE "b" = 1) SELECT "k0" AS "o0", TRY_CAST((CAST("a0" AS DOUBLE) / NULLIF(CAST((SELECT "s"."o0" FROM (SELECT "a1" AS "o0", "w_a1" AS "w0" FROM "cells0") AS "s" LIMIT 1) AS DOUBLE), CAST(0 AS DOUBLE))) AS DECIMAL(38,9)) AS "o1" FROM "cells1";

-- question: SELECT sex, median(floor(age / 10) * 10), quantile(floor(age / 10) * 10, 0.9), count(*) FROM person GROUP BY sex
--   release  personal: differential privacy, noise on every figure
--   read     person (pid, sex, age)
--   key      k0: f, m
--   key      k2: f, m
--   key      k1: 0, 10, 20, 30, 40, 50, 60, 70, … 13 in all
--   figure   a0: rows counted, one unit moves it by at most 1
--   figure   a1: rows counted, one unit moves it by at most 1
--   releases 2 under one charge, split evenly over all figures: k0, a0; k2, k1, a1
--   answer   at most 2 rows: sex, median(floor(age / 10) * 10), quantile_disc(floor(age / 10) * 10, 0.9), count(*)
--   after    select list, HAVING, ORDER BY and LIMIT run on released figures
SELECT CAST(0 AS BIGINT) AS "b", CAST("k0" AS VARCHAR) AS "k0", CAST(NULL AS VARCHAR) AS "k2", CAST(NULL AS BIGINT) AS "k1", CAST("a0" AS BIGINT) AS "a0", CAST(NULL AS BIGINT) AS "a1" FROM (SELECT "k0", CAST(coalesce(CASE WHEN "a0" < 0 THEN 0 WHEN "a0" > 20000 THEN 20000 ELSE "a0" END, 0) AS BIGINT) AS "a0" FROM (SELECT "k0", sum("a0") AS "a0" FROM (SELECT "k0", "u", CAST(CASE WHEN "a0" < 0 THEN 0 WHEN "a0" > 1 THEN 1 ELSE "a0" END AS BIGINT) AS "a0" FROM (SELECT "k0", "u", count(*) AS "a0" FROM (SELECT "t0"."sex" AS "k0", "t0"."pid" AS "u" FROM "s0"."data" AS "t0") AS "r" WHERE "k0" IS NOT NULL GROUP BY "k0", "u") AS "p") AS "g" GROUP BY "k0") AS "t") AS "x" UNION ALL SELECT CAST(1 AS BIGINT) AS "b", CAST(NULL AS VARCHAR) AS "k0", CAST("k2" AS VARCHAR) AS "k2", CAST("k1" AS BIGINT) AS "k1", CAST(NULL AS BIGINT) AS "a0", CAST("a1" AS BIGINT) AS "a1" FROM (SELECT "k2", "k1", CAST(coalesce(CASE WHEN "a1" < 0 THEN 0 WHEN "a1" > 20000 THEN 20000 ELSE "a1" END, 0) AS BIGINT) AS "a1" FROM (SELECT "k2", "k1", sum("a1") AS "a1" FROM (SELECT "k2", "k1", "u", CAST(CASE WHEN "a1" < 0 THEN 0 WHEN "a1" > 1 THEN 1 ELSE "a1" END AS BIGINT) AS "a1" FROM (SELECT "k2", "k1", "u", count(*) AS "a1" FROM (SELECT "t0"."sex" AS "k2", (CAST(((CAST(("t0"."age" * CAST(1 AS BIGINT)) AS HUGEINT) - (((CAST(("t0"."age" * CAST(1 AS BIGINT)) AS HUGEINT) % CAST(10 AS HUGEINT)) + CAST(10 AS HUGEINT)) % CAST(10 AS HUGEINT))) // CAST(10 AS HUGEINT)) AS BIGINT) * CAST(10 AS BIGINT)) AS "k1", "t0"."pid" AS "u" FROM "s0"."data" AS "t0") AS "r" WHERE "k2" IS NOT NULL AND "k1" IS NOT NULL GROUP BY "k2", "k1", "u") AS "p") AS "g" GROUP BY "k2", "k1") AS "t") AS "x";
-- after:
WITH "cells0" AS (SELECT "k0", "a0", "w_a0" FROM "cells" WHERE "b" = 0), "cells1" AS (SELECT "k2", "k1", "a1", "w_a1" FROM "cells" WHERE "b" = 1) SELECT "k0" AS "o0", "q0" AS "o1", "q1" AS "o2", "a0" AS "o3", "w_q0" AS "w1", "w_q1" AS "w2", "w_a0" AS "w3" FROM "cells0" AS "g" LEFT JOIN (SELECT "k2", "e" AS "q0", CAST(greatest("e" - "low", "high" - "e") AS DOUBLE) AS "w_q0" FROM (SELECT "k2", max(CASE WHEN "i" = ("first" + "last" + 1) // 2 THEN "v" END) AS "e", min(CASE WHEN CAST("d" AS DOUBLE) + "s" >= 0 AND coalesce("before" <= 0, TRUE) THEN "v" END) AS "low", max(CASE WHEN CAST("d" AS DOUBLE) + "s" >= 0 AND coalesce("before" <= 0, TRUE) THEN "v" END) AS "high" FROM (SELECT "k2", "v", "i", "d", "s", "sure", lag(CAST("d" AS DOUBLE) - "s") OVER (PARTITION BY "k2" ORDER BY "i") AS "before", min(CASE WHEN "d" >= 0 THEN "i" END) OVER (PARTITION BY "k2" ) AS "first", max(CASE WHEN "d" < 0 THEN "i" ELSE 0 END) OVER (PARTITION BY "k2" ) AS "last" FROM (SELECT "k2", "v", "i", 2 * "c" - 1 * "t" AS "d", "w" * sqrt(CAST("i" * 1 + ("m" - "i") * 1 AS DOUBLE)) AS "s", CAST("t" AS DOUBLE) > "w" * sqrt(CAST("m" AS DOUBLE)) AS "sure" FROM (SELECT "k2", "k1" AS "v", sum(CAST("a1" AS HUGEINT)) OVER (PARTITION BY "k2" ORDER BY "k1" ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) AS "c", sum(CAST("a1" AS HUGEINT)) OVER (PARTITION BY "k2" ) AS "t", row_number() OVER (PARTITION BY "k2" ORDER BY "k1") AS "i", count(*) OVER (PARTITION BY "k2" ) AS "m", "w_a1" AS "w" FROM "cells1" AS "h") AS "n") AS "o") AS "p" WHERE "sure" GROUP BY "k2") AS "f") AS "q0" ON "g"."k0" IS NOT DISTINCT FROM "q0"."k2" LEFT JOIN (SELECT "k2", "e" AS "q1", CAST(greatest("e" - "low", "high" - "e") AS DOUBLE) AS "w_q1" FROM (SELECT "k2", max(CASE WHEN "i" = ("first" + "last" + 1) // 2 THEN "v" END) AS "e", min(CASE WHEN CAST("d" AS DOUBLE) + "s" >= 0 AND coalesce("before" <= 0, TRUE) THEN "v" END) AS "low", max(CASE WHEN CAST("d" AS DOUBLE) + "s" >= 0 AND coalesce("before" <= 0, TRUE) THEN "v" END) AS "high" FROM (SELECT "k2", "v", "i", "d", "s", "sure", lag(CAST("d" AS DOUBLE) - "s") OVER (PARTITION BY "k2" ORDER BY "i") AS "before", min(CASE WHEN "d" >= 0 THEN "i" END) OVER (PARTITION BY "k2" ) AS "first", max(CASE WHEN "d" < 0 THEN "i" ELSE 0 END) OVER (PARTITION BY "k2" ) AS "last" FROM (SELECT "k2", "v", "i", 10 * "c" - 9 * "t" AS "d", "w" * sqrt(CAST("i" * 1 + ("m" - "i") * 81 AS DOUBLE)) AS "s", CAST("t" AS DOUBLE) > "w" * sqrt(CAST("m" AS DOUBLE)) AS "sure" FROM (SELECT "k2", "k1" AS "v", sum(CAST("a1" AS HUGEINT)) OVER (PARTITION BY "k2" ORDER BY "k1" ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) AS "c", sum(CAST("a1" AS HUGEINT)) OVER (PARTITION BY "k2" ) AS "t", row_number() OVER (PARTITION BY "k2" ORDER BY "k1") AS "i", count(*) OVER (PARTITION BY "k2" ) AS "m", "w_a1" AS "w" FROM "cells1" AS "h") AS "n") AS "o") AS "p" WHERE "sure" GROUP BY "k2") AS "f") AS "q1" ON "g"."k0" IS NOT DISTINCT FROM "q1"."k2";

-- question: SELECT sector, sum(output) FROM firm GROUP BY ROLLUP (sector)
--   release  exact: cells below the minimum group or dominated by two units are withheld
--   read     firm (fid, sector, output)
--   key      k1: a, b, c
--   figure   a0: sum
--   figure   a1: sum
--   releases 2 withheld alike: a0; k1, a1
--   minimum  10 units in a cell
--   answer   at most 4 rows: sector, sum(output)
--   after    select list, HAVING, ORDER BY and LIMIT run on released figures
SELECT CAST(0 AS BIGINT) AS "b", CAST(NULL AS VARCHAR) AS "k1", CAST("a0" AS BIGINT) AS "a0", CAST(NULL AS BIGINT) AS "a1", CAST("units" AS BIGINT) AS "units", CAST("units_a0" AS BIGINT) AS "units_a0", CAST(NULL AS BIGINT) AS "units_a1", CAST("top1_a0" AS BIGINT) AS "top1_a0", CAST("top2_a0" AS BIGINT) AS "top2_a0", CAST(NULL AS BIGINT) AS "top1_a1", CAST(NULL AS BIGINT) AS "top2_a1" FROM (SELECT CAST(coalesce(CASE WHEN "a0" < -50000000 THEN -50000000 WHEN "a0" > 50000000000 THEN 50000000000 ELSE "a0" END, 0) AS BIGINT) AS "a0", "units", CAST(coalesce("units_a0", 0) AS BIGINT) AS "units_a0", CAST(coalesce(list_extract("top_a0", 1), 0) AS BIGINT) AS "top1_a0", CAST(coalesce(list_extract("top_a0", 2), 0) AS BIGINT) AS "top2_a0" FROM (SELECT sum("a0") AS "a0", count(*) AS "units", sum("c0") AS "units_a0", max(abs("a0"), 2) AS "top_a0" FROM (SELECT "u", CAST(CASE WHEN "a0" < -2000 THEN -2000 WHEN "a0" > 2000000 THEN 2000000 ELSE "a0" END AS BIGINT) AS "a0", CAST(CASE WHEN "c0" < 0 THEN 0 WHEN "c0" > 1 THEN 1 ELSE "c0" END AS BIGINT) AS "c0" FROM (SELECT "u", sum(CASE WHEN "v0" < -1000 THEN -1000 WHEN "v0" > 1000000 THEN 1000000 ELSE "v0" END) AS "a0", count("v0") AS "c0" FROM (SELECT "t0"."fid" AS "u", "t0"."output" AS "v0" FROM "s0"."data" AS "t0") AS "r" GROUP BY "u") AS "p") AS "g") AS "t") AS "x" UNION ALL SELECT CAST(1 AS BIGINT) AS "b", CAST("k1" AS VARCHAR) AS "k1", CAST(NULL AS BIGINT) AS "a0", CAST("a1" AS BIGINT) AS "a1", CAST("units" AS BIGINT) AS "units", CAST(NULL AS BIGINT) AS "units_a0", CAST("units_a1" AS BIGINT) AS "units_a1", CAST(NULL AS BIGINT) AS "top1_a0", CAST(NULL AS BIGINT) AS "top2_a0", CAST("top1_a1" AS BIGINT) AS "top1_a1", CAST("top2_a1" AS BIGINT) AS "top2_a1" FROM (SELECT "k1", CAST(coalesce(CASE WHEN "a1" < -50000000 THEN -50000000 WHEN "a1" > 50000000000 THEN 50000000000 ELSE "a1" END, 0) AS BIGINT) AS "a1", "units", CAST(coalesce("units_a1", 0) AS BIGINT) AS "units_a1", CAST(coalesce(list_extract("top_a1", 1), 0) AS BIGINT) AS "top1_a1", CAST(coalesce(list_extract("top_a1", 2), 0) AS BIGINT) AS "top2_a1" FROM (SELECT "k1", sum("a1") AS "a1", count(*) AS "units", sum("c1") AS "units_a1", max(abs("a1"), 2) AS "top_a1" FROM (SELECT "k1", "u", CAST(CASE WHEN "a1" < -2000 THEN -2000 WHEN "a1" > 2000000 THEN 2000000 ELSE "a1" END AS BIGINT) AS "a1", CAST(CASE WHEN "c1" < 0 THEN 0 WHEN "c1" > 1 THEN 1 ELSE "c1" END AS BIGINT) AS "c1" FROM (SELECT "k1", "u", sum(CASE WHEN "v1" < -1000 THEN -1000 WHEN "v1" > 1000000 THEN 1000000 ELSE "v1" END) AS "a1", count("v1") AS "c1" FROM (SELECT "t0"."sector" AS "k1", "t0"."fid" AS "u", "t0"."output" AS "v1" FROM "s0"."data" AS "t0") AS "r" WHERE "k1" IS NOT NULL GROUP BY "k1", "u") AS "p") AS "g" GROUP BY "k1") AS "t") AS "x";
-- after:
WITH "cells0" AS (SELECT "a0", "w_a0" FROM "cells" WHERE "b" = 0), "cells1" AS (SELECT "k1", "a1", "w_a1" FROM "cells" WHERE "b" = 1) SELECT "k0" AS "o0", "a0" AS "o1", "w_a0" AS "w1" FROM (SELECT NULL AS "k0", 1 AS "left_k0", "a0" AS "a0", "w_a0" AS "w_a0" FROM "cells0" UNION ALL SELECT "k1" AS "k0", 0 AS "left_k0", "a1" AS "a0", "w_a1" AS "w_a0" FROM "cells1") AS "g";
