"""Replies taken apart, strictly: what is not exactly of the protocol is malformed and never shown."""

import math

from yanmen.client.catalogue import Entry
from yanmen.formats import base64url, dealing, description, listing
from yanmen.formats.json_canonical import Json
from yanmen.formats.malformed import Malformed
from yanmen.formats.released import Table
from yanmen.model.catalogue import Cell, Column, ColumnType, Dataset, Description
from yanmen.model.contract import Balance
from yanmen.model.receipt import Receipt
from yanmen.model.stages import ColumnQuote
from yanmen.wire import cells, enums
from yanmen.wire.v1 import catalogue_pb2, contract_pb2, log_pb2, query_pb2


def entry(message: catalogue_pb2.Dataset) -> Entry:
    """Return the catalogue's entry."""
    return Entry(
        dataset=Dataset(
            name=message.name,
            title_zh=message.title_zh,
            title_en=message.title_en,
            owner=message.owner,
            region=message.region,
            registration=message.registration,
            ndi_id=message.ndi_id,
            source_system=message.source_system,
            authority=message.authority,
            update_cycle=message.update_cycle,
            quality=message.quality,
            rights=tuple(message.rights),
            cls=enums.parse(enums.CLASSES, message.dataset_class),
            grade=enums.parse(enums.GRADES, message.grade),
            sharing=enums.parse(enums.SHARINGS, message.sharing),
            sharing_reason=message.sharing_reason,
            legal_basis=message.legal_basis,
            channels=tuple(enums.parse(enums.CHANNELS, channel) for channel in message.channels),
            subject_space=message.subject_space,
            rows_per_unit=message.rows_per_unit,
            groups_per_unit=message.groups_per_unit,
            rows_upto=message.rows_upto,
            price_ceiling_fen=message.price_ceiling_fen,
            columns=tuple(_column(column) for column in message.columns),
            partition=message.partition,
            description=_description(message.description),
        ),
        version=message.version,
        published_ms=message.published_ms,
        retracted=message.retracted,
        quality=_bands(message.quality_bands),
    )


def _bands(text: str) -> str:
    if listing.QUALITY.fullmatch(text) is None:
        raise Malformed("not bands of quality")
    return text


def _description(message: catalogue_pb2.Description) -> Description:
    texts = ("topic", "scene", "acquisition", "delivery", "update", "security", "item", "abstract_zh", "abstract_en")
    said: dict[str, Json] = {name: str(getattr(message, name)) for name in texts}
    return description.from_json({**said, "keywords": list(message.keywords), "measured": message.measured})


def _column(message: catalogue_pb2.Column) -> Column:
    return Column(
        name=message.name,
        type=enums.parse(enums.COLUMN_TYPES, message.type),
        role=enums.parse(enums.ROLES, message.role),
        title_zh=message.title_zh,
        title_en=message.title_en,
        domain=tuple(cells.decode(cell) for cell in message.domain.values) if message.HasField("domain") else None,
        lower=cells.decode_decimal(message.lower) if message.HasField("lower") else None,
        upper=cells.decode_decimal(message.upper) if message.HasField("upper") else None,
        scale=message.scale,
    )


def balance(message: contract_pb2.Balance) -> Balance:
    """Return what is left of a contract."""
    return Balance(
        micro_rho_left=message.micro_rho_left,
        delta_e12_left=message.delta_e12_left,
        queries_left=message.queries_left,
        queries_today_left=message.queries_today_left,
        spent_fen=message.spent_fen,
    )


def receipt(message: log_pb2.Receipt) -> Receipt:
    """Return the receipt, not verified."""
    return Receipt(
        index=message.index,
        jti=message.jti,
        stage=enums.parse(enums.STAGES, message.stage),
        sdjwt=message.sdjwt,
        proof=message.proof,
    )


def columns(message: query_pb2.Quote) -> tuple[ColumnQuote, ...]:
    """Return the columns of an explained question."""
    return tuple(
        ColumnQuote(
            label=column.label,
            type=enums.parse(enums.COLUMN_TYPES, column.type),
            width=width(column.width) if column.HasField("width") else None,
        )
        for column in message.columns
    )


def table(message: query_pb2.Answer | query_pb2.FinishResponse, aggregators: tuple[str, ...] = ()) -> Table:
    """Return the released table; that its cells fit its types is checked with its receipt (receipts.check_answer).

    An answer asked for under a manifest is sealed for its `aggregators`, in order.
    """
    if aggregators:
        return _sealed(message, aggregators)
    types = tuple(enums.parse(enums.COLUMN_TYPES, column.type) for column in message.columns)
    return Table(
        labels=tuple(column.label for column in message.columns),
        types=types,
        rows=tuple(_cells(len(types), row) for row in message.rows),
        widths=tuple(_widths(len(types), row) for row in message.rows),
        suppressed=message.suppressed if isinstance(message, query_pb2.Answer) else 0,
        mechanism=message.mechanism,
        notice=message.notice,
    )


def _sealed(message: query_pb2.Answer | query_pb2.FinishResponse, aggregators: tuple[str, ...]) -> Table:
    sealed = message.envelopes if isinstance(message, query_pb2.Answer) else ()
    if message.columns or message.rows or len(sealed) != len(aggregators):
        raise Malformed("not one sealed share for each aggregator")
    rows = tuple((name, base64url.encode(envelope)) for name, envelope in zip(aggregators, sealed, strict=True))
    return Table(
        labels=dealing.LABELS,
        types=(ColumnType.TEXT, ColumnType.TEXT),
        rows=rows,
        widths=tuple((None, None) for _ in rows),
        suppressed=0,
        mechanism=message.mechanism,
        notice=message.notice,
    )


def _cells(count: int, row: query_pb2.Row) -> tuple[Cell, ...]:
    if len(row.cells) != count:
        raise Malformed("answer: a row has not one cell for each column")
    return tuple(cells.decode(cell) for cell in row.cells)


def _widths(count: int, row: query_pb2.Row) -> tuple[float | None, ...]:
    if len(row.widths) != count:
        raise Malformed("answer: a row has not one width for each column")
    return tuple(width(item.half) if item.HasField("half") else None for item in row.widths)


def width(half: float) -> float:
    """Return the half-width `half`, which is finite and not negative."""
    if not math.isfinite(half) or half < 0:
        raise Malformed("answer: a width is not a size")
    return half
