"""Which channel writes a field of a product: `[catalogue.priority_by_field]`, and what staff see of it (rule I3)."""

from __future__ import annotations

from typing import Any

import pytest

from gateway.cli.config_check import find_notices
from gateway.sdk.testing import record_builders
from gateway.sdk.testing.memory_channel import MemoryStore
from gateway.settings.loading import load_text
from gateway.settings.problems import SettingsError
from tests.graphql.world import ADMIN, World, open_world

pytestmark = pytest.mark.anyio

IMAGE = "https://images.example/{}.jpg"
SHOWN = """{ products(first: 5) { nodes { title handle brand tags category { title } featuredImage { url }
  attributes { key values { value } } variants { nodes { image { url } } }
  fieldSources { field key channel { key } } } } }"""
ATTRIBUTES = {
    "material": {"sources": {"web": "material", "till": "material"}},
    "color": {"sources": {"web": "color", "till": "color"}},
}
PRIORITY = {"catalogue": {"priority": ["web", "till"]}}


def build_stores() -> dict[str, MemoryStore]:
    """Build a product in two channels. The web store has no brand, the till no tags."""
    stores = {"web": MemoryStore(), "till": MemoryStore()}
    for key, attributes, more in (
        ("web", {"material": ["clay"], "color": ["red"]}, {"tags": ["new"]}),
        ("till", {"material": ["stone"]}, {"brand": "Acme"}),
    ):
        variant = record_builders.build_variant("1", sku="A", image={"url": IMAGE.format(f"{key}-variant")})
        row = {"id": "1", "title": f"Mug of {key}", "handle": f"mug-{key}", "category": [f"Mugs of {key}"]}
        images = [{"url": IMAGE.format(key)}]
        stores[key].put("products", {**row, "images": images, "variants": [variant], "attributes": attributes, **more})
    return stores


async def read_product(world: World, token: str = ADMIN) -> Any:
    (product,) = (await world.client.fetch_data(SHOWN, token))["products"]["nodes"]
    return product


def list_sources(product: Any) -> dict[str, str]:
    return {one["key"] or one["field"]: one["channel"]["key"] for one in product["fieldSources"]}


def configure(**by_field: list[str]) -> dict[str, Any]:
    return {"attributes": ATTRIBUTES, "catalogue": {**PRIORITY["catalogue"], "priority_by_field": by_field}}


async def test_without_an_order_of_its_own_a_field_is_that_of_the_preferred_channel(database_url: str) -> None:
    async with open_world(database_url, build_stores(), **configure()) as world:
        product = await read_product(world)
        assert (product["title"], product["brand"], product["tags"]) == ("Mug of web", None, ["new"])
        sources = {"TEXTS": "web", "MEDIA": "web", "CATEGORY": "web", "TAGS": "web", "material": "web", "color": "web"}
        assert list_sources(product) == sources


async def test_a_field_with_an_order_of_its_own_is_that_of_the_first_channel_with_a_value(database_url: str) -> None:
    fields = ("texts", "media", "brand", "category", "tags", "attributes")
    async with open_world(database_url, build_stores(), **configure(**{it: ["till"] for it in fields})) as world:
        product = await read_product(world)
        assert (product["title"], product["handle"], product["brand"]) == ("Mug of till", "mug-till", "Acme")
        assert (product["tags"], product["category"]) == (["new"], {"title": "Mugs of till"}), "the till has no tags"
        assert product["featuredImage"]["url"] == IMAGE.format("till")
        assert product["variants"]["nodes"][0]["image"]["url"] == IMAGE.format("till-variant")
        values = {one["key"]: one["values"][0]["value"] for one in product["attributes"]}
        assert values == {"material": "stone", "color": "red"}
        written = {"TEXTS": "till", "MEDIA": "till", "BRAND": "till", "CATEGORY": "till", "TAGS": "web"}
        assert list_sources(product) == {**written, "material": "till", "color": "web"}


async def test_a_changed_order_takes_effect_on_products_that_do_not_change(database_url: str) -> None:
    """The feeds are read again, and the change log has the products that have changed."""
    stores = build_stores()
    versions = []
    for by_field, brand in (({}, None), ({"brand": ["till"]}, "Acme"), ({}, None)):
        async with open_world(database_url, stores, **configure(**by_field)) as world:
            await world.gateway.run_due()
            product = await read_product(world)
            assert (product["title"], product["brand"]) == ("Mug of web", brand)
            rows = await world.gateway.database.read(
                lambda conn: conn.exec_driver_sql("SELECT version FROM products").all()
            )
            versions.append(rows[0][0])
    assert versions == sorted(set(versions)), "clients that copy products see each change"


async def test_a_channel_that_leaves_leaves_its_fields_to_the_next(database_url: str) -> None:
    stores = build_stores()
    async with open_world(database_url, stores, **configure(texts=["till"], brand=["till"])) as world:
        assert (await read_product(world))["title"] == "Mug of till"
        stores["till"].remove("products", "1")
        world.clock.forward(days=2)
        await world.gateway.run_due()
        product = await read_product(world)
        assert (product["title"], product["brand"]) == ("Mug of web", None)
        assert set(list_sources(product).values()) == {"web"}
        assert (await world.client.fetch_data('{ product(by: {handle: "mug-till"}) { title } }'))["product"]


async def test_a_channel_product_of_one_variant_writes_no_texts_of_a_product_of_several(database_url: str) -> None:
    stores = {"web": MemoryStore(), "till": MemoryStore()}
    variants = [record_builders.build_variant(f"w{it}", sku=it, options={"Size": it}) for it in ("S", "M")]
    stores["web"].put("products", {"id": "1", "title": "Shirt", "variants": variants})
    for size in ("S", "M"):
        stores["till"].put("products", record_builders.build_product(size, sku=size, title=f"SHIRT {size}"))
    async with open_world(database_url, stores, **configure(texts=["till"])) as world:
        assert (await read_product(world))["title"] == "Shirt"


async def test_only_staff_see_who_wrote_a_field(database_url: str) -> None:
    async with open_world(database_url, build_stores(), **configure()) as world:
        answer = await world.client.ask("{ products(first: 1) { nodes { fieldSources { field } } } }")
        assert "FORBIDDEN" in answer.codes or "UNAUTHENTICATED" in answer.codes


CHANNELS = '[channels.till]\nplugin = "memory"\n[channels.web]\nplugin = "memory"\n'


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ('texts = ["shop"]', "catalogue.priority_by_field.texts: there is no channel shop; expected one of till, web"),
        ('titles = ["web"]', "catalogue.priority_by_field.titles: unknown key"),
    ],
)
def test_the_configuration_names_fields_and_channels_that_exist(line: str, problem: str) -> None:
    with pytest.raises(SettingsError) as caught:
        load_text(f"{CHANNELS}[catalogue.priority_by_field]\n{line}\n")
    assert caught.value.problems == (problem,)


def test_a_hidden_channel_that_leads_a_field_is_noticed() -> None:
    text = f"""{CHANNELS}
[catalogue]
priority = ["web"]
priority_by_field = {{ texts = ["till"], brand = ["web", "till"] }}
[access.anonymous]
channels = ["web"]
"""
    notices = [line for line in find_notices(load_text(text)) if line.startswith("catalogue")]
    what = "texts and handles of products are those of till, which access.anonymous hides"
    assert notices == [f"catalogue.priority_by_field.texts: {what}"]
