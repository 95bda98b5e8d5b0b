"""Telling the shop what of an order has left.

A fulfillment carries no name of ours, and those of equal parts of an order look alike. So what had left before is
noted first, as a ticket; what has left beyond that was told by this command, and only the rest of it is.
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
from gateway_shopify.client import Client
from gateway_shopify.handling import Handled, Item, Route, order_by_id
from gateway_shopify.mutations import SHIP
from gateway_shopify.refusals import Refusal, payload_of


class Shipping(Write[ShipOrder]):
    """Tells the shop that units have left, with their tracking."""

    of = ShipOrder

    def __init__(self, client: Client, context: Context) -> None:
        self._client, self._context = client, context

    async def send(self, commands: Sequence[ShipOrder]) -> Sequence[Outcome | ChannelError]:
        """See `Write.send`. Nothing is changed yet."""
        return [await self._noted(command) for command in commands]

    async def find(self, command: ShipOrder, ticket: str | None) -> Outcome | None:
        """See `Write.find`. What has not left since the ticket was made, does."""
        if ticket is None:
            return None
        order = await order_by_id(self._client, command.subject.id)
        if order is None:
            raise OutcomeUnknownError("the shop does not show the order any more")
        return await self._shipped(command, order, _wanted(command) - _since(order, ticket))

    async def _noted(self, command: ShipOrder) -> Outcome:
        order = await order_by_id(self._client, command.subject.id)
        if order is None or order.canceled:
            return Refused(code="CANCELED", message="there is no such order, or it is canceled")
        if not any(route.items for route in order.routes) and order.shipped:
            return Done()  # the shop has sent everything already
        return _refusal(_wanted(command), order) or Accepted(ticket=_ticket(order), look_after=self._context.now())

    async def _shipped(self, command: ShipOrder, order: Handled, left: Counter[str]) -> Outcome:
        """One fulfillment for each location."""
        if (refusal := _refusal(left, order)) is not None:
            return refusal
        for lines in _by_place(order.routes, left):
            told = {"lineItemsByFulfillmentOrder": lines, "notifyCustomer": False, **_tracking(command)}
            answer = payload_of(await self._client.ask(SHIP, fulfillment=told), "fulfillmentCreate")
            if isinstance(answer, Refusal):
                return answer.outcome("note what has left")
        return Done()


def _ticket(order: Handled) -> str:
    return json.dumps(sorted(map(_short, order.shipped)))


def _short(id: str) -> str:
    return hashlib.sha256(id.encode()).hexdigest()[:12]


def _since(order: Handled, ticket: str) -> Counter[str]:
    """What has left since the ticket was made."""
    before = set(json.loads(ticket))
    return sum((units for id, units in order.shipped.items() if _short(id) not in before), Counter())


def _wanted(command: ShipOrder) -> Counter[str]:
    return Counter(command.quantities)


def _refusal(wanted: Counter[str], order: Handled) -> Refused | None:
    """None: all of it can still leave."""
    there = Counter[str]()
    for route in order.routes:
        for item in route.items:
            there[item.variant] += item.units
    return None if wanted <= there else Refused(code="NOT_THERE", message="the order has less that is still to leave")


def _by_place(routes: Sequence[Route], wanted: Counter[str]) -> list[list[dict[str, Any]]]:
    """What leaves, by the location that it leaves from."""
    left, found = Counter(wanted), dict[str | None, list[dict[str, Any]]]()
    for route in routes:
        if items := [told for item in route.items if (told := _some(item, left)) is not None]:
            lines = {"fulfillmentOrderId": route.id, "fulfillmentOrderLineItems": items}
            found.setdefault(route.place, []).append(lines)
    return list(found.values())


def _some(item: Item, left: Counter[str]) -> dict[str, Any] | None:
    units = min(item.units, left[item.variant])
    left[item.variant] -= units
    return item.some(units) if units else None


def _tracking(command: ShipOrder) -> dict[str, Any]:
    told = {"number": command.tracking_number, "company": command.carrier, "url": command.tracking_url}
    given = {field: value for field, value in told.items() if value}
    return {"trackingInfo": given} if given else {}
