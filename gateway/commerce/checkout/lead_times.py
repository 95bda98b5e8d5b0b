"""Lead times: when goods are ready for pickup, or shipped."""

from __future__ import annotations

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from gateway.commerce.checkout.sourcing import PromisableStock, Shipment, StockNeed, list_serving_locations, plan_pickup
from gateway.commerce.context import SellingContext
from gateway.model.locations import FulfillmentMethod, Location

MAX_CLOSED_DAYS = 31
"""Days in a row that a location can be closed."""


def compute_pickup_time(
    store: Location, need: StockNeed, stock: PromisableStock, context: SellingContext
) -> datetime | None:
    """Compute when an item can be collected in a store, transferred from elsewhere if necessary; None: it cannot."""
    locations = list_serving_locations(context.topology)
    if store not in locations or FulfillmentMethod.PICKUP not in store.fulfillment_methods:
        return None
    plan = plan_pickup(store, [need], locations, stock)
    return None if plan.missing else max(compute_ready_time(shipment, context) for shipment in plan.shipments)


def compute_ready_time(shipment: Shipment, context: SellingContext) -> datetime:
    """Compute when the goods of a shipment are ready for pickup, or are shipped."""
    if shipment.method is FulfillmentMethod.IN_STORE:
        return context.now
    if shipment.method is FulfillmentMethod.SHIPPING:
        return context.now + context.config.shipping_lead_time
    return find_opening(
        shipment.location,
        context.now + (context.config.transfer_lead_time if shipment.source else context.config.pickup_lead_time),
    )


def find_opening(location: Location, moment: datetime) -> datetime:
    """Find the first time from then on at which a location is open. Without opening hours, that is the given time."""
    if not location.has_opening_hours:
        return moment
    today = moment.astimezone(ZoneInfo(location.time_zone)).date()
    for days in range(-1, MAX_CLOSED_DAYS):  # what opened yesterday can be open after midnight
        for period in location.resolve_opening_day(today + timedelta(days=days)).periods:
            if max(period.opens_at, moment) < period.closes_at:
                return max(period.opens_at, moment).astimezone(moment.tzinfo)
    return moment
