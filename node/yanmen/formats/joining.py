"""What a department's receipt says of its part in a join across nodes: one line in the receipt's `output` slot.

    blinded-join-1 manifest=<hex> sigma_squared=<v>,… items=<n> columns=<a>,… list=<hex> input=<hex>
        rows=<hex>,<hex>,<hex>                                                             (all one line)

`list` is the SHA-256 of its blinded list of n points, `rows` those of the three shares of what goes with each,
in the order of the manifest's aggregators; `columns` are the aggregates that are of this side, `-` for none.
`input` commits to the rows that went in (docs/JOINS.md).
"""

import re
from dataclasses import dataclass

from yanmen.formats.malformed import Malformed
from yanmen.model.joining import ITEMS_MAX

NAME = "blinded-join-1"
LABELS = ("part", "sha256")
"""The columns of the table a department answers with: its list, and a share of its rows for each aggregator."""
NOTICE = (
    "盲化名单与秘密份额，仅供指定各方使用；不含任何可读标识或数值 · "
    "blinded list and secret shares for the named parties, no identifier or figure can be read from them"
)
_HEX = "[0-9a-f]{64}"
_NUMBER = "[1-9][0-9]{0,18}"
_LINE = re.compile(
    f"{NAME} manifest=({_HEX}) sigma_squared=({_NUMBER}(?:,{_NUMBER}){{0,999}}) items=({_NUMBER})"
    f" columns=(-|(?:0|[1-9][0-9]{{0,2}})(?:,[1-9][0-9]{{0,2}}){{0,999}})"
    f" list=({_HEX}) input=({_HEX}) rows=({_HEX}(?:,{_HEX}){{2}})",
    re.ASCII,
)


@dataclass(frozen=True, slots=True)
class Joining:
    """What a department is bound to."""

    manifest_sha256: str
    sigma_squared: tuple[int, ...]
    items: int
    columns: tuple[int, ...]
    list_sha256: bytes
    input_sha256: bytes
    rows: tuple[bytes, ...]

    def text(self) -> str:
        """Return the line; one that would be refused is refused here."""
        columns = ",".join(map(str, self.columns)) or "-"
        line = (
            f"{NAME} manifest={self.manifest_sha256} sigma_squared={','.join(map(str, self.sigma_squared))}"
            f" items={self.items} columns={columns} list={self.list_sha256.hex()} input={self.input_sha256.hex()}"
            f" rows={','.join(share.hex() for share in self.rows)}"
        )
        if read(line) != self:
            raise Malformed("joining: not one")
        return line


def is_one(mechanism: str) -> bool:
    """Whether `mechanism` says that rows left blinded."""
    return mechanism.startswith(NAME)


def read(line: str) -> Joining:
    """Return what `line` tells of."""
    found = _LINE.fullmatch(line)
    if found is None:
        raise Malformed("joining: not the line of one")
    manifest, variances, items, columns, points, rows_in, rows = found.groups()
    told = Joining(
        manifest,
        tuple(map(int, variances.split(","))),
        int(items),
        () if columns == "-" else tuple(map(int, columns.split(","))),
        bytes.fromhex(points),
        bytes.fromhex(rows_in),
        tuple(bytes.fromhex(share) for share in rows.split(",")),
    )
    if told.items > ITEMS_MAX or list(told.columns) != sorted(set(told.columns)):
        raise Malformed("joining: too many rows, or columns out of order")
    return told
