"""Policies of persisted documents: blocked, limited and cached without shipping an app again."""

from __future__ import annotations

from typing import Any

import pytest

from gateway.execution.persisted.ids import compute_id
from gateway.storage import persisted_documents
from gateway.storage.persisted_documents import AppVersion, Document
from tests.graphql.shopper import make_key
from tests.graphql.world import ADMIN, STAFF, World, build_global_id

pytestmark = [pytest.mark.anyio, pytest.mark.any_database]

TEXT = "query Names { products(first: 1) { nodes { title } } customers(first: 1) { totalCount } }"
ID = compute_id(TEXT)
SET = """mutation ($input: DocumentPolicySetInput!) {
  documentPolicySet(input: $input) {
    document { operation policy { blocked reason maxAgeSeconds maxPerMinute deadlineMs setBy } }
    userErrors { code field }
  }
}"""


@pytest.fixture
async def world(retailer: World) -> World:
    document = Document(ID, TEXT)
    await retailer.gateway.database.write(
        persisted_documents.insert_version, AppVersion("app", "1.0"), "mobile", {ID: document}, retailer.clock()
    )
    return retailer


async def set_policy(world: World, **given: Any) -> dict[str, Any]:
    request = {"documentId": build_global_id("Document", *ID.split(":")), "idempotencyKey": make_key(), **given}
    answer = await world.client.fetch_data(SET, ADMIN, input=request)
    payload: dict[str, Any] = answer["documentPolicySet"]
    return payload


async def execute(world: World) -> list[str]:
    """Execute the document by its ID and return the codes of the errors."""
    headers = {"accept": "application/graphql-response+json", "authorization": f"Bearer {ADMIN}"}
    response = await world.client.http.post("/graphql", json={"documentId": ID}, headers=headers)
    return [error["extensions"]["code"] for error in response.json().get("errors", [])]


async def test_a_document_names_its_apps_cost_and_scopes(world: World) -> None:
    assert await execute(world) == []
    await world.gateway.flush_counts()
    query = """{ documents(filter: {app: "app", operation: "Names"}) {
      totalCount nodes { hash operation cost scopes uses lastUsedAt apps { name version owner } policy { blocked } }
    } }"""
    found = (await world.client.fetch_data(query, ADMIN))["documents"]
    (document,) = found["nodes"]
    assert (found["totalCount"], document["hash"], document["operation"]) == (1, ID, "Names")
    assert document["apps"] == [{"name": "app", "version": "1.0", "owner": "mobile"}]
    assert document["scopes"] == ["customers:read"] and document["cost"] > 0 and document["policy"] is None
    assert document["uses"] == 1 and document["lastUsedAt"] is not None
    assert (await world.client.ask(query, STAFF)).codes == ["FORBIDDEN"]


async def test_a_blocked_document_is_refused_with_the_reason(world: World) -> None:
    payload = await set_policy(world, blocked=True, reason="asks for too much")
    assert payload["document"]["policy"] == {
        "blocked": True,
        "reason": "asks for too much",
        "maxAgeSeconds": None,
        "maxPerMinute": None,
        "deadlineMs": None,
        "setBy": "admin",
    }
    assert await execute(world) == ["DOCUMENT_BLOCKED"]
    assert (await world.client.ask(TEXT, ADMIN)).codes == ["DOCUMENT_BLOCKED"]  # by its text as well
    await set_policy(world, blocked=False)
    assert await execute(world) == []


async def test_a_document_is_executed_as_often_as_its_policy_allows(world: World) -> None:
    await set_policy(world, maxPerMinute=2)
    assert [await execute(world) for _ in range(3)] == [[], [], ["RATE_LIMITED"]]
    world.clock.forward(minutes=1)
    assert await execute(world) == []


async def test_answers_are_cached_as_long_as_the_policy_says(world: World) -> None:
    text = "query Titles { products(first: 1) { nodes { title } } }"
    await world.gateway.database.write(
        persisted_documents.insert_version,
        AppVersion("app", "2.0"),
        None,
        {compute_id(text): Document(compute_id(text), text)},
        world.clock(),
    )
    request = {"documentId": build_global_id("Document", *compute_id(text).split(":")), "maxAgeSeconds": 7}
    await set_policy(world, **request)
    response = await world.client.http.get("/graphql", params={"documentId": compute_id(text)})
    assert response.headers["cache-control"] == "public, max-age=7"


async def test_a_cached_response_is_counted_limited_and_blocked_as_any_other(world: World) -> None:
    text = "query Titles { products(first: 1) { nodes { title } } }"
    id_ = compute_id(text)
    version = AppVersion("app", "2.0")
    await world.gateway.database.write(
        persisted_documents.insert_version, version, None, {id_: Document(id_, text)}, world.clock()
    )
    requests = [{"documentId": id_}, {"query": text}]

    async def execute_all(times: int) -> list[str]:
        answers = [await world.client.http.post("/graphql", json=requests[n % 2]) for n in range(times)]
        return [error["extensions"]["code"] for answer in answers for error in answer.json().get("errors", [])]

    assert await execute_all(6) == [] and world.gateway.responses.size > 0
    await world.gateway.flush_counts()
    query = '{ documents(filter: {operation: "Titles"}) { nodes { uses } } }'
    assert (await world.client.fetch_data(query, ADMIN))["documents"]["nodes"] == [{"uses": 6}]
    policy = {"documentId": build_global_id("Document", *id_.split(":"))}
    await set_policy(world, **policy, maxPerMinute=2)
    assert await execute_all(4) == ["RATE_LIMITED", "RATE_LIMITED"]
    await set_policy(world, **policy, blocked=True)
    assert await execute_all(2) == ["DOCUMENT_BLOCKED", "DOCUMENT_BLOCKED"]


@pytest.mark.parametrize("given", [{"maxPerMinute": -1}, {"deadlineMs": 0}, {"maxAgeSeconds": 86_401}])
async def test_a_limit_that_cannot_be_is_an_error_of_the_client(world: World, given: dict[str, int]) -> None:
    request = {"documentId": build_global_id("Document", *ID.split(":")), "idempotencyKey": make_key(), **given}
    assert (await world.client.ask(SET, ADMIN, input=request)).codes == ["BAD_USER_INPUT"]


async def test_a_document_that_does_not_exist_is_not_found(world: World) -> None:
    missing = build_global_id("Document", "sha256", "0" * 64)
    payload = await set_policy(world, documentId=missing, blocked=True)
    assert [(error["code"], error["field"]) for error in payload["userErrors"]] == [
        ("NOT_FOUND", ["input", "documentId"])
    ]
