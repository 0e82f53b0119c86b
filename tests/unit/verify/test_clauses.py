"""The report on one receipt says clause by clause whether the contract was kept, as the whole log tells."""

from collections.abc import Callable
from pathlib import Path

import pytest
from yanmen.cli.main import main
from yanmen.formats.question_slots import Reading
from yanmen.formats.receipt import Slot
from yanmen.model.contract import Scenario
from yanmen.verify import Code, page
from yanmen.verify.selected import CheckedReceipt, OpenBundle

from tests.unit.verify.terms_scene import DAY_S, FIRST, started, used
from tests.vectors import specimen
from tests.vectors.specimen import Log


def opened(log: Log, path: Path) -> OpenBundle:
    return OpenBundle(log.export(path / "bundle"), specimen.SPACE_KEY.public)


def broken(receipt: CheckedReceipt) -> list[str]:
    """Return the English names of the clauses that were broken."""
    return [each.name.split(" ")[0] for each in receipt.clauses if not each.kept]


def test_an_honest_use_keeps_every_clause(tmp_path: Path) -> None:
    log = started()
    used(log)
    used(log)
    bundle = opened(log, tmp_path)
    for index in range(FIRST, FIRST + 4):
        receipt = bundle.check_in_log(index)
        assert receipt.ok
        assert len(receipt.clauses) == 9
        assert broken(receipt) == []
    price = next(each for each in bundle.check_in_log(FIRST + 3).clauses if each.name.startswith("price"))
    assert (price.signed, price.said) == ((120, 120), (120, 240))
    assert bundle.check_in_log(0).clauses == ()


def scenario() -> dict[str, str]:
    other = Scenario("S2", "另一场景", "无")
    return {"id": other.id, "legal_basis": other.legal_basis, "text": other.text}


ATTACKS: dict[str, tuple[Callable[[Log], None], str]] = {
    "price": (lambda log: used(log, fen=119), "price"),
    "charge": (lambda log: used(log, micro_rho=2_499), "micro-ρ"),
    "scenario": (lambda log: used(log, scenario=scenario()), "scenario"),
    "consumer": (lambda log: used(log, consumer=specimen.NODE), "consumer"),
    "column": (
        lambda log: used(log, datasets=[Reading("persons", specimen.VERSION, ("income",)).json()]),
        "datasets",
    ),
    "release": (lambda log: used(log, release={"aggregates": [], "class": "open", "min_group": 10}), "least"),
}


@pytest.mark.parametrize("name", ATTACKS)
def test_a_broken_clause_is_named_on_the_intent_and_on_its_outcome(name: str, tmp_path: Path) -> None:
    log = started()
    attack, clause = ATTACKS[name]
    used(log)
    attack(log)
    bundle = opened(log, tmp_path)
    for index in (FIRST + 2, FIRST + 3):
        receipt = bundle.check_in_log(index)
        assert clause in broken(receipt)
        assert not receipt.ok
        assert "BROKEN 违反" in page.receipt_page(bundle, receipt)
    before = bundle.check_in_log(FIRST + 1)
    assert before.ok
    assert "BROKEN" not in page.receipt_page(bundle, before)


def test_caps_count_the_uses_before(tmp_path: Path) -> None:
    log = started(queries=1, queries_per_day=1)
    used(log)
    used(log)
    bundle = opened(log, tmp_path)
    assert broken(bundle.check_in_log(FIRST)) == []
    assert broken(bundle.check_in_log(FIRST + 2)) == ["uses"]


def test_a_use_after_the_term_is_named(tmp_path: Path) -> None:
    log = started(not_after_ms=(specimen.START_S + DAY_S) * 1000)
    log.time_s += 2 * DAY_S
    used(log)
    assert "valid" in broken(opened(log, tmp_path).check_in_log(FIRST))


def test_the_command_ends_with_the_verdict(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    log = started()
    used(log)
    used(log, fen=119)
    path, key = log.export(tmp_path / "bundle"), tmp_path / "space.vkey"
    key.write_bytes((path / "space.vkey").read_bytes())
    one = ["verify", str(path), "--space-key", str(key), "--receipt"]
    assert main([*one, str(FIRST)]) == 0
    assert "BROKEN" not in capsys.readouterr().out
    assert main([*one, str(FIRST + 2), "--html", str(tmp_path / "page.html")]) == 1
    out = capsys.readouterr().out
    assert "BROKEN 违反" in out
    assert Code.PRICE_DIFFERS.value in out
    assert "BROKEN 违反" in (tmp_path / "page.html").read_text(encoding="utf-8")


def test_what_an_erasure_leaf_names_is_not_withheld(tmp_path: Path) -> None:
    """As in the report on the whole log: what is destroyed after its term, a later leaf says."""
    from yanmen.formats.erasure import Erasure
    from yanmen.model.receipt import Stage

    log = started(retention_days=1)
    used(log)
    log.time_s += 3 * DAY_S
    log.append(Stage.ERASURE, {Slot.SUBJECT: Erasure(((FIRST, FIRST + 1),)).json(), Slot.ACTOR: "专管员"})
    kept = {Slot.QUERY, Slot.REQUEST}
    for index in (FIRST, FIRST + 1):
        log.sdjwts[index] = withheld(log.sdjwts[index], kept)
    bundle = opened(log, tmp_path)
    assert [each.code for each in bundle.check(FIRST).findings] == [Code.SLOT_WITHHELD] * 2
    assert bundle.check_in_log(FIRST).findings == ()


def withheld(sdjwt: str, slots: set[Slot]) -> str:
    from yanmen.formats import receipt

    return receipt.present(sdjwt, frozenset(Slot) - slots)
