"""TPC-H with the customer as the unit: orders and lines carry their customer, lines also what their order says.

Each question is the benchmark's own, with its tables joined on the unit where they are about customers; where the
original lists rows of one customer, or of one supplier whose every sale is a customer's, nothing is changed: it is
asked as it stands, and must be refused on a ground of `tpc.GROUNDS`. Where a year's lines of one customer are few, the
asker sums them per customer first and cuts each customer's figure at a bound (`most`): that is less noise.
"""

from bench_files.tpc import Source

LINES = """
    SELECT l.*, o_custkey AS l_custkey, o_orderdate AS l_orderdate, o_orderpriority AS l_orderpriority,
           o_orderstatus AS l_orderstatus, c_nationkey AS l_nationkey, c_mktsegment AS l_mktsegment
    FROM lineitem l JOIN orders ON o_orderkey = l_orderkey JOIN customer ON c_custkey = o_custkey
"""
SOURCES = (
    Source("customer", "SELECT * FROM customer", "c_custkey", 1),
    Source("orders", "SELECT * FROM orders", "o_custkey", 45),
    Source("lineitem", LINES, "l_custkey", 200),
    *(Source(name, f"SELECT * FROM {name}") for name in ("nation", "region", "supplier", "part", "partsupp")),
)
REVENUE = "l_extendedprice * (1 - l_discount)"


def most(figure: str, bound: int) -> str:
    """Return a unit's figure cut at `bound`, which the asker chooses: what lies above counts as that much."""
    return f"sum(CASE WHEN {figure} > {bound} THEN {bound} ELSE {figure} END)"


QUESTIONS = {
    1: f"""SELECT l_returnflag, l_linestatus, sum(l_quantity), sum(l_extendedprice), sum({REVENUE}),
        sum({REVENUE} * (1 + l_tax)), avg(l_quantity), avg(l_extendedprice), avg(l_discount), count(*) FROM lineitem
        WHERE l_shipdate <= CAST('1998-09-02' AS date) GROUP BY l_returnflag, l_linestatus ORDER BY 1, 2""",
    2: """SELECT s_acctbal, s_name, n_name, p_partkey, p_mfgr, s_address, s_phone, s_comment
        FROM part, supplier, partsupp, nation, region WHERE p_partkey = ps_partkey AND s_suppkey = ps_suppkey
        AND p_size = 15 AND p_type LIKE '%BRASS' AND s_nationkey = n_nationkey AND n_regionkey = r_regionkey
        AND r_name = 'EUROPE' AND ps_supplycost = (SELECT min(ps_supplycost) FROM partsupp, supplier, nation, region
        WHERE p_partkey = ps_partkey AND s_suppkey = ps_suppkey AND s_nationkey = n_nationkey
        AND n_regionkey = r_regionkey AND r_name = 'EUROPE') ORDER BY s_acctbal DESC, n_name, s_name, p_partkey
        LIMIT 100""",
    3: f"""SELECT l_orderkey, sum({REVENUE}) AS revenue, o_orderdate, o_shippriority FROM customer, orders, lineitem
        WHERE c_mktsegment = 'BUILDING' AND c_custkey = o_custkey AND l_custkey = o_custkey AND l_orderkey =
        o_orderkey
        AND o_orderdate < CAST('1995-03-15' AS date) AND l_shipdate > CAST('1995-03-15' AS date)
        GROUP BY l_orderkey, o_orderdate, o_shippriority ORDER BY revenue DESC, o_orderdate LIMIT 10""",
    4: """SELECT o_orderpriority, count(*) AS order_count FROM orders WHERE o_orderdate >= CAST('1993-07-01' AS date)
        AND o_orderdate < CAST('1993-10-01' AS date) AND EXISTS (SELECT * FROM lineitem WHERE l_custkey = o_custkey
        AND l_orderkey = o_orderkey AND l_commitdate < l_receiptdate) GROUP BY o_orderpriority ORDER BY 1""",
    5: f"""SELECT nation, {most("r", 600000)} AS revenue FROM (SELECT l_custkey, max(n_name) AS nation,
        sum({REVENUE}) AS r
        FROM lineitem, supplier, nation, region WHERE l_suppkey = s_suppkey
        AND l_nationkey = s_nationkey AND s_nationkey = n_nationkey AND n_regionkey = r_regionkey AND r_name = 'ASIA'
        AND l_orderdate >= CAST('1994-01-01' AS date) AND l_orderdate < CAST('1995-01-01' AS date)
        AND n_name IN ('CHINA', 'INDIA', 'INDONESIA', 'JAPAN', 'VIETNAM') GROUP BY l_custkey)
        WHERE nation IN ('CHINA', 'INDIA', 'INDONESIA', 'JAPAN', 'VIETNAM') GROUP BY nation ORDER BY revenue DESC""",
    6: """SELECT sum(l_extendedprice * l_discount) AS revenue FROM lineitem WHERE l_shipdate >= CAST('1994-01-01'
        AS date)
        AND l_shipdate < CAST('1995-01-01' AS date) AND l_discount BETWEEN 0.05 AND 0.07 AND l_quantity < 24""",
    7: f"""SELECT supp_nation, cust_nation, l_year, {most("volume", 80000)} AS revenue FROM (SELECT l_custkey,
        n1.n_name AS supp_nation, max(n2.n_name) AS cust_nation, extract(year FROM l_shipdate) AS l_year,
        sum({REVENUE}) AS volume FROM supplier, lineitem, nation n1, nation n2
        WHERE s_suppkey = l_suppkey AND s_nationkey = n1.n_nationkey
        AND l_nationkey = n2.n_nationkey AND ((n1.n_name = 'FRANCE' AND n2.n_name = 'GERMANY')
        OR (n1.n_name = 'GERMANY' AND n2.n_name = 'FRANCE')) AND n1.n_name IN ('FRANCE', 'GERMANY')
        AND l_shipdate BETWEEN CAST('1995-01-01' AS date) AND CAST('1996-12-31' AS date)
        GROUP BY l_custkey, supp_nation, l_year) AS shipping WHERE cust_nation IN ('FRANCE', 'GERMANY')
        GROUP BY supp_nation, cust_nation, l_year HAVING supp_nation <> cust_nation ORDER BY 1, 2, 3""",
    8: f"""SELECT o_year, {most("brazil", 100000)} / {most("volume", 100000)} AS mkt_share FROM (
        SELECT l_custkey, extract(year FROM l_orderdate) AS o_year, sum({REVENUE}) AS volume,
        sum(CASE WHEN n2.n_name = 'BRAZIL' THEN {REVENUE} ELSE 0 END) AS brazil
        FROM part, supplier, lineitem, nation n1, nation n2, region WHERE p_partkey = l_partkey
        AND s_suppkey = l_suppkey AND l_nationkey = n1.n_nationkey AND n1.n_regionkey = r_regionkey
        AND r_name = 'AMERICA' AND s_nationkey = n2.n_nationkey AND l_orderdate BETWEEN CAST('1995-01-01' AS date)
        AND CAST('1996-12-31' AS date) AND p_type = 'ECONOMY ANODIZED STEEL' GROUP BY l_custkey, o_year) AS
        all_nations
        GROUP BY o_year ORDER BY o_year""",
    9: f"""SELECT nation, o_year, sum(amount) AS sum_profit FROM (SELECT n_name AS nation,
        extract(year FROM l_orderdate) AS o_year, {REVENUE} - ps_supplycost * l_quantity AS amount
        FROM part, supplier, lineitem, partsupp, nation WHERE s_suppkey = l_suppkey AND ps_suppkey = l_suppkey
        AND ps_partkey = l_partkey AND p_partkey = l_partkey AND s_nationkey = n_nationkey AND p_name LIKE '%green%'
        AND l_orderdate BETWEEN DATE '1992-01-01' AND DATE '1998-12-31') AS profit
        GROUP BY nation, o_year ORDER BY nation, o_year DESC""",
    10: f"""SELECT c_custkey, c_name, sum({REVENUE}) AS revenue, c_acctbal, n_name, c_address, c_phone, c_comment
        FROM customer, lineitem, nation WHERE c_custkey = l_custkey AND l_orderdate >= CAST('1993-10-01' AS date)
        AND l_orderdate < CAST('1994-01-01' AS date) AND l_returnflag = 'R' AND c_nationkey = n_nationkey
        GROUP BY c_custkey, c_name, c_acctbal, c_phone, n_name, c_address, c_comment ORDER BY revenue DESC LIMIT
        20""",
    11: """WITH stock AS (SELECT ps_partkey, sum(ps_supplycost * ps_availqty) AS value FROM partsupp, supplier, nation
        WHERE ps_suppkey = s_suppkey AND s_nationkey = n_nationkey AND n_name = 'GERMANY' GROUP BY ps_partkey)
        SELECT ps_partkey, value FROM stock WHERE value > (SELECT sum(value) * 0.0001 FROM stock)
        ORDER BY value DESC""",
    12: f"""SELECT l_shipmode, {most("high", 3)} AS high_line_count, {most("low", 4)} AS low_line_count FROM (
        SELECT l_custkey, l_shipmode,
        sum(CASE WHEN l_orderpriority = '1-URGENT' OR l_orderpriority = '2-HIGH' THEN 1 ELSE 0 END) AS high,
        sum(CASE WHEN l_orderpriority <> '1-URGENT' AND l_orderpriority <> '2-HIGH' THEN 1 ELSE 0 END) AS low
        FROM lineitem WHERE l_shipmode IN ('MAIL', 'SHIP') AND l_commitdate < l_receiptdate
        AND l_shipdate < l_commitdate AND l_receiptdate >= CAST('1994-01-01' AS date)
        AND l_receiptdate < CAST('1995-01-01' AS date) GROUP BY l_custkey, l_shipmode)
        WHERE l_shipmode IN ('MAIL', 'SHIP') GROUP BY l_shipmode ORDER BY l_shipmode""",
    13: """SELECT c_count, count(*) AS custdist FROM (SELECT c.c_custkey, coalesce(n, 0) AS c_count FROM customer c
        LEFT JOIN (SELECT o_custkey, count(o_orderkey) AS n FROM orders
        WHERE o_comment NOT LIKE '%special%requests%' GROUP BY o_custkey) o ON c.c_custkey = o.o_custkey) AS c_orders
        GROUP BY c_count ORDER BY custdist DESC, c_count DESC""",
    14: f"""SELECT 100.00 * {most("promo", 150000)} / {most("r", 300000)} FROM (SELECT l_custkey, sum({REVENUE}) AS r,
        sum(CASE WHEN p_type LIKE 'PROMO%' THEN {REVENUE} ELSE 0 END) AS promo
        FROM lineitem, part WHERE l_partkey = p_partkey AND l_shipdate >= date '1995-09-01'
        AND l_shipdate < CAST('1995-10-01' AS date) GROUP BY l_custkey)""",
    15: f"""WITH revenue AS (SELECT l_suppkey AS supplier_no, sum({REVENUE}) AS total_revenue FROM lineitem
        WHERE l_shipdate >= CAST('1996-01-01' AS date) AND l_shipdate < CAST('1996-04-01' AS date) GROUP BY
        supplier_no)
        SELECT s_suppkey, s_name, s_address, s_phone, total_revenue FROM supplier, revenue
        WHERE s_suppkey = supplier_no AND total_revenue = (SELECT max(total_revenue) FROM revenue) ORDER BY
        s_suppkey""",
    16: """SELECT p_brand, p_type, p_size, count(DISTINCT ps_suppkey) AS supplier_cnt FROM partsupp, part
        WHERE p_partkey = ps_partkey AND p_brand <> 'Brand#45' AND p_type NOT LIKE 'MEDIUM POLISHED%'
        AND p_size IN (49, 14, 23, 45, 19, 3, 36, 9) AND ps_suppkey NOT IN (SELECT s_suppkey FROM supplier
        WHERE s_comment LIKE '%Customer%Complaints%') GROUP BY p_brand, p_type, p_size
        ORDER BY supplier_cnt DESC, p_brand, p_type, p_size""",
    17: """SELECT sum(l_extendedprice) / 7.0 AS avg_yearly FROM lineitem, part WHERE p_partkey = l_partkey
        AND p_brand = 'Brand#23' AND p_container = 'MED BOX'
        AND l_quantity < (SELECT 0.2 * avg(l_quantity) FROM lineitem WHERE l_partkey = p_partkey)""",
    18: """SELECT c_name, c_custkey, o_orderkey, o_orderdate, o_totalprice, sum(l_quantity) FROM customer, orders,
        lineitem
        WHERE o_orderkey IN (SELECT l_orderkey FROM lineitem GROUP BY l_orderkey HAVING sum(l_quantity) > 300)
        AND c_custkey = o_custkey AND l_custkey = o_custkey AND o_orderkey = l_orderkey
        GROUP BY c_name, c_custkey, o_orderkey, o_orderdate, o_totalprice ORDER BY o_totalprice DESC LIMIT 100""",
    19: f"""SELECT {most("r", 60000)} AS revenue FROM (SELECT l_custkey, sum({REVENUE}) AS r
        FROM lineitem, part WHERE p_partkey = l_partkey
        AND l_shipmode IN ('AIR', 'AIR REG') AND l_shipinstruct = 'DELIVER IN PERSON' AND (
        (p_brand = 'Brand#12' AND p_container IN ('SM CASE', 'SM BOX', 'SM PACK', 'SM PKG')
         AND l_quantity >= 1 AND l_quantity <= 1 + 10 AND p_size BETWEEN 1 AND 5) OR
        (p_brand = 'Brand#23' AND p_container IN ('MED BAG', 'MED BOX', 'MED PKG', 'MED PACK')
         AND l_quantity >= 10 AND l_quantity <= 10 + 10 AND p_size BETWEEN 1 AND 10) OR
        (p_brand = 'Brand#34' AND p_container IN ('LG CASE', 'LG BOX', 'LG PACK', 'LG PKG')
         AND l_quantity >= 20 AND l_quantity <= 20 + 10 AND p_size BETWEEN 1 AND 15)) GROUP BY l_custkey)""",
    20: """SELECT s_name, s_address FROM supplier, nation WHERE s_suppkey IN (SELECT ps_suppkey FROM partsupp
        WHERE ps_partkey IN (SELECT p_partkey FROM part WHERE p_name LIKE 'forest%')
        AND ps_availqty > (SELECT 0.5 * sum(l_quantity) FROM lineitem WHERE l_partkey = ps_partkey
        AND l_suppkey = ps_suppkey AND l_shipdate >= CAST('1994-01-01' AS date)
        AND l_shipdate < CAST('1995-01-01' AS date))) AND s_nationkey = n_nationkey AND n_name = 'CANADA'
        ORDER BY s_name""",
    21: """SELECT s_name, count(*) AS numwait FROM supplier, lineitem l1, nation WHERE s_suppkey = l1.l_suppkey
        AND l1.l_orderstatus = 'F' AND l1.l_receiptdate > l1.l_commitdate AND EXISTS (SELECT * FROM lineitem l2
        WHERE l2.l_orderkey = l1.l_orderkey AND l2.l_suppkey <> l1.l_suppkey) AND s_nationkey = n_nationkey
        AND n_name = 'SAUDI ARABIA' GROUP BY s_name ORDER BY numwait DESC, s_name LIMIT 100""",
    22: """SELECT cntrycode, count(*) AS numcust, sum(c_acctbal) AS totacctbal FROM (
        SELECT substring(c_phone FROM 1 FOR 2) AS cntrycode, c_acctbal FROM customer
        WHERE substring(c_phone FROM 1 FOR 2) IN ('13', '31', '23', '29', '30', '18', '17')
        AND c_acctbal > (SELECT avg(c_acctbal) FROM customer WHERE c_acctbal > 0.00)
        AND NOT EXISTS (SELECT * FROM orders WHERE o_custkey = c_custkey)) AS custsale GROUP BY cntrycode ORDER BY
        1""",
}
