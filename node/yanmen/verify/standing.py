"""What is in force at each leaf, as the leaves before it say: contracts, published datasets, subject spaces.

A contract is taken from the two signed documents that its leaves disclose, never from what the node says of it.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from yanmen.formats import control_order, json_members
from yanmen.formats.bundle import SpaceTotal
from yanmen.formats.control_order import Ordered
from yanmen.formats.json_canonical import Json
from yanmen.formats.malformed import Malformed
from yanmen.formats.question_slots import Publication
from yanmen.formats.receipt import Said, Slot
from yanmen.model.catalogue import DatasetClass, Grade
from yanmen.model.control import Order
from yanmen.model.receipt import Stage
from yanmen.verify.agreeing import Agreeing, Agreement
from yanmen.verify.key_book import KeyBook
from yanmen.verify.report import Code, Finding, finding
from yanmen.verify.uses import Use

MINUTE_S = 60

All = Mapping[Slot, Said]
"""All that a receipt discloses."""


@dataclass(frozen=True, slots=True)
class Published:
    """The newest version of a dataset."""

    publication: Publication
    cls: DatasetClass
    space: str
    rows_upto: int
    ceiling_fen: int
    important: bool = False


@dataclass(slots=True)
class Standing:
    """Follows the leaves in order; what may not be as it is said becomes a finding."""

    keys: KeyBook
    agreeing: Agreeing = field(init=False)
    published: dict[str, Published] = field(default_factory=dict)
    versions: dict[str, set[str]] = field(default_factory=dict)
    retracted: set[str] = field(default_factory=set)
    spaces: dict[str, SpaceTotal] = field(default_factory=dict)
    registered: dict[str, SpaceTotal] = field(default_factory=dict)
    renewals: dict[str, int] = field(default_factory=dict)
    stopped: set[str] = field(default_factory=set)
    suspended: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        """Begin without contracts."""
        self.agreeing = Agreeing(self.keys)

    @property
    def agreements(self) -> Mapping[str, Agreement]:
        """The contracts, each as it stands: what is in force, or what was offered and is not yet."""
        return self.agreeing.agreements

    def entered(self, use: Use) -> bool:
        """Say whether this leaf brought a contract, or an amendment of one, into force."""
        return self.agreeing.entered == use.index

    def follow(self, use: Use, said: All) -> Iterator[Finding]:
        """Take in a leaf about a contract, a dataset or a subject space."""
        match use.head.stage:
            case Stage.CONTRACT | Stage.APPROVAL:
                yield from self.agreeing.follow(use)
            case Stage.DATASET:
                try:
                    self._dataset(use, said)
                except Malformed as error:
                    yield finding(Code.SLOT_MALFORMED, use.index, use.head.stage, f"datasets: {error}")
            case Stage.CONTROL if use.subject is not None:
                try:
                    self._control(control_order.decode(use.subject))
                except Malformed as error:
                    yield finding(Code.SLOT_MALFORMED, use.index, use.head.stage, f"subject: {error}")
            case _:
                return

    def stops(self, consumer: str | None) -> bool:
        """Say whether the holder's orders let no use of this member begin."""
        return bool(self.stopped & {"", consumer})

    def _control(self, ordered: Ordered) -> None:
        """Take in an order; the node itself stands as ""."""
        match ordered.order:
            case Order.SUSPEND_DATASET:
                self.suspended.add(ordered.target)
            case Order.RESUME_DATASET:
                self.suspended.discard(ordered.target)
            case Order.SUSPEND_MEMBER | Order.DISCONNECT:
                self.stopped.add(ordered.target)
            case Order.RESUME_MEMBER | Order.CONNECT:
                self.stopped.discard(ordered.target)
            case Order.KILL | Order.POLICY | Order.LOGS:
                return

    def _dataset(self, use: Use, said: All) -> None:
        subject = use.subject
        members = subject if isinstance(subject, dict) else {}
        match members.get("status"):
            case "published":
                self._publish(said, members)
            case "retracted":
                name = json_members.text(members, "dataset")
                self.retracted |= self.versions.get(name, set())
            case "registered":
                name = json_members.text(members, "space")
                caps = (json_members.integer(members, f"lifetime_{unit}") for unit in ("micro_rho", "delta_e12"))
                if name in self.spaces:
                    raise Malformed("a subject space has one lifetime budget")
                self.spaces[name] = self.registered[name] = SpaceTotal(name, *caps)
            case "renewed":
                self._renew(members, use.head.iat_s)
            case _:
                return

    def _renew(self, members: Mapping[str, Json], at_s: int) -> None:
        """Take in more budget for a subject space: it only grows, says who and why, and not before its time."""
        name = json_members.text(members, "space")
        before = self.spaces.get(name)
        if before is None:
            raise Malformed("a subject space renewed that was never registered")
        if not (json_members.text(members, "approver").strip() and json_members.text(members, "reason").strip()):
            raise Malformed("a renewal without approver or reason")
        after = SpaceTotal(
            name, *(json_members.integer(members, f"lifetime_{unit}") for unit in ("micro_rho", "delta_e12"))
        )
        if after == before or after.micro_rho < before.micro_rho or after.delta_e12 < before.delta_e12:
            raise Malformed("a renewal that adds nothing")
        # Leaves tell the time rounded to the minute.
        if (at_s + MINUTE_S) * 1000 < self.renewals.get(name, 0):
            raise Malformed("a renewal before the day that the last one announced")
        self.spaces[name] = after
        self.renewals[name] = json_members.integer(members, "next_ms")

    def _publish(self, said: All, members: json_members.Object) -> None:
        publication = Publication.read(_value(said, Slot.DATASETS))
        release = _value(said, Slot.RELEASE)
        try:
            cls = DatasetClass(json_members.text(release if isinstance(release, dict) else {}, "class"))
        except ValueError as error:
            raise Malformed("unknown class") from error
        reading = publication.reading
        self.published[reading.name] = Published(
            publication,
            cls,
            space=json_members.text(members, "space"),
            rows_upto=json_members.integer(members, "rows_upto"),
            ceiling_fen=json_members.integer(members, "price_ceiling_fen"),
            important=isinstance(release, dict) and release.get("grade") == Grade.IMPORTANT.value,
        )
        self.versions.setdefault(reading.name, set()).add(reading.version)


def _value(said: All, slot: Slot) -> Json:
    return said[slot].value if slot in said else None
