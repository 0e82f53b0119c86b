"""TPC-DS questions about all customers, or about none, adapted in their own words to be answered.

Where a customer's lines are few, the asker sums them per customer and cell first, and cuts each customer's figure at
a bound (`most`, `held`): that is less noise. Homes and households are those of the bill. Shares, ratios, ranks, and
totals over cells are left to the reader of the released cells, as is what HAVING and ORDER BY do.
"""

from bench_files.tpch_questions import most

YEAR = "'{0}-01-01' AND '{0}-12-31'"


def held(figure: str, bound: int) -> str:
    """Return a unit's figure of either sign cut at `bound` on both sides."""
    above = f"CASE WHEN {figure} > {bound} THEN {bound} ELSE {figure} END"
    return f"sum(CASE WHEN {above} < -{bound} THEN -{bound} ELSE {above} END)"


SHIPPED = """CASE WHEN {0}_ship_date - {0}_date <= 30 THEN '30 days' WHEN {0}_ship_date - {0}_date <= 60 THEN
    '31-60 days' WHEN {0}_ship_date - {0}_date <= 90 THEN '61-90 days' WHEN {0}_ship_date - {0}_date <= 120
    THEN '91-120 days' ELSE '>120 days' END"""
HOUSEHOLDS = "(({0}_dep_count = 4 AND {0}_vehicle_count <= 6) OR ({0}_dep_count = 2 AND {0}_vehicle_count <= 4) OR"
HOUSEHOLDS += " ({0}_dep_count = 0 AND {0}_vehicle_count <= 2))"
BRANDS = """((i_category IN ('Books', 'Children', 'Electronics') AND i_class IN ('personal', 'portable',
    'reference', 'self-help') AND i_brand IN ('scholaramalgamalg #14', 'scholaramalgamalg #7', 'exportiunivamalg #9',
    'scholaramalgamalg #9')) OR (i_category IN ('Women', 'Music', 'Men') AND i_class IN ('accessories', 'classical',
    'fragrances', 'pants') AND i_brand IN ('amalgimporto #1', 'edu packscholar #1', 'exportiimporto #1',
    'importoamalg #1')))"""


def _bands(letters: str, bands: tuple[tuple[str, str, int, str], ...]) -> str:
    """Return the condition of demographic bands, each with its range of prices and what else it asks."""
    found = [
        f"({letters}_marital_status = '{status}' AND {letters}_education_status = '{school}'"
        f" AND {letters}_sales_price BETWEEN {price} AND {price + 50}{more})"
        for status, school, price, more in bands
    ]
    return f"({' OR '.join(found)})"


def _homes(letters: str, homes: tuple[tuple[str, int, int], ...]) -> str:
    """Return the condition of states, each with its range of profits."""
    found = [
        f"({letters}_state IN ({states}) AND ss_net_profit BETWEEN {low} AND {high})" for states, low, high in homes
    ]
    return f"({' OR '.join(found)})"


def _by_both_channels(letters: str, whose: str, table: str, price: str) -> str:
    return f"""SELECT {letters}_{whose} AS customer, w_warehouse_name AS place, month({letters}_date) AS m,
        {letters}_{price} * {letters}_quantity AS sales, {letters}_net_paid * {letters}_quantity AS net
        FROM {table}, warehouse, ship_mode WHERE {letters}_warehouse_sk = w_warehouse_sk
        AND {letters}_ship_mode_sk = sm_ship_mode_sk AND sm_carrier IN ('DHL', 'BARIAN')
        AND {letters}_date BETWEEN {YEAR.format(2001)} AND {letters}_hour BETWEEN 9 AND 16"""


def _days(table: str, letters: str, whose: str) -> str:
    return f"""SELECT {letters}_{whose} AS customer, {letters}_date AS day, count(*) AS n FROM {table}
        WHERE {letters}_date BETWEEN {YEAR.format(2000)} GROUP BY 1, 2"""


THREE = f"""s AS ({_days("store_sales", "ss", "customer_sk")}),
    c AS ({_days("catalog_sales", "cs", "bill_customer_sk")}), w AS ({_days("web_sales", "ws", "bill_customer_sk")})"""


def _orders(table: str, letters: str, back: str, where: str, having: str) -> str:
    """Return orders shipped from several places: how many, and their shipping cost and profit."""
    return f"""SELECT {most("n", 1)} AS orders, {most("cost", 14000)} AS cost, {held("profit", 12000)} AS profit FROM (
        SELECT customer, count(*) AS n, sum(cost) AS cost, sum(profit) AS profit FROM (
        SELECT {letters}_bill_customer_sk AS customer, {letters}_order_number AS number,
        count(DISTINCT {letters}_warehouse_sk) AS places, count({back}_return_amt) AS back,
        count(*) FILTER (WHERE {where}) AS lines, sum({letters}_ext_ship_cost) FILTER (WHERE {where}) AS cost,
        sum({letters}_net_profit) FILTER (WHERE {where}) AS profit FROM {table} GROUP BY 1, 2)
        WHERE places > 1 AND lines > 0 AND {having} GROUP BY customer)"""


def _month_of(table: str, letters: str, whose: str, key: str, figures: str) -> str:
    return f"""SELECT {letters}_{whose} AS customer, {letters}_{key} AS place, {figures} FROM {table}
        WHERE {letters}_date BETWEEN '2000-08-23' AND '2000-09-22' GROUP BY 1, 2"""


def _absent(channel: str, name: str, table: str, letters: str, whose: str) -> str:
    return f"""SELECT channel, y, q, i_category, {most("n", 4)} AS n, {most("price", 10000)} AS price FROM (
        SELECT {letters}_{whose} AS customer, '{channel}' AS channel, year({letters}_date) AS y,
        quarter({letters}_date) AS q, i_category, count(*) AS n, sum({letters}_ext_sales_price) AS price
        FROM {table}, item WHERE {letters}_item_sk = i_item_sk AND {letters}_{name} IS NULL
        AND {letters}_date BETWEEN '1998-01-01' AND '2003-01-31' GROUP BY 1, 2, 3, 4, 5) GROUP BY 1, 2, 3, 4"""


def _makers(table: str, letters: str, whose: str) -> str:
    return f"""SELECT {letters}_{whose} AS customer, i_manufact_id AS maker, {letters}_ext_sales_price AS price
        FROM {table}, item WHERE {letters}_item_sk = i_item_sk AND i_category = 'Electronics'
        AND {letters}_gmt_offset = -5 AND {letters}_date BETWEEN '1998-05-01' AND '1998-05-31'"""


TOTALS = {
    2: f"""WITH sold AS (SELECT ws_bill_customer_sk AS customer, ws_date AS day, ws_ext_sales_price AS price
        FROM web_sales WHERE ws_date BETWEEN '2001-01-01' AND '2002-12-31' UNION ALL SELECT cs_bill_customer_sk,
        cs_date, cs_ext_sales_price FROM catalog_sales WHERE cs_date BETWEEN '2001-01-01' AND '2002-12-31'),
        bought AS (SELECT customer, day, sum(price) AS price FROM sold GROUP BY customer, day),
        daily AS (SELECT day, {most("price", 40000)} AS sales FROM bought GROUP BY day)
        SELECT y.day, round(y.sales / z.sales, 2) AS r FROM daily y JOIN daily z ON z.day = y.day + 371 ORDER BY 1""",
    6: f"""SELECT state, {most("n", 4)} AS cnt FROM (SELECT c_customer_sk, max(c_state) AS state, count(*) AS n
        FROM customer, store_sales, item i WHERE c_customer_sk = ss_customer_sk AND ss_item_sk = i.i_item_sk
        AND ss_date BETWEEN '2001-01-01' AND '2001-01-31' AND i.i_current_price > (SELECT 1.2 * avg(j.i_current_price)
        FROM item j WHERE j.i_category = i.i_category) GROUP BY c_customer_sk) GROUP BY state HAVING cnt >= 10
        ORDER BY cnt, state""",
    9: f"""WITH b AS (SELECT bucket, {most("n", 30)} AS n, {most("d", 6000)} AS d, {most("p", 40000)} AS p FROM (
        SELECT ss_customer_sk, (ss_quantity - 1) // 20 AS bucket, count(*) AS n, sum(ss_ext_discount_amt) AS d,
        sum(ss_net_paid) AS p FROM store_sales WHERE ss_quantity BETWEEN 1 AND 100 GROUP BY 1, 2) GROUP BY bucket)
        SELECT bucket, CASE WHEN n > CASE bucket WHEN 0 THEN 74129 WHEN 1 THEN 122840 WHEN 2 THEN 56580
        WHEN 3 THEN 10097 ELSE 165306 END THEN d / n ELSE p / n END AS figure FROM b ORDER BY bucket""",
    13: f"""SELECT {most("q", 100)} / {most("n", 1)} AS avg1, {most("p", 4000)} / {most("n", 1)} AS avg2,
        {most("c", 4000)} / {most("n", 1)} AS avg3, {
        most("c", 4000)
    } AS cost FROM (SELECT ss_customer_sk, count(*) AS n,
        sum(ss_quantity) AS q, sum(ss_ext_sales_price) AS p, sum(ss_ext_wholesale_cost) AS c FROM store_sales
        WHERE ss_date BETWEEN {YEAR.format(2001)} AND {
        _bands(
            "ss",
            (
                ("M", "Advanced Degree", 100, " AND ss_dep_count = 3"),
                ("S", "College", 50, " AND ss_dep_count = 1"),
                ("W", "2 yr Degree", 150, " AND ss_dep_count = 1"),
            ),
        )
    } AND {_homes("ss", (("'TX', 'OH'", 100, 200), ("'OR', 'NM', 'KY'", 150, 300), ("'VA', 'TX', 'MS'", 50, 250)))}
        GROUP BY 1)""",
    16: _orders(
        "catalog_sales",
        "cs",
        "cr",
        "cs_ship_date BETWEEN '2002-02-01' AND '2002-04-02' AND cs_state = 'GA'",
        "back = 0",
    ),
    33: f"""SELECT maker, {most("price", 3000)} AS total FROM (SELECT customer, maker, sum(price) AS price FROM ({
        _makers("store_sales", "ss", "customer_sk")
    } UNION ALL {_makers("catalog_sales", "cs", "bill_customer_sk")} UNION ALL {
        _makers("web_sales", "ws", "bill_customer_sk")
    }) GROUP BY customer, maker) GROUP BY maker ORDER BY total LIMIT 100""",
    36: f"""WITH cells AS (SELECT i_category, i_class, {held("profit", 12000)} AS profit, {most("sales", 16000)} AS
        sales
        FROM (SELECT ss_customer_sk, i_category, i_class, sum(ss_net_profit) AS profit, sum(ss_ext_sales_price) AS sales
        FROM store_sales, item, store WHERE ss_date BETWEEN {YEAR.format(2001)} AND i_item_sk = ss_item_sk
        AND s_store_sk = ss_store_sk AND s_state = 'TN' GROUP BY 1, 2, 3) GROUP BY 1, 2)
        SELECT i_category, i_class, GROUPING(i_category) + GROUPING(i_class) AS level, sum(profit) / sum(sales) AS
        margin
        FROM cells GROUP BY ROLLUP (i_category, i_class) ORDER BY level DESC, margin""",
    38: f"""WITH {THREE} SELECT {most("n", 2)} AS days FROM (SELECT s.customer, count(*) AS n FROM s JOIN c
        ON s.customer = c.customer AND s.day = c.day JOIN w ON s.customer = w.customer AND s.day = w.day
        GROUP BY s.customer)""",
    42: f"""SELECT category, {most("price", 5000)} AS price FROM (SELECT ss_customer_sk, max(i_category) AS category,
        sum(ss_ext_sales_price) AS price FROM store_sales, item WHERE ss_item_sk = i_item_sk AND i_manager_id = 1
        AND ss_date BETWEEN '2000-11-01' AND '2000-11-30' GROUP BY 1) GROUP BY 1 ORDER BY price DESC""",
    43: f"""SELECT s_store_name, s_store_id, weekday, {most("price", 1200)} AS sales FROM (SELECT ss_customer_sk,
        s_store_name, s_store_id, dayofweek(ss_date) AS weekday, sum(ss_sales_price) AS price FROM store_sales, store
        WHERE s_store_sk = ss_store_sk AND s_gmt_offset = -5 AND ss_date BETWEEN {YEAR.format(2000)}
        GROUP BY 1, 2, 3, 4) GROUP BY 1, 2, 3 ORDER BY 1, 2, 3""",
    48: f"""SELECT {
        most("q", 200)
    } AS quantity FROM (SELECT ss_customer_sk, sum(ss_quantity) AS q FROM store_sales, store
        WHERE s_store_sk = ss_store_sk AND ss_date BETWEEN {YEAR.format(2000)} AND {
        _bands("ss", (("M", "4 yr Degree", 100, ""), ("D", "2 yr Degree", 50, ""), ("S", "College", 150, "")))
    } AND {
        _homes("ss", (("'CO', 'OH', 'TX'", 0, 2000), ("'OR', 'MN', 'KY'", 150, 3000), ("'VA', 'CA', 'MS'", 50, 25000)))
    }
        GROUP BY 1)""",
    50: f"""SELECT store, bucket, {most("n", 2)} AS n FROM (SELECT sr_customer_sk, max(s_store_id) AS store,
        max(CASE WHEN sr_date - sr_sold_date <= 30 THEN '30 days' WHEN sr_date - sr_sold_date <= 60 THEN '31-60 days'
        WHEN sr_date - sr_sold_date <= 90 THEN '61-90 days' WHEN sr_date - sr_sold_date <= 120 THEN '91-120 days'
        ELSE '>120 days' END) AS bucket, count(*) AS n FROM store_returns, store WHERE s_store_sk = sr_store_sk
        AND sr_date BETWEEN '2001-08-01' AND '2001-08-31' GROUP BY 1) GROUP BY 1, 2 ORDER BY 1, 2""",
    53: f"""WITH cells AS (SELECT i_manufact_id, q, {most("price", 200)} AS sales FROM (SELECT ss_customer_sk,
        i_manufact_id, quarter(ss_date) AS q, sum(ss_sales_price) AS price FROM store_sales, item WHERE
        ss_item_sk = i_item_sk AND ss_date BETWEEN {YEAR.format(2000)} AND {BRANDS} GROUP BY 1, 2, 3) GROUP BY 1, 2)
        SELECT i_manufact_id, q, sales, avg(sales) OVER (PARTITION BY i_manufact_id) AS mean FROM cells
        ORDER BY mean, sales""",
    54: """SELECT segment, count(DISTINCT customer) AS customers, segment * 50 AS base FROM (SELECT customer,
        floor(CASE WHEN revenue >= 9999 THEN 9999 ELSE revenue END / 50) AS segment FROM (SELECT ss_customer_sk AS
        customer,
        sum(ss_ext_sales_price) AS revenue FROM customer, store_sales, store WHERE c_customer_sk = ss_customer_sk
        AND ss_store_sk = s_store_sk AND c_county = s_county AND c_state = s_state AND ss_date BETWEEN '1999-01-01' AND
        '1999-03-31' AND EXISTS (SELECT * FROM catalog_sales, item WHERE cs_bill_customer_sk = ss_customer_sk
        AND cs_item_sk = i_item_sk AND i_category = 'Women' AND i_class = 'maternity'
        AND cs_date BETWEEN '1998-12-01' AND '1998-12-31') GROUP BY ss_customer_sk)) GROUP BY segment ORDER BY
        segment""",
    59: f"""WITH bought AS (SELECT ss_customer_sk, s_store_id, ss_date AS day, sum(ss_sales_price) AS price
        FROM store_sales, store WHERE s_store_sk = ss_store_sk AND ss_date BETWEEN '2001-01-01' AND '2002-12-31'
        GROUP BY 1, 2, 3), daily AS (SELECT s_store_id, day, {most("price", 800)} AS sales FROM bought GROUP BY 1, 2)
        SELECT y.s_store_id, y.day, y.sales / z.sales AS ratio FROM daily y JOIN daily z
        ON y.s_store_id = z.s_store_id AND z.day = y.day + 364 ORDER BY 1, 2""",
    61: f"""SELECT {most("promoted", 8000)} AS promotions, {most("price", 12000)} AS total,
        100 * {most("promoted", 8000)} / {most("price", 12000)} AS share FROM (SELECT ss_customer_sk,
        sum(ss_ext_sales_price) AS price,
        sum(ss_ext_sales_price) FILTER (WHERE p_channel_dmail = 'Y' OR p_channel_email = 'Y' OR p_channel_tv = 'Y')
        AS promoted FROM customer, store_sales, store, item, promotion WHERE ss_customer_sk = c_customer_sk
        AND ss_store_sk = s_store_sk AND ss_item_sk = i_item_sk AND ss_promo_sk = p_promo_sk AND c_gmt_offset = -5
        AND s_gmt_offset = -5 AND i_category = 'Jewelry' AND ss_date BETWEEN '1998-11-01' AND '1998-11-30' GROUP BY
        1)""",
    62: f"""SELECT place, sm_type, web_name, bucket, {most("n", 1)} AS n FROM (SELECT ws_bill_customer_sk,
        substring(w_warehouse_name, 1, 20) AS place, sm_type, web_name, {SHIPPED.format("ws")} AS bucket, count(*) AS n
        FROM web_sales, warehouse, ship_mode, web_site WHERE ws_ship_date BETWEEN {YEAR.format(2000)}
        AND ws_warehouse_sk = w_warehouse_sk AND ws_ship_mode_sk = sm_ship_mode_sk AND ws_web_site_sk = web_site_sk
        GROUP BY 1, 2, 3, 4, 5) GROUP BY 1, 2, 3, 4 ORDER BY 1, 2, 3, 4""",
    63: f"""WITH cells AS (SELECT i_manager_id, m, {most("price", 200)} AS sales FROM (SELECT ss_customer_sk,
        i_manager_id, month(ss_date) AS m, sum(ss_sales_price) AS price FROM store_sales, item WHERE
        ss_item_sk = i_item_sk AND ss_date BETWEEN {YEAR.format(2000)} AND {BRANDS} GROUP BY 1, 2, 3) GROUP BY 1, 2)
        SELECT i_manager_id, m, sales, avg(sales) OVER (PARTITION BY i_manager_id) AS mean FROM cells ORDER BY 1, 2""",
    66: f"""SELECT place, m, {most("sales", 800000)} AS sales, {most("net", 800000)} AS net FROM (SELECT customer,
        max(place) AS place, max(m) AS m, sum(sales) AS sales, sum(net) AS net FROM ({
        _by_both_channels("ws", "bill_customer_sk", "web_sales", "ext_sales_price")
    } UNION ALL {_by_both_channels("cs", "bill_customer_sk", "catalog_sales", "ext_sales_price")})
        GROUP BY customer) GROUP BY place, m ORDER BY place, m""",
    69: """SELECT c_gender, c_marital_status, c_education_status, c_purchase_estimate, c_credit_rating, count(*) AS cnt
        FROM customer WHERE c_state IN ('KY', 'GA', 'NM') AND EXISTS (SELECT * FROM store_sales WHERE c_customer_sk =
        ss_customer_sk AND ss_date BETWEEN '2001-04-01' AND '2001-06-30') AND NOT EXISTS (SELECT * FROM web_sales
        WHERE c_customer_sk = ws_bill_customer_sk AND ws_date BETWEEN '2001-04-01' AND '2001-06-30') AND NOT EXISTS (
        SELECT * FROM catalog_sales WHERE c_customer_sk = cs_bill_customer_sk AND cs_date BETWEEN '2001-04-01' AND
        '2001-06-30') GROUP BY 1, 2, 3, 4, 5 ORDER BY 1, 2, 3, 4, 5""",
    70: f"""WITH cells AS (SELECT s_state, s_county, {held("profit", 20000)} AS profit FROM (SELECT ss_customer_sk,
        s_state, s_county, sum(ss_net_profit) AS profit FROM store_sales, store WHERE s_store_sk = ss_store_sk
        AND ss_date BETWEEN {YEAR.format(2000)} GROUP BY 1, 2, 3) GROUP BY 1, 2),
        states AS (SELECT s_state, rank() OVER (ORDER BY sum(profit) DESC) AS ranking FROM cells GROUP BY s_state)
        SELECT s_state, s_county, sum(profit) AS total FROM cells WHERE s_state IN (SELECT s_state FROM states
        WHERE ranking <= 5) GROUP BY ROLLUP (s_state, s_county) ORDER BY total DESC""",
    76: " UNION ALL ".join(
        (
            _absent("store", "store_sk", "store_sales", "ss", "customer_sk"),
            _absent("web", "ship_customer_sk", "web_sales", "ws", "bill_customer_sk"),
            _absent("catalog", "ship_addr_sk", "catalog_sales", "cs", "bill_customer_sk"),
        )
    ),
    77: f"""WITH ss AS ({
        _month_of(
            "store_sales",
            "ss",
            "customer_sk",
            "store_sk",
            "sum(ss_ext_sales_price) AS sales, sum(ss_net_profit) AS profit",
        )
    }), sr AS ({
        _month_of(
            "store_returns", "sr", "customer_sk", "store_sk", "sum(sr_return_amt) AS amount, sum(sr_net_loss) AS loss"
        )
    }), cs AS ({
        _month_of(
            "catalog_sales",
            "cs",
            "bill_customer_sk",
            "call_center_sk",
            "sum(cs_ext_sales_price) AS sales, sum(cs_net_profit) AS profit",
        )
    }), ws AS ({
        _month_of(
            "web_sales",
            "ws",
            "bill_customer_sk",
            "web_page_sk",
            "sum(ws_ext_sales_price) AS sales, sum(ws_net_profit) AS profit",
        )
    }), one AS (SELECT place, {most("sales", 30000)} AS sales, {
        held("profit", 20000)
    } AS profit FROM ss GROUP BY place),
        two AS (SELECT place, {most("amount", 4000)} AS amount, {most("loss", 2000)} AS loss FROM sr GROUP BY place)
        SELECT 'store channel' AS channel, one.place, sales, amount, profit - loss AS profit FROM one LEFT JOIN two
        ON one.place = two.place UNION ALL SELECT 'catalog channel', place, sales, 0, profit FROM (SELECT place,
        {most("sales", 30000)} AS sales, {held("profit", 20000)} AS profit FROM cs GROUP BY place) UNION ALL
        SELECT 'web channel', place, sales, 0, profit FROM (SELECT place, {most("sales", 10000)} AS sales,
        {held("profit", 6000)} AS profit FROM ws GROUP BY place)""",
    85: f"""SELECT wr_reason_sk, {most("q", 100)} / {most("n", 1)} AS avg1, {most("amount", 3000)} / {
        most("n", 1)
    } AS avg2
        FROM (SELECT ws_bill_customer_sk, wr_reason_sk, count(*) AS n, sum(ws_quantity) AS q, sum(wr_return_amt) AS
        amount
        FROM web_sales WHERE wr_reason_sk IS NOT NULL AND ws_date BETWEEN {YEAR.format(2000)} AND {
        _bands("ws", (("M", "Advanced Degree", 100, ""), ("S", "College", 50, ""), ("W", "2 yr Degree", 150, "")))
    } AND ((ws_state IN ('IN', 'OH', 'NJ') AND ws_net_profit BETWEEN 100 AND 200) OR (ws_state IN ('WI', 'CT', 'KY')
        AND ws_net_profit BETWEEN 150 AND 300) OR (ws_state IN ('LA', 'IA', 'AR') AND ws_net_profit BETWEEN 50 AND 250))
        GROUP BY 1, 2) GROUP BY 1 ORDER BY 1""",
    86: f"""WITH cells AS (SELECT i_category, i_class, {most("paid", 12000)} AS paid FROM (SELECT ws_bill_customer_sk,
        i_category, i_class, sum(ws_net_paid) AS paid FROM web_sales, item WHERE i_item_sk = ws_item_sk
        AND ws_date BETWEEN {YEAR.format(2000)} GROUP BY 1, 2, 3) GROUP BY 1, 2)
        SELECT i_category, i_class, sum(paid) AS total, rank() OVER (PARTITION BY GROUPING(i_category) +
        GROUPING(i_class) ORDER BY sum(paid) DESC) AS place FROM cells GROUP BY ROLLUP (i_category, i_class)
        ORDER BY place""",
    87: f"""WITH {THREE} SELECT {most("n", 6)} AS days FROM (SELECT s.customer, count(*) AS n FROM s LEFT JOIN c
        ON s.customer = c.customer AND s.day = c.day LEFT JOIN w ON s.customer = w.customer AND s.day = w.day
        WHERE c.n IS NULL AND w.n IS NULL GROUP BY s.customer)""",
    88: f"""SELECT hour, late, {most("n", 14)} AS n FROM (SELECT ss_customer_sk, ss_hour AS hour, ss_minute >= 30 AS
        late,
        count(*) AS n FROM store_sales, store WHERE ss_store_sk = s_store_sk AND s_store_name = 'ese' AND ss_hour IN
        (8, 9, 10, 11, 12) AND {HOUSEHOLDS.format("ss")} GROUP BY 1, 2, 3) GROUP BY 1, 2
        HAVING hour * 2 + CASE WHEN late THEN 1 ELSE 0 END BETWEEN 17 AND 24 ORDER BY 1, 2""",
    90: f"""SELECT {most("am", 2)} AS am, {most("pm", 2)} AS pm, {most("am", 2)} / {most("pm", 2)} AS ratio FROM
        (SELECT ws_bill_customer_sk,
        count(*) FILTER (WHERE ws_hour IN (8, 9)) AS am, count(*) FILTER (WHERE ws_hour IN (19, 20)) AS pm
        FROM web_sales, web_page WHERE ws_web_page_sk = wp_web_page_sk AND ws_dep_count = 6
        AND wp_char_count BETWEEN 5000 AND 5200 GROUP BY 1)""",
    91: f"""SELECT cc_name, status, {most("loss", 500)} AS loss FROM (SELECT cr_returning_customer_sk, cc_name,
        CASE WHEN c_marital_status = 'M' AND c_education_status = 'Unknown' THEN 'married, unknown'
        WHEN c_marital_status = 'W' AND c_education_status = 'Advanced Degree' THEN 'widowed, advanced' END AS status,
        sum(cr_net_loss) AS loss FROM customer, catalog_returns, call_center WHERE cr_call_center_sk = cc_call_center_sk
        AND cr_returning_customer_sk = c_customer_sk AND cr_date BETWEEN '1998-11-01' AND '1998-11-30'
        AND c_buy_potential LIKE 'Unknown%' AND c_gmt_offset = -7 GROUP BY 1, 2, 3) WHERE status IS NOT NULL
        GROUP BY 1, 2 ORDER BY loss DESC""",
    94: _orders(
        "web_sales", "ws", "wr", "ws_ship_date BETWEEN '1999-02-01' AND '1999-04-02' AND ws_state = 'IL'", "back = 0"
    ),
    95: _orders(
        "web_sales", "ws", "wr", "ws_ship_date BETWEEN '1999-02-01' AND '1999-04-02' AND ws_state = 'IL'", "back > 0"
    ),
    96: f"""SELECT {most("n", 14)} AS n FROM (SELECT ss_customer_sk, count(*) AS n FROM store_sales, store
        WHERE ss_store_sk = s_store_sk AND s_store_name = 'ese' AND ss_hour = 20 AND ss_minute >= 30
        AND ss_dep_count = 7 GROUP BY 1)""",
    97: f"""WITH both_ways AS (SELECT customer, item, max(s) AS s, max(c) AS c FROM (SELECT ss_customer_sk AS customer,
        ss_item_sk AS item, 1 AS s, 0 AS c FROM store_sales WHERE ss_date BETWEEN {YEAR.format(2000)} UNION ALL
        SELECT cs_bill_customer_sk, cs_item_sk, 0, 1 FROM catalog_sales WHERE cs_date BETWEEN {YEAR.format(2000)})
        GROUP BY customer, item), per AS (SELECT customer, count(*) FILTER (WHERE c = 0) AS stores,
        count(*) FILTER (WHERE s = 0) AS catalogs, count(*) FILTER (WHERE s = 1 AND c = 1) AS alike FROM both_ways
        GROUP BY customer) SELECT {most("stores", 40)} AS store_only, {most("catalogs", 40)} AS catalog_only,
        {most("alike", 1)} AS store_and_catalog FROM per""",
    99: f"""SELECT place, sm_type, centre, bucket, {most("n", 3)} AS n FROM (SELECT cs_bill_customer_sk,
        substring(w_warehouse_name, 1, 20) AS place, sm_type, lower(cc_name) AS centre, {SHIPPED.format("cs")} AS
        bucket,
        count(*) AS n FROM catalog_sales, warehouse, ship_mode, call_center WHERE cs_ship_date BETWEEN
        {YEAR.format(2000)} AND cs_warehouse_sk = w_warehouse_sk AND cs_ship_mode_sk = sm_ship_mode_sk
        AND cs_call_center_sk = cc_call_center_sk GROUP BY 1, 2, 3, 4, 5) GROUP BY 1, 2, 3, 4 ORDER BY 1, 2, 3, 4""",
    21: """SELECT * FROM (SELECT w_warehouse_name, i_item_id, sum(CASE WHEN d_date < DATE '2000-03-11' THEN
        inv_quantity_on_hand ELSE 0 END) AS before, sum(CASE WHEN d_date >= DATE '2000-03-11' THEN inv_quantity_on_hand
        ELSE 0 END) AS after FROM inventory, warehouse, item, date_dim WHERE i_current_price BETWEEN 0.99 AND 1.49
        AND i_item_sk = inv_item_sk AND inv_warehouse_sk = w_warehouse_sk AND inv_date_sk = d_date_sk
        AND d_date BETWEEN '2000-02-10' AND '2000-04-10' GROUP BY 1, 2) x
        WHERE before > 0 AND 3 * after >= 2 * before AND 2 * after <= 3 * before ORDER BY 1, 2 LIMIT 100""",
    22: """SELECT i_product_name, i_brand, i_class, i_category, avg(inv_quantity_on_hand) AS qoh FROM inventory,
        date_dim, item WHERE inv_date_sk = d_date_sk AND inv_item_sk = i_item_sk AND d_month_seq BETWEEN 1200 AND 1211
        GROUP BY ROLLUP (i_product_name, i_brand, i_class, i_category) ORDER BY qoh, 1, 2, 3, 4 LIMIT 100""",
    39: """WITH inv AS (SELECT w_warehouse_sk, i_item_sk, d_moy, stddev_samp(inv_quantity_on_hand) AS dev,
        avg(inv_quantity_on_hand) AS mean FROM inventory, item, warehouse, date_dim WHERE inv_item_sk = i_item_sk
        AND inv_warehouse_sk = w_warehouse_sk AND inv_date_sk = d_date_sk AND d_year = 2001 GROUP BY 1, 2, 3),
        wide AS (SELECT * FROM inv WHERE mean > 0 AND dev > mean) SELECT a.w_warehouse_sk, a.i_item_sk, a.d_moy,
        a.mean, a.dev, b.mean AS next_mean, b.dev AS next_dev FROM wide a, wide b
        WHERE a.i_item_sk = b.i_item_sk AND a.w_warehouse_sk = b.w_warehouse_sk AND a.d_moy = 1 AND b.d_moy = 2
        ORDER BY 1, 2, 3""",
    41: """SELECT DISTINCT i_product_name FROM item o WHERE i_manufact_id BETWEEN 738 AND 778 AND (SELECT count(*)
        FROM item n WHERE n.i_manufact = o.i_manufact AND n.i_category IN ('Women', 'Men') AND n.i_color IN ('powder',
        'khaki', 'floral', 'deep', 'midnight', 'snow', 'orange', 'frosted') AND n.i_units IN ('Ounce', 'Oz', 'N/A',
        'Dozen', 'Pallet', 'Gross', 'Each', 'Tbl') AND n.i_size IN ('medium', 'extra large', 'petite')) > 0
        ORDER BY i_product_name LIMIT 100""",
}
