"""Customers who buy in several channels: in the original data, every customer uses one channel."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from decimal import Decimal

from examples.demo import generated
from examples.demo.store import LEEDS
from examples.demo.world import ZONE
from gateway.sdk.testing.sandbox import World, WorldCustomer, WorldLine, WorldReceipt

BUNTING = "47566"
"""The product that they buy."""

CLARA = replace(
    generated.generate_customer("90001"),
    name="Clara Osborne",
    given_name="Clara",
    family_name="Osborne",
    email="clara.osborne@example.com",
    phone="+44 7400 100101",
)
"""The same name and email address at the till and in the web store: one customer."""

MARTA = replace(
    generated.generate_customer("90002"),
    name="Marta Whitlock",
    given_name="Marta",
    family_name="Whitlock",
    email="m.whitlock@example.com",
    phone="+44 7400 100102",
)
"""At the till. The given name in the web store differs by one letter, so the email address opens a review."""

EDGAR = replace(
    generated.generate_customer("90003"),
    name="Edgar Finch",
    given_name="Edgar",
    family_name="Finch",
    email="edgar.finch@example.com",
    phone="+44 7400 100103",
)
"""One customer of the till and the web store, whom docs/customers.md erases."""

TILL = (CLARA, MARTA, EDGAR)
WEB = (
    replace(CLARA, phone=None),
    replace(MARTA, name="Maria Whitlock", given_name="Maria", phone=None),
    replace(EDGAR, phone=None),
)
FIRST_NUMBER = {"till": 990_001, "web": 990_101}
"""Numbers of receipts that the original data does not have."""


def add_shoppers(worlds: Mapping[str, World]) -> dict[str, World]:
    """Add these customers to the till and the web store, each with a receipt."""
    shops = {"till": (TILL, generated.LONDON, "2010-12-14 11:20"), "web": (WEB, LEEDS, "2010-12-16 20:05")}
    return {
        key: _add_customers(world, FIRST_NUMBER[key], *shops[key]) if key in shops else world
        for key, world in worlds.items()
    }


def _add_customers(world: World, first: int, customers: Sequence[WorldCustomer], location: str, at: str) -> World:
    prices = {product.sku: product.price for product in world.products}
    sold = [
        _build_receipt(first + n, customer, location, datetime.fromisoformat(at), prices[BUNTING])
        for n, customer in enumerate(customers)
        if BUNTING in prices
    ]
    return replace(world, customers=[*world.customers, *customers], receipts=[*world.receipts, *sold])


def _build_receipt(number: int, customer: WorldCustomer, location: str, at: datetime, price: Decimal) -> WorldReceipt:
    lines = (WorldLine(BUNTING, 3, price),)
    return WorldReceipt(
        number=number, at=at.replace(tzinfo=ZONE), place=location, customer=customer.number, lines=lines
    )
