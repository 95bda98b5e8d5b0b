"""Search results sorted by relevance keep their order across pages (rule T3)."""

from __future__ import annotations

from typing import Any

import pytest
import sqlalchemy as sa

from gateway.sdk.testing import record_builders
from gateway.sdk.testing.memory_channel import MemoryStore
from gateway.storage import tables
from gateway.storage.reads import search_snapshots
from tests.graphql.conftest import Make
from tests.graphql.world import ADMIN, World, open_world

pytestmark = [pytest.mark.anyio, pytest.mark.writes]

SEARCH = """query ($search: String, $first: Int, $after: String, $last: Int, $before: String, $filter: ProductFilter) {
  products(search: $search, first: $first, after: $after, last: $last, before: $before, filter: $filter) {
    totalCount edges { cursor } nodes { title } pageInfo { hasNextPage hasPreviousPage startCursor endCursor } } }"""


@pytest.fixture(scope="module")
def retailer() -> Make:
    return lambda url: open_world(url, {"till": build_lamps(), "web": MemoryStore()})


def build_lamps() -> MemoryStore:
    store = MemoryStore()
    for letter in "ABCDEF":
        store.put(
            "products",
            record_builders.build_product(letter, title=f"{letter} lamp", brand="Acme" if letter < "D" else "Bolt"),
        )
    return store


async def search_products(world: World, token: str | None = None, **variables: Any) -> Any:
    return (await world.client.fetch_data(SEARCH, token, **{"search": "lamp", **variables}))["products"]


def join_letters(page: Any) -> str:
    return "".join(node["title"][0] for node in page["nodes"])


async def count_snapshots(world: World) -> int:
    counted = sa.select(sa.func.count()).select_from(tables.rankings)
    return await world.gateway.database.read(lambda conn: conn.scalar(counted)) or 0


async def rename(world: World, id_: str, title: str) -> None:
    row = world.stores["till"].rows("products")[id_]
    world.stores["till"].put("products", row | {"title": title, "variants": [row["variants"][0] | {"title": title}]})
    await world.gateway.request_sync("till")
    await world.gateway.run_due()


async def test_the_order_of_the_first_page_goes_on_whatever_changes_meanwhile(world: World) -> None:
    first = await search_products(world, first=2)
    assert (join_letters(first), first["totalCount"], first["pageInfo"]["hasNextPage"]) == ("AB", 6, True)
    await rename(world, "F", "0 lamp")
    await rename(world, "A", "Z lamp")
    second = await search_products(world, first=2, after=first["pageInfo"]["endCursor"])
    assert (join_letters(second), second["pageInfo"]["hasPreviousPage"]) == ("CD", True)
    third = await search_products(world, first=9, after=second["pageInfo"]["endCursor"])
    assert (join_letters(third), third["pageInfo"]["hasNextPage"]) == ("E0", False)
    back = await search_products(world, last=2, before=second["pageInfo"]["startCursor"])
    assert join_letters(back) == "ZB"
    world.clock.forward(seconds=10)
    assert join_letters(await search_products(world)) == "0BCDEZ"


async def test_without_frozen_rankings_the_pages_would_overlap_or_leave_out(world: World) -> None:
    """Proof that the test above can fail: a list that is not frozen is sorted by its current key."""
    query = '{ products(search: "lamp", sort: {key: TITLE}, first: 2) { pageInfo { endCursor } } }'
    cursor = (await world.client.fetch_data(query))["products"]["pageInfo"]["endCursor"]
    await rename(world, "F", "0 lamp")
    rest = f'{{ products(search: "lamp", sort: {{key: TITLE}}, after: "{cursor}") {{ nodes {{ title }} }} }}'
    assert join_letters((await world.client.fetch_data(rest))["products"]) == "CDE"


async def test_a_snapshot_is_written_only_when_there_is_a_next_page_and_is_shared_by_equal_searches(
    world: World,
) -> None:
    await search_products(world, first=6)
    await world.client.fetch_data("{ products(first: 2) { nodes { title } } }")
    assert await count_snapshots(world) == 0
    for search in ("lamp", " LAMP ", "Lamp"):
        await search_products(world, search=search, first=2)
    assert await count_snapshots(world) == 1
    await search_products(world, search="lam", first=2)
    await search_products(world, ADMIN, first=2)
    await search_products(world, first=2, filter={"brands": ["Acme", "Bolt"]})
    await search_products(world, first=2, filter={"brands": ["Bolt", "Acme"]})
    assert await count_snapshots(world) == 4


async def test_an_expired_cursor_says_so(world: World) -> None:
    cursor = (await search_products(world, first=2))["pageInfo"]["endCursor"]
    world.clock.forward(minutes=9, seconds=59)
    assert join_letters(await search_products(world, first=2, after=cursor)) == "CD"
    world.clock.forward(seconds=1)
    answer = await world.client.ask(SEARCH, search="lamp", first=2, after=cursor)
    assert (answer.codes, answer.body["data"]) == (["CURSOR_EXPIRED"], {"products": None})


async def test_a_cursor_of_a_list_that_was_not_frozen_is_good(world: World) -> None:
    page = await search_products(world)
    assert join_letters(await search_products(world, after=page["edges"][2]["cursor"])) == "DEF"
    assert await count_snapshots(world) == 0


async def test_cursors_of_others_are_none_of_this_list(world: World) -> None:
    cursor = (await search_products(world, first=2))["pageInfo"]["endCursor"]
    whole = (await search_products(world, search="torch lamp"))["pageInfo"]["endCursor"]
    assert whole is None
    single = (await search_products(world, first=6, filter={"brands": ["Acme"]}))["pageInfo"]["endCursor"]
    for variables in (
        {"search": "lam", "after": cursor},
        {"after": cursor, "filter": {"brands": ["Acme"]}},
        {"after": single},
        {"after": cursor + "x"},
        {"after": "x"},
    ):
        answer = await world.client.ask(SEARCH, **{"search": "lamp", **variables})
        assert answer.codes == ["BAD_USER_INPUT"], variables
    world.clock.forward(minutes=1)  # until then the first page is cached, with its cursors
    later = (await search_products(world, first=2))["pageInfo"]["endCursor"]
    assert (await world.client.ask(SEARCH, search="lamp", after=cursor, before=later)).codes == ["BAD_USER_INPUT"]


async def test_a_snapshot_is_not_shared_with_callers_who_may_see_less(world: World) -> None:
    """The snapshot of an administrator contains drafts; its cursor gives no other caller access to them."""
    cursor = (await search_products(world, ADMIN, first=2))["pageInfo"]["endCursor"]
    assert (await world.client.ask(SEARCH, search="lamp", after=cursor)).codes == ["CURSOR_EXPIRED"]


async def test_what_is_gone_by_then_is_left_out(world: World) -> None:
    cursor = (await search_products(world, first=2))["pageInfo"]["endCursor"]
    world.stores["till"].remove("products", "D")
    for _ in range(2):
        await world.gateway.request_sync("till", sweep=True)
        await world.gateway.run_due()
    assert join_letters(await search_products(world, first=2, after=cursor)) == "C"


async def test_no_more_than_so_many_hits_and_rankings_are_kept(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(search_snapshots, "MAX_SNAPSHOTS", 2)
    monkeypatch.setattr("gateway.graphql.queries.relevance.MAX_HITS", 4)
    cursor = (await search_products(world, first=3))["pageInfo"]["endCursor"]
    rest = await search_products(world, after=cursor)
    assert (join_letters(rest), rest["pageInfo"]["hasNextPage"], rest["totalCount"]) == ("D", False, 6)
    for number in range(3):
        world.clock.forward(seconds=11)
        await search_products(world, first=1, filter={"brands": ["Acme", str(number)]})
    assert await count_snapshots(world) == 2
    assert (await world.client.ask(SEARCH, search="lamp", after=cursor)).codes == ["CURSOR_EXPIRED"]
