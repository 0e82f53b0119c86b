"""Nothing of a join is left behind: secrets go when the last list is blinded, all else when the manifest ends."""

import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from yanmen.crypto import documents, manifests
from yanmen.formats import connector_id
from yanmen.formats import manifest as manifest_format
from yanmen.formats.malformed import Malformed
from yanmen.ledger.join_book import HOUR_S, KEYS_S, JoinBook
from yanmen.model.federation import Manifest, Mode
from yanmen.model.refusal import JobFailed, Reason, Refused
from yanmen.node.sweeping import Sweeping

from tests.unit.joins.alliance import Alliance, allied
from tests.unit.joins.questions import PAIRS

SECRET, SALT, KEY, DATA = (bytes([at]) * 32 for at in (201, 202, 203, 204))


@dataclass
class Hands:
    """A clock that is set."""

    ms: int = 10**12

    def now_ms(self) -> int:
        """Return what it was set to."""
        return self.ms


@pytest.fixture
def alliance(tmp_path: Path) -> Iterator[Alliance]:
    """Two departments that have answered."""
    with allied(tmp_path, PAIRS[1]) as made:
        yield made


def _filled(path: Path, clock: Hands) -> JoinBook:
    book, now_s = JoinBook(path), clock.ms // 1000
    with book.turn("a" * 64, now_s + 60) as link:
        assert link.keep_secret(SECRET, SALT)
        link.store("list", DATA * 8)
    book.envelope_key(now_s, KEY * 3)
    return book


def _on_disk(path: Path) -> set[bytes]:
    there = b"".join(file.read_bytes() for file in path.parent.iterdir() if file.name.startswith(path.name))
    return {one for one in (SECRET, SALT, KEY, DATA) if one in there}


def test_a_party_sweeps_when_it_starts_and_by_itself_from_then_on(tmp_path: Path) -> None:
    clock, path = Hands(), tmp_path / "joins.sqlite"
    with _filled(path, clock) as book:
        sweeping = Sweeping(book, clock, every_s=0.01)
        sweeping.start()
        assert _on_disk(path) == {SECRET, SALT, KEY, DATA}
        clock.ms += 61_000
        until = time.monotonic() + 20
        while SECRET in _on_disk(path) and time.monotonic() < until:
            time.sleep(0.02)
        sweeping.stop()
        assert _on_disk(path) == {SALT, KEY}
    clock.ms += KEYS_S * 1000
    with JoinBook(path) as book:
        again = Sweeping(book, clock)
        again.start()
        again.stop()
        assert _on_disk(path) == {SALT}


def test_the_key_that_is_stated_changes_by_the_hour_and_the_former_still_opens(tmp_path: Path) -> None:
    now_s = 10**9
    with JoinBook(tmp_path / "joins.sqlite") as book:
        assert book.envelope_key(now_s, KEY * 3) == KEY * 3
        assert book.envelope_key(now_s + HOUR_S - 1, DATA * 3) == KEY * 3
        assert book.envelope_key(now_s + HOUR_S, DATA * 3) == DATA * 3
        book.sweep(now_s + KEYS_S - 1)
        with book.turn("a" * 64, now_s) as link:
            assert link.envelope_keys() == (DATA * 3, KEY * 3)


def test_a_secret_is_gone_once_all_lists_are_blinded_with_it(alliance: Alliance) -> None:
    first, second = alliance.nodes
    word = alliance.round(first)
    with alliance.departments[second].book.turn(alliance.signed.sha256, 0) as link:
        assert not link.secret()
    with alliance.departments[first].book.turn(alliance.signed.sha256, 0) as link:
        assert link.secret()
    assert alliance.round(first) == word  # handed again, the word is the same
    alliance.round(second)
    with alliance.departments[first].book.turn(alliance.signed.sha256, 0) as link:
        assert not link.secret()


def test_a_second_answer_leaves_secret_and_salt_of_the_first(alliance: Alliance) -> None:
    first = alliance.nodes[0]
    department, made = alliance.departments[first], alliance.made[first]
    listed = alliance.part(first, "list")
    for left in (made.secret, b""):
        with pytest.raises(JobFailed):
            department.keep(replace(made, secret=SECRET, salt=SALT), alliance.signed, alliance.keys(first))
        with department.book.turn(alliance.signed.sha256, 0) as link:
            assert link.secret() == left
        alliance.round(alliance.nodes[1])  # with the secret gone, too
    assert alliance.part(first, "list") == listed


def test_a_manifest_that_lasts_longer_than_an_hour_is_refused_by_every_party(alliance: Alliance) -> None:
    manifest = alliance.signed.manifest
    longest = replace(manifest, expires_s=manifest.issued_s + manifest_format.JOINED_S_MAX)
    assert manifests.read(_signed(alliance, longest), alliance.parties.register).manifest == longest
    payload = {**manifest_format.encode(longest), "exp": longest.expires_s + 1}
    with pytest.raises(Malformed, match="an hour at most"):
        manifest_format.decode(payload)


def test_aggregators_of_one_institution_or_of_a_department_are_refused_and_named(alliance: Alliance) -> None:
    register, manifest = alliance.parties.register, alliance.signed.manifest
    one, two, _ = manifest.aggregators
    for with_ in (one, alliance.nodes[-1]):
        subject = connector_id.decode(with_).subject
        twin = connector_id.build("5", subject, "1400", "TWIN0001")
        there = next(party for party in register.parties if party.id == two)
        known = replace(register, parties=tuple(sorted((*register.parties, replace(there, id=twin)), key=_id)))
        names = tuple(sorted((*(name for name in manifest.aggregators if name != two), twin)))
        token = _signed(alliance, replace(manifest, aggregators=names))
        with pytest.raises(Malformed) as error:
            manifests.read(token, known)
        assert with_ in str(error.value)
        assert twin in str(error.value)
        assert "同一机构" in str(error.value)
        for department in alliance.departments.values():
            with pytest.raises(Refused) as refusal:
                replace(department, register=lambda known=known: known).get(alliance.peer.party, token, "list", 0)  # type: ignore[misc]
            assert refusal.value.reason is Reason.MANIFEST_INVALID
        for matching in alliance.matchings.values():
            with pytest.raises(Refused) as refusal:
                replace(matching, register=lambda known=known: known).match(alliance.peer.party, token)  # type: ignore[misc]
            assert twin in refusal.value.detail.subject
    assert manifest.mode is Mode.JOINED


def _id(party: object) -> str:
    return str(getattr(party, "id"))  # noqa: B009 - a sort key


def _signed(alliance: Alliance, manifest: Manifest) -> bytes:
    return documents.sign_manifest(manifest, alliance.parties.consumer.signer)
