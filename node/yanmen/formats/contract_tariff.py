"""The operands of a contract's price clauses: a tariff (定价) and a rule that splits revenue (收益分配)."""

from collections.abc import Sequence

from yanmen.formats import connector_id
from yanmen.formats.json_canonical import Json
from yanmen.formats.json_members import exact, integer, items, text
from yanmen.formats.malformed import Malformed
from yanmen.formats.spec import NAME as DATASET
from yanmen.model.tariff import Free, FreeFor, Part, Split, SplitBy, Tariff

PARTS_MAX = 64
WEIGHT_MAX = 1_000_000
NAME_MAX = 100
PUBLIC_BODY = "1"
"""First character of a 统一社会信用代码: registered by 机构编制, so that the body is a public one (GB 32100)."""
_TARIFF = frozenset(
    {"free", "milliFenPerCell", "milliFenPerCpuUnit", "milliFenPerMilliRho", "milliFenPerRowBucket", "mostFen"}
)
_FREE = frozenset({"condition", "uses"})
_SPLIT = frozenset({"by", "parts"})
_PART = frozenset({"dataset", "department", "weight"})


def write_tariff(value: object) -> Json:
    """Return the operand of a tariff."""
    if not isinstance(value, Tariff):
        raise Malformed("not a tariff")
    return {
        "free": {"condition": value.free.condition.value, "uses": value.free.uses},
        "milliFenPerCell": value.per_cell,
        "milliFenPerCpuUnit": value.per_cpu_unit,
        "milliFenPerMilliRho": value.per_milli_rho,
        "milliFenPerRowBucket": value.per_row_bucket,
        "mostFen": value.most_fen,
    }


def read_tariff(value: Json) -> Tariff:
    """Return the tariff in an operand."""
    members = exact(value, _TARIFF)
    free = exact(members["free"], _FREE)
    condition = next((each for each in FreeFor if each.value == free["condition"]), None)
    if condition is None:
        raise Malformed("unknown condition of free use")
    uses = integer(free, "uses")
    if not uses and condition is not FreeFor.FIRST_USES:
        raise Malformed("a condition under which nothing is free")
    return Tariff(
        most_fen=integer(members, "mostFen"),
        per_cell=integer(members, "milliFenPerCell"),
        per_row_bucket=integer(members, "milliFenPerRowBucket"),
        per_cpu_unit=integer(members, "milliFenPerCpuUnit"),
        per_milli_rho=integer(members, "milliFenPerMilliRho"),
        free=Free(condition, uses),
    )


def write_split(value: object) -> Json:
    """Return the operand of a split."""
    if not isinstance(value, Split):
        raise Malformed("not a split")
    parts: list[Json] = [
        {"dataset": part.dataset, "department": part.department, "weight": part.weight} for part in value.parts
    ]
    return {"by": value.by.value, "parts": parts}


def read_split(value: Json) -> Split:
    """Return the split in an operand."""
    members = exact(value, _SPLIT)
    by = next((each for each in SplitBy if each.value == members["by"]), None)
    if by is None:
        raise Malformed("unknown measure of a split")
    parts = tuple(_part(each, by) for each in items(members, "parts", PARTS_MAX))
    places = [part.department if by is SplitBy.SHARES else part.dataset for part in parts]
    if not parts or places != sorted(set(places)):
        raise Malformed("parts are none, not in order, or one is there twice")
    return Split(by, parts)


def check_tariff(tariff: Tariff, price_per_use_fen: int, consumer: str) -> None:
    """Refuse a tariff that contradicts the price of a use, or whose condition the consumer does not meet."""
    if tariff.most_fen < price_per_use_fen:
        raise Malformed("the most a use costs is below the price of a use")
    if tariff == Tariff(price_per_use_fen):
        raise Malformed("says nothing beside the price of a use")
    public = connector_id.decode(consumer).subject.startswith(PUBLIC_BODY)
    if tariff.free.condition is FreeFor.PUBLIC_BODY and not public:
        raise Malformed("free for public bodies, which the consumer is not")


def check_split(split: Split, datasets: Sequence[str]) -> None:
    """Refuse a split by measure that leaves out a dataset granted, or names another."""
    if split.by is not SplitBy.SHARES and [part.dataset for part in split.parts] != sorted(datasets):
        raise Malformed("does not name exactly the datasets granted")


def _part(value: Json, by: SplitBy) -> Part:
    members = exact(value, _PART)
    department, dataset = text(members, "department", NAME_MAX), text(members, "dataset")
    if department != department.strip() or not department or not department.isprintable():
        raise Malformed("a part of no department")
    if dataset and DATASET.fullmatch(dataset) is None:
        raise Malformed("not a dataset name")
    if (by is SplitBy.SHARES) == bool(dataset):
        raise Malformed("a fixed share of a dataset, or a measure of none")
    return Part(department, dataset, integer(members, "weight", 1, WEIGHT_MAX))
