"""Claims of shipments: the stock of all shipments of an order is claimed at once (rules K7, O1)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from gateway.commerce.checkout.sourcing import Shipment, StockNeed
from gateway.commerce.context import SellingContext
from gateway.commerce.inventory.reservations import ReservationTemplate, StockRequest, claim_stock
from gateway.model.stock import MovementReason, ReservationState
from gateway.storage.database import Connection
from gateway.storage.writes.reservations import ReservationRow


@dataclass(frozen=True, slots=True)
class ClaimedShipment:
    """A shipment, and the reservations of its goods, which are not stored yet."""

    shipment: Shipment
    rows: Sequence[ReservationRow]


def claim_shipments(
    conn: Connection,
    shipments: Sequence[Shipment],
    needs: Mapping[str, StockNeed],
    context: SellingContext,
    unpaid_share: Decimal | None = None,
) -> list[ClaimedShipment]:
    """Claim the stock of all shipments, or none.

    Args:
        needs: by the line IDs that shipments use.
        unpaid_share: the share of each level that unpaid orders of unauthenticated clients may hold, of which this is
            one; None: no limit.

    Raises:
        InsufficientStockError: fewer units are available. Positions count the lines of all shipments.
    """
    keys = [(n, line) for n, shipment in enumerate(shipments) for line in shipment.quantities]
    requests = [_build_request(shipments[n], needs[line]) for n, line in keys]
    template = ReservationTemplate(
        state=ReservationState.COMMITTED, reason=MovementReason.SALE, unpaid_share=unpaid_share
    )
    claimed = claim_stock(conn, requests, template, context)
    rows: list[list[ReservationRow]] = [[] for _ in shipments]
    for position, (n, _) in enumerate(keys):
        rows[n] += claimed.get(position, ())
    return [ClaimedShipment(shipment, shipment_rows) for shipment, shipment_rows in zip(shipments, rows, strict=True)]


def _build_request(shipment: Shipment, need: StockNeed) -> StockRequest:
    return StockRequest(
        need.variant_id, (shipment.source or shipment.location).key, shipment.quantities[need.line_id] * need.units
    )
