"""Caps on stock that is held without paying: how many orders and units one client may hold (rule U3).

A client is its subject, if it is authenticated as a shopper. Any other is counted twice: by the contact that it states,
which is free to make up, and by its network, whose caps are wider. The server behind a token is not one client, and
staff are not counted. Only digests are stored, and only until the order is paid or closed.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from gateway.commerce.checkout.sourcing import StockNeed
from gateway.commerce.context import SellingContext
from gateway.commerce.orders.payment_deadline import is_paid
from gateway.model.mutation_result import UserError, UserErrorCode
from gateway.model.orders import OrderContact
from gateway.model.validation import fold
from gateway.storage.database import Connection
from gateway.storage.writes import unpaid_orders
from gateway.storage.writes.orders import OrderRow
from gateway.storage.writes.unpaid_orders import ClientKeys, UnpaidRow

NETWORK_FACTOR = 4
"""How much wider the caps of a network are than those of one client: many clients share it."""


@dataclass(frozen=True, slots=True)
class OrderClient:
    """Who places an order.

    Attributes:
        subject: the authenticated shopper; None: none is.
        network: the network of an unauthenticated client; None: it is not counted by its network.
        is_staff: staff are not counted.
    """

    subject: str | None = None
    network: str | None = None
    is_staff: bool = False


def set_client_keys(order: OrderRow, client: OrderClient, contact: OrderContact, context: SellingContext) -> None:
    """Set by which keys an order is counted that waits for its payment."""
    config = context.config
    if client.is_staff or is_paid(order) or order.channel in config.invoice_channels:
        return
    if client.subject is not None:
        order.client_key = _compute_key(config.secret, "subject", client.subject)
        return
    stated = contact.email or contact.phone or contact.name
    order.client_key = None if stated is None else _compute_key(config.secret, "contact", fold(stated))
    order.network_key = None if client.network is None else _compute_key(config.secret, "network", client.network)


def _compute_key(secret: bytes, kind: str, value: str) -> str:
    """Compute a digest. Without the secret all networks could be tried."""
    message = f"unpaid\0{kind}\0{value}".encode("utf-8", "replace")
    return hmac.new(secret, message, hashlib.sha256).hexdigest()[:32]


def check_caps(
    conn: Connection, order: OrderRow, needs: Sequence[StockNeed], context: SellingContext
) -> UserError | None:
    """Check that the client may hold one more unpaid order with these units.

    Orders of the same client are placed one after the other: its keys are locked.
    """
    keys = ClientKeys(order.client_key, order.network_key)
    if keys == ClientKeys(None, None):
        return None
    unpaid_orders.lock_keys(conn, [key for key in (keys.client, keys.network) if key is not None])
    wanted, caps = _sum_units(needs), context.config.unpaid_caps
    placed, held = unpaid_orders.find_orders(conn, keys), unpaid_orders.find_units(conn, keys, wanted)
    for select, factor in _list_countings(keys):
        mine = [row for row in placed if select(row)]
        if len(mine) >= caps.orders * factor:
            return _refuse("Too many orders wait for their payment. Pay or cancel one first.", mine, context.now)
        for variant, quantity in wanted.items():
            units = [row for row in held if select(row) and row.variant_id == variant]
            excess = quantity + sum(row.units for row in units) > caps.units * factor
            if excess and unpaid_orders.is_tracked(conn, variant):
                message = "Too many units of an item would wait for their payment. Order fewer, or pay first."
                return _refuse(message, units, context.now)
    return None


def _list_countings(keys: ClientKeys) -> Iterator[tuple[Callable[[UnpaidRow], bool], int]]:
    """List how the client is counted: which rows are its own, and how much wider the caps are."""
    if keys.client is not None:
        yield lambda row: row.keys.client == keys.client, 1
    if keys.network is not None:
        yield lambda row: row.keys.network == keys.network, NETWORK_FACTOR


def _sum_units(needs: Sequence[StockNeed]) -> Mapping[str, int]:
    wanted: dict[str, int] = {}
    for need in needs:
        wanted[need.variant_id] = wanted.get(need.variant_id, 0) + need.quantity * need.units
    return wanted


def _refuse(message: str, rows: Sequence[UnpaidRow], now: datetime) -> UserError:
    until = min((row.pay_by for row in rows if row.pay_by is not None), default=None)
    error = UserError(code=UserErrorCode.LIMIT_EXCEEDED, field=("input", "cartToken"), message=message)
    return set_retry_time(error, until, now)


def set_retry_time(error: UserError, until: datetime | None, now: datetime) -> UserError:
    """State when the earliest unpaid order falls due, so that its units may be free then."""
    if until is None:
        return error
    seconds = max(1, int((until - now).total_seconds()) + 1)
    return replace(error, retryable=True, retry_after_seconds=seconds)
