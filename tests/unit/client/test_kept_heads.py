"""Heads looked at and not kept yet: each is held to the others before the next receipt is believed."""

from typing import TYPE_CHECKING

import pytest
import yanmen
from yanmen.client import durable
from yanmen.formats import note

from tests.unit.client.bench import SQL, TERMS
from tests.unit.client.test_client_log import grow, stored

if TYPE_CHECKING:
    from tests.unit.client.conftest import World


def test_two_forks_looked_at_before_either_was_kept_are_told_apart(world: "World") -> None:
    grow(world, 3)
    with world.connect() as node:
        history = node._link._history
        grow(world, 2)
        _, keep_one = history.look(note.encode(world.bench.log.head()))
        world.bench.log.cut(4)
        grow(world, 4)
        _, keep_other = history.look(note.encode(world.bench.log.head()))
        keep_one()
        with pytest.raises(yanmen.LogWentBack):
            keep_other()


def test_an_answers_head_is_on_disk_before_it_is_acknowledged(world: "World", monkeypatch: pytest.MonkeyPatch) -> None:
    written: list[int] = []
    write = durable.write

    def noted(*words: object) -> None:
        write(*words)  # type: ignore[arg-type]
        written.append(sum(call[0] == "acknowledge" for call in world.bench.calls))

    with world.connect() as node:
        monkeypatch.setattr(durable, "write", noted)
        answer = node.query(SQL, contract=TERMS.id)
        assert answer.acknowledgement is not None
    assert written == [0, 1], "the answer's head, then that of the acknowledgement"
    assert note.decode(stored(world).read_bytes()).text


def test_the_proof_of_growth_comes_with_the_answer(world: "World") -> None:
    with world.connect() as node:
        grow(world, 5)
        asked: list[str] = []
        prove = node._link._history.prove

        def proven(old: int, new: int) -> tuple[bytes, ...]:
            asked.append("proof")
            return prove(old, new)

        object.__setattr__(node._link._history, "prove", proven)
        checked = node.query(SQL, contract=TERMS.id)
        assert checked.acknowledgement is not None
    assert asked == ["proof"], "for the acknowledgement's head, which no reply brings a proof for"
