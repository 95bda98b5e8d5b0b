"""Erasure of customers: their personal data is redacted, and what they have ordered stays."""

from __future__ import annotations

from typing import Any

from gateway_shopify_sandbox.node_ids import find_node
from gateway_shopify_sandbox.state import Node, Shop, parse_number
from gateway_shopify_sandbox.user_errors import build_user_error


def request_erasure(shop: Shop, customer_id: str) -> dict[str, Any]:
    """Request an erasure, which the shop carries out after `Shop.erasure_delay`."""
    customer = find_node(shop, "Customer", customer_id)
    if customer is None:
        error = build_user_error("Customer does not exist.", "customerId", code="DOES_NOT_EXIST")
        return {"customerId": None, "userErrors": [error]}
    shop.schedule(shop.erasure_delay, lambda: redact_customer(shop, customer))
    return {"customerId": customer["id"], "userErrors": []}


def redact_customer(shop: Shop, customer: Node) -> None:
    """Remove the personal data of a customer and of their orders, and ask the apps to do the same."""
    orders = list_orders(shop, customer)
    body = build_privacy_request(customer, "orders_to_redact", orders)
    customer.update(displayName="", firstName=None, lastName=None, tags=[], verifiedEmail=False)
    customer.update(defaultEmailAddress=None, defaultPhoneNumber=None, addressesV2=[])
    shop.touch(customer, "customers/update")
    for order in orders:
        order.update(email=None, phone=None, shippingAddress=None, billingAddress=None)
        shop.touch(order, "orders/updated")
    shop.emit("customers/redact", body)


def list_orders(shop: Shop, customer: Node) -> list[Node]:
    """List the orders of a customer."""
    return [order for order in shop.list_nodes("Order") if order["customer"] is customer]


def build_privacy_request(customer: Node, field: str, orders: list[Node]) -> dict[str, Any]:
    """Build the body of a webhook about the personal data of a customer. `field`: lists the orders."""
    email, phone = customer["defaultEmailAddress"], customer["defaultPhoneNumber"]
    described = {
        "id": parse_number(customer["id"]),
        "email": email and email["emailAddress"],
        "phone": phone and phone["phoneNumber"],
    }
    return {"customer": described, field: [parse_number(order["id"]) for order in orders]}
