"""7.6b 使用安全: 隐私保护计算、数据沙箱、密态计算 — noise, a closed sandbox, and sums of nodes over secret shares."""

from pathlib import Path

from yanmen.crypto import federated, sharing
from yanmen.crypto.system import SystemRandomness

from tests.conformance.department import PERSONS, Department
from tests.system.town import done
from tests.unit.aggregation.parties import gathered


def test_privacy_preserving_computation_the_same_question_never_averages_noise_away(department: Department) -> None:
    """隐私保护计算: differential privacy; asked again, the same figure at no charge."""
    first, second = (department.ask(PERSONS)[1] for _ in range(2))
    assert first["rows"] == second["rows"]
    assert first["width"]["n"][0] > 0
    assert second["repeated"] is True
    assert second["price_fen"] == 0


def test_computing_on_ciphertext_nobody_sees_a_figure_but_the_total(tmp_path: Path) -> None:
    """密态计算: nodes' figures in shares for three real aggregators; what is opened is the noised total alone."""
    figures = {0: (5, -3), 1: (7, 2**40), 2: (9, 0)}
    with gathered(tmp_path) as parties:
        signed = parties.manifest(cells=2)
        for at, node in enumerate(parties.nodes):
            parties.deposit(signed, *parties.deal(node, signed, figures[at]))
        parties.noise(signed)
        opening = parties.open(signed, parties.certificates(signed, [node.id for node in parties.nodes]))
        totals = federated.total(opening, signed, parties.register)
    shares = [list(map(int, sharing.expand(part)[0])) for part in sharing.split(figures[0], 1, 3, SystemRandomness())]
    assert all(set(share).isdisjoint(figures[0]) for share in shares), "no share is a figure"
    exact = [sum(each) for each in zip(*figures.values(), strict=True)]
    # Three draws of variance 4: beyond 60 with probability far below 1e-60.
    assert all(abs(total - sum_) < 60 for total, sum_ in zip(totals, exact, strict=True))


def test_data_sandbox_nothing_in_it_gets_out() -> None:
    """数据沙箱: the escapes that a node tries before it serves, by real workers; none succeeds."""
    found = done("check", "sandbox", "--verbose")
    assert any(layer.startswith("seccomp:") for layer in found["layers"])
