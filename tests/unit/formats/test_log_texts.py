"""Notes, verifier keys, checkpoints and proofs: every rule of the C2SP pages has a vector that breaks it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from yanmen.formats import base64std, checkpoint, merkle, note, proof
from yanmen.formats.checkpoint import Checkpoint
from yanmen.formats.malformed import Malformed
from yanmen.formats.note import Note, NoteSignature, VerifierKey
from yanmen.formats.proof import Proof

LINE = f"— a.example/log {base64std.encode(bytes(68))}\n"
NOTE = f"text\n\n{LINE}"
VKEY = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
"""The example key of golang.org/x/mod/sumdb/note."""
ROOT = base64std.encode(bytes(range(32)))
HEAD = f"example.com/log\n5\n{ROOT}\n"
PROOF = f"c2sp.org/tlog-proof@v1\nindex 3\n{ROOT}\n{ROOT}\n\n{HEAD}\n{LINE}"

NAMES = st.text(st.characters(exclude_categories=("Cs", "Cc", "Zs", "Zl", "Zp"), exclude_characters="+"), min_size=1)
NAMES = NAMES.filter(lambda name: not any(character.isspace() for character in name))
TEXTS = st.lists(st.text(st.characters(exclude_categories=("Cs", "Cc")), max_size=20), min_size=1, max_size=4).map(
    lambda lines: "".join(f"{line}\n" for line in lines)
)
SIGNATURES = st.builds(NoteSignature, NAMES, st.binary(min_size=4, max_size=4), st.binary(min_size=1, max_size=80))
NOTES = st.builds(Note, TEXTS, st.lists(SIGNATURES, min_size=1, max_size=4).map(tuple))


@given(NOTES)
def test_notes_come_back(value: Note) -> None:
    data = note.encode(value)
    assert note.decode(data) == value
    assert note.encode(note.decode(data)) == data


def test_the_specification_s_own_note() -> None:
    text = (
        "Ognuno sta solo sul cuor della terra\ntrafitto da un raggio di sole:\n\ned è subito sera.\n\n"
        "— quasimodo.example/salvatore NnugSzTjtVAewIS+Z/iJhUPeFDkO/5QQ2i5ddnGITLlC+EhfLW9oJKONrMouFSQU0xMcXxj99ihAQw"
        "aqP3ZekRwNtIc=\n"
    )
    value = note.decode(text.encode())
    assert value.text.endswith("\n\ned è subito sera.\n")
    assert [item.name for item in value.signatures] == ["quasimodo.example/salvatore"]
    assert len(value.signatures[0].signature) == 64
    assert note.encode(value).decode() == text


@pytest.mark.parametrize(
    "text",
    [
        "",
        "text\n",
        LINE,
        "text" + LINE,
        "text\n" + LINE,
        NOTE[:-1],
        NOTE + "\n",
        NOTE + "trailing\n",
        "te\rxt\n\n" + LINE,
        "te\x00xt\n\n" + LINE,
        "te\txt\n\n" + LINE,
        NOTE.replace("— ", "- "),
        NOTE.replace("— ", "—"),
        NOTE.replace("— ", "—  "),
        NOTE.replace("a.example/log", ""),
        NOTE.replace("a.example/log", "a+b"),
        NOTE.replace("a.example/log", "a\u00a0b"),
        NOTE.replace("a.example/log", "a\x1bb"),
        NOTE.replace("a.example/log", "a\u2003b"),
        NOTE.replace("=\n", "= \n"),
        NOTE.replace("=\n", "==\n"),
        NOTE.replace("A=\n", "B=\n"),
        NOTE.replace("=\n", "\n"),
        f"text\n\n— a.example/log {base64std.encode(bytes(4))}\n",
        "text\n\n— a.example/log\n",
        "text\n\n" + LINE * 33,
    ],
)
def test_note_refused(text: str) -> None:
    with pytest.raises(Malformed):
        note.decode(text.encode())


def test_note_refused_as_bytes() -> None:
    with pytest.raises(Malformed, match="UTF-8"):
        note.decode(b"\xff\n\n" + LINE.encode())
    with pytest.raises(Malformed, match="too long"):
        note.decode(b"a" * (note.BYTES_MAX + 1))


def test_sixteen_signatures_are_read() -> None:
    assert len(note.decode(("text\n\n" + LINE * 16).encode()).signatures) == 16


def test_a_text_with_blank_lines_ends_at_the_last_one() -> None:
    assert note.decode(f"a\n\nb\n\n{LINE}".encode()).text == "a\n\nb\n"


@pytest.mark.parametrize(
    "value",
    [
        Note("no newline", (NoteSignature("n", bytes(4), b"s"),)),
        Note("text\n", ()),
        Note("text\n", (NoteSignature("a b", bytes(4), b"s"),)),
        Note("te\x1bxt\n", (NoteSignature("n", bytes(4), b"s"),)),
        Note("text\n", (NoteSignature("n\n", bytes(4), b"s"),)),
        Note("text\n", (NoteSignature("n\x1b", bytes(4), b"s"),)),
    ],
)
def test_notes_that_could_not_be_read_are_not_written(value: Note) -> None:
    with pytest.raises(Malformed):
        note.encode(value)


def test_known_vkey() -> None:
    key = note.decode_key(VKEY)
    assert (key.name, key.key_id.hex()) == ("PeterNeumann", "c74f20a3")
    assert note.encode_key(key) == VKEY


@given(NAMES, st.binary(min_size=32, max_size=32))
def test_vkeys_come_back(name: str, public: bytes) -> None:
    key = VerifierKey(name, public)
    assert note.decode_key(note.encode_key(key)) == key


@pytest.mark.parametrize(
    "text",
    [
        "",
        VKEY.replace("+", " "),
        VKEY.replace("c74f20a3", "C74F20A3"),
        VKEY.replace("c74f20a3", "c74f20a4"),
        VKEY.replace("c74f20a3", "0c74f20a3"),
        VKEY.replace("PeterNeumann", "Peter"),
        VKEY.replace("PeterNeumann", ""),
        VKEY.replace("+ARpc", "+Ahpc"),
        VKEY[:-4],
        VKEY + "\n",
        VKEY + "+x",
    ],
)
def test_vkey_refused(text: str) -> None:
    with pytest.raises(Malformed):
        note.decode_key(text)


@pytest.mark.parametrize("name", ["", "a b", "a+b", "a\u00a0b", "a\x1bb"])
def test_vkey_names_are_key_names(name: str) -> None:
    key = VerifierKey(name, bytes(32))
    with pytest.raises(Malformed, match="note:"):
        note.encode_key(key)
    if "+" not in name:
        with pytest.raises(Malformed, match="note:"):
            note.decode_key(f"{name}+{key.key_id.hex()}+{base64std.encode(note.ED25519 + key.public)}")


@given(NAMES, st.integers(1, 2**63 - 1), st.binary(min_size=32, max_size=32))
def test_checkpoints_come_back(origin: str, size: int, root: bytes) -> None:
    value = Checkpoint(origin, size, root)
    text = checkpoint.encode(value)
    assert checkpoint.decode(text) == value
    assert checkpoint.encode(checkpoint.decode(text)) == text


@pytest.mark.parametrize(
    "text",
    [
        "",
        HEAD[:-1],
        HEAD + "\n",
        HEAD + "extension\n",
        "\n" + HEAD,
        HEAD.replace("example.com/log", ""),
        HEAD.replace("\n5\n", "\n-5\n"),
        HEAD.replace("\n5\n", "\n0005\n"),
        HEAD.replace("\n5\n", "\n٥\n"),
        HEAD.replace("\n5\n", "\n 5\n"),
        HEAD.replace("\n5\n", "\n\n"),
        HEAD.replace("\n5\n", "\n0\n"),
        HEAD.replace("\n5\n", "\r\n5\r\n"),
        HEAD.replace(ROOT, ROOT[:-1]),
        HEAD.replace(ROOT, "A" + ROOT),
        HEAD.replace(ROOT, base64std.encode(b"\x00")),
        HEAD.replace(ROOT, ROOT.replace("A", "!", 1)),
        HEAD.replace(ROOT, ROOT + " "),
    ],
)
def test_checkpoint_refused(text: str) -> None:
    with pytest.raises(Malformed):
        checkpoint.decode(text)


def test_an_empty_log_has_its_own_root() -> None:
    value = Checkpoint("o", 0, merkle.EMPTY_ROOT)
    assert checkpoint.decode(checkpoint.encode(value)) == value


def test_checkpoints_that_could_not_be_read_are_not_written() -> None:
    for value in (Checkpoint("", 1, bytes(32)), Checkpoint("a\nb", 1, bytes(32)), Checkpoint("o", 1, bytes(31))):
        with pytest.raises(Malformed):
            checkpoint.encode(value)


def test_origin_names_the_node() -> None:
    node = "591140100MA0GTTTT0X1401A1B2C3D46"
    assert checkpoint.origin(node, 2026) == f"{node}.yanmen/usage-log/2026"
    assert checkpoint.origin_node(checkpoint.origin(node, 2026)) == node
    for text in (
        f"{node}.yanmen/usage-log/26",
        f"{node[:-1]}7.yanmen/usage-log/2026",
        f"x{node}.yanmen/usage-log/2026",
    ):
        with pytest.raises(Malformed):
            checkpoint.origin_node(text)
    with pytest.raises(Malformed):
        checkpoint.origin(node, 20260)


@given(st.integers(0, 2**63 - 1), st.lists(st.binary(min_size=32, max_size=32), max_size=63), NOTES)
def test_proofs_come_back(index: int, path: list[bytes], head: Note) -> None:
    value = Proof(index, tuple(path), head)
    text = proof.encode(value)
    assert proof.decode(text) == value
    assert proof.encode(proof.decode(text)) == text


@pytest.mark.parametrize(
    "text",
    [
        "",
        PROOF.replace("@v1", "@v2"),
        PROOF.replace("c2sp.org", "C2SP.org"),
        "\n" + PROOF,
        PROOF.replace("index 3", "extra QQ==\nindex 3"),
        PROOF.replace("index 3", "index 03"),
        PROOF.replace("index 3", "index -3"),
        PROOF.replace("index 3", "index  3"),
        PROOF.replace("index 3", "index 3 "),
        PROOF.replace("index 3", "Index 3"),
        PROOF.replace("index 3\n", ""),
        PROOF.replace("index 3\n", "3\n"),
        PROOF.replace(ROOT, ROOT[:-2], 1),
        PROOF.replace(ROOT, ROOT + "=", 1),
        PROOF.replace(f"{ROOT}\n{ROOT}\n", f"{ROOT}\r\n{ROOT}\n"),
        PROOF.replace(f"{ROOT}\n", f"{ROOT}\n" * 64, 1),
        PROOF.replace("\n\n", "\n", 1),
        PROOF.split("\n\n", maxsplit=1)[0],
        PROOF[:-1],
        PROOF.replace("example.com/log", "example.com/\ud800"),
    ],
)
def test_proof_refused(text: str) -> None:
    with pytest.raises(Malformed):
        proof.decode(text)


def test_proofs_are_capped() -> None:
    with pytest.raises(Malformed, match="proof: too long"):
        proof.decode("a" * (proof.BYTES_MAX + 1))


def test_the_good_proof_is_good() -> None:
    value = proof.decode(PROOF)
    assert (value.index, len(value.path)) == (3, 2)
    assert checkpoint.decode(value.checkpoint.text).size == 5


def test_proofs_that_could_not_be_read_are_not_written() -> None:
    head = note.decode(NOTE.encode())
    for value in (Proof(0, (b"short",), head), Proof(0, (bytes(32),) * 64, head), Proof(-1, (), head)):
        with pytest.raises(Malformed):
            proof.encode(value)
