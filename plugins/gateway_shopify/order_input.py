"""Input of orderCreate."""

from __future__ import annotations

import re
from collections.abc import Mapping
from decimal import Decimal
from types import MappingProxyType
from typing import Any

from gateway.sdk import Address, Money, OrderFulfillmentStatus, OrderLineRecord, OrderRecord, PaymentStatus
from gateway_shopify.graphql_values import build_gid
from gateway_shopify.read_documents import KEY, NAMESPACE

TAG = "commerce-gateway"
DISCOUNT_CODE = "GATEWAY"
"""What the store shows as the discount code of an order that redeems points."""

FINANCIAL_STATUSES: Mapping[PaymentStatus, str] = MappingProxyType(
    {
        PaymentStatus.AUTHORIZED: "AUTHORIZED",
        PaymentStatus.PAID: "PAID",
        PaymentStatus.PARTIALLY_PAID: "PARTIALLY_PAID",
        PaymentStatus.PARTIALLY_REFUNDED: "PARTIALLY_REFUNDED",
        PaymentStatus.REFUNDED: "REFUNDED",
        PaymentStatus.VOIDED: "VOIDED",
    }
)
"""Financial status by payment status; any other payment status is pending."""


def build_order_input(key: str, order: OrderRecord) -> dict[str, Any]:
    """Build the input of an order. `key`: reference of the order, stored in the metafield by which it is found and in
    `sourceIdentifier`.
    """
    fields = {
        "sourceIdentifier": key,
        "metafields": [{"namespace": NAMESPACE, "key": KEY, "type": "id", "value": key}],
        "note": f"Order {order.number}" if order.number else None,
        "tags": [TAG],
        "processedAt": order.placed_at.isoformat(),
        "currency": None if order.total is None else order.total.currency_code,
        "lineItems": [_build_line(line) for line in order.lines],
        "taxesIncluded": bool(order.tax_included),
        "taxLines": [_build_tax_line(tax_line.title, tax_line.rate, tax_line.amount) for tax_line in order.tax_lines],
        "shippingLines": _build_shipping_lines(order.shipping_total),
        "discountCode": _build_discount(order),
        "financialStatus": FINANCIAL_STATUSES.get(order.payment_status, "PENDING"),
        "transactions": _build_transactions(order),
        "email": order.contact.email if order.contact else None,
        "phone": order.contact.phone if order.contact else None,
        "shippingAddress": _build_address(order.shipping_address, order),
        "billingAddress": _build_address(order.billing_address, order),
        "fulfillment": {"locationId": build_gid("Location", get_location(order))} if is_fulfilled(order) else None,
    }
    return {field: value for field, value in fields.items() if value is not None}


def build_order_options(order: OrderRecord) -> dict[str, Any]:
    """Build the options: units that are not available are refused, unless they have already been handed over."""
    policy = "DECREMENT_IGNORING_POLICY" if is_fulfilled(order) else "DECREMENT_OBEYING_POLICY"
    return {"inventoryBehaviour": policy, "sendReceipt": False, "sendFulfillmentReceipt": False}


def is_fulfilled(order: OrderRecord) -> bool:
    """Whether all units have been handed over."""
    return order.fulfillment_status is OrderFulfillmentStatus.FULFILLED and bool(get_location(order))


def get_location(order: OrderRecord) -> str:
    """Return the location of the first units."""
    return next((line.place for line in order.lines if line.place), None) or order.place or ""


def _build_line(line: OrderLineRecord) -> dict[str, Any]:
    fields: dict[str, Any] = {"quantity": line.quantity, "title": line.title, "requiresShipping": True}
    if line.variant is not None:
        fields["variantId"] = build_gid("ProductVariant", line.variant)
    if line.unit_price is not None:
        fields["priceSet"] = _build_money(line.unit_price)
    return fields


def _build_money(amount: Money) -> dict[str, Any]:
    return {"shopMoney": {"amount": amount.amount, "currencyCode": amount.currency_code}}


def _build_tax_line(title: str, rate: Decimal | None, amount: Money) -> dict[str, Any]:
    return {"title": title, "rate": str(rate or 0), "priceSet": _build_money(amount)}


def _build_shipping_lines(price: Money | None) -> list[dict[str, Any]] | None:
    return None if price is None or not price.minor else [{"title": "Shipping", "priceSet": _build_money(price)}]


def _build_discount(order: OrderRecord) -> dict[str, Any] | None:
    """Build the discount on the goods, in the kind of price that the lines have."""
    full = sum(line.unit_price.minor * line.quantity for line in order.lines if line.unit_price is not None)
    if not order.discount_total or order.subtotal is None or full <= order.subtotal.minor:
        return None
    amount = Money(full - order.subtotal.minor, order.subtotal.currency_code)
    return {"itemFixedDiscountCode": {"code": DISCOUNT_CODE, "amountSet": _build_money(amount)}}


def _build_transactions(order: OrderRecord) -> list[dict[str, Any]] | None:
    """Build the transaction of a full payment; the amount of a partial payment is unknown here."""
    if order.payment_status is not PaymentStatus.PAID or order.total is None or not order.total.minor:
        return None
    return [{"kind": "SALE", "status": "SUCCESS", "gateway": TAG, "amountSet": _build_money(order.total)}]


def _build_address(address: Address | None, order: OrderRecord) -> dict[str, Any] | None:
    if address is None:
        return None
    given, _, family = (address.name or (order.contact.name if order.contact else None) or "").rpartition(" ")
    region = address.region or ""
    fields = {
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
    return {field: value for field, value in fields.items() if value}
