"""A list of the storefront that is repeated builds no statement anew but the one that looks for changes."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.engine import Connection, Engine

from gateway.storage.reads import catalog, stock_levels
from tests.graphql.operation_documents import read_texts
from tests.graphql.shopper import TABLES, build_stores
from tests.graphql.world import World, open_world

pytestmark = [pytest.mark.anyio, pytest.mark.any_database]

LONDON = {"latitude": 51.5, "longitude": -0.15}
UNCACHED = {"caching": {"response_megabytes": 0, "rendered_megabytes": 0, "product_megabytes": 0}}


@pytest.fixture
async def world(database_url: str) -> AsyncIterator[World]:
    async with open_world(database_url, build_stores(), **TABLES, server=UNCACHED) as world:
        yield world


@contextmanager
def record_built_statements() -> Iterator[list[str]]:
    """Record the statements that SQLAlchemy executes: those that are prepared are executed by the driver."""
    built: list[str] = []

    def record(_conn: Connection, statement: Any, *_: Any) -> None:
        built.append(str(statement))

    sa.event.listen(Engine, "before_execute", record)
    try:
        yield built
    finally:
        sa.event.remove(Engine, "before_execute", record)


async def repeat_list(world: World, name: str = "ProductList", **variables: Any) -> list[str]:
    """Request a list of the storefront several times. Returns the statements that the last request has built."""
    text = read_texts("storefront")[name]
    for _ in range(3):
        answer = await world.client.ask(text, channelKey="web", **variables)
        assert answer.data["products"]["nodes"]
    with record_built_statements() as built:
        await world.client.ask(text, channelKey="web", **variables)
    return [statement for statement in built if "FROM changes" not in statement]


@pytest.mark.parametrize(("name", "variables"), [("ProductList", {}), ("ProductsNear", {"near": LONDON})])
async def test_a_repeated_list_builds_no_statement_but_the_one_that_looks_for_changes(
    world: World, name: str, variables: dict[str, Any]
) -> None:
    assert await repeat_list(world, name, **variables) == []


@pytest.mark.parametrize(
    ("module", "name"),
    [
        (stock_levels, "_select_sellable_products"),
        (stock_levels, "_select_sellable_variants"),
        (catalog, "_select_variants_of_products"),
    ],
)
async def test_the_proof_a_statement_that_each_request_builds_is_found(
    world: World, monkeypatch: pytest.MonkeyPatch, module: Any, name: str
) -> None:
    monkeypatch.setattr(module, name, getattr(module, name).__wrapped__)
    assert len(await repeat_list(world)) == 1
