"""The aggregator's file: a set once certified is no other one, whoever writes to it."""

from pathlib import Path

import pytest
from yanmen.ledger.sum_book import Dealing, Deposit, Sum, SumBook
from yanmen.model.federation import Dealt
from yanmen.model.refusal import Fault

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


def _certify_and_fail(state: Sum) -> None:
    state.certify("d" * 64, b"certificate")
    raise KeyError
