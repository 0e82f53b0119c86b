"""Values to messages for what the node says, messages to values for what callers ask, both strictly."""

import re
from collections.abc import Iterable, Sequence

from yanmen.formats import base64url, dealing
from yanmen.formats.malformed import Malformed
from yanmen.model.catalogue import Cell, Column, ColumnType, Description, Version
from yanmen.model.contract import Balance, Contract, LeftToPerson
from yanmen.model.party import Party
from yanmen.model.receipt import Receipt
from yanmen.model.stages import Answer, Binding, Quote, Submission
from yanmen.wire import cells, enums
from yanmen.wire.v1 import catalogue_pb2, contract_pb2, log_pb2, query_pb2

_ID = re.compile(r"[0-9a-f]{32}", re.ASCII)
_NAME_MAX = 256
_PART_BYTES_MAX = 2**40
"""More than the longest part (a list, or rows of many values), and far less than what a ledger can count to."""


def dataset(version: Version) -> catalogue_pb2.Dataset:
    """Return what the catalogue shows of `version`: no hidden column, no path, no size."""
    shown = version.dataset
    return catalogue_pb2.Dataset(
        name=shown.name,
        title_zh=shown.title_zh,
        title_en=shown.title_en,
        owner=shown.owner,
        region=shown.region,
        registration=shown.registration,
        ndi_id=shown.ndi_id,
        source_system=shown.source_system,
        authority=shown.authority,
        update_cycle=shown.update_cycle,
        quality=shown.quality,
        rights=shown.rights,
        dataset_class=enums.CLASSES[shown.cls],
        grade=enums.GRADES[shown.grade],
        sharing=enums.SHARINGS[shown.sharing],
        sharing_reason=shown.sharing_reason,
        legal_basis=shown.legal_basis,
        channels=[enums.CHANNELS[channel] for channel in shown.channels],
        subject_space=shown.subject_space,
        rows_per_unit=shown.rows_per_unit,
        groups_per_unit=shown.groups_per_unit,
        rows_upto=shown.rows_upto,
        price_ceiling_fen=shown.price_ceiling_fen,
        columns=[_column(column) for column in shown.visible()],
        partition=shown.partition,
        description=_description(shown.description),
        quality_bands=version.quality,
        version=version.version,
        published_ms=version.published_ms,
        retracted=version.retracted,
    )


def _description(said: Description) -> catalogue_pb2.Description:
    return catalogue_pb2.Description(
        topic=said.topic,
        scene=said.scene,
        acquisition=said.acquisition,
        delivery=said.delivery,
        update=said.update,
        security=said.security,
        item=said.item,
        abstract_zh=said.abstract_zh,
        abstract_en=said.abstract_en,
        keywords=said.keywords,
        measured=said.measured,
    )


def _column(column: Column) -> catalogue_pb2.Column:
    domain = column.domain
    return catalogue_pb2.Column(
        name=column.name,
        type=enums.COLUMN_TYPES[column.type],
        role=enums.ROLES[column.role],
        title_zh=column.title_zh,
        title_en=column.title_en,
        domain=None if domain is None else catalogue_pb2.Domain(values=[cells.encode(cell) for cell in domain]),
        lower=None if column.lower is None else cells.encode_decimal(column.lower),
        upper=None if column.upper is None else cells.encode_decimal(column.upper),
        scale=column.scale,
    )


def contract(held: Contract) -> contract_pb2.Contract:
    """Return `held` as its signed documents and its status."""
    return contract_pb2.Contract(
        id=held.terms.id,
        status=enums.CONTRACT_STATUSES[held.status],
        digest=held.digest,
        offer_jws=held.offer.decode("ascii"),
        acceptance_jws=held.acceptance.decode("ascii"),
        counter_jws=held.counter.decode("ascii"),
        signature_jws=[token.decode("ascii") for token in held.signatures],
        amendment=None if held.amendment is None else contract(held.amendment),
        left_to_person=left_to_person(held.left_to_person),
    )


def left_to_person(clauses: Iterable[LeftToPerson]) -> list[contract_pb2.LeftToPerson]:
    """Return why the owner's rule did not sign."""
    return [contract_pb2.LeftToPerson(clause=each.clause, en=each.en, zh=each.zh) for each in clauses]


def balance(left: Balance) -> contract_pb2.Balance:
    """Return `left` as a message."""
    return contract_pb2.Balance(
        micro_rho_left=left.micro_rho_left,
        delta_e12_left=left.delta_e12_left,
        queries_left=left.queries_left,
        queries_today_left=left.queries_today_left,
        spent_fen=left.spent_fen,
    )


def receipt(issued: Receipt) -> log_pb2.Receipt:
    """Return `issued` as a message."""
    return log_pb2.Receipt(
        index=issued.index,
        jti=issued.jti,
        stage=enums.STAGES[issued.stage],
        sdjwt=issued.sdjwt,
        proof=issued.proof,
    )


def answer(released: Answer) -> query_pb2.Answer:
    """Return `released` as a message; sealed shares go as bytes, a quarter shorter than as text."""
    message = query_pb2.Answer(
        job_id=released.job_id,
        suppressed=released.suppressed,
        mechanism=released.mechanism,
        notice=released.notice,
        micro_rho=released.micro_rho,
        micro_rho_left=released.micro_rho_left,
        price_fen=released.price_fen,
        repeated=released.repeated,
        receipt=receipt(released.receipt),
    )
    if released.labels == dealing.LABELS and dealing.is_one(released.mechanism):
        message.envelopes.extend(base64url.decode(str(envelope)) for _, envelope in released.rows)
    else:
        message.columns.extend(columns(released.labels, released.types))
        message.rows.extend(rows(released.rows, released.widths))
    return message


def columns(labels: Sequence[str], types: Sequence[ColumnType]) -> list[query_pb2.OutputColumn]:
    """Return the columns of a released table."""
    return [
        query_pb2.OutputColumn(label=label, type=enums.COLUMN_TYPES[kind])
        for label, kind in zip(labels, types, strict=True)
    ]


def rows(released: Sequence[tuple[Cell, ...]], widths: Sequence[tuple[float | None, ...]]) -> list[query_pb2.Row]:
    """Return the rows of a released table."""
    return [
        query_pb2.Row(
            cells=[cells.encode(cell) for cell in row], widths=[query_pb2.Width(half=half) for half in beside]
        )
        for row, beside in zip(released, widths, strict=True)
    ]


def quote(explained: Quote) -> query_pb2.Quote:
    """Return `explained` as a message."""
    return query_pb2.Quote(
        columns=[
            query_pb2.QuotedColumn(label=column.label, type=enums.COLUMN_TYPES[column.type], width=column.width)
            for column in explained.columns
        ],
        release=enums.CLASSES[explained.release],
        cells=explained.cells,
        micro_rho=explained.micro_rho,
        micro_rho_left=explained.micro_rho_left,
        price_fen=explained.price_fen,
        deadline_ms=explained.deadline_ms,
        repeated=explained.repeated,
        plan_text=explained.plan_text,
        receipt=receipt(explained.receipt),
        shape=explained.shape,
        l2_squared=[str(value) for value in explained.l2_squared],
        next_renewal_ms=explained.next_renewal_ms,
    )


def submission(
    request: query_pb2.SubmitRequest | query_pb2.ExplainRequest | query_pb2.FinishRequest,
    job_id: str,
    peer: Party,
    received_ms: int,
    address: str = "",
) -> Submission:
    """Return what `request`, sent from `address`, asks, with nothing checked but its shape."""
    authorisation = request.authorisation
    match authorisation.WhichOneof("kind"):
        case "request_jws":
            binding, token, use = Binding.PER_REQUEST, authorisation.request_jws, ""
        case "session":
            binding, token = Binding.SESSION, authorisation.session.grant_jws
            use = _id(authorisation.session.request_id, "request id")
        case _:
            raise Malformed("authorisation is missing")
    return Submission(
        job_id=job_id,
        peer=peer,
        binding=binding,
        authorisation=ascii_bytes(token),
        sql=request.sql,
        received_ms=received_ms,
        session_request_id=use,
        manifest=request.manifest if isinstance(request, query_pb2.SubmitRequest | query_pb2.FinishRequest) else b"",
        address=address,
        joinables=tuple(request.joinables),
    )


def job_id(text: str) -> str:
    """Return the job id `text`, which must be 32 lower-case hexadecimal digits."""
    return _id(text, "job id")


def name(text: str) -> str:
    """Return the name `text` of a dataset or contract, which must not be empty or long."""
    if not 0 < len(text) <= _NAME_MAX:
        raise Malformed("name is empty or too long")
    return text


def extent(size: int) -> int:
    """Return the size of a part of a join, or a place in it, which no part there can be reaches beyond."""
    if size > _PART_BYTES_MAX:
        raise Malformed("size or place beyond the end of any part")
    return size


def ascii_bytes(text: str) -> bytes:
    """Return a token's bytes; tokens are ASCII."""
    try:
        return text.encode("ascii")
    except UnicodeEncodeError as error:
        raise Malformed("token is not ASCII") from error


def _id(text: str, what: str) -> str:
    if _ID.fullmatch(text) is None:
        raise Malformed(f"{what} is not 32 lower-case hex digits")
    return text
