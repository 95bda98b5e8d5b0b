"""Variables of the queries of `schema/operations` that need no login: of a product, a cart and an order that exist."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gateway.storage.change_log import stamp_changes
from tests.graphql.shopper import Shopper
from tests.graphql.world import GTIN, World

LONDON = {"latitude": 51.5, "longitude": -0.15}
COLLECTION = {"goods": {"titles": {"en": "Goods"}, "filter": {"available_for_sale": True}}}
"""The table `[collections]` that the queries expect."""

Variables = Mapping[str, Any]


async def choose_variables(world: World) -> dict[str, Variables]:
    """Choose the variables of each query, of a product, a cart and an order that exist."""
    shopper, order = Shopper(world), await _place_order(world)
    await world.gateway.database.write(stamp_changes)  # so that facets that depend on stock are cached
    await shopper.fill("web", MUG=1)
    (option, *_) = await shopper.list_options(**LONDON)
    cart, variant = shopper.cart, shopper.cart["lines"][0]["variant"]["id"]
    page = {"channelKey": "web", "handle": "mug"}
    return {
        "Collections": {"channelKey": "web"},
        "CollectionPage": {"channelKey": "web", "handle": "goods"},
        "ProductList": {"channelKey": "web"},
        "ProductsNear": {"channelKey": "web", "near": LONDON},
        "ProductPage": page,
        "RelatedProducts": page,
        "StoreAvailability": {"variantId": variant, "near": LONDON},
        "Stores": {"near": LONDON},
        "Cart": {"cartToken": cart["token"]},
        "FulfillmentOptions": {"cartToken": cart["token"], "near": LONDON},
        "OrderPreview": {"input": {"cartToken": cart["token"], "fulfillmentOptionToken": option["token"]}},
        "CartOrder": {"cartToken": order["cartToken"]},
        "Order": {"accessToken": order["accessToken"]},
        "FulfillmentQueue": {"locationKey": "london"},
        "Scan": {"gtin": GTIN},
        "StockList": {"locationKey": "london"},
    }


async def _place_order(world: World) -> dict[str, str]:
    shopper = Shopper(world)
    await shopper.fill("web", MUG=1)
    order = (await shopper.buy(await shopper.find_option("PICKUP", "london")))["order"]
    return {"cartToken": shopper.cart["token"], "accessToken": order["accessToken"]}
