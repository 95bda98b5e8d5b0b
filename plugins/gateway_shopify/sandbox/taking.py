"""Orders that an app brings: checked, priced as it says, and sent from where the shop thinks best."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

from gateway_shopify.sandbox import routes
from gateway_shopify.sandbox.selling import Sold, take_order
from gateway_shopify.sandbox.shop import Node, Shop, number, text

Answer = dict[str, Any]
Told = Mapping[str, Any]


def define(shop: Shop, definition: Told) -> Answer:
    """Have an order's metafield of this name hold values that are unique."""
    name = (definition["namespace"], definition["key"])
    if any((one["namespace"], one["key"]) == name for one in shop.all("MetafieldDefinition")):
        return {"createdDefinition": None, "userErrors": [{"code": "TAKEN", "field": ["definition", "key"]}]}
    return {"createdDefinition": shop.add("MetafieldDefinition", **definition), "userErrors": []}


def found(shop: Shop, custom: Told) -> Node | None:
    """The order whose metafield has this value."""
    name, value = (custom["namespace"], custom["key"]), custom["value"]
    return next((one for one in shop.all("Order") if one["metafields"].get(name, {}).get("value") == value), None)


def create(shop: Shop, order: Told, options: Told) -> Answer:
    """An order, and what it takes from the stock."""
    behavior = options.get("inventoryBehaviour", "BYPASS")
    if (error := _error(shop, order, behavior)) is not None:
        return {"order": None, "userErrors": [error]}
    lines = [_sold(shop, line) for line in order["lineItems"]]
    made = take_order(shop, lines, customer=None, at=_instant(shop, order))
    made.update(_fields(shop, order, made), claims=behavior != "BYPASS")
    _route(shop, made, order.get("fulfillment"))
    shop.touch(made, "orders/create")
    return {"order": made, "userErrors": []}


def _error(shop: Shop, order: Told, behavior: str) -> Answer | None:
    defined = [(one["namespace"], one["key"]) for one in shop.all("MetafieldDefinition")]
    for position, field in enumerate(order.get("metafields") or ()):
        if (field["namespace"], field["key"]) not in defined or found(shop, field) is not None:
            return {"code": "INVALID", "field": ["order", "metafields", str(position), "value"]}
    for position, line in enumerate(order["lineItems"]):
        variant = shop.one(line["variantId"])
        if variant is None:
            return {"code": "INVALID", "field": ["order", "lineItems", str(position), "variantId"]}
        if behavior == "DECREMENT_OBEYING_POLICY" and _available(shop, variant) < line["quantity"]:
            return {"code": "INVENTORY_CLAIM_FAILED", "field": ["order", "lineItems", str(position), "quantity"]}
    return None


def _levels(shop: Shop, variant: Node) -> dict[int, Node]:
    return shop.levels.get(number(variant["inventoryItem"]["id"]), {})


def _available(shop: Shop, variant: Node) -> int:
    return sum(level["counts"].get("available", 0) for level in _levels(shop, variant).values())


def _sold(shop: Shop, line: Told) -> Sold:
    variant = shop.nodes["ProductVariant"][number(line["variantId"])]
    price = line.get("priceSet")
    return Sold(variant, line["quantity"], Decimal(variant["price"] if price is None else price["shopMoney"]["amount"]))


def _instant(shop: Shop, order: Told) -> datetime:
    told = order.get("processedAt")
    return shop.now() if told is None else min(shop.now(), datetime.fromisoformat(told))


def _amount(bag: Told) -> Decimal:
    return Decimal(bag["shopMoney"]["amount"])


def _fields(shop: Shop, order: Told, made: Node) -> Node:
    """All that is as the app says, and what follows from that."""
    shipping = sum((_amount(one["priceSet"]) for one in order.get("shippingLines") or ()), Decimal(0))
    taxes = [(one, _amount(one["priceSet"])) for one in order.get("taxLines") or ()]
    tax = sum((amount for _, amount in taxes), Decimal(0))
    gross = bool(order.get("taxesIncluded"))
    total = Decimal(made["subtotalPriceSet"]["shopMoney"]["amount"]) + shipping + (0 if gross else tax)
    return {
        "updatedAt": text(shop.now()),
        "email": order.get("email"),
        "phone": order.get("phone"),
        "note": order.get("note"),
        "tags": order.get("tags") or [],
        "sourceIdentifier": order.get("sourceIdentifier"),
        "transactions": order.get("transactions") or [],
        "displayFinancialStatus": order.get("financialStatus") or "PENDING",
        "shippingAddress": _address(shop, order.get("shippingAddress")),
        "billingAddress": _address(shop, order.get("billingAddress")),
        "taxesIncluded": gross,
        "taxLines": [
            {"title": one["title"], "rate": float(one["rate"]), "priceSet": shop.money(amount)} for one, amount in taxes
        ],
        "totalTaxSet": shop.money(tax),
        "totalShippingPriceSet": shop.money(shipping),
        "totalPriceSet": shop.money(total),
        "metafields": {
            (one["namespace"], one["key"]): shop.add("Metafield", value=one["value"])
            for one in order.get("metafields") or ()
        },
    }


def _address(shop: Shop, told: Told | None) -> Node | None:
    if told is None:
        return None
    name = f"{told.get('firstName') or ''} {told.get('lastName') or ''}".strip()
    same = {field: told.get(field) for field in ("company", "address1", "address2", "city", "zip", "phone")}
    region = told.get("province") or told.get("provinceCode")
    return shop.add("MailingAddress", **same, name=name, province=region, countryCodeV2=told.get("countryCode"))


def _route(shop: Shop, order: Node, fulfillment: Told | None) -> None:
    """From the first location that has everything, else from the first; or from where it has left already."""
    lines = [(line, line["quantity"]) for line in order["lineItems"]]
    place = shop.one(fulfillment["locationId"]) if fulfillment else _best(shop, lines)
    if place is None:
        return
    route = routes.route(shop, order, place, lines)
    routes.claim(shop, order, place, lines)
    if fulfillment:
        routes.sent(shop, [(route, [(item, item["remainingQuantity"]) for item in route["lineItems"]])])


def _best(shop: Shop, lines: Sequence[tuple[Node, int]]) -> Node | None:
    def has_all(place: Node) -> bool:
        levels = [(_levels(shop, line["variant"]).get(number(place["id"])), units) for line, units in lines]
        return all(level is not None and level["counts"].get("available", 0) >= units for level, units in levels)

    everywhere = shop.all("Location")
    return next((place for place in everywhere if has_all(place)), next(iter(everywhere), None))
