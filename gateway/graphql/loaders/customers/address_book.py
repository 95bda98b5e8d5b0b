"""Loaders of address books."""

from __future__ import annotations

from collections.abc import Sequence

from gateway.commerce.customers.address_book import find_address_books
from gateway.execution.context import Context
from gateway.graphql.loaders.customers.profiles import load_customers
from gateway.graphql.runtime_protocol import get_runtime
from gateway.model.customers.address_book import CustomerAddress
from gateway.storage.reads.customers import address_owners


async def load_address_books(context: Context, ids: Sequence[str]) -> Sequence[list[CustomerAddress]]:
    """Load the addresses of customers."""
    is_own, config = context.identity_id is not None, get_runtime(context).selling.customers
    books = await context.read(find_address_books, ids, config, proved=is_own)
    if is_own:
        for address in (address for book in books.values() for address in book):
            context.accept_own(address.id)
    return [list(books[id_]) for id_ in ids]


async def load_customer_addresses(context: Context, ids: Sequence[str]) -> Sequence[CustomerAddress | None]:
    """Load addresses by ID, of customers that the caller sees."""
    homes = await context.read(address_owners.find_homes_of_addresses, ids)
    customers = await context.load_all(load_customers, [homes.get(id_, "") for id_ in ids])
    owners = list(dict.fromkeys(customer.id for customer in customers if customer is not None))
    books = await context.load_all(load_address_books, owners)
    found = {address.id: address for book in books for address in book}
    return [found.get(id_) for id_ in ids]
