"""The auditor holds the noise promised for shares to the charge at each node."""

from yanmen.formats.dealing import Dealing
from yanmen.formats.question_slots import ReleaseRule, Sensitivity
from yanmen.model.catalogue import DatasetClass
from yanmen.verify import noise


def wrong(multiplicity: int, sigma_squared: tuple[int, ...], micro_rho: int) -> list[str]:
    """Return what is found of a dealing under a rule of two aggregates of sensitivity 1 and 100."""
    rule = ReleaseRule(DatasetClass.PERSONAL, 10, (Sensitivity("a0", 1), Sensitivity("a1", 100)))
    said = Dealing("0" * 64, multiplicity, sigma_squared, bytes(32), (bytes(32),) * 3)
    return list(noise.differences(rule, micro_rho, 0, said.text()))


def test_noise_is_held_to_the_charge_to_the_last_unit() -> None:
    # 9 * 1 / (2 * 450) + 9 * 100 / (2 * 45000) = 0.02
    assert wrong(3, (450, 45_000), 20_000) == []
    assert wrong(3, (450, 44_999), 20_000) == ["sigma_squared"]
    assert wrong(3, (449, 45_000), 20_000) == ["sigma_squared"]
    assert wrong(4, (450, 45_000), 20_000) == ["sigma_squared"]
    assert wrong(3, (450, 45_000), 19_999) == ["sigma_squared"]
    assert wrong(3, (450,), 20_000) == ["aggregates"]


def test_a_line_that_is_no_dealing_is_found() -> None:
    rule = ReleaseRule(DatasetClass.PERSONAL, 10, ())
    assert list(noise.differences(rule, 1, 0, "additive-shares-1 of nothing")) == ["mechanism"]
