"""The state machine of contracts: one table, in the code and in docs/FORMATS.md, and what follows from it."""

import pytest
from yanmen.ledger.contracts import reason_of
from yanmen.model.contract import MAY_BECOME, ContractStatus
from yanmen.model.negotiation import TABLE, Move, NegotiationState, state
from yanmen.model.refusal import Fault
from yanmen.wire.enums import CONTRACT_STATUSES
from yanmen.wire.https.contracts import NOT_YET, OVER, STATUS

from tests.unit.docs.markdown import code, table


def test_the_table_is_that_of_the_document() -> None:
    rows = table("docs/FORMATS.md", "status", *(move.value for move in Move))
    assert [code(row[0]) for row in rows] == [status.value for status in TABLE]
    for row in rows:
        moves = TABLE[ContractStatus(code(row[0]))]
        assert {move: cell for move, cell in zip(Move, row[1:], strict=True) if cell} == {
            move: f"`{after.value}`" for move, after in moves.items()
        }


def test_it_says_something_of_every_status() -> None:
    assert set(TABLE) == set(ContractStatus) == set(MAY_BECOME) == set(CONTRACT_STATUSES)
    assert set(STATUS) == set(ContractStatus)
    assert set(NOT_YET) | set(OVER) | {ContractStatus.ACTIVE, ContractStatus.SUSPENDED} == set(ContractStatus)


def test_what_needs_no_signed_document_is_what_a_holder_may_order() -> None:
    ordered = {Move.SUSPEND, Move.RESUME, Move.END}
    for status, moves in TABLE.items():
        assert MAY_BECOME[status] == {after for move, after in moves.items() if move in ordered}


def test_only_the_last_signature_or_a_resumption_brings_into_force() -> None:
    leads = {
        (status, move) for status, moves in TABLE.items() for move, to in moves.items() if to is ContractStatus.ACTIVE
    }
    assert leads == {(ContractStatus.AGREED, Move.COMPLETE), (ContractStatus.SUSPENDED, Move.RESUME)}


@pytest.mark.parametrize("status", list(ContractStatus))
def test_only_one_admits_a_question(status: ContractStatus) -> None:
    if status is ContractStatus.ACTIVE:
        with pytest.raises(Fault):
            reason_of(status)
    else:
        assert reason_of(status).value.startswith("CONTRACT_")


def test_every_state_of_the_protocol_is_reached() -> None:
    found = {
        state(status, accepted=accepted, verified=verified, began=began)
        for status in ContractStatus
        for accepted in (False, True)
        for verified in (False, True)
        for began in (False, True)
    }
    assert found == set(NegotiationState)
