"""Erases of customers: requests that the store erases their personal data, from its orders too."""

from __future__ import annotations

from collections.abc import Sequence

from gateway.sdk import ChannelError, Done, EraseCustomer, Outcome, Write
from gateway_shopify.client import ShopifyClient
from gateway_shopify.graphql_values import build_gid
from gateway_shopify.user_errors import UserError, get_payload
from gateway_shopify.write_documents import ERASE_CUSTOMER

MUTATION = "customerRequestDataErasure"
UNKNOWN_CUSTOMER = "DOES_NOT_EXIST"


class CustomerErasure(Write[EraseCustomer]):
    """Requests erases. The store carries them out later; to request one again has no further effect."""

    of = EraseCustomer
    repeatable = True

    def __init__(self, client: ShopifyClient) -> None:
        self._client = client

    async def send(self, commands: Sequence[EraseCustomer]) -> Sequence[Outcome | ChannelError]:
        """See `Write.send`."""
        return [await self._send_command(command) for command in commands]

    async def _send_command(self, command: EraseCustomer) -> Outcome:
        data = await self._client.call(ERASE_CUSTOMER, customer=build_gid("Customer", command.subject.id))
        payload = get_payload(data, MUTATION)
        if isinstance(payload, UserError) and payload.code != UNKNOWN_CUSTOMER:
            return payload.to_refused("erase the customer")
        return Done()  # a customer that the store does not have needs no erase
