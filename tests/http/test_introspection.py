"""Introspection: open in development; in production closed to unauthenticated clients except for what they need."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
from graphql import get_introspection_query

from tests.graphql.world import ADMIN, PRODUCTION, STAFF, World, open_small_world

pytestmark = [pytest.mark.anyio, pytest.mark.any_database]

TYPO = "{ product { titel } produkts { id } }"
SCHEMA = [
    get_introspection_query(),
    '{ __type(name: "Cart") { name } }',
    "{ ...A } fragment A on Query { __schema { types { name } } }",
]
ENUM = "query ($key: ProductSortKey!) { products(sort: { key: $key }) { totalCount } }"


@pytest.fixture
async def public(database_url: str) -> AsyncIterator[World]:
    async with open_small_world(database_url, **PRODUCTION) as world:
        yield world


def join_messages(answer: Any) -> str:
    return " ".join(error["message"] for error in answer.body["errors"])


@pytest.mark.parametrize(
    "query",
    [
        get_introspection_query(),
        '{ __type(name: "Cart") { name } }',
        "{ ...A } fragment A on Query { __schema { types { name } } }",
    ],
)
async def test_in_production_introspection_is_open_to_callers_with_the_scope(public: World, query: str) -> None:
    assert (await public.client.ask(query)).codes == ["INTROSPECTION_DISABLED"]
    assert (await public.client.ask(query, STAFF)).codes == ["INTROSPECTION_DISABLED"]
    assert (await public.client.ask(query, ADMIN)).codes == []


async def test_the_name_of_a_type_is_no_secret(public: World) -> None:
    assert await public.client.fetch_data("{ __typename viewer { __typename } }")


async def test_in_production_only_callers_who_may_see_the_schema_get_suggestions(public: World, world: World) -> None:
    assert "Did you mean" in join_messages(await world.client.ask(TYPO))
    assert "Did you mean" not in join_messages(await public.client.ask(TYPO))
    assert "Cannot query field 'produkts'" in join_messages(await public.client.ask(TYPO))
    assert "Did you mean" not in join_messages(await public.client.ask(ENUM, key="TITEL"))
    for token, expected in ((STAFF, False), (ADMIN, True)):
        answers = await public.client.ask(TYPO, token), await public.client.ask(ENUM, token, key="TITEL")
        assert ["Did you mean" in join_messages(answer) for answer in answers] == [expected, expected]


async def test_in_production_there_is_no_page_unless_it_is_wanted(public: World, database_url: str) -> None:
    assert (await public.client.http.get("/graphql", headers={"accept": "text/html"})).status_code == 406


async def test_the_page_can_be_had_in_production_too(database_url: str) -> None:
    async with open_small_world(
        database_url, **{**PRODUCTION, "server": {"mode": "production", "graphiql": True}}
    ) as world:
        assert (await world.client.http.get("/graphql", headers={"accept": "text/html"})).status_code == 200
