"""Sellable quantities: how many listings of a variant a channel can sell now (rule K9)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence

from gateway.commerce.context import SellingContext
from gateway.commerce.topology import Topology
from gateway.model.carts import CartLine
from gateway.model.stock import StockDisclosure
from gateway.storage.database import Connection
from gateway.storage.reads import stock_levels
from gateway.storage.reads.stock_levels import Available
from gateway.storage.writes import carts


def find_sold_stock(
    conn: Connection, channel: str, variant_ids: Collection[str], topology: Topology
) -> Mapping[str, Mapping[str, Available]]:
    """Find the available units of each variant at the locations from which a channel sells."""
    selling = topology.list_selling_locations(channel)
    locations = stock_levels.build_counted_locations(selling, topology.buffers)
    return stock_levels.find_available(conn, variant_ids, locations)


def count_sellable(
    available: Mapping[str, Available], units: int, quantity: int, disclosure: StockDisclosure
) -> int | None:
    """Count the listings that can be sold now, as far as the caller may know; None: the stock is not tracked.

    Args:
        available: the units of the variant at each location.
        units: of stock in one listing. A listing leaves from one location.
        quantity: how many listings the caller wants.
    """
    if any(level.units is None for level in available.values()):
        return None
    asked = quantity * units
    shown = [disclosure.show_units(level.units or 0, asked, pack=units) for level in available.values()]
    total = sum(count // units for count in shown)
    return disclosure.show_units(total * units, asked, pack=units) // units


def find_max_quantities(conn: Connection, lines: Sequence[CartLine], context: SellingContext) -> list[int | None]:
    """Find the largest quantity of each line that can be ordered now, as far as the caller may know; None: any."""
    by_cart: dict[tuple[str, str], list[CartLine]] = defaultdict(list)
    for line in lines:
        by_cart[line.channel_key, line.currency_code].append(line)
    found: dict[str, int | None] = {}
    for (channel, currency), sold in by_cart.items():
        found |= _find_line_quantities(conn, channel, currency, sold, context)
    return [found[line.id] for line in lines]


def _find_line_quantities(
    conn: Connection, channel: str, currency: str, lines: Sequence[CartLine], context: SellingContext
) -> dict[str, int | None]:
    variants = {line.variant_id for line in lines if line.variant_id is not None}
    offers = carts.find_offers(conn, channel, variants, currency)
    stock = find_sold_stock(conn, channel, variants, context.topology)
    return {
        line.id: 0
        if (offer := offers.get(line.variant_id or "")) is None
        else count_sellable(stock[offer.variant_id], offer.units, line.quantity, context.disclosure)
        for line in lines
    }
