"""Limits of a single request: an unauthenticated client with a small document does not block other clients."""

from __future__ import annotations

from typing import Any

import pytest
from graphql import get_introspection_query

from gateway.execution import context, document_cache
from gateway.execution.document_cache import DocumentCache
from gateway.graphql.schema import create_schema
from gateway.sdk.testing import record_builders
from gateway.sdk.testing.memory_channel import MemoryStore
from gateway.settings.schema import LimitsTable
from tests.graphql.conftest import Make
from tests.graphql.world import CLERK, STAFF, TOKENS, World, build_till, open_world

pytestmark = pytest.mark.anyio
ORDERS = 40
ENDLESS = {"cost": 10**40}
TABLES: dict[str, Any] = {
    "locations": {},
    "catalogue": {},
    "tokens": {"staff": TOKENS["staff"], "clerk": {"token": CLERK, "scopes": ["orders:read", "customers:read"]}},
    "limits": {
        "known": ENDLESS,
        "anonymous": ENDLESS,
        "aliases": 1_000,
        "height": 10_000,
        "depth": 40,
        "tokens": 10_000,
        "deadline": "5m",
    },  # the outbox would be empty without it
}


@pytest.fixture(scope="module")
def database_kind() -> str:
    return "sqlite"


@pytest.fixture(scope="module")
def retailer() -> Make:
    return lambda url: open_world(url, {"till": build_busy_till()}, **TABLES)


def build_busy_till() -> MemoryStore:
    """Build a till with a customer who has many orders."""
    store = build_till()
    store.put(
        "products", {**record_builders.build_product("t-long", sku="LONG", price="1.00"), "description": "x" * 60_000}
    )
    for number in range(ORDERS):
        store.put(
            "orders",
            record_builders.build_order(
                f"b{number}", [record_builders.build_line("1", "t-mug", 1, "4.50")], customer="c2"
            ),
        )
    return store


def build_nested_orders(levels: int) -> str:
    """Build nested selections: orders of the customer of orders of the customer …"""
    deeper = "{ nodes { id customer { orders(first: 100) " * levels
    return "{ orders(first: 100) " + deeper + "{ nodes { id number } }" + " } } }" * levels + " }"


@pytest.mark.parametrize("levels", [3, 8])
async def test_lists_within_lists_within_lists_are_given_up(world: World, levels: int) -> None:
    answer = await world.client.ask(build_nested_orders(levels), STAFF)
    assert (answer.status, answer.codes, list(answer.body)) == (400, ["ANSWER_TOO_LARGE"], ["errors"])


async def test_lists_within_lists_are_answered(world: World) -> None:
    found = await world.client.fetch_data(build_nested_orders(1), STAFF)
    assert len(found["orders"]["nodes"]) == ORDERS + 2


async def test_without_the_bound_the_same_request_would_be_answered_at_length(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Proof that the tests above can fail; with few orders, or it would take minutes."""
    monkeypatch.setattr(context, "MAX_RESPONSE_FIELDS", 1_000)
    assert (await world.client.ask(build_nested_orders(1), STAFF)).codes == ["ANSWER_TOO_LARGE"]
    monkeypatch.setattr(context, "MAX_RESPONSE_FIELDS", 10**9)
    assert (await world.client.ask(build_nested_orders(1), STAFF)).codes == []


def build_failing_fields(fields: int) -> str:
    """Build a selection with this many customer fields per order, none of which the caller may read."""
    fields_ = " ".join(f"f{number}: givenName" for number in range(fields))
    return "{ orders(first: 40) { nodes { customer { " + fields_ + " } } } }"


async def test_fields_that_fail_by_the_thousands_are_given_up(world: World) -> None:
    """An error takes as long as a hundred fields."""
    assert (await world.client.ask(build_failing_fields(1), CLERK)).codes == ["FORBIDDEN"] * 40
    assert (await world.client.ask(build_failing_fields(50), CLERK)).codes == ["ANSWER_TOO_LARGE"]


async def test_a_long_text_that_is_asked_for_very_often_is_given_up(world: World) -> None:
    def build_query(times: int) -> str:
        return "{ products { nodes { " + " ".join(f"d{number}: description" for number in range(times)) + " } } }"

    assert (await world.client.ask(build_query(2))).codes == []
    assert (await world.client.ask(build_query(200))).codes == ["ANSWER_TOO_LARGE"]


async def test_a_document_of_empty_lines_is_no_document(world: World) -> None:
    """Each error would count the lines."""
    for line in ("\n", "\r"):
        assert (await world.client.ask(line * 20_001 + "{ x }")).codes == ["GRAPHQL_PARSE_FAILED"]
    assert (await world.client.ask("\n" * 20_000 + "{ __typename }")).codes == []


async def test_introspection_as_tools_ask_for_it_is_answered_and_repeated_a_hundred_times_it_is_not(
    world: World,
) -> None:
    assert (await world.client.ask(get_introspection_query(input_value_deprecation=True))).codes == []
    all_types = "types { fields { args { type { name } } type { ofType { fields { args { name } } } } } }"
    bomb = "{ __schema { " + " ".join(f"t{number}: {all_types}" for number in range(100)) + " } }"
    assert (await world.client.ask(bomb)).codes == ["ANSWER_TOO_LARGE"]


async def test_a_search_text_beyond_the_limit_is_refused(world: World) -> None:
    for field in ("products", "orders", "customers"):
        query = f"query ($search: String) {{ {field}(search: $search) {{ totalCount }} }}"
        for search in ("a b c d " * 1_000, "word " * 21, "x" * 501):
            assert (await world.client.ask(query, STAFF, search=search)).codes == ["BAD_USER_INPUT"]
        assert (await world.client.ask(query, STAFF, search="word " * 20)).codes == []


@pytest.mark.parametrize(
    "query", ["{ products(first: " + "9" * 50_000 + ") { totalCount } }", "{" + "a" * 50_000 + "}"]
)
async def test_an_error_does_not_send_back_all_that_was_sent(world: World, query: str) -> None:
    answer = await world.client.ask(query)
    assert (answer.status, len(answer.body["errors"])) == (400, 1)
    assert len(answer.body["errors"][0]["message"]) <= 500


def test_remembered_documents_take_a_bounded_room(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(document_cache, "MAX_CACHED_CHARACTERS", 5_000)
    documents = DocumentCache(create_schema(), LimitsTable())
    large = "{ channels { " + " ".join(f"a{number}: id" for number in range(99)) + " key%d: key } }"
    texts = [large % number for number in range(10)]
    prepared = [documents.prepare(text) for text in texts]
    assert documents.prepare(texts[-1]) is prepared[-1]
    assert documents.prepare(texts[0]) is not prepared[0]
    assert documents.prepare(texts[0]) is documents.prepare(texts[0])
