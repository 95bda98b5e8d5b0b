"""A location under a new key is the same location: what was sold from it is not posted again (rule G2)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from gateway.storage.writes import location_authorities
from tests.commerce.test_forwarding import AS_ORDERS, advance, build_sale, build_tables, count_mugs
from tests.graphql.shopper import LOCATIONS, build_stores
from tests.graphql.world import open_world

pytestmark = [pytest.mark.anyio, pytest.mark.any_database]

Posting = tuple[Mapping[str, Any], Sequence[str]]

BY_COUNT, BY_ORDER = (LOCATIONS, ("adjust",)), (AS_ORDERS, ("adjust", "place", "cancel"))
"""How sales of the web store are posted in the till: the locations, and what the till accepts."""


@pytest.mark.parametrize("posting", [BY_COUNT, BY_ORDER], ids=["count", "order"])
async def test_a_sale_of_before_is_not_posted_again_under_the_new_key(database_url: str, posting: Posting) -> None:
    assert await count_sold(database_url, posting) == 3


async def test_the_proof_without_the_rule_it_is_posted_again(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(location_authorities, "rename_location", lambda *_: None)
    assert await count_sold(database_url, BY_COUNT) == 6


async def count_sold(url: str, posting: Posting) -> int:
    """Sell three mugs, rename the location, and read the order again. Returns how many left the till's count."""
    locations, writes = posting
    stores, tables = build_stores(), build_tables(*writes)
    async with open_world(url, stores, **{**tables, "locations": locations}) as world:
        before, _ = await count_mugs(world)
        stores["web"].put("orders", build_sale(3))
        for _ in range(3):
            await advance(world)
    async with open_world(url, stores, **{**tables, "locations": rename_london(locations)}) as world:
        stores["web"].put("orders", build_sale(3, number="changed"))
        for _ in range(3):
            await advance(world)
        after, _ = await count_mugs(world)
    return before - after


def rename_london(locations: Mapping[str, Any]) -> Mapping[str, Any]:
    return {"city" if key == "london" else key: table for key, table in locations.items()}
