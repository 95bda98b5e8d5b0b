"""Units of order lines: what was shipped, returned and restocked, and at which locations."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from gateway.sdk import LocationQuantity, json_access
from gateway_shopify import graphql_values
from gateway_shopify.fulfillment_orders import TERMINAL_STATUSES
from gateway_shopify.graphql_values import Node

LocationUnits = Mapping[str, Sequence[tuple[str, int]]]
"""Units with their location, by line ID. A location may occur several times."""


@dataclass(frozen=True, slots=True)
class LineProgress:
    """Progress of the lines of an order, by line ID.

    Attributes:
        restocked: returned units that are available again, at the location that is named or not.
        restocked_locations: those of them whose location is named.
        main_locations: the location with the most units of the line.
        locations: where shipped units left, then where the others are to leave.
    """

    fulfilled: Counter[str]
    returned: Counter[str]
    restocked: Counter[str]
    restocked_locations: LocationUnits
    main_locations: Mapping[str, str]
    locations: LocationUnits

    def list_locations(self, line: str, quantity: int) -> Sequence[LocationQuantity]:
        """List the locations of a line with its units, at most so many; empty if all are at the main location."""
        listed = limit_units(self.locations.get(line, ()), quantity)
        return () if [entry.location for entry in listed] == [self.main_locations.get(line)] else listed

    def list_restocked(self, line: str) -> Sequence[LocationQuantity]:
        """List the locations where returned units are available again."""
        return limit_units(self.restocked_locations.get(line, ()), self.restocked[line])


def count_progress(node: Node) -> LineProgress:
    """Count the progress of the lines of an order."""
    return LineProgress(
        count_fulfilled(node),
        count_returned(node),
        _sum_items((item, json_access.get_whole(item, "quantity")) for item in _list_refunded(node, ("RETURN",))),
        _group_by_line(_list_restocked(node)),
        find_main_locations(node),
        _group_by_line((*_list_shipped(node), *_list_waiting(node))),
    )


def limit_units(units: Iterable[tuple[str, int]], most: int) -> Sequence[LocationQuantity]:
    """Sum units by location, at most so many: the first ones."""
    summed, left = Counter[str](), most
    for location, quantity in units:
        counted = max(0, min(quantity, left))
        summed[location] += counted
        left -= counted
    return tuple(LocationQuantity(location, quantity) for location, quantity in summed.items() if quantity)


def count_fulfilled(node: Node) -> Counter[str]:
    """Count the fulfilled units of each line, over all successful fulfillments."""
    return _sum_items(
        (item, quantity) for fulfillment in _list_fulfillments(node) for item, quantity in _list_items(fulfillment)
    )


def count_returned(node: Node) -> Counter[str]:
    """Count the returned units of each line: by a return, or by a refund without a return that restocked them."""
    units: Counter[str] = Counter()
    for returned in graphql_values.get_nodes(node, "returns"):
        for item in graphql_values.get_nodes(returned, "returnLineItems"):
            shipped = json_access.get_optional_object(item, "fulfillmentLineItem")
            if shipped is not None:  # otherwise the line of the returned units is unknown
                units[get_line_id(shipped)] += json_access.get_whole(item, "processedQuantity")
    for item in _list_refunded(node, ("RETURN", "LEGACY_RESTOCK")):
        units[get_line_id(item)] += json_access.get_whole(item, "quantity")
    return units


def find_main_locations(node: Node) -> Mapping[str, str]:
    """Return the location of each line: of several locations the one with the most units."""
    units: Counter[tuple[str, str]] = Counter()
    for location, fulfillment_order in _list_assigned(node, ("CANCELLED",)):
        for item in graphql_values.get_nodes(fulfillment_order, "lineItems"):
            units[get_line_id(item), location] += json_access.get_whole(item, "totalQuantity")
    return {line: location for (line, location), count in reversed(units.most_common()) if count > 0}


def get_line_id(item: Node) -> str:
    """Return the ID of the order line of an item."""
    return graphql_values.get_id(json_access.get_object(item, "lineItem"), "LineItem")


def _list_shipped(node: Node) -> Iterator[tuple[str, str, int]]:
    """List shipped units: line, location, quantity. Records that were stored by earlier versions lack the location."""
    for fulfillment in _list_fulfillments(node):
        location = json_access.get_optional_object(fulfillment, "location")
        if location is not None:
            for item, quantity in _list_items(fulfillment):
                yield get_line_id(item), graphql_values.get_id(location, "Location"), quantity


def _list_waiting(node: Node) -> Iterator[tuple[str, str, int]]:
    """List units that are still to be shipped: line, location, quantity."""
    for location, fulfillment_order in _list_assigned(node, TERMINAL_STATUSES):
        for item in graphql_values.get_nodes(fulfillment_order, "lineItems"):
            yield get_line_id(item), location, json_access.get_whole(item, "remainingQuantity")


def _list_restocked(node: Node) -> Iterator[tuple[str, str, int]]:
    """List returned units that are available again: line, location, quantity."""
    for item in _list_refunded(node, ("RETURN",)):
        location = json_access.get_optional_object(item, "location")
        if location is not None:
            id = graphql_values.get_id(location, "Location")
            yield get_line_id(item), id, json_access.get_whole(item, "quantity")


def _list_assigned(node: Node, without: Sequence[str]) -> Iterator[tuple[str, Node]]:
    """List the fulfillment orders with their location, except those with these statuses."""
    for fulfillment_order in graphql_values.get_nodes(node, "fulfillmentOrders"):
        location = json_access.get_optional_object(fulfillment_order, "assignedLocation", "location")
        if location is not None and json_access.get_text(fulfillment_order, "status") not in without:
            yield graphql_values.get_id(location, "Location"), fulfillment_order


def _list_fulfillments(node: Node) -> Iterator[Node]:
    """List the successful fulfillments."""
    for fulfillment in json_access.get_objects(node, "fulfillments"):
        if json_access.get_text(fulfillment, "status") == "SUCCESS":
            yield fulfillment


def _list_items(fulfillment: Node) -> Iterator[tuple[Node, int]]:
    for item in graphql_values.get_nodes(fulfillment, "fulfillmentLineItems"):
        yield item, 0 if item.get("quantity") is None else json_access.get_whole(item, "quantity")


def _list_refunded(node: Node, restock_types: Sequence[str]) -> Iterator[Node]:
    """List the lines of refunds that do not belong to a return, by how they were restocked."""
    for refund in json_access.get_objects(node, "refunds"):
        for item in graphql_values.get_nodes(refund, "refundLineItems") if refund.get("return") is None else ():
            if json_access.get_text(item, "restockType") in restock_types:
                yield item


def _sum_items(items: Iterable[tuple[Node, int]]) -> Counter[str]:
    units: Counter[str] = Counter()
    for item, quantity in items:
        units[get_line_id(item)] += quantity
    return units


def _group_by_line(entries: Iterable[tuple[str, str, int]]) -> LocationUnits:
    by_line: dict[str, list[tuple[str, int]]] = {}
    for line, location, quantity in entries:
        by_line.setdefault(line, []).append((location, quantity))
    return by_line
