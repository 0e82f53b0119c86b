"""Every enumeration that crosses the wire, member by member; the reverse tables are the parsers."""

from collections.abc import Mapping
from enum import Enum
from typing import TypeVar

from yanmen.formats.malformed import Malformed
from yanmen.model.catalogue import Channel, ColumnType, DatasetClass, Grade, Role, Sharing
from yanmen.model.contract import ContractStatus
from yanmen.model.receipt import Stage
from yanmen.wire.v1 import catalogue_pb2 as c
from yanmen.wire.v1 import contract_pb2 as k
from yanmen.wire.v1 import log_pb2 as g

E = TypeVar("E", bound=Enum)

COLUMN_TYPES: dict[ColumnType, c.ColumnType.ValueType] = {
    ColumnType.INTEGER: c.COLUMN_TYPE_INTEGER,
    ColumnType.DECIMAL: c.COLUMN_TYPE_DECIMAL,
    ColumnType.TEXT: c.COLUMN_TYPE_TEXT,
    ColumnType.BOOLEAN: c.COLUMN_TYPE_BOOLEAN,
    ColumnType.DATE: c.COLUMN_TYPE_DATE,
}
# Role.HIDDEN has no place on the wire: a hidden column that got this far is a KeyError, not a leak.
ROLES: dict[Role, c.Role.ValueType] = {
    Role.UNIT: c.ROLE_UNIT,
    Role.KEY: c.ROLE_KEY,
    Role.MEASURE: c.ROLE_MEASURE,
}
CLASSES: dict[DatasetClass, c.DatasetClass.ValueType] = {
    DatasetClass.OPEN: c.DATASET_CLASS_OPEN,
    DatasetClass.EXACT: c.DATASET_CLASS_EXACT,
    DatasetClass.PERSONAL: c.DATASET_CLASS_PERSONAL,
}
GRADES: dict[Grade, c.Grade.ValueType] = {
    Grade.GENERAL: c.GRADE_GENERAL,
    Grade.IMPORTANT: c.GRADE_IMPORTANT,
    Grade.CORE: c.GRADE_CORE,
}
SHARINGS: dict[Sharing, c.Sharing.ValueType] = {
    Sharing.UNCONDITIONAL: c.SHARING_UNCONDITIONAL,
    Sharing.CONDITIONAL: c.SHARING_CONDITIONAL,
    Sharing.NOT_SHARED: c.SHARING_NOT_SHARED,
}
CHANNELS: dict[Channel, c.Channel.ValueType] = {
    Channel.SHARING: c.CHANNEL_SHARING,
    Channel.OPENING: c.CHANNEL_OPENING,
    Channel.AUTHORISED_OPERATION: c.CHANNEL_AUTHORISED_OPERATION,
}
CONTRACT_STATUSES: dict[ContractStatus, k.ContractStatus.ValueType] = {
    ContractStatus.PENDING: k.CONTRACT_STATUS_PENDING,
    ContractStatus.OFFERED: k.CONTRACT_STATUS_OFFERED,
    ContractStatus.AGREED: k.CONTRACT_STATUS_AGREED,
    ContractStatus.ACTIVE: k.CONTRACT_STATUS_ACTIVE,
    ContractStatus.DENIED: k.CONTRACT_STATUS_DENIED,
    ContractStatus.REVOKED: k.CONTRACT_STATUS_REVOKED,
    ContractStatus.SUSPENDED: k.CONTRACT_STATUS_SUSPENDED,
}
STAGES: dict[Stage, g.Stage.ValueType] = {
    Stage.GENESIS: g.STAGE_GENESIS,
    Stage.KEY: g.STAGE_KEY,
    Stage.MEMBER: g.STAGE_MEMBER,
    Stage.DATASET: g.STAGE_DATASET,
    Stage.CONTRACT: g.STAGE_CONTRACT,
    Stage.APPROVAL: g.STAGE_APPROVAL,
    Stage.EXPLAINED: g.STAGE_EXPLAINED,
    Stage.INTENT: g.STAGE_INTENT,
    Stage.OUTCOME: g.STAGE_OUTCOME,
    Stage.REFUSED: g.STAGE_REFUSED,
    Stage.ABORTED: g.STAGE_ABORTED,
    Stage.ACKNOWLEDGED: g.STAGE_ACKNOWLEDGED,
    Stage.OBJECTION: g.STAGE_OBJECTION,
    Stage.INCIDENT: g.STAGE_INCIDENT,
    Stage.ERASURE: g.STAGE_ERASURE,
    Stage.STATEMENT: g.STAGE_STATEMENT,
    Stage.NOISE: g.STAGE_NOISE,
    Stage.SET: g.STAGE_SET,
    Stage.OPENED: g.STAGE_OPENED,
    Stage.INSPECTION: g.STAGE_INSPECTION,
    Stage.DOCUMENT: g.STAGE_DOCUMENT,
    Stage.CONTROL: g.STAGE_CONTROL,
}


def parse(table: Mapping[E, int], value: int) -> E:
    """Return the member of `table` that `value` stands for; an unknown or unset value is malformed."""
    for member, number in table.items():
        if number == value:
            return member
    raise Malformed("enumeration value that is not known")
