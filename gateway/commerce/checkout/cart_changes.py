"""Changes of a cart, and its repricing after every change.

Prices and quantities are compared with the current offers. What differs from what the client last saw is stored as a
change and returned as a warning.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from gateway.commerce.checkout.sellable import count_sellable, find_sold_stock
from gateway.commerce.context import SellingContext
from gateway.model.carts import CartChangeKind, CartWarning, CartWarningCode
from gateway.model.money import format_minor
from gateway.model.mutation_result import UserError
from gateway.storage.database import Connection
from gateway.storage.writes import carts
from gateway.storage.writes.carts import CartChangeRow, CartLineRow, CartRow, Offer

MAX_LINE_QUANTITY = 9_999


@dataclass(slots=True)
class CartChangeset:
    """A cart that is being changed: its rows, and the errors, warnings and changes so far."""

    row: CartRow
    former_lines: list[CartLineRow]
    lines: list[CartLineRow]
    errors: list[UserError] = field(default_factory=list)
    warnings: list[CartWarning] = field(default_factory=list)
    changes: list[CartChangeRow] = field(default_factory=list)

    def record_change(self, kind: CartChangeKind, line: CartLineRow | None, **values: int | None) -> None:
        """Record a change that the client did not request."""
        self.changes.append(
            CartChangeRow(
                cart_id=self.row.id,
                version=self.row.version + 1,
                number=len(self.changes),
                kind=kind.value,
                line_id=None if line is None else line.id,
                title="" if line is None else line.title,
                **values,
            )
        )


def reprice(conn: Connection, changeset: CartChangeset, context: SellingContext) -> None:
    """Reprice a cart: compare its lines with the current offers and stock of its channel."""
    row = changeset.row
    variants = carts.find_variants_of_listings(conn, [line.listing_id for line in changeset.lines])
    changeset.lines = _merge_lines(changeset.lines, variants)
    offers = carts.find_offers(conn, row.channel, set(variants.values()), row.currency)
    stock = find_sold_stock(conn, row.channel, set(variants.values()), context.topology)
    for line in changeset.lines:
        offer = offers.get(variants.get(line.listing_id, ""))
        if offer is None:
            _mark_unavailable(changeset, line)
            continue
        line.listing_id = offer.listing_id
        _compare_price(changeset, line, offer)
        sellable = count_sellable(stock[offer.variant_id], offer.units, line.quantity, context.disclosure)
        _compare_quantity(changeset, line, sellable)


def _merge_lines(lines: Sequence[CartLineRow], variants: Mapping[str, str]) -> list[CartLineRow]:
    """Merge lines whose listings are one variant now."""
    merged: dict[str, CartLineRow] = {}
    for line in lines:
        merged_line = merged.setdefault(variants.get(line.listing_id, line.id), line)
        if merged_line is not line:
            merged_line.quantity = min(merged_line.quantity + line.quantity, MAX_LINE_QUANTITY)
    return list(merged.values())


def _mark_unavailable(changeset: CartChangeset, line: CartLineRow) -> None:
    if line.unit_price is not None:
        changeset.record_change(CartChangeKind.UNAVAILABLE, line, price_before=line.unit_price)
        _warn(changeset, CartWarningCode.LINE_UNAVAILABLE, line, "is not offered in this channel")
    line.unit_price = line.unit_price_micros = None


def _compare_quantity(changeset: CartChangeset, line: CartLineRow, sellable: int | None) -> None:
    if sellable == 0:
        _warn(changeset, CartWarningCode.LINE_UNAVAILABLE, line, "is out of stock")
    elif sellable is not None and line.quantity > sellable:
        changeset.record_change(
            CartChangeKind.QUANTITY_REDUCED, line, quantity_before=line.quantity, quantity_after=sellable
        )
        text = f"is not available {line.quantity} times. Its quantity is now {sellable}"
        _warn(changeset, CartWarningCode.QUANTITY_REDUCED, line, text)
        line.quantity = sellable


def _compare_price(changeset: CartChangeset, line: CartLineRow, offer: Offer) -> None:
    if line.unit_price not in (None, offer.price):
        changeset.record_change(
            CartChangeKind.PRICE_CHANGED, line, price_before=line.unit_price, price_after=offer.price
        )
        price = f"{format_minor(offer.price, offer.currency)} {offer.currency}"
        _warn(changeset, CartWarningCode.PRICE_CHANGED, line, f"costs {price} now")
    line.unit_price, line.unit_price_micros, line.title = offer.price, offer.price_micros, offer.title


def _warn(changeset: CartChangeset, code: CartWarningCode, line: CartLineRow, text: str) -> None:
    message = f"{line.title} {text}."
    changeset.warnings.append(CartWarning(code=code, message=message, cart_id=changeset.row.id, line_id=line.id))
