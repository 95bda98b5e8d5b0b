"""Writes of consents: denials for the default email address or phone number of a customer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from gateway.sdk import ChannelError, ConsentPurpose, Done, Outcome, Refused, SetConsent, Write
from gateway_shopify.client import ShopifyClient
from gateway_shopify.graphql_values import build_gid
from gateway_shopify.read_documents import Operation
from gateway_shopify.user_errors import UserError, get_payload
from gateway_shopify.write_documents import SET_EMAIL_CONSENT, SET_SMS_CONSENT

PURPOSES: Mapping[ConsentPurpose, tuple[Operation, str, str]] = {
    ConsentPurpose.MARKETING_EMAIL: (
        SET_EMAIL_CONSENT,
        "customerEmailMarketingConsentUpdate",
        "emailMarketingConsent",
    ),
    ConsentPurpose.MARKETING_SMS: (SET_SMS_CONSENT, "customerSmsMarketingConsentUpdate", "smsMarketingConsent"),
}
"""The operation, its mutation and the field of its input, by purpose."""


class ConsentUpdate(Write[SetConsent]):
    """Sets marketing states. Setting one again has no further effect."""

    of = SetConsent
    repeatable = True

    def __init__(self, client: ShopifyClient) -> None:
        self._client = client

    async def send(self, commands: Sequence[SetConsent]) -> Sequence[Outcome | ChannelError]:
        """See `Write.send`."""
        return [await self._send_command(command) for command in commands]

    async def _send_command(self, command: SetConsent) -> Outcome:
        if command.purpose not in PURPOSES:
            return Refused(code="UNSUPPORTED", message=f"the shop does not store {command.purpose.value}")
        operation, mutation, field = PURPOSES[command.purpose]
        consent = {
            "marketingState": "SUBSCRIBED" if command.granted else "UNSUBSCRIBED",
            "consentUpdatedAt": command.decided_at.isoformat(),
        }
        variables = {"customerId": build_gid("Customer", command.subject.id), field: consent}
        payload = get_payload(await self._client.call(operation, input=variables), mutation)
        return payload.to_refused("set a consent") if isinstance(payload, UserError) else Done()
