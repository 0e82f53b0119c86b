"""A finding of an inspection (检查→问题→整改期限→复查→销号): its steps, and what each makes of it."""

from dataclasses import dataclass
from enum import Enum, unique


@unique
class Act(Enum):
    """One step; the holder rectifies, the inspector does the others."""

    OPENED = "opened"
    RECTIFIED = "rectified"
    RECHECKED = "rechecked"
    CLOSED = "closed"


@unique
class IssueState(Enum):
    """How a finding stands: 待整改, 待复查, 待销号, 已销号."""

    OPEN = "open"
    RECTIFIED = "rectified"
    PASSED = "passed"
    CLOSED = "closed"


@dataclass(frozen=True, slots=True)
class Step:
    """What one party signs about a finding (FORMATS.md, inspection).

    `previous` is the hex SHA-256 of the step before, empty for the first; `origin` and `index` name the leaf the
    finding is about ("" and 0 = none). Times are Unix seconds; `deadline_s` is 0 where none is set.
    """

    finding: str
    act: Act
    by: str
    node: str
    previous: str
    issued_s: int
    text: str
    origin: str = ""
    index: int = 0
    deadline_s: int = 0
    passed: bool = False


@dataclass(frozen=True, slots=True)
class Issue:
    """A finding as its steps so far make it; `last` is the hex SHA-256 of the newest."""

    finding: str
    inspector: str
    node: str
    state: IssueState
    deadline_s: int
    text: str
    last: str

    def overdue(self, now_s: int) -> bool:
        """Say whether it should have been rectified by now."""
        return self.state is IssueState.OPEN and now_s > self.deadline_s


class OutOfTurn(Exception):
    """This step cannot follow on how the finding stands."""


def after(issue: Issue | None, step: Step, digest: str) -> Issue:
    """Return the finding after `step`, whose signature was verified and whose digest this is."""
    if issue is None:
        if step.act is not Act.OPENED:
            raise OutOfTurn("nobody opened this finding")
        return Issue(step.finding, step.by, step.node, IssueState.OPEN, step.deadline_s, step.text, digest)
    if (step.finding, step.node, step.previous) != (issue.finding, issue.node, issue.last):
        raise OutOfTurn("it does not follow the newest step of this finding")
    if step.by != (issue.node if step.act is Act.RECTIFIED else issue.inspector):
        raise OutOfTurn("it is for the other party to take this step")
    state = _next(issue.state, step)
    if state is None:
        raise OutOfTurn(f"a finding that is {issue.state.value} cannot be {step.act.value}")
    return Issue(
        issue.finding, issue.inspector, issue.node, state, step.deadline_s or issue.deadline_s, issue.text, digest
    )


def _next(state: IssueState, step: Step) -> IssueState | None:
    match state, step.act:
        case IssueState.OPEN, Act.RECTIFIED:
            return IssueState.RECTIFIED
        case IssueState.RECTIFIED, Act.RECHECKED:
            return IssueState.PASSED if step.passed else IssueState.OPEN
        case IssueState.PASSED, Act.CLOSED:
            return IssueState.CLOSED
        case _:
            return None
