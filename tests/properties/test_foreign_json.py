"""The quick reader of JSON that others wrote says what the strict one of the standard library says, or nothing."""

import json
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from yanmen.formats import json_foreign
from yanmen.formats.json_foreign import Foreign

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text() | st.decimals(allow_nan=False, allow_infinity=False),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=3), inner, max_size=4),
    max_leaves=12,
)
PIECES = st.sampled_from(
    ["{", "}", "[", "]", ",", ":", " ", '"a"', '"b"', '"a":1', "0", "-0", "1.0", "1e2", "1E+2", "NaN", "true", "null"]
)


def strictly(text: str) -> Foreign:
    def unique(pairs: list[tuple[str, Foreign]]) -> dict[str, Foreign]:
        if len({name for name, _ in pairs}) < len(pairs):
            raise ValueError
        return dict(pairs)

    def never(_: str) -> None:
        raise ValueError

    found: Foreign = json.loads(text, object_pairs_hook=unique, parse_float=Decimal, parse_constant=never)
    return found


def written(value: Foreign) -> str:
    """Write compactly, decimals as numbers: the form that is read quickly."""
    match value:
        case dict():
            return "{" + ",".join(f"{json.dumps(name)}:{written(inner)}" for name, inner in value.items()) + "}"
        case list():
            return "[" + ",".join(map(written, value)) + "]"
        case Decimal():
            return str(value)
        case _:
            return json.dumps(value, ensure_ascii=False)


def typed(value: Foreign) -> object:
    """Return `value` so that equal means of equal types: 1, True, 1.0 and 1.00 are four values."""
    match value:
        case dict():
            return [(name, typed(inner)) for name, inner in value.items()]
        case list():
            return [typed(inner) for inner in value]
        case _:
            return type(value), str(value)


@given(VALUES)
def test_what_is_written_compactly_is_read_alike(value: Foreign) -> None:
    text = written(value)
    assert typed(json_foreign.decode(text)) == typed(strictly(text))


@given(st.lists(PIECES, max_size=9).map("".join))
def test_what_one_refuses_the_other_does(text: str) -> None:
    try:
        wanted = typed(strictly(text))
    except (ValueError, ArithmeticError):
        with pytest.raises((ValueError, ArithmeticError)):
            json_foreign.decode(text)
        return
    assert typed(json_foreign.decode(text)) == wanted


@pytest.mark.parametrize(
    "text",
    [
        '{"a":1,"a":1}',
        '{"a":1,"a":2}',
        '[{"b":{"a":1,"\\u0061":1}}]',
        '{"a" :1,"a" :1}',
        "NaN",
        "[Infinity]",
        "1 2",
        "",
        "{",
    ],
)
def test_duplicates_and_what_is_no_json_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        json_foreign.decode(text)
