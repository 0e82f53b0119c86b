"""What the first leaf of a log says of the log before it: its last head, and the sums this one begins with."""

from dataclasses import dataclass

from yanmen.formats import base64url, checkpoint, json_members, merkle
from yanmen.formats.bundle import ContractTotal, SpaceTotal
from yanmen.formats.checkpoint import Checkpoint
from yanmen.formats.json_canonical import Json
from yanmen.formats.malformed import Malformed

_MEMBERS = frozenset({"contracts", "gap", "held", "origin", "root", "size", "spaces"})


@dataclass(frozen=True, slots=True)
class Opening:
    """A log that continues `previous`.

    `gap` is empty, or says why the leaves from `held` up to the size of `previous`, which witnesses saw, are lost.
    """

    previous: Checkpoint
    held: int
    gap: str
    contracts: tuple[ContractTotal, ...]
    spaces: tuple[SpaceTotal, ...]

    def json(self) -> Json:
        """Return the value of the member `continues` of the genesis."""
        return {
            "contracts": [[one.contract, one.queries, one.micro_rho, one.delta_e12, one.fen] for one in self.contracts],
            "gap": self.gap,
            "held": self.held,
            "origin": self.previous.origin,
            "root": base64url.encode(self.previous.root),
            "size": self.previous.size,
            "spaces": [[one.space, one.micro_rho, one.delta_e12] for one in self.spaces],
        }


def read(subject: Json) -> Opening | None:
    """Return what the genesis `subject` says of the log before; None when it continues none."""
    if not isinstance(subject, dict) or "continues" not in subject:
        return None
    members = json_members.exact(subject["continues"], _MEMBERS)
    head = Checkpoint(
        origin=json_members.text(members, "origin"),
        size=json_members.integer(members, "size", 1),
        root=base64url.decode_sized(json_members.text(members, "root"), merkle.HASH_BYTES),
    )
    checkpoint.origin_node(head.origin)
    opening = Opening(
        previous=head,
        held=json_members.integer(members, "held", 1, head.size),
        gap=json_members.text(members, "gap"),
        contracts=tuple(_contract(item) for item in json_members.items(members, "contracts")),
        spaces=tuple(_space(item) for item in json_members.items(members, "spaces")),
    )
    if bool(opening.gap) != (opening.held < head.size) and not opening.gap:
        raise Malformed("opening: leaves are missing and nothing says so")
    return opening


def _contract(item: Json) -> ContractTotal:
    match item:
        case [str(name), int(queries), int(micro_rho), int(delta_e12), int(fen)] if (
            min(queries, micro_rho, delta_e12, fen) >= 0
        ):
            return ContractTotal(name, 0, queries, micro_rho, delta_e12, fen)
        case _:
            raise Malformed("opening: not the sums of a contract")


def _space(item: Json) -> SpaceTotal:
    match item:
        case [str(name), int(micro_rho), int(delta_e12)] if min(micro_rho, delta_e12) >= 0:
            return SpaceTotal(name, micro_rho, delta_e12)
        case _:
            raise Malformed("opening: not the sums of a subject space")
