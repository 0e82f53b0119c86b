"""What a dealer's receipt says of the shares it dealt: one line of text, in the receipt's `output` slot.

    additive-shares-1 manifest=<hex> commitment=<hex> shares=<hex>,<hex>,<hex>

`manifest` is the SHA-256 of the signed manifest, `shares` that of each share's bytes in the order of
the manifest's aggregators. Shares are random in themselves, so their digests tell nothing of the table.
"""

import re
from dataclasses import dataclass

from yanmen.formats.malformed import Malformed
from yanmen.formats.manifest import AGGREGATORS

NAME = "additive-shares-1"
LABELS = ("aggregator", "envelope")
"""The columns of the table a node answers with: who may open what, the envelope as base64url."""
NOTICE = (
    "秘密份额，仅供指定聚合方开启；不含任何可读数值 · "
    "sealed shares for the named aggregators, no figure can be read from them"
)
_HEX = "[0-9a-f]{64}"
_LINE = re.compile(
    f"{NAME} manifest=({_HEX}) commitment=({_HEX}) shares=({_HEX}(?:,{_HEX}){{{AGGREGATORS - 1}}})", re.ASCII
)


@dataclass(frozen=True, slots=True)
class Dealing:
    """The digests a dealer is bound to; `shares` has one for each aggregator."""

    manifest_sha256: str
    commitment: bytes
    shares: tuple[bytes, ...]

    def text(self) -> str:
        """Return the line."""
        shares = ",".join(share.hex() for share in self.shares)
        line = f"{NAME} manifest={self.manifest_sha256} commitment={self.commitment.hex()} shares={shares}"
        if read(line) != self:
            raise Malformed("dealing: not one")
        return line


def read(line: str) -> Dealing:
    """Return the dealing that `line` tells of."""
    found = _LINE.fullmatch(line)
    if found is None:
        raise Malformed("dealing: not the line of one")
    manifest, commitment, shares = found.groups()
    return Dealing(manifest, bytes.fromhex(commitment), tuple(bytes.fromhex(share) for share in shares.split(",")))
