"""Usage control in the words of TC609-6-2025-14: 21 actions, 19 constraints, 12 operators (tables C.5, C.6, 5.2)."""

from dataclasses import dataclass
from enum import Enum, unique


@unique
class Action(Enum):
    """操作行为, spelled as the standard spells it."""

    TRANSFORM = "transform"
    ANONYMIZE = "anonymize"
    DESENSITIZE = "desensitize"
    ACCESS = "access"
    READ = "read"
    REPRODUCE = "reproduce"
    STORAGE = "storage"
    DOWNLOAD = "download"
    PROCESS = "process"
    JOINT_DEVELOP = "jointDevelop"
    DISTRIBUTE = "distribute"
    COMPUTE = "compute"
    GRANT_USE = "grantUse"
    POLICY_TRANSMIT = "plicyTransmit"
    DELIVERY = "delivery"
    SELL = "sell"
    LOG_RECORD_SEND = "logRecordSend"
    DELETE = "delete"
    ALERT = "alert"
    COMPENSATE = "compensate"
    EXPANSION = "expansionItem"


@unique
class Constraint(Enum):
    """约束名称, spelled as the standard spells it."""

    TIME = "time"
    TIME_WINDOW = "timeWindow"
    REGION = "region"
    NETWORK_ADDRESS = "networkAddress"
    PHYSICAL_ADDRESS = "physicalAddress"
    COUNT = "count"
    FREQUENCY = "frequency"
    DATA_SIZE = "dataSize"
    DATA_RECORD = "dateRecord"
    DATA_FIELD = "dataField"
    VALUE_EXPRESSION = "valueExpression"
    APPLICATION = "application"
    ALGORITHM = "algorithm"
    MODELS = "machineLearningModels"
    EXECUTION_ENV = "executionEnv"
    ENCRYPT_MODE = "encryptMode"
    DELIVERY_METHOD = "deliveryMethod"
    PAY_AMOUNT = "payAmount"
    EXPANSION = "expansionItem"


@unique
class Operator(Enum):
    """约束运算符, in the order of their codes 01 to 12."""

    EQ = "eq"
    GT = "gt"
    GTEQ = "gteq"
    HAS_PART = "hasPart"
    IS_A = "isA"
    IS_ALL_OF = "isAllOf"
    IS_ANY_OF = "isAnyOf"
    IS_NONE_OF = "isNoneOf"
    IS_PART_OF = "isPartOf"
    LT = "lt"
    LTEQ = "lteq"
    NEQ = "neq"


@dataclass(frozen=True, slots=True)
class Control:
    """One constraint of a contract: what is held against which values."""

    constraint: Constraint
    operator: Operator
    values: tuple[str, ...]

    def told(self) -> str:
        """Return it as a person reads and writes it."""
        return f"{self.constraint.value} {self.operator.value} {','.join(self.values)}"


@dataclass(frozen=True, slots=True)
class Rules:
    """What a contract says beside its own clauses; `permitted` goes without `compute`, which every contract permits."""

    permitted: tuple[Action, ...] = ()
    prohibited: tuple[Action, ...] = ()
    obliged: tuple[Action, ...] = ()
    controls: tuple[Control, ...] = ()

    def __bool__(self) -> bool:
        """Say whether anything is said."""
        return bool(self.permitted or self.prohibited or self.obliged or self.controls)


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known of a use where its controls are held against it; None = not known there, and not asked there.

    `begun_ms` is when the contract begins. `region` is the first four digits of the consumer's region, `address` the
    network address it called from, `fields` the columns read, `algorithms` the aggregates of the plan, `price_fen` what
    the use costs.
    """

    now_ms: int | None = None
    begun_ms: int = 0
    region: str | None = None
    address: str | None = None
    fields: frozenset[str] | None = None
    algorithms: frozenset[str] | None = None
    price_fen: int | None = None
