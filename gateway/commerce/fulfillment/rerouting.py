"""Rerouting: another location serves what a location could not, at the same price and by the same method (rule O5)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from gateway.commerce.checkout.fulfillment_options import load_promisable_stock
from gateway.commerce.checkout.sourcing import Shipment, SourcingPlan, StockNeed, rank_plans
from gateway.commerce.config import SellingConfig
from gateway.commerce.context import SellingContext
from gateway.commerce.inventory.reservations import InsufficientStockError
from gateway.commerce.orders import shipment_claims, splitting, submission
from gateway.commerce.orders.shipment_claims import ClaimedShipment
from gateway.model.locations import FulfillmentMethod
from gateway.model.orders import FulfillmentStatus
from gateway.storage.database import Connection
from gateway.storage.writes import carts, fulfillments, orders
from gateway.storage.writes.fulfillments import FulfillmentRow
from gateway.storage.writes.orders import OrderLineRow, OrderRow


def reject_and_reroute(
    conn: Connection, order: OrderRow, refused: Sequence[FulfillmentRow], context: SellingContext
) -> bool:
    """Reject fulfillments and reroute them. Returns False if no other location can serve them."""
    fulfillments.close_fulfillments(conn, refused, FulfillmentStatus.REJECTED, context.now)
    return reroute(conn, order, refused, context)


def reroute(conn: Connection, order: OrderRow, refused: Sequence[FulfillmentRow], context: SellingContext) -> bool:
    """Reroute fulfillments. If no other location can serve them, nothing is changed and False is returned."""
    lines = {line.id: line for line in orders.find_lines(conn, [order.id]).values()}
    plans = [_find_shipments(conn, order, row, lines, context.config) for row in refused]
    if not all(plans):
        return False
    shipments = [shipment for planned in plans for shipment in planned]
    claimed = _claim_shipments(conn, shipments, lines, context)
    if claimed is None:
        return False
    order_shipments = splitting.build_shipments(conn, order, lines, claimed, context)
    submission.submit_shipments(conn, order, order_shipments, context)
    return True


def _find_shipments(
    conn: Connection,
    order: OrderRow,
    row: FulfillmentRow,
    lines: Mapping[str, OrderLineRow],
    config: SellingConfig,
) -> Sequence[Shipment]:
    """Find the best shipments that avoid the location that could not serve. Returns none if they do not cover
    everything.
    """
    sold = carts.find_sold_offers(conn, [lines[id_] for id_ in row.quantities])
    if len(sold) < len(row.quantities):
        return ()
    needs = [
        StockNeed(id_, sold[id_].variant_id, quantity, sold[id_].units) for id_, quantity in row.quantities.items()
    ]
    without = _exclude_location(config, row.transfer_from or row.location)
    plans = rank_plans(needs, order.channel, load_promisable_stock(conn, needs, order.channel, without), None, without)
    suitable = [plan for plan in plans if not plan.missing and _is_suitable(plan, row)]
    return suitable[0].shipments if suitable else ()


def _is_suitable(plan: SourcingPlan, row: FulfillmentRow) -> bool:
    method = FulfillmentMethod(row.method)
    if method is FulfillmentMethod.PICKUP:
        return all(shipment.method is method and shipment.location.key == row.location for shipment in plan.shipments)
    return all(shipment.method is FulfillmentMethod.SHIPPING for shipment in plan.shipments)


def _exclude_location(config: SellingConfig, location: str) -> SellingConfig:
    """Exclude a location as a source of goods. Goods can still be collected there."""
    topology = config.topology
    return replace(config, topology=replace(topology, buffers={**topology.buffers, location: 2**31}))


def _claim_shipments(
    conn: Connection, shipments: Sequence[Shipment], lines: Mapping[str, OrderLineRow], context: SellingContext
) -> list[ClaimedShipment] | None:
    sold = carts.find_sold_offers(conn, list(lines.values()))
    needs = {id_: StockNeed(id_, offer.variant_id, lines[id_].quantity, offer.units) for id_, offer in sold.items()}
    try:
        return shipment_claims.claim_shipments(conn, shipments, needs, context)
    except InsufficientStockError:
        return None
