"""Marketing consents of customers."""

from __future__ import annotations

from typing import Any

from gateway_shopify_sandbox.node_ids import find_node
from gateway_shopify_sandbox.state import Node, Shop, format_instant
from gateway_shopify_sandbox.user_errors import build_user_error

SETTABLE = ("SUBSCRIBED", "UNSUBSCRIBED", "PENDING")
"""States that the mutations take; the shop sets the others itself."""


def build_email(address: str | None) -> Node | None:
    """Build an email address about which nothing was decided."""
    if address is None:
        return None
    return {"emailAddress": address, "marketingState": "NOT_SUBSCRIBED", "marketingUpdatedAt": None}


def build_phone(number: str | None) -> Node | None:
    """Build a phone number about which nothing was decided."""
    if number is None:
        return None
    return {"phoneNumber": number, "smsMarketingConsent": {"state": "NEVER_SUBSCRIBED", "updatedAt": None}}


def set_email_consent(shop: Shop, given: dict[str, Any]) -> dict[str, Any]:
    """Set the state of the default email address."""
    consent = given["emailMarketingConsent"]
    customer = find_node(shop, "Customer", given["customerId"])
    contact = None if customer is None else customer["defaultEmailAddress"]
    if customer is None or contact is None or consent["marketingState"] not in SETTABLE:
        return _refuse("emailMarketingConsent")
    contact["marketingState"] = consent["marketingState"]
    contact["marketingUpdatedAt"] = format_instant(consent.get("consentUpdatedAt") or shop.now())
    customer["updatedAt"] = format_instant(shop.now())
    return {"customer": customer, "userErrors": []}


def set_sms_consent(shop: Shop, given: dict[str, Any]) -> dict[str, Any]:
    """Set the state of the default phone number."""
    consent = given["smsMarketingConsent"]
    customer = find_node(shop, "Customer", given["customerId"])
    contact = None if customer is None else customer["defaultPhoneNumber"]
    if customer is None or contact is None or consent["marketingState"] not in SETTABLE:
        return _refuse("smsMarketingConsent")
    updated_at = format_instant(consent.get("consentUpdatedAt") or shop.now())
    contact["smsMarketingConsent"] = {"state": consent["marketingState"], "updatedAt": updated_at}
    customer["updatedAt"] = format_instant(shop.now())
    return {"customer": customer, "userErrors": []}


def _refuse(field: str) -> dict[str, Any]:
    error = build_user_error("The consent cannot be set.", "input", field, code="INVALID")
    return {"customer": None, "userErrors": [error]}
