"""What is awaited is what is called: each method of the asynchronous client has the other's parameters."""

import inspect

import pytest
from yanmen.client.asynchronous import AsyncNode
from yanmen.client.node import Node

OWN = {"call", "explain", "submit", "query"}
"""Those of `Node` take what only questions across nodes need, too."""
NAMES = sorted(name for name in vars(AsyncNode) if not name.startswith("_") and name not in OWN)


@pytest.mark.parametrize("name", NAMES)
def test_parameters_are_the_same(name: str) -> None:
    awaited, called = (list(inspect.signature(getattr(kind, name)).parameters) for kind in (AsyncNode, Node))
    assert awaited == called


def test_everything_about_contracts_can_be_awaited() -> None:
    assert {"request_contract", "amend_contract", "end_contract", "released", "prove_deletion", "balance"} <= set(NAMES)
