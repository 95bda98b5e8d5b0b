"""What stands in the configuration of a till that is a SQL database."""

from __future__ import annotations

import importlib.util
import re
from datetime import timedelta
from typing import Annotated, Literal, Self

import sqlalchemy as sa
from pydantic import AfterValidator, BeforeValidator, SecretStr, model_validator

from gateway.sdk import Config, Currency, TimeZone
from gateway_sqlpos.layout import Diary, Layout, Stock

URL_FORMS = "sqlite:///FILE, postgresql://USER:PASSWORD@HOST/NAME or mariadb://USER:PASSWORD@HOST/NAME"
DRIVERS = {"sqlite": "sqlite3", "postgresql": "asyncpg", "mariadb": "aiomysql", "mysql": "aiomysql"}
"""By what a URL may begin with."""
LONGEST_LATE_WINDOW = timedelta(days=14)
_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}


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


def _late_window(value: object) -> object:
    match = re.fullmatch(r"(\d+)([smhd])", value) if isinstance(value, str) else None
    window = value if match is None else timedelta(seconds=int(match[1]) * _UNITS[match[2]])
    if not isinstance(window, timedelta) or not timedelta(0) <= window <= LONGEST_LATE_WINDOW:
        raise ValueError("expected a duration such as 72h or 3d, at most 14d")
    return window


class SqlPosConfig(Config):
    """`[channels.KEY.config]` of the plugin `sqlpos`.

    Attributes:
        prices_include_tax: whether the prices of products and lines are gross.
        late_window: how old a receipt may be when it first appears.
        tills: the place of each till.
        missing_stock: what it means that no row counts a product in a place.
        stock_movements: whether the till is told of units that have moved: its user must be allowed to write.
        receipts: whether orders are written as receipts of their own, where the law allows it.
        clerk: the person who stands on those receipts, by the till's id.
        layout: names that differ from the profile's.
    """

    url: Annotated[SecretStr, AfterValidator(_url)]
    currency: Currency
    time_zone: TimeZone
    prices_include_tax: bool = False
    late_window: Annotated[timedelta, BeforeValidator(_late_window)] = timedelta(hours=72)
    tills: dict[str, str] = {}
    missing_stock: Literal["zero", "unknown"] = "zero"
    stock_movements: bool = False
    receipts: bool = False
    clerk: str = "0"
    profile: Literal["openbravo"] = "openbravo"
    layout: Layout = Layout()

    @model_validator(mode="after")
    def _has_what_it_writes_to(self) -> Self:
        if self.stock_movements and self.diary is None:
            raise ValueError(
                "needs the stock diary of Openbravo POS for stock_movements, or layout.diary to name another"
            )
        if self.receipts and (self.layout != Layout() or not self.stock_movements):
            raise ValueError("needs stock_movements = true and the built-in layout, for receipts")
        return self

    @property
    def diary(self) -> Diary | None:
        """The ledger of stock, where it is written to. Where counts are called otherwise, it must be named as well."""
        names, stock = self.layout.diary, self.layout.stock
        known = names != Diary() or stock == Stock()
        writable = known and names.table is not None and not self.layout.integer_ids
        return names if writable and self.stock_movements else None
