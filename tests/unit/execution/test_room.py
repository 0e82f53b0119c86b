"""What the nodes of one process share: room for waiting workers; and what one tenant need not ask twice."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from yanmen.crypto.system import SystemRandomness
from yanmen.execution import profiles
from yanmen.execution.jail import JailRunner, Shared
from yanmen.execution.launcher import Launcher
from yanmen.execution.tenancy import KNOWN_LENGTH_MAX, KNOWN_MAX, TenantRunner
from yanmen.execution.waiting import Room
from yanmen.execution.zygote import Zygote
from yanmen.model.config import NodeLimits
from yanmen.model.ports import TableShape, Tenant

SHAPE = TableShape("s0", (("i", "BIGINT"),))


@pytest.fixture(scope="module")
def zygote() -> Iterator[Zygote]:
    found = profiles.zygote("landlock")
    yield found
    found.close()


@pytest.fixture
def nodes(tmp_path: Path, zygote: Zygote) -> Iterator[list[JailRunner]]:
    """Three nodes of one process with room for four waiting workers."""
    room, made = Room(4), []
    for at in range(3):
        folder = tmp_path / f"n{at}"
        folder.mkdir()
        made.append(JailRunner(folder, b"k" * 32, SystemRandomness(), NodeLimits(), Launcher(zygote)))
        made[-1].adopt(Shared(None, room))
    yield made
    for node in made:
        node.close()


def tenant(node: JailRunner, name: str = "lab") -> TenantRunner:
    found = node.within(Tenant(name, "one"))
    assert isinstance(found, TenantRunner)
    return found


def waiting(nodes: list[JailRunner]) -> list[int]:
    return [len(node._tenancy.waiting.pids()) for node in nodes]


def test_the_workers_of_all_nodes_wait_in_one_room_and_the_oldest_go(nodes: list[JailRunner]) -> None:
    for node in nodes:
        tenant(node).vet("SELECT 1")
        tenant(node).bind((SHAPE,), 'SELECT "i" FROM "s0"."data"')
    assert waiting(nodes) == [0, 2, 2]
    tenant(nodes[0]).vet("SELECT 2")
    assert waiting(nodes) == [1, 1, 2]


def test_a_worker_in_use_takes_no_room_and_one_that_ended_leaves_it(nodes: list[JailRunner]) -> None:
    for node in nodes[:2]:
        tenant(node).vet("SELECT 1")
        tenant(node).bind((SHAPE,), 'SELECT "i" FROM "s0"."data"')
    nodes[0].close()
    tenant(nodes[2]).vet("SELECT 1")
    tenant(nodes[2]).vet("SELECT 2")
    assert waiting(nodes) == [0, 2, 1]
    assert len(nodes[1]._tenancy.waiting._room._held) == 3


def test_what_was_parsed_for_a_tenant_is_not_parsed_again_for_it_nor_told_to_another(nodes: list[JailRunner]) -> None:
    node = nodes[0]
    first = tenant(node).vet("SELECT 1")
    worker = node._tenancy.waiting.pids()
    nodes[0]._tenancy.waiting.dismiss(node._tenancy.waiting._idle[0])
    assert tenant(node).vet("SELECT 1") == first
    assert node._tenancy.waiting.pids() == ()
    assert tenant(node, "other").vet("SELECT 1") == first
    assert node._tenancy.waiting.pids() not in ((), worker)


def test_little_is_kept(nodes: list[JailRunner]) -> None:
    node, known = nodes[0], nodes[0]._tenancy.known
    for number in range(KNOWN_MAX + 3):
        tenant(node).vet(f"SELECT {number}")
    assert len(known._replies) == KNOWN_MAX
    tenant(node).vet("SELECT " + " + ".join(["1"] * 700))
    assert all(len(reply) <= KNOWN_LENGTH_MAX for reply in known._replies.values())
