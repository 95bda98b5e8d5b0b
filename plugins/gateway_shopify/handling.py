"""An order as those see it who handle it: what of it has to leave from where, and what has left."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from gateway.sdk import ContractError, InvalidValueError, shapes
from gateway_shopify import answers
from gateway_shopify.answers import Node
from gateway_shopify.client import Client
from gateway_shopify.following import complete
from gateway_shopify.mutations import HANDLING

OVER = ("CANCELLED", "CLOSED", "INCOMPLETE")
"""What has become of fulfillment orders from which nothing more leaves."""


@dataclass(frozen=True, slots=True)
class Item:
    """Units of a variant that are still to leave: a line of a fulfillment order."""

    id: str
    variant: str
    units: int

    def some(self, units: int) -> dict[str, Any]:
        """So many of them, as the shop is told."""
        return {"id": self.id, "quantity": units}


@dataclass(frozen=True, slots=True)
class Route:
    """What is to leave from one location: an open fulfillment order."""

    id: str
    place: str | None
    items: Sequence[Item]


@dataclass(frozen=True, slots=True)
class Handled:
    """An order.

    Attributes:
        routed: whether the shop has said where anything of it leaves from.
        shipped: units that have left, by fulfillment and variant.
    """

    id: str
    canceled: bool
    routed: bool
    routes: Sequence[Route]
    shipped: Mapping[str, Counter[str]]


async def handled(client: Client, node: Any) -> Handled:
    """The order that this node is, with all that belongs to it."""
    whole = await complete(client, node)
    try:
        return _handled(whole)
    except InvalidValueError as error:
        raise ContractError(f"the shop shows an order that cannot be understood ({error})") from error


async def order_by_id(client: Client, id: str) -> Handled | None:
    """The order of this number; None: there is none."""
    data = await client.ask(HANDLING, id=answers.gid("Order", id))
    return None if data.get("order") is None else await handled(client, data["order"])


def _handled(node: Node) -> Handled:
    variants = {answers.number(line, "LineItem"): _variant(line) for line in answers.nodes(node, "lineItems")}
    routes = answers.nodes(node, "fulfillmentOrders")
    return Handled(
        id=answers.number(node, "Order"),
        canceled=node.get("cancelledAt") is not None,
        routed=bool(routes),
        routes=[_route(one, variants) for one in routes if shapes.text(one, "status") not in OVER],
        shipped={
            shapes.text(one, "id"): _left(one, variants)
            for one in shapes.several(node, "fulfillments")
            if shapes.text(one, "status") == "SUCCESS"
        },
    )


def _variant(line: Node) -> str:
    found = shapes.optional_one(line, "variant")
    return "" if found is None else answers.number(found, "ProductVariant")


def _line(item: Node) -> str:
    return answers.number(shapes.one(item, "lineItem"), "LineItem")


def _route(node: Node, variants: Mapping[str, str]) -> Route:
    place = shapes.optional_one(node, "assignedLocation", "location")
    items = [
        Item(shapes.text(item, "id"), variants.get(_line(item), ""), shapes.whole(item, "remainingQuantity"))
        for item in answers.nodes(node, "lineItems")
    ]
    here = None if place is None else answers.number(place, "Location")
    return Route(shapes.text(node, "id"), here, [item for item in items if item.units > 0])


def _left(fulfillment: Node, variants: Mapping[str, str]) -> Counter[str]:
    units: Counter[str] = Counter()
    for item in answers.nodes(fulfillment, "fulfillmentLineItems"):
        units[variants.get(_line(item), "")] += 0 if item.get("quantity") is None else shapes.whole(item, "quantity")
    return units
