"""A contract template (合约模板): what its holder fixed, what may be filled in, and within which bounds."""

from dataclasses import dataclass, field

from yanmen.model.contract import Grant
from yanmen.model.usage_control import Rules


@dataclass(frozen=True, slots=True)
class Clause:
    """One clause, by the names of its constraint.

    One `allowed` operand fixes the clause and more are a choice, each as canonical JSON; `least` and `most` bound a
    number; with none of them anything may be filled in, or the clause left out where the profile allows that.
    """

    left: str
    operator: str
    allowed: tuple[str, ...] = ()
    least: int | None = None
    most: int | None = None

    @property
    def free(self) -> bool:
        """Whether anything may be filled in."""
        return not self.allowed and self.least is None


@dataclass(frozen=True, slots=True)
class Template:
    """What the node `by` signed; `grants` are the most that may be asked for, `days_most` the longest term.

    `product` is the NDI id of the product it is for, or empty. `withdrawn` ends it: it is never changed.
    """

    id: str
    by: str
    title_zh: str
    title_en: str
    product: str
    grants: tuple[Grant, ...]
    clauses: tuple[Clause, ...]
    days_most: int
    decided_by: str
    issued_s: int
    rules: Rules = field(default_factory=Rules)
    withdrawn: bool = False


@dataclass(frozen=True, slots=True)
class PublishedTemplate:
    """A template with the hex SHA-256 of what was signed, by which contracts name it."""

    template: Template
    digest: str
    token: bytes
