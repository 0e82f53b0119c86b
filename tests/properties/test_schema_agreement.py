"""The node's reader of messages and the published JSON Schemas say no to the same messages."""

import copy
import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from referencing import Registry
from referencing.jsonschema import DRAFT202012
from yanmen.formats.json_schema import Schemas
from yanmen.formats.malformed import Malformed
from yanmen.wire.https import schemas

from tests.vectors.interface_messages import REQUESTS

DOCUMENTS = {name: json.loads(text) for name, text in schemas.texts().items()}
RESOURCES = [(document["$id"], DRAFT202012.create_resource(document)) for document in DOCUMENTS.values()]
REGISTRY: Any = Registry().with_resources(RESOURCES)
OURS = schemas.load()
VALUES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-3, 3),
    st.sampled_from(["", "0", "01", "a\n", "*", "x" * 2_000, "2026-03-21T00:00:00+08:00\n"]),
    st.text(max_size=6),
    st.just([]),
    st.just({}),
    st.just([1, 1, True]),
)


def foreign(name: str, message: object) -> bool:
    """Say whether another program, with the schema alone, takes `message`."""
    return bool(Draft202012Validator(DOCUMENTS[name], registry=REGISTRY).is_valid(message))


def taken(name: str, message: Any) -> bool:
    """Say whether the node takes it."""
    try:
        OURS.check(name, message)
    except Malformed:
        return False
    return True


def places(value: Any) -> list[tuple[Any, Any]]:
    """Return every place in a value where something may be put, as the container and its key."""
    found: list[tuple[Any, Any]] = []
    if isinstance(value, dict):
        found += [(value, key) for key in [*value, "more"]]
        for each in value.values():
            found += places(each)
    elif isinstance(value, list):
        found += [(value, index) for index in range(len(value))]
        for each in value:
            found += places(each)
    return found


@pytest.mark.parametrize("name", REQUESTS)
def test_every_fixture_is_what_its_schema_says(name: str) -> None:
    assert foreign(name, REQUESTS[name])
    assert taken(name, REQUESTS[name])


def test_every_schema_is_one_and_has_the_name_it_lies_under() -> None:
    for name, document in DOCUMENTS.items():
        Draft202012Validator.check_schema(document)
        assert document["$id"] == f"urn:yanmen:schema:1:{name}"


@given(name=st.sampled_from(sorted(REQUESTS)), data=st.data())
@settings(max_examples=300, deadline=None)
def test_what_the_schema_refuses_the_parser_refuses(name: str, data: st.DataObject) -> None:
    message = copy.deepcopy(REQUESTS[name])
    for _ in range(data.draw(st.integers(1, 3))):
        container, key = data.draw(st.sampled_from(places(message)))
        if isinstance(container, dict) and key in container and data.draw(st.booleans()):
            del container[key]
        else:
            container[key] = copy.deepcopy(data.draw(VALUES))
    assert taken(name, message) <= foreign(name, message)
    if "\n" not in json.dumps(message) and "\\n" not in json.dumps(message):
        # Python's `$` lets one line end through, where the node and other languages do not.
        assert taken(name, message) == foreign(name, message)


@pytest.mark.parametrize(
    "schema",
    [
        {"minProperties": 1},
        {"additionalProperties": {"type": "string"}},
        {"pattern": "a"},
        {"properties": {"a": {"oneOf": []}}},
        {"items": {"format": "date"}},
        {"$defs": {"a": {"not": {}}}},
    ],
)
def test_a_schema_that_says_more_than_is_held_is_not_loaded(schema: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"not held here|not anchored"):
        Schemas({"x": schema})


def test_true_is_no_number() -> None:
    held = Schemas({"x": {"enum": [1]}, "y": {"type": "integer"}, "z": {"const": True}})
    for name, value in (("x", True), ("y", True), ("z", 1)):
        with pytest.raises(Malformed):
            held.check(name, value)
