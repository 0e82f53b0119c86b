"""The aggregator's file: a set once certified is no other one, whoever writes to it."""

import contextlib
import sqlite3
from dataclasses import replace
from pathlib import Path

import pytest
from yanmen.crypto import documents
from yanmen.formats.manifest import set_digest
from yanmen.ledger.sum_book import Dealing, Deposit, Sum, SumBook
from yanmen.model.federation import Dealt
from yanmen.model.receipt import Stage
from yanmen.model.refusal import Fault, Reason, Refused

from tests.unit.aggregation.parties import Parties

NAME = "a" * 64


def test_what_is_kept_is_read_again_in_another_process_too(tmp_path: Path) -> None:
    path = tmp_path / "sums.sqlite"
    kept = Deposit(Dealt("node", b"l" * 32, b"c" * 32), b"s" * 32, b"envelope")
    noise = Dealing(7, (b"one", b"", b"three"))
    with SumBook(path, create=True) as book, book.turn(NAME, "me", b"token") as state:
        assert (state.deposit("node"), state.noise(), state.partial(), state.certificate()) == (
            None,
            None,
            b"",
            ("", b""),
        )
        state.keep(kept)
        state.keep_noise(noise)
        state.certify("d" * 64, b"certificate")
        state.open(b"partial")
    with SumBook(path, create=False) as book, book.turn(NAME, "me", b"token") as state:
        assert state.deposit("node") == kept
        assert state.dealt() == (kept.dealt,)
        assert state.noise() == noise
        assert (state.certificate(), state.partial()) == (("d" * 64, b"certificate"), b"partial")


def test_the_file_itself_refuses_a_second_set(tmp_path: Path) -> None:
    with SumBook(tmp_path / "sums.sqlite", create=True) as book:
        with book.turn(NAME, "me", b"token") as state:
            state.certify("d" * 64, b"certificate")
        with pytest.raises(Fault), book.turn(NAME, "me", b"token") as state:
            state.certify("e" * 64, b"another")
        with book.turn(NAME, "me", b"token") as state:
            assert state.certificate() == ("d" * 64, b"certificate")


def test_a_turn_that_fails_leaves_nothing(tmp_path: Path) -> None:
    with SumBook(tmp_path / "sums.sqlite", create=True) as book:
        with pytest.raises(KeyError), book.turn(NAME, "me", b"token") as state:
            _certify_and_fail(state)
        with book.turn(NAME, "me", b"token") as state:
            assert state.certificate() == ("", b"")


def test_a_vanished_book_is_a_fault_and_not_a_fresh_one(tmp_path: Path) -> None:
    with pytest.raises(Fault):
        SumBook(tmp_path / "sums.sqlite", create=False)


def test_an_older_book_certifies_no_second_set(parties: Parties, tmp_path: Path) -> None:
    """Put back as it was before the set was certified, it knows the set from the log: the same again, and no other."""
    signed = parties.manifest(least=2)
    for node in parties.nodes:
        parties.deposit(signed, *parties.deal(node, signed, (1, 2, 3, 4)))
    parties.noise(signed)
    names = [node.id for node in parties.nodes]
    honest, peer = parties.at(signed.manifest.aggregators[0]), parties.consumer.party
    old = tmp_path / "old.sums"
    with honest.book._store.read() as db, contextlib.closing(sqlite3.connect(old)) as copy:
        db.backup(copy)
    first = honest.certify(peer, signed.token, names)
    with SumBook(old, create=False) as book:
        restored = replace(honest, book=book)
        restored.hold_to_log()
        with pytest.raises(Refused) as found:
            restored.certify(peer, signed.token, names[:2])
        assert found.value.reason is Reason.SET_FIXED
        sets = [documents.open_set(token, honest.signer.public) for token in
                (first, restored.certify(peer, signed.token, names))]  # fmt: skip
        assert len({set_digest(one) for one in sets}) == 1
        restored.hold_to_log()
    assert len(honest.ledger.own_subjects(Stage.SET)) == 1


def test_a_book_of_another_log_is_a_fault(parties: Parties, tmp_path: Path) -> None:
    with SumBook(tmp_path / "other.sums", create=True) as book:
        book.hold_to([(NAME, "d" * 64)])
        with pytest.raises(Fault):
            book.hold_to([(NAME, "e" * 64)])


def _certify_and_fail(state: Sum) -> None:
    state.certify("d" * 64, b"certificate")
    raise KeyError
