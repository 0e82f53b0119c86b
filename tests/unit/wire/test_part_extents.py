"""Sizes and places in parts of a join that no part has: refused by name before anybody keeps or looks for them."""

from typing import TYPE_CHECKING

import grpc
import pytest
from yanmen.formats.malformed import Malformed
from yanmen.wire import gate, join_service
from yanmen.wire.v1 import join_pb2, match_pb2

from tests.unit.wire.test_wire_hostile import raw_call, reason

if TYPE_CHECKING:
    from tests.unit.wire.conftest import Site

BEYOND = (2**40 + 1, 2**63 - 1, 2**63, 2**64 - 1)


@pytest.mark.parametrize("at", BEYOND)
def test_a_department_hands_out_nothing_from_beyond_any_part(site: "Site", at: int) -> None:
    body = join_pb2.GetPartRequest(manifest=b"m", name="list", at=at).SerializeToString()
    with site.channel("developer") as channel, pytest.raises(grpc.RpcError) as error:
        raw_call(channel, "/yanmen.wire.v1.JoinService/GetPart", body)
    assert reason(error) == "REQUEST_MALFORMED"


@pytest.mark.parametrize("at", BEYOND)
@pytest.mark.parametrize("member", ["size", "at"])
def test_a_department_takes_no_piece_that_lies_there(site: "Site", member: str, at: int) -> None:
    handed = join_pb2.Handed(name="list", of="o", data=b"d", words=[], sdjwt="s", proof="p")
    setattr(handed, member, at)
    body = join_pb2.BlindRequest(manifest=b"m", handed=handed).SerializeToString()
    with site.channel("developer") as channel, pytest.raises(grpc.RpcError) as error:
        raw_call(channel, "/yanmen.wire.v1.JoinService/Blind", body)
    assert reason(error) == "REQUEST_MALFORMED"


class _Nobody:
    """An aggregator that must not be asked."""

    def get(self, *_: object) -> None:
        """Fail."""
        raise AssertionError

    hand = get


@pytest.mark.parametrize("at", BEYOND)
def test_nor_does_an_aggregator(site: "Site", at: int) -> None:
    found = join_service.Matches(_Nobody())  # type: ignore[arg-type]
    token = gate.CALLER.set(site)  # type: ignore[arg-type]
    try:
        with pytest.raises(Malformed):
            found.GetPlaces(match_pb2.GetPlacesRequest(manifest=b"m", to="t", at=at), None)  # type: ignore[arg-type]
        handed = join_pb2.Handed(name="rows", of="o", at=at)
        with pytest.raises(Malformed):
            found.Hand(match_pb2.HandRequest(manifest=b"m", handed=handed), None)  # type: ignore[arg-type]
    finally:
        gate.CALLER.reset(token)
