"""Several operations in one request: only where the configuration allows them, up to its limit."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import httpx2
import pytest

from tests.graphql.world import open_world
from tests.http.raw_client import ANSWER, EMPTY, GRAPHQL, JSON, QUERY, list_error_codes, post

pytestmark = pytest.mark.anyio


@pytest.fixture(scope="module")
def database_kind() -> str:
    return "sqlite"


@pytest.fixture(scope="module")
async def batching(shared_database_url: str) -> AsyncIterator[httpx2.AsyncClient]:
    """A client of a gateway that accepts three operations per request."""
    async with open_world(shared_database_url, {}, **EMPTY, server={"batching": 3}) as world:
        yield world.client.http


async def test_by_default_a_list_is_refused_with_a_word_why(http: httpx2.AsyncClient) -> None:
    response = await post(http, [QUERY])
    assert (response.status_code, list_error_codes(response)) == (400, ["BAD_REQUEST"])
    assert "Batches are disabled" in response.json()["errors"][0]["message"]


@pytest.mark.parametrize("accept", [GRAPHQL, JSON])
async def test_each_is_answered_in_its_place_whatever_comes_of_the_others(
    batching: httpx2.AsyncClient, accept: str
) -> None:
    response = await post(batching, [QUERY, {"query": "{ nothing }"}, {"query": "{ b: __typename }"}], accept)
    first, second, third = response.json()
    assert (response.status_code, first, third) == (200, ANSWER, {"data": {"b": "Query"}})
    assert [error["extensions"]["code"] for error in second["errors"]] == ["GRAPHQL_VALIDATION_FAILED"]
    assert response.headers["cache-control"] == "private, no-store"


@pytest.mark.parametrize("body", [[], [QUERY] * 4, [[QUERY]], [QUERY, 3], [QUERY, {"query": 3}]])
async def test_a_list_with_too_many_or_with_something_else_is_no_request(
    batching: httpx2.AsyncClient, body: Any
) -> None:
    response = await post(batching, body)
    assert (response.status_code, list_error_codes(response)) == (400, ["BAD_REQUEST"])


async def test_one_that_is_not_in_a_list_is_answered_as_ever(batching: httpx2.AsyncClient) -> None:
    assert (await post(batching, QUERY)).json() == ANSWER
