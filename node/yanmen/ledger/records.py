"""Datasets as the canonical JSON their rows hold."""

from collections.abc import Mapping
from dataclasses import asdict
from decimal import Decimal
from enum import Enum
from functools import lru_cache
from typing import TypeVar

from yanmen.formats import description, json_canonical, json_members, released
from yanmen.formats.json_canonical import Json
from yanmen.formats.malformed import Malformed
from yanmen.model.catalogue import PLAIN, Channel, Column, ColumnType, Dataset, DatasetClass, Grade, Role, Sharing
from yanmen.model.consent import ConsentRule

E = TypeVar("E", bound=Enum)
"""Which closed set a member belongs to."""

BYTES_MAX = 8 * 1024 * 1024
"""A dataset's key domains are the largest part: 10,000 texts of a few hundred bytes."""

DECODED = 32
"""Datasets read lately: each question looks at its own at least twice."""

_COLUMN = frozenset(Column.__slots__)
_LATER = frozenset({"clustered_by", "consent", "description", "partition", "units_upto"})
"""Left out where nothing is said: records made before there were any read, and encode, the same."""
_DATASET = frozenset(Dataset.__slots__) - _LATER


def encode_dataset(dataset: Dataset) -> bytes:
    """Return the bytes of `dataset`."""
    plain: dict[str, Json] = {
        **asdict(dataset),
        "cls": dataset.cls.value,
        "grade": dataset.grade.value,
        "sharing": dataset.sharing.value,
        "channels": [channel.value for channel in dataset.channels],
        "columns": [_column(column) for column in dataset.columns],
        "description": description.to_json(dataset.description),
        "consent": dataset.consent.value,
    }
    if dataset.consent is ConsentRule.UNLESS_WITHDRAWN:
        del plain["consent"]
    for name in ("partition", "units_upto", "clustered_by"):
        if not plain[name]:
            del plain[name]
    if description.is_plain(dataset.description):
        del plain["description"]
    return json_canonical.encode(plain)


@lru_cache(DECODED)
def decode_dataset(data: bytes) -> Dataset:
    """Return the dataset that `data` is."""
    members = json_members.exact(json_canonical.decode(data, BYTES_MAX), _DATASET, _LATER)
    texts = {name: json_members.text(members, name) for name in _DATASET_TEXTS}
    return Dataset(
        **texts,
        rights=json_members.texts(members, "rights"),
        cls=_enum(DatasetClass, members, "cls"),
        grade=_enum(Grade, members, "grade"),
        sharing=_enum(Sharing, members, "sharing"),
        channels=tuple(_member(Channel, value) for value in json_members.texts(members, "channels")),
        rows_per_unit=json_members.integer(members, "rows_per_unit"),
        groups_per_unit=json_members.integer(members, "groups_per_unit"),
        rows_upto=json_members.integer(members, "rows_upto"),
        price_ceiling_fen=json_members.integer(members, "price_ceiling_fen"),
        columns=tuple(_decode_column(value) for value in json_members.items(members, "columns")),
        partition=json_members.text(members, "partition") if "partition" in members else "",
        description=description.from_json(members["description"]) if "description" in members else PLAIN,
        units_upto=json_members.integer(members, "units_upto", 1) if "units_upto" in members else 0,
        clustered_by=json_members.text(members, "clustered_by") if "clustered_by" in members else "",
        consent=_consent(members),
    )


def _consent(members: json_members.Object) -> ConsentRule:
    if "consent" not in members:
        return ConsentRule.UNLESS_WITHDRAWN
    if members["consent"] != ConsentRule.RECORDED.value:
        raise Malformed("consent: said and not asked for")
    return ConsentRule.RECORDED


_DATASET_TEXTS = (
    "name",
    "title_zh",
    "title_en",
    "owner",
    "region",
    "registration",
    "ndi_id",
    "source_system",
    "authority",
    "update_cycle",
    "quality",
    "sharing_reason",
    "legal_basis",
    "subject_space",
)


def _column(column: Column) -> Mapping[str, Json]:
    domain = column.domain
    return {
        **asdict(column),
        "type": column.type.value,
        "role": column.role.value,
        "domain": None if domain is None else [released.encode_cell(column.type, cell) for cell in domain],
        "lower": released.encode_cell(ColumnType.DECIMAL, column.lower),
        "upper": released.encode_cell(ColumnType.DECIMAL, column.upper),
    }


def _decode_column(value: Json) -> Column:
    members = json_members.exact(value, _COLUMN)
    kind = _enum(ColumnType, members, "type")
    domain = None if members["domain"] is None else json_members.items(members, "domain", max_items=1_000_000)
    return Column(
        name=json_members.text(members, "name"),
        type=kind,
        role=_enum(Role, members, "role"),
        title_zh=json_members.text(members, "title_zh"),
        title_en=json_members.text(members, "title_en"),
        domain=None if domain is None else tuple(released.decode_cell(kind, cell) for cell in domain),
        lower=_bound(members["lower"]),
        upper=_bound(members["upper"]),
        scale=json_members.integer(members, "scale"),
        source_name=json_members.text(members, "source_name"),
    )


def _bound(value: Json) -> Decimal | None:
    cell = released.decode_cell(ColumnType.DECIMAL, value)
    if cell is not None and not isinstance(cell, Decimal):
        raise Malformed("bound: not a decimal")
    return cell


def _enum(kind: type[E], members: json_members.Object, name: str) -> E:
    return _member(kind, json_members.text(members, name))


def _member(kind: type[E], value: str) -> E:
    try:
        return kind(value)
    except ValueError as error:
        raise Malformed(f"{kind.__name__}: unknown member") from error
