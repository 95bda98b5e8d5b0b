"""Ids of documents, manifests, the document cache, and validation of published documents."""

from __future__ import annotations

import hashlib
import json
from typing import Any

import pytest
from graphql import build_schema
from hypothesis import given
from hypothesis import strategies as st

from gateway.execution.caching.lru_cache import WeightedLRU
from gateway.execution.document_cache import DocumentCache
from gateway.execution.persisted.compatibility import find_problems
from gateway.execution.persisted.ids import compute_id, is_hash, is_id_of, normalize_id
from gateway.execution.persisted.manifests import ManifestError, parse_manifest
from gateway.settings.schema import LimitsTable

TEXT = "{ a }"
SHA256 = hashlib.sha256(TEXT.encode()).hexdigest()
MD5 = "0" * 32

# ------------------------------------------------------------------------------------------------ ids


@pytest.mark.parametrize(
    ("name", "expected"),
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
def test_a_name_is_kept_in_one_form_or_refused(name: str, expected: str | None) -> None:
    assert normalize_id(name) == expected


@given(st.text(), st.text(), st.sampled_from(["md5", "sha1", "sha256"]), st.booleans())
def test_a_hash_always_stands_for_its_own_text_and_never_for_another(
    text: str, other: str, kind: str, prefixed: bool
) -> None:
    digest = hashlib.new(kind, text.encode(), usedforsecurity=False).hexdigest()
    name = f"{kind}:{digest}" if prefixed else digest
    assert is_hash(name) and is_id_of(name, text)
    assert is_id_of(name, other) == (text == other)


@given(st.text(st.characters(exclude_categories=())), st.text(st.characters(exclude_categories=())))
def test_two_texts_always_have_two_ids_whatever_characters_they_hold(one: str, other: str) -> None:
    assert (compute_id(one) == compute_id(other)) == (one == other)
    assert normalize_id(compute_id(one)) == compute_id(one)


# ------------------------------------------------------------------------------------------------ manifests


def build_apollo_manifest(*operations: Any, **other: Any) -> dict[str, Any]:
    return {"format": "apollo-persisted-query-manifest", "version": 1, "operations": list(operations), **other}


@pytest.mark.parametrize(
    ("manifest", "names"),
    [
        (build_apollo_manifest({"id": SHA256, "name": "A", "type": "query", "body": TEXT}), [f"sha256:{SHA256}"]),
        (build_apollo_manifest({"id": "A", "body": TEXT}, {"id": "A", "body": TEXT, "clientName": "ios"}), ["A"]),
        ({hashlib.md5(TEXT.encode()).hexdigest(): TEXT}, [hashlib.md5(TEXT.encode()).hexdigest()]),
        ({hashlib.sha1(TEXT.encode()).hexdigest(): TEXT}, [hashlib.sha1(TEXT.encode()).hexdigest()]),
        ({f"sha256:{SHA256}": TEXT, "other": TEXT}, [f"sha256:{SHA256}", "other"]),
    ],
)
def test_the_manifests_of_every_tool_are_read(manifest: Any, names: list[str]) -> None:
    found = parse_manifest(json.dumps(manifest).encode())
    assert list(found) == names
    assert {document.text for document in found.values()} == {TEXT}
    assert {document.id for document in found.values()} == {f"sha256:{SHA256}"}


@pytest.mark.parametrize(
    ("manifest", "problems"),
    [
        ([], ["expected a JSON object"]),
        ({}, ["the manifest contains no document"]),
        (build_apollo_manifest(), ["the manifest contains no document"]),
        (build_apollo_manifest(version=2), ['expected "format": "apollo-persisted-query-manifest" and "version": 1']),
        ({"format": "other"}, ['expected "format": "apollo-persisted-query-manifest" and "version": 1']),
        (build_apollo_manifest(operations={}), ["operations: expected a list"]),
        (build_apollo_manifest(7), ["operations.0: expected an object with an id and a body"]),
        (build_apollo_manifest({"id": "A", "body": None}), ["A: expected a text"]),
        ({"A": 7}, ["A: expected a text"]),
        (
            build_apollo_manifest({"id": "A", "body": "{ a }"}, {"id": "A", "body": "{ b }"}),
            ["A: identifies two texts"],
        ),
        (
            {MD5: TEXT, SHA256: "{ b }"},
            [f"{MD5}: is the hash of another text", f"{SHA256}: is the hash of another text"],
        ),
        ({"a/b": TEXT}, ["a/b: is not a valid id: expected at most 200 letters, digits and - . _ ~ :"]),
    ],
)
def test_a_manifest_that_cannot_be_used_says_why(manifest: Any, problems: list[str]) -> None:
    with pytest.raises(ManifestError) as wrong:
        parse_manifest(json.dumps(manifest).encode())
    assert list(wrong.value.problems) == problems


@pytest.mark.parametrize("raw", [b"", b"{", b"\xff", b'{"a": "\\ud800"}', b"[" * 100_000])
def test_what_is_no_json_is_no_manifest(raw: bytes) -> None:
    with pytest.raises(ManifestError, match="is not JSON"):
        parse_manifest(raw)


# ------------------------------------------------------------------------------------------------ LRU cache

USES = st.lists(st.tuples(st.sampled_from("abcdef"), st.integers(0, 12)), max_size=60)


@given(USES)
def test_a_memory_never_holds_more_than_it_may_and_what_was_used_last_longest(uses: list[tuple[str, int]]) -> None:
    memory: WeightedLRU[int] = WeightedLRU(20, largest=10)
    weights: dict[str, int] = {}
    for key, weight in uses:
        if weight == 0:
            memory.remove(key)
        elif memory.get(key) is None:
            memory.put(key, weight, weight)
            if weight <= 10:
                assert memory.get(key) == weight
        weights = dict(memory.list_items())
        assert memory.weight == sum(weights.values()) <= 20
        assert all(weight <= 10 for weight in weights.values())


def test_what_is_used_stays_and_what_is_put_again_counts_once() -> None:
    memory: WeightedLRU[str] = WeightedLRU(3)
    for key in "abc":
        memory.put(key, key, 1)
    assert memory.get("a") == "a"
    memory.put("d", "d", 1)
    memory.put("d", "e", 1)
    assert memory.list_items() == [("c", "c"), ("a", "a"), ("d", "e")]


def test_unauthenticated_clients_displace_no_document_of_a_published_app(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gateway.execution.document_cache.MAX_CACHED_CHARACTERS", 2_000)
    documents = DocumentCache(build_schema("type Query { a: Int }"), LimitsTable())
    shipped = documents.prepare(TEXT, published=True)
    for number in range(500):
        documents.prepare(f"query Q{number} {{ a }}")
    assert documents.prepare(TEXT, published=True) is shipped


# ------------------------------------------------------------------------------------------------ problems

SCHEMA = "type Query { item(id: ID!): Item } type Item { name: String parts: [Item] }"


@pytest.mark.parametrize(
    ("text", "expected"),
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
def test_a_fault_names_the_operation_and_the_field(text: str, expected: list[str]) -> None:
    documents = DocumentCache(build_schema(SCHEMA), LimitsTable())
    assert [str(fault) for fault in find_problems(documents.prepare(text), LimitsTable())] == expected


def test_a_document_that_costs_more_than_any_client_may_request_is_invalid() -> None:
    limits = LimitsTable.model_validate({"anonymous": {"cost": 10}, "known": {"cost": 20}})
    documents = DocumentCache(build_schema(SCHEMA), limits)
    text = "query Q { " + " ".join(f"a{number}: item(id: 1) {{ name }}" for number in range(21)) + " }"
    assert [str(fault) for fault in find_problems(documents.prepare(text), limits)] == ["Q: costs 21, of at most 20."]
