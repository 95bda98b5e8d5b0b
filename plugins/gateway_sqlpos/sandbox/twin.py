"""A till that is sold from and broken, over the database that it is."""

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

from gateway.sdk.testing.sandbox import (
    FAULTS,
    SandboxError,
    UnsupportedFaultError,
    World,
    WorldLine,
    WorldReceipt,
)
from gateway_sqlpos.sandbox import schema
from gateway_sqlpos.sandbox.counter import deliver, next_number, product_named, rung_up
from gateway_sqlpos.sandbox.loading import REFUND, SALE, fingerprint, load, receipt_id, till_of
from gateway_sqlpos.sandbox.owner import Owner, owner_of

T = TypeVar("T")


async def start(world: World, directory: Path, port: int | None = None, webhooks_to: str | None = None) -> TillSandbox:
    """A till in a file of this directory. It has no socket and sends nothing, so neither address matters."""
    await asyncio.to_thread(directory.mkdir, parents=True, exist_ok=True)
    return await open_sandbox(f"sqlite:///{directory / 'till.db'}", world)


async def open_sandbox(url: str, world: World) -> TillSandbox:
    """The till at this address; loaded, unless an earlier run has loaded this world there."""
    owner = owner_of(sa.make_url(url))
    if await owner.run(_loaded) != fingerprint(world):
        await owner.run(lambda conn: _reload(conn, world))
    return TillSandbox(url, world, owner)


class TillSandbox:
    """See `gateway.sdk.testing.sandbox.Sandbox`."""

    def __init__(self, url: str, world: World, owner: Owner) -> None:
        self._url = url
        self._world = world
        self._owner = owner
        self._turn = asyncio.Lock()
        self._mending: asyncio.TimerHandle | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def config(self) -> Mapping[str, Any]:
        tills = {till_of(place.id): place.id for place in self._world.places}
        zone, currency = self._world.time_zone, self._world.currency
        return {"url": self._url, "currency": currency, "time_zone": zone, "tills": tills}

    async def run(self, work: Callable[[Connection], T]) -> T:
        """Run a function over the till's own connection, in one transaction."""
        async with self._turn:
            return await self._owner.run(work)

    async def sell(
        self, sku: str, quantity: int, place: str, *, customer: str | None = None, at: datetime | None = None
    ) -> str:
        """Sell over the counter: receipt, ticket, line, payment, tax, diary and stock in one transaction."""
        if quantity < 1:
            raise SandboxError(f"quantity: expected 1 or more, found {quantity}")
        self._check_place(place)

        def work(conn: Connection) -> str:
            product = product_named(conn, sku)
            line = WorldLine(sku, quantity, Decimal(repr(product["pricesell"])))
            return self._ring_up(conn, SALE, place, at, (line,), customer)

        return await self.run(work)

    async def refund(self, receipt: str, *, at: datetime | None = None, known: bool = True) -> str:
        """Take back all of a sale. `known`: the refund names it, which needs the newer tills."""

        def work(conn: Connection) -> str:
            sold = rung_up(conn, receipt)
            lines = tuple(WorldLine(line.sku, -line.quantity, line.unit_price) for line in sold.lines)
            number = sold.number if known else None
            return self._ring_up(conn, REFUND, sold.place, at, lines, sold.customer, refunds=number)

        return await self.run(work)

    def _ring_up(
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
            number=next_number(conn, kind),
            at=at or datetime.now(UTC),
            place=place,
            lines=lines,
            customer=customer,
            refund=kind == REFUND,
            refunds=refunds,
        )
        deliver(conn, receipt, self._world.tax_rate, ZoneInfo(self._world.time_zone))
        return receipt_id(receipt)

    async def price(self, sku: str, amount: Decimal) -> None:
        await self._change(sku, pricesell=float(amount))

    async def product(self, sku: str, *, title: str | None = None, deleted: bool = False) -> None:
        if deleted == (title is not None):
            raise SandboxError("expected either a title or deleted")
        if title is not None:
            return await self._change(sku, name=title)

        def delete(conn: Connection) -> None:
            product = product_named(conn, sku)["id"]
            conn.execute(sa.delete(schema.stockcurrent).where(schema.stockcurrent.c.product == product))
            conn.execute(sa.delete(schema.products).where(schema.products.c.id == product))

        return await self.run(delete)

    async def _change(self, sku: str, **values: Any) -> None:
        def change(conn: Connection) -> None:
            found = schema.products.c.id == product_named(conn, sku)["id"]
            conn.execute(sa.update(schema.products).where(found).values(values))

        await self.run(change)

    async def fault(self, mode: str, seconds: float | None = None) -> None:
        if mode not in FAULTS:
            raise SandboxError(f"mode: expected one of {', '.join(FAULTS)}, found {mode}")
        if mode not in ("ok", "down", "hang"):
            raise UnsupportedFaultError(f"a database cannot be broken by {mode}; it can be down or hang")
        if self._mending is not None:
            self._mending.cancel()
        async with self._turn:
            await self._owner.mend()
            if mode == "down":
                await self._owner.go_down()
            if mode == "hang":
                await self._owner.hang()
        if mode != "ok" and seconds is not None:
            self._mending = asyncio.get_running_loop().call_later(seconds, self._mend_later)

    def _mend_later(self) -> None:
        task = asyncio.get_running_loop().create_task(self.fault("ok"))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def close(self) -> None:
        await self.fault("ok")
        await asyncio.gather(*self._tasks)
        await self._owner.close()

    def _check_place(self, place: str) -> None:
        known = [place.id for place in self._world.places]
        if place not in known:
            raise SandboxError(f"location: expected one of {', '.join(known)}, found {place}")


def _loaded(conn: Connection) -> str | None:
    if not sa.inspect(conn).has_table("applications"):
        return None
    version = sa.select(schema.applications.c.version).where(schema.applications.c.id == "sandbox")
    return conn.execute(version).scalar()


def _reload(conn: Connection, world: World) -> None:
    schema.metadata.drop_all(conn)
    load(conn, world)
