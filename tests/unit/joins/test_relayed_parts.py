"""What the consumer carries between departments and aggregators: altered, replayed, in another order, from elsewhere.

Every one ends in a refusal that names a party, and nothing is opened.
"""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from yanmen.crypto.curve25519 import POINT_BYTES
from yanmen.formats import manifest as manifest_format
from yanmen.formats.malformed import Malformed
from yanmen.ledger.join_book import JoinBook
from yanmen.model.joining import Piece
from yanmen.model.refusal import Reason, Refused

from tests.unit.aggregation.parties import evidence, outcome
from tests.unit.joins.alliance import Alliance, allied, flipped
from tests.unit.joins.questions import PAIRS, TRIPLES, truth
from tests.unit.joins.sides import plans

QUESTION = PAIRS[1]


@pytest.fixture
def alliance(tmp_path: Path) -> Iterator[Alliance]:
    """Two departments that have answered."""
    with allied(tmp_path, QUESTION) as made:
        yield made


def refused(error: "pytest.ExceptionInfo[Refused]", who: str) -> None:
    """Require a refusal that names `who`."""
    assert error.value.reason is Reason.MANIFEST_INVALID
    assert who in error.value.detail.subject
    assert error.value.detail.hint_zh


def test_the_whole_way_gives_the_join_and_noise(tmp_path: Path) -> None:
    with allied(tmp_path, TRIPLES[0], seed=3, nodes="abc") as made:
        found = plans(TRIPLES[0], made.sides)
        exact = truth(found[0], TRIPLES[0], made.sides)
        total = made.total()
        # Noise of variance 3: beyond 60 with a probability below 2^-800.
        assert all(abs(value - figure) < 60 for value, figure in zip(total, exact, strict=True))


def test_an_altered_list_is_not_blinded(alliance: Alliance) -> None:
    first, second = alliance.nodes
    data, points = alliance.part(first, "list"), alliance.made[first].points
    swapped = points[POINT_BYTES : 2 * POINT_BYTES] + points[:POINT_BYTES] + points[2 * POINT_BYTES :]
    doubled = points[:POINT_BYTES] + points[:-POINT_BYTES]
    resealed = [alliance.sealed(first, first, second, each) for each in (swapped, doubled)]
    for spoilt in (flipped(data, 0), flipped(data, data.size // 2), flipped(data, -1), *resealed):
        with pytest.raises(Refused) as error:
            alliance.blind(second, first, (), spoilt)
        refused(error, first)
        with pytest.raises(Refused) as missing:
            alliance.part(second, f"tags {first} {alliance.signed.manifest.aggregators[0]}")
        assert missing.value.reason is Reason.DEPOSIT_MISSING
    alliance.blind(second, first, (), data)


def test_points_of_low_order_off_the_curve_or_not_canonical_are_refused(alliance: Alliance) -> None:
    first, second = alliance.nodes
    points = alliance.made[first].points
    zero, one = bytes(POINT_BYTES), (1).to_bytes(POINT_BYTES, "little")
    twist, wrapped = (2).to_bytes(POINT_BYTES, "little"), (2**255 - 19 + 9).to_bytes(POINT_BYTES, "little")
    for point in (zero, one, twist, wrapped):
        with pytest.raises(Refused) as error:
            alliance.blind(second, first, (), alliance.sealed(first, first, second, point + points[POINT_BYTES:]))
        refused(error, "point")


def test_a_list_of_another_department_question_or_order_is_refused(alliance: Alliance, tmp_path: Path) -> None:
    first, second = alliance.nodes
    data = alliance.part(first, "list")
    with pytest.raises(Refused) as error:
        alliance.blind(first, first, (), data)
    refused(error, first)
    word = alliance.blind(second, first, (), data)
    with pytest.raises(Refused) as error:
        alliance.blind(second, first, (word,), data)
    refused(error, first)
    (tmp_path / "other").mkdir()
    with allied(tmp_path / "other", QUESTION) as other:
        theirs = other.shown[other.nodes[0]]
        alliance.shown[first] = replace(theirs, dealer=first)
        with pytest.raises(Refused):
            alliance.blind(second, first, (), other.part(other.nodes[0], "list"))


def test_a_department_that_answers_twice_is_held_to_one_answer(alliance: Alliance) -> None:
    first = alliance.nodes[0]
    to = alliance.signed.manifest.aggregators[0]
    words = alliance.round(first)
    alliance.hand(to, alliance.handed("tags", first, words, alliance.tags(first, to)))
    member = next(node for node in alliance.parties.nodes if node.id == first)
    alliance.shown[first] = evidence(member, outcome(member, alliance.made[first].released.mechanism))
    with pytest.raises(Refused) as error:
        alliance.hand(to, alliance.handed("rows", first, (), alliance.part(first, f"rows {to}")))
    refused(error, f"{first} answered twice")


def test_altered_replayed_or_misdirected_parts_reach_no_aggregator(alliance: Alliance) -> None:
    first, second = alliance.nodes
    one, two, _ = alliance.signed.manifest.aggregators
    words = {of: alliance.round(of) for of in alliance.nodes}
    tags, rows = alliance.tags(first, one), alliance.part(first, f"rows {one}")
    spoilt = [
        alliance.handed("tags", first, words[first], flipped(tags, -1)),  # altered
        alliance.handed("tags", first, words[second], tags),  # with another list's word
        alliance.handed("tags", first, (), tags),  # with none
        alliance.handed("tags", first, words[first], alliance.tags(second, one)),  # another list's
        alliance.handed("tags", first, words[first], alliance.tags(first, two)),  # another aggregator's
        alliance.handed("rows", first, (), flipped(rows, 5000 % rows.size)),
        alliance.handed("rows", first, (), alliance.part(second, f"rows {one}")),
        alliance.handed("places", two, (words[first][0],), tags),
    ]
    for given in spoilt:
        with pytest.raises(Refused) as error:
            alliance.hand(one, given)
        assert error.value.reason is Reason.MANIFEST_INVALID
    with pytest.raises(Refused) as error:
        alliance.matchings[one].match(alliance.peer.party, alliance.token)
    refused(error, first)


def test_places_are_told_only_to_who_found_the_same_rows(alliance: Alliance) -> None:
    alliance.deposit({of: alliance.round(of) for of in alliance.nodes})
    words = alliance.match()
    names = alliance.signed.manifest.aggregators
    assert alliance.match() == words
    with pytest.raises(Refused) as error:
        alliance.gather([words[0], words[0], words[0]])
    assert error.value.reason is Reason.MANIFEST_INVALID
    with pytest.raises(Refused) as error:
        alliance.gather(words)  # before the places came
    refused(error, names[1])
    with pytest.raises(Refused):  # nothing can be certified that was not added up
        alliance.parties.certificates(alliance.signed, alliance.nodes)
    alliance.places(words)
    alliance.gather(words)
    alliance.gather(words)  # again changes nothing
    alliance.opened()


def test_another_member_and_another_time_get_nothing(alliance: Alliance) -> None:
    node, stranger = alliance.nodes[0], alliance.parties.nodes[0]
    with pytest.raises(Refused) as error:
        alliance.departments[node].get(stranger.party, alliance.token, "list", 0)
    assert error.value.reason is Reason.MANIFEST_INVALID
    with alliance.departments[node].book.turn(alliance.signed.sha256, 0) as link:
        assert link.secret()
    alliance.departments[node].book.sweep(2**40)
    with alliance.departments[node].book.turn(alliance.signed.sha256, 0) as link:
        assert not link.secret()
        assert not link.part("list").whole


def test_a_manifest_of_a_join_is_of_all_its_departments(alliance: Alliance) -> None:
    payload = manifest_format.encode(alliance.signed.manifest)
    for name, value in (("multiplicity", 2), ("partition", "home"), ("contributors_least", 1), ("mode", "robust")):
        with pytest.raises(Malformed):
            manifest_format.decode({**payload, name: value})


def test_a_list_goes_on_where_it_broke_off_also_after_a_restart(tmp_path: Path) -> None:
    with allied(tmp_path, QUESTION) as made:
        first, second = made.nodes
        data, half = made.part(first, "list"), 40 * POINT_BYTES
        department = made.departments[second]
        peer = made.peer.party
        given = made.handed("list", first, (), Piece(data.data[:half], data.size))
        assert department.hand(peer, made.token, given) == (half, b"")
        again = replace(department, book=JoinBook(tmp_path / f"{second[-6:-1]}.joins"))
        with again.book:
            assert again.hand(peer, made.token, replace(given, data=b"")) == (half, b"")
            assert again.hand(peer, made.token, given)[0] == half  # begun again, then on
            rest = replace(given, at=half, data=data.data[half:])
            size, word = again.hand(peer, made.token, rest)
            assert (size, bool(word)) == (data.size, True)
            assert again.hand(peer, made.token, rest) == (size, word)  # once whole, the same word
        tags = made.tags(first, made.signed.manifest.aggregators[0])
        middle, one = tags.size // 2, made.signed.manifest.aggregators[0]
        for at, piece in ((0, tags.data[:middle]), (middle, tags.data[middle:])):
            size = made.hand(one, made.handed("tags", first, [word], Piece(piece, tags.size), at))
            assert size == at + len(piece)
        assert made.hand(one, made.handed("tags", first, [word], Piece(b"", tags.size))) == tags.size


def test_nothing_of_a_department_leaves_before_its_outcome_is_on_disk_and_may_be_shown(alliance: Alliance) -> None:
    first = alliance.nodes[0]
    department, peer = alliance.departments[first], alliance.peer.party
    assert department.get(peer, alliance.token, "list", 0).data
    unseen = replace(department, covers=lambda _: False)
    with pytest.raises(Refused) as error:
        unseen.get(peer, alliance.token, "list", 0)
    assert error.value.reason is Reason.NOT_WITNESSED
    with department.book.turn(alliance.signed.sha256, 0) as link:
        link.drop("outcome")
    with pytest.raises(Refused) as error:
        department.get(peer, alliance.token, "list", 0)
    assert error.value.reason is Reason.DEPOSIT_MISSING
