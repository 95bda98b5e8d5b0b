"""Configuration of a point of sale with a SQL database."""

from __future__ import annotations

import importlib.util
import re
from datetime import timedelta
from decimal import Decimal
from typing import Annotated, Literal, Self

import sqlalchemy as sa
from pydantic import AfterValidator, BeforeValidator, Field, SecretStr, model_validator

from gateway.sdk import Config, Currency, TimeZone
from gateway_sqlpos.table_mapping import Customers, Diary, Layout, Reviews, Stock

URL_FORMS = "sqlite:///FILE, postgresql://USER:PASSWORD@HOST/NAME or mariadb://USER:PASSWORD@HOST/NAME"
DRIVERS = {"sqlite": "sqlite3", "postgresql": "asyncpg", "mariadb": "aiomysql", "mysql": "aiomysql"}
"""Drivers by the scheme of the URL."""
MAX_LATE_WINDOW = timedelta(days=14)
_UNIT_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400}


def _check_url(value: SecretStr) -> SecretStr:
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


def _parse_late_window(value: object) -> object:
    match = re.fullmatch(r"(\d+)([smhd])", value) if isinstance(value, str) else None
    window = value if match is None else timedelta(seconds=int(match[1]) * _UNIT_SECONDS[match[2]])
    if not isinstance(window, timedelta) or not timedelta(0) <= window <= MAX_LATE_WINDOW:
        raise ValueError("expected a duration such as 72h or 3d, at most 14d")
    return window


class SqlPosConfig(Config):
    """`[channels.KEY.config]` of the plugin `sqlpos`.

    Attributes:
        prices_include_tax: Whether the prices of products and lines include tax.
        cash_rounding: Smallest coin, such as 0.05, to which amounts paid in cash are rounded; None: they are not.
        units: Unit of measure of the products of a category and those below it, by its title: the till counts them in
            kilograms, liters or meters, the gateway in this unit. Others are in g if the till sells them by weight.
        net_content: Column of the table of products with what a unit contains, such as 0.5 l; None: there is none.
        prices: Columns of the table of products with prices in other currencies, by currency.
        late_window: Maximum age of a receipt when it first appears in the database.
        tills: Location ID of each till.
        missing_stock: Whether a product without a stock row at a location has zero or unknown stock.
        stock_movements: Whether stock movements are written to the till; its user needs write permission.
        loyalty: Whether points and tiers of the gateway are written to the columns that `layout.customers` names.
        erase_customers: Whether the gateway erases customers in the table of customers.
        receipts: Whether orders are written as receipts, where the law allows it.
        clerk: The till's ID of the person who is named on those receipts.
        layout: Names of tables and columns that differ from the profile.
    """

    url: Annotated[SecretStr, AfterValidator(_check_url)]
    currency: Currency
    time_zone: TimeZone
    prices_include_tax: bool = False
    cash_rounding: Annotated[Decimal, Field(gt=0)] | None = None
    late_window: Annotated[timedelta, BeforeValidator(_parse_late_window)] = timedelta(hours=72)
    net_content: str | None = None
    prices: dict[Currency, str] = {}
    tills: dict[str, str] = {}
    units: dict[str, Literal["g", "ml", "mm"]] = {}
    missing_stock: Literal["zero", "unknown"] = "zero"
    stock_movements: bool = False
    loyalty: bool = False
    erase_customers: bool = False
    receipts: bool = False
    clerk: str = "0"
    profile: Literal["openbravo"] = "openbravo"
    layout: Layout = Layout()

    @model_validator(mode="after")
    def _check_writes(self) -> Self:
        if self.stock_movements and self.diary is None:
            raise ValueError(
                "needs the stock diary of Openbravo POS for stock_movements, or layout.diary to name another"
            )
        built_in = self.layout.model_copy(update={"customers": Customers(), "reviews": Reviews()}) == Layout()
        if self.receipts and not (built_in and self.stock_movements):
            raise ValueError("needs stock_movements = true and the built-in layout, for receipts")
        return self

    @model_validator(mode="after")
    def _check_loyalty(self) -> Self:
        names = self.layout.customers
        if self.loyalty and (names.table is None or names.points is None):
            raise ValueError("needs the column of the points for loyalty: layout.customers.points")
        return self

    @model_validator(mode="after")
    def _check_erases(self) -> Self:
        names = self.layout.customers
        if self.erase_customers and names.table is None:
            raise ValueError("needs the table of customers for erase_customers: layout.customers.table")
        if self.erase_customers and names.id.lower() in names.list_personal_names():
            raise ValueError("needs an ID of customers that is no personal data for erase_customers")
        return self

    @property
    def diary(self) -> Diary | None:
        """The stock diary if it is written to. A layout with its own stock table must also name its diary."""
        names, stock = self.layout.diary, self.layout.stock
        is_named = names != Diary() or stock == Stock()
        writable = is_named and names.table is not None and not self.layout.integer_ids
        return names if writable and self.stock_movements else None
