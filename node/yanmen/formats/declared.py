"""What is declared of a dataset, as catalogues show and authorities sign it: no row, no domain, no hidden column."""

import hashlib
from dataclasses import replace
from enum import Enum
from typing import TypeVar

from yanmen.formats import description, json_canonical, json_members
from yanmen.formats.json_canonical import Json
from yanmen.formats.json_members import Object
from yanmen.formats.malformed import Malformed
from yanmen.formats.spec import NAME, REGION, Quality, Right
from yanmen.formats.spec_columns import COLUMNS_MAX
from yanmen.formats.spec_columns import NAME as COLUMN
from yanmen.model.catalogue import Channel, Column, ColumnType, Dataset, DatasetClass, Grade, Role, Sharing
from yanmen.model.consent import ConsentRule

E = TypeVar("E", bound=Enum)
TEXT_MAX = 512
_TEXTS = (
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
    "partition",
)
_NUMBERS = ("rows_per_unit", "groups_per_unit", "rows_upto", "price_ceiling_fen")
_MEMBERS = frozenset({*_TEXTS, *_NUMBERS, "rights", "class", "grade", "sharing", "channels", "columns", "description"})
_WHERE_SAID = frozenset({"consent"})
_COLUMN = frozenset({"name", "type", "role", "title_zh", "title_en"})


def public(dataset: Dataset) -> Dataset:
    """Return `dataset` as it is declared in public: visible columns, no domains, bounds, source names, order."""
    shown = tuple(
        Column(column.name, column.type, column.role, column.title_zh, column.title_en) for column in dataset.visible()
    )
    return replace(dataset, columns=shown, units_upto=0, clustered_by="")


def encode(dataset: Dataset) -> dict[str, Json]:
    """Return what `dataset` declares as JSON."""
    return {
        **{name: str(getattr(dataset, name)) for name in _TEXTS},
        **{name: int(getattr(dataset, name)) for name in _NUMBERS},
        "rights": list(dataset.rights),
        "class": dataset.cls.value,
        "grade": dataset.grade.value,
        "sharing": dataset.sharing.value,
        "channels": [channel.value for channel in dataset.channels],
        "columns": [
            {
                "name": column.name,
                "type": column.type.value,
                "role": column.role.value,
                "title_zh": column.title_zh,
                "title_en": column.title_en,
            }
            for column in dataset.visible()
        ],
        "description": description.to_json(dataset.description),
        **({} if dataset.consent is ConsentRule.UNLESS_WITHDRAWN else {"consent": dataset.consent.value}),
    }


def decode(value: Json) -> Dataset:
    """Return what `value` declares; `encode` gives the same value again."""
    members = json_members.exact(value, _MEMBERS, _WHERE_SAID)
    texts = {name: json_members.text(members, name, TEXT_MAX) for name in _TEXTS}
    numbers = {name: json_members.integer(members, name) for name in _NUMBERS}
    dataset = Dataset(
        **texts,
        units_upto=0,
        rows_per_unit=numbers["rows_per_unit"],
        groups_per_unit=numbers["groups_per_unit"],
        rows_upto=numbers["rows_upto"],
        price_ceiling_fen=numbers["price_ceiling_fen"],
        rights=json_members.texts(members, "rights", len(Right)),
        cls=_enum(DatasetClass, members, "class"),
        grade=_enum(Grade, members, "grade"),
        sharing=_enum(Sharing, members, "sharing"),
        channels=tuple(_member(Channel, each) for each in json_members.texts(members, "channels", len(Channel))),
        columns=tuple(_column(each) for each in json_members.items(members, "columns", COLUMNS_MAX)),
        description=description.from_json(members["description"]),
        consent=_enum(ConsentRule, members, "consent") if "consent" in members else ConsentRule.UNLESS_WITHDRAWN,
    )
    if "consent" in members and dataset.consent is ConsentRule.UNLESS_WITHDRAWN:
        raise Malformed("declared: what goes without saying is not said")
    _check(dataset)
    return dataset


def digest(dataset: Dataset) -> str:
    """Return the hex SHA-256 by which an authority names what `dataset` declares; the same over all its versions."""
    return hashlib.sha256(json_canonical.encode(encode(dataset))).hexdigest()


def _check(dataset: Dataset) -> None:
    if NAME.fullmatch(dataset.name) is None or REGION.fullmatch(dataset.region) is None:
        raise Malformed("declared: not a dataset's name and region")
    if dataset.grade is Grade.CORE:
        raise Malformed("declared: core data is never listed")
    if dataset.quality not in {each.value for each in Quality} or not {each.value for each in Right} >= {
        *dataset.rights
    }:
        raise Malformed("declared: not a grade of quality, or not a right")
    if not dataset.channels or not dataset.columns:
        raise Malformed("declared: no channel, or no column")


def _column(value: Json) -> Column:
    members = json_members.exact(value, _COLUMN)
    name, role = json_members.text(members, "name", 63), _enum(Role, members, "role")
    if COLUMN.fullmatch(name) is None or role is Role.HIDDEN:
        raise Malformed("declared: not a visible column")
    zh, en = (json_members.text(members, each, TEXT_MAX) for each in ("title_zh", "title_en"))
    return Column(name, _enum(ColumnType, members, "type"), role, zh, en)


def _enum(kind: type[E], members: Object, name: str) -> E:
    return _member(kind, json_members.text(members, name))


def _member(kind: type[E], value: str) -> E:
    try:
        return kind(value)
    except ValueError as error:
        raise Malformed(f"{kind.__name__}: unknown member") from error
