"""What a dealer's receipt says of the shares it dealt: one line of text, in the receipt's `output` slot.

    additive-shares-1 manifest=<hex> multiplicity=<m> sigma_squared=<v>,… commitment=<hex> shares=<hex>,<hex>,<hex>
    shamir-shares-1 manifest=<hex> … commitment=<hex> shares=<hex>,<hex>,<hex>,<hex>,<hex> degree=<hex>

`manifest` is the SHA-256 of the signed manifest, whose multiplicity and variances stand beside it, so
that the noise can be held to the charge from this line alone. `shares` has the SHA-256 of each
share's bytes in the order of the manifest's aggregators: shares are random in themselves. `degree`
has what the degree test of a Shamir sharing publishes.
"""

import re
from dataclasses import dataclass

from yanmen.formats.malformed import Malformed
from yanmen.model.federation import Mode

NAMES = {Mode.ADDITIVE: "additive-shares-1", Mode.ROBUST: "shamir-shares-1"}
LABELS = ("aggregator", "envelope")
"""The columns of the table a node answers with: who may open what, the envelope as base64url."""
NOTICE = (
    "秘密份额，仅供指定聚合方开启；不含任何可读数值 · "
    "sealed shares for the named aggregators, no figure can be read from them"
)
DEGREE_BYTES = 2 * 3 * 8 + 3 * 32
"""Two polynomials over 2^61 - 1 and one modulo the group's order, three coefficients each, big-endian."""
_HEX = "[0-9a-f]{64}"
_NUMBER = "[1-9][0-9]{0,18}"
_LINE = re.compile(
    f"({'|'.join(NAMES.values())}) manifest=({_HEX}) multiplicity=({_NUMBER})"
    f" sigma_squared=({_NUMBER}(?:,{_NUMBER}){{0,999}}) commitment=({_HEX}) shares=({_HEX}(?:,{_HEX}){{0,9}})"
    f"(?: degree=([0-9a-f]{{{2 * DEGREE_BYTES}}}))?",
    re.ASCII,
)


@dataclass(frozen=True, slots=True)
class Dealing:
    """The digests a dealer is bound to; `shares` has one for each aggregator, `degree` is empty in additive mode."""

    manifest_sha256: str
    multiplicity: int
    sigma_squared: tuple[int, ...]
    commitment: bytes
    shares: tuple[bytes, ...]
    degree: bytes = b""

    @property
    def mode(self) -> Mode:
        """How the figures are shared."""
        return Mode.ROBUST if self.degree else Mode.ADDITIVE

    def text(self) -> str:
        """Return the line."""
        variances = ",".join(map(str, self.sigma_squared))
        shares = ",".join(share.hex() for share in self.shares)
        line = (
            f"{NAMES[self.mode]} manifest={self.manifest_sha256} multiplicity={self.multiplicity}"
            f" sigma_squared={variances} commitment={self.commitment.hex()} shares={shares}"
        ) + (f" degree={self.degree.hex()}" if self.degree else "")
        if read(line) != self:
            raise Malformed("dealing: not one")
        return line


def is_one(mechanism: str) -> bool:
    """Whether `mechanism` says that figures left as shares."""
    return mechanism.startswith(tuple(NAMES.values()))


def read(line: str) -> Dealing:
    """Return the dealing that `line` tells of."""
    found = _LINE.fullmatch(line)
    if found is None:
        raise Malformed("dealing: not the line of one")
    name, manifest, multiplicity, variances, commitment, shares, degree = found.groups(default="")
    dealt = Dealing(
        manifest,
        int(multiplicity),
        tuple(map(int, variances.split(","))),
        bytes.fromhex(commitment),
        tuple(bytes.fromhex(share) for share in shares.split(",")),
        bytes.fromhex(degree),
    )
    if name != NAMES[dealt.mode] or len(dealt.shares) != dealt.mode.aggregators:
        raise Malformed("dealing: not as its mode has it")
    return dealt
