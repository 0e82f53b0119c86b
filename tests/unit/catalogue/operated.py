"""A grant of operation, a product under it, and a contract that hangs on both, up to any step of the way."""

from dataclasses import replace
from typing import Any

from yanmen import operating
from yanmen.crypto import documents, governance
from yanmen.crypto.keys import FileSigner
from yanmen.formats import connector_id, ndi_id
from yanmen.model.catalogue import Channel, ColumnType
from yanmen.model.contract import Contract, ContractStatus, Grant, Operated, Terms
from yanmen.model.operation import (
    Endorsement,
    OperatingGrant,
    OperatingMode,
    Parameter,
    Product,
    ProductReview,
    ReviewKind,
)
from yanmen.model.party import Party, PartyRole, PartyStatus

from tests.unit.catalogue.hall import NOW_S, Hall
from tests.unit.ledger.scene import NODE, START_MS, accepted, offered, signer, terms_of

OPERATOR = connector_id.build("5", "91140100MA0GWWWW3A", "1401", "OPER0001")
OPERATOR_KEY: FileSigner = signer("operator")
GRANT = "ab" * 16
YEAR_MS = 365 * 86_400_000
SQL = "SELECT city, count(*) AS n FROM persons WHERE city = {city} GROUP BY city HAVING n > {least}"
CITIES = ("太原", "大同")


class Bytes:
    """Bytes that are all different."""

    calls = 0

    def token(self, size: int) -> bytes:
        Bytes.calls += 1
        return bytes((Bytes.calls * 7 + place) % 256 for place in range(size))


def operator(status: PartyStatus = PartyStatus.ACTIVE, role: PartyRole = PartyRole.OPERATOR) -> Party:
    return Party(OPERATOR, "datagroup", "数据集团", role, status, OPERATOR_KEY.public, b"", "4" * 64)


def grant(**other: Any) -> OperatingGrant:
    value = OperatingGrant(
        id=GRANT,
        by=NODE,
        operator=OPERATOR,
        grants=(Grant("persons", ("city",)),),
        mode=OperatingMode.BY_FIELD,
        scenarios=(),
        from_ms=START_MS - 1,
        until_ms=START_MS + YEAR_MS,
        ceiling_fen=150,
        exit="到期移交，销毁中间数据",
        decided_by="首席数据官",
        issued_s=NOW_S,
    )
    return replace(value, **other)


def product(**other: Any) -> Product:
    value = Product(
        id=ndi_id.build("product", "91140100MA0GTTTT0X", "1401", Bytes()),
        by=NODE,
        operation=GRANT,
        title_zh="城市人口查询",
        title_en="Residents of a city",
        sql=SQL,
        parameters=(
            Parameter("city", ColumnType.TEXT, CITIES),
            Parameter("least", ColumnType.INTEGER, (), "-5", "100"),
        ),
        price_fen=120,
        fits_model=False,
        reviews=(ProductReview(ReviewKind.COMPLIANCE, "法务", "符合授权范围"),),
        decided_by="首席数据官",
        issued_s=NOW_S,
    )
    return replace(value, **other)


def terms(made: Product, number: int = 1, **other: Any) -> Terms:
    values: dict[str, Any] = {
        "channel": Channel.AUTHORISED_OPERATION,
        "grants": (Grant("persons", ("city",)),),
        "not_before_ms": START_MS,
        "not_after_ms": START_MS + YEAR_MS // 2,
        "operated": Operated(GRANT, (made.id,)),
    }
    return terms_of(f"{number:032x}", **{**values, **other})


def endorsement(contract: Contract, key: FileSigner = OPERATOR_KEY, **other: Any) -> bytes:
    said = Endorsement(OPERATOR, NODE, GRANT, contract.terms.id, contract.digest, NOW_S)
    return governance.sign_endorsement(replace(said, **other), key)


def furnish(node: Hall, **other: Any) -> Product:
    """Publish, grant and offer a product."""
    node.publish(channels=(Channel.SHARING, Channel.AUTHORISED_OPERATION))
    operating.grant(grant(), node)
    made = product(**other)
    operating.offer(made, node)
    return made


def contracted(node: Hall, made: Product, number: int = 1) -> Contract:
    """Bring a contract that hangs on the grant into force, endorsed."""
    terms_ = terms(made, number)
    contract = offered(terms_)
    node.ledger.add_offer(contract)
    operating.endorse(endorsement(contract), node)
    node.ledger.decide(terms_.id, ContractStatus.ACTIVE, accepted(terms_), "授权运营")
    found = node.ledger.contract(terms_.id)
    assert found is not None
    assert documents.digest(found.offer) == contract.digest
    return found
