"""What stands in the configuration of a till that is a SQL database."""

from __future__ import annotations

import importlib.util
import re
from datetime import timedelta
from typing import Annotated, Literal
from zoneinfo import available_timezones

import sqlalchemy as sa
from pydantic import AfterValidator, BeforeValidator, SecretStr

from gateway.sdk import Config, InvalidValueError, Money

URL_FORMS = "sqlite:///FILE, postgresql://USER:PASSWORD@HOST/NAME or mariadb://USER:PASSWORD@HOST/NAME"
DRIVERS = {"sqlite": "sqlite3", "postgresql": "asyncpg", "mariadb": "aiomysql", "mysql": "aiomysql"}
"""By what a URL may begin with."""
LONGEST_LATE_WINDOW = timedelta(days=14)
_NAME = re.compile(r"[A-Za-z_][\w$ ]*(\.[A-Za-z_][\w$ ]*)?")
_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}


def _name(value: str) -> str:
    if not _NAME.fullmatch(value):
        raise ValueError("expected the name of a table or column")
    return value


def _absent(value: object) -> object:
    return None if value == "" else value


def _url(value: SecretStr) -> SecretStr:
    try:
        url = sa.make_url(value.get_secret_value())
    except (sa.exc.ArgumentError, ValueError):
        raise ValueError(f"is not a URL; expected {URL_FORMS}") from None
    if url.drivername not in DRIVERS:
        raise ValueError(f"begins with {url.drivername}; expected {URL_FORMS}")
    if not url.database or url.database == ":memory:":
        raise ValueError(f"names no database; expected {URL_FORMS}")
    if importlib.util.find_spec(DRIVERS[url.drivername]) is None:
        extra = url.get_backend_name().replace("mysql", "mariadb").replace("postgresql", "postgres")
        raise ValueError(f"needs {DRIVERS[url.drivername]}; install the extra `{extra}`")
    return value


def _currency(value: str) -> str:
    try:
        return Money(0, value).currency_code
    except InvalidValueError:
        raise ValueError("expected a currency code of ISO 4217 such as GBP") from None


def _time_zone(value: str) -> str:
    if value not in available_timezones():
        raise ValueError("expected an IANA time zone such as Europe/London")
    return value


def _late_window(value: object) -> object:
    match = re.fullmatch(r"(\d+)([smhd])", value) if isinstance(value, str) else None
    window = value if match is None else timedelta(seconds=int(match[1]) * _UNITS[match[2]])
    if not isinstance(window, timedelta) or not timedelta(0) <= window <= LONGEST_LATE_WINDOW:
        raise ValueError("expected a duration such as 72h or 3d, at most 14d")
    return window


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
    """How many units of a product are in a place; several rows of one product and place are summed."""

    table: Name = "stockcurrent"
    product: Name = "product"
    location: Name = "location"
    units: Name = "units"


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
    customers: Customers = Customers()
    receipts: Receipts = Receipts()
    tickets: Tickets = Tickets()
    sessions: Sessions = Sessions()
    lines: Lines = Lines()
    payments: Payments = Payments()
    tax_lines: TaxLines = TaxLines()
    taxes: Taxes = Taxes()


class SqlPosConfig(Config):
    """`[channels.KEY.config]` of the plugin `sqlpos`.

    Attributes:
        prices_include_tax: whether the prices of products and lines are gross.
        late_window: how old a receipt may be when it first appears.
        tills: the place of each till.
        missing_stock: what it means that no row counts a product in a place.
        layout: names that differ from the profile's.
    """

    url: Annotated[SecretStr, AfterValidator(_url)]
    currency: Annotated[str, AfterValidator(_currency)]
    time_zone: Annotated[str, AfterValidator(_time_zone)]
    prices_include_tax: bool = False
    late_window: Annotated[timedelta, BeforeValidator(_late_window)] = timedelta(hours=72)
    tills: dict[str, str] = {}
    missing_stock: Literal["zero", "unknown"] = "zero"
    profile: Literal["openbravo"] = "openbravo"
    layout: Layout = Layout()
