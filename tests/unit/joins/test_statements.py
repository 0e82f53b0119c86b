"""What nodes state of their tables: canonical, signed, to one consumer, and taken from nobody else."""

from dataclasses import replace
from pathlib import Path

import pytest
from yanmen.admission import joinables
from yanmen.crypto import documents
from yanmen.formats import blinded, joinable, joining, json_canonical, row_share
from yanmen.formats.blinded import Blinded, Matched
from yanmen.formats.joinable import Statement
from yanmen.formats.joining import Joining
from yanmen.formats.malformed import Malformed
from yanmen.formats.row_share import RowShare
from yanmen.model.refusal import Reason, Refused
from yanmen.model.stages import Binding, Submission

from tests.unit.aggregation.parties import CLOCK, CONTRACT, gathered
from tests.unit.joins.sides import LABS, PERSONS

SHA = "a" * 64
KEY = bytes(range(152)) * 8


def test_only_what_another_node_stated_to_this_consumer_lately_is_taken(tmp_path: Path) -> None:
    with gathered(tmp_path, nodes=2) as parties:
        here, there = (node.id for node in parties.nodes)
        consumer, now_ms = parties.consumer, CLOCK.now_ms()
        told = Statement(
            there, consumer.id, CONTRACT, (joinable.granted(LABS, frozenset({"pid"})),), now_ms // 1000, KEY
        )
        other = parties.nodes[1].signer
        good = documents.sign_joinable(told, other)
        asked = Submission("j", consumer.party, Binding.PER_REQUEST, b"", "", now_ms, joinables=(good,))
        signed = parties.manifest()
        found = joinables.read(asked, signed, parties.register, here)
        assert [one.version.dataset.name for one in found] == ["labs"]
        assert [one.envelope_key for one in found] == [KEY]
        assert [one.alias for one in found] == [parties.nodes[1].party.alias]
        lies = {
            "by another key": documents.sign_joinable(told, parties.nodes[0].signer),
            "to another": documents.sign_joinable(replace(told, consumer=here), other),
            "long ago": documents.sign_joinable(replace(told, issued_s=now_ms // 1000 - 4000), other),
            "under another contract": documents.sign_joinable(replace(told, contract_id="d" * 32), other),
            "altered": good[:-4] + b"AAAA",
        }
        for why, token in lies.items():
            with pytest.raises(Refused) as error:
                joinables.read(replace(asked, joinables=(token,)), signed, parties.register, here)
            assert error.value.reason is Reason.MANIFEST_INVALID, why
        with pytest.raises(Refused):
            joinables.read(asked, signed, parties.register, there)
        with pytest.raises(Refused):
            joinables.read(replace(asked, joinables=(good,) * 3), signed, parties.register, here)


def test_a_statement_reads_back_and_no_other_spelling_does() -> None:
    whole = frozenset(c.name for c in PERSONS.columns)
    told = Statement(
        "591140100MA0GTTTT0X1401A1B2C3D46", "591140100MA0GUUUU1Y1401D5E6F7G9N", CONTRACT,
        (joinable.granted(PERSONS, whole), joinable.granted(LABS, frozenset({"pid", "value"}))), 7, KEY,
    )  # fmt: skip
    payload = joinable.encode(told)
    assert joinable.decode(payload) == told
    assert json_canonical.encode(joinable.encode(joinable.decode(payload))) == json_canonical.encode(payload)
    assert [c.name for c in told.datasets[1].columns] == ["pid", "value"]
    assert joinable.digest(told.datasets[0]) != joinable.digest(replace(told.datasets[0], rows_upto=99))
    for spoilt in (
        {"iat": -1},
        {"extra": 1},
        {"datasets": [{"name": "x"}]},
        {"contract": "short"},
        {"envelope_key": "short"},
    ):
        with pytest.raises(Malformed):
            joinable.decode({**payload, **spoilt})


def test_lines_words_and_shares_read_back() -> None:
    word = Joining(SHA, (4, 5), 12, (0, 1), b"\1" * 32, b"\2" * 32, (b"\3" * 32, b"\4" * 32, b"\5" * 32))
    assert joining.read(word.text()) == word
    assert joining.read(replace(word, columns=()).text()).columns == ()
    for spoilt in (word.text() + " ", word.text().replace("items=12", "items=012"), word.text().replace("0,1", "1,0")):
        with pytest.raises(Malformed):
            joining.read(spoilt)
    node = "591140100MA0GTTTT0X1401A1B2C3D46"
    again = Blinded(node, SHA, node, SHA, SHA, 7)
    assert blinded.decode_blinded(blinded.encode_blinded(again)) == again
    met = Matched(node, SHA, SHA, SHA, 7)
    assert blinded.decode_matched(blinded.encode_matched(met)) == met
    with pytest.raises(Malformed):
        blinded.decode_matched({**blinded.encode_matched(met), "matched": "A" * 64})
    for share in (RowShare(3, 2, seed=b"s" * 32), RowShare(3, 2, written=b"w" * 60), RowShare(3, 0, written=b"w" * 12)):
        assert row_share.decode(row_share.encode(share)) == share
        with pytest.raises(Malformed):
            row_share.decode(row_share.encode(share) + b"x")
