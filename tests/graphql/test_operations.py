"""The documents of a storefront and of a store app: they validate against the schema and run by their ids alone."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest

from gateway.execution.document_cache import DocumentCache
from gateway.execution.persisted.compatibility import find_problems
from gateway.execution.persisted.manifests import parse_manifest
from gateway.settings.schema import LimitsTable
from gateway.storage import persisted_documents
from gateway.storage.persisted_documents import AppVersion
from tests.graphql.operation_documents import ACCOUNT, APPS, build_manifest, compute_id, list_files, read_texts
from tests.graphql.shopper import ADDRESS, CONTACT, TABLES, build_stores, make_key, to_cents
from tests.graphql.world import ACCEPT, ADMIN, GTIN, World, get_schema, open_world

pytestmark = [pytest.mark.anyio, pytest.mark.any_database]

LONDON = {"latitude": 51.5, "longitude": -0.15}
STOREFRONT = {
    *("Collections", "CollectionPage", "ProductList", "ProductsNear", "ProductPage", "RelatedProducts"),
    *("StoreAvailability", "Stores"),
}
QUERIES = {*STOREFRONT, "StockList", "Scan", "FulfillmentQueue"}
"""Operations without a cart token, which can be sent with GET."""


@pytest.fixture
async def world(database_url: str) -> AsyncIterator[World]:
    """A gateway that accepts only ids of published documents."""
    ids = {"anonymous": "ids", "known": "ids"}
    smart = {"goods": {"titles": {"en": "Goods"}, "filter": {"available_for_sale": True}}}
    async with open_world(database_url, build_stores(), **TABLES, documents=ids, collections=smart) as world:
        for app in APPS:
            shipped = parse_manifest(build_manifest(app))
            await world.gateway.database.write(
                persisted_documents.insert_version, AppVersion(app, "1.0"), None, shipped, world.clock()
            )
        yield world


class App:
    """An app that sends the ids of its documents. `sent_documents`: the operations that it has sent."""

    def __init__(self, world: World, name: str, token: str | None = None) -> None:
        self._http = world.client.http
        self._texts = read_texts(name)
        self._headers = ACCEPT | ({} if token is None else {"authorization": f"Bearer {token}"})
        self.sent_documents: set[str] = set()

    async def ask(self, name: str, **variables: Any) -> Any:
        """Run an operation and return the first field of the response; fail on errors of any kind."""
        self.sent_documents.add(name)
        asked: dict[str, Any] = {"documentId": compute_id(self._texts[name]), "variables": variables}
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

    async def run_mutation(self, name: str, **given: Any) -> Any:
        return await self.ask(name, input={**given, "idempotencyKey": make_key()})


@pytest.mark.parametrize("app", APPS)
def test_every_document_of_an_app_fits_the_schema_and_the_limits(app: str) -> None:
    limits = LimitsTable()
    documents = DocumentCache(get_schema(), limits)
    assert {name: find_problems(documents.prepare(text), limits) for name, text in read_texts(app).items()} == {
        path.stem: [] for path in list_files(app) if path.stem != "fragments"
    }


async def run_shopping(app: App) -> dict[str, Any]:
    """Shop from the product list to an order for pickup in London."""
    (card,) = (await app.ask("ProductList", channelKey="web", search="mug"))["nodes"]
    (collection,) = (await app.ask("Collections", channelKey="web"))["nodes"]
    shown = await app.ask("CollectionPage", handle=collection["handle"], channelKey="web")
    assert card["handle"] in [product["handle"] for product in shown["products"]["nodes"]]
    near = (await app.ask("ProductsNear", channelKey="web", near=LONDON, search="mug"))["nodes"]
    assert [one["handle"] for one in near] == [card["handle"]]
    assert "London" in [edge["node"]["name"] for edge in (await app.ask("Stores"))["edges"]]
    page = await app.ask("ProductPage", channelKey="web", handle=card["handle"])
    related = await app.ask("RelatedProducts", channelKey="web", handle=card["handle"])
    assert card["handle"] not in [product["handle"] for product in related["related"]]
    variant = page["variants"]["nodes"][0]["id"]
    availability = await app.ask("StoreAvailability", variantId=variant, near=LONDON)
    assert availability["storeAvailability"]["edges"][0]["node"]["location"]["key"] == "london"
    cart = await fill_cart(app, variant)
    return await submit_order(app, cart)


async def fill_cart(app: App, variant: str) -> dict[str, Any]:
    """Fill a cart that is created on the web and moved to the till."""
    created = (await app.run_mutation("CartCreate", channelKey="web", lines=[]))["cart"]
    one = {"variantId": variant, "quantity": 1}
    added = (await app.run_mutation("CartLinesAdd", cartToken=created["token"], lines=[one]))["cart"]
    line = added["lines"][0]["id"]
    await app.run_mutation("CartLinesUpdate", cartToken=created["token"], lines=[{"lineId": line, "quantity": 2}])
    await app.run_mutation("CartLinesRemove", cartToken=created["token"], lineIds=[line])
    await app.run_mutation("CartLinesAdd", cartToken=created["token"], lines=[one])
    moved: dict[str, Any] = (await app.run_mutation("CartMove", cartToken=created["token"], channelKey="till"))["cart"]
    assert await app.ask("Cart", cartToken=moved["token"]) == moved
    return moved


async def submit_order(app: App, cart: dict[str, Any]) -> dict[str, Any]:
    options = await app.ask("FulfillmentOptions", cartToken=cart["token"], near=LONDON)
    pickup = next(one for one in options if one["label"] == "Pickup in London")
    total = await to_pay(app, cart, pickup)
    placed = await app.run_mutation(
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
    ordered = (await app.ask("CartOrder", cartToken=cart["token"]))["order"]
    assert (ordered["id"], ordered["accessToken"]) == (order["id"], order["accessToken"])
    return order


async def to_pay(app: App, cart: dict[str, Any], option: dict[str, Any]) -> dict[str, str]:
    """Compute the amount to pay."""
    given = {"cartToken": cart["token"], "fulfillmentOptionToken": option["token"]}
    seen = await app.ask("OrderPreview", input=given)
    assert to_cents(seen["total"]) == to_cents(cart["total"]) + to_cents(option["price"])
    total: dict[str, str] = seen["total"]
    return total


async def test_a_storefront_sells_by_the_ids_of_its_documents(world: World) -> None:
    app = App(world, "storefront")
    order = await run_shopping(app)
    access = order["accessToken"]
    canceled = await app.run_mutation(
        "OrderCancel", orderId=order["id"], version=order["version"], orderAccessToken=access
    )
    assert canceled["order"]["status"] in ("CANCELLING", "CANCELLED")
    assert app.sent_documents == read_texts("storefront").keys() - ACCOUNT


async def test_a_store_app_works_off_what_was_ordered_by_the_ids_of_its_documents(world: World) -> None:
    storefront, app = App(world, "storefront"), App(world, "store-app", ADMIN)
    first, second = await run_shopping(storefront), await run_shopping(storefront)
    tasks = (await app.ask("FulfillmentQueue", locationKey="london"))["nodes"]
    waiting = {task["order"]["number"]: task for task in tasks}
    task, other = waiting[first["number"]], waiting[second["number"]]
    await app.run_mutation("FulfillmentMarkReady", fulfillmentId=task["id"], version=task["version"])
    code = first["fulfillments"][0]["pickupCode"]
    collected = await app.run_mutation("FulfillmentCollect", fulfillmentId=task["id"], pickupCode=code)
    assert collected["fulfillment"]["status"] == "COLLECTED"
    await app.run_mutation("FulfillmentReject", fulfillmentId=other["id"], version=other["version"], reason="not there")
    await world.gateway.run_due()  # sends the till what was collected and what was missing
    await count(app)
    assert app.sent_documents == read_texts("store-app").keys()


async def count(app: App) -> None:
    """Scan a barcode and decrease its count by one."""
    (scanned,) = (await app.ask("Scan", gtin=GTIN))["nodes"]
    levels = (await app.ask("StockList", locationKey="london"))["nodes"]
    level = next(one for one in levels if one["variant"]["id"] == scanned["id"])
    given = {"variantId": scanned["id"], "locationKey": "london", "reason": "DAMAGE"}
    counted = await app.run_mutation("StockAdjust", **given, expectedOnHand=level["onHand"], onHand=level["onHand"] - 1)
    assert counted["level"]["onHand"] == level["onHand"] - 1
