"""TPC-DS questions that list customers, items, towns or the like one by one, or weigh rows against other answers.

They are asked as they stand, in short: of each the clause is kept on whose ground it is refused.
"""

ITEM = "i_item_id, i_item_desc"
ONE_MONTH = "BETWEEN '1999-02-22' AND '1999-03-24'"


def _item_revenue(table: str, letters: str) -> str:
    return f"""SELECT {ITEM}, i_category, i_class, i_current_price, sum({letters}_ext_sales_price) AS revenue
        FROM {table}, item WHERE {letters}_item_sk = i_item_sk AND i_category IN ('Sports', 'Books', 'Home')
        AND {letters}_date {ONE_MONTH} GROUP BY {ITEM}, i_category, i_class, i_current_price ORDER BY revenue"""


def _item_averages(table: str, letters: str) -> str:
    return f"""SELECT i_item_id, avg({letters}_quantity), avg({letters}_list_price), avg({letters}_coupon_amt),
        avg({letters}_sales_price) FROM {table}, item, promotion WHERE {letters}_item_sk = i_item_sk
        AND {letters}_promo_sk = p_promo_sk AND {letters}_gender = 'M' AND {letters}_marital_status = 'S'
        AND {letters}_education_status = 'College' AND (p_channel_email = 'N' OR p_channel_event = 'N')
        AND year({letters}_date) = 2000 GROUP BY i_item_id ORDER BY i_item_id LIMIT 100"""


def _brands(manager: int, more: str) -> str:
    return f"""SELECT i_brand_id, i_brand, sum(ss_ext_sales_price) AS price FROM store_sales, item
        WHERE ss_item_sk = i_item_sk AND i_manager_id = {manager} AND {more}
        GROUP BY i_brand_id, i_brand ORDER BY price DESC LIMIT 100"""


def _by_channel(key: str, where: str) -> str:
    """Return the sum over three channels by an item's `key`."""
    parts = [
        f"""SELECT {key}, {letters}_ext_sales_price AS price FROM {table}, item WHERE {letters}_item_sk = i_item_sk
        AND {letters}_gmt_offset = -5 AND {where.format(letters)}"""
        for table, letters in (("store_sales", "ss"), ("catalog_sales", "cs"), ("web_sales", "ws"))
    ]
    return (
        f"SELECT {key}, sum(price) AS total FROM ({' UNION ALL '.join(parts)}) GROUP BY {key} ORDER BY total LIMIT 100"
    )


def _returners(table: str, letters: str, whose: str, place: str, amount: str) -> str:
    """Return who sent back more than 1.2 times the average of their place."""
    return f"""WITH totals AS (SELECT {letters}_{whose} AS customer, {letters}_{place} AS place, sum({letters}_{amount})
        AS total FROM {table} WHERE year({letters}_date) = 2000 GROUP BY 1, 2) SELECT c_customer_id, total
        FROM totals t, customer WHERE t.customer = c_customer_sk AND t.total > (SELECT 1.2 * avg(o.total) FROM totals o
        WHERE o.place = t.place) ORDER BY c_customer_id LIMIT 100"""


def _growers(tables: tuple[tuple[str, str, str, str], ...]) -> str:
    """Return whose spending grew more in the last of `tables` than in the first."""
    totals = ", ".join(
        f"""{letters}{year} AS (SELECT {letters}_{whose} AS customer, sum({figure}) AS total FROM {table}
        WHERE year({letters}_date) = {year} GROUP BY 1)"""
        for table, letters, whose, figure in tables
        for year in (2001, 2002)
    )
    names = [f"{letters}{year}" for _, letters, *_ in tables for year in (2001, 2002)]
    joins = " ".join(f"JOIN {name} ON {name}.customer = c_customer_sk" for name in names)
    first, last = tables[0][1], tables[-1][1]
    return f"""WITH {totals} SELECT c_customer_id, c_first_name, c_last_name FROM customer {joins}
        WHERE {last}2002.total * {first}2001.total > {first}2002.total * {last}2001.total ORDER BY 1 LIMIT 100"""


def _tickets(where: str, more: str = "") -> str:
    """Return the tickets of customers by name."""
    return f"""SELECT c_last_name, c_first_name, number, n{more} FROM (SELECT ss_ticket_number AS number,
        ss_customer_sk,
        count(*) AS n, sum(ss_coupon_amt) AS amount, sum(ss_net_profit) AS profit FROM store_sales, store
        WHERE ss_store_sk = s_store_sk AND {where} GROUP BY 1, 2) JOIN customer ON ss_customer_sk = c_customer_sk
        ORDER BY c_last_name, c_first_name LIMIT 100"""


def _chains(figures: str, first: str, second: str, third: str) -> str:
    """Return what was bought, sent back, and bought again by catalogue, by item and shop."""
    return f"""SELECT {ITEM}, s_store_id, {figures} FROM (SELECT ss_customer_sk, ss_item_sk, ss_store_sk,
        sum(ss_quantity)
        AS ssq, sum(ss_net_profit) AS ssp, sum(sr_return_quantity) AS srq, sum(sr_net_loss) AS srl FROM store_sales
        WHERE ss_date {first} AND sr_date {second} GROUP BY 1, 2, 3) s JOIN (SELECT cs_bill_customer_sk, cs_item_sk,
        sum(cs_quantity) AS csq, sum(cs_net_profit) AS csp FROM catalog_sales WHERE cs_date {third} GROUP BY 1, 2) c
        ON ss_customer_sk = cs_bill_customer_sk AND ss_item_sk = cs_item_sk JOIN item ON i_item_sk = ss_item_sk
        JOIN store ON s_store_sk = ss_store_sk GROUP BY {ITEM}, s_store_id ORDER BY 1, 2, 3 LIMIT 100"""


def _excess(table: str, letters: str, maker: int) -> str:
    """Return the discounts above 1.3 times the average of their item."""
    return f"""SELECT sum({letters}_ext_discount_amt) AS excess FROM {table}, item WHERE i_manufact_id = {maker}
        AND i_item_sk = {letters}_item_sk AND {letters}_date BETWEEN '2000-01-27' AND '2000-04-26'
        AND {letters}_ext_discount_amt > (SELECT 1.3 * avg(o.{letters}_ext_discount_amt) FROM {table} o
        WHERE o.{letters}_item_sk = i_item_sk)"""


def _in_stock(table: str, item: str, low: int) -> str:
    return f"""SELECT {ITEM}, i_current_price, count(*) AS n FROM {table}, item WHERE {item} = i_item_sk
        AND i_current_price BETWEEN {low} AND {low + 30} AND EXISTS (SELECT * FROM inventory WHERE inv_item_sk =
        i_item_sk
        AND inv_quantity_on_hand BETWEEN 100 AND 500) GROUP BY {ITEM}, i_current_price ORDER BY 1 LIMIT 100"""


def _weeks(table: str, letters: str) -> str:
    return f"""SELECT i_item_id, sum({letters}_quantity) AS q FROM {table}, item WHERE {letters}_item_sk = i_item_sk
        AND {letters}_date BETWEEN '2000-01-03' AND '2000-01-09' GROUP BY i_item_id"""


def _monthly(table: str, letters: str, place: str, key: str, name: str) -> str:
    return f"""SELECT i_category, i_brand, {name}, year({letters}_date) AS y, month({letters}_date) AS m,
        sum({letters}_sales_price) AS total FROM {table}, item, {place} WHERE {letters}_item_sk = i_item_sk
        AND {key} AND {letters}_date BETWEEN '1998-12-01' AND '2000-01-31' GROUP BY 1, 2, 3, 4, 5 ORDER BY total"""


_YEARS = (
    ("store_sales", "ss", "customer_sk", "ss_net_paid"),
    ("catalog_sales", "cs", "bill_customer_sk", "cs_net_paid"),
    ("web_sales", "ws", "bill_customer_sk", "ws_net_paid"),
)
_EXISTS = """EXISTS (SELECT * FROM store_sales WHERE ss_customer_sk = c_customer_sk AND ss_date BETWEEN '2002-01-01' AND
    '2002-04-30') AND (EXISTS (SELECT * FROM web_sales WHERE ws_bill_customer_sk = c_customer_sk AND ws_date BETWEEN
    '2002-01-01' AND '2002-04-30') OR EXISTS (SELECT * FROM catalog_sales WHERE cs_bill_customer_sk = c_customer_sk AND
    cs_date BETWEEN '2002-01-01' AND '2002-04-30'))"""
_RATIO = """SELECT {0}_item_sk, sum(coalesce({1}_return_quantity, 0)) / sum({0}_quantity) AS ratio FROM {2}
    WHERE {1}_return_amt > 1000 AND {0}_net_profit > 1 AND {0}_date BETWEEN '2001-12-01' AND '2001-12-31'
    GROUP BY {0}_item_sk"""
_NEXT_MONTH = "BETWEEN '2000-08-23' AND '2000-09-06'"

LISTS = {
    1: _returners("store_returns", "sr", "customer_sk", "store_sk", "return_amt"),
    3: """SELECT year(ss_date) AS y, i_brand_id, i_brand, sum(ss_ext_sales_price) AS price FROM store_sales, item
        WHERE ss_item_sk = i_item_sk AND i_manufact_id = 128 AND month(ss_date) = 11
        AND ss_date BETWEEN '1998-01-01' AND '2002-12-31' GROUP BY 1, 2, 3 ORDER BY 1, price DESC LIMIT 100""",
    4: _growers(_YEARS),
    5: f"""SELECT cp_catalog_page_id, sum(cs_ext_sales_price) AS sales, sum(cs_net_profit) AS profit FROM catalog_sales,
        catalog_page WHERE cs_catalog_page_sk = cp_catalog_page_sk AND cs_date {_NEXT_MONTH} GROUP BY ROLLUP (1)""",
    7: _item_averages("store_sales", "ss"),
    8: """WITH homes AS (SELECT substring(c_zip, 1, 2) AS zip, count(*) AS n FROM customer WHERE c_preferred_cust_flag =
        'Y' GROUP BY 1 HAVING count(*) > 10) SELECT s_store_name, sum(ss_net_profit) FROM store_sales, store, homes
        WHERE ss_store_sk = s_store_sk AND substring(s_zip, 1, 2) = homes.zip AND ss_date BETWEEN '1998-04-01' AND
        '1998-06-30' GROUP BY s_store_name""",
    10: f"""SELECT c_gender, c_marital_status, c_education_status, c_purchase_estimate, c_credit_rating, c_dep_count,
        c_dep_employed_count, c_dep_college_count, count(*) AS n FROM customer WHERE c_county IN ('Rush County',
        'Toole County', 'Jefferson County', 'Dona Ana County', 'La Porte County') AND {_EXISTS} GROUP BY ALL""",
    11: _growers((_YEARS[0], _YEARS[2])),
    12: _item_revenue("web_sales", "ws"),
    14: """SELECT i_brand_id, i_class_id, i_category_id, sum(ss_quantity * ss_list_price) AS sales FROM store_sales,
        item
        WHERE ss_item_sk = i_item_sk AND ss_date BETWEEN '2001-11-01' AND '2001-11-30' AND i_brand_id IN (SELECT
        i_brand_id FROM store_sales, item WHERE ss_item_sk = i_item_sk INTERSECT SELECT i_brand_id FROM web_sales, item
        WHERE ws_item_sk = i_item_sk) GROUP BY ROLLUP (1, 2, 3)""",
    15: """SELECT c_zip, sum(cs_sales_price) AS price FROM catalog_sales, customer WHERE cs_bill_customer_sk =
        c_customer_sk AND (substring(c_zip, 1, 5) IN ('85669', '86197', '88274', '83405', '86475') OR c_state IN ('CA',
        'WA', 'GA') OR cs_sales_price > 500) AND cs_date BETWEEN '2001-04-01' AND '2001-06-30' GROUP BY c_zip""",
    17: _chains(
        "count(ssq) AS n, avg(ssq) AS mean, stddev_samp(ssq) AS dev, avg(srq) AS back, avg(csq) AS again",
        "BETWEEN '2001-01-01' AND '2001-03-31'",
        "BETWEEN '2001-01-01' AND '2001-09-30'",
        "BETWEEN '2001-01-01' AND '2001-09-30'",
    ),
    18: """SELECT i_item_id, c_state, c_county, avg(cs_quantity), avg(cs_list_price), avg(c_birth_year) FROM
        catalog_sales,
        customer, item WHERE cs_bill_customer_sk = c_customer_sk AND cs_item_sk = i_item_sk AND cs_gender = 'F'
        AND cs_education_status = 'Unknown' AND c_birth_month IN (1, 6, 8, 9, 12, 2) AND year(cs_date) = 1998
        GROUP BY ROLLUP (i_item_id, c_state, c_county)""",
    19: """SELECT i_brand_id, i_brand, i_manufact_id, i_manufact, sum(ss_ext_sales_price) AS price FROM store_sales,
        item,
        customer, store WHERE ss_item_sk = i_item_sk AND i_manager_id = 8 AND ss_date BETWEEN '1998-11-01' AND
        '1998-11-30' AND ss_customer_sk = c_customer_sk AND substring(c_zip, 1, 5) <> substring(s_zip, 1, 5)
        AND ss_store_sk = s_store_sk GROUP BY 1, 2, 3, 4 ORDER BY price DESC LIMIT 100""",
    20: _item_revenue("catalog_sales", "cs"),
    23: """WITH best AS (SELECT ss_customer_sk AS customer, sum(ss_quantity * ss_sales_price) AS total FROM store_sales
        GROUP BY 1) SELECT c_last_name, c_first_name, sum(cs_quantity * cs_list_price) AS sales FROM catalog_sales,
        customer, best WHERE cs_bill_customer_sk = customer AND c_customer_sk = customer AND total > (SELECT
        0.5 * max(total) FROM best) AND cs_date BETWEEN '2000-02-01' AND '2000-02-29' GROUP BY 1, 2 LIMIT 100""",
    24: """SELECT c_last_name, c_first_name, s_store_name, sum(ss_net_paid) AS paid FROM store_sales, store, item,
        customer WHERE sr_return_quantity IS NOT NULL AND ss_customer_sk = c_customer_sk AND ss_item_sk = i_item_sk
        AND ss_store_sk = s_store_sk AND s_zip = c_zip AND s_market_id = 8 AND i_color = 'peach' GROUP BY 1, 2, 3""",
    25: _chains(
        "sum(ssp) AS profit, sum(srl) AS loss, sum(csp) AS again",
        "BETWEEN '2001-04-01' AND '2001-04-30'",
        "BETWEEN '2001-04-01' AND '2001-10-31'",
        "BETWEEN '2001-04-01' AND '2001-10-31'",
    ),
    26: _item_averages("catalog_sales", "cs"),
    27: _item_averages("store_sales", "ss")
    .replace("i_item_id, avg", "i_item_id, s_state, GROUPING(s_state), avg", 1)
    .replace("promotion WHERE", "store WHERE")
    .replace("ss_promo_sk = p_promo_sk", "ss_store_sk = s_store_sk")
    .replace("AND (p_channel_email = 'N' OR p_channel_event = 'N')", "AND s_state = 'TN'")
    .replace("GROUP BY i_item_id", "GROUP BY ROLLUP (i_item_id, s_state)"),
    28: """SELECT avg(ss_list_price) AS price, count(ss_list_price) AS n, count(DISTINCT ss_list_price) AS prices
        FROM store_sales WHERE ss_quantity BETWEEN 0 AND 5 AND (ss_list_price BETWEEN 8 AND 18 OR ss_coupon_amt BETWEEN
        459 AND 1459 OR ss_wholesale_cost BETWEEN 57 AND 77)""",
    29: _chains(
        "sum(ssq) AS bought, sum(srq) AS back, sum(csq) AS again",
        "BETWEEN '1999-09-01' AND '1999-09-30'",
        "BETWEEN '1999-09-01' AND '1999-12-31'",
        "BETWEEN '1999-01-01' AND '2001-12-31'",
    ),
    30: _returners("web_returns", "wr", "returning_customer_sk", "state", "return_amt"),
    31: """WITH s AS (SELECT ss_county AS county, quarter(ss_date) AS q, sum(ss_ext_sales_price) AS sales FROM
        store_sales
        WHERE year(ss_date) = 2000 GROUP BY 1, 2), w AS (SELECT ws_county AS county, quarter(ws_date) AS q,
        sum(ws_ext_sales_price) AS sales FROM web_sales WHERE year(ws_date) = 2000 GROUP BY 1, 2)
        SELECT s.county, s.q, s.sales, w.sales FROM s JOIN w ON s.county = w.county AND s.q = w.q""",
    32: _excess("catalog_sales", "cs", 977),
    34: _tickets("ss_buy_potential IN ('>10000', 'Unknown') AND s_county = 'Williamson County'"),
    35: f"""SELECT c_state, c_gender, c_marital_status, c_dep_count, c_dep_employed_count, c_dep_college_count,
        count(*) AS n, avg(c_dep_count) FROM customer WHERE {_EXISTS} GROUP BY 1, 2, 3, 4, 5, 6""",
    37: _in_stock("catalog_sales", "cs_item_sk", 68),
    40: """SELECT w_state, i_item_id, sum(cs_sales_price - coalesce(cr_return_amt, 0)) AS sales FROM catalog_sales,
        warehouse, item WHERE i_current_price BETWEEN 0.99 AND 1.49 AND i_item_sk = cs_item_sk AND cs_warehouse_sk =
        w_warehouse_sk AND cs_date BETWEEN '2000-02-10' AND '2000-04-10' GROUP BY w_state, i_item_id""",
    44: """SELECT item, mean, rank() OVER (ORDER BY mean) AS place FROM (SELECT ss_item_sk AS item,
        avg(ss_net_profit) AS
        mean FROM store_sales WHERE ss_store_sk = 4 GROUP BY ss_item_sk) QUALIFY place < 11""",
    45: """SELECT c_zip, c_city, sum(ws_sales_price) AS price FROM web_sales, customer, item WHERE ws_bill_customer_sk =
        c_customer_sk AND ws_item_sk = i_item_sk AND ws_date BETWEEN '2001-04-01' AND '2001-06-30' GROUP BY 1, 2""",
    46: _tickets("(ss_dep_count = 4 OR ss_vehicle_count = 3) AND s_city IN ('Fairview', 'Midway')", ", amount, profit"),
    47: _monthly("store_sales", "ss", "store", "ss_store_sk = s_store_sk", "s_store_name, s_company_name").replace(
        "1, 2, 3, 4, 5", "1, 2, 3, 4, 5, 6"
    ),
    49: f"""SELECT 'web' AS channel, * FROM ({_RATIO.format("ws", "wr", "web_sales")}) UNION ALL SELECT 'store', *
        FROM ({_RATIO.format("ss", "sr", "store_sales")}) ORDER BY ratio LIMIT 10""",
    51: """WITH daily AS (SELECT ws_item_sk AS item, ws_date AS day, sum(ws_sales_price) AS sales FROM web_sales
        WHERE ws_date BETWEEN '2000-01-01' AND '2000-12-31' GROUP BY 1, 2) SELECT item, day, sum(sales) OVER
        (PARTITION BY item ORDER BY day ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) AS so_far FROM daily""",
    52: _brands(1, "ss_date BETWEEN '2000-11-01' AND '2000-11-30'"),
    55: _brands(28, "ss_date BETWEEN '1999-11-01' AND '1999-11-30'"),
    56: _by_channel(
        "i_item_id",
        "i_color IN ('slate', 'blanched', 'burnished') AND {0}_date BETWEEN '2001-02-01' AND '2001-02-28'",
    ),
    57: _monthly("catalog_sales", "cs", "call_center", "cs_call_center_sk = cc_call_center_sk", "cc_name"),
    58: f"""WITH s AS ({_weeks("store_sales", "ss")}), c AS ({_weeks("catalog_sales", "cs")}),
        w AS ({_weeks("web_sales", "ws")}) SELECT s.i_item_id, s.q, c.q, w.q FROM s JOIN c ON s.i_item_id = c.i_item_id
        JOIN w ON s.i_item_id = w.i_item_id WHERE s.q BETWEEN 0.9 * c.q AND 1.1 * c.q""",
    60: _by_channel("i_item_id", "i_category = 'Music' AND {0}_date BETWEEN '1998-09-01' AND '1998-09-30'"),
    64: """SELECT i_product_name, s_store_name, s_zip, c_city, c_zip, year(ss_date) AS y, count(*) AS n,
        sum(ss_wholesale_cost) AS cost FROM store_sales, store, item, customer WHERE ss_store_sk = s_store_sk
        AND ss_item_sk = i_item_sk AND ss_customer_sk = c_customer_sk AND sr_return_quantity IS NOT NULL
        AND ss_marital_status <> c_marital_status AND i_color IN ('purple', 'burlywood', 'indian')
        AND i_current_price BETWEEN 64 AND 74 GROUP BY 1, 2, 3, 4, 5, 6""",
    65: """WITH r AS (SELECT ss_store_sk AS store, ss_item_sk AS item, sum(ss_sales_price) AS revenue FROM store_sales
        WHERE ss_date BETWEEN '1998-01-01' AND '1998-12-31' GROUP BY 1, 2), m AS (SELECT store, avg(revenue) AS mean
        FROM r GROUP BY store) SELECT r.store, r.item, r.revenue FROM r JOIN m ON r.store = m.store
        WHERE r.revenue <= 0.1 * m.mean""",
    67: """SELECT i_category, i_class, i_brand, i_product_name, year(ss_date), quarter(ss_date), month(ss_date),
        s_store_id,
        sum(ss_sales_price * ss_quantity) AS total FROM store_sales, store, item WHERE ss_item_sk = i_item_sk
        AND ss_store_sk = s_store_sk AND ss_date BETWEEN '2000-01-01' AND '2000-12-31'
        GROUP BY ROLLUP (1, 2, 3, 4, 5, 6, 7, 8)""",
    68: _tickets("(ss_dep_count = 4 OR ss_vehicle_count = 3) AND day(ss_date) IN (1, 2)", ", amount"),
    71: """SELECT i_brand_id, i_brand, hour, minute, sum(price) AS price FROM (SELECT ws_item_sk AS item, ws_hour AS
        hour,
        ws_minute AS minute, ws_ext_sales_price AS price FROM web_sales WHERE ws_date BETWEEN '1999-11-01' AND
        '1999-11-30' AND ws_meal_time IN ('breakfast', 'dinner') UNION ALL SELECT ss_item_sk, ss_hour, ss_minute,
        ss_ext_sales_price FROM store_sales WHERE ss_date BETWEEN '1999-11-01' AND '1999-11-30' AND ss_meal_time IN
        ('breakfast', 'dinner')) JOIN item ON item = i_item_sk WHERE i_manager_id = 1 GROUP BY 1, 2, 3, 4""",
    72: """SELECT i_item_desc, w_warehouse_name, date_trunc('week', cs_date) AS week, count(*) AS n FROM catalog_sales,
        item, warehouse WHERE cs_item_sk = i_item_sk AND cs_warehouse_sk = w_warehouse_sk AND cs_marital_status = 'D'
        AND cs_buy_potential = '>10000' AND cs_ship_date > cs_date + 5 AND cs_date BETWEEN '1999-01-01' AND '1999-12-31'
        GROUP BY 1, 2, 3 ORDER BY n DESC LIMIT 100""",
    73: _tickets("ss_buy_potential IN ('Unknown', '>10000') AND day(ss_date) IN (1, 2) AND ss_vehicle_count > 0"),
    74: _growers((_YEARS[0], _YEARS[2])).replace("c_last_name", "c_last_name, c_birth_year"),
    75: """SELECT year(day) AS y, i_brand_id, i_class_id, i_category_id, i_manufact_id, sum(q) AS q, sum(amount) AS
        amount
        FROM (SELECT cs_date AS day, cs_item_sk AS item, cs_quantity - coalesce(cr_return_quantity, 0) AS q,
        cs_ext_sales_price - coalesce(cr_return_amt, 0) AS amount FROM catalog_sales WHERE cs_date BETWEEN '2001-01-01'
        AND '2002-12-31' UNION ALL SELECT ws_date, ws_item_sk, ws_quantity - coalesce(wr_return_quantity, 0),
        ws_ext_sales_price - coalesce(wr_return_amt, 0) FROM web_sales WHERE ws_date BETWEEN '2001-01-01' AND
        '2002-12-31') JOIN item ON item = i_item_sk WHERE i_category = 'Books' GROUP BY 1, 2, 3, 4, 5""",
    78: """WITH s AS (SELECT ss_customer_sk AS customer, ss_item_sk AS item, sum(ss_quantity) AS q FROM store_sales
        WHERE sr_date IS NULL AND year(ss_date) = 2000 GROUP BY 1, 2), w AS (SELECT ws_bill_customer_sk AS customer,
        ws_item_sk AS item, sum(ws_quantity) AS q FROM web_sales WHERE wr_date IS NULL GROUP BY 1, 2)
        SELECT s.item, s.customer, s.q AS store_q, w.q AS other_q FROM s LEFT JOIN w ON w.customer = s.customer
        AND w.item = s.item ORDER BY s.item, s.customer LIMIT 100""",
    79: _tickets("(ss_dep_count = 6 OR ss_vehicle_count > 2) AND dayofweek(ss_date) = 1", ", amount, profit"),
    80: """SELECT cp_catalog_page_id, sum(cs_ext_sales_price) AS sales, sum(coalesce(cr_return_amt, 0)) AS back,
        sum(cs_net_profit - coalesce(cr_net_loss, 0)) AS profit FROM catalog_sales, catalog_page, item, promotion
        WHERE cs_catalog_page_sk = cp_catalog_page_sk AND cs_item_sk = i_item_sk AND i_current_price > 50 AND
        cs_promo_sk =
        p_promo_sk AND p_channel_tv = 'N' AND cs_date BETWEEN '2000-08-23' AND '2000-09-22' GROUP BY ROLLUP (1)""",
    81: _returners("catalog_returns", "cr", "returning_customer_sk", "state", "return_amt_inc_tax"),
    82: _in_stock("store_sales", "ss_item_sk", 62),
    83: """SELECT i_item_id, sum(sr_return_quantity) AS q FROM store_returns, item WHERE sr_item_sk = i_item_sk
        AND date_trunc('week', sr_date) IN (DATE '2000-06-26', DATE '2000-09-25', DATE '2000-11-13') GROUP BY i_item_id
        ORDER BY i_item_id LIMIT 100""",
    84: """SELECT c_customer_id, c_last_name || ', ' || c_first_name AS name FROM customer JOIN store_returns
        ON sr_customer_sk = c_customer_sk WHERE c_city = 'Edgewood' AND c_income_band_sk BETWEEN 4 AND 8
        ORDER BY c_customer_id LIMIT 100""",
    89: """SELECT i_category, i_class, i_brand, s_store_name, month(ss_date) AS m, sum(ss_sales_price) AS total
        FROM store_sales, item, store WHERE ss_item_sk = i_item_sk AND ss_store_sk = s_store_sk AND ss_date BETWEEN
        '1999-01-01' AND '1999-12-31' AND ((i_category IN ('Books', 'Electronics', 'Sports') AND i_class IN
        ('computers',
        'stereo', 'football')) OR (i_category IN ('Men', 'Jewelry', 'Women') AND i_class IN ('shirts', 'birdal',
        'dresses'))) GROUP BY 1, 2, 3, 4, 5""",
    92: _excess("web_sales", "ws", 350),
    93: """SELECT ss_customer_sk, sum((ss_quantity - coalesce(sr_return_quantity, 0)) * ss_sales_price) AS sales
        FROM store_sales WHERE sr_reason_sk = 28 GROUP BY ss_customer_sk ORDER BY sales, ss_customer_sk LIMIT 100""",
    98: _item_revenue("store_sales", "ss"),
}
