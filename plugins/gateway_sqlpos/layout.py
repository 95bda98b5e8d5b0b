"""What the tables and columns of a till are called. The defaults are those of Openbravo POS and its heirs."""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import AfterValidator, BeforeValidator

from gateway.sdk import Config

_NAME = re.compile(r"[A-Za-z_][\w$ ]*(\.[A-Za-z_][\w$ ]*)?")


def _name(value: str) -> str:
    if not _NAME.fullmatch(value):
        raise ValueError("expected the name of a table or column")
    return value


def _absent(value: object) -> object:
    return None if value == "" else value


Name = Annotated[str, AfterValidator(_name)]
OptionalName = Annotated[Name | None, BeforeValidator(_absent)]
"""A column or table that not every till has: an empty name says that it is not there."""


class Products(Config):
    """The table of products."""

    table: Name = "products"
    id: Name = "id"
    sku: OptionalName = "reference"
    barcode: OptionalName = "code"
    title: Name = "name"
    price: Name = "pricesell"
    category: OptionalName = "category"


class Categories(Config):
    """The tree in which products are filed."""

    table: OptionalName = "categories"
    id: Name = "id"
    title: Name = "name"
    parent: OptionalName = "parentid"


class Locations(Config):
    """The places that hold stock."""

    table: Name = "locations"
    id: Name = "id"
    name: Name = "name"


class Stock(Config):
    """How many units of a product are in a place; several rows of one product and place are summed.

    Attributes:
        instance: where rows of one product differ by it, the row without it is the one that is written to.
    """

    table: Name = "stockcurrent"
    product: Name = "product"
    location: Name = "location"
    units: Name = "units"
    instance: OptionalName = "attributesetinstance_id"


class Diary(Config):
    """The ledger of stock: what moved, when and why. A till that has none is not written to."""

    table: OptionalName = "stockdiary"
    id: Name = "id"
    date: Name = "datenew"
    reason: Name = "reason"
    location: Name = "location"
    product: Name = "product"
    units: Name = "units"
    price: Name = "price"


class Customers(Config):
    """The table of customers."""

    table: OptionalName = "customers"
    id: Name = "id"
    name: Name = "name"
    given_name: OptionalName = "firstname"
    family_name: OptionalName = "lastname"
    email: OptionalName = "email"
    phone: OptionalName = "phone"
    card: OptionalName = "card"
    line1: OptionalName = "address"
    line2: OptionalName = "address2"
    city: OptionalName = "city"
    region: OptionalName = "region"
    postal_code: OptionalName = "postal"
    country: OptionalName = "country"


class Receipts(Config):
    """What was rung up, and when. `till`: its cash session, or the till itself where `sessions` has no table."""

    table: OptionalName = "receipts"
    id: Name = "id"
    date: Name = "datenew"
    till: OptionalName = "money"


class Tickets(Config):
    """The rest of a receipt: a second table of the same ids, or the same one.

    Attributes:
        kind: tells sales (`sales`) and refunds (`refunds`) from what is neither.
        reverses: on a refund the number of the sale that it refunds, or 0.
    """

    table: Name = "tickets"
    id: Name = "id"
    number: OptionalName = "ticketid"
    customer: OptionalName = "customer"
    kind: OptionalName = "tickettype"
    reverses: OptionalName = "status"
    sales: int = 0
    refunds: int = 1


class Sessions(Config):
    """The cash sessions, which know their till."""

    table: OptionalName = "closedcash"
    id: Name = "money"
    till: Name = "host"


class Lines(Config):
    """The lines of receipts. `price` is of one unit. `attributes`: Java properties in XML, with what it was called."""

    table: Name = "ticketlines"
    receipt: Name = "ticket"
    line: Name = "line"
    product: Name = "product"
    units: Name = "units"
    price: Name = "price"
    attributes: OptionalName = "attributes"


class Payments(Config):
    """What was paid. `on_account`: the method by which nothing is paid yet."""

    table: OptionalName = "payments"
    receipt: Name = "receipt"
    method: OptionalName = "payment"
    total: Name = "total"
    on_account: str = "debt"


class TaxLines(Config):
    """The taxes of receipts."""

    table: OptionalName = "taxlines"
    receipt: Name = "receipt"
    tax: Name = "taxid"
    amount: Name = "amount"


class Taxes(Config):
    """What taxes are called, and their rates as fractions."""

    table: Name = "taxes"
    id: Name = "id"
    title: Name = "name"
    rate: Name = "rate"


class Layout(Config):
    """What the tables and columns are called. The defaults are those of Openbravo POS and its heirs.

    Attributes:
        integer_ids: the ids of all tables are integers.
        stock_with_sale: a sale and its stock are written in one transaction.
    """

    integer_ids: bool = False
    stock_with_sale: bool = True
    products: Products = Products()
    categories: Categories = Categories()
    locations: Locations = Locations()
    stock: Stock = Stock()
    diary: Diary = Diary()
    customers: Customers = Customers()
    receipts: Receipts = Receipts()
    tickets: Tickets = Tickets()
    sessions: Sessions = Sessions()
    lines: Lines = Lines()
    payments: Payments = Payments()
    tax_lines: TaxLines = TaxLines()
    taxes: Taxes = Taxes()
