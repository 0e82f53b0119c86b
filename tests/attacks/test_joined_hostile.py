"""A department, an aggregator, a developer that do to a join what they can with what is theirs: keys, lists, calls."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from yanmen.crypto import blinding, documents, joined, packets, row_shares
from yanmen.crypto.curve25519 import POINT_BYTES
from yanmen.disclosure.joining import Blinded
from yanmen.formats import joining, row_share
from yanmen.model.joining import Piece
from yanmen.model.refusal import Reason, Refused

from tests.unit.aggregation.parties import RANDOM, evidence, outcome
from tests.unit.joins.alliance import Alliance, allied
from tests.unit.joins.questions import PAIRS

QUESTION = PAIRS[1]


@pytest.fixture
def alliance(tmp_path: Path) -> Iterator[Alliance]:
    """Two departments that have answered."""
    with allied(tmp_path, QUESTION) as made:
        yield made


def answer_with(alliance: Alliance, node: str, points: bytes, rows: tuple[bytes, ...]) -> None:
    """Have a department that follows no protocol sign and keep what it likes instead of its list and shares."""
    made = alliance.made[node]
    word = replace(
        joining.read(made.released.mechanism),
        list_sha256=bytes.fromhex(joined.digest(points)),
        rows=row_shares.digests(rows),
    )
    member = next(one for one in alliance.parties.nodes if one.id == node)
    settled = outcome(member, word.text())
    alliance.shown[node] = evidence(member, settled)
    alliance.made[node] = Blinded(replace(made.released, mechanism=word.text()), made.secret, made.salt, points, rows)
    with alliance.departments[node].book.turn(alliance.signed.sha256, 0) as link:
        link._db.execute("UPDATE link SET salt = x'' WHERE manifest = ?", (alliance.signed.sha256,))
    alliance.departments[node].keep(alliance.made[node], alliance.signed, alliance.keys(node))
    alliance.departments[node].release(alliance.signed, settled.index)


def refused(error: "pytest.ExceptionInfo[Refused]", who: str) -> None:
    assert error.value.reason is Reason.MANIFEST_INVALID
    assert who in error.value.detail.subject


# A department ------------------------------------------------------------------------------------


def test_a_department_that_lists_a_person_twice_is_named(alliance: Alliance) -> None:
    """Each of two like points would meet the other's one row: a figure counted as often as it likes."""
    node, points = alliance.nodes[1], alliance.made[alliance.nodes[1]].points
    answer_with(alliance, node, points[:POINT_BYTES] + points[:-POINT_BYTES], alliance.made[node].rows)
    alliance.deposit({of: alliance.round(of) for of in alliance.nodes})
    with pytest.raises(Refused) as error:
        alliance.match()
    refused(error, node)


def test_a_department_that_lists_more_than_its_receipt_or_the_other_way_round_is_named(alliance: Alliance) -> None:
    node, made = alliance.nodes[0], alliance.made[alliance.nodes[0]]
    answer_with(alliance, node, made.points + made.points[:POINT_BYTES], made.rows)
    with pytest.raises(Refused) as error:
        alliance.round(node)
    refused(error, node)
    answer_with(alliance, node, made.points[:-POINT_BYTES], made.rows)
    data = alliance.part(node, "list")
    size, word = alliance.departments[alliance.nodes[1]].hand(
        alliance.peer.party, alliance.token, alliance.handed("list", node, (), data)
    )
    assert (size, word) == (data.size, b"")  # never whole


def test_a_department_whose_rows_are_in_no_group_ends_the_question(alliance: Alliance) -> None:
    node, made = alliance.nodes[1], alliance.made[alliance.nodes[1]]
    opened = [row_shares.expand(row_share.decode(share)) for share in made.rows]
    places = sum((place for place, _ in opened[1:]), start=opened[0][0].copy()) + np.uint32(1 << 20)
    values = sum((value for _, value in opened[1:]), start=opened[0][1].copy())
    answer_with(alliance, node, made.points, row_shares.split(places, values, RANDOM))
    alliance.deposit({of: alliance.round(of) for of in alliance.nodes})
    words = alliance.match()
    alliance.places(words)
    with pytest.raises(Refused) as error:
        alliance.gather(words)
    refused(error, node)
    with pytest.raises(Refused):
        alliance.parties.certificates(alliance.signed, alliance.nodes)


def test_a_department_that_takes_another_s_points_for_its_own_meets_nothing_of_them(alliance: Alliance) -> None:
    """Under both secrets its copy is H(x)^aa, the other's list H(x)^ab: to meet a row one must know who it is."""
    first, second = alliance.nodes
    copied, own = alliance.made[first].points, alliance.made[second]
    items = len(own.points)
    points = (copied + own.points)[-items:] if len(copied) < items else copied[:items]
    answer_with(alliance, second, points, own.rows)
    alliance.deposit({of: alliance.round(of) for of in alliance.nodes})
    alliance.match()
    one = alliance.signed.manifest.aggregators[0]
    with alliance.matchings[one].book.turn(alliance.signed.sha256, 0) as link:
        met = len(b"".join(link.pieces("met"))) // 8
    assert met <= max(0, items - len(copied)) // POINT_BYTES


def test_a_list_that_meets_nothing_is_no_answer_of_zeros(alliance: Alliance) -> None:
    """Canaries of a group cancel out: without any of them the total would be in its range."""
    first, second = alliance.nodes
    own = alliance.made[second]
    others = b"".join(blinding.blind(own.secret, [b"x%d" % at for at in range(len(own.points) // POINT_BYTES)]))
    answer_with(alliance, second, others, own.rows)
    alliance.deposit({of: alliance.round(of) for of in alliance.nodes})
    words = alliance.match()
    alliance.places(words)
    with pytest.raises(Refused) as error:
        alliance.gather(words)
    refused(error, first)
    assert "canaries" in error.value.detail.subject


# An aggregator -----------------------------------------------------------------------------------


def test_an_aggregator_that_says_other_rows_met_is_the_one_that_is_named(alliance: Alliance) -> None:
    alliance.deposit({of: alliance.round(of) for of in alliance.nodes})
    words = alliance.match()
    alliance.places(words)
    names = alliance.signed.manifest.aggregators
    for at, name in enumerate(names):
        signer = next(one.signer for one in alliance.parties.aggregators if one.id == name)
        said = joined.matched(name, words[at], alliance.signed, alliance.parties.register)
        for lie in (replace(said, matched="0" * 64), replace(said, places="0" * 64)):
            told = [documents.sign_matched(lie, signer) if place == at else word for place, word in enumerate(words)]
            for to in names:
                with pytest.raises(Refused) as error:
                    alliance.matchings[to].gather(alliance.peer.party, alliance.token, told)
                refused(error, name)
                assert sum(one in error.value.detail.subject for one in names) == 1


def test_an_aggregator_that_tells_other_places_than_it_signed_is_named(alliance: Alliance) -> None:
    alliance.deposit({of: alliance.round(of) for of in alliance.nodes})
    words = alliance.match()
    liar, to, _ = alliance.signed.manifest.aggregators
    key = alliance.signed.keys[1]
    with alliance.matchings[liar].book.turn(alliance.signed.sha256, 0) as link:
        own = b"".join(link.pieces("own places"))
    place = packets.place(alliance.signed.sha256, "places", liar, to)
    for content in (own[4:] + own[:4], own[:-4], own + own[:4], b""):
        lie = packets.seal(key, content, place, RANDOM)
        with pytest.raises(Refused) as error:
            alliance.hand(to, alliance.handed("places", liar, (words[0],), Piece(lie, len(lie))))
        refused(error, liar)


# A developer -------------------------------------------------------------------------------------


def test_a_developer_is_handed_sealed_parts_and_nothing_else(alliance: Alliance) -> None:
    """What others sealed for an aggregator lies open in its book, secrets in a department's: no name reaches them."""
    alliance.deposit({of: alliance.round(of) for of in alliance.nodes})
    alliance.places(alliance.match())
    names, peer = alliance.signed.manifest.aggregators, alliance.peer.party
    for me in names:
        with alliance.matchings[me].book.turn(alliance.signed.sha256, 0) as link:
            there = {row[0] for row in link._db.execute("SELECT name FROM part")}
        assert any(name.startswith("places of") for name in there)
        for wanted in (*there, *(name.removeprefix("places ") for name in there), me, "", "%", alliance.nodes[0]):
            if wanted in names and wanted != me:
                continue
            with pytest.raises(Refused):
                alliance.matchings[me].get(peer, alliance.token, wanted, 0)
    for node in alliance.nodes:
        for wanted in (
            "outcome",
            "secret",
            "salt",
            f"taken {alliance.nodes[0]}",
            f"key {alliance.nodes[1]}",
            "",
            "%",
            "rows",
            f"rows {node}",
        ):
            with pytest.raises(Refused) as error:
                alliance.departments[node].get(peer, alliance.token, wanted, 0)
            assert error.value.reason is Reason.MANIFEST_INVALID


def test_what_a_developer_is_handed_again_is_what_was_handed_before(alliance: Alliance) -> None:
    """Asked twice, nothing is shared or blinded afresh: two sharings or two noises of one thing tell more than one."""
    words = {of: alliance.round(of) for of in alliance.nodes}
    assert {of: alliance.round(of) for of in alliance.nodes} == words
    for of in alliance.nodes:
        for to in alliance.signed.manifest.aggregators:
            assert alliance.part(of, f"rows {to}") == alliance.part(of, f"rows {to}")
            assert alliance.tags(of, to) == alliance.tags(of, to)
    alliance.deposit(words)
    assert alliance.match() == alliance.match()
