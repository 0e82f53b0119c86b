"""Why the node says no, or breaks: two families of error and nothing else.

`Refused` is an answer: it follows from the query, the contract, the time or the budget, never
from a data value, and it is receipted. `Fault` is ours: the caller learns a code, the operator
finds the rest in the node's own log.
"""

from dataclasses import dataclass
from enum import Enum, unique

from yanmen.model.receipt import Receipt


@unique
class Reason(Enum):
    """The closed set of grounds for a refusal; the value is the stable code on the wire."""

    # Who is asking.
    IDENTITY_UNKNOWN = "IDENTITY_UNKNOWN"
    IDENTITY_PENDING = "IDENTITY_PENDING"
    IDENTITY_REVOKED = "IDENTITY_REVOKED"
    MEMBER_SUSPENDED = "MEMBER_SUSPENDED"
    ROLE_NOT_ALLOWED = "ROLE_NOT_ALLOWED"
    METHOD_NOT_LISTED = "METHOD_NOT_LISTED"
    COMMAND_NOT_OFFERED = "COMMAND_NOT_OFFERED"
    # The signed request.
    REQUEST_MALFORMED = "REQUEST_MALFORMED"
    GRANT_MISSING = "GRANT_MISSING"
    SIGNATURE_INVALID = "SIGNATURE_INVALID"
    REQUEST_EXPIRED = "REQUEST_EXPIRED"
    REQUEST_REPLAYED = "REQUEST_REPLAYED"
    REQUEST_FOR_ANOTHER_NODE = "REQUEST_FOR_ANOTHER_NODE"
    SPEND_LIMIT = "SPEND_LIMIT"
    RATE_LIMITED = "RATE_LIMITED"
    ACKNOWLEDGEMENT_DUE = "ACKNOWLEDGEMENT_DUE"
    NOT_WITNESSED = "NOT_WITNESSED"
    # The contract.
    CONTRACT_UNKNOWN = "CONTRACT_UNKNOWN"
    CONTRACT_MALFORMED = "CONTRACT_MALFORMED"
    CLAUSE_NOT_ENFORCEABLE = "CLAUSE_NOT_ENFORCEABLE"
    OUTSIDE_TEMPLATE = "OUTSIDE_TEMPLATE"
    NEGOTIATION_OUT_OF_TURN = "NEGOTIATION_OUT_OF_TURN"
    AMENDMENT_FORBIDDEN = "AMENDMENT_FORBIDDEN"
    CONTRACT_OFFERED = "CONTRACT_OFFERED"
    CONTRACT_UNSIGNED = "CONTRACT_UNSIGNED"
    CONTRACT_AMENDED = "CONTRACT_AMENDED"
    DELETION_NOT_PROVED = "DELETION_NOT_PROVED"
    CONTRACT_PENDING = "CONTRACT_PENDING"
    CONTRACT_DENIED = "CONTRACT_DENIED"
    CONTRACT_NOT_YET_VALID = "CONTRACT_NOT_YET_VALID"
    CONTRACT_EXPIRED = "CONTRACT_EXPIRED"
    CONTRACT_REVOKED = "CONTRACT_REVOKED"
    CONTRACT_SUSPENDED = "CONTRACT_SUSPENDED"
    CONTRACT_ALTERED = "CONTRACT_ALTERED"
    SCENARIO_MISMATCH = "SCENARIO_MISMATCH"
    DATASET_NOT_IN_CONTRACT = "DATASET_NOT_IN_CONTRACT"
    COLUMN_NOT_IN_CONTRACT = "COLUMN_NOT_IN_CONTRACT"
    POLICY_FORBIDS = "POLICY_FORBIDS"
    QUOTA_SPENT = "QUOTA_SPENT"
    BUDGET_SPENT = "BUDGET_SPENT"
    FAILURE_CAP_REACHED = "FAILURE_CAP_REACHED"
    PRICE_ABOVE_CEILING = "PRICE_ABOVE_CEILING"
    # The catalogue.
    DATASET_UNKNOWN = "DATASET_UNKNOWN"
    DATASET_RETRACTED = "DATASET_RETRACTED"
    DATASET_SUSPENDED = "DATASET_SUSPENDED"
    SPEC_INVALID = "SPEC_INVALID"
    SPEC_UNCONFIRMED = "SPEC_UNCONFIRMED"
    SOURCE_MISMATCH = "SOURCE_MISMATCH"
    GRADE_CORE = "GRADE_CORE"
    NOT_REVIEWED = "NOT_REVIEWED"
    NEGATIVE_LIST = "NEGATIVE_LIST"
    OPERATION_NOT_GRANTED = "OPERATION_NOT_GRANTED"
    NOT_A_PRODUCT = "NOT_A_PRODUCT"
    SUBJECT_SPACE_UNKNOWN = "SUBJECT_SPACE_UNKNOWN"
    # The question.
    SQL_TOO_LONG = "SQL_TOO_LONG"
    SQL_MALFORMED = "SQL_MALFORMED"
    NOT_ONE_SELECT = "NOT_ONE_SELECT"
    CLAUSE_NOT_ADMITTED = "CLAUSE_NOT_ADMITTED"
    FUNCTION_NOT_ADMITTED = "FUNCTION_NOT_ADMITTED"
    UNKNOWN_TABLE = "UNKNOWN_TABLE"
    UNKNOWN_COLUMN = "UNKNOWN_COLUMN"
    AMBIGUOUS_COLUMN = "AMBIGUOUS_COLUMN"
    TYPE_MISMATCH = "TYPE_MISMATCH"
    ROWS_WOULD_LEAVE = "ROWS_WOULD_LEAVE"
    UNIT_NOT_ADMITTED_HERE = "UNIT_NOT_ADMITTED_HERE"
    KEY_WITHOUT_DOMAIN = "KEY_WITHOUT_DOMAIN"
    MEASURE_WITHOUT_BOUNDS = "MEASURE_WITHOUT_BOUNDS"
    DIMENSION_NOT_DECLARED = "DIMENSION_NOT_DECLARED"
    JOIN_NOT_ON_UNIT = "JOIN_NOT_ON_UNIT"
    CROSS_NODE_JOIN = "CROSS_NODE_JOIN"
    TOO_MANY_CELLS = "TOO_MANY_CELLS"
    PLAN_CHANGED = "PLAN_CHANGED"
    OVERLAP_GUARD = "OVERLAP_GUARD"
    # Many nodes.
    MANIFEST_INVALID = "MANIFEST_INVALID"
    SHAPE_MISMATCH = "SHAPE_MISMATCH"
    NOISE_TOO_SMALL = "NOISE_TOO_SMALL"
    DEPOSIT_MISSING = "DEPOSIT_MISSING"
    SET_FIXED = "SET_FIXED"
    # The job.
    JOB_UNKNOWN = "JOB_UNKNOWN"
    STATEMENT_UNKNOWN = "STATEMENT_UNKNOWN"
    CANCELLED = "CANCELLED"
    TERMINATED = "TERMINATED"
    RUN_FAILED = "RUN_FAILED"
    NODE_FAILED = "NODE_FAILED"
    SHUTTING_DOWN = "SHUTTING_DOWN"
    DISCONNECTED = "DISCONNECTED"


@dataclass(frozen=True, slots=True)
class Detail:
    """Where and what, taken from the caller's own text, the contract or the catalogue only.

    `line` and `column` count from 1, 0 = not about a place in the text. `subject` is the name or
    clause at fault, `hint_en`/`hint_zh` the next step, `instead` questions that would be accepted.
    """

    subject: str = ""
    line: int = 0
    column: int = 0
    hint_en: str = ""
    hint_zh: str = ""
    clauses: tuple[str, ...] = ()
    instead: tuple[str, ...] = ()


class Refused(Exception):
    """The node will not do this; `reason` says why and `detail` what would be accepted.

    `receipt` is there once the refusal is in the log; the stages raise without it. `violation` marks a
    question whose vetting job made a call that no job makes: a security event.
    """

    def __init__(
        self, reason: Reason, detail: Detail | None = None, receipt: Receipt | None = None, *, violation: bool = False
    ) -> None:
        """Hold `reason`, its `detail` and, when it was logged, its `receipt`."""
        self.reason = reason
        self.detail = detail if detail is not None else Detail()
        self.receipt = receipt
        self.violation = violation
        super().__init__(reason.value)


@unique
class FaultCode(Enum):
    """What broke on our side."""

    STORAGE = "STORAGE"
    STORAGE_FULL = "STORAGE_FULL"
    CLOCK_BEHIND = "CLOCK_BEHIND"
    LOG_BEHIND = "LOG_BEHIND"
    SANDBOX = "SANDBOX"
    SNAPSHOT_ALTERED = "SNAPSHOT_ALTERED"
    KEYS = "KEYS"
    CONFIG = "CONFIG"
    REGISTER = "REGISTER"
    INTERNAL = "INTERNAL"
    # What a client finds wrong with a node.
    UNREACHABLE = "UNREACHABLE"
    TIMEOUT = "TIMEOUT"
    REPLY_MALFORMED = "REPLY_MALFORMED"
    RECEIPT_INVALID = "RECEIPT_INVALID"


class Fault(Exception):
    """The node could not do its work; `note` is for the operator and never holds a data value."""

    advice = ""
    """What to look at next, where every fault of a kind has the same."""

    def __init__(self, code: FaultCode, note: str = "") -> None:
        """Hold `code` and the operator's `note`."""
        self.code = code
        self.note = note
        super().__init__(f"{code.value}: {note}" if note else code.value)


@unique
class JobCode(Enum):
    """How a sandbox job ended when it did not end well; nothing textual comes back with it."""

    BAD_SQL = "BAD_SQL"
    BAD_SOURCE = "BAD_SOURCE"
    FAILED = "FAILED"
    MEMORY = "MEMORY"
    TIME = "TIME"
    OUTPUT = "OUTPUT"
    VIOLATION = "VIOLATION"
    BAD_REPLY = "BAD_REPLY"
    CANCELLED = "CANCELLED"


@dataclass(frozen=True, slots=True)
class Usage:
    """What a job used, read from outside the jail: CPU and peak memory, reply size."""

    cpu_ms: int = 0
    peak_bytes: int = 0
    reply_bytes: int = 0


class JobFailed(Exception):
    """A sandbox job ended without a usable reply; only `code` and outside figures are known."""

    def __init__(self, code: JobCode, usage: Usage | None = None) -> None:
        """Hold the closed `code` and the `usage` measured from outside."""
        self.code = code
        self.usage = usage if usage is not None else Usage()
        super().__init__(code.value)


__all__ = ["Detail", "Fault", "FaultCode", "JobCode", "JobFailed", "Reason", "Refused", "Usage"]
