"""An order as Shopify wants to be told it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from decimal import Decimal
from types import MappingProxyType
from typing import Any

from gateway.sdk import Address, Money, OrderFulfillmentStatus, OrderLineRecord, OrderRecord, PaymentStatus
from gateway_shopify.answers import gid
from gateway_shopify.operations import KEY, NAMESPACE

TAG = "commerce-gateway"

FINANCIAL: Mapping[PaymentStatus, str] = MappingProxyType(
    {
        PaymentStatus.AUTHORIZED: "AUTHORIZED",
        PaymentStatus.PAID: "PAID",
        PaymentStatus.PARTIALLY_PAID: "PARTIALLY_PAID",
        PaymentStatus.PARTIALLY_REFUNDED: "PARTIALLY_REFUNDED",
        PaymentStatus.REFUNDED: "REFUNDED",
        PaymentStatus.VOIDED: "VOIDED",
    }
)
"""What an order has been paid; whatever else is known of it is still to come."""


def order_input(key: str, order: OrderRecord) -> dict[str, Any]:
    """The order, under this name: in the metafield by which it is found, and where people look."""
    told = {
        "sourceIdentifier": key,
        "metafields": [{"namespace": NAMESPACE, "key": KEY, "type": "id", "value": key}],
        "note": f"Order {order.number}" if order.number else None,
        "tags": [TAG],
        "processedAt": order.placed_at.isoformat(),
        "currency": None if order.total is None else order.total.currency_code,
        "lineItems": [_line(line) for line in order.lines],
        "taxesIncluded": bool(order.tax_included),
        "taxLines": [_tax(one.title, one.rate, one.amount) for one in order.tax_lines],
        "shippingLines": _shipping(order.shipping_total),
        "financialStatus": FINANCIAL.get(order.payment_status, "PENDING"),
        "transactions": _transactions(order),
        "email": order.contact.email if order.contact else None,
        "phone": order.contact.phone if order.contact else None,
        "shippingAddress": _address(order.shipping_address, order),
        "billingAddress": _address(order.billing_address, order),
        "fulfillment": {"locationId": gid("Location", place_of(order))} if is_over(order) else None,
    }
    return {field: value for field, value in told.items() if value is not None}


def options(order: OrderRecord) -> dict[str, Any]:
    """What is not there is not sold, unless it has been handed over already."""
    policy = "DECREMENT_IGNORING_POLICY" if is_over(order) else "DECREMENT_OBEYING_POLICY"
    return {"inventoryBehaviour": policy, "sendReceipt": False, "sendFulfillmentReceipt": False}


def is_over(order: OrderRecord) -> bool:
    """Whether everything has been handed over."""
    return order.fulfillment_status is OrderFulfillmentStatus.FULFILLED and bool(place_of(order))


def place_of(order: OrderRecord) -> str:
    """Where the first of its units are taken from."""
    return next((line.place for line in order.lines if line.place), None) or order.place or ""


def _line(line: OrderLineRecord) -> dict[str, Any]:
    told: dict[str, Any] = {"quantity": line.quantity, "title": line.title, "requiresShipping": True}
    if line.variant is not None:
        told["variantId"] = gid("ProductVariant", line.variant)
    if line.unit_price is not None:
        told["priceSet"] = _money(line.unit_price)
    return told


def _money(amount: Money) -> dict[str, Any]:
    return {"shopMoney": {"amount": amount.amount, "currencyCode": amount.currency_code}}


def _tax(title: str, rate: Decimal | None, amount: Money) -> dict[str, Any]:
    return {"title": title, "rate": str(rate or 0), "priceSet": _money(amount)}


def _shipping(price: Money | None) -> list[dict[str, Any]] | None:
    return None if price is None or not price.minor else [{"title": "Shipping", "priceSet": _money(price)}]


def _transactions(order: OrderRecord) -> list[dict[str, Any]] | None:
    """What has been paid in full; of a part nobody says here how much it is."""
    if order.payment_status is not PaymentStatus.PAID or order.total is None or not order.total.minor:
        return None
    return [{"kind": "SALE", "status": "SUCCESS", "gateway": TAG, "amountSet": _money(order.total)}]


def _address(address: Address | None, order: OrderRecord) -> dict[str, Any] | None:
    if address is None:
        return None
    given, _, family = (address.name or (order.contact.name if order.contact else None) or "").rpartition(" ")
    region = address.region or ""
    told = {
        "firstName": given,
        "lastName": family,
        "company": address.company,
        "address1": address.line1,
        "address2": address.line2,
        "city": address.city,
        "provinceCode" if re.fullmatch(r"[A-Z0-9]{1,3}", region) else "province": region,
        "zip": address.postal_code,
        "countryCode": address.country_code,
        "phone": address.phone or (order.contact.phone if order.contact else None),
    }
    return {field: value for field, value in told.items() if value}
