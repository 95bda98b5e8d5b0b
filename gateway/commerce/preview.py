"""What placing an order would write, and where: found out by doing it, and undoing it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from gateway.commerce import parts, placing, taxes
from gateway.commerce.carts import Held
from gateway.commerce.options import priced
from gateway.commerce.parts import Part
from gateway.commerce.placing import RefusedError, Wanted
from gateway.commerce.selling import Selling
from gateway.model.channels import Address
from gateway.model.money import Money
from gateway.model.orders import OrderContact
from gateway.model.outcomes import UserError
from gateway.model.stock import Reservation, ReservationState
from gateway.storage import carts
from gateway.storage.database import Connection
from gateway.storage.reservations import ReservationRow


@dataclass(frozen=True, slots=True)
class Step:
    """Something that a channel would be told."""

    channel_key: str
    operation: str
    summary: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Preview:
    """What placing an order would come to."""

    total: Money
    reservations: tuple[Reservation, ...] = ()
    steps: tuple[Step, ...] = ()
    user_errors: tuple[UserError, ...] = ()


class UndoneError(Exception):
    """Thrown so that nothing of it is written."""

    def __init__(self, found: Preview) -> None:
        super().__init__("a preview")
        self.found = found


def preview(
    conn: Connection, held: Held, option_token: str, address: Address | None, selling: Selling, now: datetime
) -> None:
    """Find out what an order would come to.

    Raises:
        UndoneError: always, with what was found, so that the transaction is rolled back.
    """
    nothing = Money(0, next(iter(selling.currencies.values()), "EUR"))
    try:
        raise UndoneError(_found(conn, held, option_token, address, selling, now))
    except RefusedError as error:
        raise UndoneError(Preview(total=nothing, user_errors=error.errors)) from None


def _found(
    conn: Connection, held: Held, option_token: str, address: Address | None, selling: Selling, now: datetime
) -> Preview:
    basket = placing.basket_of(conn, held, selling, now)
    option = placing.option_of(option_token, basket, selling, now)
    goods = priced(basket.needs(), basket.offers, address, selling)
    wanted = Wanted(
        held=held,
        option_token=option_token,
        contact=OrderContact(),
        shipping_address=address,
        payments=(),
        expected=Money(0, basket.row.currency),
    )
    row = placing.order_of(wanted, basket, option, goods, now)
    lines = placing.lines_of(row, basket, goods, now)
    taken = placing.take(conn, basket, option, selling, now)
    made = parts.made(conn, row, lines, option.legs, taken, selling, now)
    variants = carts.variants_of(conn, [one.listing_id for part in made for one in part.rows])
    return Preview(
        total=Money(taxes.gross(goods) + option.price, basket.row.currency),
        reservations=tuple(_shown(one, variants) for part in made for one in part.rows),
        steps=tuple(step for part in made for step in _steps(part)),
    )


def _shown(row: ReservationRow, variants: Mapping[str, str]) -> Reservation:
    return Reservation(
        id=row.id,
        owner="",
        listing_id=row.listing_id,
        variant_id=variants.get(row.listing_id),
        location_key=row.location,
        quantity=row.quantity,
        state=ReservationState(row.state),
        expires_at=None,
    )


def _steps(part: Part) -> Sequence[Step]:
    """An order of the channel's own, or a line of its stock's books for each counter."""
    location = part.leg.source or part.leg.location
    if part.channel_order is not None:
        units = sum(part.quantities.values())
        return [Step(part.channel_order.channel, "PlaceOrder", f"An order of {units} from {location.name}.")]
    return [Step(row.channel, "AdjustStock", f"{-row.quantity} of {row.item} in {location.name}.") for row in part.rows]
