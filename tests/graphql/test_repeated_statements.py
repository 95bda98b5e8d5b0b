"""A query of `schema/operations` that is repeated builds no statement anew: those that are prepared are executed by the
driver.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.engine import Connection, Engine

from gateway.storage.reads import catalog, stock_levels
from gateway.storage.reads.merchandising import collections
from tests.graphql.operation_documents import APPS, read_texts
from tests.graphql.operation_variables import COLLECTION, choose_variables
from tests.graphql.shopper import TABLES, build_stores
from tests.graphql.world import ADMIN, World, open_world

pytestmark = [pytest.mark.anyio, pytest.mark.any_database]

UNCACHED = {"caching": {"response_megabytes": 0, "rendered_megabytes": 0, "product_megabytes": 0}}

BUILT = {"Collections": 1, "Scan": 1}
"""Statements that a request builds: of a search whose words or codes differ between requests."""


@pytest.fixture
async def world(database_url: str) -> AsyncIterator[World]:
    async with open_world(database_url, build_stores(), **TABLES, server=UNCACHED, collections=COLLECTION) as world:
        yield world


@contextmanager
def record_built_statements() -> Iterator[list[str]]:
    """Record the statements that SQLAlchemy executes."""
    built: list[str] = []

    def record(_conn: Connection, statement: Any, *_: Any) -> None:
        built.append(str(statement))

    sa.event.listen(Engine, "before_execute", record)
    try:
        yield built
    finally:
        sa.event.remove(Engine, "before_execute", record)


async def repeat_query(world: World, name: str, variables: Mapping[str, Any]) -> list[str]:
    """Send a query several times. Returns the statements that the last request has built."""
    texts = {name: text for app in APPS for name, text in read_texts(app).items()}
    for _ in range(3):
        assert (await world.client.ask(texts[name], ADMIN, **variables)).data
    with record_built_statements() as built:
        await world.client.ask(texts[name], ADMIN, **variables)
    return built


async def test_repeated_queries_build_no_statement(world: World) -> None:
    variables = await choose_variables(world)
    built = {name: len(await repeat_query(world, name, given)) for name, given in variables.items()}
    assert {name: count for name, count in built.items() if count} == BUILT
    assert len(built) == 16


@pytest.mark.parametrize(
    ("module", "name", "query", "variables"),
    [
        (stock_levels, "_select_sellable_products", "ProductList", {}),
        (stock_levels, "_select_sellable_variants", "ProductList", {}),
        (catalog, "_select_variants_of_products", "ProductList", {}),
        (catalog, "_select_product_by_handle", "ProductPage", {"handle": "mug"}),
        (collections, "_select_by_handle", "CollectionPage", {"handle": "goods"}),
    ],
)
async def test_the_proof_a_statement_that_each_request_builds_is_found(
    world: World, monkeypatch: pytest.MonkeyPatch, module: Any, name: str, query: str, variables: dict[str, str]
) -> None:
    monkeypatch.setattr(module, name, getattr(module, name).__wrapped__)
    assert await repeat_query(world, query, {"channelKey": "web", **variables})
