"""The sandbox of a till: sales, changes and faults, in its database."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from gateway.sdk.testing.fault_timer import FaultTimer, check_fault
from gateway.sdk.testing.sandbox import (
    SandboxError,
    UnsupportedFaultError,
    World,
    WorldLine,
    WorldReceipt,
)
from gateway_sqlpos_sandbox.database_control import DatabaseControl, open_control
from gateway_sqlpos_sandbox.sales import get_next_number, get_product, get_sale, insert_receipt
from gateway_sqlpos_sandbox.schema import Family, TillTables
from gateway_sqlpos_sandbox.seed import (
    REFUND,
    SALE,
    build_till_host,
    compute_fingerprint,
    derive_receipt_id,
    load_world,
)

T = TypeVar("T")


async def start(
    world: World, directory: Path, port: int | None = None, webhooks_to: str | None = None
) -> SqlPosSandbox:
    """Start a till in a file of the directory. It has no socket and sends no webhooks: `port` and `webhooks_to` are
    unused.
    """
    await asyncio.to_thread(directory.mkdir, parents=True, exist_ok=True)
    return await open_sandbox(f"sqlite:///{directory / 'till.db'}", world)


async def open_sandbox(
    url: str, world: World, family: Family = Family.UNICENTA, *, foreign_keys: bool = True
) -> SqlPosSandbox:
    """Open the till at a URL; it is seeded unless it already contains this world. `family`, `foreign_keys`: of its
    tables.
    """
    tables = TillTables(family, ZoneInfo(world.time_zone), foreign_keys)
    control = open_control(sa.make_url(url), tables)
    if await control.run(lambda conn: _read_fingerprint(conn, tables)) != compute_fingerprint(world):
        await control.run(lambda conn: _reload(conn, world, tables))
    return SqlPosSandbox(url, world, control, tables)


class SqlPosSandbox:
    """Sandbox of a till; see `gateway.sdk.testing.sandbox.Sandbox`. `tables`: its tables."""

    def __init__(self, url: str, world: World, control: DatabaseControl, tables: TillTables) -> None:
        self._url, self._world, self._control = url, world, control
        self.tables = tables
        self._lock = asyncio.Lock()
        self._fault_timer = FaultTimer(lambda: self.fault("ok"))

    @property
    def config(self) -> Mapping[str, Any]:
        tills = {build_till_host(location.id): location.id for location in self._world.places}
        zone, currency = self._world.time_zone, self._world.currency
        return {"url": self._url, "currency": currency, "time_zone": zone, "tills": tills}

    async def run(self, work: Callable[[Connection], T]) -> T:
        """Run a function over the till's own connection, in one transaction."""
        async with self._lock:
            return await self._control.run(work)

    async def sell(
        self, sku: str, quantity: int, place: str, *, customer: str | None = None, at: datetime | None = None
    ) -> str:
        """Sell units: receipt, ticket, line, payment, tax, diary and stock in one transaction."""
        if quantity < 1:
            raise SandboxError(f"quantity: expected 1 or more, found {quantity}")
        self._check_location(place)

        def work(conn: Connection) -> str:
            product = get_product(conn, sku, self.tables)
            line = WorldLine(sku, quantity, Decimal(repr(product["pricesell"])))
            return self._insert_sale(conn, SALE, place, at, (line,), customer)

        return await self.run(work)

    async def refund_receipt(self, receipt: str, *, at: datetime | None = None, names_sale: bool = True) -> str:
        """Refund all of a sale. `names_sale`: whether the refund refers to the sale, as newer tills do."""

        def work(conn: Connection) -> str:
            sold = get_sale(conn, receipt, self.tables)
            lines = tuple(WorldLine(line.sku, -line.quantity, line.unit_price) for line in sold.lines)
            number = sold.number if names_sale else None
            return self._insert_sale(conn, REFUND, sold.location, at, lines, sold.customer, refunds=number)

        return await self.run(work)

    def _insert_sale(
        self,
        conn: Connection,
        kind: int,
        place: str,
        at: datetime | None,
        lines: tuple[WorldLine, ...],
        customer: str | None,
        *,
        refunds: int | None = None,
    ) -> str:
        receipt = WorldReceipt(
            number=get_next_number(conn, kind, self.tables),
            at=at or datetime.now(UTC),
            place=place,
            lines=lines,
            customer=customer,
            refund=kind == REFUND,
            refunds=refunds,
        )
        insert_receipt(conn, receipt, self._world.tax_rate, ZoneInfo(self._world.time_zone), self.tables)
        return derive_receipt_id(receipt)

    async def price(self, sku: str, amount: Decimal) -> None:
        await self._update_product(sku, pricesell=float(amount))

    async def product(self, sku: str, *, title: str | None = None, deleted: bool = False) -> None:
        if deleted == (title is not None):
            raise SandboxError("expected either a title or deleted")
        if title is not None:
            return await self._update_product(sku, name=title)

        def delete(conn: Connection) -> None:
            tables, product = self.tables, get_product(conn, sku, self.tables)["id"]
            conn.execute(sa.delete(tables.stockcurrent).where(tables.stockcurrent.c.product == product))
            conn.execute(sa.delete(tables.products).where(tables.products.c.id == product))

        try:
            return await self.run(delete)
        except sa.exc.IntegrityError as error:
            raise SandboxError(f"sku: {sku} was sold or moved, so the till cannot delete it") from error

    async def _update_product(self, sku: str, **values: Any) -> None:
        def change(conn: Connection) -> None:
            condition = self.tables.products.c.id == get_product(conn, sku, self.tables)["id"]
            conn.execute(sa.update(self.tables.products).where(condition).values(values))

        await self.run(change)

    async def fault(self, mode: str, seconds: float | None = None) -> None:
        check_fault(mode)
        if mode not in ("ok", "down", "hang"):
            raise UnsupportedFaultError(f"a database does not support the fault {mode}; use down or hang")
        self._fault_timer.cancel()
        async with self._lock:
            await self._control.restore()
            if mode == "down":
                await self._control.take_down()
            if mode == "hang":
                await self._control.lock_tables()
        if mode != "ok" and seconds is not None:
            self._fault_timer.start(seconds)

    async def close(self) -> None:
        await self.fault("ok")
        await self._fault_timer.close()
        await self._control.close()

    def _check_location(self, location: str) -> None:
        locations = [location.id for location in self._world.places]
        if location not in locations:
            raise SandboxError(f"location: expected one of {', '.join(locations)}, found {location}")


def _read_fingerprint(conn: Connection, tables: TillTables) -> str | None:
    applications = tables.applications
    if not sa.inspect(conn).has_table(applications.name):
        return None
    return conn.execute(sa.select(applications.c.version).where(applications.c.id == "sandbox")).scalar()


def _reload(conn: Connection, world: World, tables: TillTables) -> None:
    tables.metadata.drop_all(conn)
    load_world(conn, world, tables)
