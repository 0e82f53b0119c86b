"""Every message of a join across nodes, to every party: altered, cut, lengthened, reordered, replayed, left out.

One question of three departments is carried step by step by a developer who tries each of these before handing on
what is right. Every try must end in a refusal that names whose part does not hold, and in the end the total must be
the join: no try leaves anything behind.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import ParamSpec

import pytest
from yanmen.crypto import documents, federated, joined, manifests
from yanmen.crypto.signatures import BadSignature
from yanmen.formats.malformed import Malformed
from yanmen.model.federation import OpenedSum, Opening, SignedManifest
from yanmen.model.joining import Handed, Piece
from yanmen.model.refusal import Reason, Refused

from tests.unit.joins.alliance import Alliance, allied
from tests.unit.joins.questions import TRIPLES, truth
from tests.unit.joins.sides import plans

QUESTION = TRIPLES[0]
CLOSED = {Reason.MANIFEST_INVALID, Reason.DEPOSIT_MISSING}
BLOCK = 32
P = ParamSpec("P")


@dataclass
class Relay:
    """Carries one question, and counts what it tried."""

    alliance: Alliance
    again: SignedManifest
    tried: int = 0
    wrong: list[str] = field(default_factory=list)

    def refused(self, what: str, party: str, call: Callable[P, object], *args: P.args, **named: P.kwargs) -> None:
        """Try `call`, which must be refused and name `party`."""
        self.tried += 1
        try:
            call(*args, **named)
        except Refused as refusal:
            if refusal.reason not in CLOSED:
                self.wrong.append(f"{what}: {refusal.reason}")
            elif party not in refusal.detail.subject:
                self.wrong.append(f"{what}: blames {refusal.detail.subject}, not {party}")
            return
        self.wrong.append(f"{what}: accepted")

    def list_(self, stop: str, handed: Handed, token: bytes = b"") -> object:
        """Hand a list to a department, and ask for what comes of it where it is not said to be whole."""
        department, peer = self.alliance.departments[stop], self.alliance.peer.party
        _, word = department.hand(peer, token or self.alliance.token, handed)
        return word or department.get(peer, self.alliance.token, f"given {handed.of}", 0)


def spoilt(data: Piece) -> Iterator[tuple[str, Piece]]:
    """Yield what can be done to the bytes of a part."""
    raw, size = data.data, data.size
    for where, at in (("first", 0), ("middle", size // 2), ("last", size - 1)):
        yield f"{where} byte altered", Piece(raw[:at] + bytes([raw[at] ^ 1]) + raw[at + 1 :], size)
    yield "cut", Piece(raw[:-BLOCK], size - BLOCK)
    yield "lengthened", Piece(raw + raw[:BLOCK], size + BLOCK)
    yield "reordered", Piece(raw[BLOCK : 2 * BLOCK] + raw[:BLOCK] + raw[2 * BLOCK :], size)
    yield "repeated", Piece(raw[:BLOCK] + raw[:-BLOCK], size)
    yield "of nothing", Piece(bytes(size), size)


def flipped(token: bytes) -> bytes:
    """Return a signed word with one character of its signature changed."""
    at = len(token) - 20
    return token[:at] + (b"A" if token[at : at + 1] != b"A" else b"B") + token[at + 1 :]


@pytest.fixture(scope="module")
def relay(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Relay]:
    """Three departments that answered one question; and a manifest of the same question asked again."""
    with allied(tmp_path_factory.mktemp("relay"), QUESTION, seed=3, nodes="abc") as made:
        like = replace(made.signed.manifest, jti="e" * 32)
        token = documents.sign_manifest(like, made.parties.consumer.signer)
        yield Relay(made, manifests.read(token, made.parties.register))


def test_whatever_is_done_to_any_message_is_refused_and_named_and_leaves_nothing(relay: Relay) -> None:
    alliance = relay.alliance
    words = {of: _round(relay, of) for of in alliance.nodes}
    _deposits(relay, words)
    said = _matches(relay)
    _places(relay, said)
    _gathers(relay, said)
    total = _opens(relay)
    assert relay.wrong == [], "\n".join(relay.wrong)
    assert relay.tried > 500
    exact = truth(plans(QUESTION, alliance.sides)[0], QUESTION, alliance.sides)
    # Noise of variance 3: beyond 60 with a probability below 2^-800.
    assert all(abs(value - figure) < 60 for value, figure in zip(total, exact, strict=True))


def _round(relay: Relay, of: str) -> list[bytes]:
    """Carry a list round, each time with everything wrong first."""
    alliance, words = relay.alliance, list[bytes]()
    other = next(name for name in alliance.nodes if name != of)
    data = alliance.part(of, "list")
    for stop in joined.way(of, alliance.signed):
        last = joined.way(of, alliance.signed)[len(words) - 1] if words else of
        right = alliance.handed("list", of, words, data)
        for what, piece in spoilt(data):
            named = of if what == "cut" else last
            tampered = replace(right, data=piece.data, size=piece.size)
            relay.refused(f"list, {what}", named, relay.list_, stop, tampered)
        for what, named, tampered in (
            *_receipts(alliance, right, other),
            ("to one who blinds it later or never", of, replace(right, words=(b"x",) * 2)),
            ("with its last word left out", of, replace(right, words=tuple(words[:-1]))),
            ("with an altered word", last, replace(right, words=(*words[:-1], *map(flipped, words[-1:])))),
        ):
            if words or "word" not in what:
                relay.refused(f"list, {what}", named, relay.list_, stop, tampered)
        for what, named, token in _manifests(relay, of):
            relay.refused(f"list, {what}", named, relay.list_, stop, right, token)
        relay.refused("list, of the receiver", stop, relay.list_, stop, replace(right, of=stop))
        word = alliance.blind(stop, of, words, data)
        words.append(word)
        assert alliance.blind(stop, of, words[:-1], data) == word  # handed twice
        if len(words) < 2:
            data = alliance.part(stop, f"given {of}")
    return words


def _receipts(alliance: Alliance, right: Handed, other: str) -> Iterator[tuple[str, str, Handed]]:
    """Yield parts with a receipt that is not that of what they are."""
    at = right.sdjwt.index(".") + 20
    letter = "A" if right.sdjwt[at] != "A" else "B"
    yield "receipt altered", right.of, replace(right, sdjwt=right.sdjwt[:at] + letter + right.sdjwt[at + 1 :])
    yield "receipt of another", right.of, replace(right, sdjwt=alliance.shown[other].sdjwt)
    yield "receipt left out", right.of, replace(right, sdjwt="")
    yield "proof of another", right.of, replace(right, proof=alliance.shown[other].proof)
    yield "proof left out", right.of, replace(right, proof="")
    yield "of a stranger", "stranger", replace(right, of="stranger")


def _manifests(relay: Relay, of: str) -> Iterator[tuple[str, str, bytes]]:
    """Yield manifests under which a part is replayed."""
    yield "under an altered manifest", relay.alliance.peer.id, flipped(relay.alliance.token)
    yield "under another manifest of the same question", of, relay.again.token
    yield "under none", relay.alliance.peer.id, b"x"


def _deposits(relay: Relay, words: dict[str, list[bytes]]) -> None:
    """Hand every aggregator every part, with everything wrong first."""
    alliance = relay.alliance
    for to in alliance.signed.manifest.aggregators:
        for of in alliance.nodes:
            last, other = joined.way(of, alliance.signed)[-1], next(name for name in alliance.nodes if name != of)
            elsewhere = next(name for name in alliance.signed.manifest.aggregators if name != to)
            tags, rows = alliance.tags(of, to), alliance.part(of, f"rows {to}")
            right = alliance.handed("tags", of, words[of], tags)
            for what, named, tampered in (
                *_parts("tags", last, right, (alliance.tags(other, to), alliance.tags(of, elsewhere))),
                *_receipts(alliance, right, other),
                ("tags, no words", of, replace(right, words=())),
                ("tags, a word left out", of, replace(right, words=right.words[:1])),
                ("tags, words reordered", "", replace(right, words=right.words[::-1])),
                ("tags, words of another list", "", replace(right, words=tuple(words[other]))),
                ("tags, a word altered", last, replace(right, words=(right.words[0], flipped(right.words[1])))),
                ("tags, as rows", of, replace(right, name="rows", words=())),
                ("tags, as what is none", of, replace(right, name="secrets")),
            ):
                relay.refused(what, named, _handed, relay, to, tampered)
            theirs = (alliance.part(other, f"rows {to}"), alliance.part(of, f"rows {elsewhere}"))
            right_rows = alliance.handed("rows", of, (), rows)
            for what, named, tampered in (
                *_parts("rows", of, right_rows, theirs),
                *_receipts(alliance, right_rows, other),
                ("rows, as tags", of, replace(right_rows, name="tags")),
            ):
                relay.refused(what, named, _handed, relay, to, tampered)
            for what, named, token in _manifests(relay, of):
                relay.refused(f"rows, {what}", named, _handed, relay, to, right_rows, token)
            relay.refused("rows that met, before all is there", "", _matched, relay, to)
            assert alliance.hand(to, right) == tags.size
            if of == alliance.nodes[0]:
                relay.refused(f"rows of {of} left out", of, _matched, relay, to)
            assert alliance.hand(to, right_rows) == alliance.hand(to, right_rows) == rows.size


def _parts(name: str, named: str, right: Handed, others: Sequence[Piece]) -> Iterator[tuple[str, str, Handed]]:
    for what, piece in spoilt(Piece(right.data, right.size)):
        yield f"{name}, {what}", named, replace(right, data=piece.data, size=piece.size)
    for piece in others:
        yield f"{name}, of another party", named, replace(right, data=piece.data, size=piece.size)
    yield f"{name}, said to be longer", named, replace(right, size=2**40)


def _handed(relay: Relay, to: str, handed: Handed, token: bytes = b"") -> object:
    peer = relay.alliance.peer.party
    return relay.alliance.matchings[to].hand(peer, token or relay.alliance.token, handed)


def _matched(relay: Relay, to: str) -> object:
    return relay.alliance.matchings[to].match(relay.alliance.peer.party, relay.alliance.token)


def _matches(relay: Relay) -> list[bytes]:
    alliance = relay.alliance
    for name in alliance.signed.manifest.aggregators:
        for what, named, token in _manifests(relay, alliance.nodes[0]):
            match = alliance.matchings[name].match
            relay.refused(f"rows that met, {what}", named, match, alliance.peer.party, token)
    words = alliance.match()
    assert alliance.match() == words
    return words


def _places(relay: Relay, words: Sequence[bytes]) -> None:
    alliance = relay.alliance
    names = alliance.signed.manifest.aggregators
    for at, sender in enumerate(names):
        for to in names:
            if to == sender:
                continue
            third = next(name for name in names if name not in (sender, to))
            gets = alliance.matchings[sender].get
            piece = gets(alliance.peer.party, alliance.token, to, 0)
            right = alliance.handed("places", sender, (words[at],), piece)
            theirs = gets(alliance.peer.party, alliance.token, third, 0)
            back = alliance.matchings[to].get(alliance.peer.party, alliance.token, sender, 0)
            for what, named, tampered in (
                *_parts("places", sender, right, (theirs, back)),
                ("places, no word", sender, replace(right, words=())),
                ("places, another's word", sender, replace(right, words=(words[names.index(third)],))),
                ("places, an altered word", sender, replace(right, words=(flipped(words[at]),))),
                ("places, of the receiver", to, replace(right, of=to)),
                ("places, of a department", alliance.nodes[0], replace(right, of=alliance.nodes[0])),
            ):
                relay.refused(what, named, _handed, relay, to, tampered)
            relay.refused(f"places of {sender} left out", "", _gathered, relay, to, words)
            assert alliance.hand(to, right) == piece.size


def _gathered(relay: Relay, to: str, words: Sequence[bytes], token: bytes = b"") -> object:
    peer = relay.alliance.peer.party
    relay.alliance.matchings[to].gather(peer, token or relay.alliance.token, words)
    return None


def _gathers(relay: Relay, words: Sequence[bytes]) -> None:
    alliance = relay.alliance
    names = alliance.signed.manifest.aggregators
    for to in names:
        for at, name in enumerate(names):
            altered = [flipped(word) if place == at else word for place, word in enumerate(words)]
            relay.refused("words, one altered", name, _gathered, relay, to, altered)
        for what, told in (
            ("reordered", [words[1], words[0], words[2]]),
            ("one thrice", [words[0]] * 3),
            ("one left out", words[:2]),
            ("one too many", [*words, words[0]]),
        ):
            relay.refused(
                f"words, {what}",
                names[0] if what != "one thrice" else names[1],
                _gathered,
                relay,
                to,
                told,
            )
        for what, named, token in _manifests(relay, alliance.nodes[0]):
            if "another" not in what:
                relay.refused(f"words, {what}", named, _gathered, relay, to, words, token)
    relay.refused("opened before it was added up", "", alliance.parties.certificates, alliance.signed, alliance.nodes)
    alliance.gather(words)


def _opens(relay: Relay) -> tuple[int, ...]:
    """Open the sums, and hold the consumer's check of them to the same."""
    alliance, names = relay.alliance, relay.alliance.signed.manifest.aggregators
    opening = alliance.opened()
    total = federated.total(opening, alliance.signed, alliance.parties.register)
    for at, name in enumerate(names):
        certificates, sums = list(opening.certificates), list(opening.sums)
        certificates[at] = flipped(certificates[at])
        sums[at] = replace(sums[at], share=sums[at].share[:-1] + bytes([sums[at].share[-1] ^ 1]))
        forged = [
            replace(one, partial=flipped(one.partial)) if place == at else one for place, one in enumerate(opening.sums)
        ]
        swapped: list[OpenedSum] = list(opening.sums)
        swapped[at], swapped[at - 1] = swapped[at - 1], swapped[at]
        for what, told in (
            ("a certificate altered", Opening(tuple(certificates), opening.sums)),
            ("a sum altered", Opening(opening.certificates, tuple(sums))),
            ("a sum's word altered", Opening(opening.certificates, tuple(forged))),
            ("sums swapped", Opening(opening.certificates, tuple(swapped))),
        ):
            relay.tried += 1
            with pytest.raises((Malformed, BadSignature)) as error:
                federated.total(told, alliance.signed, alliance.parties.register)
            named = [one for one in names if one in str(error.value)]
            if named != [name] and not (what == "sums swapped" and named):
                relay.wrong.append(f"{what}: {error.value}")
    for short in (
        Opening(opening.certificates[:2], opening.sums),
        Opening(opening.certificates, opening.sums[:2]),
        Opening(opening.certificates[::-1], opening.sums),
    ):
        relay.tried += 1
        with pytest.raises((Malformed, BadSignature)):
            federated.total(short, alliance.signed, alliance.parties.register)
    return total


def test_parts_that_were_never_handed_on_end_the_question_and_are_named(tmp_path: Path) -> None:
    with allied(tmp_path, QUESTION, seed=3, nodes="abc") as alliance:
        relay = Relay(alliance, alliance.signed)
        to = alliance.signed.manifest.aggregators[0]
        words = {of: alliance.round(of) for of in alliance.nodes}
        for of in alliance.nodes:
            relay.refused(f"all of {of} left out", of, _matched, relay, to)
            alliance.hand(to, alliance.handed("rows", of, (), alliance.part(of, f"rows {to}")))
            relay.refused(f"tags of {of} left out", of, _matched, relay, to)
            alliance.hand(to, alliance.handed("tags", of, words[of], alliance.tags(of, to)))
        alliance.matchings[to].match(alliance.peer.party, alliance.token)
        assert relay.wrong == [], "\n".join(relay.wrong)
