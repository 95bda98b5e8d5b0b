"""Ownership of shoppers: what belongs to the part of a customer that the caller's login proves (rule C7).

Every path to an order, a cart or a customer goes through a loader that notes in the context what is the caller's own.
Everything else answers as if it did not exist.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from gateway.execution.context import Context
from gateway.model.customers.profiles import Customer
from gateway.model.orders import Order
from gateway.storage.reads.customers import logins


async def load_proved_ids(context: Context, identity_ids: Sequence[str]) -> Sequence[str | None]:
    """Load the ids of customers as the owners of these identities see them."""
    found = await context.read(logins.find_proved_ids, identity_ids)
    return [found.get(id_) for id_ in identity_ids]


async def find_own_id(context: Context) -> str | None:
    """Find the id of the customer as the caller sees it. None: the caller is no shopper."""
    if context.identity_id is None:
        return None
    (proved_id,) = await context.load_all(load_proved_ids, [context.identity_id])
    return proved_id  # type: ignore[no-any-return]


async def select_own_homes(context: Context, homes: Iterable[str | None]) -> frozenset[str]:
    """Select, of customer ids that were ever given, those of the caller."""
    own_id, ids = await find_own_id(context), sorted({home for home in homes if home is not None})
    if own_id is None or not ids:
        return frozenset()
    proved = await context.read(logins.find_proved_ids_of_homes, ids)
    return frozenset(home for home in ids if proved.get(home) == own_id)


async def claim_orders(context: Context, orders: Mapping[str, Order]) -> Mapping[str, Order]:
    """Note which of these orders are the shopper's own, and name their customer as the shopper sees it.

    An order that the shopper sees for another reason names no customer (rule C7).
    """
    own_id = await find_own_id(context)
    if own_id is None:
        return orders
    return {id_: _claim_order(context, order, own_id) for id_, order in orders.items()}


def _claim_order(context: Context, order: Order, own_id: str) -> Order:
    is_own = order.proved_customer_id == own_id
    if is_own:
        context.accept_own(order.id)
    return replace(order, customer_id=own_id if is_own else None)


def claim_customers(context: Context, customers: Iterable[Customer]) -> None:
    """Note that these customers are the shopper."""
    for customer in customers:
        context.accept_own(customer.id)
