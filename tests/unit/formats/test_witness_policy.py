"""C2SP tlog-policy: read strictly, written as it is read, and its quorum counted."""

import hashlib

import pytest
from yanmen.formats import note, witness_policy
from yanmen.formats.malformed import Malformed
from yanmen.formats.note import VerifierKey
from yanmen.formats.witness_policy import NONE, Group, Policy, Watcher


def key(name: str, kind: bytes = note.COSIGNATURE) -> VerifierKey:
    return VerifierKey(name, hashlib.sha256(name.encode()).digest(), kind)


def vkey(name: str, kind: bytes = note.COSIGNATURE) -> str:
    return note.encode_key(key(name, kind))


LOG = f"log {vkey('log.example/1', note.ED25519)}\n"
X = "".join(f"witness X{n} {vkey(f'x{n}')} https://x{n}.example/w\n" for n in (1, 2, 3))
Y = "".join(f"witness Y{n} {vkey(f'y{n}')}\n" for n in (1, 2, 3))
GROUPS = "group X-witnesses 2 X1 X2 X3\ngroup Y-witnesses any Y1 Y2 Y3\ngroup X-and-Y all X-witnesses Y-witnesses\n"
WHOLE = LOG + X + Y + GROUPS + "quorum X-and-Y\n"


def test_the_example_of_the_specification() -> None:
    policy = witness_policy.decode(WHOLE.encode())
    assert policy.groups[2] == Group("X-and-Y", 2, ("X-witnesses", "Y-witnesses"))
    assert policy.witnesses[0] == Watcher("X1", key("x1"), "https://x1.example/w")
    cases = {("x1", "x2", "y3"): True, ("x1", "y1", "y2"): False, ("x1", "x2", "x3"): False, (): False}
    for names, enough in cases.items():
        assert policy.satisfied({key(name) for name in names}) is enough
    assert witness_policy.decode(witness_policy.encode(policy).encode()) == policy


def test_white_space_comments_and_order_do_not_matter() -> None:
    text = f"\t# a comment\n\n  witness\t W  {vkey('w')} \n{LOG}#\nquorum W"
    policy = witness_policy.decode(f"{text}\n".encode())
    assert policy.quorum == "W"
    assert policy.satisfied({key("w")})
    assert not policy.satisfied({key("v")})


def test_a_name_may_hold_octets_that_are_no_text() -> None:
    data = b"witness \xe2\x84\xaa " + vkey("k").encode() + b"\nquorum \xe2\x84\xaa\n"
    assert witness_policy.decode(data).satisfied({key("k")})
    assert not witness_policy.decode(b"witness \xff " + vkey("k").encode() + b"\nquorum none\n").groups


def test_no_quorum_is_asked_for_by_none() -> None:
    assert witness_policy.decode(b"quorum none\n") == Policy((), (), (), NONE)
    assert Policy((), (), (), NONE).satisfied(set())


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        (WHOLE[:-1], "does not end"),
        (WHOLE + "quorum X1\n", "second quorum"),
        (LOG, "no quorum"),
        (LOG + LOG + "quorum none\n", "log twice"),
        (X + X.replace("witness X", "witness Z") + "quorum X1\n", "witness twice"),
        (X + f"witness X1 {vkey('other')}\nquorum X1\n", "defined twice"),
        (f"witness none {vkey('w')}\nquorum none\n", "defined twice"),
        (X + "quorum Y1\n", "no line before defines"),
        ("quorum W\n" + f"witness W {vkey('w')}\n", "no line before defines"),
        (X + "group G 0 X1\nquorum G\n", "threshold"),
        (X + "group G 3 X1 X2\nquorum G\n", "threshold"),
        (X + "group G 02 X1 X2\nquorum G\n", "decimal"),
        (X + "group G some X1 X2\nquorum G\n", "decimal"),
        (X + "group G all X1 X1\nquorum G\n", "twice in one"),
        (X + "group G any X1\ngroup H any X1\nquorum G\n", "two groups"),
        (X + "group G any none\nquorum G\n", "no line before defines"),
        (X + "group G any\nquorum none\n", "means nothing"),
        ("sign everything\nquorum none\n", "means nothing"),
        (f"log {vkey('w')}\nquorum none\n", "kind"),
        (f"witness W {vkey('w', note.ED25519)}\nquorum none\n", "kind"),
        ("quorum none\r\n", "control"),
        (f"log {vkey('l', note.ED25519)} a b\nquorum none\n", "means nothing"),
    ],
)
def test_what_breaks_a_rule_is_refused(text: str, rule: str) -> None:
    with pytest.raises(Malformed, match=rule):
        witness_policy.decode(text.encode())


def test_names_that_no_line_can_hold_are_not_written() -> None:
    with pytest.raises(Malformed):
        witness_policy.encode(Policy((), (Watcher("two words", key("w")),), (), NONE))
