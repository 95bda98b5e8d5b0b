"""Names of a till's tables and columns. The defaults are those of Openbravo POS and its derivatives."""

from __future__ import annotations

import re
from typing import Annotated, ClassVar

from pydantic import AfterValidator, BeforeValidator

from gateway.sdk import Config

_NAME_PATTERN = re.compile(r"[A-Za-z_][\w$ ]*(\.[A-Za-z_][\w$ ]*)?")


def is_name(text: str) -> bool:
    """Whether a text is the name of a table or column."""
    return _NAME_PATTERN.fullmatch(text) is not None


def _check_name(value: str) -> str:
    if not is_name(value):
        raise ValueError("expected the name of a table or column")
    return value


def _convert_empty(value: object) -> object:
    return None if value == "" else value


Name = Annotated[str, AfterValidator(_check_name)]
OptionalName = Annotated[Name | None, BeforeValidator(_convert_empty)]
"""A column or table that is optional: an empty name means that the till does not have it."""


class Products(Config):
    """The table of products.

    Attributes:
        service: Whether a product is a service, which has no stock.
        scale: Whether a product is sold by weight, in kilograms.
    """

    if_present: ClassVar[frozenset[str]] = frozenset({"service", "scale"})
    """Fields whose columns some tills do not have."""

    table: Name = "products"
    id: Name = "id"
    sku: OptionalName = "reference"
    barcode: OptionalName = "code"
    title: Name = "name"
    price: Name = "pricesell"
    category: OptionalName = "category"
    service: OptionalName = "isservice"
    scale: OptionalName = "isscale"


class Bundles(Config):
    """The components of bundles: selling a bundle moves the stock of its components, not its own.

    Attributes:
        product: The bundle.
        component: A product that it contains.
        quantity: Units of the component in one bundle.
    """

    if_present: ClassVar[frozenset[str]] = frozenset({"table"})

    table: OptionalName = "products_bundle"
    product: Name = "product"
    component: Name = "product_bundle"
    quantity: Name = "quantity"


class Categories(Config):
    """The category tree of products."""

    table: OptionalName = "categories"
    id: Name = "id"
    title: Name = "name"
    parent: OptionalName = "parentid"


class Locations(Config):
    """The locations that hold stock."""

    table: Name = "locations"
    id: Name = "id"
    name: Name = "name"


class Stock(Config):
    """Units of a product at a location; several rows of one product and location are summed.

    Attributes:
        instance: Column that distinguishes rows of one product; writes use the row in which it is null.
    """

    table: Name = "stockcurrent"
    product: Name = "product"
    location: Name = "location"
    units: Name = "units"
    instance: OptionalName = "attributesetinstance_id"


class Diary(Config):
    """The stock diary: movements of stock with date and reason. A till without one is not written to."""

    table: OptionalName = "stockdiary"
    id: Name = "id"
    date: Name = "datenew"
    reason: Name = "reason"
    location: Name = "location"
    product: Name = "product"
    units: Name = "units"
    price: Name = "price"


PERSONAL_FIELDS = (
    "given_name",
    "family_name",
    "email",
    "phone",
    "card",
    "line1",
    "line2",
    "city",
    "region",
    "postal_code",
    "country",
)
"""Fields of customers, beside their name and search key, that an erase clears."""

OPTIONAL_PERSONAL_COLUMNS = ("taxid", "phone2", "fax", "notes", "image")
"""Columns that are not read, of which some tills lack some."""


class Customers(Config):
    """The table of customers.

    Attributes:
        visible: Whether the till shows them; others are left out.
        email_verified: A flag that is set once the customer has confirmed the email address; most tills have none.
        points: Loyalty points that the till shows, a column of integers; most tills have none.
        tier: Tier that the till shows.
        search_key: Unique text by which the till finds them; an erase replaces it by the ID.
        personal_columns: Further columns with personal data, which are not read; an erase clears them.
    """

    if_present: ClassVar[frozenset[str]] = frozenset({"visible", "search_key"})

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
    visible: OptionalName = "visible"
    email_verified: OptionalName = None
    points: OptionalName = None
    tier: OptionalName = None
    search_key: OptionalName = "searchkey"
    personal_columns: tuple[Name, ...] = OPTIONAL_PERSONAL_COLUMNS

    def list_personal_names(self) -> list[str]:
        """List the columns with personal data that are configured, in lowercase."""
        mapped = [getattr(self, field) for field in ("name", "search_key", *PERSONAL_FIELDS)]
        return [name.lower() for name in (*mapped, *self.personal_columns) if name is not None]


class Receipts(Config):
    """The receipts. `till`: the cash session, or the till itself if `sessions` has no table."""

    table: OptionalName = "receipts"
    id: Name = "id"
    date: Name = "datenew"
    till: OptionalName = "money"


class Tickets(Config):
    """The tickets: further columns of receipts, in a second table with the same IDs or in the same table.

    Attributes:
        kind: Distinguishes sales (`sales`) and refunds (`refunds`) from other tickets.
        reverses: On a refund, the number of the refunded sale, or 0.
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
    """The cash sessions of tills."""

    table: OptionalName = "closedcash"
    id: Name = "money"
    till: Name = "host"


class Lines(Config):
    """The lines of receipts. `price`: of one unit; `attributes`: Java properties in XML, with the name at the time of
    sale.
    """

    table: Name = "ticketlines"
    receipt: Name = "ticket"
    line: Name = "line"
    product: Name = "product"
    units: Name = "units"
    price: Name = "price"
    attributes: OptionalName = "attributes"


class Payments(Config):
    """The payments.

    Attributes:
        method: The method of payment. Without it, nothing is known to be paid in cash.
        on_account: The method of amounts that are not paid yet.
        cash: The methods of amounts that are paid, or paid back, in cash.
    """

    table: OptionalName = "payments"
    receipt: Name = "receipt"
    method: OptionalName = "payment"
    total: Name = "total"
    on_account: str = "debt"
    cash: tuple[str, ...] = ("cash", "cashrefund")


class TaxLines(Config):
    """The taxes of receipts."""

    table: OptionalName = "taxlines"
    receipt: Name = "receipt"
    tax: Name = "taxid"
    amount: Name = "amount"


class Taxes(Config):
    """The taxes, with rates as fractions."""

    table: Name = "taxes"
    id: Name = "id"
    title: Name = "name"
    rate: Name = "rate"


class Reviews(Config):
    """A table of published reviews, which no till has by itself. Without `verified`, no purchase is known.

    Attributes:
        product: The product, by its ID.
        rating: Whole stars, 1 to 5.
        date: Local time of the till.
        published: Whether the review is shown; others are left out.
        integer_ids: Whether the IDs of reviews are integers, even if those of the till are not.
    """

    table: OptionalName = None
    integer_ids: bool = False
    id: Name = "id"
    product: Name = "product"
    rating: Name = "rating"
    title: OptionalName = None
    body: OptionalName = "body"
    author: OptionalName = None
    date: Name = "written_at"
    reply: OptionalName = None
    verified: OptionalName = None
    published: OptionalName = None


class Layout(Config):
    """Names of tables and columns. The defaults are those of Openbravo POS and its derivatives.

    Attributes:
        integer_ids: Whether all IDs are integers.
        stock_with_sale: Whether a sale and its stock are written in one transaction.
    """

    integer_ids: bool = False
    stock_with_sale: bool = True
    products: Products = Products()
    bundles: Bundles = Bundles()
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
    reviews: Reviews = Reviews()
