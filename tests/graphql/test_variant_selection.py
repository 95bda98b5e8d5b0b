"""Selection of the variant that a product page shows, and its adjacent variants."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from gateway.sdk.testing import record_builders
from gateway.sdk.testing.memory_channel import MemoryStore
from tests.graphql.conftest import Make
from tests.graphql.world import World, open_world

pytestmark = pytest.mark.anyio

CHOOSE = """query ($options: [SelectedOptionInput!], $channel: String) { products(search: "shirt") { nodes {
  selectedOrFirstAvailableVariant(selectedOptions: $options, channelKey: $channel) { sku }
  adjacentVariants(selectedOptions: $options, channelKey: $channel) { sku } } } }"""


def build_options(**chosen: str) -> list[dict[str, str]]:
    return [{"name": name, "value": value} for name, value in chosen.items()]


@pytest.fixture(scope="module")
def retailer() -> Make:
    return lambda url: open_world(url, {"till": build_shirts(), "web": MemoryStore()})


def build_shirts() -> MemoryStore:
    """Build shirts in two colors and three sizes; of the red ones only L is in stock, of the blue ones M and L."""
    store = MemoryStore()
    made = [
        record_builders.build_variant(f"{color}-{size}", sku=f"{color}-{size}", options={"Color": color, "Size": size})
        for color in ("Red", "Blue")
        for size in "SML"
    ]
    store.put("products", {"id": "p", "title": "Shirt", "variants": made})
    for number, one in enumerate(made):
        store.put("stock", record_builders.build_stock(one["id"], "L", 1 if number in (2, 4, 5) else 0))
    return store


async def fetch_selected(
    world: World, chosen: Sequence[Any] | None = None, channel: str = "till"
) -> tuple[str, list[str]]:
    (node,) = (await world.client.fetch_data(CHOOSE, options=chosen, channel=channel))["products"]["nodes"]
    first = node["selectedOrFirstAvailableVariant"]["sku"]
    return first, [one["sku"] for one in node["adjacentVariants"]]


@pytest.mark.parametrize(
    ("chosen", "expected"),
    [
        (None, "Red-L"),
        ([], "Red-L"),
        (build_options(Color="Red", Size="S"), "Red-S"),
        (build_options(Color="Blue"), "Blue-M"),
        (build_options(Size="M"), "Blue-M"),
        (build_options(Size="S"), "Red-S"),
        (build_options(Color="Green"), "Red-L"),
        (build_options(Taste="Sweet"), "Red-L"),
        (build_options(Color="Blue", Taste="Sweet"), "Red-L"),
    ],
)
async def test_the_variant_shown_is_the_chosen_one_else_the_first_that_can_be_had(
    world: World, chosen: Any, expected: str
) -> None:
    assert (await fetch_selected(world, chosen))[0] == expected


async def test_where_nothing_can_be_had_the_first_variant_is_shown(world: World) -> None:
    assert (await fetch_selected(world, channel="web"))[0] == "Red-S"


async def test_adjacent_variants_differ_in_one_option(world: World) -> None:
    assert (await fetch_selected(world, build_options(Color="Red", Size="M")))[1] == ["Red-S", "Red-L", "Blue-M"]
    assert (await fetch_selected(world))[1] == ["Red-S", "Red-M", "Blue-L"]


@pytest.mark.parametrize(
    "chosen",
    [
        build_options(Color="Red") * 2,
        [{"name": "a\0", "value": ""}],
    ],
)
async def test_options_that_cannot_have_been_chosen_are_bad_input(world: World, chosen: Any) -> None:
    answer = await world.client.ask(CHOOSE, options=chosen)
    assert answer.codes == ["BAD_USER_INPUT"] * 2
    (node,) = answer.body["data"]["products"]["nodes"]
    assert node == {"selectedOrFirstAvailableVariant": None, "adjacentVariants": None}


async def test_a_channel_that_is_not_there_is_bad_input(world: World) -> None:
    assert (await world.client.ask(CHOOSE, channel="nowhere")).codes == ["BAD_USER_INPUT"] * 2


VALUES = """query ($channel: String) { products(search: "shirt") { nodes { options { name
  optionValues { name firstAvailableVariant(channelKey: $channel) { sku } } } } } }"""


async def fetch_value_variants(world: World, channel: str) -> dict[str, str | None]:
    (node,) = (await world.client.fetch_data(VALUES, channel=channel))["products"]["nodes"]
    values = [value for option in node["options"] for value in option["optionValues"]]
    return {value["name"]: (value["firstAvailableVariant"] or {}).get("sku") for value in values}


async def test_each_value_of_an_option_leads_to_the_first_variant_with_it_that_can_be_had(world: World) -> None:
    first = {"Red": "Red-L", "Blue": "Blue-M", "S": None, "M": "Blue-M", "L": "Red-L"}
    assert await fetch_value_variants(world, "till") == first
    assert await fetch_value_variants(world, "web") == dict.fromkeys(first)
    assert (await world.client.ask(VALUES, channel="nowhere")).codes == ["BAD_USER_INPUT"] * 5
