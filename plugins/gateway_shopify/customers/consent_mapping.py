"""Consents of customers: the marketing states of the default email address and phone number."""

from __future__ import annotations

from collections.abc import Iterator

from gateway.sdk import ConsentPurpose, ConsentRecord, json_access
from gateway_shopify.graphql_values import Node

_DECISIONS = {"SUBSCRIBED": True, "UNSUBSCRIBED": False}
"""States that the customer has decided. All others say that there was no decision yet, or that it was not confirmed."""


def map_consents(node: Node) -> Iterator[ConsentRecord]:
    """Map what a customer has granted or denied."""
    email = json_access.get_optional_object(node, "defaultEmailAddress")
    if email is not None:
        address = json_access.get_text(email, "emailAddress")
        yield from _map_consent(ConsentPurpose.MARKETING_EMAIL, address, email, "marketingState", "marketingUpdatedAt")
    phone = json_access.get_optional_object(node, "defaultPhoneNumber")
    if phone is not None:
        address, consent = (
            json_access.get_text(phone, "phoneNumber"),
            json_access.get_object(phone, "smsMarketingConsent"),
        )
        yield from _map_consent(ConsentPurpose.MARKETING_SMS, address, consent, "state", "updatedAt")


def _map_consent(
    purpose: ConsentPurpose, address: str, node: Node, state: str, decided_at: str
) -> Iterator[ConsentRecord]:
    granted = _DECISIONS.get(json_access.get_text(node, state))
    if granted is not None:
        at = json_access.get_optional_instant(node, decided_at)
        yield ConsentRecord(purpose=purpose, granted=granted, address=address, decided_at=at)
