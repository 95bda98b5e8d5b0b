"""The documents of a storefront and of a store app: they fit the schema, and run by their ids alone."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest

from gateway.execution.documents import Documents
from gateway.execution.faults import faults
from gateway.execution.manifests import read
from gateway.settings import LimitsTable
from gateway.storage import documents as stored
from gateway.storage.documents import AppVersion
from tests.graphql.buying import ADDRESS, CONTACT, TABLES, cents, key, stores
from tests.graphql.operations import APPS, files, id_of, manifest, texts
from tests.graphql.world import ACCEPT, ADMIN, GTIN, World, opened, schema

pytestmark = [pytest.mark.anyio, pytest.mark.any_database]

LONDON = {"latitude": 51.5, "longitude": -0.15}
STOREFRONT = {"ProductList", "ProductsNear", "ProductPage", "StoreAvailability", "Stores"}
QUERIES = {*STOREFRONT, "StockList", "Scan", "FulfillmentQueue"}
"""Those that hold no token, and so can be asked for with GET."""


@pytest.fixture
async def world(database_url: str) -> AsyncIterator[World]:
    """A retailer who takes nothing but the ids of what was pushed."""
    ids = {"anonymous": "ids", "known": "ids"}
    async with opened(database_url, stores(), **TABLES, documents=ids) as world:
        for app in APPS:
            shipped = read(manifest(app))
            await world.gateway.database.write(stored.ship, AppVersion(app, "1.0"), None, shipped, world.clock())
        yield world


class App:
    """An app that knows its documents' ids. `asked`: the documents that it has asked for."""

    def __init__(self, world: World, name: str, token: str | None = None) -> None:
        self._http = world.client.http
        self._texts = texts(name)
        self._headers = ACCEPT | ({} if token is None else {"authorization": f"Bearer {token}"})
        self.asked: set[str] = set()

    async def ask(self, name: str, **variables: Any) -> Any:
        """The first field of the answer, in which there is no error of any kind."""
        self.asked.add(name)
        asked: dict[str, Any] = {"documentId": id_of(self._texts[name]), "variables": variables}
        if name in QUERIES:
            params = {**asked, "variables": json.dumps(variables)}
            headers = self._headers | {"graphql-require-preflight": "1"}
            response = await self._http.get("/graphql", params=params, headers=headers)
        else:
            response = await self._http.post("/graphql", json=asked, headers=self._headers)
        body = response.json()
        assert response.status_code == 200 and "errors" not in body, body
        (found,) = body["data"].values()
        assert found is not None
        assert not isinstance(found, dict) or found.get("userErrors", []) == []
        return found

    async def wish(self, name: str, **given: Any) -> Any:
        return await self.ask(name, input={**given, "idempotencyKey": key()})


@pytest.mark.parametrize("app", APPS)
def test_every_document_of_an_app_fits_the_schema_and_the_limits(app: str) -> None:
    limits = LimitsTable()
    documents = Documents(schema(), limits)
    assert {name: faults(documents.prepare(text), limits) for name, text in texts(app).items()} == {
        path.stem: [] for path in files(app) if path.stem != "fragments"
    }


async def shop(app: App) -> dict[str, Any]:
    """From the list of products to an order that is collected in London."""
    (card,) = (await app.ask("ProductList", channelKey="web", search="mug"))["nodes"]
    near = (await app.ask("ProductsNear", channelKey="web", near=LONDON, search="mug"))["nodes"]
    assert [one["handle"] for one in near] == [card["handle"]]
    assert "London" in [one["name"] for one in (await app.ask("Stores"))["nodes"]]
    page = await app.ask("ProductPage", channelKey="web", handle=card["handle"])
    variant = page["variants"]["nodes"][0]["id"]
    places = await app.ask("StoreAvailability", variantId=variant, near=LONDON)
    assert places["storeAvailability"]["edges"][0]["node"]["location"]["key"] == "london"
    cart = await filled(app, variant)
    return await bought(app, cart)


async def filled(app: App, variant: str) -> dict[str, Any]:
    """A cart that was begun on the web, and goes on at the till."""
    created = (await app.wish("CartCreate", channelKey="web", lines=[]))["cart"]
    one = {"variantId": variant, "quantity": 1}
    added = (await app.wish("CartLinesAdd", cartToken=created["token"], lines=[one]))["cart"]
    line = added["lines"][0]["id"]
    await app.wish("CartLinesUpdate", cartToken=created["token"], lines=[{"lineId": line, "quantity": 2}])
    await app.wish("CartLinesRemove", cartToken=created["token"], lineIds=[line])
    await app.wish("CartLinesAdd", cartToken=created["token"], lines=[one])
    moved: dict[str, Any] = (await app.wish("CartMove", cartToken=created["token"], channelKey="till"))["cart"]
    assert await app.ask("Cart", cartToken=moved["token"]) == moved
    return moved


async def bought(app: App, cart: dict[str, Any]) -> dict[str, Any]:
    options = await app.ask("FulfillmentOptions", cartToken=cart["token"], near=LONDON)
    pickup = next(one for one in options if one["label"] == "Pickup in London")
    total = await to_pay(app, cart, pickup)
    placed = await app.wish(
        "OrderPlace",
        cartToken=cart["token"],
        cartVersion=cart["version"],
        fulfillmentOptionToken=pickup["token"],
        contact=CONTACT,
        shippingAddress=ADDRESS,
        payments=[{"kind": "ON_COLLECTION", "amount": total}],
        expectedTotal=total,
    )
    order: dict[str, Any] = placed["order"]
    seen = await app.ask("Order", accessToken=order["accessToken"])
    assert seen["number"] == order["number"] and seen["fulfillments"][0]["pickupCode"]
    return order


async def to_pay(app: App, cart: dict[str, Any], option: dict[str, Any]) -> dict[str, str]:
    """What the gateway adds up."""
    given = {"cartToken": cart["token"], "fulfillmentOptionToken": option["token"]}
    seen = await app.ask("OrderPreview", input=given)
    assert cents(seen["total"]) == cents(cart["total"]) + cents(option["price"])
    total: dict[str, str] = seen["total"]
    return total


async def test_a_storefront_sells_by_the_ids_of_its_documents(world: World) -> None:
    app = App(world, "storefront")
    await shop(app)
    assert app.asked == texts("storefront").keys()


async def test_a_store_app_works_off_what_was_ordered_by_the_ids_of_its_documents(world: World) -> None:
    storefront, app = App(world, "storefront"), App(world, "store-app", ADMIN)
    first, second = await shop(storefront), await shop(storefront)
    tasks = (await app.ask("FulfillmentQueue", locationKey="london"))["nodes"]
    waiting = {task["order"]["number"]: task for task in tasks}
    task, other = waiting[first["number"]], waiting[second["number"]]
    await app.wish("FulfillmentMarkReady", fulfillmentId=task["id"], version=task["version"])
    code = first["fulfillments"][0]["pickupCode"]
    collected = await app.wish("FulfillmentCollect", fulfillmentId=task["id"], pickupCode=code)
    assert collected["fulfillment"]["status"] == "COLLECTED"
    await app.wish("FulfillmentReject", fulfillmentId=other["id"], version=other["version"], reason="not there")
    await world.gateway.run_due()  # the till is told what was collected, and what was not there
    await count(app)
    assert app.asked == texts("store-app").keys()


async def count(app: App) -> None:
    """What a barcode is, and one fewer of it."""
    (scanned,) = (await app.ask("Scan", gtin=GTIN))["nodes"]
    levels = (await app.ask("StockList", locationKey="london"))["nodes"]
    level = next(one for one in levels if one["variant"]["id"] == scanned["id"])
    given = {"variantId": scanned["id"], "locationKey": "london", "reason": "DAMAGE"}
    counted = await app.wish("StockAdjust", **given, expectedOnHand=level["onHand"], onHand=level["onHand"] - 1)
    assert counted["level"]["onHand"] == level["onHand"] - 1
