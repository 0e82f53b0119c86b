"""What a dealer's receipt says of the shares it dealt: one line of text, in the receipt's `output` slot.

    additive-shares-1 manifest=<hex> multiplicity=<m> sigma_squared=<v>,… commitment=<hex> shares=<hex>,<hex>,<hex>

`manifest` is the SHA-256 of the signed manifest, whose multiplicity and variances stand beside it, so
that the noise can be held to the charge from this line alone. `shares` has the SHA-256 of each
share's bytes in the order of the manifest's aggregators: shares are random in themselves.
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
_NUMBER = "[1-9][0-9]{0,18}"
_LINE = re.compile(
    f"{NAME} manifest=({_HEX}) multiplicity=({_NUMBER}) sigma_squared=({_NUMBER}(?:,{_NUMBER}){{0,999}})"
    f" commitment=({_HEX}) shares=({_HEX}(?:,{_HEX}){{{AGGREGATORS - 1}}})",
    re.ASCII,
)


@dataclass(frozen=True, slots=True)
class Dealing:
    """The digests a dealer is bound to; `shares` has one for each aggregator."""

    manifest_sha256: str
    multiplicity: int
    sigma_squared: tuple[int, ...]
    commitment: bytes
    shares: tuple[bytes, ...]

    def text(self) -> str:
        """Return the line."""
        variances = ",".join(map(str, self.sigma_squared))
        shares = ",".join(share.hex() for share in self.shares)
        line = (
            f"{NAME} manifest={self.manifest_sha256} multiplicity={self.multiplicity} sigma_squared={variances}"
            f" commitment={self.commitment.hex()} shares={shares}"
        )
        if read(line) != self:
            raise Malformed("dealing: not one")
        return line


def read(line: str) -> Dealing:
    """Return the dealing that `line` tells of."""
    found = _LINE.fullmatch(line)
    if found is None:
        raise Malformed("dealing: not the line of one")
    manifest, multiplicity, variances, commitment, shares = found.groups()
    return Dealing(
        manifest,
        int(multiplicity),
        tuple(map(int, variances.split(","))),
        bytes.fromhex(commitment),
        tuple(bytes.fromhex(share) for share in shares.split(",")),
    )
