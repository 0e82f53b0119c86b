"""Control while uses run (使用控制): what a holder orders of jobs, members and the node's own line."""

from dataclasses import dataclass
from enum import Enum, unique


@unique
class Order(Enum):
    """What is ordered; `POLICY` puts guard rails in force, `LOGS` vouches for a day's logs of operation."""

    KILL = "kill"
    SUSPEND_MEMBER = "suspend-member"
    RESUME_MEMBER = "resume-member"
    SUSPEND_DATASET = "suspend-dataset"
    RESUME_DATASET = "resume-dataset"
    DISCONNECT = "disconnect"
    CONNECT = "connect"
    POLICY = "policy"
    LOGS = "logs"


ENDING = frozenset({Order.KILL, Order.SUSPEND_MEMBER, Order.SUSPEND_DATASET, Order.DISCONNECT})
"""Orders that end what runs: 异常终止."""


@dataclass(frozen=True, slots=True)
class Running:
    """A use that touches data now: the leaf of its intent, whose it is, under which contract, since when."""

    index: int
    owner: str
    job_id: str
    contract: str
    since_ms: int


@dataclass(frozen=True, slots=True)
class Stops:
    """What must not go on: jobs as (owner, job id), members by id, everything when the node is disconnected.

    Jobs have those of stopped contracts and of suspended `datasets` among them.
    """

    jobs: tuple[tuple[str, str], ...]
    members: frozenset[str]
    disconnected: bool
    datasets: frozenset[str] = frozenset()
