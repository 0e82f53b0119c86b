"""The TPC-H tables as their owner would declare them, with the customer as the unit: domains and bounds of the spec."""

from decimal import Decimal

from yanmen.model.catalogue import Cell, Column, ColumnType, Dataset, DatasetClass, Role

from tests.unit.planning.engine import dataset

_NATIONS = (
    "ALGERIA ARGENTINA BRAZIL CANADA EGYPT ETHIOPIA FRANCE GERMANY INDIA INDONESIA IRAN IRAQ JAPAN JORDAN KENYA"
    " MOROCCO MOZAMBIQUE PERU CHINA ROMANIA SAUDI-ARABIA VIETNAM RUSSIA UNITED-KINGDOM UNITED-STATES"
)
_DOMAINS: dict[str, tuple[Cell, ...]] = {
    "nationkey": tuple(range(25)),
    "regionkey": tuple(range(5)),
    "n_name": tuple(name.replace("-", " ") for name in _NATIONS.split()),
    "r_name": ("AFRICA", "AMERICA", "ASIA", "EUROPE", "MIDDLE EAST"),
    "mktsegment": ("AUTOMOBILE", "BUILDING", "FURNITURE", "HOUSEHOLD", "MACHINERY"),
    "orderstatus": ("F", "O", "P"),
    "linestatus": ("F", "O"),
    "returnflag": ("A", "N", "R"),
    "orderpriority": ("1-URGENT", "2-HIGH", "3-MEDIUM", "4-NOT SPECIFIED", "5-LOW"),
    "shipmode": ("AIR", "FOB", "MAIL", "RAIL", "REG AIR", "SHIP", "TRUCK"),
    "shipinstruct": ("COLLECT COD", "DELIVER IN PERSON", "NONE", "TAKE BACK RETURN"),
    "p_brand": tuple(f"Brand#{maker}{number}" for maker in range(1, 6) for number in range(1, 6)),
    "p_mfgr": tuple(f"Manufacturer#{maker}" for maker in range(1, 6)),
}
_TEXTS = "name address phone comment clerk container type"
_DATES = "shipdate commitdate receiptdate orderdate"
_BOUNDS = {
    "quantity": (0, 50), "extendedprice": (0, 105000), "discount": (0, 1), "tax": (0, 1), "acctbal": (-1000, 10000),
    "totalprice": (0, 600000), "retailprice": (0, 2100), "supplycost": (0, 1000),
}  # fmt: skip
_TABLES = {
    "customer": "c_custkey c_name c_address c_nationkey c_phone c_acctbal c_mktsegment c_comment",
    "orders": "o_custkey o_orderkey o_orderstatus o_totalprice o_orderdate o_orderpriority o_clerk o_shippriority"
    " o_comment",
    "lineitem": "l_custkey l_orderkey l_partkey l_suppkey l_linenumber l_quantity l_extendedprice l_discount l_tax"
    " l_returnflag l_linestatus l_shipdate l_commitdate l_receiptdate l_shipinstruct l_shipmode l_comment l_orderdate"
    " l_orderpriority l_orderstatus l_nationkey l_mktsegment",
    "nation": "n_nationkey n_name n_regionkey n_comment",
    "region": "r_regionkey r_name r_comment",
    "supplier": "s_suppkey s_name s_address s_nationkey s_phone s_acctbal s_comment",
    "part": "p_partkey p_name p_mfgr p_brand p_type p_size p_container p_retailprice p_comment",
    "partsupp": "ps_partkey ps_suppkey ps_availqty ps_supplycost ps_comment",
}
_ROWS = {"customer": 1, "orders": 45, "lineitem": 200}
_WHOLE = (Decimal(0), Decimal(6_000_000))


def datasets() -> tuple[Dataset, ...]:
    """Return the eight tables; those about customers are personal."""
    return tuple(_table(name, columns.split()) for name, columns in _TABLES.items())


def _table(name: str, columns: list[str]) -> Dataset:
    rows = _ROWS.get(name, 1)
    cls = DatasetClass.PERSONAL if name in _ROWS else DatasetClass.OPEN
    held = [_column(column, unit=name in _ROWS and column.endswith("_custkey")) for column in columns]
    return dataset(name, cls, *held, rows=rows, groups=rows, upto=6_100_000)


def _column(name: str, *, unit: bool) -> Column:
    plain = name.partition("_")[2]
    if unit:
        return Column(name, ColumnType.INTEGER, Role.UNIT)
    domain = _DOMAINS.get(name, _DOMAINS.get(plain))
    if domain:
        kind = ColumnType.INTEGER if isinstance(domain[0], int) else ColumnType.TEXT
        return Column(name, kind, Role.KEY, domain=domain)
    if plain in _BOUNDS:
        lower, upper = _BOUNDS[plain]
        return Column(name, ColumnType.DECIMAL, Role.MEASURE, lower=Decimal(lower), upper=Decimal(upper), scale=2)
    if plain in _TEXTS.split():
        return Column(name, ColumnType.TEXT, Role.MEASURE)
    if plain in _DATES.split():
        return Column(name, ColumnType.DATE, Role.MEASURE)
    return Column(name, ColumnType.INTEGER, Role.MEASURE, lower=_WHOLE[0], upper=_WHOLE[1])
