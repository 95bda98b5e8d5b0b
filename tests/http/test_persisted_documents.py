"""Documents by hash and id: automatic persisted queries, `documentId`, and which documents run for which callers."""

from __future__ import annotations

import contextlib
import hashlib
import json
import logging
from collections.abc import AsyncIterator, Callable, Mapping
from pathlib import Path
from typing import Any

import httpx2
import pytest

from gateway.execution import document_cache
from gateway.execution.caching.lru_cache import WeightedLRU
from gateway.execution.persisted import store
from gateway.execution.persisted.manifests import parse_manifest
from gateway.settings.schema import DocumentMode
from gateway.storage import persisted_documents
from gateway.storage.database import Connection
from gateway.storage.persisted_documents import AppVersion
from tests.graphql.world import ADMIN, TOKENS, Client, World, open_world

pytestmark = [pytest.mark.anyio, pytest.mark.any_database]

TEXT = "query Shown { __typename }"
OTHER = "query Other { viewer { kind } }"
SHOWN = {"data": {"__typename": "Query"}}
EMPTY: Mapping[str, Any] = {"locations": {}, "catalogue": {}, "tokens": {"admin": TOKENS["admin"]}, "stock": {}}
GRAPHQL = "application/graphql-response+json"
JSON = "application/json"
WEB = AppVersion("web", "1.0")


def compute_sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def build_hash_request(text: str, **more: Any) -> dict[str, Any]:
    """Build the body of a request by hash."""
    return {"extensions": {"persistedQuery": {"version": 1, "sha256Hash": compute_sha256(text)}}, **more}


def build_id_request(text: str) -> dict[str, Any]:
    return {"documentId": f"sha256:{compute_sha256(text)}"}


def open_documents_world(url: str, **modes: str) -> contextlib.AbstractAsyncContextManager[World]:
    return open_world(url, {}, **EMPTY, documents=modes)


@pytest.fixture
async def world(database_url: str) -> AsyncIterator[World]:
    async with open_documents_world(database_url) as world:
        yield world


async def push(world: World, *texts: str, version: AppVersion = WEB, named: Mapping[str, str] | None = None) -> None:
    """Publish these documents for a version of an app, by hash or by name."""
    manifest = {compute_sha256(text): text for text in texts} | dict(named or {})
    found = parse_manifest(json.dumps(manifest).encode())
    await world.gateway.database.write(persisted_documents.insert_version, version, None, found, world.clock())


async def send(
    client: Client, method: str, asked: Mapping[str, Any], token: str | None = None, accept: str = GRAPHQL
) -> httpx2.Response:
    headers = {"accept": accept} | ({"authorization": f"Bearer {token}"} if token else {})
    if method == "POST":
        return await client.http.post("/graphql", json=asked, headers=headers)
    params = {key: value if isinstance(value, str) else json.dumps(value) for key, value in asked.items()}
    return await client.http.get("/graphql", params=params, headers=headers)


def list_errors(response: httpx2.Response) -> list[tuple[str, str]]:
    """List the messages and codes of the errors."""
    return [(error["message"], error["extensions"]["code"]) for error in response.json().get("errors", [])]


def list_codes(response: httpx2.Response) -> list[str]:
    return [code for _, code in list_errors(response)]


NOT_FOUND = [("PersistedQueryNotFound", "PERSISTED_QUERY_NOT_FOUND")]

# ------------------------------------------------------------------------------------------------ by hash


@pytest.mark.any_database
@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize("accept", [GRAPHQL, JSON])
async def test_a_hash_that_is_not_known_is_asked_for_with_its_text_and_known_from_then_on(
    world: World, method: str, accept: str
) -> None:
    """With status 200, since mobile clients read errors of no other status."""
    missed = await send(world.client, method, build_hash_request(TEXT), accept=accept)
    assert (missed.status_code, list_errors(missed)) == (200, NOT_FOUND)
    assert "data" not in missed.json()
    for asked in (
        build_hash_request(TEXT, query=TEXT),
        build_hash_request(TEXT),
        build_id_request(TEXT),
        build_hash_request(TEXT, query=""),
    ):
        answered = await send(world.client, method, asked, accept=accept)
        assert (answered.status_code, answered.json()) == (200, SHOWN)


@pytest.mark.any_database
@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize(
    "asked", [build_hash_request("{ unknown }"), build_id_request("{ unknown }"), {"documentId": "unknown"}]
)
async def test_that_a_document_is_not_known_is_kept_by_no_cache(
    world: World, method: str, asked: dict[str, Any]
) -> None:
    missed = await send(world.client, method, asked)
    assert list_errors(missed) == NOT_FOUND
    assert "no-store" in missed.headers["cache-control"]


async def test_a_text_is_refused_with_the_hash_of_another_one_and_not_remembered(world: World) -> None:
    for asked in (build_hash_request(OTHER, query=TEXT), {"documentId": compute_sha256(OTHER), "query": TEXT}):
        refused = await send(world.client, "POST", asked)
        assert (refused.status_code, list_codes(refused)) == (400, ["PERSISTED_QUERY_HASH_MISMATCH"])
    for asked in (build_hash_request(OTHER), build_hash_request(TEXT)):
        assert list_errors(await send(world.client, "POST", asked)) == NOT_FOUND


@pytest.mark.any_database
@pytest.mark.parametrize("text", ["{ nothing }", "{", ""])
async def test_a_text_that_cannot_be_run_is_not_remembered(world: World, text: str) -> None:
    refused = await send(world.client, "POST", {"query": text or "#", **build_hash_request(text or "#")})
    assert list_codes(refused)[0] in ("GRAPHQL_PARSE_FAILED", "GRAPHQL_VALIDATION_FAILED")
    assert list_errors(await send(world.client, "POST", build_hash_request(text or "#"))) == NOT_FOUND


@pytest.mark.any_database
async def test_another_protocol_is_not_supported_and_the_client_falls_back_to_texts(world: World) -> None:
    for version in (2, None, "1"):
        asked = {
            "query": TEXT,
            "extensions": {"persistedQuery": {"version": version, "sha256Hash": compute_sha256(TEXT)}},
        }
        refused = await send(world.client, "POST", asked)
        assert list_errors(refused) == [("PersistedQueryNotSupported", "PERSISTED_QUERY_NOT_SUPPORTED")]
        assert refused.status_code == 200


@pytest.mark.any_database
@pytest.mark.parametrize(
    "asked",
    [
        {"extensions": {"persistedQuery": "x"}},
        {"extensions": {"persistedQuery": {"version": 1}}},
        {"extensions": {"persistedQuery": {"version": 1, "sha256Hash": 7}}},
        {"extensions": {"persistedQuery": {"version": 1, "sha256Hash": "a b"}}},
        {"extensions": {"persistedQuery": {"version": 1, "sha256Hash": "a" * 201}}},
        {"documentId": "sha256:short"},
        {"documentId": "sha256:" + "A" * 64},
        {"documentId": "a/b"},
        {"documentId": "a\u0000"},
        {"documentId": "named", "query": TEXT},
        {**build_id_request(TEXT), **build_hash_request(TEXT)},
        {"documentId": 7},
        {"documentId": ""},
        {},
    ],
)
async def test_what_can_be_no_id_is_no_request(world: World, asked: dict[str, Any]) -> None:
    refused = await send(world.client, "POST", asked)
    assert (refused.status_code, list_codes(refused)) == (400, ["BAD_REQUEST"])


@pytest.mark.any_database
async def test_variables_and_operation_names_come_beside_an_id(world: World) -> None:
    text = "query A($if: Boolean!) { a: __typename @include(if: $if) } query B { b: __typename }"
    await push(world, text)
    asked = {**build_id_request(text), "operationName": "A", "variables": {"if": True}}
    for method in ("GET", "POST"):
        assert (await send(world.client, method, asked)).json() == {"data": {"a": "Query"}}
    unsaid = await send(world.client, "POST", build_id_request(text))
    assert list_codes(unsaid) == ["OPERATION_RESOLUTION_FAILURE"]


@pytest.mark.any_database
async def test_only_queries_can_be_asked_for_by_id_with_get(world: World) -> None:
    text = "mutation M { __typename }"
    await push(world, text)
    refused = await send(world.client, "GET", build_id_request(text))
    assert (refused.status_code, refused.headers["allow"]) == (405, "POST")
    assert (await send(world.client, "POST", build_id_request(text))).json() == {"data": {"__typename": "Mutation"}}


# ------------------------------------------------------------------------------------------------ published documents


@pytest.mark.parametrize("digest", ["md5", "sha1", "sha256"])
async def test_a_document_is_asked_for_by_the_name_that_its_app_has_for_it_and_by_its_hash(
    world: World, digest: str
) -> None:
    name = hashlib.new(digest, TEXT.encode()).hexdigest()
    await push(world, named={name: TEXT, "x-shown": TEXT})
    for asked in (
        {"documentId": name},
        {"documentId": "x-shown"},
        build_id_request(TEXT),
        {"documentId": compute_sha256(TEXT)},
    ):
        assert (await send(world.client, "GET", asked)).json() == SHOWN
    manifest_ids = {"extensions": {"persistedQuery": {"version": 1, "sha256Hash": name}}}
    assert (await send(world.client, "POST", manifest_ids)).json() == SHOWN


@pytest.mark.parametrize("mode", ["open", "ids"])
async def test_a_pushed_manifest_works_at_once_on_every_process(database_url: str, mode: str) -> None:
    async with (
        open_documents_world(database_url, anonymous=mode) as one,
        open_documents_world(database_url, anonymous=mode) as two,
    ):
        for world in (one, two):
            assert list_errors(await send(world.client, "POST", build_id_request(TEXT))) == NOT_FOUND
        await push(one, TEXT)
        for world in (two, one):
            assert (await send(world.client, "POST", build_id_request(TEXT))).json() == SHOWN


async def test_a_retired_version_is_refused_once_that_is_noted_and_what_others_hold_is_not(
    database_url: str,
) -> None:
    async with open_documents_world(database_url, anonymous="ids") as world:
        await push(world, TEXT, OTHER, named={"own": OTHER})
        await push(world, TEXT, version=AppVersion("web", "2.0"))
        for asked in (build_id_request(TEXT), build_id_request(OTHER), {"documentId": "own"}):
            assert (await send(world.client, "POST", asked)).status_code == 200
        assert await world.gateway.database.write(persisted_documents.retire_version, WEB) == 1
        await world.gateway.registry.flush_usage()
        assert (await send(world.client, "POST", build_id_request(TEXT))).json() == SHOWN
        for asked in (build_id_request(OTHER), {"documentId": "own"}):
            assert list_errors(await send(world.client, "POST", asked)) == NOT_FOUND


async def test_uses_are_counted_in_memory_and_noted_in_one_statement(world: World) -> None:
    await push(world, TEXT, OTHER)
    for _ in range(3):
        await send(world.client, "POST", build_id_request(TEXT))
    began = world.clock()
    world.clock.forward(minutes=5)
    await send(world.client, "GET", build_hash_request(TEXT))
    assert {one.uses for one in await world.gateway.database.read(persisted_documents.list_documents)} == {0}
    await world.gateway.registry.flush_usage()
    uses = {
        one.text: (one.uses, one.first_used_at, one.last_used_at)
        for one in await world.gateway.database.read(persisted_documents.list_documents)
    }
    assert uses == {TEXT: (4, began, world.clock()), OTHER: (0, None, None)}
    await world.gateway.registry.flush_usage()
    (shipment,) = await world.gateway.database.read(persisted_documents.list_versions)
    assert (shipment.documents, shipment.uses, shipment.last_used_at) == (2, 4, world.clock())


async def test_uses_that_could_not_be_noted_are_noted_later(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    await push(world, TEXT)
    await send(world.client, "POST", build_id_request(TEXT))
    with monkeypatch.context() as broken:
        broken.setattr(persisted_documents, "add_uses", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            await world.gateway.registry.flush_usage()
    await send(world.client, "POST", build_id_request(TEXT))
    await world.gateway.registry.flush_usage()
    assert [one.uses for one in await world.gateway.database.read(persisted_documents.list_documents)] == [2]


async def test_a_document_that_clients_registered_counts_its_uses_once_it_is_published(world: World) -> None:
    await send(world.client, "POST", build_hash_request(TEXT, query=TEXT))
    await push(world, TEXT)
    await world.gateway.registry.flush_usage()
    await send(world.client, "POST", build_hash_request(TEXT))
    await world.gateway.registry.flush_usage()
    assert [one.uses for one in await world.gateway.database.read(persisted_documents.list_documents)] == [1]


# ------------------------------------------------------------------------------------------------ modes


async def test_unauthenticated_clients_send_ids_only_while_known_callers_send_any_document(database_url: str) -> None:
    async with open_documents_world(database_url, anonymous="ids", known="open") as world:
        await push(world, TEXT)
        for asked in ({"query": TEXT}, build_hash_request(TEXT, query=TEXT), {"query": OTHER}):
            refused = await send(world.client, "POST", asked)
            assert (refused.status_code, list_codes(refused)) == (400, ["PERSISTED_QUERY_ID_REQUIRED"])
        assert (await send(world.client, "POST", build_id_request(TEXT))).json() == SHOWN
        assert "data" in (await send(world.client, "POST", build_hash_request(OTHER, query=OTHER), ADMIN)).json()
        assert "data" in (await send(world.client, "POST", build_hash_request(OTHER), ADMIN)).json()
        assert list_errors(await send(world.client, "POST", build_hash_request(OTHER))) == NOT_FOUND


async def test_a_safelist_takes_texts_that_were_pushed_to_the_letter(database_url: str) -> None:
    async with open_documents_world(database_url, anonymous="safelist") as world:
        await push(world, TEXT)
        for asked in (
            {"query": TEXT},
            build_hash_request(TEXT, query=TEXT),
            build_hash_request(TEXT),
            build_id_request(TEXT),
        ):
            assert (await send(world.client, "POST", asked)).json() == SHOWN
        for text in (OTHER, TEXT + " ", "{"):
            refused = await send(world.client, "POST", build_hash_request(text, query=text))
            assert (refused.status_code, list_codes(refused)) == (403, ["QUERY_NOT_IN_SAFELIST"])
            assert list_errors(await send(world.client, "POST", build_hash_request(text))) == NOT_FOUND


@pytest.mark.any_database
async def test_a_text_that_was_not_pushed_is_in_the_log_once_without_what_it_says(
    database_url: str, caplog: pytest.LogCaptureFixture
) -> None:
    text = 'query Secret { node(id: "ada@example.com") { id } }'
    async with open_documents_world(database_url, anonymous="log") as world:
        await push(world, TEXT)
        with caplog.at_level(logging.WARNING, "gateway.execution.persisted.resolver"):
            for asked in (
                {"query": TEXT},
                {"query": "{"},
                {"query": text},
                build_hash_request(text, query=text),
                build_hash_request(text),
            ):
                await send(world.client, "POST", asked)
    lines = [record.getMessage() for record in caplog.records if record.name == "gateway.execution.persisted.resolver"]
    name = f"sha256:{compute_sha256(text)}"
    said = f"unpublished document, requested by an unauthenticated client: {name} with the operations Secret"
    assert lines == [said]


# ------------------------------------------------------------------------------------------------ floods


@pytest.mark.any_database
async def test_hashes_that_are_not_known_fill_neither_memory_nor_database(world: World) -> None:
    registry = world.gateway.registry
    await push(world, TEXT)
    for number in range(300):
        assert list_errors(await send(world.client, "POST", build_hash_request(str(number)))) == NOT_FOUND
    assert measure_registry(registry) == (0, 0, 0)
    await registry.flush_usage()
    assert len(await world.gateway.database.read(persisted_documents.list_documents)) == 1


@pytest.mark.any_database
async def test_documents_that_clients_register_take_bounded_memory_and_no_row(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(world.gateway.registry, "_apq", WeightedLRU(2_000))
    await push(world, TEXT)
    await send(world.client, "POST", build_id_request(TEXT))
    texts = [f"query Q{number} {{ a{number}: __typename }}" for number in range(200)]
    for text in texts:
        assert (await send(world.client, "POST", build_hash_request(text, query=text))).status_code == 200
    _, apq_weight, _ = measure_registry(world.gateway.registry)
    assert apq_weight <= 2_000
    assert list_errors(await send(world.client, "POST", build_hash_request(texts[0]))) == NOT_FOUND
    assert (await send(world.client, "POST", build_hash_request(texts[-1]))).status_code == 200
    assert (await send(world.client, "POST", build_id_request(TEXT))).json() == SHOWN
    assert len(await world.gateway.database.read(persisted_documents.list_documents)) == 1


def measure_registry(registry: store.DocumentRegistry) -> tuple[int, int, int]:
    """Measure a registry: characters of published documents and of registered ones, and the number of pending uses."""
    return registry._published.weight, registry._apq.weight, len(registry._uses)


# ------------------------------------------------------------------------------------------------ lookups and proofs


async def test_the_proof_a_document_under_another_hash_is_distinguished_from_its_own(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gateway.execution.persisted.resolver.is_id_of", lambda name, text: True)
    with pytest.raises(AssertionError):
        await test_a_text_is_refused_with_the_hash_of_another_one_and_not_remembered(world)


async def test_the_proof_a_negative_memory_would_be_noticed(database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """With one, a document that was requested before it was published would never be found."""
    missed: set[str] = set()
    ask = store.DocumentRegistry.find_published

    async def resolve_with_negative_cache(registry: store.DocumentRegistry, name: str) -> Any:
        if name in missed:
            return None
        if (found := await ask(registry, name)) is None:
            missed.add(name)
        return found

    monkeypatch.setattr(store.DocumentRegistry, "find_published", resolve_with_negative_cache)
    with pytest.raises(AssertionError):
        await test_a_pushed_manifest_works_at_once_on_every_process(database_url, "open")


@pytest.mark.any_database
async def test_a_shipped_document_is_looked_up_once_in_a_process_and_an_unknown_one_each_time(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    await push(world, TEXT)
    asked: list[str] = []
    look = persisted_documents.find_document

    def look_and_record(conn: Connection, name: str) -> persisted_documents.Document | None:
        asked.append(name)
        return look(conn, name)

    monkeypatch.setattr(persisted_documents, "find_document", look_and_record)
    for _ in range(3):
        for text in (TEXT, OTHER):
            await send(world.client, "GET", build_id_request(text))
    assert [id_.removeprefix("sha256:") for id_ in asked] == [
        compute_sha256(TEXT),
        compute_sha256(OTHER),
        compute_sha256(OTHER),
        compute_sha256(OTHER),
    ]


@pytest.mark.any_database
async def test_a_document_is_parsed_validated_and_priced_once_however_it_is_asked_for(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    done: list[str] = []

    def record_calls(name: str) -> None:
        work: Callable[..., Any] = getattr(document_cache, name)

        def run(*args: Any, **kwargs: Any) -> Any:
            done.append(name)
            return work(*args, **kwargs)

        monkeypatch.setattr(document_cache, name, run)

    for name in ("parse", "validate", "analyze_operation"):
        record_calls(name)
    await push(world, TEXT)
    for method in ("GET", "POST"):
        for asked in (build_id_request(TEXT), build_hash_request(TEXT), build_id_request(TEXT)):
            assert (await send(world.client, method, asked)).json() == SHOWN
    assert done == ["parse", "validate", "analyze_operation"]


# ------------------------------------------------------------------------------------------------ documentation

PAGE = (Path(__file__).parents[2] / "docs" / "documents.md").read_text(encoding="utf-8")


def parse_documented_modes() -> dict[str, list[str]]:
    rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in PAGE.splitlines() if line.startswith("| `")]
    return {cells[0].split("`")[1]: cells[1:] for cells in rows}


@pytest.mark.any_database
@pytest.mark.parametrize("mode", [mode.value for mode in DocumentMode])
async def test_what_is_run_in_a_mode_stands_on_the_page(database_url: str, mode: str) -> None:
    async with open_documents_world(database_url, anonymous=mode, known="open") as world:
        await push(world, TEXT)
        await send(world.client, "POST", build_hash_request(OTHER, query=OTHER), ADMIN)
        asked = ({"query": TEXT}, {"query": "{ a: __typename }"}, build_id_request(TEXT), build_hash_request(OTHER))
        outcomes = [list_codes(await send(world.client, "POST", one)) for one in asked]
    said = parse_documented_modes()[mode]
    assert [f"`{code[0]}`" if code else "runs" for code in outcomes] == [one.split(",")[0] for one in said]


LISTED = "query Listed { products(first: 1) { nodes { title } } }"


async def test_a_cached_response_is_not_sent_for_a_text_to_callers_who_must_send_the_id(database_url: str) -> None:
    async with open_documents_world(database_url, anonymous="ids") as world:
        await push(world, LISTED)
        for _ in range(3):
            assert (await send(world.client, "POST", build_id_request(LISTED))).status_code == 200
        assert world.gateway.responses.size > 0
        refused = await send(world.client, "POST", {"query": LISTED})
        assert refused.json()["errors"][0]["extensions"]["code"] == "PERSISTED_QUERY_ID_REQUIRED"
