"""Serving from elsewhere what a location could not serve: at the same price, by the same method (rule O5)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from gateway.commerce import ledger, parts
from gateway.commerce.ledger import Draft, ShortError, Want
from gateway.commerce.options import shelves
from gateway.commerce.routes import Leg, Need, Route, routes
from gateway.commerce.selling import Selling
from gateway.model.channels import FulfillmentMethod
from gateway.model.orders import FulfillmentStatus
from gateway.model.stock import MovementReason, ReservationState
from gateway.storage import carts, fulfilling, sales
from gateway.storage.database import Connection
from gateway.storage.fulfilling import FulfillmentRow
from gateway.storage.reservations import ReservationRow
from gateway.storage.sales import OrderLineRow, OrderRow


def elsewhere(
    conn: Connection, order: OrderRow, refused: Sequence[FulfillmentRow], selling: Selling, now: datetime
) -> bool:
    """Have what these fulfillments, which are refused, were for come from elsewhere; False: nobody else has it."""
    for row in refused:
        row.status = FulfillmentStatus.REJECTED.value
    fulfilling.store_fulfillments(conn, refused, now)
    return around(conn, order, refused, selling, now)


def around(
    conn: Connection, order: OrderRow, refused: Sequence[FulfillmentRow], selling: Selling, now: datetime
) -> bool:
    """As `elsewhere`; where nobody else has it, nothing has happened."""
    lines = {line.id: line for line in sales.lines_of(conn, [order.id]).values()}
    found = [_legs(conn, order, row, lines, selling) for row in refused]
    if not all(found):
        return False
    new = [leg for legs in found for leg in legs]
    taken = _taken(conn, new, lines, selling, now)
    if taken is None:
        return False
    made = parts.made(conn, order, lines, new, taken, selling, now)
    parts.store(conn, order, made, selling, now)
    return True


def _legs(
    conn: Connection,
    order: OrderRow,
    row: FulfillmentRow,
    lines: Mapping[str, OrderLineRow],
    selling: Selling,
) -> Sequence[Leg]:
    """The best way around the location that could not serve; none, if there is none for all of it."""
    sold = carts.offers_of_sold(conn, [lines[id_] for id_ in row.quantities])
    if len(sold) < len(row.quantities):
        return ()
    needs = [Need(id_, sold[id_].variant_id, quantity, sold[id_].units) for id_, quantity in row.quantities.items()]
    without = _without(selling, row.transfer_from or row.location)
    found = routes(needs, order.channel, shelves(conn, needs, without), None, without)
    fitting = [route for route in found if not route.missing and _fits(route, row)]
    return fitting[0].legs if fitting else ()


def _fits(route: Route, row: FulfillmentRow) -> bool:
    method = FulfillmentMethod(row.method)
    if method is FulfillmentMethod.PICKUP:
        return all(leg.method is method and leg.location.key == row.location for leg in route.legs)
    return all(leg.method is FulfillmentMethod.SHIPPING for leg in route.legs)


def _without(selling: Selling, location: str) -> Selling:
    """As though this location had nothing; things can still be collected there."""
    ground = selling.ground
    return replace(selling, ground=replace(ground, buffers={**ground.buffers, location: 2**31}))


def _taken(
    conn: Connection, legs: Sequence[Leg], lines: Mapping[str, OrderLineRow], selling: Selling, now: datetime
) -> Mapping[tuple[int, str], Sequence[ReservationRow]] | None:
    sold = carts.offers_of_sold(conn, list(lines.values()))
    keys = [(n, line) for n, leg in enumerate(legs) for line in leg.quantities]
    wants = [
        Want(
            sold[line].variant_id, (legs[n].source or legs[n].location).key, legs[n].quantities[line] * sold[line].units
        )
        for n, line in keys
    ]
    draft = Draft(state=ReservationState.COMMITTED, reason=MovementReason.SALE)
    try:
        rows = ledger.claim(conn, wants, draft, selling.ground, now)
    except ShortError:
        return None
    return {key: rows.get(position, ()) for position, key in enumerate(keys)}
