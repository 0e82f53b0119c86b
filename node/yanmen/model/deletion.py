"""What is due once a contract is over: that consumer and node say, signed, that its answers are destroyed."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class DeletionProof:
    """Statement of `by`, consumer or node, that all answers under a contract were destroyed by `destroyed_s`.

    `digest` is that of the version in force at the end; `answers` says how many answers were released and
    `answers_sha256` which (formats/deletion.py); `text` how they were destroyed.
    """

    by: str
    node: str
    contract: str
    digest: str
    answers: int
    answers_sha256: str
    destroyed_s: int
    text: str
    issued_s: int


@dataclass(frozen=True, slots=True)
class Deletion:
    """How far a contract that asks for it has come: over since `ended_ms` (0 = not yet), proof due by `due_ms`.

    `by_node` and `by_consumer` are the leaves that hold the two statements.
    """

    contract: str
    consumer: str
    ended_ms: int
    due_ms: int
    by_node: int | None
    by_consumer: int | None

    def overdue(self, now_ms: int) -> bool:
        """Say whether the consumer should have proved it by now."""
        return self.by_consumer is None and self.ended_ms > 0 and self.due_ms <= now_ms


@dataclass(frozen=True, slots=True)
class ReleasedAnswer:
    """An answer by its receipt's id and the salted digest of the released table in that receipt."""

    jti: str
    sha256: str
