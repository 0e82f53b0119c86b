"""Bundle statement, leaf lines and audited slots come back byte for byte, and nothing else is read."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from yanmen.formats import base64url, bundle, json_canonical
from yanmen.formats.bundle import ContractTotal, Entry, Keys, LeafLine, SpaceTotal, Statement
from yanmen.formats.json_canonical import Json
from yanmen.formats.malformed import Malformed
from yanmen.formats.slots import Budget, Decision, Price, Series, SignedRequest, Verdict
from yanmen.model.receipt import Stage
from yanmen.model.stages import Binding

COUNTS = st.integers(0, 2**53 - 1)
HASH = base64url.encode(bytes(range(32)))
STATEMENT = Statement(
    space="s",
    node="591140100MA0GTTTT0X1401A1B2C3D46",
    origin="o",
    size=1,
    contracts=(ContractTotal("a", 1, 2, 3, 4, 5), ContractTotal("b")),
    spaces=(SpaceTotal("p", 6, 7),),
)


@given(st.sets(st.text(max_size=5), max_size=3), st.sets(st.text(max_size=5), max_size=3), COUNTS)
def test_statements_come_back(contracts: set[str], spaces: set[str], count: int) -> None:
    value = replace(
        STATEMENT,
        contracts=tuple(ContractTotal(name, count, 1, count, 3, 4) for name in sorted(contracts)),
        spaces=tuple(SpaceTotal(name, count, 1) for name in sorted(spaces)),
    )
    data = bundle.encode(value)
    assert bundle.decode(data) == value
    assert bundle.encode(bundle.decode(data)) == data


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("format", "yanmen-bundle-2"),
        ("size", -1),
        ("size", 100_000_001),
        ("size", "1"),
        ("node", "x"),
        ("contracts", [{"contract": "a"}]),
        ("contracts", ["a"]),
        ("spaces", [{"space": "p", "micro_rho": 1, "delta_e12": -1}]),
        ("more", 1),
    ],
)
def test_statement_refused(name: str, value: Json) -> None:
    members = json_canonical.decode_object(bundle.encode(STATEMENT))
    with pytest.raises(Malformed):
        bundle.decode(json_canonical.encode({**members, name: value}))


def test_totals_stand_in_order_once() -> None:
    for contracts in ((ContractTotal("b"), ContractTotal("a")), (ContractTotal("a"), ContractTotal("a"))):
        with pytest.raises(Malformed, match="order"):
            bundle.decode(bundle.encode(replace(STATEMENT, contracts=contracts)))
    for spaces in ((SpaceTotal("b"), SpaceTotal("a")), (SpaceTotal("a"), SpaceTotal("a"))):
        with pytest.raises(Malformed, match="order"):
            bundle.decode(bundle.encode(replace(STATEMENT, spaces=spaces)))


@given(st.lists(st.builds(LeafLine, st.sampled_from(Stage), st.binary(min_size=32, max_size=32)), max_size=5))
def test_leaf_lines_come_back(lines: list[LeafLine]) -> None:
    data = bundle.encode_lines(lines)
    assert bundle.decode_lines(data) == tuple(lines)


@pytest.mark.parametrize(
    "text",
    [
        f"outcome {HASH}",
        f"outcome  {HASH}\n",
        f"Outcome {HASH}\n",
        f"outcome {HASH[:-1]}\n",
        f"outcome {HASH}=\n",
        f"outcome {HASH}\n\n",
        f"outcome {HASH}\r\n",
        f"outcome{HASH}\n",
        f"é {HASH}\n",
    ],
)
def test_leaf_lines_refused(text: str) -> None:
    with pytest.raises(Malformed):
        bundle.decode_lines(text.encode())


def test_files_are_named_by_eight_digits() -> None:
    assert bundle.leaf_name(17) == "leaves/00000017.jws"
    assert bundle.receipt_name(17) == "receipts/00000017.sdjwt"
    assert bundle.proof_name(99_999_999) == "receipts/99999999.tlog-proof"
    for index in (-1, 100_000_000):
        with pytest.raises(Malformed):
            bundle.leaf_name(index)


def test_every_file_is_written_the_statement_last() -> None:
    entry = Entry(Stage.GENESIS, b"leaf", "receipt~", "proof")
    names = [name for name, _ in bundle.files(STATEMENT, b"c", Keys("l", "s", b"r"), [entry])]
    assert sorted(names) == [
        "bundle.json",
        "checkpoint",
        "leaves.txt",
        "leaves/00000000.jws",
        "log.vkey",
        "receipts/00000000.sdjwt",
        "receipts/00000000.tlog-proof",
        "register.jws",
        "space.vkey",
    ]
    assert names[-1] == "bundle.json"
    with pytest.raises(Malformed, match="as stated"):
        list(bundle.files(STATEMENT, b"c", Keys("l", "s", b"r"), [entry, entry]))


SLOT_VALUES = st.one_of(
    st.builds(Series, st.integers(2, 2**53 - 1), st.just(HASH)),
    st.just(Series(1, "")),
    st.builds(Budget, st.text(min_size=1, max_size=9), COUNTS, COUNTS, COUNTS, COUNTS),
    st.builds(Price, COUNTS, COUNTS),
    st.builds(SignedRequest, st.sampled_from(Binding), st.text(max_size=9)),
    st.builds(Decision, st.sampled_from(Verdict), st.sampled_from(["", "BUDGET_SPENT"])),
)


@given(SLOT_VALUES)
def test_slots_come_back(value: Series | Budget | Price | SignedRequest | Decision) -> None:
    data = json_canonical.encode(value.json())
    assert type(value).read(json_canonical.decode(data)) == value


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        (Series, {"n": 0, "prev": ""}),
        (Series, {"n": 1, "prev": HASH}),
        (Series, {"n": 2, "prev": ""}),
        (Series, {"n": 2, "prev": HASH[:-1]}),
        (Series, {"n": 1, "prev": "", "more": 1}),
        (Budget, {"space": "", "micro_rho": 1, "delta_e12": 0, "spent_micro_rho": 1, "spent_delta_e12": 0}),
        (Budget, {"space": "s", "micro_rho": -1, "delta_e12": 0, "spent_micro_rho": 1, "spent_delta_e12": 0}),
        (Price, {"fen": -1, "spent_fen": 0}),
        (Price, {"fen": 1}),
        (SignedRequest, {"binding": "none", "jws": ""}),
        (Decision, {"verdict": "maybe", "reason": ""}),
        (Decision, {"verdict": "refused", "reason": "because of row 7"}),
    ],
)
def test_slots_refused(kind: type[Series | Budget | Price | SignedRequest | Decision], value: Json) -> None:
    with pytest.raises(Malformed):
        kind.read(value)
