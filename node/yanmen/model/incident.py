"""What an incident (安全事件) freezes."""

from dataclasses import dataclass
from enum import Enum, unique


@unique
class Freeze(Enum):
    """Kinds of things that can be stopped until it is looked into."""

    CONTRACT = "contract"
    DATASET = "dataset"
    MEMBER = "member"
    NODE = "node"


@dataclass(frozen=True, slots=True)
class Frozen:
    """One thing frozen: a contract by id, a dataset by name, a member by id, or the node ("")."""

    kind: Freeze
    name: str = ""
