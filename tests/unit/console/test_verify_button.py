"""The verify button: every step by public keys alone, and a step that fails is shown as failed."""

from dataclasses import replace
from pathlib import Path

import pytest
from starlette.testclient import TestClient
from yanmen.console.books import Books
from yanmen.crypto import documents, notes, receipts
from yanmen.crypto.documents import open_register
from yanmen.crypto.system import SystemRandomness
from yanmen.formats import merkle
from yanmen.formats.checkpoint import Checkpoint
from yanmen.formats.proof import Proof
from yanmen.formats.proof import encode as encode_proof
from yanmen.formats.receipt import Head
from yanmen.ledger import log, showing
from yanmen.model.receipt import Stage
from yanmen.verify import stepwise
from yanmen.verify.stepwise import Outcome, Papers, Step, Verdict, Witnessed

from tests.unit.console.played import ABSENT, WITNESS
from tests.unit.ledger.scene import LOG_KEY, NODE, RECEIPT_KEY, RIVAL, SPACE, SPACE_KEY, Scene, papers, signer

INDEX = 7


@pytest.fixture(scope="module")
def books(folder: Path, scene: Scene) -> Books:
    return Books(folder, scene.clock)


@pytest.fixture(scope="module")
def given(books: Books) -> tuple[str, str, list[Witnessed]]:
    """Return the receipt, its proof and what the witnesses saw."""
    with books.look() as db:
        receipt = log.read_receipt(db, INDEX, whole=True)
        seen = [Witnessed(key, showing.cosigned_proof(db, INDEX, key)) for key in (WITNESS, ABSENT)]
    return receipt.sdjwt, receipt.proof, seen


def whose(**other: object) -> Papers:
    return replace(Papers(papers().register, SPACE, SPACE_KEY.public, NODE), **other)  # type: ignore[arg-type]


def verdicts(outcomes: tuple[Outcome, ...]) -> dict[str, Verdict]:
    return {
        f"{each.step.value} {each.subject if each.step is Step.WITNESS else ''}".strip(): each.verdict
        for each in outcomes
    }


def test_a_good_receipt_holds_in_every_step(given: tuple[str, str, list[Witnessed]]) -> None:
    outcomes = stepwise.check(whose(), *given)
    assert verdicts(outcomes) == {
        "register": Verdict.HOLDS,
        "leaf": Verdict.HOLDS,
        "head": Verdict.HOLDS,
        "inclusion": Verdict.HOLDS,
        f"witness {WITNESS.name}": Verdict.HOLDS,
        f"witness {ABSENT.name}": Verdict.SKIPPED,
    }
    assert stepwise.holds(outcomes)


def flipped(text: str, at: int) -> str:
    return text[:at] + ("A" if text[at] != "A" else "B") + text[at + 1 :]


@pytest.mark.parametrize(
    ("papers_", "failed"),
    [
        ({"space_key": signer("another").public}, "register"),
        ({"register": b""}, "register"),
        ({"register": papers().register[:-5] + b"AAAAA"}, "register"),
        ({"space": "other.example"}, "register"),
        ({"node": "5" * 32}, "register"),
        ({"node": RIVAL}, "leaf"),
    ],
)
def test_another_register_or_node(
    given: tuple[str, str, list[Witnessed]], papers_: dict[str, object], failed: str
) -> None:
    outcomes = stepwise.check(whose(**papers_), *given)
    assert verdicts(outcomes)[failed] is Verdict.FAILS
    assert not stepwise.holds(outcomes)
    if failed == "register":
        assert {verdict for name, verdict in verdicts(outcomes).items() if name != "register"} == {Verdict.SKIPPED}


@pytest.mark.parametrize(("key", "failed"), [("signing_key", "leaf"), ("log_key", "head")])
def test_another_key_in_the_register(given: tuple[str, str, list[Witnessed]], key: str, failed: str) -> None:
    register = open_register(papers().register, SPACE_KEY.public)
    other = signer("other").public
    parties = []
    for party in register.parties:
        changed = replace(party, signing_key=other) if key == "signing_key" else replace(party, log_key=other)
        parties.append(changed if party.id == NODE else party)
    forged = documents.sign_register(replace(register, parties=tuple(parties)), SPACE_KEY)
    assert verdicts(stepwise.check(whose(register=forged), *given))[failed] is Verdict.FAILS


@pytest.mark.parametrize("part", ["leaf", "disclosure", "proof", "head"])
def test_any_byte_altered_is_seen(given: tuple[str, str, list[Witnessed]], part: str) -> None:
    sdjwt, proof, seen = given
    places = {"leaf": len("eyJ") + 200, "disclosure": sdjwt.index("~") + 30}
    if part in places:
        sdjwt = flipped(sdjwt, places[part])
    else:
        proof = flipped(proof, proof.index("\n", 30) + 5 if part == "proof" else len(proof) - 10)
    outcomes = stepwise.check(whose(), sdjwt, proof, seen)
    assert not stepwise.holds(outcomes)
    assert any(each.verdict is Verdict.FAILS and each.error for each in outcomes)


def test_a_cosignature_by_another_key_or_over_another_leaf_is_no_cosignature(
    books: Books, given: tuple[str, str, list[Witnessed]]
) -> None:
    sdjwt, proof, seen = given
    other = replace(WITNESS, public=signer("other witness").public)
    found = stepwise.check(whose(), sdjwt, proof, [Witnessed(other, seen[0].proof)])
    assert found[-1].verdict is Verdict.FAILS
    with books.look() as db:
        moved = showing.cosigned_proof(db, INDEX + 1, WITNESS)
    found = stepwise.check(whose(), sdjwt, proof, [Witnessed(WITNESS, moved)])
    assert found[-1].verdict is Verdict.FAILS
    assert not stepwise.holds(found)


def of_another_node(key: str) -> tuple[str, str]:
    """Return a receipt and proof signed by this node's keys whose leaf, or head, is said to be of another node."""
    head = Head(RIVAL if key == "leaf" else NODE, 1_780_000_020, "1" * 32, Stage.GENESIS, "A" * 43)
    issued = receipts.issue(head, {}, RECEIPT_KEY, SystemRandomness())
    origin = f"{RIVAL if key == 'head' else NODE}.yanmen/usage-log/2026"
    top = Checkpoint(origin, 1, merkle.leaf_hash(issued.leaf))
    return issued.sdjwt, encode_proof(Proof(0, (), notes.sign_checkpoint(top, LOG_KEY)))


@pytest.mark.parametrize("step", ["leaf", "head"])
def test_a_leaf_or_head_of_another_node_under_this_one_s_keys(step: str) -> None:
    found = verdicts(stepwise.check(whose(), *of_another_node(step), []))
    assert found[step] is Verdict.FAILS
    assert {name: verdict for name, verdict in found.items() if name not in (step, "inclusion")} == {
        name: Verdict.HOLDS for name in ("register", "leaf", "head") if name != step
    }


def test_the_page_shows_each_step_and_what_is_not_proven(reader: TestClient) -> None:
    page = reader.get(f"/receipts/{INDEX}/verification").text
    assert f"Receipt {INDEX}: holds" in page
    assert page.count('<span class="mark good">holds</span>') == 5
    assert "it has cosigned no head over this leaf yet" in page
    assert "That there were no uses outside the node" in page
    assert "taken from node.toml" in page
    part = reader.get(f"/receipts/{INDEX}/verification", headers={"HX-Request": "true"}).text
    assert "<html" not in part
    assert f"Receipt {INDEX}: holds" in part


def test_a_receipt_under_a_register_of_another_space_does_not_hold(reader: TestClient, folder: Path) -> None:
    register = (folder / "register.jws").read_bytes()
    (folder / "register.jws").write_bytes(
        documents.sign_register(open_register(register, SPACE_KEY.public), signer("x"))
    )
    try:
        page = reader.get(f"/receipts/{INDEX}/verification").text
        assert "DOES NOT HOLD" in page
        assert "not checked" in page
        assert "Parties are shown by their ids" in reader.get("/contracts").text
        (folder / "register.jws").unlink()
        assert "DOES NOT HOLD" in reader.get(f"/receipts/{INDEX}/verification").text
        assert "cannot be read" in reader.get("/").text
    finally:
        (folder / "register.jws").write_bytes(register)
