"""Stock writes: adjustments where the shop is the authority of its stock, updates where it follows another one.

Both carry an idempotency key, so a command whose response was lost is sent again and the shop returns the original
result. It stores keys for one day.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

from gateway.sdk import (
    AdjustStock,
    ChannelError,
    Done,
    MovementReason,
    Outcome,
    OutcomeUnknownError,
    SetStock,
    UnavailableError,
    Write,
)
from gateway_shopify import graphql_values
from gateway_shopify.client import ShopifyClient
from gateway_shopify.read_documents import Operation
from gateway_shopify.user_errors import UserError, get_payload
from gateway_shopify.write_documents import ADJUST_STOCK, SET_STOCK

REASONS: Mapping[MovementReason, str] = MappingProxyType(
    {
        MovementReason.COUNT: "cycle_count_available",
        MovementReason.DAMAGE: "damaged",
        MovementReason.THEFT: "shrinkage",
        MovementReason.FOUND: "correction",
        MovementReason.CORRECTION: "correction",
        MovementReason.RECEIVED: "received",
        MovementReason.SALE: "other",
        MovementReason.CANCELLATION: "restock",
        MovementReason.TRANSFER: "movement_created",
    }
)
"""Reasons of the shop. It has none for units that another channel sold."""

MAX_KEY_CHANGES = 4
"""Maximum number of new keys for a command whose attempts have failed."""

CONCURRENT_REQUEST = "IDEMPOTENCY_CONCURRENT_REQUEST"
PREVIOUS_ATTEMPT_FAILED = "IDEMPOTENCY_PREVIOUS_ATTEMPT_FAILED"
TEMPORARY_ERRORS = ("SERVICE_UNAVAILABLE", "ADJUST_QUANTITIES_FAILED")


class StockAdjustment(Write[AdjustStock]):
    """Adjusts the available units by a delta."""

    of = AdjustStock
    repeatable = True

    def __init__(self, client: ShopifyClient) -> None:
        self._client = client

    async def send(self, commands: Sequence[AdjustStock]) -> Sequence[Outcome | ChannelError]:
        """See `Write.send`."""
        return [await self._send_command(command) for command in commands]

    async def _send_command(self, command: AdjustStock) -> Outcome | ChannelError:
        change = {
            **_build_level_input(command.subject.id, command.place),
            "delta": command.delta,
            "changeFromQuantity": None,
        }
        mutation_input = _build_input(REASONS[command.reason], command.key, "changes", change)
        return await _execute(
            self._client, ADJUST_STOCK, "inventoryAdjustQuantities", mutation_input, command.key, moved=True
        )


class StockUpdate(Write[SetStock]):
    """Sets the available units if the shop still has the quantity that was last read."""

    of = SetStock
    repeatable = True

    def __init__(self, client: ShopifyClient) -> None:
        self._client = client

    async def send(self, commands: Sequence[SetStock]) -> Sequence[Outcome | ChannelError]:
        """See `Write.send`."""
        return [await self._send_command(command) for command in commands]

    async def _send_command(self, command: SetStock) -> Outcome | ChannelError:
        """Send the update. Each quantity has its own key, as the shop rejects another quantity under the same key."""
        level = _build_level_input(command.item, command.place)
        entry = {**level, "quantity": command.quantity, "changeFromQuantity": command.seen}
        mutation_input = _build_input("correction", command.key, "quantities", entry)
        key = f"{command.key}:{command.seen}:{command.quantity}"
        return await _execute(self._client, SET_STOCK, "inventorySetQuantities", mutation_input, key, moved=False)


def _build_level_input(item: str, location: str) -> dict[str, Any]:
    return {
        "inventoryItemId": graphql_values.build_gid("InventoryItem", item),
        "locationId": graphql_values.build_gid("Location", location),
    }


def _build_input(reason: str, key: str, field: str, entry: Mapping[str, Any]) -> dict[str, Any]:
    document = f"gid://commerce-gateway/Movement/{key}"
    return {"name": "available", "reason": reason, "referenceDocumentUri": document, field: [entry]}


async def _execute(
    client: ShopifyClient, operation: Operation, field: str, mutation_input: Mapping[str, Any], key: str, *, moved: bool
) -> Outcome | ChannelError:
    """Send a mutation. A failed attempt occupies its key, so the next attempt uses the next one of a fixed sequence."""
    for attempt in range(MAX_KEY_CHANGES + 1):
        answer = get_payload(
            await client.call(operation, input=mutation_input, key=f"{key}:{attempt}" if attempt else key), field
        )
        if not isinstance(answer, UserError):
            return Done(moved_stock=moved)
        if answer.code != PREVIOUS_ATTEMPT_FAILED:
            return _map_user_error(answer)
    return UnavailableError("the shop repeatedly failed to change the stock")


def _map_user_error(refusal: UserError) -> Outcome | ChannelError:
    if refusal.code == CONCURRENT_REQUEST:
        return OutcomeUnknownError("the shop is still processing the request")
    if refusal.code in TEMPORARY_ERRORS:
        return UnavailableError("the shop cannot change stock at the moment")
    return refusal.to_refused("change the stock")
