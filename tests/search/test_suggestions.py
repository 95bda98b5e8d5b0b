"""While a search text is typed, words of the catalog that the caller sees are suggested (rule T7)."""

from __future__ import annotations

from typing import Any

import pytest

from gateway.sdk.testing import record_builders
from gateway.sdk.testing.memory_channel import MemoryStore
from tests.graphql.conftest import Make
from tests.graphql.world import ADMIN, World, open_world

pytestmark = pytest.mark.anyio

SUGGEST = """query ($search: String!, $channel: String, $locale: Locale) {
  searchSuggestions(search: $search, channelKey: $channel, locale: $locale) {
    queries { text matched { start end } } products { title } categories { title } } }"""

TITLES = {
    "1": "Heart t-light holder",
    "2": "Glass t-light holder",
    "3": "Heart cushion",
    "4": "Hearthrug",
    "5": "Café cup",
    "6": "😀 Party hat",
    "7": "宇治抹茶ラテ",
}


def build_web() -> MemoryStore:
    store = MemoryStore()
    for id_, title in TITLES.items():
        category = ["Home", "Heart warmers"] if id_ in "34" else ["Home"]
        store.put("products", record_builders.build_product(id_, title=title, sku=f"W-{id_}", category=category))
    return store


def build_till() -> MemoryStore:
    store = MemoryStore()
    store.put("products", record_builders.build_product("t", title="Heartless secret", sku="T-1", category=["Hearty"]))
    return store


@pytest.fixture(scope="module")
def retailer() -> Make:
    access = {"anonymous": {"channels": ["web"]}}
    return lambda url: open_world(url, {"till": build_till(), "web": build_web()}, access=access)


async def suggest(world: World, search: str, token: str | None = None, **variables: Any) -> Any:
    return (await world.client.fetch_data(SUGGEST, token, search=search, **variables))["searchSuggestions"]


async def list_texts(world: World, search: str, token: str | None = None) -> list[str]:
    return [query["text"] for query in (await suggest(world, search, token))["queries"]]


async def test_the_word_that_is_typed_is_completed_the_most_frequent_first(world: World) -> None:
    assert await list_texts(world, "hea") == ["heart", "hearthrug"]
    assert await list_texts(world, "ho") == ["holder", "light holder"]


async def test_words_before_it_stay_and_must_match(world: World) -> None:
    assert await list_texts(world, "glass ho") == ["glass holder", "glass light holder"][:1]
    assert await list_texts(world, "cushion ho") == []


async def test_products_are_those_that_a_search_finds_first(world: World) -> None:
    found = await suggest(world, "heart")
    assert [product["title"] for product in found["products"]] == ["Heart cushion", "Heart t-light holder", "Hearthrug"]


async def test_categories_are_those_with_the_words_in_their_title(world: World) -> None:
    assert (await suggest(world, "hea"))["categories"] == [{"title": "Heart warmers"}]
    assert (await suggest(world, "warmers hea"))["categories"] == [{"title": "Heart warmers"}]
    assert (await suggest(world, "cold hea"))["categories"] == []


@pytest.mark.parametrize(
    ("search", "text", "ranges"),
    [
        ("HEA", "heart", ["hea"]),
        ("cafe", "café", ["café"]),
        ("glass hol", "glass holder", ["glass", "hol"]),
        ("par", "party", ["par"]),
        ("抹茶", "宇治抹茶ラテ", ["抹茶"]),
    ],
)
async def test_what_was_typed_is_marked_by_ranges(world: World, search: str, text: str, ranges: list[str]) -> None:
    found = await suggest(world, search)
    queries = {query["text"]: query["matched"] for query in found["queries"]}
    units = text.encode("utf-16-le")
    marked = [units[2 * part["start"] : 2 * part["end"]].decode("utf-16-le") for part in queries[text]]
    assert marked == ranges


@pytest.mark.parametrize("search", ["", " ", "h", "-", "h ", "抹"])
async def test_below_two_letters_nothing_is_suggested(world: World, search: str) -> None:
    assert await suggest(world, search) == {"queries": [], "products": [], "categories": []}


async def test_nothing_of_a_hidden_channel_is_suggested(world: World) -> None:
    for search in ("heartle", "secr", "secret"):
        assert await suggest(world, search) == {"queries": [], "products": [], "categories": []}
    assert "heartless" in await list_texts(world, "hear", ADMIN)
    assert (await suggest(world, "hearty"))["categories"] == []
    assert (await suggest(world, "hearty", ADMIN))["categories"] == [{"title": "Hearty"}]


async def test_with_a_channel_products_are_those_that_it_lists(world: World) -> None:
    found = await suggest(world, "hear", ADMIN, channel="till")
    assert [query["text"] for query in found["queries"]] == ["heartless"]
    assert found["categories"] == [{"title": "Hearty"}]
    hidden = await world.client.ask(SUGGEST, search="hear", channel="till")
    assert hidden.codes == ["BAD_USER_INPUT"]


async def test_one_wrong_letter_is_forgiven(world: World) -> None:
    found = await suggest(world, "cushoin")
    assert found["queries"] == [{"text": "cushion", "matched": []}]
    assert [product["title"] for product in found["products"]] == ["Heart cushion"]
