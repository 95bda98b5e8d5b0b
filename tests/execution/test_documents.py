"""What documents are called, what manifests hold, what is remembered, and where a document is wrong."""

from __future__ import annotations

import hashlib
import json
from typing import Any

import pytest
from graphql import build_schema
from hypothesis import given
from hypothesis import strategies as st

from gateway.execution.documents import Documents
from gateway.execution.faults import faults
from gateway.execution.manifests import ManifestError, read
from gateway.execution.memory import Memory
from gateway.execution.names import canonical, fits, id_of, is_hash
from gateway.settings import LimitsTable

TEXT = "{ a }"
SHA256 = hashlib.sha256(TEXT.encode()).hexdigest()
MD5 = "0" * 32

# ------------------------------------------------------------------------------------------------ names


@pytest.mark.parametrize(
    ("name", "kept"),
    [
        (SHA256, f"sha256:{SHA256}"),
        (f"sha256:{SHA256}", f"sha256:{SHA256}"),
        (MD5, MD5),
        ("ProductList", "ProductList"),
        ("x-own:7", "x-own:7"),
        ("sha256:7", None),
        (f"sha256:{SHA256.upper()}", None),
        ("", None),
        ("a b", None),
        ("a/b", None),
        ("ä", None),
        ("a\n", None),
        ("a" * 201, None),
    ],
)
def test_a_name_is_kept_in_one_form_or_refused(name: str, kept: str | None) -> None:
    assert canonical(name) == kept


@given(st.text(), st.text(), st.sampled_from(["md5", "sha1", "sha256"]), st.booleans())
def test_a_hash_always_stands_for_its_own_text_and_never_for_another(
    text: str, other: str, kind: str, prefixed: bool
) -> None:
    digest = hashlib.new(kind, text.encode(), usedforsecurity=False).hexdigest()
    name = f"{kind}:{digest}" if prefixed else digest
    assert is_hash(name) and fits(name, text)
    assert fits(name, other) == (text == other)


@given(st.text(st.characters(exclude_categories=())), st.text(st.characters(exclude_categories=())))
def test_two_texts_always_have_two_ids_whatever_characters_they_hold(one: str, other: str) -> None:
    assert (id_of(one) == id_of(other)) == (one == other)
    assert canonical(id_of(one)) == id_of(one)


# ------------------------------------------------------------------------------------------------ manifests


def apollo(*operations: Any, **other: Any) -> dict[str, Any]:
    return {"format": "apollo-persisted-query-manifest", "version": 1, "operations": list(operations), **other}


@pytest.mark.parametrize(
    ("manifest", "names"),
    [
        (apollo({"id": SHA256, "name": "A", "type": "query", "body": TEXT}), [f"sha256:{SHA256}"]),
        (apollo({"id": "A", "body": TEXT}, {"id": "A", "body": TEXT, "clientName": "ios"}), ["A"]),
        ({hashlib.md5(TEXT.encode()).hexdigest(): TEXT}, [hashlib.md5(TEXT.encode()).hexdigest()]),
        ({hashlib.sha1(TEXT.encode()).hexdigest(): TEXT}, [hashlib.sha1(TEXT.encode()).hexdigest()]),
        ({f"sha256:{SHA256}": TEXT, "other": TEXT}, [f"sha256:{SHA256}", "other"]),
    ],
)
def test_the_manifests_of_every_tool_are_read(manifest: Any, names: list[str]) -> None:
    found = read(json.dumps(manifest).encode())
    assert list(found) == names
    assert {document.text for document in found.values()} == {TEXT}
    assert {document.id for document in found.values()} == {f"sha256:{SHA256}"}


@pytest.mark.parametrize(
    ("manifest", "problems"),
    [
        ([], ["expected a JSON object"]),
        ({}, ["holds no document"]),
        (apollo(), ["holds no document"]),
        (apollo(version=2), ['expected "format": "apollo-persisted-query-manifest" and "version": 1']),
        ({"format": "other"}, ['expected "format": "apollo-persisted-query-manifest" and "version": 1']),
        (apollo(operations={}), ["operations: expected a list"]),
        (apollo(7), ["operations.0: expected an object with an id and a body"]),
        (apollo({"id": "A", "body": None}), ["A: expected a text"]),
        ({"A": 7}, ["A: expected a text"]),
        (apollo({"id": "A", "body": "{ a }"}, {"id": "A", "body": "{ b }"}), ["A: stands for two texts"]),
        (
            {MD5: TEXT, SHA256: "{ b }"},
            [f"{MD5}: is the hash of another text", f"{SHA256}: is the hash of another text"],
        ),
        ({"a/b": TEXT}, ["a/b: is no id that a document can have: at most 200 letters, digits and - . _ ~ :"]),
    ],
)
def test_a_manifest_that_cannot_be_used_says_why(manifest: Any, problems: list[str]) -> None:
    with pytest.raises(ManifestError) as wrong:
        read(json.dumps(manifest).encode())
    assert list(wrong.value.problems) == problems


@pytest.mark.parametrize("raw", [b"", b"{", b"\xff", b'{"a": "\\ud800"}', b"[" * 100_000])
def test_what_is_no_json_is_no_manifest(raw: bytes) -> None:
    with pytest.raises(ManifestError, match="is not JSON"):
        read(raw)


# ------------------------------------------------------------------------------------------------ memory

USES = st.lists(st.tuples(st.sampled_from("abcdef"), st.integers(0, 12)), max_size=60)


@given(USES)
def test_a_memory_never_holds_more_than_it_may_and_what_was_used_last_longest(uses: list[tuple[str, int]]) -> None:
    memory: Memory[int] = Memory(20, largest=10)
    weights: dict[str, int] = {}
    for key, weight in uses:
        if weight == 0:
            memory.forget(key)
        elif memory.get(key) is None:
            memory.put(key, weight, weight)
            if weight <= 10:
                assert memory.get(key) == weight
        weights = dict(memory.items())
        assert memory.weight == sum(weights.values()) <= 20
        assert all(weight <= 10 for weight in weights.values())


def test_what_is_used_stays_and_what_is_put_again_counts_once() -> None:
    memory: Memory[str] = Memory(3)
    for key in "abc":
        memory.put(key, key, 1)
    assert memory.get("a") == "a"
    memory.put("d", "d", 1)
    memory.put("d", "e", 1)
    assert memory.items() == [("c", "c"), ("a", "a"), ("d", "e")]


def test_strangers_displace_no_document_of_a_shipped_app(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gateway.execution.documents.REMEMBERED", 2_000)
    documents = Documents(build_schema("type Query { a: Int }"), LimitsTable())
    shipped = documents.prepare(TEXT, shipped=True)
    for number in range(500):
        documents.prepare(f"query Q{number} {{ a }}")
    assert documents.prepare(TEXT, shipped=True) is shipped


# ------------------------------------------------------------------------------------------------ faults

SCHEMA = "type Query { item(id: ID!): Item } type Item { name: String parts: [Item] }"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("query Q { item(id: 1) { name } }", []),
        (
            "query Q { mine: item(id: 1) { parts { ... { price } } } }",
            ["Q: mine.parts.price: Cannot query field 'price' on type 'Item'."],
        ),
        (
            "query Q { item(id: 1) { ...F } } fragment F on Item { cost }",
            ["Q, fragment F: cost: Cannot query field 'cost' on type 'Item'."],
        ),
        (
            "{ item { name } }",
            ["query: item: Argument 'Query.item(id:)' of type 'ID!' is required, but it was not provided."],
        ),
        ("query Q($a: Nope) { item(id: $a) { name } }", ["Q: Unknown type 'Nope'."]),
        ("query Q { item(", ["Syntax Error: Expected Name, found <EOF>."]),
    ],
)
def test_a_fault_names_the_operation_and_the_field(text: str, told: list[str]) -> None:
    documents = Documents(build_schema(SCHEMA), LimitsTable())
    assert [str(fault) for fault in faults(documents.prepare(text), LimitsTable())] == told


def test_a_document_that_costs_more_than_anybody_may_ask_for_is_wrong() -> None:
    limits = LimitsTable.model_validate({"anonymous": {"cost": 10}, "known": {"cost": 20}})
    documents = Documents(build_schema(SCHEMA), limits)
    text = "query Q { " + " ".join(f"a{number}: item(id: 1) {{ name }}" for number in range(21)) + " }"
    assert [str(fault) for fault in faults(documents.prepare(text), limits)] == ["Q: costs 21, of at most 20."]
