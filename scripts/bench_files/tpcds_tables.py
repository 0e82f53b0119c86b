"""TPC-DS with the customer as the unit: what a sale says of its customer's date, home and household stands beside it.

A sale that was sent back carries its return. Rows without a customer are nobody's and are not published. Surrogate
keys of dates and times are the dates, hours and minutes themselves; item, store, page and the like stay open tables.
"""

from bench_files.tpc import Source

GROUPS, RETURNS = 16, 3
"""Cells of an answer in which the lines of one customer, and what one customer sent back, may count."""
_DATE = "(SELECT n.d_date FROM date_dim n WHERE n.d_date_sk = {0})"
_PERSON = """d.cd_gender AS {0}_gender, d.cd_marital_status AS {0}_marital_status,
    d.cd_education_status AS {0}_education_status"""
_HOME = """a.ca_state AS {0}_state, a.ca_county AS {0}_county, a.ca_zip AS {0}_zip, a.ca_city AS {0}_city,
    a.ca_gmt_offset AS {0}_gmt_offset"""


def _sales(table: str, letters: str, more: str) -> str:
    """Return SQL for the sales of one channel with what belongs to them."""
    whose = "customer_sk" if letters == "ss" else "bill_customer_sk"
    told = "" if letters == "ss" else "bill_"
    back = {"ss": "sr", "cs": "cr", "ws": "wr"}[letters]
    order = "ticket_number" if letters == "ss" else "order_number"
    amount = "return_amount" if letters == "cs" else "return_amt"
    sent = _DATE.format(f"s.{letters}_ship_date_sk")
    shipped = "" if letters == "ss" else f"{sent} AS {letters}_ship_date,"
    return f"""SELECT s.* EXCLUDE ({letters}_sold_date_sk, {letters}_sold_time_sk, {more}),
        o.d_date AS {letters}_date, t.t_hour AS {letters}_hour, t.t_minute AS {letters}_minute,
        t.t_meal_time AS {letters}_meal_time, {_PERSON.format(letters)}, {_HOME.format(letters)},
        h.hd_dep_count AS {letters}_dep_count, h.hd_vehicle_count AS {letters}_vehicle_count,
        h.hd_buy_potential AS {letters}_buy_potential, b.d_date AS {back}_date,
        {shipped} r.{back}_return_quantity, r.{back}_{amount} AS {back}_return_amt, r.{back}_net_loss,
        r.{back}_reason_sk
        FROM {table} s LEFT JOIN date_dim o ON o.d_date_sk = {letters}_sold_date_sk
        LEFT JOIN time_dim t ON t.t_time_sk = {letters}_sold_time_sk
        LEFT JOIN customer_demographics d ON d.cd_demo_sk = {letters}_{told}cdemo_sk
        LEFT JOIN household_demographics h ON h.hd_demo_sk = {letters}_{told}hdemo_sk
        LEFT JOIN customer_address a ON a.ca_address_sk = {letters}_{told}addr_sk
        LEFT JOIN {table.replace("sales", "returns")} r
        ON r.{back}_item_sk = {letters}_item_sk AND r.{back}_{order} = {letters}_{order}
        LEFT JOIN date_dim b ON b.d_date_sk = r.{back}_returned_date_sk WHERE {letters}_{whose} IS NOT NULL"""


def _returns(table: str, letters: str, whose: str, home: str) -> str:
    """Return SQL for what was sent back of one channel, with the day of its sale."""
    sales = table.replace("returns", "sales")
    sold, order = f"{sales[0]}s", "ticket_number" if letters == "sr" else "order_number"
    return f"""SELECT r.*, o.d_date AS {letters}_date, {_HOME.format(letters)},
        {_DATE.format(f"{sold}_sold_date_sk")} AS {letters}_sold_date FROM {table} r
        LEFT JOIN {sales} ON {sold}_item_sk = {letters}_item_sk AND {sold}_{order} = {letters}_{order}
        LEFT JOIN date_dim o ON o.d_date_sk = {letters}_returned_date_sk
        LEFT JOIN customer_address a ON a.ca_address_sk = {letters}_{home} WHERE {letters}_{whose} IS NOT NULL"""


CUSTOMER = f"""SELECT c.* EXCLUDE (c_current_cdemo_sk, c_current_hdemo_sk, c_current_addr_sk), {_HOME.format("c")},
    {_PERSON.format("c")}, d.cd_purchase_estimate AS c_purchase_estimate, d.cd_credit_rating AS c_credit_rating,
    d.cd_dep_count AS c_dep_count, d.cd_dep_employed_count AS c_dep_employed_count,
    d.cd_dep_college_count AS c_dep_college_count, h.hd_buy_potential AS c_buy_potential,
    h.hd_income_band_sk AS c_income_band_sk FROM customer c
    LEFT JOIN customer_address a ON a.ca_address_sk = c_current_addr_sk
    LEFT JOIN customer_demographics d ON d.cd_demo_sk = c_current_cdemo_sk
    LEFT JOIN household_demographics h ON h.hd_demo_sk = c_current_hdemo_sk"""
OPEN = ("item", "store", "promotion", "warehouse", "ship_mode", "web_site", "web_page", "call_center", "catalog_page")
SOURCES = (
    Source("customer", CUSTOMER, "c_customer_sk", 1),
    Source("store_sales", _sales("store_sales", "ss", "ss_cdemo_sk"), "ss_customer_sk", 131, GROUPS),
    Source("catalog_sales", _sales("catalog_sales", "cs", "cs_ship_cdemo_sk"), "cs_bill_customer_sk", 90, GROUPS),
    Source("web_sales", _sales("web_sales", "ws", "ws_ship_cdemo_sk"), "ws_bill_customer_sk", 74, GROUPS),
    Source("store_returns", _returns("store_returns", "sr", "customer_sk", "addr_sk"), "sr_customer_sk", 18, RETURNS),
    Source(
        "catalog_returns",
        _returns("catalog_returns", "cr", "returning_customer_sk", "returning_addr_sk"),
        "cr_returning_customer_sk",
        9,
        RETURNS,
    ),
    Source(
        "web_returns",
        _returns("web_returns", "wr", "returning_customer_sk", "returning_addr_sk"),
        "wr_returning_customer_sk",
        7,
        RETURNS,
    ),
    Source("inventory", "SELECT * FROM inventory"),
    Source("date_dim", "SELECT * FROM date_dim"),
    *(Source(name, f"SELECT * FROM {name}") for name in OPEN),
)
