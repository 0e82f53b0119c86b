"""What a developer learns together with one department: nothing of who is in another's table, and nothing of sizes."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest
from yanmen.crypto import blinding, joined, packets
from yanmen.crypto.envelopes import Opener
from yanmen.formats.malformed import Malformed

from tests.attacks import joined_views
from tests.attacks.joined_views import told_apart
from tests.unit.joins.alliance import Alliance, allied
from tests.unit.joins.questions import PAIRS, TRIPLES
from tests.unit.joins.sides import TABLES, Side

POINT = 32
CELLS = {"a": ("old", "f", 40), "b": ("hdl", Decimal("5.0")), "c": ("htn",)}
Carried = dict[tuple[str, str], bytes]
"""What went through the developer's hands: who made it, how it is called, its bytes."""


def carried(alliance: Alliance) -> Carried:
    """Go the whole way and return all that departments and aggregators handed to the developer."""
    found, aggregators = Carried(), alliance.signed.manifest.aggregators
    words = {of: alliance.round(of) for of in alliance.nodes}
    alliance.deposit(words)
    for of in alliance.nodes:
        stops = joined.way(of, alliance.signed)
        found[of, "list"] = alliance.part(of, "list").data
        for stop in stops[:-1]:
            found[stop, f"given {of}"] = alliance.part(stop, f"given {of}").data
        for to in aggregators:
            found[of, f"rows {to}"] = alliance.part(of, f"rows {to}").data
            found[stops[-1], f"tags {of} {to}"] = alliance.tags(of, to).data
    alliance.match()
    for sender in aggregators:
        for to in aggregators:
            if to != sender:
                piece = alliance.matchings[sender].get(alliance.peer.party, alliance.token, to, 0)
                found[sender, f"places {to}"] = piece.data
                assert len(piece.data) == piece.size
    return found


def opened(alliance: Alliance, seen: Mapping[tuple[str, str], bytes], node: str) -> dict[tuple[str, str], bytes]:
    """Return the lists that developer and department come to together: those in the clear, those sealed for it."""
    with alliance.departments[node].book.turn(alliance.signed.sha256, 0) as link:
        openers = [Opener(key) for key in link.envelope_keys()]
    lists = {}
    for (by, name), data in seen.items():
        if name != "list" and not name.startswith("given"):
            continue
        of = by if name == "list" else name.removeprefix("given ")
        points = data if len(data) % POINT == 0 and _are_points(data) else b""
        for opener in openers:
            try:
                points = packets.open_packet(
                    data, opener, packets.place(alliance.signed.sha256, f"list {of}", by, node)
                )
            except Malformed:
                continue
        if points:
            lists[by, of] = points
    return lists


def _are_points(data: bytes) -> bool:
    try:
        blinding.blind_again(bytes(32), data)
    except Malformed:
        return False
    return True


def _each(data: bytes) -> set[bytes]:
    return {data[at : at + POINT] for at in range(0, len(data), POINT)}


def learned(alliance: Alliance, seen: Carried, node: str) -> int:
    """Return how many points of two lists are alike, as they came or under the department's own secret again."""
    secret, lists = alliance.made[node].secret, opened(alliance, seen, node)
    own = alliance.made[node].points
    views = [own, blinding.blind_again(secret, own)]
    for points in lists.values():
        views += [points, blinding.blind_again(secret, points)]
    alike = 0
    for at, one in enumerate(views):
        alike += sum(len(_each(one) & _each(other)) for other in views[at + 1 :] if other != one)
    return alike


@contextmanager
def _answered(
    root: Path, question: str, nodes: str, tables: tuple[Side, ...] = ()
) -> Iterator[tuple[Alliance, Carried]]:
    root.mkdir(exist_ok=True)
    with allied(root, question, seed=3, nodes=nodes, tables=tables) as alliance:
        yield alliance, carried(alliance)


@pytest.fixture(scope="module", params=["ab", "abc"])
def answered(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Alliance, Carried]]:
    """Two departments, and three, whose question was answered under the developer's eyes."""
    nodes = str(request.param)
    question = PAIRS[1] if nodes == "ab" else TRIPLES[0]
    with _answered(tmp_path_factory.mktemp("coalition") / nodes, question, nodes) as found:
        yield found


def test_developer_and_department_cannot_tell_who_is_in_another_s_table(answered: tuple[Alliance, Carried]) -> None:
    alliance, seen = answered
    for node in alliance.nodes:
        theirs = opened(alliance, seen, node)
        # Each other list is opened once, on its way through this department, unless it is a pair's only stop.
        assert sorted(of for _, of in theirs) == [other for other in alliance.nodes if other != node]
        assert learned(alliance, seen, node) == 0


def test_the_attack_finds_the_persons_where_lists_go_round_in_the_clear(answered: tuple[Alliance, Carried]) -> None:
    """The control: with the lists of three departments in the clear, whoever has a secret of theirs compares."""
    alliance, seen = answered
    clear = dict(seen)
    for node in alliance.nodes:
        for (by, of), points in opened(alliance, seen, node).items():
            clear[by, "list" if by == of else f"given {of}"] = points
    found = {learned(alliance, clear, node) for node in alliance.nodes}
    assert found == {0} if len(alliance.nodes) == 2 else min(found) > 0


def test_what_developer_and_department_see_is_made_of_lengths_alone(answered: tuple[Alliance, Carried]) -> None:
    alliance, seen = answered
    for node in alliance.nodes:
        theirs = b"".join(opened(alliance, seen, node).values())
        made = joined_views.simulated_points(len(theirs) // POINT)
        assert told_apart(joined_views.points(theirs), joined_views.points(made)) == {}


def test_all_a_developer_carries_is_like_random_bytes(answered: tuple[Alliance, Carried]) -> None:
    _, seen = answered
    content = b"".join(data[4:] for data in seen.values())  # the first four say how long the envelope is
    content = content[: len(content) // 16 * 16]
    made = joined_views.RANDOM.token(len(content))
    heads = content.count(b"yanmen-sealed-1\n")
    assert heads == len(seen)
    content = content.replace(b"yanmen-sealed-1\n", b"")
    content = content[: len(content) // 16 * 16]
    assert told_apart(joined_views.tags(content), joined_views.tags(made)) == {}


@pytest.mark.parametrize("nodes", ["ab", "abc"])
def test_everything_a_developer_carries_is_as_long_whoever_met(tmp_path: Path, nodes: str) -> None:
    """Everybody meets, nobody does, one department's table is empty: the same bytes to carry."""
    question = PAIRS[1] if nodes == "ab" else TRIPLES[0]
    some = tuple(Side(node, TABLES[node], [(who, *CELLS[node]) for who in range(10)]) for node in nodes)
    tables = {
        "all": some,
        "none": tuple(replace(side, rows=[]) for side in some),
        "one empty": (replace(some[0], rows=[]), *some[1:]),
    }
    sizes, met = [], []
    for name, given in tables.items():
        with _answered(tmp_path / name.replace(" ", "-"), question, nodes, given) as (alliance, seen):
            short = {one: str(at) for at, one in enumerate([*alliance.nodes, *alliance.signed.manifest.aggregators])}
            sizes.append({(short[by], name.split(" ")[0]): len(data) for (by, name), data in seen.items()})
            matching = next(iter(alliance.matchings.values()))
            with matching.book.turn(alliance.signed.sha256, 0) as link:
                met.append(link.part("met").size)
    assert len(set(met)) > 1
    assert sizes[0] == sizes[1] == sizes[2]
