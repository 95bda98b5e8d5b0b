"""Pages of searches with a wrong letter, and what hidden products have to do with them: nothing (rules T3, T5, X1)."""

from __future__ import annotations

import json
from typing import Any

import pytest

from gateway.sdk.testing import record_builders
from gateway.sdk.testing.memory_channel import MemoryStore
from tests.graphql.conftest import Make
from tests.graphql.world import ADMIN, World, open_world

pytestmark = [pytest.mark.anyio, pytest.mark.writes]

SEARCH = """query ($search: String, $first: Int, $after: String, $filter: ProductFilter) {
  products(search: $search, first: $first, after: $after, filter: $filter) { totalCount
    facets(keys: ["brand"]) { values { value count } } nodes { title } edges { cursor }
    pageInfo { hasNextPage endCursor } } }"""


def build_store(*titles: str) -> MemoryStore:
    store = MemoryStore()
    for title in titles:
        store.put("products", record_builders.build_product(title, title=title, sku=title, brand="Acme"))
    return store


@pytest.fixture(scope="module")
def retailer() -> Make:
    web = build_store(
        *(f"{letter} angle" for letter in "abc"),
        *(f"{letter} angel wings" for letter in "abc"),
        *(f"{letter} lantern" for letter in "ab"),
    )
    till = build_store(*(f"{letter} lantirn" for letter in "abc"))
    access = {"anonymous": {"channels": ["web"]}}
    return lambda url: open_world(url, {"till": till, "web": web}, access=access)


async def search(world: World, text: str, token: str | None = None, **variables: Any) -> Any:
    return (await world.client.fetch_data(SEARCH, token, search=text, **variables))["products"]


def list_titles(page: Any) -> list[str]:
    return [node["title"] for node in page["nodes"]]


async def test_all_words_are_tried_with_a_wrong_letter_if_none_match_and_on_further_pages_too(world: World) -> None:
    first = await search(world, "angle wings", first=2)
    assert (list_titles(first), first["pageInfo"]["hasNextPage"]) == (["a angel wings", "b angel wings"], True)
    second = await search(world, "angle wings", first=2, after=first["pageInfo"]["endCursor"])
    assert (list_titles(second), second["pageInfo"]["hasNextPage"]) == (["c angel wings"], False)
    for page in (first, second, await search(world, "angle wings", first=1)):
        assert page["totalCount"] == 3
        assert page["facets"] == [{"values": [{"value": "Acme", "count": 3}]}]


async def test_a_word_that_many_products_have_is_meant(world: World) -> None:
    assert list_titles(await search(world, "angle")) == ["a angle", "b angle", "c angle"]


async def test_hidden_products_do_not_decide_which_words_are_rare(world: World) -> None:
    assert list_titles(await search(world, "lantirn")) == ["a lantern", "b lantern"]
    assert list_titles(await search(world, "lantirn", ADMIN)) == ["a lantirn", "b lantirn", "c lantirn"]


async def test_a_cursor_of_the_order_of_an_earlier_version_is_expired(world: World) -> None:
    page = await search(world, "angle")
    sealer = world.gateway.cursors
    fingerprint, _, id_ = json.loads(sealer.unseal(page["edges"][0]["cursor"], world.clock()) or b"")
    old = sealer.seal(json.dumps([fingerprint, "1a angle", id_], separators=(",", ":")).encode())
    answer = await world.client.ask(SEARCH, search="angle", after=old)
    assert (answer.codes, answer.body["data"]) == (["CURSOR_EXPIRED"], {"products": None})
    rest = await search(world, "angle", after=page["edges"][0]["cursor"])
    assert list_titles(rest) == ["b angle", "c angle"]
