"""What the tests of five aggregators share: the figures they deal, and how a refusal is read."""

from collections.abc import Callable

import pytest
from yanmen.model.federation import SignedManifest
from yanmen.model.refusal import Reason, Refused

from tests.unit.aggregation.parties import Parties

VALUES = (5, -3, 2**40, 0)


def put(five: Parties, signed: SignedManifest) -> list[str]:
    """Deposit VALUES of each node and all noise; return the nodes' ids."""
    for node in five.nodes:
        five.deposit(signed, *five.deal(node, signed, VALUES))
    five.noise(signed)
    return [node.id for node in five.nodes]


def refused(reason: Reason, subject: str, call: Callable[[], object]) -> None:
    """Require that `call` is refused for `reason`, naming `subject` somewhere."""
    with pytest.raises(Refused) as found:
        call()
    assert found.value.reason is reason
    assert subject in found.value.detail.subject + found.value.detail.hint_en
