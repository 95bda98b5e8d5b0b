"""Documents by hash and id: automatic persisted queries, `documentId`, and which documents are run for whom."""

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

from gateway.execution import documents
from gateway.execution import registry as registry_module
from gateway.execution.manifests import read
from gateway.execution.memory import Memory
from gateway.settings import DocumentMode
from gateway.storage import documents as stored
from gateway.storage.database import Connection
from gateway.storage.documents import AppVersion
from tests.graphql.world import ADMIN, TOKENS, Client, World, opened

pytestmark = pytest.mark.anyio

TEXT = "query Shown { __typename }"
OTHER = "query Other { viewer { kind } }"
SHOWN = {"data": {"__typename": "Query"}}
EMPTY: Mapping[str, Any] = {"locations": {}, "catalogue": {}, "tokens": {"admin": TOKENS["admin"]}, "stock": {}}
GRAPHQL = "application/graphql-response+json"
JSON = "application/json"
WEB = AppVersion("web", "1.0")


def sha(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def hashed(text: str, **more: Any) -> dict[str, Any]:
    """What a client sends that asks by hash."""
    return {"extensions": {"persistedQuery": {"version": 1, "sha256Hash": sha(text)}}, **more}


def by_id(text: str) -> dict[str, Any]:
    return {"documentId": f"sha256:{sha(text)}"}


def world_of(url: str, **modes: str) -> contextlib.AbstractAsyncContextManager[World]:
    return opened(url, {}, **EMPTY, documents=modes)


@pytest.fixture
async def world(database_url: str) -> AsyncIterator[World]:
    async with world_of(database_url) as world:
        yield world


async def push(world: World, *texts: str, version: AppVersion = WEB, named: Mapping[str, str] | None = None) -> None:
    """Have these texts be held by a version, by their hashes or under names."""
    manifest = {sha(text): text for text in texts} | dict(named or {})
    found = read(json.dumps(manifest).encode())
    await world.gateway.database.write(stored.ship, version, None, found, world.clock())


async def send(
    client: Client, method: str, asked: Mapping[str, Any], token: str | None = None, accept: str = GRAPHQL
) -> httpx2.Response:
    headers = {"accept": accept} | ({"authorization": f"Bearer {token}"} if token else {})
    if method == "POST":
        return await client.http.post("/graphql", json=asked, headers=headers)
    params = {key: value if isinstance(value, str) else json.dumps(value) for key, value in asked.items()}
    return await client.http.get("/graphql", params=params, headers=headers)


def told(response: httpx2.Response) -> list[tuple[str, str]]:
    """The errors: their messages and codes."""
    return [(error["message"], error["extensions"]["code"]) for error in response.json().get("errors", [])]


def codes(response: httpx2.Response) -> list[str]:
    return [code for _, code in told(response)]


NOT_FOUND = [("PersistedQueryNotFound", "PERSISTED_QUERY_NOT_FOUND")]

# ------------------------------------------------------------------------------------------------ by hash


@pytest.mark.any_database
@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize("accept", [GRAPHQL, JSON])
async def test_a_hash_that_is_not_known_is_asked_for_with_its_text_and_known_from_then_on(
    world: World, method: str, accept: str
) -> None:
    """With 200, since clients on phones read the errors of no other answer."""
    missed = await send(world.client, method, hashed(TEXT), accept=accept)
    assert (missed.status_code, told(missed)) == (200, NOT_FOUND)
    assert "data" not in missed.json()
    for asked in (hashed(TEXT, query=TEXT), hashed(TEXT), by_id(TEXT), hashed(TEXT, query="")):
        answered = await send(world.client, method, asked, accept=accept)
        assert (answered.status_code, answered.json()) == (200, SHOWN)


@pytest.mark.any_database
@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize("asked", [hashed("{ nobody }"), by_id("{ nobody }"), {"documentId": "nobody"}])
async def test_that_a_document_is_not_known_is_kept_by_no_cache(
    world: World, method: str, asked: dict[str, Any]
) -> None:
    missed = await send(world.client, method, asked)
    assert told(missed) == NOT_FOUND
    assert "no-store" in missed.headers["cache-control"]


async def test_a_text_is_refused_with_the_hash_of_another_one_and_not_remembered(world: World) -> None:
    for asked in (hashed(OTHER, query=TEXT), {"documentId": sha(OTHER), "query": TEXT}):
        refused = await send(world.client, "POST", asked)
        assert (refused.status_code, codes(refused)) == (400, ["PERSISTED_QUERY_HASH_MISMATCH"])
    for asked in (hashed(OTHER), hashed(TEXT)):
        assert told(await send(world.client, "POST", asked)) == NOT_FOUND


@pytest.mark.any_database
@pytest.mark.parametrize("text", ["{ nothing }", "{", ""])
async def test_a_text_that_cannot_be_run_is_not_remembered(world: World, text: str) -> None:
    refused = await send(world.client, "POST", {"query": text or "#", **hashed(text or "#")})
    assert codes(refused)[0] in ("GRAPHQL_PARSE_FAILED", "GRAPHQL_VALIDATION_FAILED")
    assert told(await send(world.client, "POST", hashed(text or "#"))) == NOT_FOUND


@pytest.mark.any_database
async def test_another_protocol_is_not_supported_and_the_client_falls_back_to_texts(world: World) -> None:
    for version in (2, None, "1"):
        asked = {"query": TEXT, "extensions": {"persistedQuery": {"version": version, "sha256Hash": sha(TEXT)}}}
        refused = await send(world.client, "POST", asked)
        assert told(refused) == [("PersistedQueryNotSupported", "PERSISTED_QUERY_NOT_SUPPORTED")]
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
        {**by_id(TEXT), **hashed(TEXT)},
        {"documentId": 7},
        {"documentId": ""},
        {},
    ],
)
async def test_what_can_be_no_id_is_no_request(world: World, asked: dict[str, Any]) -> None:
    refused = await send(world.client, "POST", asked)
    assert (refused.status_code, codes(refused)) == (400, ["BAD_REQUEST"])


@pytest.mark.any_database
async def test_variables_and_operation_names_come_beside_an_id(world: World) -> None:
    text = "query A($if: Boolean!) { a: __typename @include(if: $if) } query B { b: __typename }"
    await push(world, text)
    asked = {**by_id(text), "operationName": "A", "variables": {"if": True}}
    for method in ("GET", "POST"):
        assert (await send(world.client, method, asked)).json() == {"data": {"a": "Query"}}
    unsaid = await send(world.client, "POST", by_id(text))
    assert codes(unsaid) == ["OPERATION_RESOLUTION_FAILURE"]


@pytest.mark.any_database
async def test_only_queries_can_be_asked_for_by_id_with_get(world: World) -> None:
    text = "mutation M { __typename }"
    await push(world, text)
    refused = await send(world.client, "GET", by_id(text))
    assert (refused.status_code, refused.headers["allow"]) == (405, "POST")
    assert (await send(world.client, "POST", by_id(text))).json() == {"data": {"__typename": "Mutation"}}


# ------------------------------------------------------------------------------------------------ what was pushed


@pytest.mark.parametrize("digest", ["md5", "sha1", "sha256"])
async def test_a_document_is_asked_for_by_the_name_that_its_app_has_for_it_and_by_its_hash(
    world: World, digest: str
) -> None:
    name = hashlib.new(digest, TEXT.encode()).hexdigest()
    await push(world, named={name: TEXT, "x-shown": TEXT})
    for asked in ({"documentId": name}, {"documentId": "x-shown"}, by_id(TEXT), {"documentId": sha(TEXT)}):
        assert (await send(world.client, "GET", asked)).json() == SHOWN
    manifest_ids = {"extensions": {"persistedQuery": {"version": 1, "sha256Hash": name}}}
    assert (await send(world.client, "POST", manifest_ids)).json() == SHOWN


@pytest.mark.parametrize("mode", ["open", "ids"])
async def test_a_pushed_manifest_works_at_once_on_every_process(database_url: str, mode: str) -> None:
    async with world_of(database_url, anonymous=mode) as one, world_of(database_url, anonymous=mode) as two:
        for world in (one, two):
            assert told(await send(world.client, "POST", by_id(TEXT))) == NOT_FOUND
        await push(one, TEXT)
        for world in (two, one):
            assert (await send(world.client, "POST", by_id(TEXT))).json() == SHOWN


async def test_a_retired_version_is_refused_once_that_is_noted_and_what_others_hold_is_not(
    database_url: str,
) -> None:
    async with world_of(database_url, anonymous="ids") as world:
        await push(world, TEXT, OTHER, named={"own": OTHER})
        await push(world, TEXT, version=AppVersion("web", "2.0"))
        for asked in (by_id(TEXT), by_id(OTHER), {"documentId": "own"}):
            assert (await send(world.client, "POST", asked)).status_code == 200
        assert await world.gateway.database.write(stored.retire, WEB) == 1
        await world.gateway.registry.note()
        assert (await send(world.client, "POST", by_id(TEXT))).json() == SHOWN
        for asked in (by_id(OTHER), {"documentId": "own"}):
            assert told(await send(world.client, "POST", asked)) == NOT_FOUND


async def test_uses_are_counted_in_memory_and_noted_in_one_statement(world: World) -> None:
    await push(world, TEXT, OTHER)
    for _ in range(3):
        await send(world.client, "POST", by_id(TEXT))
    began = world.clock()
    world.clock.forward(minutes=5)
    await send(world.client, "GET", hashed(TEXT))
    assert {one.uses for one in await world.gateway.database.read(stored.shipped)} == {0}
    await world.gateway.registry.note()
    uses = {
        one.text: (one.uses, one.first_used_at, one.last_used_at)
        for one in await world.gateway.database.read(stored.shipped)
    }
    assert uses == {TEXT: (4, began, world.clock()), OTHER: (0, None, None)}
    await world.gateway.registry.note()
    (shipment,) = await world.gateway.database.read(stored.shipments)
    assert (shipment.documents, shipment.uses, shipment.last_used_at) == (2, 4, world.clock())


async def test_uses_that_could_not_be_noted_are_noted_later(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    await push(world, TEXT)
    await send(world.client, "POST", by_id(TEXT))
    with monkeypatch.context() as broken:
        broken.setattr(stored, "add_uses", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            await world.gateway.registry.note()
    await send(world.client, "POST", by_id(TEXT))
    await world.gateway.registry.note()
    assert [one.uses for one in await world.gateway.database.read(stored.shipped)] == [2]


async def test_a_text_that_clients_told_counts_its_uses_once_it_is_pushed(world: World) -> None:
    await send(world.client, "POST", hashed(TEXT, query=TEXT))
    await push(world, TEXT)
    await world.gateway.registry.note()
    await send(world.client, "POST", hashed(TEXT))
    await world.gateway.registry.note()
    assert [one.uses for one in await world.gateway.database.read(stored.shipped)] == [1]


# ------------------------------------------------------------------------------------------------ modes


async def test_of_strangers_only_ids_are_taken_while_known_callers_send_what_they_like(database_url: str) -> None:
    async with world_of(database_url, anonymous="ids", known="open") as world:
        await push(world, TEXT)
        for asked in ({"query": TEXT}, hashed(TEXT, query=TEXT), {"query": OTHER}):
            refused = await send(world.client, "POST", asked)
            assert (refused.status_code, codes(refused)) == (400, ["PERSISTED_QUERY_ID_REQUIRED"])
        assert (await send(world.client, "POST", by_id(TEXT))).json() == SHOWN
        assert "data" in (await send(world.client, "POST", hashed(OTHER, query=OTHER), ADMIN)).json()
        assert "data" in (await send(world.client, "POST", hashed(OTHER), ADMIN)).json()
        assert told(await send(world.client, "POST", hashed(OTHER))) == NOT_FOUND


async def test_a_safelist_takes_texts_that_were_pushed_to_the_letter(database_url: str) -> None:
    async with world_of(database_url, anonymous="safelist") as world:
        await push(world, TEXT)
        for asked in ({"query": TEXT}, hashed(TEXT, query=TEXT), hashed(TEXT), by_id(TEXT)):
            assert (await send(world.client, "POST", asked)).json() == SHOWN
        for text in (OTHER, TEXT + " ", "{"):
            refused = await send(world.client, "POST", hashed(text, query=text))
            assert (refused.status_code, codes(refused)) == (403, ["QUERY_NOT_IN_SAFELIST"])
            assert told(await send(world.client, "POST", hashed(text))) == NOT_FOUND


@pytest.mark.any_database
async def test_a_text_that_was_not_pushed_is_in_the_log_once_without_what_it_says(
    database_url: str, caplog: pytest.LogCaptureFixture
) -> None:
    text = 'query Secret { node(id: "ada@example.com") { id } }'
    async with world_of(database_url, anonymous="log") as world:
        await push(world, TEXT)
        with caplog.at_level(logging.WARNING, "gateway.execution.persisted"):
            for asked in ({"query": TEXT}, {"query": "{"}, {"query": text}, hashed(text, query=text), hashed(text)):
                await send(world.client, "POST", asked)
    lines = [record.getMessage() for record in caplog.records if record.name == "gateway.execution.persisted"]
    said = f"not pushed, asked for by somebody without a token: sha256:{sha(text)} with the operations Secret"
    assert lines == [said]


# ------------------------------------------------------------------------------------------------ floods


@pytest.mark.any_database
async def test_hashes_that_are_not_known_fill_neither_memory_nor_database(world: World) -> None:
    registry = world.gateway.registry
    await push(world, TEXT)
    for number in range(300):
        assert told(await send(world.client, "POST", hashed(str(number)))) == NOT_FOUND
    assert held(registry) == (0, 0, 0)
    await registry.note()
    assert len(await world.gateway.database.read(stored.shipped)) == 1


@pytest.mark.any_database
async def test_texts_that_clients_tell_take_a_bounded_room_and_no_row(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(world.gateway.registry, "_told", Memory(2_000))
    await push(world, TEXT)
    await send(world.client, "POST", by_id(TEXT))
    texts = [f"query Q{number} {{ a{number}: __typename }}" for number in range(200)]
    for text in texts:
        assert (await send(world.client, "POST", hashed(text, query=text))).status_code == 200
    _, told_room, _ = held(world.gateway.registry)
    assert told_room <= 2_000
    assert told(await send(world.client, "POST", hashed(texts[0]))) == NOT_FOUND
    assert (await send(world.client, "POST", hashed(texts[-1]))).status_code == 200
    assert (await send(world.client, "POST", by_id(TEXT))).json() == SHOWN
    assert len(await world.gateway.database.read(stored.shipped)) == 1


def held(registry: registry_module.Registry) -> tuple[int, int, int]:
    """How much a registry remembers: of shipped texts and told ones the characters, and the uses to be noted."""
    return registry._shipped.weight, registry._told.weight, len(registry._uses)


# ------------------------------------------------------------------------------------------------ looks and proofs


async def test_the_proof_a_text_under_another_hash_is_told_from_its_own(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gateway.execution.persisted.fits", lambda name, text: True)
    with pytest.raises(AssertionError):
        await test_a_text_is_refused_with_the_hash_of_another_one_and_not_remembered(world)


async def test_the_proof_a_negative_memory_would_be_noticed(database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """With one, what was asked for before it was pushed would go on not being found."""
    missed: set[str] = set()
    ask = registry_module.Registry.shipped

    async def forgetful(registry: registry_module.Registry, name: str) -> Any:
        if name in missed:
            return None
        if (found := await ask(registry, name)) is None:
            missed.add(name)
        return found

    monkeypatch.setattr(registry_module.Registry, "shipped", forgetful)
    with pytest.raises(AssertionError):
        await test_a_pushed_manifest_works_at_once_on_every_process(database_url, "open")


@pytest.mark.any_database
async def test_a_shipped_document_is_looked_up_once_in_a_process_and_an_unknown_one_each_time(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    await push(world, TEXT)
    asked: list[str] = []
    look = stored.by_name

    def noted(conn: Connection, name: str) -> stored.Document | None:
        asked.append(name)
        return look(conn, name)

    monkeypatch.setattr(stored, "by_name", noted)
    for _ in range(3):
        for text in (TEXT, OTHER):
            await send(world.client, "GET", by_id(text))
    assert [id_.removeprefix("sha256:") for id_ in asked] == [sha(TEXT), sha(OTHER), sha(OTHER), sha(OTHER)]


@pytest.mark.any_database
async def test_a_document_is_parsed_validated_and_priced_once_however_it_is_asked_for(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    done: list[str] = []

    def noted(name: str) -> None:
        work: Callable[..., Any] = getattr(documents, name)

        def run(*args: Any, **kwargs: Any) -> Any:
            done.append(name)
            return work(*args, **kwargs)

        monkeypatch.setattr(documents, name, run)

    for name in ("parse", "validate", "price_list"):
        noted(name)
    await push(world, TEXT)
    for method in ("GET", "POST"):
        for asked in (by_id(TEXT), hashed(TEXT), by_id(TEXT)):
            assert (await send(world.client, method, asked)).json() == SHOWN
    assert done == ["parse", "validate", "price_list"]


# ------------------------------------------------------------------------------------------------ the page

PAGE = (Path(__file__).parents[2] / "docs" / "documents.md").read_text(encoding="utf-8")


def modes_of_the_page() -> dict[str, list[str]]:
    rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in PAGE.splitlines() if line.startswith("| `")]
    return {cells[0].split("`")[1]: cells[1:] for cells in rows}


@pytest.mark.any_database
@pytest.mark.parametrize("mode", [mode.value for mode in DocumentMode])
async def test_what_is_run_in_a_mode_stands_on_the_page(database_url: str, mode: str) -> None:
    async with world_of(database_url, anonymous=mode, known="open") as world:
        await push(world, TEXT)
        await send(world.client, "POST", hashed(OTHER, query=OTHER), ADMIN)
        asked = ({"query": TEXT}, {"query": "{ a: __typename }"}, by_id(TEXT), hashed(OTHER))
        outcomes = [codes(await send(world.client, "POST", one)) for one in asked]
    said = modes_of_the_page()[mode]
    assert [f"`{code[0]}`" if code else "runs" for code in outcomes] == [one.split(",")[0] for one in said]
