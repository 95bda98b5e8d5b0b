"""Confirmation of shipments.

A fulfillment carries no reference of the client, and fulfillments of equal parts look alike. The existing
fulfillments are therefore recorded first, as a ticket: units shipped beyond them belong to this command, and only
the rest is shipped.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Sequence
from typing import Any

from gateway.sdk import (
    Accepted,
    ChannelError,
    Context,
    Done,
    Outcome,
    OutcomeUnknownError,
    Refused,
    ShipOrder,
    Write,
)
from gateway_shopify.client import ShopifyClient
from gateway_shopify.fulfillment_orders import FulfillmentItem, FulfillmentOrder, OrderFulfillment, fetch_order
from gateway_shopify.user_errors import UserError, get_payload
from gateway_shopify.write_documents import CREATE_FULFILLMENT


class ShipmentConfirmation(Write[ShipOrder]):
    """Creates fulfillments with their tracking."""

    of = ShipOrder

    def __init__(self, client: ShopifyClient, context: Context) -> None:
        self._client, self._context = client, context

    async def send(self, commands: Sequence[ShipOrder]) -> Sequence[Outcome | ChannelError]:
        """See `Write.send`. It only records the existing fulfillments."""
        return [await self._take_snapshot(command) for command in commands]

    async def find(self, command: ShipOrder, ticket: str | None) -> Outcome | None:
        """See `Write.find`. It ships the units that have not been shipped since the ticket was issued."""
        if ticket is None:
            return None
        order = await fetch_order(self._client, command.subject.id)
        if order is None:
            raise OutcomeUnknownError("the shop no longer shows the order")
        return await self._create_fulfillments(
            command, order, _count_requested(command) - _count_shipped_since(order, ticket)
        )

    async def _take_snapshot(self, command: ShipOrder) -> Outcome:
        order = await fetch_order(self._client, command.subject.id)
        if order is None or order.canceled:
            return Refused(code="CANCELED", message="the order does not exist or is canceled")
        if not any(route.items for route in order.fulfillment_orders) and order.shipped:
            return Done()  # the shop has already shipped everything
        return _check_available(_count_requested(command), order) or Accepted(
            ticket=_build_ticket(order), look_after=self._context.now()
        )

    async def _create_fulfillments(self, command: ShipOrder, order: OrderFulfillment, left: Counter[str]) -> Outcome:
        """Create one fulfillment for each location."""
        if (refusal := _check_available(left, order)) is not None:
            return refusal
        for lines in _group_by_location(order.fulfillment_orders, left):
            fulfillment = {"lineItemsByFulfillmentOrder": lines, "notifyCustomer": False, **_build_tracking(command)}
            answer = get_payload(
                await self._client.call(CREATE_FULFILLMENT, fulfillment=fulfillment), "fulfillmentCreate"
            )
            if isinstance(answer, UserError):
                return answer.to_refused("create the fulfillment")
        return Done()


def _build_ticket(order: OrderFulfillment) -> str:
    return json.dumps(sorted(map(_hash_id, order.shipped)))


def _hash_id(id: str) -> str:
    return hashlib.sha256(id.encode()).hexdigest()[:12]


def _count_shipped_since(order: OrderFulfillment, ticket: str) -> Counter[str]:
    """Count the units that were shipped since the ticket was issued."""
    before = set(json.loads(ticket))
    return sum((units for id, units in order.shipped.items() if _hash_id(id) not in before), Counter())


def _count_requested(command: ShipOrder) -> Counter[str]:
    return Counter(command.quantities)


def _check_available(requested: Counter[str], order: OrderFulfillment) -> Refused | None:
    """Return a refusal if fewer units remain to be shipped; otherwise None."""
    available = Counter[str]()
    for route in order.fulfillment_orders:
        for item in route.items:
            available[item.variant] += item.units
    return None if requested <= available else Refused(code="NOT_THERE", message="the order has fewer unshipped units")


def _group_by_location(routes: Sequence[FulfillmentOrder], requested: Counter[str]) -> list[list[dict[str, Any]]]:
    """Distribute units over fulfillment orders and group the input by location."""
    remaining, groups = Counter(requested), dict[str | None, list[dict[str, Any]]]()
    for route in routes:
        if items := [line for item in route.items if (line := _take_units(item, remaining)) is not None]:
            lines = {"fulfillmentOrderId": route.id, "fulfillmentOrderLineItems": items}
            groups.setdefault(route.location, []).append(lines)
    return list(groups.values())


def _take_units(item: FulfillmentItem, remaining: Counter[str]) -> dict[str, Any] | None:
    units = min(item.units, remaining[item.variant])
    remaining[item.variant] -= units
    return item.build_input(units) if units else None


def _build_tracking(command: ShipOrder) -> dict[str, Any]:
    values = {"number": command.tracking_number, "company": command.carrier, "url": command.tracking_url}
    tracking = {field: value for field, value in values.items() if value}
    return {"trackingInfo": tracking} if tracking else {}
