"""The price clauses of an offer by the command line: unit prices, free uses (有条件无偿), a split of the revenue."""

import argparse
import re

from yanmen.cli.grammar import Parser, whole
from yanmen.cli.output import UsageProblem
from yanmen.model.tariff import Free, FreeFor, Part, Split, SplitBy, Tariff

_PART = re.compile(r"(?:([a-z][a-z0-9_]*):)?([^=]+)=([0-9]{1,7})", re.ASCII)
_UNITS = ("per_cell", "per_row_bucket", "per_cpu_unit", "per_milli_rho")


def declare(request: Parser) -> None:
    """Add the options of the price clauses."""
    prices = request.add_argument_group("prices beside --price 计价", "in thousandths of a fen, rounded down per use")
    for name, unit in (
        ("cell", "cell of the answer's grid 单元格"),
        ("row-bucket", "started 10,000 rows declared of a dataset read 一万行"),
        ("cpu-unit", "CPU unit 算力单位: a dataset read, for each started million rows"),
        ("milli-rho", "started thousand micro-rho of privacy charged 隐私预算"),
    ):
        prices.add_argument(f"--per-{name}", type=whole, default=0, metavar="MILLIFEN", help=f"for each {unit}")
    most = "the most one use costs 封顶, at most the ceiling; needed with any other price clause"
    prices.add_argument("--price-most", type=whole, metavar="FEN", help=most)
    prices.add_argument("--free-uses", type=whole, default=0, metavar="N", help="the first N uses are free 有条件无偿")
    prices.add_argument(
        "--free-for",
        choices=[each.value for each in FreeFor],
        default=FreeFor.FIRST_USES.value,
        help="on which condition: anyone's first uses, a scenario of public governance 公共治理 or benefit 公益事业, "
        "a consumer that is a public body 公共机构 (first-uses)",
    )
    split = request.add_argument_group("split of the revenue 收益分配")
    split.add_argument("--split", choices=[each.value for each in SplitBy], help="by fixed shares, rows read or uses")
    split.add_argument(
        "--part",
        action="append",
        default=[],
        metavar="[DATASET:]DEPARTMENT=WEIGHT",
        help="who gets how much; DATASET with rows or uses, one for each dataset granted",
    )


def tariff(arguments: argparse.Namespace) -> Tariff | None:
    """Return the tariff asked for, None when every use simply costs `--price`."""
    units: dict[str, int] = {name: getattr(arguments, name) for name in _UNITS}
    if arguments.price_most is None:
        if any(units.values()) or arguments.free_uses:
            raise UsageProblem("say with --price-most what one use costs at most 请用 --price-most 指定单次封顶")
        return None
    free = Free(FreeFor(arguments.free_for), arguments.free_uses)
    return Tariff(most_fen=arguments.price_most, free=free, **units)


def split(arguments: argparse.Namespace) -> Split | None:
    """Return the split asked for, if one is."""
    if arguments.split is None:
        if arguments.part:
            raise UsageProblem("say with --split by what measure the parts are 请用 --split 指定分配方式")
        return None
    by = SplitBy(arguments.split)
    parts = [_part(text) for text in arguments.part]
    return Split(by, tuple(sorted(parts, key=lambda part: part.department if by is SplitBy.SHARES else part.dataset)))


def _part(text: str) -> Part:
    match = _PART.fullmatch(text)
    if match is None:
        raise UsageProblem(f"--part {text}: write DEPARTMENT=WEIGHT or DATASET:DEPARTMENT=WEIGHT")
    return Part(match[2].strip(), match[1] or "", int(match[3]))
