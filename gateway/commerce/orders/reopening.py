"""Reopening: an order that only its payment deadline had canceled takes its units again (rule U1).

All units are taken at their former locations, by the former methods and at the frozen price, or none are.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence

from gateway.commerce.checkout.sourcing import Shipment, StockNeed
from gateway.commerce.context import SellingContext
from gateway.commerce.customers.customer_rows import count_orders
from gateway.commerce.inventory.reservations import InsufficientStockError
from gateway.commerce.orders import order_state, shipment_claims, splitting, submission
from gateway.commerce.orders.shipment_claims import ClaimedShipment
from gateway.commerce.outbox.commands import EnqueuedKeys
from gateway.model.locations import FulfillmentMethod
from gateway.model.orders import FulfillmentStatus, OrderEventKind, OrderStatus
from gateway.storage.database import Connection
from gateway.storage.writes import carts, fulfillments, orders
from gateway.storage.writes.customers import identities
from gateway.storage.writes.fulfillments import FulfillmentRow
from gateway.storage.writes.orders import OrderLineRow, OrderRow


def reopen_order(conn: Connection, order: OrderRow, context: SellingContext) -> EnqueuedKeys | None:
    """Reopen a locked, canceled order. Returns None, with nothing changed, if not all of its units are there."""
    lines = {line.id: line for line in orders.find_lines(conn, [order.id]).values()}
    claimed = _claim_units(conn, order, lines, context)
    if claimed is None:
        return None
    order.expired_at = order.cancelled_at = order.withheld = None
    shipments = splitting.build_shipments(conn, order, lines, claimed, context)
    is_undecided = any(shipment.channel_order is not None for shipment in shipments)
    order.status = (OrderStatus.PENDING if is_undecided else OrderStatus.OPEN).value
    note = "Paid after its deadline; all units were still available."
    order_state.append_event(conn, order, OrderEventKind.NOTE, note, context)
    enqueued = submission.submit_shipments(conn, order, shipments, context)
    _count_for_customer(conn, order, context)
    return enqueued


def _claim_units(
    conn: Connection, order: OrderRow, lines: Mapping[str, OrderLineRow], context: SellingContext
) -> list[ClaimedShipment] | None:
    shipments = _list_former_shipments(conn, order, context)
    sold = carts.find_sold_offers(conn, list(lines.values()))
    if not _is_complete(shipments, lines) or len(sold) < len(lines):
        return None
    needs = {id_: StockNeed(id_, offer.variant_id, lines[id_].quantity, offer.units) for id_, offer in sold.items()}
    try:
        return shipment_claims.claim_shipments(conn, shipments, needs, context)
    except InsufficientStockError:
        return None


def _list_former_shipments(conn: Connection, order: OrderRow, context: SellingContext) -> list[Shipment]:
    """List the shipments that the cancellation ended. Goods that are taken away in a shop are not handed over later."""
    return [
        _build_shipment(row, context)
        for row in fulfillments.find_fulfillments(conn, order.id)
        if row.status == FulfillmentStatus.CANCELLED.value
        and row.method != FulfillmentMethod.IN_STORE.value
        and {row.location, row.transfer_from or row.location} <= context.topology.locations.keys()
    ]


def _build_shipment(row: FulfillmentRow, context: SellingContext) -> Shipment:
    locations = context.topology.locations
    source = None if row.transfer_from is None else locations[row.transfer_from]
    return Shipment(FulfillmentMethod(row.method), locations[row.location], source, row.quantities)


def _is_complete(shipments: Sequence[Shipment], lines: Mapping[str, OrderLineRow]) -> bool:
    served: dict[str, int] = defaultdict(int)
    for shipment in shipments:
        for line, quantity in shipment.quantities.items():
            served[line] += quantity
    return served == {id_: line.quantity for id_, line in lines.items()}


def _count_for_customer(conn: Connection, order: OrderRow, context: SellingContext) -> None:
    if order.customer is not None and order.customer_channel is not None:
        orders.store_orders(conn, [order], {order.id})
        buyers = identities.lock_customer_ids(conn, order.customer_channel, [order.customer])
        count_orders(conn, buyers, context.config.customers)
