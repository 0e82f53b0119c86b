"""8.1a 合约完整性: the contract is checked before each use (每次使用前), and one altered in the store opens nothing."""

import sqlite3

import yanmen
from yanmen.model.contract import Contract

from tests.conformance.department import BEDS, Department
from tests.system.town import done, run


def test_one_byte_altered_in_the_store_and_the_next_use_is_refused(department: Department) -> None:
    who = ("--as", department.root / "alice", "--at", "clinic")
    words = ("--grant", "wards:ward,beds", "--price", "100", "--scenario", "s-5", "--purpose", "完整性")
    terms = ("--legal-basis", "test", "--micro-rho", "0", "--per-query", "0", "--per-query-max", "0")
    contract = done("contract", "request", *who, *words, *terms)["id"]
    assert done("query", *who, "--contract", contract, BEDS)["rows"]
    with department.connect() as node:
        held = node.contract(contract)
    path = department.node / "ledger.sqlite"
    for column in ("offer", "acceptance"):
        whole = _stored(path, contract, column)
        for place in (0, len(whole) // 2, len(whole) - 1):
            _store(path, contract, column, whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :])
            assert _answered(department, held) in {"CONTRACT_ALTERED", "STORAGE"}, (column, place)
        _store(path, contract, column, whole)
    assert run("query", *who, "--contract", contract, BEDS)[0] == 0, "whole again, it is honoured again"


def test_the_receipt_holds_each_use_to_the_contract(department: Department) -> None:
    with department.connect() as node:
        held = node.contract(department.opened())
        says = node.query(BEDS, contract=department.opened()).receipt.says
    assert says["contract"] == department.opened()
    assert says["contract_digest"] == held.digest


def _answered(department: Department, held: Contract) -> str:
    with department.connect() as node:
        try:
            node.query(BEDS, contract=held)
        except yanmen.Refused as refused:
            return refused.reason.value
        except yanmen.NodeFailed as failed:
            return failed.code.value
    return ""


def _stored(path: object, contract: str, column: str) -> bytes:
    with sqlite3.connect(str(path), timeout=30) as db:
        return bytes(db.execute(f"SELECT {column} FROM contract WHERE id = ?", (contract,)).fetchone()[0])


def _store(path: object, contract: str, column: str, value: bytes) -> None:
    with sqlite3.connect(str(path), timeout=30) as db:
        db.execute(f"UPDATE contract SET {column} = ? WHERE id = ?", (value, contract))
    db.close()
