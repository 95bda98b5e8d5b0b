"""Orders created by an app: validated, priced as in the input, and assigned to locations by the shop."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import datetime
from decimal import ROUND_DOWN, Decimal
from typing import Any

from gateway_shopify_sandbox import fulfillment_orders
from gateway_shopify_sandbox.node_ids import find_node
from gateway_shopify_sandbox.order_charges import build_shipping_line
from gateway_shopify_sandbox.orders import CENT, SoldLine, build_tax_line, create_order, get_amount
from gateway_shopify_sandbox.state import Node, Shop, format_instant
from gateway_shopify_sandbox.user_errors import build_user_error

Answer = dict[str, Any]
InputObject = Mapping[str, Any]

APP_NAMESPACE = "$app"
"""Namespace of metafields whose namespace is left out."""

MAX_LINES, MAX_UNITS = 500, 1_000_000
_EMAIL = re.compile(r"[^@\s]+@[^@\s.]+(\.[^@\s.]+)+")


def define_metafield(shop: Shop, definition: InputObject) -> Answer:
    """Define a metafield of orders whose values are unique."""
    name = _get_name(definition)
    blank = next((field for field in ("key", "name", "type") if not definition[field].strip()), None)
    taken = any(_get_name(entry) == name for entry in shop.list_nodes("MetafieldDefinition"))
    if blank is not None or taken:
        problem, code = ("can't be blank", "INVALID") if blank is not None else ("is in use", "TAKEN")
        error = build_user_error(f"{(blank or 'key').title()} {problem}", "definition", blank or "key", code=code)
        return {"createdDefinition": None, "userErrors": [error]}
    return {"createdDefinition": shop.add("MetafieldDefinition", **definition), "userErrors": []}


def _get_name(field: InputObject) -> tuple[str, str]:
    return field.get("namespace") or APP_NAMESPACE, field.get("key") or ""


def find_order(shop: Shop, custom: InputObject) -> Node | None:
    """Find the order with this metafield value."""
    name, value = _get_name(custom), custom.get("value")
    return next(
        (
            order
            for order in shop.list_nodes("Order")
            if order["metafields"].get(name, {"value": None})["value"] == value
        ),
        None,
    )


def create_order_from_input(shop: Shop, order: InputObject, options: InputObject) -> Answer:
    """Create an order and commit its stock."""
    behavior = options.get("inventoryBehaviour") or "BYPASS"
    if (error := next(_find_errors(shop, order, behavior), None)) is not None:
        return {"order": None, "userErrors": [error]}
    lines = [_build_sold_line(shop, line) for line in order["lineItems"]]
    created = create_order(shop, lines, customer=None, at=_get_processed_at(shop, order))
    _cut_discount(shop, order, created)
    created.update(_build_fields(shop, order, created), claims=behavior != "BYPASS")
    _route_order(shop, created, order.get("fulfillment"))
    shop.touch(created, "orders/create")
    return {"order": created, "userErrors": []}


def _find_errors(shop: Shop, order: InputObject, behavior: str) -> Iterator[Answer]:
    if not 0 < len(order.get("lineItems") or ()) <= MAX_LINES:
        yield _build_error(f"Line items must contain 1 to {MAX_LINES} items", "lineItems")
    if order.get("email") and not _EMAIL.fullmatch(order["email"]):
        yield _build_error("Email is invalid", "email")
    if order.get("currency") not in (None, shop.currency):
        yield _build_error("Currency is not supported by the shop", "currency")
    place = order.get("fulfillment")
    if place and find_node(shop, "Location", place["locationId"]) is None:
        yield _build_error("Location does not exist", "fulfillment", "locationId")
    for position, field in enumerate(order.get("metafields") or ()):
        yield from _find_metafield_errors(shop, field, str(position))
    for position, line in enumerate(order.get("lineItems") or ()):
        yield from _find_line_errors(shop, line, str(position), behavior)


def _build_error(message: str, *field: str, code: str = "INVALID") -> Answer:
    return build_user_error(message, "order", *field, code=code)


def _find_metafield_errors(shop: Shop, field: InputObject, position: str) -> Iterator[Answer]:
    defined = [_get_name(entry) for entry in shop.list_nodes("MetafieldDefinition")]
    for name in ("key", "value"):
        if not field.get(name):
            yield _build_error(f"{name.title()} can't be blank", "metafields", position, name)
    if _get_name(field) not in defined:
        yield _build_error("Definition does not exist", "metafields", position, "value")
    if find_order(shop, field) is not None:
        yield _build_error("Value must be unique", "metafields", position, "value")


def _find_line_errors(shop: Shop, line: InputObject, position: str, behavior: str) -> Iterator[Answer]:
    id, price = line.get("variantId"), line.get("priceSet")
    variant = None if id is None else find_node(shop, "ProductVariant", id)
    if id is not None and variant is None:
        yield _build_error("Variant does not exist", "lineItems", position, "variantId")
    for field in ("title", "priceSet") if id is None else ():
        if not line.get(field):
            yield _build_error(f"{field.title()} can't be blank", "lineItems", position, field)
    if price is not None and (_is_negative(price) or price["shopMoney"]["currencyCode"] != shop.currency):
        yield _build_error("Price is negative, or not in the currency of the shop", "lineItems", position, "priceSet")
    if not 0 < line["quantity"] <= MAX_UNITS:
        yield _build_error("Quantity must be greater than 0 and not too high", "lineItems", position, "quantity")
    claims = variant is not None and behavior == "DECREMENT_OBEYING_POLICY"
    if claims and _count_available(shop, variant) < line["quantity"]:
        where, code = ("lineItems", position, "quantity"), "INVENTORY_CLAIM_FAILED"
        yield _build_error("Unable to reserve inventory", *where, code=code)


def _is_negative(bag: InputObject) -> bool:
    return get_amount(bag) < 0


def _count_available(shop: Shop, variant: Node | None) -> int:
    levels = {} if variant is None else fulfillment_orders.get_levels(shop, variant)
    return sum(level["counts"].get("available", 0) for level in levels.values())


def _build_sold_line(shop: Shop, line: InputObject) -> SoldLine:
    id, price = line.get("variantId"), line.get("priceSet")
    variant = None if id is None else find_node(shop, "ProductVariant", id)
    amount = variant["price"] if price is None and variant is not None else get_amount(price or {})
    return SoldLine(variant, line["quantity"], Decimal(amount), line.get("title"))


def _get_processed_at(shop: Shop, order: InputObject) -> datetime:
    processed_at: datetime | None = order.get("processedAt")
    return shop.now() if processed_at is None else min(shop.now(), processed_at)


def _build_fields(shop: Shop, order: InputObject, created: Node) -> Node:
    """Build the fields that the input determines."""
    shipping = sum((get_amount(entry["priceSet"]) for entry in order.get("shippingLines") or ()), Decimal(0))
    taxes = [(entry, _get_tax(entry)) for entry in order.get("taxLines") or ()]
    tax = sum((amount for _, amount in taxes), Decimal(0))
    gross = bool(order.get("taxesIncluded"))
    total = get_amount(created["subtotalPriceSet"]) + shipping + (0 if gross else tax)
    return {
        "updatedAt": format_instant(shop.now()),
        "email": order.get("email"),
        "phone": order.get("phone"),
        "note": order.get("note"),
        "tags": order.get("tags") or [],
        "test": bool(order.get("test")),
        "sourceIdentifier": order.get("sourceIdentifier"),
        "transactions": order.get("transactions") or [],
        "displayFinancialStatus": order.get("financialStatus") or "PENDING",
        "shippingAddress": _build_address(shop, order.get("shippingAddress")),
        "billingAddress": _build_address(shop, order.get("billingAddress")),
        "taxesIncluded": gross,
        "taxLines": [build_tax_line(shop, entry["title"], float(entry["rate"]), amount) for entry, amount in taxes],
        "totalTaxSet": shop.build_money(tax),
        "totalShippingPriceSet": shop.build_money(shipping),
        "shippingLine": build_shipping_line(shop, shipping) if shipping else None,
        "totalPriceSet": shop.build_money(total),
        "totalReceivedSet": shop.build_money(total if order.get("financialStatus") == "PAID" else Decimal("0.00")),
        "metafields": {
            _get_name(entry): shop.add("Metafield", type="id", value=entry["value"])
            for entry in order.get("metafields") or ()
        },
    }


def _cut_discount(shop: Shop, order: InputObject, created: Node) -> None:
    """Cut a fixed discount on the goods over the lines, the rest on the last one."""
    code = (order.get("discountCode") or {}).get("itemFixedDiscountCode")
    goods = get_amount(created["subtotalPriceSet"])
    discount = min(get_amount(code["amountSet"]), goods) if code and code.get("amountSet") else Decimal(0)
    if not discount:
        return
    left = discount
    for number, line in enumerate(created["lineItems"], 1):
        total = get_amount(line["discountedTotalSet"])
        share = left if number == len(created["lineItems"]) else (discount * total / goods).quantize(CENT, ROUND_DOWN)
        left -= share
        line["discountedTotalSet"] = shop.build_money(total - share)
    for field in ("totalDiscountsSet", "currentTotalDiscountsSet"):
        created[field] = shop.build_money(discount)
    created["subtotalPriceSet"] = shop.build_money(goods - discount)


def _get_tax(line: InputObject) -> Decimal:
    return get_amount(line["priceSet"]) if line.get("priceSet") else Decimal("0.00")


def _build_address(shop: Shop, address: InputObject | None) -> Node | None:
    if address is None:
        return None
    name = f"{address.get('firstName') or ''} {address.get('lastName') or ''}".strip()
    same = {field: address.get(field) for field in ("company", "address1", "address2", "city", "zip", "phone")}
    region = address.get("province") or address.get("provinceCode")
    return shop.add("MailingAddress", **same, name=name, province=region, countryCodeV2=address.get("countryCode"))


def _route_order(shop: Shop, order: Node, fulfillment: InputObject | None) -> None:
    """Assign the order to the first location with all units, otherwise to the first one; a fulfilled order names its
    own.
    """
    lines = [(line, line["quantity"]) for line in order["lineItems"]]
    location = None if fulfillment is None else find_node(shop, "Location", fulfillment["locationId"])
    fulfillment_orders.route_units(shop, order, lines, location)
    if fulfillment is not None:
        fulfillment_orders.ship_order(shop, order)
