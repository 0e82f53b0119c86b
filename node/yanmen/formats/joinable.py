"""What a node states of its tables to a consumer, so that another node can plan a join with them: public facts only."""

import hashlib
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import TypeVar

from yanmen.formats import base64url, connector_id, json_canonical, json_members
from yanmen.formats.json_canonical import Json
from yanmen.formats.json_members import Object
from yanmen.formats.malformed import Malformed
from yanmen.formats.register import ENVELOPE_KEY_BYTES
from yanmen.formats.released import decode_cell, encode_cell
from yanmen.formats.request import check_jti
from yanmen.model.catalogue import (
    Cell,
    Channel,
    Column,
    ColumnType,
    Dataset,
    DatasetClass,
    Grade,
    Role,
    Sharing,
)

TYP = "yanmen-joinable+jwt"
BYTES_MAX = 1024 * 1024
DATASETS_MAX = 64
COLUMNS_MAX = 512
SECONDS_MAX = 2**40
_NAME_MAX = 63
_STATEMENT = frozenset({"iss", "iat", "consumer", "contract", "datasets", "envelope_key"})
_BOUNDS = ("rows_per_unit", "groups_per_unit", "rows_upto", "units_upto")
_DATASET = frozenset({"name", "subject_space", *_BOUNDS, "columns"})
_COLUMN = frozenset({"name", "type", "role", "scale", "lower", "upper", "domain"})

T = TypeVar("T", ColumnType, Role)


@dataclass(frozen=True, slots=True)
class Statement:
    """The personal `datasets` that `node` grants `consumer` under a contract, each with its granted columns alone.

    What other departments hand on to `node` is sealed with `envelope_key`.
    """

    node: str
    consumer: str
    contract_id: str
    datasets: tuple[Dataset, ...]
    issued_s: int
    envelope_key: bytes


def encode(statement: Statement) -> dict[str, Json]:
    """Return the payload of `statement`; one that would be refused is refused here."""
    payload: dict[str, Json] = {
        "iss": statement.node,
        "iat": statement.issued_s,
        "consumer": statement.consumer,
        "contract": statement.contract_id,
        "datasets": [_dataset(each) for each in statement.datasets],
        "envelope_key": base64url.encode(statement.envelope_key),
    }
    decode(payload)
    return payload


def decode(payload: Json) -> Statement:
    """Return the statement in `payload`."""
    members = json_members.exact(payload, _STATEMENT)
    return Statement(
        node=connector_id.check(json_members.text(members, "iss")),
        consumer=connector_id.check(json_members.text(members, "consumer")),
        contract_id=check_jti(json_members.text(members, "contract")),
        datasets=tuple(_read(item) for item in json_members.items(members, "datasets", DATASETS_MAX)),
        issued_s=json_members.integer(members, "iat", 0, SECONDS_MAX),
        envelope_key=base64url.decode_sized(json_members.text(members, "envelope_key", 2000), ENVELOPE_KEY_BYTES),
    )


def digest(dataset: Dataset) -> str:
    """Return the hex SHA-256 of what is stated of `dataset`, whenever and to whomever."""
    return hashlib.sha256(json_canonical.encode(_dataset(dataset))).hexdigest()


def granted(dataset: Dataset, columns: frozenset[str]) -> Dataset:
    """Return `dataset` as it is stated: with nothing but bounds and the granted `columns` (in lower case)."""
    kept = tuple(
        Column(c.name, c.type, c.role, domain=c.domain, lower=c.lower, upper=c.upper, scale=c.scale)
        for c in dataset.visible()
        if c.name.lower() in columns
    )
    return _bare(
        dataset.name,
        dataset.subject_space,
        (dataset.rows_per_unit, dataset.groups_per_unit, dataset.rows_upto, dataset.units_upto),
        kept,
    )


def _dataset(dataset: Dataset) -> dict[str, Json]:
    return {
        "name": dataset.name,
        "subject_space": dataset.subject_space,
        "rows_per_unit": dataset.rows_per_unit,
        "groups_per_unit": dataset.groups_per_unit,
        "rows_upto": dataset.rows_upto,
        "units_upto": dataset.units_upto,
        "columns": [_column(column) for column in dataset.columns],
    }


def _column(column: Column) -> dict[str, Json]:
    return {
        "name": column.name,
        "type": column.type.value,
        "role": column.role.value,
        "scale": column.scale,
        "lower": _bound(column.lower),
        "upper": _bound(column.upper),
        "domain": None if column.domain is None else [encode_cell(column.type, cell) for cell in column.domain],
    }


def _bound(value: Decimal | None) -> Json:
    return None if value is None else format(value, "f")


def _read(value: Json) -> Dataset:
    members = json_members.exact(value, _DATASET)
    columns = tuple(_read_column(item) for item in json_members.items(members, "columns", COLUMNS_MAX))
    bounds = [json_members.integer(members, name, 0 if name == "units_upto" else 1) for name in _BOUNDS]
    names = [column.name.lower() for column in columns]
    if len(set(names)) != len(names) or any(column.role is Role.HIDDEN for column in columns):
        raise Malformed("joinable: columns that are no catalogue's")
    return _bare(
        json_members.text(members, "name", _NAME_MAX),
        json_members.text(members, "subject_space", _NAME_MAX),
        (bounds[0], bounds[1], bounds[2], bounds[3]),
        columns,
    )


def _read_column(value: Json) -> Column:
    members = json_members.exact(value, _COLUMN)
    kind = _choice(members, "type", ColumnType)
    return Column(
        name=json_members.text(members, "name", _NAME_MAX),
        type=kind,
        role=_choice(members, "role", Role),
        domain=_domain(members, kind),
        lower=_decimal(members, "lower"),
        upper=_decimal(members, "upper"),
        scale=json_members.integer(members, "scale", 0, 9),
    )


def _domain(members: Object, kind: ColumnType) -> tuple[Cell, ...] | None:
    if members.get("domain") is None:
        return None
    return tuple(decode_cell(kind, cell) for cell in json_members.items(members, "domain"))


def _decimal(members: Object, name: str) -> Decimal | None:
    if members.get(name) is None:
        return None
    text = json_members.text(members, name, 40)
    try:
        value = Decimal(text)
    except InvalidOperation as error:
        raise Malformed(f"member {name!r} is not a number") from error
    if not value.is_finite() or format(value, "f") != text:
        raise Malformed(f"member {name!r} is not a number as it is written")
    return value


def _choice(members: Object, name: str, of: type[T]) -> T:
    try:
        return of(json_members.text(members, name))
    except ValueError as error:
        raise Malformed(f"member {name!r} is none of the known ones") from error


def _bare(name: str, space: str, bounds: tuple[int, int, int, int], columns: tuple[Column, ...]) -> Dataset:
    """Return a dataset of which nothing is known but what planning needs."""
    return Dataset(
        name=name,
        title_zh="",
        title_en="",
        owner="",
        region="",
        registration="",
        ndi_id="",
        source_system="",
        authority="",
        update_cycle="",
        quality="",
        rights=(),
        cls=DatasetClass.PERSONAL,
        grade=Grade.IMPORTANT,
        sharing=Sharing.NOT_SHARED,
        sharing_reason="",
        legal_basis="",
        channels=(Channel.SHARING,),
        subject_space=space,
        rows_per_unit=bounds[0],
        groups_per_unit=bounds[1],
        rows_upto=bounds[2],
        price_ceiling_fen=0,
        columns=columns,
        units_upto=bounds[3],
    )
