"""Stock: counted up and down where the shop's own count is believed, and set where it follows another's.

Both carry the vendor's idempotency key, so a command whose answer was lost is sent again: the shop answers what it did
answer then. It remembers keys for a day.
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
from gateway_shopify import answers
from gateway_shopify.client import Client
from gateway_shopify.mutations import ADJUST, SET
from gateway_shopify.operations import Operation
from gateway_shopify.refusals import Refusal, payload_of

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
"""The shop's words for why units moved. For what another channel sold it has none."""

NEW_KEYS = 4
"""How often a key is made anew of a command whose attempt has failed for certain."""

UNDER_WAY = "IDEMPOTENCY_CONCURRENT_REQUEST"
FAILED = "IDEMPOTENCY_PREVIOUS_ATTEMPT_FAILED"
NOT_NOW = ("SERVICE_UNAVAILABLE", "ADJUST_QUANTITIES_FAILED")


class Adjusting(Write[AdjustStock]):
    """So many units more, or fewer, are available."""

    of = AdjustStock
    repeatable = True

    def __init__(self, client: Client) -> None:
        self._client = client

    async def send(self, commands: Sequence[AdjustStock]) -> Sequence[Outcome | ChannelError]:
        """See `Write.send`."""
        return [await self._sent(command) for command in commands]

    async def _sent(self, command: AdjustStock) -> Outcome | ChannelError:
        change = {**_where(command.subject.id, command.place), "delta": command.delta, "changeFromQuantity": None}
        given = _input(REASONS[command.reason], command.key, "changes", change)
        return await _carried_out(self._client, ADJUST, "inventoryAdjustQuantities", given, command.key, moved=True)


class Setting(Write[SetStock]):
    """So many units are available, if the shop still shows what it was seen to show."""

    of = SetStock
    repeatable = True

    def __init__(self, client: Client) -> None:
        self._client = client

    async def send(self, commands: Sequence[SetStock]) -> Sequence[Outcome | ChannelError]:
        """See `Write.send`."""
        return [await self._sent(command) for command in commands]

    async def _sent(self, command: SetStock) -> Outcome | ChannelError:
        """The quantity is worked out anew whenever it is sent; under the same key the shop would refuse another."""
        there = _where(command.item, command.place)
        entry = {**there, "quantity": command.quantity, "changeFromQuantity": command.seen}
        given = _input("correction", command.key, "quantities", entry)
        key = f"{command.key}:{command.seen}:{command.quantity}"
        return await _carried_out(self._client, SET, "inventorySetQuantities", given, key, moved=False)


def _where(item: str, place: str) -> dict[str, Any]:
    return {"inventoryItemId": answers.gid("InventoryItem", item), "locationId": answers.gid("Location", place)}


def _input(reason: str, key: str, field: str, entry: Mapping[str, Any]) -> dict[str, Any]:
    document = f"gid://commerce-gateway/Movement/{key}"
    return {"name": "available", "reason": reason, "referenceDocumentUri": document, field: [entry]}


async def _carried_out(
    client: Client, operation: Operation, field: str, given: Mapping[str, Any], key: str, *, moved: bool
) -> Outcome | ChannelError:
    """An attempt that failed for certain keeps its key; the next one has the next key, the same every time."""
    for turn in range(NEW_KEYS + 1):
        answer = payload_of(await client.ask(operation, input=given, key=f"{key}:{turn}" if turn else key), field)
        if not isinstance(answer, Refusal):
            return Done(moved_stock=moved)
        if answer.code != FAILED:
            return _no(answer)
    return UnavailableError("the shop could not change the stock, time and again")


def _no(refusal: Refusal) -> Outcome | ChannelError:
    if refusal.code == UNDER_WAY:
        return OutcomeUnknownError("the shop is still at it")
    if refusal.code in NOT_NOW:
        return UnavailableError("the shop cannot change stock now")
    return refusal.outcome("change the stock")
