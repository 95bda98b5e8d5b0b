"""Random writes in channels and in the gateway, after which no cache may show what was before."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from random import Random
from typing import Any

from gateway.sdk.testing import record_builders
from tests.gateways import stop_caches
from tests.graphql.world import ADMIN, GTIN, World


@contextmanager
def stop_caching(world: World) -> Iterator[None]:
    """Answer nothing from the caches of responses, rendered objects and known products, inside the `with` statement."""
    responses, rendered, known = world.gateway.responses, world.gateway.rendered, world.gateway.known_products
    enabled = responses.is_enabled, rendered.is_enabled, known.is_enabled
    stop_caches(world.gateway)
    yield
    responses.is_enabled, rendered.is_enabled, known.is_enabled = enabled


async def ask_twice(world: World, query: str, token: str | None = None) -> Any:
    """Ask until the response is cached, and return it."""
    await world.client.fetch_data(query, token)
    return await world.client.fetch_data(query, token)


Write = Callable[[World, Random], None]


def change_till(row: str, **fields: Callable[[Random], Any]) -> Write:
    def change(world: World, random: Random) -> None:
        if world.stores["till"].one("products", row) is not None:
            world.stores["till"].change("products", row, **{key: draw(random) for key, draw in fields.items()})

    return change


def change_stock(store: str, item: str, location: str) -> Write:
    def change(world: World, random: Random) -> None:
        world.stores[store].put("stock", record_builders.build_stock(item, location, random.choice((0, 1, 3, 25, 40))))

    return change


def replace_lamp(world: World, random: Random) -> None:
    """Remove a product, or list it again: merged with another channel's, or alone."""
    till = world.stores["till"]
    if till.one("products", "t-lamp") is not None and random.random() < 0.6:
        till.remove("products", "t-lamp")
    else:
        sku = random.choice(("LAMP", "TEE-B", "MUG"))
        till.put("products", record_builders.build_product("t-lamp", sku=sku, price="30.00", title="Lamp"))


def match_mug(world: World, random: Random) -> None:
    """Split the mug of the web store from that of the till, or merge them."""
    gtin = random.choice((GTIN, "04006381333948"))
    row = record_builders.build_product("w-mug", gtin=gtin, price="5.00", title="Mug, white")
    world.stores["web"].put("products", row)


def price_variants(random: Random) -> Any:
    price = random.choice(("1.00", "7.77", "12.00"))
    return [record_builders.build_variant("t-mug", sku="MUG", gtin=GTIN, price=price)]


WRITES: Mapping[str, Write] = {
    "title": change_till("t-mug", title=lambda random: random.choice(("Mug", "Cup", "Beaker"))),
    "price": change_till("t-mug", variants=price_variants),
    "status": change_till("t-tee", status=lambda random: random.choice(("ACTIVE", "DRAFT", "ARCHIVED"))),
    "category": change_till(
        "t-mug", category=lambda random: random.choice((["Kitchen"], ["Kitchen", "Cups"], ["Bar"]))
    ),
    "stock of the till": change_stock("till", "t-mug", "L"),
    "stock of another shop": change_stock("till", "t-tee", "M"),
    "stock of the web store": change_stock("web", "w-blue", "D"),
    "listing": replace_lamp,
    "match": match_mug,
}


async def write(world: World, random: Random, key: str) -> str:
    """Write something in a channel or in the gateway, and return what."""
    name = random.choice((*WRITES, "hold", "pause", "time", "nothing"))
    if name in WRITES:
        WRITES[name](world, random)
        await sync(world)
    elif name == "hold":
        await reserve_unit(world, key)
    elif name == "pause":
        field = random.choice(("channelPause", "channelResume"))
        text = f'mutation {{ {field}(input: {{channelKey: "web", idempotencyKey: "{key}"}}) {{ channel {{ key }} }} }}'
        await world.client.fetch_data(text, ADMIN)
    elif name == "time":
        world.clock.forward(seconds=30)
        await world.gateway.run_due()
    return name


async def sync(world: World) -> None:
    for channel in world.stores:
        await world.gateway.request_sync(channel)
    await world.gateway.run_due()


async def reserve_unit(world: World, key: str) -> None:
    nodes = (await world.client.fetch_data("{ productVariants { nodes { id sku } } }"))["productVariants"]["nodes"]
    variant = next(node["id"] for node in nodes if node["sku"] in ("MUG", "LAMP"))
    line = f'{{variantId: "{variant}", locationKey: "london", quantity: 1}}'
    given = f'lines: [{line}], holdSeconds: 60, idempotencyKey: "{key}"'
    await world.client.fetch_data(
        f"mutation {{ stockReserve(input: {{{given}}}) {{ userErrors {{ message }} }} }}", ADMIN
    )
